package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// withoutBehavior decides as HPA does without a behavior, and says whether that
// changed the state. Slots that HPA skips, or decides without usable metrics, leave
// nothing in the window.
func (d *Decision) withoutBehavior(p *policy.Autoscaler, s *State, in *Input, previous slot.Slot) bool {
	current := in.Scale.Spec
	recommended, usable := d.recommend(p, in)
	switch {
	case current == 0 && p.Min > 0:
		d.hold(Disabled, current) // to HPA 0 is a switch
	case current > p.Max || current < p.Min:
		d.hold(Bounded, current)
		d.bound(p, current)
	case !usable:
		d.hold(MetricsUnavailable, current)
	default:
		d.Recommended, d.Recommending = recommended, true
		d.Stabilized, d.Limited, d.Limit = behavior.WithoutBehavior(&p.Down, s.Runs, previous, in.Slot, current, recommended)
		d.nameWithout()
		d.bound(p, current)
		return s.record(recommended, previous, in.Slot)
	}
	return s.record(behavior.Nothing, previous, in.Slot)
}

// nameWithout gives the reason of the stage that changed the number.
func (d *Decision) nameWithout() {
	switch {
	case d.Limited != d.Stabilized:
		d.Reason = RateLimited
	case d.Stabilized != d.Recommended:
		d.Reason = Stabilized
	}
}
