package scenario

import (
	"math"
	"regexp"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// objectPattern is a DNS label, as names of pods are made of it.
var objectPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,240}[a-z0-9])?$`)

func (v *validation) checkWorkloads() {
	owners := map[Reference]string{}
	for i, t := range v.spec.Targets {
		owners[t.Reference()] = index("spec.targets", i)
	}
	for i := range v.spec.Workloads {
		w := &v.spec.Workloads[i]
		at := index("spec.workloads", i)
		v.checkObject(at, w)
		v.checkOwner(at, w.Reference(), owners)
		if w.CapacityPerReplica == 0 && !v.doc.Has(at+".capacityPerReplica") {
			v.fail(at+".capacityPerReplica", "required: what one replica serves a second")
		} else {
			v.checkFactor(at+".capacityPerReplica", &w.CapacityPerReplica)
		}
		if w.Saturation != nil && !(*w.Saturation >= 1 && *w.Saturation <= 1000) {
			v.fail(at+".saturation", "want a factor from 1 to 1000, got %v", *w.Saturation)
		}
		if len(w.Demand) == 0 {
			v.fail(at+".demand", "required: a list of terms such as {constant: 100}")
		}
		for k := range w.Demand {
			v.checkTerm(index(at+".demand", k), &w.Demand[k])
		}
		v.checkBacklog(at+".queue", w.Queue)
		v.checkRequests(at+".requests", w.Requests)
		v.checkLabels(at+".labels", w.Labels, "code", "le", "namespace", "queue", "service")
		v.checkPrice(at, w.PricePerHour, w.Billing)
		v.checkRollouts(at, w.Reference().Kind, w.Rollouts)
	}
}

// Reference is the workload's namespace, kind and name.
func (w *Workload) Reference() Reference {
	r := Reference{Namespace: w.Namespace, Kind: w.Kind, Name: w.Name}
	if r.Namespace == "" {
		r.Namespace = manifest.DefaultNamespace
	}
	if r.Kind == "" {
		r.Kind = "Deployment"
	}
	return r
}

func (v *validation) checkObject(at string, w *Workload) {
	switch kind := kindOf(w.Kind); {
	case kind != w.Kind:
		v.fail(at+".kind", "unknown kind %q; did you mean %q?", w.Kind, kind)
	case w.Kind == "ScalableNodeGroup":
		v.fail(at+".kind", "a ScalableNodeGroup has nodes, no pods; use spec.nodeGroups, and its manifest")
	case w.Kind != "" && w.APIVersion == "" && apiVersions[w.Kind] == "":
		v.fail(at+".apiVersion", "required for kind %q", w.Kind)
	}
	switch {
	case w.Name == "":
		v.fail(at+".name", "required")
	case !objectPattern.MatchString(w.Name):
		v.fail(at+".name", "%q is no object's name; want lower-case letters, digits, '-' and '.'", w.Name)
	}
	if w.Replicas != nil && (*w.Replicas < 0 || *w.Replicas > limit.Pods) {
		v.fail(at+".replicas", "want 0 or more, at most %d, got %d", limit.Pods, *w.Replicas)
	}
}

// checkOwner refuses a second owner of an object.
func (v *validation) checkOwner(at string, ref Reference, owners map[Reference]string) {
	if ref.Name == "" {
		return
	}
	if first, taken := owners[ref]; taken {
		v.fail(at, "%s has two owners; the first is %s at %s", ref, first, v.doc.Locate(first))
		return
	}
	owners[ref] = at
}

func (v *validation) checkTerm(at string, t *Term) {
	var names []string
	add := func(name string, set bool) {
		if set {
			names = append(names, name)
		}
	}
	add("constant", t.Constant != nil)
	add("step", t.Step != nil)
	add("ramp", t.Ramp != nil)
	add("spike", t.Spike != nil)
	add("sine", t.Sine != nil)
	add("noise", t.Noise != nil)
	add("expr", t.Expr != "")
	add("recorded", t.Recorded != nil)
	if len(names) != 1 {
		got := "none"
		if len(names) > 0 {
			got = strings.Join(names, ", ")
		}
		v.fail(at, "want exactly one of constant, step, ramp, spike, sine, noise, expr and recorded; got %s", got)
		return
	}
	switch {
	case t.Constant != nil && *t.Constant < 0:
		v.fail(at+".constant", "want 0 or more, got %v", *t.Constant)
	case t.Step != nil:
		v.checkInstant(at+".step.at", t.Step.At)
	case t.Ramp != nil:
		v.checkInstant(at+".ramp.at", t.Ramp.At)
		if t.Ramp.Over == 0 {
			v.fail(at+".ramp.over", "must be more than 0s; a step changes at once")
		}
	case t.Spike != nil:
		v.checkInstant(at+".spike.at", t.Spike.At)
		if t.Spike.Rise+t.Spike.For+t.Spike.Fall == 0 {
			v.fail(at+".spike", "want rise, for or fall, else it lasts no time")
		}
	case t.Sine != nil && t.Sine.Period == 0:
		v.fail(at+".sine.period", "must be more than 0s")
	case t.Noise != nil && !(t.Noise.Percent > 0 && t.Noise.Percent <= 1000):
		v.fail(at+".noise.percent", "want a number above 0, at most 1000, got %v", t.Noise.Percent)
	case t.Expr != "":
		v.checkQuery(at+".expr", t.Expr)
	case t.Recorded != nil:
		v.checkRecordedDemand(at+".recorded", t.Recorded)
	}
}

func (v *validation) checkRecordedDemand(at string, r *RecordedDemand) {
	for _, part := range []struct {
		name, query string
		required    bool
	}{{"utilization", r.Utilization, true}, {"replicas", r.Replicas, true}, {"queue", r.Queue, false}} {
		switch {
		case part.query != "":
			v.checkQuery(at+"."+part.name, part.query)
		case part.required:
			v.fail(at+"."+part.name, "required: a PromQL expression")
		}
	}
	if r.Saturated != nil && !(*r.Saturated > 0 && *r.Saturated <= 1000) {
		v.fail(at+".saturated", "want a ratio above 0, got %v", *r.Saturated)
	}
}

func (v *validation) checkBacklog(at string, b *Backlog) {
	if b == nil {
		return
	}
	if b.Limit != nil && !(*b.Limit >= 0) {
		v.fail(at+".limit", "want 0 or more, got %v", *b.Limit)
	}
	if b.Timeout != nil && *b.Timeout == 0 {
		v.fail(at+".timeout", "must be more than 0s; without queue nothing waits")
	}
	if !(b.Initial >= 0 && b.Initial <= math.MaxInt64) {
		v.fail(at+".initial", "want 0 or more, got %v", b.Initial)
	} else if b.Limit != nil && b.Initial > *b.Limit {
		v.fail(at+".initial", "more than may wait: limit is %v", *b.Limit)
	}
}

// mostCPU and mostMemory are far beyond any machine.
const (
	mostCPU    = 1e5
	mostMemory = 1e15
)

func (v *validation) checkRequests(at string, r Requests) {
	if r.CPU != nil && !(r.CPU.Sign() > 0 && r.CPU.AsApproximateFloat64() <= mostCPU) {
		v.fail(at+".cpu", "want cores above 0, at most %d, got %s", int(mostCPU), r.CPU)
	}
	if r.Memory != nil && !(r.Memory.Sign() > 0 && r.Memory.AsApproximateFloat64() <= mostMemory) {
		v.fail(at+".memory", "want bytes above 0, at most %d, got %s", int64(mostMemory), r.Memory)
	}
}

// checkLabels refuses names that are none and those that the series have already.
func (v *validation) checkLabels(at string, labels map[string]string, taken ...string) {
	for _, name := range sortedKeys(labels) {
		switch {
		case !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, "__"):
			v.fail(keyPath(at, name), "%q is no label's name; want letters, digits and '_'", name)
		default:
			for _, t := range taken {
				if name == t {
					v.fail(keyPath(at, name), "the series have this label already; taken are %s", strings.Join(taken, ", "))
				}
			}
		}
	}
}
