package sim

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// ConvertedFrom is the annotation of an adopted autoscaler that says of which kind
// it was.
const ConvertedFrom = "simulation.karpenter.sh/converted-from"

// MarkConverted annotates the autoscalers of a set that were adopted, so that a
// scenario which has them as they are now still knows what ran.
func MarkConverted(set *manifest.Set) {
	for _, a := range set.Autoscalers {
		kind := convertedFrom(a.Object, a.Doc)
		if kind == "" {
			continue
		}
		if a.Object.Annotations == nil {
			a.Object.Annotations = map[string]string{}
		}
		a.Object.Annotations[ConvertedFrom] = kind
	}
}

// convertedFrom is the kind that an autoscaler was before its conversion, empty
// where there was none.
func convertedFrom(object *v1alpha1.HorizontalAutoscaler, doc *manifest.Document) string {
	if kind := object.Annotations[ConvertedFrom]; kind != "" {
		return kind
	}
	if doc != nil && slices.Contains([]string{"HorizontalPodAutoscaler", "ScaledObject"}, doc.Kind) {
		return doc.Kind
	}
	return ""
}

// hpaName is the name of the HPA that scaled an autoscaler's target when it was
// recorded: the one whose info has the target, else the one that the manifest was
// before its conversion, else a namesake. It need not be recorded.
func (in *Input) hpaName(a *Autoscaler) (string, error) {
	info, err := in.recordedSeries("kube_horizontalpodautoscaler_info", a.Target.Namespace,
		labels.MustNewMatcher(labels.MatchEqual, "scaletargetref_kind", a.Target.Kind),
		labels.MustNewMatcher(labels.MatchEqual, "scaletargetref_name", a.Target.Name))
	if err != nil {
		return "", err
	}
	for _, l := range info {
		return l.Get(hpaLabel), nil
	}
	if convertedFrom(a.Object, a.Doc) == "ScaledObject" {
		return "keda-hpa-" + a.Object.Name, nil
	}
	return a.Object.Name, nil
}

const hpaLabel = "horizontalpodautoscaler"

// recordedSeries are a metric's series of a namespace in the recordings.
func (in *Input) recordedSeries(name, namespace string, more ...*labels.Matcher) ([]labels.Labels, error) {
	matchers := append([]*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, name),
		labels.MustNewMatcher(labels.MatchEqual, "namespace", namespace),
	}, more...)
	var all []labels.Labels
	for _, r := range in.recordings {
		series, err := r.Series([][]*labels.Matcher{matchers})
		if err != nil {
			return nil, err
		}
		all = append(all, series...)
	}
	return all, nil
}

// A recordedField is a field of an HPA as it was recorded, and what the manifest
// says instead.
type recordedField struct {
	name, path string
	values     Steps
	manifest   float64
}

// recordedPolicy are the fields of the HPA that ran, or where none was recorded of the
// HorizontalAutoscaler itself, which differ from the manifest, or change on the way,
// within the run; and which of the two it was.
func (in *Input) recordedPolicy(a *Autoscaler) (ran string, fields []recordedField, err error) {
	hpa, err := in.hpaName(a)
	if err != nil {
		return "", nil, err
	}
	ran = fmt.Sprintf("HorizontalPodAutoscaler %s/%s", a.Target.Namespace, hpa)
	all := []recordedField{
		{name: "maxReplicas", path: "spec.maxReplicas", manifest: float64(a.Policy.Max)},
		{name: "minReplicas", path: "spec.minReplicas", manifest: float64(a.Policy.Min)},
	}
	if all[0].values, all[1].values, err = in.boundsOfHPA(a, hpa); err != nil {
		return ran, nil, err
	}
	targets, err := in.recordedTargets(a, hpa)
	if err != nil {
		return ran, nil, err
	}
	if all = append(all, targets...); !slices.ContainsFunc(all, func(f recordedField) bool { return len(f.values.V) > 0 }) {
		ran = fmt.Sprintf("HorizontalAutoscaler %s/%s", a.Object.Namespace, a.Object.Name)
		if all, err = in.recordedOwn(a, all[:2]); err != nil {
			return ran, nil, err
		}
	}
	for _, f := range all {
		if slices.ContainsFunc(f.values.V, func(v float64) bool { return v != f.manifest }) {
			fields = append(fields, f)
		}
	}
	return ran, fields, nil
}

// boundsOfHPA returns maxReplicas and minReplicas of an HPA as recorded.
func (in *Input) boundsOfHPA(a *Autoscaler, hpa string) (most, least Steps, err error) {
	if most, err = in.recordedValues("kube_horizontalpodautoscaler_spec_max_replicas", a.Target.Namespace, hpaLabel, hpa); err == nil {
		least, err = in.recordedValues("kube_horizontalpodautoscaler_spec_min_replicas", a.Target.Namespace, hpaLabel, hpa)
	}
	return most, least, err
}

// boundsOfOwn returns the bounds that the controller exposed of the autoscaler itself.
func (in *Input) boundsOfOwn(a *Autoscaler) (most, least Steps, err error) {
	if most, err = in.recordedValues(journal.AutoscalerMax, a.Object.Namespace, "name", a.Object.Name); err == nil {
		least, err = in.recordedValues(journal.AutoscalerMin, a.Object.Namespace, "name", a.Object.Name)
	}
	return most, least, err
}

// recordedBounds returns the bounds of what ran, of the HPA or where none was recorded of
// the HorizontalAutoscaler itself; empty where neither was.
func (in *Input) recordedBounds(a *Autoscaler) (most, least Steps, err error) {
	hpa, err := in.hpaName(a)
	if err != nil {
		return most, least, err
	}
	if most, least, err = in.boundsOfHPA(a, hpa); err != nil || most.Known() || least.Known() {
		return most, least, err
	}
	return in.boundsOfOwn(a)
}

// recordedOwn are the bounds and targets that the controller exposed of the
// autoscaler itself.
func (in *Input) recordedOwn(a *Autoscaler, bounds []recordedField) (all []recordedField, err error) {
	own := func(metric string, more ...*labels.Matcher) (Steps, error) {
		return in.recordedValues(metric, a.Object.Namespace, "name", a.Object.Name, more...)
	}
	if bounds[0].values, bounds[1].values, err = in.boundsOfOwn(a); err != nil {
		return nil, err
	}
	all = append(all, bounds...)
	for i, m := range a.Policy.Metrics {
		f := recordedField{
			name: fmt.Sprintf("the target of metric %d", i), path: fmt.Sprintf("spec.metrics[%d].prometheus.target.%s", i, targetTypes[m.Type][1]), manifest: m.Target,
		}
		if f.values, err = own(journal.MetricTargetGauge, labels.MustNewMatcher(labels.MatchEqual, "metric", strconv.Itoa(i))); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// targetTypes are kube-state-metrics' names of the types of metric targets, and
// the fields that set them.
var targetTypes = map[policy.MetricType][2]string{
	policy.Utilization:  {"utilization", "averageUtilization"},
	policy.AverageValue: {"average", "averageValue"},
	policy.Value:        {"value", "value"},
}

// recordedTargets are the targets of metrics that can be told: the only metric of
// its type, and the only recorded target of that type.
func (in *Input) recordedTargets(a *Autoscaler, hpa string) ([]recordedField, error) {
	const metric = "kube_horizontalpodautoscaler_spec_target_metric"
	var fields []recordedField
	for i, m := range a.Policy.Metrics {
		alone := !slices.ContainsFunc(a.Policy.Metrics[:i], func(o policy.Metric) bool { return o.Type == m.Type }) &&
			!slices.ContainsFunc(a.Policy.Metrics[i+1:], func(o policy.Metric) bool { return o.Type == m.Type })
		kind := labels.MustNewMatcher(labels.MatchEqual, "metric_target_type", targetTypes[m.Type][0])
		series, err := in.recordedSeries(metric, a.Target.Namespace, labels.MustNewMatcher(labels.MatchEqual, hpaLabel, hpa), kind)
		if err != nil {
			return nil, err
		}
		names := map[string]bool{}
		for _, l := range series {
			names[l.Get("metric_name")] = true
		}
		if !alone || len(names) != 1 {
			continue
		}
		values, err := in.recordedValues(metric, a.Target.Namespace, hpaLabel, hpa, kind)
		if err != nil {
			return nil, err
		}
		fields = append(fields, recordedField{
			name: fmt.Sprintf("the target of metric %d", i), path: fmt.Sprintf("spec.metrics[%d].prometheus.target.%s", i, targetTypes[m.Type][1]),
			values: values, manifest: m.Target,
		})
	}
	return fields, nil
}

// recordedValues are a series of the object that a label names, from the start of the
// run on; of several scrapers' the last sample counts.
func (in *Input) recordedValues(metric, namespace, label, name string, more ...*labels.Matcher) (Steps, error) {
	var all Steps
	matchers := append([]*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, metric),
		labels.MustNewMatcher(labels.MatchEqual, "namespace", namespace),
		labels.MustNewMatcher(labels.MatchEqual, label, name),
	}, more...)
	for _, r := range in.recordings {
		feed, err := r.Feed([][]*labels.Matcher{matchers}, in.start-in.Lookback.Milliseconds(), in.end)
		if err != nil {
			return all, err
		}
		for {
			sample, err := feed.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				feed.Close()
				return all, err
			}
			if at := max(sample.T, in.start) / 1000; !math.IsNaN(sample.F) && (len(all.T) == 0 || at >= all.T[len(all.T)-1]) {
				all.Append(at, sample.F)
			}
		}
		if err := feed.Close(); err != nil {
			return all, err
		}
	}
	return all, nil
}

// asRecorded are the edits that make the policies what they were when the data was
// recorded, and what differed, a line each.
func (in *Input) asRecorded(autoscalers []Autoscaler) (edits []scenario.Edit, notes []string, err error) {
	if in.File.Spec.Replay == nil {
		return nil, nil, nil
	}
	for i := range autoscalers {
		a := &autoscalers[i]
		ran, fields, err := in.recordedPolicy(a)
		if err != nil {
			return nil, nil, err
		}
		if len(fields) == 0 {
			continue
		}
		own, err := in.editsOf(a, fields)
		use := "; fidelity compares the recording with it as it was"
		if err != nil {
			use = fmt.Sprintf("; that cannot be replayed: %v", err)
		}
		for k, f := range fields {
			note := fmt.Sprintf("the recorded %s had %s", ran, f.course(in.end/1000))
			if k == len(fields)-1 {
				note += use
			}
			notes = append(notes, note)
		}
		edits = append(edits, own...)
	}
	return edits, notes, nil
}

// course says which values a field had until when, and what the manifest says.
func (f *recordedField) course(end int64) string {
	var parts []string
	for i, v := range f.values.V {
		switch {
		case len(f.values.V) == 1:
			parts = append(parts, number(v)+" throughout")
		case i == 0:
			parts = append(parts, fmt.Sprintf("%s until %s", number(v), instant(f.values.T[1]*1000)))
		case i+1 < len(f.values.T):
			parts = append(parts, fmt.Sprintf("%s until %s", number(v), instant(f.values.T[i+1]*1000)))
		default:
			parts = append(parts, number(v)+" from then on")
		}
	}
	const most = 6
	if len(parts) > most {
		parts = append(parts[:most-1], fmt.Sprintf("and %d changes more", len(parts)-most+1))
	}
	return fmt.Sprintf("%s %s; the manifest says %s", f.name, strings.Join(parts, ", "), number(f.manifest))
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// editsOf are the edits of an autoscaler that give its fields the recorded values.
func (in *Input) editsOf(a *Autoscaler, fields []recordedField) ([]scenario.Edit, error) {
	sets := map[int64]scenario.Assignments{}
	for _, f := range fields {
		for i, t := range f.values.T {
			sets[t] = append(sets[t], f.path+"="+number(f.values.V[i]))
		}
	}
	var times []int64
	for t := range sets {
		times = append(times, t)
	}
	slices.Sort(times)
	edited := manifest.Autoscaler{Object: a.Object, Doc: a.Doc}
	var edits []scenario.Edit
	for _, t := range times {
		var err error
		if edited, err = manifest.Assign(edited, sets[t]); err != nil {
			return nil, err
		}
		if _, errs := policy.CompileAutoscaler(&edited.Object.Spec, nil); len(errs) > 0 {
			return nil, errs.ToAggregate()
		}
		at := scenario.Duration(max(0, time.Duration(t*1000-in.start)*time.Millisecond))
		edits = append(edits, scenario.Edit{At: &at, Object: referenceName(a), Set: sets[t]})
	}
	return edits, nil
}

// referenceName is how an edit names an autoscaler.
func referenceName(a *Autoscaler) string {
	return scenario.Reference{Namespace: a.Object.Namespace, Kind: cmp.Or(a.Object.Kind, "HorizontalAutoscaler"), Name: a.Object.Name}.String()
}

// playedAsRecorded is the fidelity of the policies as they were when the data was
// recorded, by object, where they differ from the manifests.
func (in *Input) playedAsRecorded(result *Result, play func(edits []scenario.Edit) (*Result, error), autoscalers []Autoscaler) error {
	edits, notes, err := in.asRecorded(autoscalers)
	if err != nil || len(notes) == 0 {
		return err
	}
	result.Notes = append(result.Notes, notes...)
	if len(edits) == 0 {
		return nil
	}
	again, err := play(edits)
	if err != nil {
		return err
	}
	for i := range result.Objects {
		result.Objects[i].Fidelity = again.Objects[i].Fidelity
	}
	return nil
}
