package check

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// An Outcome is the verdict on one expectation.
type Outcome struct {
	Name string
	Form scenario.Form
	// Expr is the expression, condition or digest that was expected.
	Expr   string
	Passed bool
	// Message says what was seen: series and values.
	Message string
	// At is the instant of the verdict in Unix milliseconds.
	At int64
	// Excerpts are the series that decided, around At; only of what failed.
	Excerpts []result.Excerpt
	// Index is the place in spec.expect.
	Index int
}

// A Judge follows a run and judges its expectations of the forms at, always
// and eventually.
type Judge struct {
	start, end int64
	every      time.Duration // between scrapes
	eval       Evaluate
	trials     []*trial
}

// A trial is one expectation under judgement.
type trial struct {
	scenario.Expectation
	index int
	expr  expression
	// from and to bound the instants that count, hold is how long eventually
	// must last (negative: to the end), all in Unix milliseconds.
	from, to, hold int64
	judged         int
	settled        bool
	passed         bool
	message        string
	at             int64
	// since is when an eventually came true, negative while it is not.
	since int64
	// around has the series near the verdict, nil unless it failed.
	around *excerpting
}

// NewJudge prepares the expectations of a run over [start, end] in Unix
// milliseconds, with a scrape every so often. An error names the expectation
// whose expression does not parse.
func NewJudge(expectations []scenario.Expectation, start, end int64, every time.Duration, eval Evaluate) (*Judge, error) {
	j := &Judge{start: start, end: end, every: every, eval: eval}
	for i, e := range expectations {
		if e.Expression() == "" {
			continue
		}
		expr, err := parse(e.Expression())
		if err != nil {
			return nil, fmt.Errorf("expectation %s: %w", e.Name, err)
		}
		j.trials = append(j.trials, j.open(i, e, expr))
	}
	return j, nil
}

func (j *Judge) open(index int, e scenario.Expectation, expr expression) *trial {
	t := &trial{Expectation: e, index: index, expr: expr, from: j.start, to: j.end, hold: -1, since: -1}
	after := func(d *scenario.Duration, otherwise int64) int64 {
		if d == nil {
			return otherwise
		}
		return j.start + time.Duration(*d).Milliseconds()
	}
	switch e.Form() {
	case scenario.AtForm:
		t.from = after(e.At, j.start)
		t.to = t.from
	case scenario.AlwaysForm:
		t.from, t.to = after(e.From, j.start), after(e.To, j.end)
	case scenario.EventuallyForm:
		t.from = after(e.After, j.start)
		if e.Within != nil {
			t.to = t.from + time.Duration(*e.Within).Milliseconds()
		}
		if e.For != nil {
			t.hold = time.Duration(*e.For).Milliseconds()
		}
	}
	return t
}

// Instants are the instants, in Unix milliseconds, at which Judge must be
// called besides the scrapes.
func (j *Judge) Instants() []int64 {
	var instants []int64
	for _, t := range j.trials {
		if t.Form() == scenario.AtForm {
			instants = append(instants, t.from)
		}
	}
	return instants
}

// Judge judges what is due at an instant, after its decisions and its scrape.
// atScrape says whether the world was scraped at it.
func (j *Judge) Judge(now int64, atScrape bool) {
	for _, t := range j.trials {
		if t.around != nil && atScrape {
			t.around.take(j.eval, now)
		}
		if t.settled || now < t.from {
			continue
		}
		isAt := t.Form() == scenario.AtForm
		if isAt && now != t.from || !isAt && !atScrape {
			continue
		}
		if t.Form() == scenario.AlwaysForm && now > t.to {
			continue
		}
		j.judge(t, now)
	}
}

// judge judges one trial. What cannot be evaluated does not hold.
func (j *Judge) judge(t *trial, now int64) {
	ok, detail, err := t.expr.holds(j.eval, now)
	if err != nil {
		detail = err.Error()
	}
	t.judged++
	switch t.Form() {
	case scenario.AtForm:
		t.settle(ok, detail, now)
	case scenario.AlwaysForm:
		if !ok {
			t.settle(false, detail, now)
		}
	case scenario.EventuallyForm:
		t.follow(ok, detail, now)
	}
	j.lookAround(t, now)
}

// lookAround begins the excerpt of a trial that has just failed.
func (j *Judge) lookAround(t *trial, now int64) {
	if t.settled && !t.passed {
		t.around = j.excerpt(&t.expr, t.at, now)
	}
}

// follow moves an eventually on: it may come true until t.to and must then last.
func (t *trial) follow(ok bool, detail string, now int64) {
	switch {
	case !ok:
		t.since = -1
		t.message, t.at = detail, now
		if now >= t.to {
			t.settle(false, detail, now)
		}
		return
	case t.since < 0 && now > t.to:
		t.settle(false, t.message, t.at)
		return
	case t.since < 0:
		t.since = now
	}
	if t.hold >= 0 && now-t.since >= t.hold {
		t.settle(true, "", t.since)
	}
}

func (t *trial) settle(passed bool, message string, at int64) {
	t.settled, t.passed, t.message, t.at = true, passed, message, at
}

// Outcomes closes the run and returns the verdicts in the order of the scenario.
func (j *Judge) Outcomes() []Outcome {
	var out []Outcome
	for _, t := range j.trials {
		if !t.settled {
			j.close(t)
		}
		o := Outcome{Name: t.Name, Form: t.Form(), Expr: t.Expression(), Passed: t.passed, Message: t.message, At: t.at, Index: t.index}
		if t.around != nil {
			o.Excerpts = t.around.excerpts()
		}
		out = append(out, o)
	}
	return out
}

// close settles what the end of the run leaves open.
func (j *Judge) close(t *trial) {
	switch {
	case t.judged == 0:
		t.settle(false, "it was never judged: no scrape falls between "+instant(t.from)+" and "+instant(t.to), j.end)
		return // there is no moment to look around
	case t.Form() == scenario.AlwaysForm:
		t.settle(true, "", j.end)
	case t.since >= 0 && t.hold < 0:
		t.settle(true, "", t.since)
	case t.since >= 0:
		t.settle(false, "it came true only at "+instant(t.since)+" and the run ended before it had lasted "+into(t.hold), j.end)
	default:
		t.settle(false, t.message, j.end)
	}
	j.lookAround(t, j.end)
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

func into(ms int64) string { return model.Duration(time.Duration(ms) * time.Millisecond).String() }
