package fake

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/limit"
)

// engineTimeout is far longer than any query takes: real time must not decide.
const engineTimeout = 24 * time.Hour

// Options are a fake Prometheus' settings. The zero value of each field means
// Prometheus' default, unless said otherwise.
type Options struct {
	// Start is the first instant in Unix milliseconds; rules are evaluated from
	// here on.
	Start int64
	// Lookback is how long a sample counts as current; default 5m.
	Lookback time.Duration
	// EvaluationInterval is the interval of rule groups that give none and the
	// step of subqueries that give none; default 1m.
	EvaluationInterval time.Duration
	// MaxSamples bounds what one query may hold in memory; default 50 million.
	MaxSamples int
	// ExternalLabels and ExternalURL are what alert templates have under these names.
	ExternalLabels map[string]string
	ExternalURL    string
	// Annotations has alerts keep theirs, which take time to expand, for Alerts.
	Annotations bool
	// Features are the experimental parts of PromQL that queries and rules may use.
	Features Features
	// Keep is how long before the current instant queries may be asked, on top
	// of their windows; default 0.
	Keep time.Duration
}

func (o Options) withDefaults() Options {
	if o.Lookback == 0 {
		o.Lookback = 5 * time.Minute
	}
	if o.EvaluationInterval == 0 {
		o.EvaluationInterval = time.Minute
	}
	if o.MaxSamples == 0 {
		o.MaxSamples = limit.Samples
	}
	return o
}

// A Prometheus answers PromQL over what has happened so far. All its methods
// may be called concurrently; they take turns.
type Prometheus struct {
	mu      sync.Mutex
	options Options
	store   *Store
	planner *planner
	intake  intake
	scrapes []*scrapeLoop
	rules   []*ruleGroup
	now     int64
	queries map[string]*preparedQuery
	views   func(Reading) View
	retention
}

// NewPrometheus returns a Prometheus without data.
func NewPrometheus(o Options) *Prometheus {
	o = o.withDefaults()
	store := NewStore()
	return &Prometheus{
		options:   o,
		store:     store,
		intake:    intake{store: store},
		planner:   newPlanner(store, o),
		now:       math.MinInt64,
		queries:   map[string]*preparedQuery{},
		retention: newRetention(),
	}
}

// Attach adds a feed; its samples become visible as time advances. Several feeds
// may have samples of the same series, at different times. Close closes it.
func (p *Prometheus) Attach(feed Feed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intake.feed.add(feed)
}

// Now returns the instant reached, in Unix milliseconds.
func (p *Prometheus) Now() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// Advance makes everything visible that has happened until now (Unix
// milliseconds, inclusive): samples of feeds, and scraped samples whose delay is
// over. Time cannot go back.
func (p *Prometheus) Advance(now int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now < p.now {
		return fmt.Errorf("time goes back from %s to %s", formatTime(p.now), formatTime(now))
	}
	p.now = now
	if err := p.intake.advance(now); err != nil {
		return err
	}
	if err := p.release(now); err != nil {
		return err
	}
	p.prune()
	return nil
}

// NextEvent returns the instant (Unix milliseconds) of the next scrape or rule
// evaluation, math.MaxInt64 if there is none.
func (p *Prometheus) NextEvent() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := int64(math.MaxInt64)
	for _, s := range p.scrapes {
		next = min(next, s.next)
	}
	for _, g := range p.rules {
		next = min(next, g.next)
	}
	return next
}

// Close closes all feeds.
func (p *Prometheus) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.intake.feed.Close()
}

// Query implements cycle.Querier. A histogram as the only sample is
// cycle.ErrWrongType, like a string or a range vector. What the server's
// engine could not evaluate is cycle.ErrUnavailable.
func (p *Prometheus) Query(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	return p.QueryAs(ctx, "", query, at)
}

// QueryAs is Query for an object, which a view may depend on.
func (p *Prometheus) QueryAs(ctx context.Context, object, query string, at time.Time) (cycle.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.result(ctx, query, at.UnixMilli(), func(q *preparedQuery, t int64) {
		p.look(Reading{By: Policy, Query: query, As: object, From: q.from(t)})
	})
}

// QueryStored is Query without views: over the samples as the store has them.
func (p *Prometheus) QueryStored(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.result(ctx, query, at.UnixMilli(), func(*preparedQuery, int64) { p.planner.view = nil })
}

// result evaluates a query for a decision, through the view that look sets.
func (p *Prometheus) result(ctx context.Context, query string, t int64, look func(*preparedQuery, int64)) (cycle.Result, error) {
	prepared, err := p.prepare(query, t)
	if err != nil {
		return cycle.Result{}, err
	}
	if prepared.plan.kind != parser.ValueTypeVector && prepared.plan.kind != parser.ValueTypeScalar {
		return cycle.Result{}, wrongType(query, string(prepared.plan.kind))
	}
	p.retain(prepared.reach)
	look(prepared, t)
	value, warnings, err := p.evaluate(ctx, prepared, t)
	if err != nil {
		return cycle.Result{}, err
	}
	result, err := summarize(query, value)
	result.Warnings = onlyWarnings(warnings)
	return result, err
}

// Instant evaluates an expression at an instant (Unix milliseconds), to judge by. A vector
// comes sorted by labels. The value is a promql.Vector, Scalar, String or Matrix.
func (p *Prometheus) Instant(expr string, at int64) (parser.Value, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	prepared, err := p.prepare(expr, at)
	if err != nil {
		return nil, err
	}
	p.look(Reading{By: Judge, Query: expr, From: prepared.from(at)})
	value, _, err := p.evaluate(context.Background(), prepared, at)
	if err != nil {
		return nil, err
	}
	if v, ok := value.(promql.Vector); ok {
		sortVector(v)
	}
	return value, nil
}

// summarize reduces a query's value to what a decision needs.
func summarize(query string, value parser.Value) (cycle.Result, error) {
	switch v := value.(type) {
	case promql.Scalar:
		return cycle.Result{Samples: 1, Value: v.V}, nil
	case promql.Vector:
		if len(v) != 1 {
			return cycle.Result{Samples: len(v)}, nil
		}
		if v[0].H != nil {
			return cycle.Result{}, wrongType(query, "native histogram")
		}
		return cycle.Result{Samples: 1, Value: v[0].F}, nil
	}
	return cycle.Result{}, wrongType(query, string(value.Type()))
}

func wrongType(query, kind string) error {
	return fmt.Errorf("query %q gives a %s; an instant vector or a scalar is needed: %w", query, kind, cycle.ErrWrongType)
}
