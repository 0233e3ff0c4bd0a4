package behavior

import (
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Run is a stretch of equal recommendations, both slots inclusive. The newest
// run is open: its Last is not kept but is the last slot before the one that
// asks.
type Run struct {
	Value       int32
	First, Last slot.Slot
}

// Stabilize weighs a recommendation made at slot now against the runs before
// it: going up, the lowest recommendation within the up window counts; going
// down, the highest within the down window. previous is the last slot before
// now, where the open run ends.
func Stabilize(up, down *policy.Rules, runs []Run, previous, now slot.Slot, current, recommended int32) (int32, Limit) {
	floor, roof := recommended, recommended
	var floorUntil, roofUntil slot.Slot
	for i := range runs {
		run := &runs[i]
		if run.Value == Nothing {
			continue
		}
		last := run.Last
		if i == len(runs)-1 {
			last = max(run.First, previous)
		}
		if until := last + slot.Slot(up.Window); now < until && run.Value <= floor {
			if run.Value < floor {
				floorUntil = 0
			}
			floor, floorUntil = run.Value, max(floorUntil, until)
		}
		if until := last + slot.Slot(down.Window); now < until && run.Value >= roof {
			if run.Value > roof {
				roofUntil = 0
			}
			roof, roofUntil = run.Value, max(roofUntil, until)
		}
	}
	stabilized := min(max(current, floor), roof)
	switch {
	case stabilized < recommended:
		return stabilized, Limit{Stage: Stabilization, Direction: Up, Policy: -1, Until: floorUntil}
	case stabilized > recommended:
		return stabilized, Limit{Stage: Stabilization, Direction: Down, Policy: -1, Until: roofUntil}
	}
	return stabilized, Limit{}
}
