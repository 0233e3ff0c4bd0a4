package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Run holds what is played again.
type Run struct {
	Input     *sim.Input
	Manifests *manifest.Set
	// Objects is the outcome of the run.
	Objects []result.Object
	// Lacks says what an object lacked, given what it needed, and the
	// replica-seconds that were asked for.
	Lacks func(o *result.Object, needed result.Steps) (seconds int64, missing, asked float64)
	// Limits says which limits an autoscaler runs into in a run that it plays, of those
	// with which it shares something: one that is gone may have hidden others.
	Limits func(name types.NamespacedName, play func(journal io.Writer) (*sim.Result, error)) ([]result.Limit, error)
}

// Plays is how often a run is played for a number of limits. Looking for the
// smallest bound, and for limits that others hid, comes on top.
func Plays(limits int) int { return limits * (limits + 1) / 2 }

// Fixes lifts the limits of one autoscaler, and returns those that can be lifted
// in the order in which they are best made. Those without a turn come last.
func (r *Run) Fixes(ctx context.Context, name types.NamespacedName, limits []result.Limit) ([]result.Fix, error) {
	s := &subject{run: r, ctx: ctx}
	i := slices.IndexFunc(r.Objects, func(o result.Object) bool { return is(&o, name) })
	autoscalers, err := sim.Resolve(r.Manifests, r.Input.EnforcedLabel())
	if err != nil {
		return nil, err
	}
	j := slices.IndexFunc(autoscalers, func(a sim.Autoscaler) bool { return a.Name() == name })
	if i < 0 || j < 0 {
		return nil, fmt.Errorf("no autoscaler %s in the run", name)
	}
	s.played, s.autoscaler = &r.Objects[i], &autoscalers[j]
	for _, a := range autoscalers {
		if a.Target.Key() == s.autoscaler.Target.Key() && a.Name() != name {
			s.rivals = append(s.rivals, a.Name())
		}
	}
	var seconds int64
	seconds, _, s.asked = r.Lacks(s.played, s.played.Needed)
	return s.rounds(limits, seconds)
}

// is says whether an object of a run is that of an autoscaler.
func is(o *result.Object, name types.NamespacedName) bool {
	return o.Journal == journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: name.Namespace, Name: name.Name}
}

// A subject is one autoscaler of a run, and what is known of it.
type subject struct {
	run        *Run
	ctx        context.Context
	played     *result.Object
	autoscaler *sim.Autoscaler
	rivals     []types.NamespacedName
	asked      float64 // replica-seconds of the run
}

// A lift is a limit that is gone.
type lift struct {
	limit result.Limit
	value float64
	set   []string
	// world changes a copy of the scenario, options what no field can say; either
	// may be nil.
	world   func(*scenario.Spec)
	options func(*sim.Options)
}

// rounds makes the fixes one after another, in each round the one that leaves
// least, until nothing is left or nothing more is gained.
func (s *subject) rounds(limits []result.Limit, lacking int64) ([]result.Fix, error) {
	var fixes []result.Fix
	var open, kept []*lift
	for turn := 1; ; turn++ {
		added, err := s.add(&fixes, limits)
		if err != nil {
			return nil, err
		}
		if open = append(open, added...); len(open) == 0 {
			break
		}
		best, least := -1, result.Left{}
		var chosen *lift
		for i, l := range open {
			lifted, left := l, fixes[find(fixes, l.limit)].Alone
			if turn > 1 {
				if lifted, left, err = s.try(kept, l); err != nil {
					return nil, err
				}
			}
			if best < 0 || less(&left, &least) {
				best, least, chosen = i, left, lifted
			}
		}
		f := &fixes[find(fixes, chosen.limit)]
		if chosen.value != f.Value {
			least.Value = chosen.value
		}
		f.Turn, f.Then = turn, &least
		kept, open = append(kept, chosen), slices.Delete(open, best, best+1)
		if least.Seconds == 0 {
			break
		}
		if limits, err = s.next(kept); err != nil {
			return nil, err
		}
	}
	trim(fixes, lacking)
	slices.SortStableFunc(fixes, func(a, b result.Fix) int {
		switch {
		case a.Turn > 0 && b.Turn > 0:
			return cmp.Compare(a.Turn, b.Turn)
		case a.Turn != b.Turn:
			return cmp.Compare(b.Turn, a.Turn)
		case less(&a.Alone, &b.Alone):
			return -1
		case less(&b.Alone, &a.Alone):
			return 1
		}
		return 0
	})
	return fixes, nil
}

// add plays the run without each of those limits alone that are new and can be
// lifted, adds what that leaves, and returns what lifts them.
func (s *subject) add(fixes *[]result.Fix, limits []result.Limit) ([]*lift, error) {
	var added []*lift
	for _, limit := range result.Limits() {
		if !slices.Contains(limits, limit) || find(*fixes, limit) >= 0 {
			continue
		}
		l := s.lift(limit)
		if l == nil {
			continue
		}
		l, left, err := s.try(nil, l)
		if refused := (manifest.Errors)(nil); errors.As(err, &refused) || errors.As(err, new(*manifest.Error)) {
			continue // what is edited during the run does not fit a policy without it
		}
		if err != nil {
			return nil, err
		}
		*fixes = append(*fixes, result.Fix{Limit: limit, Value: l.value, Set: l.set, Alone: left})
		added = append(added, l)
	}
	return added, nil
}

// next are the limits that the run still has when others are gone.
func (s *subject) next(kept []*lift) ([]result.Limit, error) {
	return s.run.Limits(s.autoscaler.Name(), func(w io.Writer) (*sim.Result, error) { return s.playJournal(kept, w) })
}

// find is the index of the fix of a limit, -1 for none.
func find(fixes []result.Fix, limit result.Limit) int {
	return slices.IndexFunc(fixes, func(f result.Fix) bool { return f.Limit == limit })
}

// Gains says whether it matters that less is left than before: at least one in a
// hundred of what was lacking.
func Gains(before, left, lacking int64) bool { return (before-left)*100 >= lacking && left < before }

// trim takes their turns from the fixes at the end that gain nothing more.
func trim(fixes []result.Fix, lacking int64) {
	for n := len(fixes); n > 0; n-- {
		i := slices.IndexFunc(fixes, func(f result.Fix) bool { return f.Turn == n })
		if i < 0 {
			continue
		}
		before := lacking
		if k := slices.IndexFunc(fixes, func(f result.Fix) bool { return f.Turn == n-1 && n > 1 }); k >= 0 {
			before = fixes[k].Then.Seconds
		}
		if Gains(before, fixes[i].Then.Seconds, lacking) {
			return
		}
		fixes[i].Turn, fixes[i].Then = 0, nil
	}
}

// less says whether a leaves less than b: time, then replicas, then cost.
func less(a, b *result.Left) bool {
	switch {
	case a.Seconds != b.Seconds:
		return a.Seconds < b.Seconds
	case a.Missing != b.Missing:
		return a.Missing < b.Missing
	}
	return a.MoreHours < b.MoreHours
}

// try plays the run with one more limit gone. Of a bound it looks for the smallest
// one that leaves no more than a bound out of reach, by halving.
func (s *subject) try(kept []*lift, l *lift) (*lift, result.Left, error) {
	all := append(slices.Clone(kept), l)
	object, left, err := s.play(all)
	if err != nil || l.limit != result.MaxReplicas {
		return l, left, err
	}
	reached := int32(0)
	for _, n := range object.Spec.V {
		reached = max(reached, int32(n))
	}
	low, high := s.autoscaler.Policy.Max, max(s.autoscaler.Policy.Max+1, min(reached, int32(l.value)))
	enough := left
	for low+1 < high {
		middle := low + (high-low)/2
		all[len(all)-1] = s.bound(middle)
		_, tried, err := s.play(all)
		switch {
		case err != nil:
			return nil, left, err
		case tried.Seconds <= left.Seconds:
			high, enough = middle, tried
		default:
			low = middle
		}
	}
	bound := s.bound(high)
	if enough == left {
		all[len(all)-1] = bound
		if _, enough, err = s.play(all); err != nil {
			return nil, left, err
		}
	}
	return bound, enough, nil
}

// play plays the run with limits gone.
func (s *subject) play(lifts []*lift) (*result.Object, result.Left, error) {
	played, err := s.playJournal(lifts, nil)
	if err != nil {
		return nil, result.Left{}, err
	}
	i := slices.IndexFunc(played.Objects, func(o sim.Object) bool { return o.Journal == s.played.Journal })
	o := &played.Objects[i].Object
	var left result.Left
	var asked float64
	left.Seconds, left.Missing, asked = s.run.Lacks(o, s.played.Needed)
	left.MoreHours = (asked - s.asked) / 3600
	return o, left, nil
}

// playJournal plays the run with limits gone, and writes the journal where one is
// wanted.
func (s *subject) playJournal(lifts []*lift, journaled io.Writer) (*sim.Result, error) {
	options := sim.Options{Journal: journaled}
	if journaled == nil {
		options.Decisions = func(*journal.Record) {}
	}
	var set []string
	for _, l := range lifts {
		set = append(set, l.set...)
		if l.options != nil {
			l.options(&options)
		}
	}
	manifests, err := s.run.Manifests.Assign(set)
	if err != nil {
		return nil, err
	}
	options.Manifests = manifests
	autoscalers, err := sim.Resolve(manifests, s.run.Input.EnforcedLabel())
	if err != nil {
		return nil, err
	}
	// Whoever shares nothing with the autoscaler changes nothing of it.
	autoscalers = s.run.Input.Sharing(autoscalers, manifests, s.autoscaler.Name())
	return s.run.Input.In(func(spec *scenario.Spec) {
		for _, l := range lifts {
			if l.world != nil {
				l.world(spec)
			}
			l.keep(spec)
		}
	}).Play(s.ctx, autoscalers, options)
}
