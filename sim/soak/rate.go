package soak

import (
	"math"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A mover follows what one autoscaler did to its target, from its records
// alone: whole numbers, every change kept, no code of the engine's.
type mover struct {
	changes []change
	// pending is the command that the next observation settles.
	pending *change
}

type change struct {
	at       slot.Slot
	from, to int64
}

// rateLimited holds every change to the rate policies of its direction, but one to the
// count of a pause.
func rateLimited(run *Run) error {
	movers := map[journal.Object]*mover{}
	return run.decided(func(r *journal.Record, p *policy.Autoscaler) error {
		m := movers[r.Object]
		if m == nil {
			m = &mover{}
			movers[r.Object] = m
		}
		now, want := int64(r.Scale.Spec), int64(r.Desired)
		if m.pending != nil && now != m.pending.from {
			m.changes = append(m.changes, *m.pending)
		}
		m.pending = nil
		if want != now && !p.DryRun {
			m.pending = &change{r.Slot, now, want}
		}
		switch {
		case r.Paused.Fixed: // whoever paused at a count asked for it at once
		case want > now && want != int64(p.Min):
			if most := max(now, m.furthest(&p.Up, 1, r.Slot, now)); want > most {
				return violation(r, "from %d up to %d, but the rate policies allow %d at most", now, want, most)
			}
		case want < now && want != int64(p.Max):
			if least := min(now, m.furthest(&p.Down, -1, r.Slot, now)); want < least {
				return violation(r, "from %d down to %d, but the rate policies allow no less than %d", now, want, least)
			}
		}
		return nil
	})
}

// furthest is how far the policies of a direction allow to go at a slot.
func (m *mover) furthest(rules *policy.Rules, sign int64, at slot.Slot, now int64) int64 {
	if rules.Select == policy.Disabled {
		return now
	}
	if len(rules.Policies) == 0 {
		return sign * math.MaxInt32
	}
	// Distances from zero in the direction of the change.
	var selected int64
	for i := range rules.Policies {
		allowed := sign * m.allowed(&rules.Policies[i], sign, at, now)
		switch {
		case i == 0:
			selected = allowed
		case rules.Select == policy.SelectMin:
			selected = min(selected, allowed)
		default:
			selected = max(selected, allowed)
		}
	}
	return sign * selected
}

// allowed is the count that one policy allows: its value on top of, or below,
// the count at the start of its period.
func (m *mover) allowed(rate *policy.Rate, sign int64, at slot.Slot, now int64) int64 {
	began := now
	for _, c := range m.changes {
		if at-c.at < slot.Slot(rate.Period) {
			began -= c.to - c.from
		}
	}
	value := int64(rate.Value)
	switch {
	case rate.Type == policy.Count:
		return began + sign*value
	case sign > 0:
		return max(began+1, ceilDivide(began*(100+value), 100))
	}
	return -ceilDivide(-began*(100-value), 100)
}

// ceilDivide is a/b rounded up, for positive b.
func ceilDivide(a, b int64) int64 {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}
