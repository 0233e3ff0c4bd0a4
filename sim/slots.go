package sim

import (
	"fmt"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// slots says when one object of any kind is decided, and how.
type slots struct {
	class  class
	object scenario.Reference
	grid   slot.Grid
	// restart replaces the driver by one that knows nothing but the store.
	restart func(from time.Time)
	// decide decides the slot that is due, and returns the next one.
	decide func(now time.Time) (slot.Slot, error)
}

// scheduleSlots has an object decided at its slots, and again where the driver
// asks for it. The run covers [start, end).
func (r *run) scheduleSlots(s slots) {
	again := false
	first := int64(s.grid.From(slot.At(r.in.File.Spec.Start.Time))) * 1000
	r.queue.schedule(first, s.class, s.object.Namespace+"/"+s.object.Name, func() (int64, error) {
		now := r.queue.clock.now
		if now.UnixMilli() >= r.in.end {
			return 0, nil
		}
		if r.faults.Prevents(s.object, again, s.restart) {
			again = false
			return int64(s.grid.Next(slot.At(now))) * 1000, nil
		}
		next, err := s.decide(now)
		if err != nil && !r.faults.Excuses(s.object, err) {
			return 0, fmt.Errorf("%s: %w", s.object, err)
		}
		wake := cycle.NextWake(now, next, err)
		again = wake.Cause != cycle.NextSlot
		if r.o.Wakes != nil {
			r.o.Wakes(journal.Object{Kind: s.object.Kind, Namespace: s.object.Namespace, Name: s.object.Name}, now, wake)
		}
		return wake.At.UnixMilli(), nil
	})
}
