package tune

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// An Owner is the object of another autoscaler that one of ours was made of: an
// HPA or a ScaledObject. Who owns it applies what is recommended as a patch of it.
type Owner struct {
	// Autoscaler is ours, as NAMESPACE/NAME.
	Autoscaler string `json:"autoscaler"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
	// Lists are the lists of the spec that a patch replaces as a whole.
	Lists map[string]any `json:"lists,omitempty"`
	// Sources has the owner's fields that our targets and queries were made of.
	Sources map[string]string `json:"sources,omitempty"`
}

// The kinds of owners.
const (
	hpaKind          = "HorizontalPodAutoscaler"
	scaledObjectKind = "ScaledObject"
)

// Owners are the objects that the autoscalers of a set were made of.
func Owners(set *manifest.Set) ([]Owner, error) {
	var out []Owner
	for _, e := range set.Autoscalers {
		if e.Doc == nil || e.Doc.Kind != hpaKind && e.Doc.Kind != scaledObjectKind {
			continue
		}
		text, err := e.Doc.Written().JSON()
		if err != nil {
			return nil, err
		}
		var written struct {
			Spec map[string]any `json:"spec"`
		}
		if err := json.Unmarshal(text, &written); err != nil {
			return nil, err
		}
		o := Owner{
			Autoscaler: e.Object.Namespace + "/" + e.Object.Name, Kind: e.Doc.Kind, Namespace: e.Object.Namespace, Name: e.Doc.Written().Name(),
			Lists: map[string]any{}, Sources: map[string]string{},
		}
		for _, list := range []string{"metrics", "triggers"} {
			if v := written.Spec[list]; v != nil {
				o.Lists[list] = v
			}
		}
		for i := range e.Object.Spec.Metrics {
			for _, field := range []string{"target", "query"} {
				path := fmt.Sprintf("spec.metrics[%d].prometheus.%s", i, field)
				o.Sources[path] = e.Doc.Source(path)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

// A Patch holds what is recommended, for the owner of an HPA or a ScaledObject.
type Patch struct {
	Owner Owner
	// File is the patch's name; empty where nothing can be said in the owner's fields.
	File string
	Text []byte
	// Command applies it, given its file's path.
	Command func(path string) string
	// Unsaid says what the owner's fields cannot say, a line each.
	Unsaid []string
}

// Patches are the recommendation as patches of what the policies were converted
// from; none where nothing is recommended.
func (o *Outcome) Patches() ([]Patch, error) {
	if o.Verdict != Recommend {
		return nil, nil
	}
	var out []Patch
	seen := map[string]bool{}
	for i := range o.Subjects {
		subject := &o.Subjects[i]
		set, err := o.recommended(subject, o.Choice)
		if err != nil {
			return nil, err
		}
		was, err := subject.resolve(subject.Set)
		if err != nil {
			return nil, err
		}
		is, err := subject.resolve(set)
		if err != nil {
			return nil, err
		}
		for k := range is {
			for _, owner := range subject.Owners {
				if name := is[k].Name().String(); owner.Autoscaler == name && !seen[name] {
					seen[name] = true
					p, err := PatchOf(owner, &was[k], &is[k])
					if err != nil {
						return nil, err
					}
					out = append(out, *p)
				}
			}
		}
	}
	return out, nil
}

// A patching collects a patch.
type patching struct {
	*Patch
	spec map[string]any
}

func (p *patching) unsaid(format string, args ...any) {
	p.Unsaid = append(p.Unsaid, fmt.Sprintf(format, args...))
}

// PatchOf says in an owner's fields what changes from one version of the autoscaler that
// was made of it to another.
func PatchOf(owner Owner, was, is *sim.Autoscaler) (*Patch, error) {
	p := &patching{Patch: &Patch{Owner: owner}, spec: map[string]any{}}
	a, b := was.Written, is.Written
	names := [2]string{"minReplicas", "maxReplicas"}
	if owner.Kind == scaledObjectKind {
		names = [2]string{"minReplicaCount", "maxReplicaCount"}
	}
	if least := is.Object.Spec.MinReplicas; least != was.Object.Spec.MinReplicas {
		p.spec[names[0]] = least
	}
	if a.Max != b.Max {
		p.spec[names[1]] = b.Max
	}
	if a.Interval != b.Interval {
		p.unsaid("pollingIntervalSeconds: %d: the interval of all HPAs of a cluster is a flag of kube-controller-manager, --horizontal-pod-autoscaler-sync-period=%ds", b.Interval, b.Interval)
	}
	behavior, err := p.behavior(a, b)
	if err != nil {
		return nil, err
	}
	switch {
	case behavior == nil:
	case owner.Kind == scaledObjectKind:
		p.spec["advanced"] = map[string]any{"horizontalPodAutoscalerConfig": map[string]any{"behavior": behavior}}
	default:
		p.spec["behavior"] = behavior
	}
	p.metrics(was, is)
	p.rest(a, b)
	return p.Patch, p.write()
}

// behavior is the behavior's changed directions, whole: lists of rates are
// replaced, and what is absent would be filled in by the API server.
func (p *patching) behavior(a, b *policy.Autoscaler) (any, error) {
	if b.Algorithm == policy.HPAWithoutBehavior {
		if a.Down.Window != b.Down.Window {
			p.unsaid("stabilizationWindowSeconds: %d: without a behavior the window of all HPAs is a flag of kube-controller-manager, --horizontal-pod-autoscaler-downscale-stabilization=%ds", b.Down.Window, b.Down.Window)
		}
		for _, t := range [][2]float64{{a.Up.Tolerance, b.Up.Tolerance}, {a.Down.Tolerance, b.Down.Tolerance}} {
			if t[0] != t[1] {
				p.unsaid("tolerance: %s: without a behavior the tolerance of all HPAs is a flag of kube-controller-manager, --horizontal-pod-autoscaler-tolerance", number(t[1]))
			}
		}
		return nil, nil
	}
	out := autoscalingv2.HorizontalPodAutoscalerBehavior{}
	whole := a.Algorithm != b.Algorithm
	tolerance := false
	for _, direction := range []struct {
		was, is *policy.Rules
		into    **autoscalingv2.HPAScalingRules
	}{{&a.Up, &b.Up, &out.ScaleUp}, {&a.Down, &b.Down, &out.ScaleDown}} {
		if !whole && reflect.DeepEqual(direction.was, direction.is) {
			continue
		}
		rules := rulesOf(direction.is, b.Max)
		if direction.is.Tolerance != direction.was.Tolerance {
			rules.Tolerance = ptr.To(resource.MustParse(number(direction.is.Tolerance)))
			tolerance = true
		}
		*direction.into = rules
	}
	if out.ScaleUp == nil && out.ScaleDown == nil {
		return nil, nil
	}
	if tolerance {
		p.unsaid("tolerance needs Kubernetes 1.33 or later with the feature gate HPAConfigurableTolerance; an API server without it drops the field, and the flag of kube-controller-manager holds")
	}
	return plain(out)
}

// rulesOf are the rules of a direction, nothing left to defaults. No rate limit is
// a rate that never limits: an empty list would be filled in.
func rulesOf(r *policy.Rules, most int32) *autoscalingv2.HPAScalingRules {
	out := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: ptr.To(r.Window), SelectPolicy: ptr.To(autoscalingv2.ScalingPolicySelect(r.Select))}
	for _, rate := range r.Policies {
		kind := autoscalingv2.HPAScalingPolicyType(rate.Type)
		if rate.Type == policy.Count {
			kind = autoscalingv2.PodsScalingPolicy
		}
		out.Policies = append(out.Policies, autoscalingv2.HPAScalingPolicy{Type: kind, Value: rate.Value, PeriodSeconds: rate.Period})
	}
	if len(out.Policies) == 0 {
		out.Policies = []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: max(most, 1), PeriodSeconds: 15}}
	}
	return out
}

// plain is a value as a patch has it.
func plain(v any) (out any, err error) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// metrics says changed targets and queries in the owner's own lists.
func (p *patching) metrics(was, is *sim.Autoscaler) {
	changed := false
	for i := range is.Written.Metrics {
		b := &is.Written.Metrics[i]
		if i >= len(was.Written.Metrics) {
			p.added(b.Query, b.Target)
			continue
		}
		a := &was.Written.Metrics[i]
		path := fmt.Sprintf("spec.metrics[%d].prometheus", i)
		if a.Target != b.Target {
			if p.setTarget(p.Owner.Sources[path+".target"], a.Target, b.Target) {
				changed = true
			} else {
				p.unsaid("target %s instead of %s of metric %d: it is not written in the %s in this form", number(b.Target), number(a.Target), i, p.Owner.Kind)
			}
		}
		if a.Query != b.Query {
			if source := p.Owner.Sources[path+".query"]; p.Owner.Kind == scaledObjectKind && set(p.Owner.Lists, source, a.Query, b.Query) {
				changed = true
			} else {
				p.unsaid("the query of metric %d: it stands where the metrics API gets it from, e.g. in the rules of prometheus-adapter: %s", i, b.Query)
			}
		}
	}
	if changed {
		for name, list := range p.Owner.Lists {
			p.spec[name] = list
		}
	}
}

// added says a metric that the owner does not have.
func (p *patching) added(query string, target float64) {
	if p.Owner.Kind == scaledObjectKind {
		list, _ := p.Owner.Lists["triggers"].([]any)
		for _, t := range list {
			trigger, _ := t.(map[string]any)
			metadata, _ := trigger["metadata"].(map[string]any)
			if trigger["type"] != "prometheus" || metadata == nil {
				continue
			}
			copied := map[string]any{}
			for k, v := range metadata {
				copied[k] = v
			}
			copied["query"], copied["threshold"] = query, number(target)
			delete(copied, "metricName")
			another := map[string]any{"type": "prometheus", "metadata": copied}
			if v := trigger["authenticationRef"]; v != nil {
				another["authenticationRef"] = v
			}
			p.Owner.Lists["triggers"] = append(list, another)
			p.spec["triggers"] = p.Owner.Lists["triggers"]
			return
		}
	}
	p.unsaid("the second metric, %s with averageValue %s: serve it by the external metrics API, e.g. by a rule of prometheus-adapter, and add it as a metric of type External", query, number(target))
}

// setTarget sets a target where it is written as it is understood.
func (p *patching) setTarget(source string, was, is float64) bool {
	if p.Owner.Kind == scaledObjectKind {
		return set(p.Owner.Lists, source, number(was), number(is))
	}
	for _, field := range []string{".averageValue", ".value", ".averageUtilization"} {
		if set(p.Owner.Lists, source+field, number(was), number(is)) {
			return true
		}
	}
	return false
}

// set replaces a value below spec that means what it is thought to, and says
// whether it did.
func set(spec map[string]any, path, was, is string) bool {
	steps := strings.FieldsFunc(strings.TrimPrefix(path, "spec."), func(c rune) bool { return c == '.' || c == '[' || c == ']' })
	if len(steps) == 0 {
		return false
	}
	var at any = spec
	for _, step := range steps[:len(steps)-1] {
		switch n := at.(type) {
		case map[string]any:
			at = n[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(n) {
				return false
			}
			at = n[i]
		default:
			return false
		}
	}
	last, ok := at.(map[string]any)
	if !ok {
		return false
	}
	name := steps[len(steps)-1]
	switch v := last[name].(type) {
	case string:
		if !sameValue(v, was) {
			return false
		}
		last[name] = is
	case float64:
		if number(v) != was {
			return false
		}
		n, err := strconv.ParseFloat(is, 64)
		if err != nil {
			return false
		}
		last[name] = n
		if n != float64(int64(n)) {
			last[name] = is // a quantity; a number of HPA's own is whole
		}
	default:
		return false
	}
	return true
}

// sameValue says whether two texts are the same text or the same quantity.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, err := resource.ParseQuantity(a)
	y, wrong := resource.ParseQuantity(b)
	return err == nil && wrong == nil && x.Cmp(y) == 0
}

// rest names what else changed and no patch says.
func (p *patching) rest(a, b *policy.Autoscaler) {
	x, y := *a, *b
	x.Min, x.Max, x.Interval, x.Up, x.Down, x.Algorithm, x.Metrics = y.Min, y.Max, y.Interval, y.Up, y.Down, y.Algorithm, y.Metrics
	if !reflect.DeepEqual(x, y) {
		p.unsaid("fields that only a HorizontalAutoscaler has")
	}
}

// write writes the patch, with what it is and what it does not say above it.
func (p *patching) write() error {
	kind := strings.ToLower(p.Owner.Kind)
	how := ""
	if p.Owner.Kind == scaledObjectKind {
		how = " --type merge"
	}
	owner := p.Owner
	p.Command = func(path string) string {
		return fmt.Sprintf("kubectl patch %s %s -n %s%s --patch-file %s", kind, owner.Name, owner.Namespace, how, path)
	}
	if len(p.spec) == 0 {
		return nil
	}
	text, err := yaml.Marshal(map[string]any{"spec": p.spec})
	if err != nil {
		return err
	}
	p.File = fmt.Sprintf("patch-%s-%s-%s.yaml", kind, owner.Namespace, owner.Name)
	heading := "# " + p.Command(p.File) + "\n"
	for _, line := range p.Unsaid {
		heading += "# Not said here: " + strings.ReplaceAll(line, "\n", " ") + "\n"
	}
	p.Text = append([]byte(heading), text...)
	return nil
}
