package tune

import (
	"context"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/karpenter-sim/karpenter/sim"
)

// Policies are compared in pairs: day by day, each day under both. What the days
// have in common, the demand above all, cancels out, and the spread of the
// differences says whether they can be told from nothing.
const (
	day = 24 * 60 * 60
	// minDays is how many whole days must be held out for days to be paired; a
	// recording that has fewer is cut into shorter parts.
	minDays = 4
	// partsPerWindow is how many parts a window is cut into where days are too
	// few, each at least minPart seconds long.
	partsPerWindow, minPart = 8, 15 * 60
	// minJudged is the share of a part that must be judged under both policies.
	minJudged = 0.9
	// confidence is that of the intervals.
	confidence = 0.95
	// material is how much a change must gain of the current policy's cost and
	// lacking to be one.
	material = 0.01
)

// A part is a stretch of time that policies are compared over: a calendar day,
// or a shorter stretch where there are too few.
type part struct {
	window
	// in is the number of the fold's window that it lies in.
	in int
}

// parts lays out what is compared of every subject. Days are the location's.
func (s *Search) layParts() {
	for i := range s.stages {
		st := &s.stages[i]
		st.parts, st.partial = calendarDays(st.windows, s.location())
	}
	if s.partsFrom(1) >= minDays {
		s.Unit = "day"
		return
	}
	length := int64(math.MaxInt64)
	for i := range s.stages {
		w := s.stages[i].windows[0]
		length = min(length, max(minPart, (w.to-w.from)/partsPerWindow))
	}
	for i := range s.stages {
		st := &s.stages[i]
		st.parts, st.partial = nil, 0
		for k, w := range st.windows {
			n := (w.to - w.from) / length
			for j := range n {
				st.parts = append(st.parts, part{window{w.from + (w.to-w.from)*j/n, w.from + (w.to-w.from)*(j+1)/n}, k})
			}
		}
	}
	s.Unit = "part of " + roughly(length)
}

// roughly writes a length in seconds without its smallest units.
func roughly(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	if d >= time.Hour {
		d = d.Round(time.Minute)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(text) > 2 && text[len(text)-len(zero):] == zero {
			text = text[:len(text)-len(zero)+1]
		}
	}
	return text
}

func (s *Search) location() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}

// partsFrom counts the parts of all subjects in the windows from one on.
func (s *Search) partsFrom(window int) int {
	n := 0
	for i := range s.stages {
		for _, p := range s.stages[i].parts {
			if p.in >= window {
				n++
			}
		}
	}
	return n
}

// calendarDays are the whole days within single windows, and the number of those
// of which only a part lies in one.
func calendarDays(windows []window, location *time.Location) (days []part, partial int) {
	end := windows[len(windows)-1].to
	for from := midnight(windows[0].from, location); from < end; {
		to := midnight(from+day+day/2, location)
		whole := false
		for k, w := range windows {
			if w.from <= from && to <= w.to {
				days, whole = append(days, part{window{from, to}, k}), true
			}
		}
		if !whole {
			partial++
		}
		from = to
	}
	return days, partial
}

// midnight is the beginning of the day that an instant lies in.
func midnight(at int64, location *time.Location) int64 {
	y, m, d := time.Unix(at, 0).In(location).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, location).Unix()
}

// alignWindows moves the boundaries between windows to midnights where that
// leaves every window with a day or more, so that few days are cut.
func alignWindows(windows []window, location *time.Location) {
	for _, w := range windows {
		if w.to-w.from < day+day/2 {
			return
		}
	}
	for k := 1; k < len(windows); k++ {
		at := midnight(windows[k].from+day/2, location)
		windows[k-1].to, windows[k].from = at, at
	}
}

// cells cuts a subject's time at the boundaries of windows and parts, and says of
// every cell which window and which part it belongs to, part -1 for none.
func (st *stage) cells() (cells []window, windowOf, partOf []int) {
	add := func(from, to int64, in, of int) {
		if from < to {
			cells, windowOf, partOf = append(cells, window{from, to}), append(windowOf, in), append(partOf, of)
		}
	}
	next := 0
	for k, w := range st.windows {
		at := w.from
		for ; next < len(st.parts) && st.parts[next].in == k; next++ {
			p := st.parts[next]
			add(at, p.from, k, -1)
			add(p.from, p.to, k, next)
			at = p.to
		}
		add(at, w.to, k, -1)
	}
	return cells, windowOf, partOf
}

// playWhole plays a trial to its end and scores it by windows and by parts, which
// are those of all subjects, one after the other. A trial that is no valid policy
// has no scores.
func (s *Search) playWhole(ctx context.Context, t *Trial) error {
	t.Windows, t.parts = s.empty(), nil
	for i := range s.stages {
		st := &s.stages[i]
		_, autoscalers, err := s.space.candidate(st.subject, t)
		if err != nil {
			t.State, t.Why, t.Windows, t.parts = Invalid, firstLine(err), nil, nil
			return nil
		}
		cells, windowOf, partOf := st.cells()
		played, changes, err := st.play(ctx, autoscalers, sim.Options{}, cells, nil)
		if err != nil {
			return s.mistake(t, err)
		}
		st.examined(t, cells, windowOf, partOf, played.Objects, changes)
	}
	t.State = Played
	return nil
}

// examined adds what came of a subject to a trial.
func (st *stage) examined(t *Trial, cells []window, windowOf, partOf []int, objects []sim.Object, changes []Score) {
	scores := make([]Score, len(cells))
	st.score(scores, cells, objects, changes, 0, len(cells))
	first := len(t.parts)
	t.parts = append(t.parts, make([]Score, len(st.parts))...)
	for c := range cells {
		t.Windows[windowOf[c]].Add(scores[c])
		if k := partOf[c]; k >= 0 {
			p := &t.parts[first+k]
			p.Seconds = cells[c].to - cells[c].from
			p.Add(scores[c])
		}
	}
}

// A Difference is how much more of a figure one policy has than another, on the
// average of the parts, with its interval of 95 %.
type Difference struct {
	Figure          string
	Mean, Low, High float64
	// N is the number of parts. With fewer than three nothing is known of the
	// spread, and Low and High are infinite.
	N int
}

// Less says that the figure is surely less, More that it is surely more.
func (d *Difference) Less() bool { return d.High < 0 }

// More says that the figure is surely more.
func (d *Difference) More() bool { return d.Low > 0 }

// differ is Student's t interval of the mean of paired differences. Differences
// of one part resemble those of the next, so that they count for fewer: for
// n(1-r)/(1+r) of them, r being their correlation with the next, where it is
// positive (Bayley and Hammersley, 1946).
func differ(figure string, of []float64) Difference {
	d := Difference{Figure: figure, N: len(of), Low: math.Inf(-1), High: math.Inf(1)}
	if d.N == 0 {
		return d
	}
	mean, deviation := stat.MeanStdDev(of, nil)
	if d.Mean = mean; d.N < 3 {
		return d
	}
	if deviation == 0 {
		d.Low, d.High = mean, mean
		return d
	}
	n := float64(d.N)
	if r := stat.Correlation(of[:d.N-1], of[1:], nil); r > 0 {
		n = max(2, n*(1-r)/(1+r))
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.5 + confidence/2)
	half := t * deviation / math.Sqrt(n)
	d.Low, d.High = mean-half, mean+half
	return d
}

// A Pairing compares a choice with another policy over the same parts.
type Pairing struct {
	// Unit is the stretch that is paired: day, or part of some length.
	Unit string
	// Pairs are compared. Partial days are cut by the ends of the recording or of
	// a window, Unjudged parts are not judged for a tenth or more.
	Pairs, Partial, Unjudged int
	// Figures has the differences of expense, breach minutes, missing
	// replica-hours and reversals, in this order.
	Figures []Difference
}

// The figures of a Pairing, by their places.
const (
	expenseDiff = iota
	breachDiff
	missingDiff
	reversalDiff
)

// pairs are the parts in windows from..to-1 that are judged under both policies.
func (s *Search) pairs(a, b *Trial, from, to int, each func(x, y *Score)) (unjudged int) {
	at := 0
	for i := range s.stages {
		for _, p := range s.stages[i].parts {
			x, y := &a.parts[at], &b.parts[at]
			at++
			if p.in < from || p.in >= to {
				continue
			}
			if least := int64(minJudged * float64(p.to-p.from)); min(x.Scored, y.Scored) < least {
				unjudged++
				continue
			}
			each(x, y)
		}
	}
	return unjudged
}

// pairing pairs the choices of all folds with other policies in the folds'
// held-out windows; of is what each fold is compared with, nil without a choice.
func (s *Search) pairing(steps []Fold, of func(fold int) *Trial) *Pairing {
	p := &Pairing{Unit: s.Unit}
	var figures [4][]float64
	for k := range steps {
		f := &steps[k]
		other := of(k)
		if f.Choice == nil || other == nil {
			continue
		}
		p.Unjudged += s.pairs(f.Choice, other, f.Train, f.Train+1, func(x, y *Score) {
			p.Pairs++
			for i, v := range []float64{
				s.inUnits(s.expense(x) - s.expense(y)), x.BreachMinutes() - y.BreachMinutes(), x.UnderHours() - y.UnderHours(), float64(x.Reversals - y.Reversals),
			} {
				figures[i] = append(figures[i], v)
			}
		})
	}
	for i := range s.stages {
		p.Partial += s.stages[i].partial
	}
	for i, name := range []string{s.expenseName(), "breach minutes", "missing replica-hours", "reversals"} {
		p.Figures = append(p.Figures, differ(name, figures[i]))
	}
	return p
}

// expense returns what a stretch cost: in money where prices are given, else in
// replica-seconds.
func (s *Search) expense(x *Score) float64 {
	if s.Priced {
		return x.Cost
	}
	return x.Asked
}

// inUnits is an expense as it is shown: replica-hours, or money.
func (s *Search) inUnits(expense float64) float64 {
	if s.Priced {
		return expense
	}
	return expense / 3600
}

func (s *Search) expenseName() string {
	if s.Priced {
		return "cost"
	}
	return "replica-hours"
}

// String says what was paired and what came of it.
func (p *Pairing) String() string {
	text := fmt.Sprintf("Paired over %s", plural(p.Pairs, "held-out "+p.Unit))
	if p.Unit != "day" {
		text = fmt.Sprintf("Paired over %s (too few whole days are held out to pair days: this says nothing of other days)", plural(p.Pairs, "held-out part")) + p.Unit[len("part"):]
	}
	if n := p.Partial + p.Unjudged; n > 0 {
		text += fmt.Sprintf(", %d left out (%d cut by the ends of the recording or of a window, %d not judged)", n, p.Partial, p.Unjudged)
	}
	if p.Pairs < 3 {
		return text + ": too few to know their spread."
	}
	text += ", by Student's t, 95 % interval:"
	for i := range p.Figures {
		d := &p.Figures[i]
		sep := ","
		if i == 0 {
			sep = ""
		}
		text += fmt.Sprintf("%s %s %s (%s to %s)", sep, signed(d.Mean), d.Figure, signed(d.Low), signed(d.High))
	}
	return text + " each."
}

// signed is a figure with its sign.
func signed(v float64) string {
	switch text := short(math.Abs(v)); {
	case text == "0":
		return "±0"
	case v < 0:
		return "−" + text
	default:
		return "+" + text
	}
}

// sure says whether a choice's gain over the current policy can be told from
// nothing, and no loss can: of cost or of breach minutes, or, with constraints, of
// cost, or of a figure that the current policy does not keep.
func (s *Search) sure(p *Pairing, current *Score) bool {
	if len(p.Figures) == 0 || p.Pairs < 3 {
		return false
	}
	expense, breach := &p.Figures[expenseDiff], &p.Figures[breachDiff]
	if len(s.Constraints) > 0 {
		if s.allowed(current) {
			return expense.Less()
		}
		return expense.Less() || breach.Less() || p.Figures[missingDiff].Less() || p.Figures[reversalDiff].Less()
	}
	return (expense.Less() || breach.Less()) && !expense.More() && !breach.More()
}
