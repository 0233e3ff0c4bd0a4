package tune

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A Verdict says what to do.
type Verdict string

// The verdicts.
const (
	// Recommend the choice of the last fold.
	Recommend Verdict = "recommend"
	// Keep the current policy.
	Keep Verdict = "keep"
	// Unranked: the current policy, played, is not what really ran.
	Unranked Verdict = "unranked"
)

// An Outcome is what came of a search.
type Outcome struct {
	*Search
	// Trials has the trials of all units, numbered from 1 in the order of units, and
	// then the neighbours of the choice.
	Trials []Trial
	Steps  []Fold
	// Pareto are the trades, by the windows of the last fold's training.
	Pareto  []*Trial
	Verdict Verdict
	// Why says what led to the verdict, a sentence each.
	Why []string
	// Choice is the choice of the last fold, nil where there is none.
	Choice *Trial
	// Neighbours are the trials around the choice; Near of them also beat the
	// current policy in training.
	Neighbours []*Trial
	Near       int
	// Plateau says that the choice stands among others as good; without
	// neighbours it is false.
	Plateau bool
	// Importance is what each parameter explains, in their order.
	Importance []Importance
	Maps       []HeatMap
}

// Trusted says whether candidates may be ranked at all.
func (s *Search) Trusted() bool { return s.Unfaithful == "" && s.Doubt == "" }

// Finish judges the trials of all units, in the order of units. It plays the
// neighbours of the choice; each is passed through run, which may do so at once
// for several.
func (s *Search) Finish(ctx context.Context, trials []Trial, each func(n int, do func(i int) error) error) (*Outcome, error) {
	o := &Outcome{Search: s, Trials: trials}
	for i := range o.Trials {
		o.Trials[i].ID = i + 1
	}
	if !s.Trusted() {
		o.Verdict = Unranked
		if s.Doubt != "" {
			o.Why = []string{s.Doubt}
			return o, nil
		}
		o.Why = []string{fmt.Sprintf("The current policy, replayed, is not what ran: %s. What a changed policy would have done cannot be told from this recording, so nothing is ranked.", s.Unfaithful)}
		return o, nil
	}
	o.Steps = s.folds(o.Trials)
	if last := o.Steps[len(o.Steps)-1].Choice; last != nil {
		if err := o.look(ctx, last.ID, each); err != nil {
			return nil, err
		}
		// The list has grown: what points into it is found again.
		o.Steps = s.folds(o.Trials)
		o.Choice = o.Steps[len(o.Steps)-1].Choice
		o.judgeNeighbours()
	}
	o.Pareto = s.pareto(o.Trials)
	o.Importance = s.importance(o.Trials)
	o.Maps = s.maps(o.Trials, o.Importance)
	o.decide()
	return o, nil
}

// look plays the neighbours of a trial.
func (o *Outcome) look(ctx context.Context, id int, each func(n int, do func(i int) error) error) error {
	choice := o.Trials[id-1]
	var around []Trial
	for i := range o.Parameters {
		for _, v := range o.Parameters[i].neighbours(choice.Values[i]) {
			values := slices.Clone(choice.Values)
			values[i] = v
			around = append(around, Trial{Neighbour: id, Values: values})
		}
	}
	err := each(len(around), func(i int) error { return o.try(ctx, &around[i]) })
	for i := range around {
		around[i].ID = len(o.Trials) + 1
		o.Trials = append(o.Trials, around[i])
	}
	return err
}

// plateauShare is the share of a choice's neighbours that must be better than
// the current policy, too, for it to stand on a plateau.
const plateauShare = 0.75

// judgeNeighbours says whether the choice is a plateau or a peak.
func (o *Outcome) judgeNeighbours() {
	train := o.Search.Folds
	current := o.Current.sum(0, train)
	for i := range o.Trials {
		t := &o.Trials[i]
		if t.Neighbour != o.Choice.ID {
			continue
		}
		o.Neighbours = append(o.Neighbours, t)
		if len(t.Windows) < train {
			continue
		}
		if in := t.sum(0, train); o.beats(&in, &current) {
			o.Near++
		}
	}
	o.Plateau = len(o.Neighbours) > 0 && float64(o.Near) >= float64(plateauShare*float64(len(o.Neighbours)))
}

// decide reaches the verdict and says why.
func (o *Outcome) decide() {
	o.weigh()
	if o.Verdict == Keep {
		o.Why = append(o.Why, o.broken()...)
	}
}

// weigh holds the choice against the current policy.
func (o *Outcome) weigh() {
	last := &o.Steps[len(o.Steps)-1]
	counts := o.Counts()
	o.Verdict = Keep
	if o.Choice == nil {
		o.Why = append(o.Why, o.nothing(counts.Played))
		return
	}
	chosen, current := heldOut(o.Steps)
	held := 0
	for i := range o.Steps {
		if o.Steps[i].Held {
			held++
		}
	}
	switch {
	case !last.Held:
		o.Why = append(o.Why, fmt.Sprintf("Trial %d is the best of %s where it was chosen, but held out, in the newest window, it does not beat the current policy: %s.",
			o.Choice.ID, plural(counts.Played, "candidate"), o.compare(&last.Out, &last.CurrentOut)))
	case !o.beats(&chosen, &current):
		o.Why = append(o.Why, fmt.Sprintf("Trial %d beats the current policy in the newest window, but choosing like this does not in all held-out windows together: %s.",
			o.Choice.ID, o.compare(&chosen, &current)))
	default:
		o.Verdict = Recommend
		o.Why = append(o.Why, fmt.Sprintf("Held out, in the newest window, trial %d beats the current policy: %s.", o.Choice.ID, o.compare(&last.Out, &last.CurrentOut)),
			fmt.Sprintf("Chosen in the same way, fold by fold, the choices beat it in all held-out windows together: %s.", o.compare(&chosen, &current)))
	}
	o.Why = append(o.Why, fmt.Sprintf("The choice held in %d of %s.", held, plural(len(o.Steps), "fold")), o.standing())
}

// nothing says why there is no choice.
func (o *Outcome) nothing(played int) string {
	candidates := plural(played, "candidate")
	if len(o.Constraints) == 0 {
		return fmt.Sprintf("None of %s beats the current policy even in the windows that they were chosen by.", candidates)
	}
	kept := 0
	for i := range o.Trials {
		if t := &o.Trials[i]; t.eligible(o.Search.Folds) {
			if in := t.sum(0, o.Search.Folds); o.allowed(&in) {
				kept++
			}
		}
	}
	if kept == 0 {
		return fmt.Sprintf("None of %s keeps the constraints in the windows that they were chosen by; widen the space, e.g. by spec.maxReplicas, or the constraints.", candidates)
	}
	return fmt.Sprintf("%d of %s keep the constraints in the windows that they were chosen by, as the current policy does at less cost.", kept, candidates)
}

// broken says which constraints the policy that is kept does not hold itself.
func (o *Outcome) broken() []string {
	var list []string
	all := o.Current.sum(0, len(o.Current.Windows))
	for i := range o.Constraints {
		if c := &o.Constraints[i]; !c.holds(&all, o.whole) {
			list = append(list, fmt.Sprintf("In all windows together the current policy does not keep %s itself: it has %.4g.", c.Text, c.metric(&all)))
		}
	}
	return list
}

// standing is the sentence on plateau or peak.
func (o *Outcome) standing() string {
	switch n := len(o.Neighbours); {
	case n == 0:
		return "The choice has no neighbours."
	case o.Plateau:
		return fmt.Sprintf("It stands on a plateau: %d of its %s, one step away each, beat the current policy in training as well.", o.Near, plural(n, "neighbour"))
	default:
		return fmt.Sprintf("It stands on a peak: only %d of its %s, one step away each, beat the current policy in training; a small change of the demand may undo it.", o.Near, plural(n, "neighbour"))
	}
}

// compare is a trade in words.
func (o *Outcome) compare(a, than *Score) string {
	return fmt.Sprintf("%s replica-hours instead of %s (%s), %s breach minutes instead of %s (%s), %s missing replica-hours instead of %s",
		short(a.ReplicaHours()), short(than.ReplicaHours()), change(a.Asked, than.Asked),
		short(a.BreachMinutes()), short(than.BreachMinutes()), change(float64(a.Lacking), float64(than.Lacking)),
		short(a.UnderHours()), short(than.UnderHours()))
}

// Counts are how many trials there are of each kind. Stopped ones count among
// those played.
type Counts struct{ Played, Stopped, Invalid, Neighbours int }

// Counts counts the trials.
func (o *Outcome) Counts() Counts {
	var c Counts
	for i := range o.Trials {
		switch t := &o.Trials[i]; {
		case t.Neighbour != 0:
			c.Neighbours++
		case t.State == Invalid:
			c.Invalid++
		default:
			c.Played++
			if t.State == Stopped {
				c.Stopped++
			}
		}
	}
	return c
}

// HeldOut adds the held-out windows of all folds: of their choices, and of the
// current policy.
func (o *Outcome) HeldOut() (chosen, current Score) { return heldOut(o.Steps) }

// Choosable says whether the last fold could choose the trial.
func (o *Outcome) Choosable(t *Trial) bool { return t.eligible(o.Search.Folds) }

// LastFold are a trial's scores in the last fold's training and held-out
// windows; ok is false where it does not have them.
func (o *Outcome) LastFold(t *Trial) (in, out Score, ok bool) {
	folds := o.Search.Folds
	if len(t.Windows) <= folds {
		return in, out, false
	}
	return t.sum(0, folds), t.sum(folds, folds+1), true
}

// sortByCost sorts trials by their cost in the first windows.
func sortByCost(trials []*Trial, train int) {
	slices.SortStableFunc(trials, func(a, b *Trial) int {
		x, y := a.sum(0, train), b.sum(0, train)
		return cmp.Or(cmp.Compare(x.Asked, y.Asked), cmp.Compare(x.Lacking, y.Lacking), cmp.Compare(a.ID, b.ID))
	})
}
