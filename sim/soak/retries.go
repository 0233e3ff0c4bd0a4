package soak

import (
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Retry is a slot that took several attempts; At is the instant of the one
// that it was decided at.
type Retry struct {
	Object journal.Object
	Slot   slot.Slot
	At     time.Time
}

// loses says whether a controller that starts at an instant finds the slot begun
// and not decided. It is not the new controller's then, and nobody decides it.
func (r Retry) loses(at time.Time) bool { return at.After(r.Slot.Time()) && !at.After(r.At) }

// retries follow the attempts of a run.
type retries struct {
	pending map[journal.Object]pending
	ended   []Retry
}

// pending is a slot that is tried again.
type pending struct {
	slot slot.Slot
	next time.Time
}

// note takes in an attempt, and the wake-up that follows.
func (r *retries) note(object journal.Object, at time.Time, next cycle.Wake) {
	p, ok := r.pending[object]
	if !ok || !p.next.Equal(at) { // else a fault kept the controller from trying again
		p = pending{slot: slot.At(at)}
	} else if next.Cause == cycle.NextSlot {
		r.ended = append(r.ended, Retry{object, p.slot, at})
	}
	if next.Cause == cycle.NextSlot {
		delete(r.pending, object)
		return
	}
	if r.pending == nil {
		r.pending = map[journal.Object]pending{}
	}
	p.next = next.At
	r.pending[object] = p
}

// decided returns the slots that were tried again and then decided: the others
// gave way to the next one.
func (r *retries) decided(steps []*journal.Step) []Retry {
	type decision struct {
		object journal.Object
		slot   slot.Slot
	}
	decisions := map[decision]bool{}
	for _, s := range steps {
		decisions[decision{s.Record.Object, s.Record.Slot}] = true
	}
	var list []Retry
	for _, retry := range r.ended {
		if decisions[decision{retry.Object, retry.Slot}] {
			list = append(list, retry)
		}
	}
	return list
}
