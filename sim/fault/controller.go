package fault

import (
	"errors"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// ReplacesDriver says whether the fault ends with a new controller in charge.
func (f *Fault) ReplacesDriver() bool {
	return f.Controller == scenario.ControllerRestart || f.Controller == scenario.ControllerLeaderChange
}

// Prevents says whether a fault keeps the controller from deciding about an
// object now. A controller that is replaced by chance has lost its memory:
// restart is called. Chance falls once a slot: where one is tried again, it has
// fallen.
func (s *Set) Prevents(object scenario.Reference, again bool, restart func(time.Time)) bool {
	now := s.now()
	for _, f := range s.All {
		switch {
		case f.Controller == "" || f.Controller == scenario.ControllerConflicts || again && f.Probability != nil:
		case f.Controller == scenario.ControllerLeaderChange && f.Probability != nil:
			if f.changesLeader(now, object, restart) {
				return true
			}
		case !f.Hits(now.UnixMilli(), object, "slot"):
		case f.Controller == scenario.ControllerRestart && f.Probability != nil:
			restart(now)
		default:
			return true
		}
	}
	return false
}

// changesLeader says whether nobody leads, after a change of leader by chance;
// the next leader has no memory.
func (f *Fault) changesLeader(now time.Time, object scenario.Reference, restart func(time.Time)) bool {
	until, changed := f.leaderless[object]
	switch {
	case changed && now.UnixMilli() < until:
		return true
	case f.Hits(now.UnixMilli(), object, "slot"):
		f.leaderless[object] = now.Add(time.Duration(scenario.LeaseDuration)).UnixMilli()
		return true
	case changed:
		delete(f.leaderless, object)
		restart(now)
	}
	return false
}

// Excuses says whether a fault is the reason why a slot was not decided now.
func (s *Set) Excuses(object scenario.Reference, err error) bool {
	now := s.now().UnixMilli()
	return errors.Is(err, cycle.ErrConflict) && slices.ContainsFunc(s.All, func(f *Fault) bool {
		return f.Controller == scenario.ControllerConflicts && f.Active(now, object)
	})
}
