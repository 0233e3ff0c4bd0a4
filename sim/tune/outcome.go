package tune

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
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

// An Outcome is the result of a search.
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
	// Importance has the share that each parameter explains, in their order.
	Importance []Importance
	Maps       []HeatMap
	// Pairing compares the folds' choices with the current policy, in time held out.
	Pairing *Pairing
	// Contests are the candidates without a metric of their own, and of a search
	// with a season those with one and those with its margin.
	Contests []Contest
	// SeasonWon says that the season is recommended, SeasonWhy why or why not.
	SeasonWon bool
	SeasonWhy []string
}

// Trusted says whether candidates may be ranked at all.
func (s *Search) Trusted() bool { return s.Unfaithful == "" && s.Doubt == "" }

// Finish judges the trials of all units, in the order of units. It plays what is
// simpler than the choices, and the neighbours of the last one; run may do so at
// once for several.
func (s *Search) Finish(ctx context.Context, trials []Trial, run func(n int, do func(i int) error) error) (*Outcome, error) {
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
	for _, metric := range s.metrics() {
		c, err := o.contest(ctx, metric, run)
		if err != nil {
			return nil, err
		}
		o.Contests = append(o.Contests, *c)
	}
	won := &o.Contests[0]
	if s.Season {
		if o.SeasonWhy = o.judgeSeason(); o.SeasonWon {
			won = &o.Contests[1]
		}
	}
	o.Steps, o.Choice = won.Steps, won.Steps[len(won.Steps)-1].Choice
	if o.Choice != nil {
		if err := o.look(ctx, run); err != nil {
			return nil, err
		}
		o.judgeNeighbours()
	}
	o.Pareto = s.pareto(o.Trials)
	o.Importance = s.importance(o.Trials)
	o.Maps = s.maps(o.Trials, o.Importance)
	o.Pairing = s.pairing(o.Steps, func(int) *Trial { return &s.Current })
	o.decide()
	return o, nil
}

// A Contest is the outcome of the candidates with one metric.
type Contest struct {
	Metric Metric
	Steps  []Fold
}

// contest lets each fold choose, and returns what gains nothing to the current
// policy's values.
func (o *Outcome) contest(ctx context.Context, metric Metric, run each) (*Contest, error) {
	c := &Contest{Metric: metric, Steps: o.folds(o.Trials, metric)}
	spared := map[int]*Trial{} // by the choice that they are simpler than; folds may share one
	for k := range c.Steps {
		f := &c.Steps[k]
		if f.Choice == nil {
			continue
		}
		t, err := o.spare(ctx, f.Choice, f.Train, run)
		if err != nil {
			return nil, err
		}
		id := f.Choice.ID
		if same := spared[id]; same != nil && key(same.Values) == key(t.Values) {
			t = same
		} else {
			spared[id] = t
		}
		f.Choice = t
		o.score(f)
	}
	// The list may move as it grows: choices are kept beside it.
	for k := range c.Steps {
		if t := c.Steps[k].Choice; t != nil && t.ID == 0 {
			t.ID = len(o.Trials) + 1
			o.Trials = append(o.Trials, *t)
		}
	}
	return c, nil
}

// Metric is the one that the choice has besides those of the policy.
func (o *Outcome) Metric() Metric {
	if o.Choice == nil {
		return Reactive
	}
	return o.Choice.Metric
}

// valueOf is a trial's value of a parameter, the current policy's where it is left
// as it is; empty where that is not known.
func (s *Search) valueOf(t *Trial, parameter int) string {
	return cmp.Or(t.Values[parameter], s.space.current[parameter])
}

// look plays the neighbours of the choice.
func (o *Outcome) look(ctx context.Context, run each) error {
	var around []Trial
	for i := range o.Parameters {
		for _, v := range o.Parameters[i].neighbours(o.valueOf(o.Choice, i)) {
			values := slices.Clone(o.Choice.Values)
			values[i] = v
			around = append(around, Trial{Neighbour: o.Choice.ID, Metric: o.Choice.Metric, Values: values})
		}
	}
	err := run(len(around), func(i int) error { return o.try(ctx, &around[i]) })
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
	o.Why = append(o.Why, o.SeasonWhy...)
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
	case o.Unchanging:
		o.Why = append(o.Why, fmt.Sprintf("Trial %d beats the current policy, but as many replicas are needed at any time: nothing shows what it lacks when demand changes. Record until it does.", o.Choice.ID))
	case !last.Held:
		o.Why = append(o.Why, fmt.Sprintf("Trial %d is the best of %s where it was chosen, but held out, in the newest window, it does not beat the current policy: %s.",
			o.Choice.ID, plural(counts.Played, "candidate"), o.compare(&last.Out, &last.CurrentOut)))
	case !o.beats(&chosen, &current):
		o.Why = append(o.Why, fmt.Sprintf("Trial %d beats the current policy in the newest window, but choosing like this does not in all held-out windows together: %s.",
			o.Choice.ID, o.compare(&chosen, &current)))
	case !o.sure(o.Pairing, &current):
		o.Why = append(o.Why, fmt.Sprintf("Trial %d beats the current policy held out, but the spread cannot tell that from nothing: %s.", o.Choice.ID, o.compare(&chosen, &current)))
	default:
		o.Verdict = Recommend
		o.Why = append(o.Why, fmt.Sprintf("Held out, in the newest window, trial %d beats the current policy: %s.", o.Choice.ID, o.compare(&last.Out, &last.CurrentOut)),
			fmt.Sprintf("Chosen in the same way, fold by fold, the choices beat it in all held-out windows together: %s.", o.compare(&chosen, &current)))
	}
	o.Why = append(o.Why, o.Pairing.String())
	if o.Verdict == Recommend {
		o.Why = append(o.Why, o.spared())
	}
	o.Why = append(o.Why, fmt.Sprintf("The choice held in %d of %s.", held, plural(len(o.Steps), "fold")), o.standing())
}

// spared says what the choice changes and what it leaves alone.
func (o *Outcome) spared() string {
	var left []string
	for i := range o.Parameters {
		if o.Choice.Values[i] == "" {
			left = append(left, o.Parameters[i].Path)
		}
	}
	changed := plural(len(o.Parameters)-len(left), "parameter")
	if len(left) == 0 {
		return fmt.Sprintf("It changes %s; each of them gains something.", changed)
	}
	return fmt.Sprintf("It changes %s and leaves as they are, since changing them as well gains nothing: %s.", changed, strings.Join(left, ", "))
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
	x, y := o.expense(a), o.expense(than)
	return fmt.Sprintf("%s %s instead of %s (%s), %s breach minutes instead of %s (%s), %s missing replica-hours instead of %s, %d reversals instead of %d",
		short(o.inUnits(x)), o.expenseName(), short(o.inUnits(y)), change(x, y),
		short(a.BreachMinutes()), short(than.BreachMinutes()), change(float64(a.Lacking), float64(than.Lacking)),
		short(a.UnderHours()), short(than.UnderHours()), a.Reversals, than.Reversals)
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
		case t.Simpler != 0:
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
func (o *Outcome) Choosable(t *Trial) bool {
	return t.eligible(o.Search.Folds) || o.Choice != nil && t.ID == o.Choice.ID
}

// LastFold are a trial's scores in the last fold's training and held-out
// windows; ok is false where it does not have them.
func (o *Outcome) LastFold(t *Trial) (in, out Score, ok bool) {
	folds := o.Search.Folds
	if len(t.Windows) <= folds {
		return in, out, false
	}
	return t.sum(0, folds), t.sum(folds, folds+1), true
}

// sortByCost sorts trials by their cost in the windows that the last fold trains on.
func (s *Search) sortByCost(trials []*Trial) {
	slices.SortStableFunc(trials, func(a, b *Trial) int {
		x, y := a.sum(0, s.Folds), b.sum(0, s.Folds)
		return cmp.Or(cmp.Compare(s.expense(&x), s.expense(&y)), cmp.Compare(x.Lacking, y.Lacking), cmp.Compare(a.ID, b.ID))
	})
}
