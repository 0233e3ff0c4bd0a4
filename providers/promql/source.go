package promql

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// remembered is how many enforced queries are kept, at most twice as many for a
// while: each is asked again at the next slot.
const remembered = 1 << 14

// Enforcing returns a MetricSource that asks inner for each query with the label
// enforced. What is refused is answered with its error and never asked. Without a
// label it is inner itself.
func Enforcing(l Label, inner cycle.MetricSource) cycle.MetricSource {
	if l == "" {
		return inner
	}
	return &enforcing{inner: inner, enforce: func(q cycle.Query) (string, error) { return l.Enforce(q.Text, q.Namespace) }}
}

// Narrowing returns a MetricSource that asks inner for each query with labels of fixed
// values enforced, as Enforcing does that of the namespace. Without any it is inner.
func Narrowing(labels map[string]string, inner cycle.MetricSource) cycle.MetricSource {
	if len(labels) == 0 {
		return inner
	}
	return &enforcing{inner: inner, enforce: func(q cycle.Query) (text string, err error) {
		text = q.Text
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			if text, err = Label(name).Enforce(text, labels[name]); err != nil {
				return "", err
			}
		}
		return text, nil
	}}
}

type enforcing struct {
	enforce func(cycle.Query) (string, error)
	inner   cycle.MetricSource
	texts   texts
}

// QueryAll implements cycle.MetricSource.
func (e *enforcing) QueryAll(ctx context.Context, queries []cycle.Query, at time.Time, within time.Duration, answers []cycle.Answer) {
	asked := make([]cycle.Query, 0, len(queries))
	places := make([]int, 0, len(queries)) // of asked in answers
	for i, q := range queries {
		text, err := e.texts.of(q, e.enforce)
		if err != nil {
			answers[i] = cycle.Answer{Err: err}
			continue
		}
		q.Text = text
		asked, places = append(asked, q), append(places, i)
	}
	if len(asked) == 0 {
		return
	}
	given := make([]cycle.Answer, len(asked))
	e.inner.QueryAll(ctx, asked, at, within, given)
	for i, place := range places {
		answers[place] = given[i]
	}
}

// texts are queries as they have been enforced, in two generations: the older one
// goes when the younger one is full.
type texts struct {
	mu           sync.Mutex
	young, older map[cycle.Query]enforced
}

type enforced struct {
	text string
	err  error
}

func (t *texts) of(q cycle.Query, enforce func(cycle.Query) (string, error)) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.young[q]; ok {
		return e.text, e.err
	}
	e, ok := t.older[q]
	if !ok {
		e.text, e.err = enforce(q)
	}
	if t.young == nil || len(t.young) >= remembered {
		t.young, t.older = map[cycle.Query]enforced{}, t.young
	}
	t.young[q] = e
	return e.text, e.err
}
