package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A Fidelity is how what a replay decided compares with the counts recorded. What
// is compared is what both show just before the next slot. The recording shows
// it where it has a sample from the slot's instant on and before the next one's,
// and between two equal samples.
type Fidelity struct {
	// Slots counts the slots that the recording shows; in Agreed of them the replay has
	// the recorded count.
	Slots, Agreed int64
	// Changes counts changes of the recorded count from one shown slot to the next.
	// Matched ones have their like in the replay: in the same direction, to a
	// count within one replica or 10 %, at most one slot earlier or later.
	// Invented are changes of the replay without their like in the recording.
	Changes, Matched, Invented int64
	// Difference and Recorded are sums over Slots, in replicas: of the distance
	// of both counts, and of what was recorded.
	Difference, Recorded float64
	// ReadyDifference is the sum over all slots of the distance of the ready
	// counts, which tells start-ups apart under which decisions are the same.
	ReadyDifference float64
	// Depends says that a metric of the policy depends on the replicas.
	Depends bool
	// Other is the autoscaler that ran when the data was recorded, where one is
	// known to have and its slots are others than ours; then the decision of the
	// slot before or after will do as well. Empty where there was none.
	Other string
}

// What a replay must achieve for its variants to be ranked, where metrics depend
// on the replicas.
const (
	// mostError is the largest mean error, as a share of the recorded count;
	// mostReplicas is how many replicas it may always be.
	mostError, mostReplicas = 0.05, 0.5
	// leastMatched is the smallest share of changes matched, of fewChanges or more.
	leastMatched, fewChanges = 0.8, 5
	// near is how far, as a share, a matched change may be from the recorded one.
	near = 0.1
)

// Percent is the share of slots that agree; NaN where there are none.
func (f *Fidelity) Percent() float64 { return 100 * float64(f.Agreed) / float64(f.Slots) }

// MeanError is the mean distance from the recorded count, in replicas; NaN
// without slots.
func (f *Fidelity) MeanError() float64 { return f.Difference / float64(f.Slots) }

// Add adds another's figures, of which the weaker conclusions hold.
func (f *Fidelity) Add(other *Fidelity) {
	f.Slots, f.Agreed = f.Slots+other.Slots, f.Agreed+other.Agreed
	f.Changes, f.Matched, f.Invented = f.Changes+other.Changes, f.Matched+other.Matched, f.Invented+other.Invented
	f.Difference, f.Recorded = f.Difference+other.Difference, f.Recorded+other.Recorded
	f.ReadyDifference += other.ReadyDifference
	f.Depends = f.Depends || other.Depends
	if f.Other == "" {
		f.Other = other.Other
	}
}

// Unfaithful says why nothing can be ranked by this replay; empty where it can.
func (f *Fidelity) Unfaithful() string {
	if !f.Depends || f.Slots == 0 {
		return ""
	}
	if e := f.MeanError(); e > mostReplicas && e*float64(f.Slots) > mostError*f.Recorded {
		of := ""
		if f.Recorded > 0 {
			of = fmt.Sprintf(" (%.0f %% of what ran)", math.Ceil(100*f.Difference/f.Recorded))
		}
		return fmt.Sprintf("it is %.1f replicas%s from the recorded count on average, more than %.0f %%", e, of, 100*mostError)
	}
	if f.Changes >= fewChanges && float64(f.Matched) < leastMatched*float64(f.Changes) {
		return fmt.Sprintf("it makes %d of the %d recorded changes, fewer than %.0f %%", f.Matched, f.Changes, 100*leastMatched)
	}
	return ""
}

// fidelity compares what an autoscaler decided with what was recorded; nil where no
// counts were.
func (p *autoscalerRun) fidelity() (*Fidelity, error) {
	if p.recordedCounts == "" || p.Policy.DryRun {
		return nil, nil
	}
	shown, err := p.shown(p.recordedCounts)
	if err != nil {
		return nil, err
	}
	f := &Fidelity{Depends: p.depends()}
	if f.Other, err = p.otherAutoscaler(); err != nil {
		return nil, err
	}
	first, every := p.slots().Start/1000, int64(p.grid.Interval)
	decided := make([]float64, len(shown))
	for i := range decided {
		at := first + int64(i)*every
		decided[i] = p.object.Spec.At(at + every - 1)
		if d := math.Abs(p.object.Ready.At(at) - p.object.Recorded.Ready.At(at)); !math.IsNaN(d) {
			f.ReadyDifference += d
		}
	}
	f.compare(decided, shown, max(1, int(p.run.in.Lookback/(time.Duration(every)*time.Second))))
	return f, nil
}

// shown are the counts that a query has in the recording just before each next
// slot, NaN where it has no sample between the two. It is read from the
// recording with a lookback of its own: what was decided from is no evidence.
func (p *autoscalerRun) shown(text string) ([]float64, error) {
	in, slots := p.run.in, p.slots()
	every := slots.Interval.Milliseconds()
	grid := fake.Grid{Start: slots.Start + every - 1, Interval: slots.Interval, End: in.end + every}
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return in.feed([]string{text}, nil) }, fake.Options{Lookback: slots.Interval, Features: in.features})
	defer ahead.Close()
	q, err := ahead.Add(text, grid)
	if err != nil {
		return nil, err
	}
	var counts []float64
	for at := grid.Start; at-every+1 < in.end; at += every {
		result, err := q.At(at)
		if err != nil {
			return nil, err
		}
		if result.Samples != 1 {
			result.Value = math.NaN()
		}
		counts = append(counts, result.Value)
	}
	return counts, nil
}

// depends says whether any metric of the policy would change with the replicas.
func (p *autoscalerRun) depends() bool {
	for i := range p.Policy.Metrics {
		text := p.Policy.Metrics[i].Query
		if dependsOnReplicas(p.Policy, text) && !(p.run.in.File.Spec.Replay != nil && readsSchedule(text)) {
			return true
		}
	}
	return false
}

// otherAutoscaler names what scaled the target when it was recorded, where that
// was not this one: an HPA that the recording has, or what the manifest was
// before its conversion.
func (p *autoscalerRun) otherAutoscaler() (string, error) {
	if kind := convertedFrom(p.Object, p.Doc); kind != "" {
		return fmt.Sprintf("%s %s/%s", kind, p.Object.Namespace, p.Object.Name), nil
	}
	name, err := p.run.in.hpaName(&p.Autoscaler)
	if err != nil {
		return "", err
	}
	series, err := p.run.in.recordedSeries("kube_horizontalpodautoscaler_info", p.Target.Namespace, labels.MustNewMatcher(labels.MatchEqual, hpaLabel, name))
	if len(series) == 0 || err != nil {
		return "", err
	}
	return fmt.Sprintf("HorizontalPodAutoscaler %s/%s", p.Target.Namespace, name), nil
}

// A move holds what the replay and the recording did from one shown slot to the next.
type move struct {
	from, to int // slots
	// decided and recorded are the counts before and after.
	decided, recorded [2]float64
	used              bool
}

// compare counts. The counts are those just before the slot after each; recorded
// ones are NaN where no sample shows them. Over more than reach slots without any,
// no change is counted.
func (f *Fidelity) compare(decided, recorded []float64, reach int) {
	recorded = bridged(recorded, reach)
	var moves []move
	last := -1
	for i, count := range recorded {
		if math.IsNaN(count) || math.IsNaN(decided[i]) {
			continue
		}
		f.Slots++
		f.Recorded += count
		f.Difference += math.Abs(decided[i] - count)
		if decided[i] == count || f.Other != "" && (i > 0 && decided[i-1] == count || i+1 < len(decided) && decided[i+1] == count) {
			f.Agreed++
		}
		if last >= 0 && i-last <= reach {
			moves = append(moves, move{from: last, to: i, decided: [2]float64{decided[last], decided[i]}, recorded: [2]float64{recorded[last], count}})
		}
		last = i
	}
	f.match(moves, decided)
}

// bridged has the count between equal samples, at most reach slots apart, too:
// where nothing changed, none are needed in between.
func bridged(recorded []float64, reach int) []float64 {
	out := slices.Clone(recorded)
	last := -1
	for i, count := range recorded {
		if math.IsNaN(count) {
			continue
		}
		for k := last + 1; last >= 0 && k < i && i-last <= reach && recorded[last] == count; k++ {
			out[k] = count
		}
		last = i
	}
	return out
}

// match finds the like of each recorded change: first those of the same slots,
// then what is left of the slots beside them.
func (f *Fidelity) match(moves []move, decided []float64) {
	found := make([]bool, len(moves))
	for _, beside := range []int{0, -1, 1} {
		for i := range moves {
			m, k := &moves[i], i+beside
			if found[i] || m.recorded[0] == m.recorded[1] || k < 0 || k >= len(moves) {
				continue
			}
			other := &moves[k]
			switch {
			case other.used || !alike(other.decided, m.recorded):
			case beside < 0 && (other.to != m.from || decided[m.from] == decided[m.from-1]):
			case beside > 0 && (other.from != m.to || decided[m.to] == decided[m.to+1]):
			default:
				other.used, found[i] = true, true
			}
		}
	}
	for i := range moves {
		m := &moves[i]
		if m.recorded[0] != m.recorded[1] {
			f.Changes++
		}
		if m.decided[0] != m.decided[1] && !m.used {
			f.Invented++
		}
	}
	f.Matched = int64(len(slices.DeleteFunc(found, func(ok bool) bool { return !ok })))
}

// alike says whether two changes have one direction and come to nearly the same.
func alike(decided, recorded [2]float64) bool {
	up := recorded[1] > recorded[0]
	if decided[0] == decided[1] || decided[1] > decided[0] != up {
		return false
	}
	return math.Abs(decided[1]-recorded[1]) <= max(1, near*recorded[1])
}
