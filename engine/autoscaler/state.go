package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// State is everything that a later decision can see of earlier ones. The zero
// State is that of an autoscaler that never decided.
//
// It changes only when a later decision could tell, so what the API server
// stores is always what the controller remembers, although a steady autoscaler
// writes nothing.
type State struct {
	// Grid is the one the runs were recorded on; the open run ends on it.
	Grid slot.Grid
	// Window and Period are the horizons, in seconds, of the policy that decided
	// last. What they could not see is gone, even if a later policy looks further back.
	Window, Period int32
	// Runs are past recommendations, oldest first; the last one is open.
	Runs []behavior.Run
	// Events are past scale events, oldest first.
	Events []behavior.Event
	// Last is the command that the next observation settles.
	Last Command
	// Activity is when a target that may sleep was last active.
	Activity Activity
	// Failures are the metrics with a fallback that fail, in the policy's order.
	Failures []Failure
}

// Activity is the last slot with activity. While it goes on, Since is the slot it
// began at and the last one is that before the slot that asks, as of the open run.
// The zero Activity is none.
type Activity struct {
	On          bool
	Since, Last slot.Slot
}

// note takes over whether a slot was active, and says whether that changed anything.
func (a *Activity) note(active bool, previous, now slot.Slot) bool {
	switch {
	case active && !a.On:
		*a = Activity{On: true, Since: now}
	case !active && a.On:
		*a = Activity{Last: max(a.Since, previous)}
	default:
		return false
	}
	return true
}

// A Command is a change of spec.replicas. In a dry run nothing is commanded:
// From and To are both the count last observed. The zero Command is neither.
type Command struct {
	Slot     slot.Slot
	From, To int32
}

// Pending says whether a command waits to be settled.
func (c Command) Pending() bool { return c.From != c.To }

// observed says whether the command is the memory of a dry run.
func (c Command) observed() bool { return c != Command{} && !c.Pending() }

// Decided says whether the state is that of an autoscaler that decided before.
func (s *State) Decided() bool { return len(s.Runs) > 0 }

// Lost is the state of an autoscaler whose own was set aside at a slot. It decides as
// at first sight, but when it was last active is not known, so that counts as
// activity: a cooldown begins.
func Lost(grid slot.Grid, at slot.Slot) State {
	return State{Grid: grid, Activity: Activity{Last: at}}
}

// Slot is the latest slot that left a trace in the state. A slot at or before
// it has been decided.
func (s *State) Slot() slot.Slot {
	latest := max(s.Last.Slot, s.Activity.Since, s.Activity.Last)
	if n := len(s.Runs); n > 0 {
		latest = max(latest, s.Runs[n-1].First)
	}
	if n := len(s.Events); n > 0 {
		latest = max(latest, s.Events[n-1].Slot)
	}
	for _, failure := range s.Failures {
		latest = max(latest, failure.Since)
	}
	return latest
}

// Clone is a copy that shares no memory; Step takes over the slices of the
// state it is given.
func (s *State) Clone() State {
	c := *s
	c.Runs = append([]behavior.Run(nil), s.Runs...)
	c.Events = append([]behavior.Event(nil), s.Events...)
	c.Failures = append([]Failure(nil), s.Failures...)
	return c
}

// adopt moves the state onto the grid and horizons of the policy that decides
// now, and says whether that changed anything. What the former policy could no
// longer see at its last slot, previous, is dropped first.
func (s *State) adopt(p *policy.Autoscaler, grid slot.Grid, previous slot.Slot) bool {
	window, period := p.Window(), p.Period()
	if s.Grid == grid && s.Window == window && s.Period == period {
		return false
	}
	s.forget(previous)
	s.Grid, s.Window, s.Period = grid, window, period
	return true
}

// record notes the recommendation made at now, and says whether it opened a
// run. The run that was open ends at previous, the last slot before now.
func (s *State) record(value int32, previous, now slot.Slot) bool {
	if n := len(s.Runs); n > 0 {
		open := &s.Runs[n-1]
		if open.Value == value {
			return false
		}
		open.Last = max(open.First, previous)
	}
	s.Runs = append(s.Runs, behavior.Run{Value: value, First: now})
	return true
}

// forget drops what no decision after now can see.
func (s *State) forget(now slot.Slot) {
	runs := s.Runs[:0]
	for i, run := range s.Runs {
		if i == len(s.Runs)-1 || now-run.Last < slot.Slot(s.Window) {
			runs = append(runs, run)
		}
	}
	s.Runs = runs
	events := s.Events[:0]
	for _, event := range s.Events {
		if now-event.Slot < slot.Slot(s.Period) {
			events = append(events, event)
		}
	}
	s.Events = events
}
