package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// shared holds what all runs of an input have in common: the results of queries
// that nothing in a run can change, each evaluated once on each grid of slots.
type shared struct {
	// mu is held while a run is prepared: recordings are opened and queries
	// evaluated by one run at a time.
	mu sync.Mutex
	// answers are nil unless Precompute was called.
	answers  map[gridQuery]*answers
	recorded map[gridQuery]Steps
}

// A gridQuery is a query at the slots of a grid.
type gridQuery struct {
	text string
	grid fake.Grid
}

// answers are the results of one query at consecutive slots.
type answers struct {
	gridQuery
	samples []int32
	values  []float64
	// errors has the errors of single slots, nil mostly.
	errors map[int]error
}

// Precompute has the runs of the input share what does not depend on their
// policies, and makes Play safe for concurrent use. The results stay the same;
// memory holds them for the whole run instead of for a day at a time.
func (in *Input) Precompute() {
	if in.shared.answers == nil {
		in.shared.answers = map[gridQuery]*answers{}
	}
}

// hold keeps other runs from being prepared until release is called.
func (s *shared) hold() (release func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// slots are the instants at which an autoscaler asks.
func (p *autoscalerRun) slots() fake.Grid {
	first := int64(p.grid.From(slot.At(p.run.in.File.Spec.Start.Time))) * 1000
	return fake.Grid{Start: first, Interval: time.Duration(p.grid.Interval) * time.Second, End: p.run.in.end}
}

// askShared answers a query of an autoscaler from the results that all runs share.
func (p *autoscalerRun) askShared(q *query) error {
	in := p.run.in
	key := gridQuery{q.text, p.slots()}
	key.grid.Start -= time.Duration(in.File.Spec.Controller.QueryOffset).Milliseconds()
	found := in.shared.answers[key]
	if found == nil {
		var err error
		if found, err = in.answer(key); err != nil {
			return err
		}
		in.shared.answers[key] = found
	}
	q.ask = found.Query
	return nil
}

// answer evaluates a query at all its slots.
func (in *Input) answer(key gridQuery) (*answers, error) {
	ahead := fake.NewPreevaluator(
		func() (fake.Feed, error) { return in.feed([]string{key.text}, nil) },
		fake.Options{Start: in.start, Lookback: in.Lookback, EvaluationInterval: time.Duration(in.File.Spec.Prometheus.EvaluationInterval), Features: in.features})
	defer ahead.Close()
	evaluated, err := ahead.Add(key.text, key.grid)
	if err != nil {
		return nil, err
	}
	n := key.count()
	a := &answers{gridQuery: key, samples: make([]int32, n), values: make([]float64, n)}
	for i := range n {
		result, err := evaluated.At(key.grid.Start + int64(i)*key.grid.Interval.Milliseconds())
		if err != nil {
			if a.errors == nil {
				a.errors = map[int]error{}
			}
			a.errors[i] = err
			continue
		}
		a.samples[i], a.values[i] = int32(min(result.Samples, math.MaxInt32)), result.Value
	}
	return a, nil
}

// count is the number of the grid's instants up to its end.
func (q *gridQuery) count() int {
	if q.grid.End < q.grid.Start {
		return 0
	}
	return int((q.grid.End-q.grid.Start)/q.grid.Interval.Milliseconds()) + 1
}

// Query implements cycle.Querier for the query and its slots.
func (a *answers) Query(_ context.Context, text string, at time.Time) (cycle.Result, error) {
	since, every := at.UnixMilli()-a.grid.Start, a.grid.Interval.Milliseconds()
	i := int(since / every)
	if text != a.text || since < 0 || since%every != 0 || i >= len(a.samples) {
		return cycle.Result{}, fmt.Errorf("query %q was not evaluated ahead for %s: %w", text, instant(at.UnixMilli()), cycle.ErrUnavailable)
	}
	if err := a.errors[i]; err != nil {
		return cycle.Result{}, err
	}
	return cycle.Result{Samples: int(a.samples[i]), Value: a.values[i]}, nil
}

// followShared is follow, once for all runs with the autoscaler's slots.
func (p *autoscalerRun) followShared(text string) (Steps, error) {
	s := p.run.in.shared
	key := gridQuery{text, p.slots()}
	if steps, ok := s.recorded[key]; ok {
		return steps, nil
	}
	steps, err := p.follow(text)
	if err == nil {
		s.recorded[key] = steps
	}
	return steps, err
}

// A listener passes decisions on instead of writing them down.
type listener struct {
	tell  func(*journal.Record)
	count *int64
}

// Record implements cycle.Journal.
func (l *listener) Record(r *journal.Record) {
	*l.count++
	l.tell(r)
}

// Outcome implements cycle.Journal.
func (l *listener) Outcome(*journal.Outcome) {}

// newJournal is where the run's decisions go.
func (r *run) newJournal() cycle.Journal {
	if r.pages != nil {
		return r.pages
	}
	if r.o.Decisions != nil {
		return &listener{tell: r.o.Decisions, count: &r.result.Records}
	}
	if r.o.Lines != nil && r.o.Journal == nil {
		return r.o.Lines
	}
	out := r.o.Journal
	if out == nil {
		out = io.Discard
	}
	r.recorder = newRecorder(out, r.observe)
	if r.o.Lines != nil {
		return keptJournal{r.recorder, r.o.Lines}
	}
	return r.recorder
}

// A keptJournal is one that is also kept in memory.
type keptJournal struct {
	*recorder
	lines *Lines
}

// Record implements cycle.Journal.
func (k keptJournal) Record(r *journal.Record) {
	k.lines.Record(r)
	k.recorder.Record(r)
}

// Outcome implements cycle.Journal.
func (k keptJournal) Outcome(o *journal.Outcome) {
	k.lines.Outcome(o)
	k.recorder.Outcome(o)
}

// errPaused ends a run that was not to go on.
var errPaused = errors.New("not to go on")

// pause asks at the next pause, if its time has come, whether to go on.
func (r *run) pause(now int64) error {
	for r.o.Paused != nil && len(r.o.Pauses) > 0 && now >= r.o.Pauses[0].UnixMilli() {
		at := r.o.Pauses[0]
		r.o.Pauses = r.o.Pauses[1:]
		objects := make([]Object, len(r.played))
		for i, p := range r.played {
			objects[i] = p.object
		}
		if !r.o.Paused(at, objects) {
			return errPaused
		}
	}
	return nil
}
