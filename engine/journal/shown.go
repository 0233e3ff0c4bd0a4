package journal

import (
	"encoding/json"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Shown holds what the series of a HorizontalAutoscaler show besides its status, live and
// simulated, as of the last record of a process.
type Shown struct {
	// Gauges has the gauges of the last record.
	Gauges []Gauge
	// MissedSlots counts slots that passed without a decision.
	MissedSlots int64
	// HeldSeconds is the time under decisions that had nothing to go by.
	HeldSeconds int64
	// LastScale is the slot of the last change that the target took, 0 for none.
	LastScale slot.Slot

	digest string // of policy
	policy *policy.Autoscaler
	spare  []Gauge // of the record before, reused
	slot   slot.Slot
	held   bool
}

// Record takes over what a record says, and returns the gauges that end with it.
func (s *Shown) Record(r *Record) (ended []Gauge) {
	if s.digest != r.Policy || s.policy == nil {
		s.digest, s.policy = r.Policy, nil
		var p policy.Autoscaler
		if r.Policy != "" && json.Unmarshal([]byte(r.PolicyBody), &p) == nil { // our own text
			s.policy = &p
		}
	}
	before := s.Gauges
	s.Gauges, s.spare = r.Gauges(s.spare[:0], s.policy), before
	for _, g := range before {
		if !slices.ContainsFunc(s.Gauges, func(now Gauge) bool { return now.Name == g.Name && now.Label == g.Label }) {
			ended = append(ended, g)
		}
	}
	s.MissedSlots += r.Missed
	if s.held {
		s.HeldSeconds += int64(r.Slot - s.slot)
	}
	s.slot, s.held = r.Slot, r.Held()
	return ended
}
