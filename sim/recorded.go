package sim

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// Recorded are the counts that really ran, as far as a recording has them.
type Recorded struct {
	// Spec is the count asked for, Ready the count that served.
	Spec, Ready Steps
	// Min and Max are the bounds of the autoscaler that ran; empty where they are
	// not recorded or Fidelity was not asked for.
	Min, Max Steps
	// Source says where they come from.
	Source string
}

// addRecorded finds the recorded counts of an autoscaler's target, at its slots.
func (p *autoscalerRun) addRecorded() error {
	ready, spec, err := p.run.recordedQueries(p.target)
	if err != nil || ready == "" {
		return err
	}
	p.object.Recorded.Source, p.recordedCounts = ready, spec
	p.run.assume("recorded replicas of %s from %s", p.Target.Name, ready)
	if p.object.Recorded.Ready, err = p.followShared(ready); err != nil {
		return err
	}
	if p.run.in.File.Spec.Replay != nil && !p.object.Recorded.Ready.Known() {
		return p.run.in.File.Doc.Errorf(p.recordedPath(), "%s, the recorded replicas of %s, never has a sample in the recording, which has %s", ready, p.Target.Name, p.run.in.names(ready))
	}
	if err := p.checkRecorded(ready, &p.object.Recorded.Ready); err != nil {
		return err
	}
	p.object.Recorded.Spec = p.object.Recorded.Ready
	if spec == ready {
		return nil
	}
	if p.object.Recorded.Spec, err = p.followShared(spec); err != nil {
		return err
	}
	return p.checkRecorded(spec, &p.object.Recorded.Spec)
}

// checkRecorded refuses recorded counts that cannot be any. They may have fractions,
// as means over some time do.
func (p *autoscalerRun) checkRecorded(text string, counts *Steps) error {
	for i, v := range counts.V {
		if v < 0 || v > math.MaxInt32 {
			return p.run.in.File.Doc.Errorf(p.recordedPath(), "%s, the recorded replicas of %s, is %v at %s, which is no count; name the series that has them with --replicas %s/%s/%s=SERIES (replay.replicas of a scenario)",
				text, p.Target.Name, v, instant(counts.T[i]*1000), p.Target.Namespace, p.Target.Kind, p.Target.Name)
		}
	}
	return nil
}

// recordedPath is the field that says where the recorded counts of the target are:
// the recording where none does.
func (p *autoscalerRun) recordedPath() string {
	ref, doc := referenceOf(p.Target), p.run.in.File.Doc
	if path := fmt.Sprintf("spec.replay.replicas[%s]", ref); doc.Has(path) || len(p.run.in.File.Spec.Recordings) == 0 {
		return path
	}
	for i, t := range p.run.in.File.Spec.Targets {
		if path := fmt.Sprintf("spec.targets[%d].recorded", i); t.Reference() == ref && doc.Has(path) {
			return path
		}
	}
	return "spec.recordings[0].file"
}

// recordedQueries are the queries for the recorded ready and wanted counts.
func (r *run) recordedQueries(t *world.Target) (ready, spec string, err error) {
	if r.in.File.Spec.Replay == nil {
		recorded := r.recordedReplicas(t)
		return recorded, recorded, nil
	}
	return r.in.recordedQueries(t.Ref)
}

// recordedQueries are the same of a replay's target; empty where the recording
// has no counts of it.
func (in *Input) recordedQueries(target cycle.TargetRef) (ready, spec string, err error) {
	for _, t := range in.File.Spec.Targets {
		if t.Recorded != nil && t.Reference() == referenceOf(target) {
			return cmp.Or(t.Recorded.Ready, t.Recorded.Spec), cmp.Or(t.Recorded.Spec, t.Recorded.Ready), nil
		}
	}
	for object, series := range in.File.Spec.Replay.Replicas {
		ref, err := scenario.ParseReference(object)
		if err != nil {
			return "", "", err
		}
		if ref == referenceOf(target) {
			return series, series, nil
		}
	}
	find := func(candidates []string) (string, error) {
		for _, c := range candidates {
			found, err := in.has(c)
			if found || err != nil {
				return "max(" + c + ")", err
			}
		}
		return "", nil
	}
	readySelectors, specSelectors := world.RecordedSelectors(target)
	if err := in.distinctCounts(target, slices.Concat(readySelectors, specSelectors)); err != nil {
		return "", "", err
	}
	if ready, err = find(readySelectors); err != nil {
		return "", "", err
	}
	if spec, err = find(specSelectors); err != nil {
		return "", "", err
	}
	return cmp.Or(ready, spec), cmp.Or(spec, ready), nil
}

// reads says whether a query selects anything that was recorded, or could: of
// what rules make of it nothing is known before the run.
func (in *Input) reads(text string) (bool, error) {
	selectors, err := recording.Selectors(text)
	if err != nil || len(selectors) == 0 || len(in.File.Spec.Prometheus.RuleFiles) > 0 {
		return err == nil, err
	}
	for _, s := range selectors {
		if found, err := in.has(s.String()); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// has says whether a selector matches anything that was recorded.
func (in *Input) has(selector string) (bool, error) {
	matchers, err := fake.EveryFeature.Parser().ParseMetricSelector(selector)
	if err != nil {
		return false, err
	}
	for _, r := range in.recordings {
		series, err := r.Series([][]*labels.Matcher{matchers})
		if len(series) > 0 || err != nil {
			return len(series) > 0, err
		}
	}
	for _, s := range in.File.Spec.InputSeries {
		l, err := fake.EveryFeature.Parser().ParseMetric(s.Series)
		if err == nil && matchesAll(l, matchers) {
			return true, nil
		}
	}
	return false, nil
}

func matchesAll(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// follow evaluates a query over the recording at the autoscaler's slots.
func (p *autoscalerRun) follow(text string) (Steps, error) {
	in := p.run.in
	first := p.grid.From(slot.At(in.File.Spec.Start.Time))
	grid := fake.Grid{Start: int64(first) * 1000, Interval: time.Duration(p.grid.Interval) * time.Second, End: in.end}
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return in.feed([]string{text}, nil) }, fake.Options{Lookback: in.Lookback, Features: in.features})
	defer ahead.Close()
	q, err := ahead.Add(text, grid)
	if err != nil {
		return Steps{}, err
	}
	var steps Steps
	for at := grid.Start; at < in.end; at += grid.Interval.Milliseconds() {
		result, err := q.At(at)
		switch {
		case err != nil:
			return steps, err
		case result.Samples > 1:
			return steps, fmt.Errorf("%s gives %d series at %s; one count is needed, e.g. sum(...) of it", text, result.Samples, instant(at))
		case result.Samples == 0:
			result.Value = math.NaN()
		}
		steps.Append(at/1000, result.Value)
	}
	return steps, nil
}

// refOf is a declared target's reference.
func refOf(t *scenario.Target) cycle.TargetRef {
	return cycle.TargetRef{APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name}
}
