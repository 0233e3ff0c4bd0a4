package tune

import "math"

// A Fold is one walk-forward step: what was chosen by the windows before, and
// what came of it in the next one.
type Fold struct {
	// Train is the number of windows, from the first on, that the choice was
	// made by; the next one is held out.
	Train int
	// From, Split and To are the instants of the first subject at which
	// training begins, at which it ends, and at which the held-out window ends.
	From, Split, To int64
	// Choice is the trial chosen, nil where none beat the current policy.
	Choice *Trial
	// In and Out are the choice's scores, CurrentIn and CurrentOut those of the
	// current policy; without a choice they are the same.
	In, Out, CurrentIn, CurrentOut Score
	// Held says that the choice beat the current policy held out as well.
	Held bool
}

// beats says whether a policy is better than another over the same time.
func (s *Search) beats(a, b *Score) bool {
	if len(s.Constraints) > 0 {
		switch {
		case !s.allowed(a):
			return false
		case !s.allowed(b):
			return true
		}
		return s.cheaper(a, b)
	}
	lacksLess := a.Lacking < b.Lacking || a.Lacking == 0 && b.Lacking == 0
	return s.cheaper(a, b) && lacksLess && a.Under <= b.Under
}

// cheaper says whether a policy costs less than another over the same time, and
// still does when reversals are paid for.
func (s *Search) cheaper(a, b *Score) bool {
	return s.expense(a) < s.expense(b) && s.charged(a) < s.charged(b)
}

// reversalSeconds is the cost of a reversal: a replica that was
// started for nothing, or stopped too early, for five minutes.
const reversalSeconds = 5 * 60

// charged returns what a stretch cost, its reversals included.
func (s *Search) charged(x *Score) float64 {
	asked := x.Asked + float64(reversalSeconds*x.Reversals)
	if !s.Priced {
		return asked
	}
	if !(x.Asked > 0) {
		return x.Cost
	}
	return x.Cost * asked / x.Asked
}

// allowed says whether a stretch holds all constraints.
func (s *Search) allowed(score *Score) bool {
	for i := range s.Constraints {
		if !s.Constraints[i].holds(score, s.whole) {
			return false
		}
	}
	return true
}

// loses is how far a stretch is from being better than the current policy's; the
// smaller, the better. What must be better in everything is as good as where it
// is worst, or the smallest change of the demand would undo it. With constraints
// only cost counts. Reversals are part of the cost.
func (s *Search) loses(a, current *Score) float64 {
	cost := ratio(s.charged(a), s.charged(current))
	if len(s.Constraints) > 0 {
		return cost
	}
	lacking, under := ratio(float64(a.Lacking), float64(current.Lacking)), ratio(a.Under, current.Under)
	return max(cost, lacking, under) + float64(evenly*(cost+lacking+under))
}

// evenly is how much everything counts besides the worst.
const evenly = 0.1

// choose is the best of the trials with a metric by the first windows, nil where
// none beats the current policy. Of equals it is the one that changes its mind
// less, then the first.
func (s *Search) choose(trials []Trial, metric Metric, train int) *Trial {
	current := s.Current.sum(0, train)
	var best *Trial
	least, reversals := math.Inf(1), int64(0)
	for i := range trials {
		t := &trials[i]
		if !t.eligible(train) || t.Metric != metric {
			continue
		}
		in := t.sum(0, train)
		if !s.beats(&in, &current) {
			continue
		}
		loss := s.loses(&in, &current)
		if loss < least || loss == least && in.Reversals < reversals {
			best, least, reversals = t, loss, in.Reversals
		}
	}
	return best
}

// eligible says whether a fold that trains on the first windows may choose the
// trial: its figures are there, those of the next window as well, and its
// sampler had seen nothing else. A trial that stopped early enough to lack them
// could not have been chosen.
func (t *Trial) eligible(train int) bool {
	return t.Neighbour == 0 && t.Simpler == 0 && t.State != Invalid && t.Learned <= train && len(t.Windows) > train
}

// folds walks forward through time, choosing among the trials with a metric.
func (s *Search) folds(trials []Trial, metric Metric) []Fold {
	var out []Fold
	w := s.stages[0].windows
	for train := 1; train <= s.Folds; train++ {
		f := Fold{
			Train: train, From: w[0].from, Split: w[train].from, To: w[train].to,
			Choice: s.choose(trials, metric, train), CurrentIn: s.Current.sum(0, train), CurrentOut: s.Current.sum(train, train+1),
		}
		s.score(&f)
		out = append(out, f)
	}
	return out
}

// score scores a fold by its choice.
func (s *Search) score(f *Fold) {
	f.In, f.Out, f.Held = f.CurrentIn, f.CurrentOut, false
	if f.Choice != nil {
		f.In, f.Out = f.Choice.sum(0, f.Train), f.Choice.sum(f.Train, f.Train+1)
		f.Held = s.beats(&f.Out, &f.CurrentOut)
	}
}

// heldOut adds the held-out windows of all folds.
func heldOut(folds []Fold) (chosen, current Score) {
	for i := range folds {
		f := &folds[i]
		chosen.Seconds += f.Out.Seconds
		chosen.Add(f.Out)
		current.Seconds += f.CurrentOut.Seconds
		current.Add(f.CurrentOut)
	}
	return chosen, current
}

// pareto are the trials that no other one is as good as in cost, lacking and
// reversals and better in one, by the windows that the last fold trains on; cheapest first.
func (s *Search) pareto(trials []Trial) []*Trial {
	var front []*Trial
	var points []Score
	for i := range trials {
		t := &trials[i]
		if !t.eligible(s.Folds) {
			continue
		}
		p := t.sum(0, s.Folds)
		dominated := false
		for k := 0; k < len(front) && !dominated; k++ {
			q := &points[k]
			dominated = s.expense(q) <= s.expense(&p) && q.Lacking <= p.Lacking && q.Reversals <= p.Reversals
		}
		if dominated {
			continue
		}
		kept := 0
		for k := range front {
			if q := &points[k]; s.expense(&p) <= s.expense(q) && p.Lacking <= q.Lacking && p.Reversals <= q.Reversals {
				continue
			}
			front[kept], points[kept] = front[k], points[k]
			kept++
		}
		front, points = append(front[:kept], t), append(points[:kept], p)
	}
	s.sortByCost(front)
	return front
}
