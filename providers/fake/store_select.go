package fake

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// A selection is the series that match one selector, sorted by labels. It is
// brought up to date whenever it is used, at a cost that follows the number of
// series created since.
type selection struct {
	matchers []*labels.Matcher
	metric   *metric
	epoch    uint64
	seen     int
	views    []*view
	// mint and maxt bound what the views show, inclusive, Unix milliseconds.
	mint, maxt int64
}

// A view is a series as a query sees it: cut to the selection's time range.
type view struct {
	selection *selection
	data      *samples
}

// remember makes Select reuse one selection for this very slice of matchers, so
// that a query evaluated again and again does not match series each time. The
// caller must not have two readers of the selection at the same time.
func (s *Store) remember(matchers []*labels.Matcher) {
	if len(matchers) > 0 {
		s.selections[matchers[0]] = &selection{matchers: matchers}
	}
}

// forget ends what remember began.
func (s *Store) forget(matchers []*labels.Matcher) {
	if len(matchers) > 0 {
		delete(s.selections, matchers[0])
	}
}

// selection returns an up-to-date selection for the matchers.
func (s *Store) selection(matchers []*labels.Matcher) *selection {
	var sel *selection
	if len(matchers) > 0 {
		sel = s.selections[matchers[0]]
	}
	if sel == nil {
		sel = &selection{matchers: matchers}
	}
	sel.refresh(s.candidates(matchers))
	return sel
}

// candidates returns the smallest list of series that holds all that match.
func (s *Store) candidates(matchers []*labels.Matcher) *metric {
	for _, m := range matchers {
		if m.Type == labels.MatchEqual && m.Name == labels.MetricName && m.Value != "" {
			return s.byName[m.Value]
		}
	}
	return &s.all
}

func (sel *selection) refresh(m *metric) {
	if sel.metric != m || m == nil || sel.epoch != m.epoch {
		sel.metric, sel.seen, sel.views = m, 0, sel.views[:0]
	}
	if m == nil {
		return
	}
	sel.epoch = m.epoch
	if sel.seen == len(m.series) {
		return
	}
	known := len(sel.views)
	for _, d := range m.series[sel.seen:] {
		if matches(sel.matchers, d.labels) {
			sel.views = append(sel.views, &view{selection: sel, data: d})
		}
	}
	sel.seen = len(m.series)
	if len(sel.views) > known {
		slices.SortFunc(sel.views, func(a, b *view) int { return labels.Compare(a.data.labels, b.data.labels) })
	}
}

func matches(matchers []*labels.Matcher, l labels.Labels) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// Querier returns a querier for samples in [mint, maxt] (Unix milliseconds).
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{store: s, mint: mint, maxt: maxt}, nil
}

type querier struct {
	store      *Store
	mint, maxt int64
}

func (*querier) Close() error { return nil }

// Select returns the matching series, always sorted by labels: the order of
// series decides the last bits of avg and the ties of topk.
func (q *querier) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if len(matchers) == 0 {
		// No selector is without matchers: this stands for a part of a plan.
		return storage.EmptySeriesSet()
	}
	sel := q.store.selection(matchers)
	sel.mint, sel.maxt = q.mint, q.maxt
	if hints != nil {
		sel.mint, sel.maxt = hints.Start, hints.End
	}
	return &seriesSet{views: sel.views}
}

type seriesSet struct {
	views []*view
	next  int
}

func (s *seriesSet) Next() bool {
	s.next++
	return s.next <= len(s.views)
}

func (s *seriesSet) At() storage.Series                { return s.views[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// Labels implements storage.Series.
func (v *view) Labels() labels.Labels { return v.data.labels }

// Iterator implements storage.Series; it reuses it where it can.
func (v *view) Iterator(it chunkenc.Iterator) chunkenc.Iterator {
	i, ok := it.(*iterator)
	if !ok {
		i = &iterator{}
	}
	i.reset(v.data, v.selection.mint, v.selection.maxt)
	return i
}
