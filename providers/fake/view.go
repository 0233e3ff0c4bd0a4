package fake

import (
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// A Run is the samples of one series, oldest first.
type Run struct {
	Labels labels.Labels
	// T are the instants in Unix milliseconds, F the values.
	T []int64
	F []float64
	// H is nil where there are no native histograms, else as long as T; where an
	// entry is nil the sample is a float.
	H []*histogram.FloatHistogram
}

// A View returns what is read in the place of a series: itself, another one,
// several, or none. It must not change what it is given.
type View func(Run) []Run

// A Reader is who asks a query.
type Reader uint8

// The readers.
const (
	Policy Reader = iota // the controller, for a decision
	Rule                 // a recording or alerting rule
	Judge                // an expectation
)

// A Reading is a query that is about to read samples.
type Reading struct {
	By Reader
	// Query is its text; As, where it is known, the object that it is asked for.
	Query, As string
	// From is the earliest instant that it reads, and Now the one reached, in
	// Unix milliseconds.
	From, Now int64
}

// SetViews has views change what queries read, as if other samples had been
// ingested; the store keeps them as they are. views returns nil for a query that
// reads them so.
func (p *Prometheus) SetViews(views func(Reading) View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = views
}

// look sets the view of the query that is evaluated next.
func (p *Prometheus) look(r Reading) {
	p.planner.view = nil
	if p.views != nil {
		r.Now = p.now
		p.planner.view = p.views(r)
	}
}

// Querier implements storage.Queryable: the store through the view that is set.
func (p *planner) Querier(mint, maxt int64) (storage.Querier, error) {
	q := &querier{store: p.store, mint: mint, maxt: maxt}
	if p.view == nil {
		return q, nil
	}
	return &viewQuerier{q, p.view}, nil
}

type viewQuerier struct {
	*querier
	view View
}

// Select returns the matching series as the view shows them, sorted by labels.
func (q *viewQuerier) Select(_ context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if len(matchers) == 0 {
		return storage.EmptySeriesSet()
	}
	cut := &selection{mint: q.mint, maxt: q.maxt}
	if hints != nil {
		cut.mint, cut.maxt = hints.Start, hints.End
	}
	var views []*view
	for _, v := range q.store.selection(matchers).views {
		for _, run := range q.view(v.data.run()) {
			shown := &samples{labels: run.Labels, times: run.T, floats: run.F, histograms: run.H}
			views = append(views, &view{selection: cut, data: shown})
		}
	}
	slices.SortFunc(views, func(a, b *view) int { return labels.Compare(a.data.labels, b.data.labels) })
	return &seriesSet{views: views}
}

func (d *samples) run() Run {
	r := Run{Labels: d.labels, T: d.times[d.first:], F: d.floats[d.first:]}
	if d.histograms != nil {
		r.H = d.histograms[d.first:]
	}
	return r
}
