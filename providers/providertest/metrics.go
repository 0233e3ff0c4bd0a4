package providertest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A MetricHarness is a cycle.MetricSource that has the samples of MetricSamples at
// an instant, and the means to break it.
type MetricHarness struct {
	// Source is the implementation under test.
	Source cycle.MetricSource
	// At is the instant.
	At time.Time
	// Fail makes all queries fail with an error of a class, until it is called with
	// nil. Classes are those that queries can have.
	Fail    func(class error)
	Classes []error
	// Hang makes the source not answer; nil if it cannot wait.
	Hang func()
}

// MetricSamples are the gauges that the sources of MetricSource must have, as lines
// of the text format.
const MetricSamples = `one 1.5
several{pod="a"} 1
several{pod="b"} 2
third 0.3333333333333333
undefined NaN
endless +Inf
`

// MetricSource checks a source of metrics against the contract.
func MetricSource(t *testing.T, build func(t *testing.T) MetricHarness) {
	t.Helper()
	run(t, build, []contract[MetricHarness]{
		{"Values", "each kind of result is told as what it is, exactly", answersAll},
		{"Order", "answers stand in the order of the queries, whichever is asked several times or fails", answersInOrder},
		{"Again", "the same question at the same instant has the same answer", answersAgain},
		{"None", "no query needs no answer", answersNone},
		{"Refused", "a query that is wrong, or of a wrong type, has its class", refusesQueries},
		{"Failure", "each failure has its class, no value beside it, and passes", failsToAnswer},
		{"Deadline", "a source that does not answer is given up in time", answersInTime},
	})
}

// an expectation is what a query must yield.
type expectation struct {
	query string
	want  cycle.Result
}

var expectations = []expectation{
	{"one", cycle.Result{Samples: 1, Value: 1.5}},
	{"sum(several)", cycle.Result{Samples: 1, Value: 3}},
	{"third", cycle.Result{Samples: 1, Value: 0.3333333333333333}},
	{"2", cycle.Result{Samples: 1, Value: 2}},
	{"several", cycle.Result{Samples: 2}},
	{"nothing", cycle.Result{}},
	{"undefined", cycle.Result{Samples: 1, Value: math.NaN()}},
	{"endless", cycle.Result{Samples: 1, Value: math.Inf(1)}},
	{"nothing or vector(0)", cycle.Result{Samples: 1}},
}

// patient is how long a source has that needs no time.
const patient = time.Minute

func (h MetricHarness) ask(t *testing.T, queries ...string) []cycle.Answer {
	t.Helper()
	answers := make([]cycle.Answer, len(queries))
	h.Source.QueryAll(t.Context(), inNamespace(queries...), h.At, patient, answers)
	return answers
}

// inNamespace are queries of objects of one namespace.
func inNamespace(texts ...string) []cycle.Query {
	queries := make([]cycle.Query, len(texts))
	for i, text := range texts {
		queries[i] = cycle.Query{Namespace: "default", Text: text}
	}
	return queries
}

// differs says how an answer is not a result.
func differs(query string, got cycle.Answer, want cycle.Result) error {
	same := math.Float64bits(got.Result.Value) == math.Float64bits(want.Value) || math.IsNaN(got.Result.Value) && math.IsNaN(want.Value)
	if got.Err != nil || got.Result.Samples != want.Samples || !same {
		return fmt.Errorf("%s: got %+v, %w; want %+v", query, got.Result, got.Err, want)
	}
	return nil
}

func answersAll(t *testing.T, h MetricHarness) error {
	for _, e := range expectations {
		if err := differs(e.query, h.ask(t, e.query)[0], e.want); err != nil {
			return err
		}
	}
	return nil
}

func answersInOrder(t *testing.T, h MetricHarness) error {
	var queries []string
	for i := range expectations {
		queries = append(queries, expectations[i].query, "sum(", expectations[len(expectations)-1-i].query)
	}
	answers := h.ask(t, queries...)
	for i := range expectations {
		last := expectations[len(expectations)-1-i]
		if !errors.Is(answers[3*i+1].Err, cycle.ErrBadQuery) {
			return fmt.Errorf("sum( among others: got %v, want %v", answers[3*i+1].Err, cycle.ErrBadQuery)
		}
		if err := errors.Join(differs(expectations[i].query, answers[3*i], expectations[i].want), differs(last.query, answers[3*i+2], last.want)); err != nil {
			return err
		}
	}
	return nil
}

func answersAgain(t *testing.T, h MetricHarness) error {
	for range 3 {
		if err := differs("one", h.ask(t, "one")[0], cycle.Result{Samples: 1, Value: 1.5}); err != nil {
			return err
		}
	}
	return nil
}

func answersNone(t *testing.T, h MetricHarness) error {
	h.ask(t)
	return nil
}

func refusesQueries(t *testing.T, h MetricHarness) error {
	for query, class := range map[string]error{
		"sum(": cycle.ErrBadQuery, "total(one)": cycle.ErrBadQuery, "rate(one)": cycle.ErrBadQuery,
		`"text"`: cycle.ErrWrongType, "one[5m]": cycle.ErrWrongType,
	} {
		got := h.ask(t, query)[0]
		if !errors.Is(got.Err, class) || cycle.Code(got.Err) != cycle.Code(class) {
			return fmt.Errorf("%s: got %v, want %v", query, got.Err, class)
		}
	}
	return nil
}

func failsToAnswer(t *testing.T, h MetricHarness) error {
	if missing := lacking(h.Classes, cycle.ErrUnavailable, cycle.ErrTimedOut); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	for _, class := range h.Classes {
		h.Fail(class)
		// Queries that nobody asked before.
		for _, query := range []string{"one + 0", "nothing + 0"} {
			got := h.ask(t, query)[0]
			if cycle.Code(got.Err) != cycle.Code(class) {
				return fmt.Errorf("%s: %v has the code %s, want %s", query, got.Err, cycle.Code(got.Err), cycle.Code(class))
			}
			if got.Result.Samples != 0 || got.Result.Value != 0 {
				return fmt.Errorf("%s: got both %+v and the error %w", query, got.Result, got.Err)
			}
		}
		h.Fail(nil)
		if err := differs("one + 0", h.ask(t, "one + 0")[0], cycle.Result{Samples: 1, Value: 1.5}); err != nil {
			return fmt.Errorf("after %w: %w", class, err)
		}
		h.At = h.At.Add(time.Second)
	}
	return nil
}

func answersInTime(t *testing.T, h MetricHarness) error {
	if h.Hang == nil {
		return nil // this source cannot wait
	}
	h.Hang()
	answers := make([]cycle.Answer, 2)
	ended := make(chan struct{})
	go func() {
		h.Source.QueryAll(context.WithoutCancel(t.Context()), inNamespace("one + 1", "sum(several) + 1"), h.At, 50*time.Millisecond, answers)
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(patient):
		return errors.New("it waits longer than it may")
	}
	for _, got := range answers {
		if cycle.Code(got.Err) != cycle.Code(cycle.ErrTimedOut) {
			return fmt.Errorf("%v has the code %s, want %s", got.Err, cycle.Code(got.Err), cycle.Code(cycle.ErrTimedOut))
		}
	}
	return nil
}
