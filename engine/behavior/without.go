package behavior

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Nothing is the value of a run of slots that recommended nothing and that no
// window looks at.
const Nothing = -1

// WithoutBehavior shapes a recommendation as Kubernetes' autoscaler does for an
// HPA that has no behavior: the highest of the window down counts, also on the
// way up, and Double is reached at once.
func WithoutBehavior(down *policy.Rules, runs []Run, previous, now slot.Slot, current, recommended int32) (stabilized, limited int32, held Limit) {
	// From the largest count there is, whatever is below the window's highest is a
	// way down.
	stabilized, held = Stabilize(&policy.Rules{}, down, runs, previous, now, math.MaxInt32, recommended)
	limited, most := Double(current, stabilized)
	if limited != stabilized {
		held = most
	}
	return stabilized, limited, held
}

// Double limits a count to what an HPA without a behavior reaches at once from the
// current replicas: twice as many, or 4.
func Double(current, stabilized int32) (int32, Limit) {
	most := saturate(max(2*int64(current), 4))
	if stabilized <= most {
		return stabilized, Limit{}
	}
	return most, Limit{Stage: Rate, Direction: Up, Policy: -1, Left: most - current}
}
