package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// beforeTheRun is the time before the run in which a replay decides dry; nil
// where it has none.
func (in *Input) beforeTheRun() *Input {
	replay := in.File.Spec.Replay
	if replay == nil || replay.LeadIn == 0 {
		return nil
	}
	file, s := *in.File, *in.File.Scenario
	s.Spec.Start.Time = s.Spec.Start.Add(-time.Duration(replay.LeadIn))
	s.Spec.Duration = replay.LeadIn
	s.Spec.Faults, s.Spec.Edits, s.Spec.Expect = nil, nil, nil
	s.Spec.Targets = slices.Clone(s.Spec.Targets)
	for i := range s.Spec.Targets {
		s.Spec.Targets[i].Rollouts = nil
	}
	file.Scenario = &s
	lead := *in
	lead.File = &file
	lead.start, lead.end = s.Spec.Start.UnixMilli(), in.start
	lead.demands = []*demand{} // nothing is judged
	lead.leadsIn = true
	return &lead
}

// warm decides the lead-in dry, at the recorded counts, and returns what it leaves
// the autoscalers with: recommendations in their windows, recorded changes as
// events of their rate policies.
func (in *Input) warm(ctx context.Context, autoscalers []Autoscaler, o Options) (map[types.NamespacedName]v1alpha1.HorizontalAutoscalerStatus, error) {
	lead := in.beforeTheRun()
	if lead == nil {
		return nil, nil
	}
	dry := make([]Autoscaler, len(autoscalers))
	for i, a := range autoscalers {
		object, compiled, written := a.Object.DeepCopy(), *a.Policy, *a.Written
		object.Spec.DryRun, compiled.DryRun, written.DryRun = true, true, true
		dry[i] = Autoscaler{Object: object, Policy: &compiled, Written: &written, Target: a.Target, Doc: a.Doc}
	}
	r := &run{
		ctx: ctx, in: lead, autoscalers: newAutoscalers(),
		o: Options{Manifests: o.Manifests, Decisions: func(*journal.Record) {}},
	}
	defer r.close()
	if err := r.prepare(dry); err != nil {
		return nil, err
	}
	for _, p := range r.played {
		if err := p.followRecorded(); err != nil {
			return nil, err
		}
	}
	if err := r.play(lead.end); err != nil {
		return nil, err
	}
	warmed := map[types.NamespacedName]v1alpha1.HorizontalAutoscalerStatus{}
	for _, p := range r.played {
		warmed[p.Name()] = *r.autoscalers.find(p.Name()).object.Status.DeepCopy()
	}
	return warmed, nil
}

// followRecorded has the target's counts be those recorded, at every slot as they
// were just before it.
func (p *autoscalerRun) followRecorded() error {
	if p.recordedCounts == "" || p.target.Delegated() {
		return nil
	}
	in, slots := p.run.in, p.slots()
	grid := fake.Grid{Start: slots.Start - 1, Interval: slots.Interval, End: in.end}
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return in.feed([]string{p.recordedCounts}, nil) }, fake.Options{Lookback: in.Lookback, Features: in.features})
	defer ahead.Close()
	q, err := ahead.Add(p.recordedCounts, grid)
	if err != nil {
		return err
	}
	for at := grid.Start; at+1 < in.end; at += grid.Interval.Milliseconds() {
		result, err := q.At(at)
		if err != nil {
			return err
		}
		ready := p.object.Recorded.Ready.At((at + 1) / 1000)
		if result.Samples != 1 || !isCount(result.Value) || !isCount(ready) {
			continue
		}
		p.run.queue.schedule(at+1, transition, "recorded/"+p.Name().String(), func() (int64, error) {
			p.target.Follow(int32(result.Value), int32(ready))
			return 0, nil
		})
	}
	return nil
}

// isCount says whether a value can be a number of replicas.
func isCount(v float64) bool { return v >= 0 && v <= math.MaxInt32 }

// startingNeed is the count at which a target begins that nobody knows.
func (p *autoscalerRun) startingNeed() (int32, error) {
	if p.run.in.File.Spec.Replay != nil {
		if need, err := p.needAtFirst(); need >= 0 || err != nil {
			return need, err
		}
	}
	return max(1, p.Policy.Min), nil
}

// needAtFirst returns what the AverageValue metrics of a policy ask for at the first
// slot, within its bounds; negative where they have no value then.
func (p *autoscalerRun) needAtFirst() (int32, error) {
	var texts []string
	var targets []float64
	for _, m := range p.Policy.Metrics {
		if m.Type == policy.AverageValue && !readsSchedule(m.Query) && !p.run.in.readsRun(m.Query) {
			texts, targets = append(texts, m.Query), append(targets, m.Target)
		}
	}
	first := int64(p.grid.From(slot.At(p.run.in.File.Spec.Start.Time))) * 1000
	values, err := p.run.in.evaluate(texts, grid{start: first, end: first + 1, every: 1000})
	if err != nil {
		return -1, err
	}
	need := -1.0
	for i := range texts {
		if v := values[i].At(first/1000) * p.run.in.scaleOf(texts[i]) / targets[i]; v > need {
			need = v
		}
	}
	if need < 0 {
		return -1, nil
	}
	return int32(min(max(math.Ceil(need-1e-9*need), float64(p.Policy.Min)), float64(p.Policy.Max))), nil
}

// noteBegin says why a replay begins later than its recording.
func (in *Input) noteBegin() {
	replay := in.File.Spec.Replay
	if replay == nil || len(in.recordings) == 0 {
		return
	}
	first := int64(math.MaxInt64)
	for _, r := range in.recordings {
		if m := r.Info().Manifest; m == nil || !m.Evaluated {
			first = min(first, r.Info().First)
		}
	}
	if first == math.MaxInt64 || in.start-first < 1000 {
		return
	}
	note := fmt.Sprintf("the run begins at %s, %s after the recording: what is recorded before fills the ranges and offsets of the queries",
		instant(in.start), model.Duration((time.Duration(in.start-first) * time.Millisecond).Truncate(time.Second)))
	if replay.LeadIn > 0 {
		note += fmt.Sprintf("; in the last %s of it the policy decides dry, at the recorded counts, which fills its windows", replay.LeadIn)
	}
	in.begins = note
}
