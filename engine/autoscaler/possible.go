package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Possible is the decision nearest to a recorded one that some state could have
// led to, for a slot before which the state is not known. What rests on no state
// is decided again: the metrics' recommendations, the recommendation, the bounds,
// a pause, the reason, whether there is activity. Stabilization is kept where it lies between
// the current count and what was wanted, and beyond what seen asks for, and only
// where the policy has a window. Of a rate limit the policy and what its period had
// already seen are kept, from which the number follows. So is whether a cooldown was
// over. Input.Metrics is as for Step; Changed says nothing.
//
// Seen are recommendations of single slots that the policy has decided on since, each
// a run that begins there: its window holds them, whatever else it holds.
func Possible(p *policy.Autoscaler, in *Input, recorded *Decision, seen ...behavior.Run) Decision {
	var s State
	if p.Zero != nil && (recorded.Recommending || recorded.Limited != p.Zero.Idle) {
		// This was no step to the idle count, which has no recommendation: if nothing
		// else forbids it, the last activity was as recent as can be.
		s.Activity.Last = in.Slot - 1
	}
	s.Failures = failuresAs(p, in, recorded)
	_, d := Step(p, s, in)
	d.Changed = false
	if !d.Recommending {
		return d // without a recommendation no other stage looks at the state
	}
	d.Reason, d.Limit = "", behavior.Limit{}
	current := in.Scale.Spec
	if p.Algorithm == policy.HPAWithoutBehavior {
		d.withoutAs(p, in.Slot, current, recorded)
	} else {
		d.stabilizedAs(p, in.Slot, current, recorded, seen)
		d.limitedAs(p, in.Slot, current, recorded)
	}
	d.bound(p, current)
	d.pause(&in.Pause, current)
	return d
}

// failuresAs are failures that began so long ago that the recorded fallbacks are in
// force, and no others.
func failuresAs(p *policy.Autoscaler, in *Input, recorded *Decision) []Failure {
	var failures []Failure
	for i := range p.Metrics {
		if m := &p.Metrics[i]; m.Fallback != nil && recorded.Metrics[i].Fallback {
			failures = append(failures, Failure{m.Key(), in.Slot - slot.Slot(m.Fallback.After)})
		}
	}
	return failures
}

// withoutAs decides as HPA does without a behavior, over a window whose content is
// unknown: it may hold whatever is higher than the recommendation.
func (d *Decision) withoutAs(p *policy.Autoscaler, now slot.Slot, current int32, recorded *Decision) {
	d.Stabilized = d.Recommended
	if p.Down.Window > 0 {
		d.Stabilized = max(recorded.Stabilized, d.Recommended)
	}
	var most behavior.Limit
	d.Limited, most = behavior.Double(current, d.Stabilized)
	d.nameWithout()
	switch d.Reason {
	case RateLimited:
		d.Limit = most
	case Stabilized:
		d.Limit = stabilizedBy(behavior.Down, p.Down.Window, now, recorded)
	}
}

// stabilizedBy returns what held in a window in seconds whose content is unknown.
func stabilizedBy(direction behavior.Direction, window int32, now slot.Slot, recorded *Decision) behavior.Limit {
	held := behavior.Limit{Stage: behavior.Stabilization, Direction: direction, Policy: -1}
	if recorded.Limit.Stage == behavior.Stabilization {
		held.Until = min(max(recorded.Limit.Until, now+1), now+slot.Slot(window))
	}
	return held
}

// stabilizedAs passes the recommendation through windows whose content is unknown.
func (d *Decision) stabilizedAs(p *policy.Autoscaler, now slot.Slot, current int32, recorded *Decision, seen []behavior.Run) {
	rules, direction := rulesOf(p, current, d.Recommended)
	d.Stabilized = d.Recommended
	if rules == nil || rules.Window == 0 {
		return
	}
	least := d.Recommended
	for _, s := range seen {
		switch {
		case now-s.First >= slot.Slot(rules.Window):
		case direction == behavior.Down:
			least = max(least, min(s.Value, current))
		default:
			least = min(least, max(s.Value, current))
		}
	}
	d.Stabilized = between(recorded.Stabilized, current, least)
	if d.Stabilized == d.Recommended {
		return
	}
	d.Reason = Stabilized
	d.Limit = stabilizedBy(direction, rules.Window, now, recorded)
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
	held := recorded.Limit
	if held.Stage != behavior.Rate {
		// What limited is told only where no bound came after it.
		d.Limited = between(recorded.Limited, current, d.Stabilized)
		if d.Limited != d.Stabilized {
			d.Reason, d.Limit = RateLimited, behavior.Limit{Stage: behavior.Rate, Direction: direction, Left: max(d.Limited-current, current-d.Limited)}
		}
		return
	}
	limited, limit := behavior.Spent(rules, direction, min(max(held.Policy, 0), len(rules.Policies)-1), held.Used, current)
	if between(limited, current, d.Stabilized) != limited || limited == d.Stabilized {
		return // what it allows reaches as far as what is wanted
	}
	limit.Until = min(max(held.Until, now+1), now+slot.Slot(rules.Policies[limit.Policy].Period))
	d.Limited, d.Reason, d.Limit = limited, RateLimited, limit
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
