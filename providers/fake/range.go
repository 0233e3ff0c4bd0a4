package fake

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// MaxRangeSteps bounds the steps of one Range call.
const MaxRangeSteps = 10_000_000

// Range evaluates an expression at from, from+step, ... up to to (Unix
// milliseconds, inclusive) and returns the series sorted by labels. Each step
// has the value that Instant has there. The expression must give an instant
// vector or a scalar, which becomes a series without labels.
func (p *Prometheus) Range(ctx context.Context, expr string, from, to int64, step time.Duration) (promql.Matrix, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if step.Milliseconds() <= 0 || to < from {
		return nil, fmt.Errorf("range query from %s to %s at steps of %v: the end must not be before the start and the step at least 1ms: %w",
			formatTime(from), formatTime(to), step, cycle.ErrBadQuery)
	}
	if (to-from)/step.Milliseconds() >= MaxRangeSteps {
		return nil, fmt.Errorf("range query: at most %d steps are possible: %w", MaxRangeSteps, cycle.ErrBadQuery)
	}
	q, err := p.prepare(expr, from)
	if err != nil {
		return nil, err
	}
	if q.plan.kind != parser.ValueTypeVector && q.plan.kind != parser.ValueTypeScalar {
		return nil, wrongType(expr, string(q.plan.kind))
	}
	return p.rangeOf(ctx, q, from, to, step)
}

// rangeOf evaluates a prepared query along a range.
func (p *Prometheus) rangeOf(ctx context.Context, q *preparedQuery, from, to int64, step time.Duration) (promql.Matrix, error) {
	if q.from(from) < p.store.pruned {
		return nil, droppedError(q, from, p.store.pruned)
	}
	p.look(Reading{By: Policy, Query: q.text, From: q.from(from)})
	if q.ranged || q.once {
		// start() and end() are those of the whole range.
		return p.planner.rangeQuery(ctx, q.text, from, to, step)
	}
	return p.eachInstant(ctx, q, from, to, step)
}

// rangeQuery lets the engine evaluate all steps at once. Only expressions that
// exogenous accepts give the same result as step by step.
func (p *planner) rangeQuery(ctx context.Context, expr string, from, to int64, step time.Duration) (promql.Matrix, error) {
	query, err := p.engine.NewRangeQuery(ctx, p, nil, expr, time.UnixMilli(from).UTC(), time.UnixMilli(to).UTC(), step)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w: %w", expr, cycle.ErrBadQuery, err)
	}
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, executionError(expr, from, result.Err)
	}
	return result.Matrix()
}

// eachInstant evaluates one step after the other.
func (p *Prometheus) eachInstant(ctx context.Context, q *preparedQuery, from, to int64, step time.Duration) (promql.Matrix, error) {
	gathered := newGathering()
	for t := from; t <= to; t += step.Milliseconds() {
		value, _, err := p.evaluate(ctx, q, t)
		if err != nil {
			return nil, err
		}
		if err := gathered.add(value, t); err != nil {
			return nil, err
		}
	}
	sortMatrix(gathered.matrix)
	return gathered.matrix, nil
}

// Exogenous says whether range evaluation of the query gives, at every step, the
// very bits of an instant query, and whether nothing that a run publishes can
// influence it, so that it can be evaluated ahead of the run. published says
// whether the run writes a metric of that name. An invalid query is not exogenous.
func Exogenous(query string, published func(metricName string) bool) bool {
	expr, err := EveryFeature.Parser().ParseExpr(query)
	if err != nil || !rangeable(expr) {
		return false
	}
	independent := true
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if n, ok := node.(*parser.VectorSelector); ok {
			name := metricName(n)
			independent = independent && name != "" && !published(name)
		}
		return nil
	})
	return independent
}

// rangeable is the first half of Exogenous.
func rangeable(expr parser.Expr) bool {
	if expr.Type() != parser.ValueTypeVector && expr.Type() != parser.ValueTypeScalar {
		return false
	}
	allowed := true
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			allowed = allowed && metricName(n) != "" && n.Timestamp == nil && n.StartOrEnd == 0 &&
				n.OriginalOffset >= 0 && !n.Anchored && !n.Smoothed
		case *parser.SubqueryExpr:
			allowed = allowed && n.Timestamp == nil && n.StartOrEnd == 0 && n.OriginalOffset >= 0
		case *parser.Call:
			allowed = allowed && rangeableCalls[n.Func.Name]
		case *parser.AggregateExpr:
			allowed = allowed && (blind(n) && n.Op != parser.COUNT_VALUES || alike(n.Expr))
		}
		return nil
	})
	return allowed && settled(expr, true)
}

// alike says whether the series of e's result come in the same order at one
// instant as over many. Groups of an aggregation do not: they come in the order
// of their first members, and those differ from instant to instant.
func alike(e parser.Expr) bool {
	if single(e) {
		return true
	}
	switch n := e.(type) {
	case *parser.VectorSelector, *parser.MatrixSelector:
		return true
	case *parser.ParenExpr:
		return alike(n.Expr)
	case *parser.SubqueryExpr:
		return alike(n.Expr)
	case *parser.Call:
		arg := rangeArgument(n)
		return arg != nil && alike(arg)
	}
	return false
}

// rangeableCalls are the functions whose result at a step depends on that step
// alone. Sorting is not among them: a range query does not sort.
var rangeableCalls = setOf(
	"abs", "absent", "absent_over_time", "avg_over_time", "ceil", "changes", "clamp", "clamp_max", "clamp_min",
	"count_over_time", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "delta", "deriv", "exp", "floor",
	"histogram_avg", "histogram_count", "histogram_fraction", "histogram_quantile", "histogram_stddev", "histogram_stdvar", "histogram_sum",
	"hour", "idelta", "increase", "irate", "label_join", "label_replace", "last_over_time", "ln", "log10", "log2",
	"max_over_time", "min_over_time", "minute", "month", "pi", "predict_linear", "present_over_time", "quantile_over_time",
	"rate", "resets", "round", "scalar", "sgn", "sqrt", "stddev_over_time", "stdvar_over_time", "sum_over_time",
	"time", "timestamp", "vector", "year",
)

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// metricName returns the name that a selector demands, "" if it demands none.
func metricName(n *parser.VectorSelector) string {
	for _, m := range n.LabelMatchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
