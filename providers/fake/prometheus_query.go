package fake

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A preparedQuery is a query with its plan.
type preparedQuery struct {
	text string
	plan *plan
	reach
	// err is why the text cannot be evaluated.
	err error
	// ranged says that a range query gives what instant queries give.
	ranged bool
	// ordered says that a vector comes in a reproducible order.
	ordered bool
	// once says that the plan serves one instant only.
	once bool
}

// prepare returns the query's plan, making it at the first use.
func (p *Prometheus) prepare(text string, at int64) (*preparedQuery, error) {
	q := p.queries[text]
	if q != nil && q.once && q.plan != nil {
		p.planner.release(q.plan)
	}
	if q == nil || q.once {
		q = p.planner.prepare(text, at)
		p.queries[text] = q
	}
	return q, q.err
}

func (p *planner) prepare(text string, at int64) *preparedQuery {
	q := &preparedQuery{text: text}
	expr, err := p.parser.ParseExpr(text)
	if err != nil {
		q.err = fmt.Errorf("query %q: %w: %w", text, cycle.ErrBadQuery, err)
		return q
	}
	if err := checkSubqueries(expr, time.Duration(p.subqueryStep)*time.Millisecond); err != nil {
		q.err = fmt.Errorf("query %q: %w: %w", text, cycle.ErrBadQuery, err)
		return q
	}
	q.reach = p.reach(expr)
	q.ranged, q.ordered = rangeable(expr), ordered(expr, false)
	// start() and end() are the instant of the whole query, in subqueries too.
	q.once = resolveBounds(expr, at)
	q.plan, err = p.plan(expr)
	if err != nil {
		q.err = fmt.Errorf("query %q: %w: %w", text, cycle.ErrBadQuery, err)
	}
	return q
}

// resolveBounds replaces @ start() and @ end() and says whether there were any.
func resolveBounds(expr parser.Expr, at int64) bool {
	found := false
	resolve := func(timestamp **int64, bound *parser.ItemType) {
		if *bound != 0 {
			*timestamp, *bound, found = &at, 0, true
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			resolve(&n.Timestamp, &n.StartOrEnd)
		case *parser.SubqueryExpr:
			resolve(&n.Timestamp, &n.StartOrEnd)
		}
		return nil
	})
	return found
}

// evaluate runs a prepared query.
func (p *Prometheus) evaluate(ctx context.Context, q *preparedQuery, at int64) (parser.Value, annotations.Annotations, error) {
	if q.from(at) < p.store.pruned {
		return nil, nil, droppedError(q, at, p.store.pruned)
	}
	value, warnings, err := p.planner.run(ctx, q.plan, at)
	if err != nil {
		return nil, nil, executionError(q.text, at, err)
	}
	return value, warnings, nil
}

// droppedError says that a query comes too late for the samples it needs.
func droppedError(q *preparedQuery, at, pruned int64) error {
	return fmt.Errorf("query %q at %s needs samples since %s, but those before %s have been dropped; register the query before the run: %w",
		q.text, formatTime(at), formatTime(q.from(at)), formatTime(pruned), cycle.ErrUnavailable)
}

func executionError(query string, at int64, err error) error {
	cause := cycle.ErrUnavailable
	var timeout promql.ErrQueryTimeout
	var canceled promql.ErrQueryCanceled
	switch {
	case errors.As(err, &timeout):
		cause = cycle.ErrTimedOut
	case errors.As(err, &canceled):
		cause = context.Canceled
	}
	return fmt.Errorf("query %q at %s: %w: %w", query, formatTime(at), cause, err)
}

// A reach says how far back a query looks.
type reach struct {
	// window is how long before the instant of evaluation it looks.
	window time.Duration
	// fixed is the earliest instant that it names with @, in Unix milliseconds,
	// math.MaxInt64 if it names none.
	fixed int64
}

// from returns the earliest instant at which a sample can matter.
func (r reach) from(at int64) int64 {
	return min(at-r.window.Milliseconds()+1, r.fixed)
}

// reach computes how far back an expression looks, which includes the lookback.
func (p *planner) reach(expr parser.Expr) reach {
	r := reach{fixed: math.MaxInt64}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if n, ok := node.(*parser.VectorSelector); ok {
			p.extend(&r, n, path)
		}
		return nil
	})
	return r
}

// extend widens r by one selector with the nodes above it. With @, the nodes
// outside do not matter.
func (p *planner) extend(r *reach, n *parser.VectorSelector, path []parser.Node) {
	back := n.OriginalOffset
	fixed, anchored := n.Timestamp, n.Timestamp != nil || n.StartOrEnd != 0
	if m, ok := last(path).(*parser.MatrixSelector); ok {
		back += m.Range
	} else {
		back += p.lookback
	}
	for _, node := range slices.Backward(path) {
		if sub, ok := node.(*parser.SubqueryExpr); ok && !anchored {
			back += sub.Range + sub.OriginalOffset
			fixed, anchored = sub.Timestamp, sub.Timestamp != nil || sub.StartOrEnd != 0
		}
	}
	if fixed != nil {
		r.fixed = min(r.fixed, *fixed-back.Milliseconds()+1)
		return
	}
	r.window = max(r.window, back)
}

func last(path []parser.Node) parser.Node {
	if len(path) == 0 {
		return nil
	}
	return path[len(path)-1]
}

// Window returns how long before its instant of evaluation a query looks:
// ranges, offsets, subqueries and the lookback together. A query that names a
// fixed instant with @ has no such length, which is an error.
func (p *Prometheus) Window(query string) (time.Duration, error) {
	return Window(query, p.options.Lookback)
}

// Window returns how long before its instant of evaluation a query looks, with
// this lookback (0: the default of 5m). A query that names a fixed instant with
// @ has no such length, which is an error that wraps cycle.ErrBadQuery.
func Window(query string, lookback time.Duration) (time.Duration, error) {
	p := newPlanner(NewStore(), Options{Lookback: lookback, Features: EveryFeature}.withDefaults())
	q := p.prepare(query, 0)
	if q.err != nil {
		return 0, q.err
	}
	if q.fixed != math.MaxInt64 {
		return 0, fmt.Errorf("query %q names a fixed instant with @, so its window has no length: %w", query, cycle.ErrBadQuery)
	}
	return q.window, nil
}

// onlyWarnings returns the texts of the warnings, sorted, without infos.
func onlyWarnings(all annotations.Annotations) []string {
	var out []string
	for _, err := range all {
		if !errors.Is(err, annotations.PromQLInfo) {
			out = append(out, err.Error())
		}
	}
	slices.Sort(out)
	return out
}

func sortVector(v promql.Vector) {
	slices.SortFunc(v, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
}
