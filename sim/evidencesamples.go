package sim

import (
	"math"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// What the rule "value x ready stays" must achieve on the recording, after the
// changes of the ready count by leastChange or more: at least fewChanges of them,
// and a median step of log(value x ready) that exceeds that of other times by at
// most mostExcess.
const (
	leastChange = 0.1
	mostExcess  = 0.05
	// hiddenRange is the time over which a gauge may average without its query
	// showing it: where the query has no range of its own.
	hiddenRange = time.Minute
	// nearSaturation is the share of the saturation from which on a metric hides
	// demand.
	nearSaturation = 0.95
	// mostUnlike is the median distance, as a share, of a metric from the demand
	// that is to drive it.
	mostUnlike = 0.1
)

// samples are a recorded metric and the replicas that had it, at the instants of
// one grid, every so many milliseconds; needed are the replicas that a named
// demand asked for, nil without one.
type samples struct {
	every                      int64
	value, ready, spec, needed []float64
	// used is the value that the replicas of the whole window showed, where the
	// metric divides by those of its end.
	used []float64
	// saturation is the value from which on demand is hidden.
	saturation float64
}

// plain says whether an instant shows what was asked for.
func (s *samples) plain(i int) bool {
	return s.value[i] > 0 && s.ready[i] > 0 && s.used[i] < s.saturation
}

// respond tests on the recording whether value x ready stays as it was where the
// ready count changes: compared are steps over the time that a change takes to
// show, in milliseconds, there and where the count stays.
func (s *samples) respond(metric string, shows int64) *result.Doubt {
	lag := int((shows + s.every - 1) / s.every)
	var changed, alone, steady []float64
	changes := 0
	for i := 0; i+lag < len(s.value); i++ {
		if !s.plain(i) {
			continue
		}
		moved := s.ready[i+1] > 0 && math.Abs(s.ready[i+1]-s.ready[i]) >= leastChange*s.ready[i]*(1-1e-9)
		if moved {
			changes++
		}
		if !s.plain(i + lag) {
			continue
		}
		step := math.Abs(math.Log(s.value[i+lag] * s.ready[i+lag] / (s.value[i] * s.ready[i])))
		switch {
		case moved:
			changed = append(changed, step)
			alone = append(alone, math.Abs(math.Log(s.value[i+lag]/s.value[i])))
		case !slices.ContainsFunc(s.ready[i:i+lag+1], func(r float64) bool { return r != s.ready[i] }):
			steady = append(steady, step)
		}
	}
	d := &result.Doubt{Metric: metric, Changes: len(changed)}
	if len(changed) < fewChanges {
		d.Code = result.FewChanges
		return d
	}
	at := middle(changed)
	d.Excess = max(0, at-middle(steady))
	switch {
	case d.Excess > mostExcess:
		d.Code = result.NotInverse
	case at >= middle(alone):
		d.Code = result.Independent
	default:
		return nil
	}
	return d
}

// calibrate finds value x ready where one replica is needed, or why it does not
// follow the demand.
func (s *samples) calibrate(metric string) (float64, *result.Doubt) {
	var ratios []float64
	for i := range s.value {
		if s.plain(i) && s.needed[i] > 0 {
			ratios = append(ratios, s.value[i]*s.ready[i]/s.needed[i])
		}
	}
	if len(ratios) == 0 {
		return 0, &result.Doubt{Code: result.NotDriven, Metric: metric, Excess: math.Inf(1)}
	}
	center := middle(ratios)
	distances := make([]float64, len(ratios))
	for i, r := range ratios {
		distances[i] = math.Abs(r/center - 1)
	}
	if off := middle(distances); off > mostUnlike {
		return 0, &result.Doubt{Code: result.NotDriven, Metric: metric, Excess: off}
	}
	return center, nil
}

// hides is where the recording shows no more than what was served: near the
// saturation; of a metric without one, also where the replicas stood at their
// bound with the metric above its target.
func (s *samples) hides(g grid, a *Autoscaler, m policy.Metric) Steps {
	var out Steps
	above := m.Target * (1 + a.Policy.Up.Tolerance)
	for i, v := range s.value {
		hidden := s.used[i] >= s.saturation
		if m.Type == policy.Value && v > above && s.spec[i] >= float64(a.Policy.Max) {
			hidden = true
		}
		out.Append((g.start+int64(i)*g.every)/1000, indicator(hidden))
	}
	return out
}

func indicator(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// middle is the lower median; 0 of nothing.
func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
}
