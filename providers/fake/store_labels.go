package fake

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// LabelValues returns the sorted values of a label among the matching series
// that have samples in the querier's time range.
func (q *querier) LabelValues(_ context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values := map[string]struct{}{}
	q.eachMatching(matchers, func(l labels.Labels) {
		if v := l.Get(name); v != "" {
			values[v] = struct{}{}
		}
	})
	return sortedKeys(values, hints), nil, nil
}

// LabelNames returns the sorted label names of the matching series that have
// samples in the querier's time range.
func (q *querier) LabelNames(_ context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	names := map[string]struct{}{}
	q.eachMatching(matchers, func(l labels.Labels) {
		l.Range(func(label labels.Label) { names[label.Name] = struct{}{} })
	})
	return sortedKeys(names, hints), nil, nil
}

func (q *querier) eachMatching(matchers []*labels.Matcher, visit func(labels.Labels)) {
	for _, v := range q.store.selection(matchers).views {
		if from, to := v.data.between(q.mint, q.maxt); from < to {
			visit(v.data.labels)
		}
	}
}

func sortedKeys(set map[string]struct{}, hints *storage.LabelHints) []string {
	keys := slices.Sorted(maps.Keys(set))
	if hints != nil && hints.Limit > 0 && len(keys) > hints.Limit {
		keys = keys[:hints.Limit]
	}
	return keys
}
