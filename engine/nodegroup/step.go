package nodegroup

import (
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Input holds what one slot observed.
type Input struct {
	// Name is namespace/name of the object; it seeds the jitter.
	Name string
	// Generation counts changes of the spec; a change ends a final failure.
	Generation int64
	Slot       slot.Slot
	// Spec is spec.replicas, nil where it is absent.
	Spec  *int32
	Group Group
}

// Group is the observed node group, or why there is none.
type Group struct {
	// Desired is the size the provider aims for, Ready the number of nodes that
	// can run pods.
	Desired, Ready int32
	// Min and Max are the provider's own bounds; Max < 0 means it has none.
	Min, Max int32
	// Issue says why a group that could be read is not as it should be.
	Issue observation.Code
	// Code says why the group could not be read.
	Code observation.Code
}

// Usable is the code of an observation: its own, or why no provider can have
// meant its numbers.
func (g *Group) Usable() observation.Code {
	switch {
	case g.Code != observation.OK:
		return g.Code
	case g.Desired < 0 || g.Ready < 0 || g.Min < 0:
		return observation.Negative
	case g.Max >= 0 && g.Min > g.Max:
		return observation.OutOfRange
	}
	return observation.OK
}

// A Side is the bound of the provider that clips what is wanted.
type Side string

// The sides; the empty one clips nothing.
const (
	AtMin Side = "min"
	AtMax Side = "max"
)

// Decision is the outcome of one slot.
type Decision struct {
	// Reason is Unchanged, ScaledUp, ScaledDown, Bounded where the provider's
	// bounds clipped what is wanted, RateLimited where a command waits after an
	// earlier one, or TargetUnavailable.
	Reason autoscaler.Reason
	// Known says whether the group was observed; nothing below it holds otherwise.
	Known bool
	// Adopt says that spec.replicas is absent and Wanted is to be written to it.
	Adopt bool
	// Wanted is the size that the provider should aim for, within its bounds.
	Wanted int32
	// Clipped is the bound that made Wanted differ from the spec.
	Clipped Side
	// Command says that Wanted is to be set now.
	Command bool
	// Failure is the code that the command before this slot failed with, while it
	// has not landed.
	Failure observation.Code
	// Stabilized says that the provider aims for Wanted, has as many ready
	// nodes, and reports no issue.
	Stabilized bool
	// Code is why the observation was unusable.
	Code observation.Code
	// Changed says whether the state differs from the one before.
	Changed bool
}

// Step decides one slot.
func Step(p *policy.NodeGroup, s State, in *Input) (State, Decision) {
	var d Decision
	if d.Code = in.Group.Usable(); d.Code != observation.OK {
		d.Reason = autoscaler.TargetUnavailable
		return s, d
	}
	d.Known = true
	d.want(in)
	group, before := &in.Group, s
	if p.DryRun {
		// Nothing is commanded, so there is nothing to remember either.
		s = State{}
		d.Command = group.Desired != d.Wanted
	} else {
		s = s.settle(in.Slot, group.Desired == d.Wanted)
		if group.Desired != d.Wanted {
			d.Failure = s.Code
			if d.Command = !s.waits(in, d.Wanted); d.Command {
				s = s.send(in, d.Wanted)
			}
		}
	}
	d.Stabilized = group.Desired == d.Wanted && group.Ready == d.Wanted && group.Issue == observation.OK
	d.Reason = reason(&d, group)
	d.Changed = s != before
	return s, d
}

// want is the wanted size, clipped by the provider's bounds.
func (d *Decision) want(in *Input) {
	group := &in.Group
	if in.Spec == nil {
		d.Adopt, d.Wanted = true, group.Desired
		return
	}
	d.Wanted = *in.Spec
	switch {
	case group.Max >= 0 && d.Wanted > group.Max:
		d.Wanted, d.Clipped = group.Max, AtMax
	case d.Wanted < group.Min:
		d.Wanted, d.Clipped = group.Min, AtMin
	}
}

func reason(d *Decision, group *Group) autoscaler.Reason {
	switch {
	case !d.Command && d.Wanted != group.Desired:
		return autoscaler.RateLimited
	case d.Clipped != "":
		return autoscaler.Bounded
	case d.Wanted > group.Desired:
		return autoscaler.ScaledUp
	case d.Wanted < group.Desired:
		return autoscaler.ScaledDown
	}
	return autoscaler.Unchanged
}
