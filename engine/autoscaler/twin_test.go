package autoscaler

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// twin decides as Step must, but keeps every recommendation and every event for
// ever and looks through all of them each time. It is written from the rules,
// not from the code under test.
type twin struct {
	policy *policy.Autoscaler
	window []past
	events []past
	last   Command
	// failed are, of each metric, the slots in a row that were decided without it.
	failed map[int][]slot.Slot
}

type past struct {
	value int32
	slot  slot.Slot
}

// decide returns the desired count. between are the slots of the grid since the
// last decision that nobody decided: the last recommendation holds there too.
func (w *twin) decide(now slot.Slot, between []slot.Slot, scale Scale, metrics []Sample, pause Pause) (desired int32, known bool) {
	if len(w.window) > 0 {
		for _, s := range between {
			w.window = append(w.window, past{w.window[len(w.window)-1].value, s})
		}
	}
	if scale.Code != observation.OK {
		if len(w.window) > 0 {
			w.window = append(w.window, past{w.window[len(w.window)-1].value, now})
		}
		return 0, false
	}
	n := scale.Spec
	if w.last.Pending() && n == w.last.From && len(w.events) > 0 && w.events[len(w.events)-1].slot == w.last.Slot {
		w.events = w.events[:len(w.events)-1]
	}
	w.last = Command{}
	if len(w.window) == 0 {
		w.window = append(w.window, past{n, now})
	}
	want, failed := int32(-1), false
	for i, m := range w.policy.Metrics {
		r, ok := w.recommend(m, metrics[i], scale)
		if v := metrics[i].Value; metrics[i].Code == observation.OK && v >= 0 && v <= math.Pow(2, 63) {
			delete(w.failed, i)
		} else {
			w.failed[i] = append(w.failed[i], now)
			if f := m.Fallback; f != nil && now-w.failed[i][0] >= slot.Slot(f.After) {
				r, ok = f.Replicas, true
				if n > r && !f.AllowScaleDown {
					r = n
				}
			}
		}
		if ok {
			want = max(want, r)
		} else {
			failed = true
		}
	}
	if len(w.policy.Metrics) == 0 {
		want = n
	}
	desired = n
	if want < 0 || failed && want < n {
		w.window = append(w.window, past{w.window[len(w.window)-1].value, now})
	} else {
		floor, roof := want, want
		for _, r := range w.window {
			if now-r.slot < slot.Slot(w.policy.Up.Window) {
				floor = min(floor, r.value)
			}
			if now-r.slot < slot.Slot(w.policy.Down.Window) {
				roof = max(roof, r.value)
			}
		}
		w.window = append(w.window, past{want, now})
		desired = min(max(n, floor), roof)
		if desired > n {
			desired = min(desired, max(w.limit(now, n, w.policy.Up, true), n))
		} else if desired < n {
			desired = max(desired, min(w.limit(now, n, w.policy.Down, false), n))
		}
	}
	desired = min(max(desired, w.policy.Min), w.policy.Max)
	if pause.Fixed {
		if pause.Replicas != n {
			w.last = Command{Slot: now, From: n, To: pause.Replicas}
		}
		return pause.Replicas, true
	}
	if desired < n && pause.Down || desired > n && pause.Up {
		desired = n
	}
	if desired != n {
		w.events = append(w.events, past{desired - n, now})
		w.last = Command{Slot: now, From: n, To: desired}
	}
	return desired, true
}

func (w *twin) recommend(m policy.Metric, s Sample, scale Scale) (int32, bool) {
	v := s.Value
	if s.Code != observation.OK || math.IsNaN(v) || v < 0 || v > math.Pow(2, 63) {
		return 0, false
	}
	n, target := float64(scale.Spec), m.Target
	if m.Type == policy.Utilization {
		target = m.Target / 100
	}
	ready := scale.Status
	if scale.Counted {
		ready = scale.Ready
	}
	ratio := v / target
	if m.Type == policy.AverageValue {
		ratio = math.Inf(1)
		if scale.Status > 0 {
			ratio = v / (target * float64(scale.Status))
		}
	} else if ready == 0 && scale.Spec > 0 {
		return 0, false
	}
	if n > 0 && 1-w.policy.Down.Tolerance-1e-9 <= ratio && ratio <= 1+w.policy.Up.Tolerance+1e-9 {
		return scale.Spec, true
	}
	if m.Type == policy.AverageValue {
		return roundUp(v / target), true
	}
	return max(1, roundUp(v/target*float64(ready))), true
}

func roundUp(x float64) int32 {
	up := math.Ceil(x)
	if near := math.RoundToEven(x); math.Abs(x-near) <= 1e-9*math.Max(1, math.Abs(x)) {
		up = near
	}
	return int32(math.Min(up, math.MaxInt32))
}

func (w *twin) limit(now slot.Slot, n int32, rules policy.Rules, up bool) int32 {
	if rules.Select == policy.Disabled {
		return n
	}
	limits := []float64{}
	for _, p := range rules.Policies {
		start := float64(n)
		for _, e := range w.events {
			if now-e.slot < slot.Slot(p.Period) {
				start -= float64(e.value)
			}
		}
		change := float64(p.Value)
		switch {
		case p.Type == policy.Count && up:
			limits = append(limits, start+change)
		case p.Type == policy.Count:
			limits = append(limits, start-change)
		case up:
			limits = append(limits, math.Max(start+1, float64(roundUp(start*(1+change/100)))))
		default:
			limits = append(limits, math.Floor(start*(1-change/100)+1e-9*math.Max(1, start)))
		}
	}
	largest, smallest := math.Inf(-1), math.Inf(1)
	for _, l := range limits {
		largest, smallest = math.Max(largest, l), math.Min(smallest, l)
	}
	widest := largest
	if up != (rules.Select == policy.SelectMax) {
		widest = smallest
	}
	if len(limits) == 0 {
		widest = math.Inf(1)
		if !up {
			widest = math.Inf(-1)
		}
	}
	return int32(math.Min(math.Max(widest, math.MinInt32), math.MaxInt32))
}
