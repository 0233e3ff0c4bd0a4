package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Possible is the decision nearest to a recorded one that some state could have
// led to, for a slot before which the state is not known. What rests on no state
// is decided again: the metrics' recommendations, the recommendation, the bounds,
// the reason. Stabilization and rate limits are kept where they lie between the
// current count and what was wanted, and only where the policy has such a stage.
// Input.Metrics is as for Step; Changed says nothing.
func Possible(p *policy.Autoscaler, in *Input, recorded *Decision) Decision {
	_, d := Step(p, State{}, in)
	d.Changed = false
	if !d.Recommending {
		return d // without a recommendation no stage looks at the state
	}
	d.Reason, d.Limit = "", behavior.Limit{}
	current := in.Scale.Spec
	d.stabilizedAs(p, in.Slot, current, recorded)
	d.limitedAs(p, in.Slot, current, recorded)
	d.bound(p, current)
	return d
}

// stabilizedAs passes the recommendation through windows whose content is unknown.
func (d *Decision) stabilizedAs(p *policy.Autoscaler, now slot.Slot, current int32, recorded *Decision) {
	rules, direction := rulesOf(p, current, d.Recommended)
	d.Stabilized = d.Recommended
	if rules == nil || rules.Window == 0 {
		return
	}
	d.Stabilized = between(recorded.Stabilized, current, d.Recommended)
	if d.Stabilized == d.Recommended {
		return
	}
	d.Reason = Stabilized
	d.Limit = behavior.Limit{Stage: behavior.Stabilization, Direction: direction, Policy: -1}
	if recorded.Limit.Stage == behavior.Stabilization {
		d.Limit.Until = min(max(recorded.Limit.Until, now+1), now+slot.Slot(rules.Window))
	}
}

// limitedAs passes the number on through rate policies whose events are unknown.
func (d *Decision) limitedAs(p *policy.Autoscaler, now slot.Slot, current int32, recorded *Decision) {
	d.Limited = d.Stabilized
	rules, direction := rulesOf(p, current, d.Stabilized)
	switch {
	case rules == nil:
		return
	case rules.Select == policy.Disabled:
		d.Limited, d.Reason = current, Disabled
		d.Limit = behavior.Limit{Stage: behavior.Rate, Direction: direction, Policy: -1}
		return
	case len(rules.Policies) == 0:
		return
	}
	d.Limited = between(recorded.Limited, current, d.Stabilized)
	if d.Limited == d.Stabilized {
		return
	}
	d.Reason = RateLimited
	d.Limit = behavior.Limit{Stage: behavior.Rate, Direction: direction}
	if held := recorded.Limit; held.Stage == behavior.Rate {
		d.Limit.Policy = min(max(held.Policy, 0), len(rules.Policies)-1)
		d.Limit.Used = held.Used
		d.Limit.Until = min(max(held.Until, now+1), now+slot.Slot(rules.Policies[d.Limit.Policy].Period))
	}
	d.Limit.Left = max(d.Limited-current, current-d.Limited)
}

// rulesOf are the rules of the direction from current to wanted; nil where both
// are the same.
func rulesOf(p *policy.Autoscaler, current, wanted int32) (*policy.Rules, behavior.Direction) {
	switch {
	case wanted > current:
		return &p.Up, behavior.Up
	case wanted < current:
		return &p.Down, behavior.Down
	}
	return nil, ""
}

// between is the number between a and b that is nearest to n.
func between(n, a, b int32) int32 { return min(max(n, min(a, b)), max(a, b)) }
