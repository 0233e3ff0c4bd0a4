package journal

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// left holds what a record says of the one after it.
type left struct {
	generation    int64
	policy, state string
}

// precedes says why a record cannot come after this one. Where nothing was lost
// between the two, and the second carries no bodies, it goes on where the first ended:
// a Writer writes them with every other record.
func (l *left) precedes(r *Record, lost bool) error {
	switch {
	case l == nil || lost || r.Bodies:
		return nil
	case r.Prev != l.state:
		return fmt.Errorf("prev is %s, but the record before left the state %s, and no bodies say why", r.Prev, l.state)
	case r.Policy != l.policy:
		return fmt.Errorf("policy is %q, but %q in the record before, and no bodies say why", r.Policy, l.policy)
	case r.Generation != l.generation:
		return fmt.Errorf("generation is %d, but %d in the record before, and no bodies say why", r.Generation, l.generation)
	}
	return nil
}

// A recovery decides along after a lost state, from no state at all, and takes the
// recorded commands for its own. What the lost one had leaves the windows and the
// periods in time: from then on both decide alike,
// although their digests differ, as that of one has a longer past.
type recovery struct {
	going  bool
	policy string
	since  slot.Slot
	state  autoscaler.State
}

// decide returns the line of a record of which all but the digests of the states was
// decided again, nil before that is possible. A sleep and a fallback may have begun
// at any time, so that nothing is said of policies that have them.
func (c *recovery) decide(p *policy.Autoscaler, r *Record, lost bool) []byte {
	if lost || c.policy != r.Policy {
		*c = recovery{policy: r.Policy}
	}
	if p == nil || p.Zero != nil || hasFallback(p) {
		return nil
	}
	if !c.going {
		if !r.Recommending {
			return nil // what was last recommended still goes on
		}
		c.going, c.since = true, r.Slot
	}
	again := *r
	in := r.inputOf(p, &again)
	var d autoscaler.Decision
	c.state, d = autoscaler.Follow(p, c.state, in, r.Desired)
	if r.Slot-c.since < slot.Slot(max(p.Window(), p.Period())) {
		return nil
	}
	again.Decide(p, &d)
	return lineOf(&again)
}

func hasFallback(p *policy.Autoscaler) bool {
	for i := range p.Metrics {
		if p.Metrics[i].Fallback != nil {
			return true
		}
	}
	return false
}
