package producer

import (
	"fmt"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Schedule yields replicas by the calendar.
type Schedule struct {
	zone      *time.Location
	fallback  int32
	behaviors []behavior
}

type behavior struct {
	replicas   int32
	start, end pattern
}

// NewSchedule prepares a policy. A compiled one has no error; one read from a
// journal may name a zone that does not exist, or hold anything.
func NewSchedule(p *policy.Schedule) (*Schedule, error) {
	zone, err := policy.Zone(p.Timezone)
	if err != nil {
		return nil, fmt.Errorf("schedule: timezone: %w", err)
	}
	if err := p.Valid(); err != nil {
		return nil, err
	}
	s := &Schedule{zone: zone, fallback: p.Default}
	for i := range p.Behaviors {
		b := &p.Behaviors[i]
		s.behaviors = append(s.behaviors, behavior{b.Replicas, newPattern(&b.Start), newPattern(&b.End)})
	}
	return s, nil
}

// A Scheduled holds what a schedule says of an instant.
type Scheduled struct {
	// Value is the number of replicas.
	Value int32
	// Changes says whether the value changes again: at NextAt, to Next.
	Changes bool
	NextAt  slot.Slot
	Next    int32
}

// A Change is a value and the instant from which it holds.
type Change struct {
	At    slot.Slot
	Value int32
}

// Value is the number of replicas at an instant.
func (s *Schedule) Value(at slot.Slot) int32 { return s.value(s.winner(int64(at))) }

// At is the value at an instant, and the next one.
func (s *Schedule) At(at slot.Slot) Scheduled {
	now := Scheduled{Value: s.Value(at)}
	if reached, changed := s.next(int64(at), int64(at)+horizon); changed {
		now.Changes, now.NextAt, now.Next = true, slot.Slot(reached), s.Value(slot.Slot(reached))
	}
	return now
}

// Timeline is the value at from, and every change after it up to and including to.
func Timeline(p *policy.Schedule, from, to slot.Slot) ([]Change, error) {
	s, err := NewSchedule(p)
	if err != nil {
		return nil, err
	}
	changes := []Change{{from, s.Value(from)}}
	for at := int64(from); at < int64(to); {
		reached, changed := s.next(at, int64(to))
		if at = reached; changed {
			changes = append(changes, Change{slot.Slot(at), s.Value(slot.Slot(at))})
		}
	}
	return changes, nil
}

// winner is the index of the first active behavior, or their number.
func (s *Schedule) winner(at int64) int {
	for i := range s.behaviors {
		if s.behaviors[i].active(s.zone, at) {
			return i
		}
	}
	return len(s.behaviors)
}

func (s *Schedule) value(winner int) int32 {
	if winner == len(s.behaviors) {
		return s.fallback
	}
	return s.behaviors[winner].replicas
}

// steps bounds one search for a change, so that behaviors that hand over to
// each other at the same value, or end whenever they start, cost no more.
const steps = 1000

// next is the first instant after at, up to limit, at which the value changes,
// and that it does; or how far the search went without a change.
func (s *Schedule) next(at, limit int64) (int64, bool) {
	winner := s.winner(at)
	value := s.value(winner)
	for budget := steps; budget > 0; {
		// Only a behavior before the winner, or the winner itself, can matter.
		soonest := limit + 1
		for i := 0; i <= winner && i < len(s.behaviors); i++ {
			soonest = s.behaviors[i].toggle(s.zone, at, soonest, &budget)
		}
		if soonest > limit {
			return limit, false
		}
		at = soonest
		if winner = s.winner(at); s.value(winner) != value {
			return at, true
		}
	}
	return at, false
}

// active says whether the last of the starts and ends up to at was a start.
func (b *behavior) active(zone *time.Location, at int64) bool {
	start, started := b.start.last(zone, at)
	end, ended := b.end.last(zone, at)
	return started && (!ended || end.notAfter(start))
}

// toggle is the first instant after at at which the behavior may become active
// or cease to be, or limit where there is none before it. It goes on while the
// budget lasts, by one occurrence at least.
func (b *behavior) toggle(zone *time.Location, at, limit int64, budget *int) int64 {
	if b.start == b.end {
		return limit
	}
	before, turn := b.active(zone, at), &b.start
	if before {
		turn = &b.end
	}
	for {
		next, ok := turn.next(zone, at)
		if !ok || next.at >= limit {
			return limit
		}
		at = next.at
		*budget--
		// Without a change where a start comes together with the end.
		if *budget <= 0 || b.active(zone, at) != before {
			return at
		}
	}
}

// ScheduleGauges are the series of a value.
func ScheduleGauges(value int32) []Gauge {
	return []Gauge{{ScheduledReplicas, float64(value)}}
}
