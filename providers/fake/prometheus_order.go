package fake

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// Floating-point addition depends on the order of its operands, so an
// aggregation has a reproducible result only if the order of its input has. The
// engine walks over a map, and so has a random order,
//   - over several steps, that is in range queries and inside subqueries: after
//     every operator and every function of instant vectors, after topk and
//     bottomk, and where series merge that differed in the name only;
//   - always: after histogram_quantile, histogram_fraction and count_values.

// ordered says whether the series of e's result come in a reproducible order.
// ranged says whether e is evaluated over several steps at once.
func ordered(e parser.Expr, ranged bool) bool {
	if single(e) {
		return true
	}
	switch n := e.(type) {
	case *parser.VectorSelector, *parser.MatrixSelector:
		return true
	case *parser.ParenExpr:
		return ordered(n.Expr, ranged)
	case *parser.UnaryExpr:
		return !ranged && ordered(n.Expr, ranged)
	case *parser.SubqueryExpr:
		return ordered(n.Expr, true)
	case *parser.BinaryExpr:
		return !ranged && ordered(n.LHS, ranged) && ordered(n.RHS, ranged)
	case *parser.AggregateExpr:
		switch n.Op {
		case parser.COUNT_VALUES:
			return false
		case parser.TOPK, parser.BOTTOMK:
			return !ranged && ordered(n.Expr, ranged)
		}
		return ordered(n.Expr, ranged)
	case *parser.Call:
		return orderedCall(n, ranged)
	}
	return false
}

func orderedCall(n *parser.Call, ranged bool) bool {
	switch n.Func.Name {
	case "histogram_quantile", "histogram_fraction":
		return false
	}
	if arg := rangeArgument(n); arg != nil {
		return ordered(arg, ranged)
	}
	if ranged {
		return false
	}
	return !slices.ContainsFunc(n.Args, func(arg parser.Expr) bool {
		return arg.Type() == parser.ValueTypeVector && !ordered(arg, ranged)
	})
}

// rangeArgument returns a call's range vector, if it has one.
func rangeArgument(n *parser.Call) parser.Expr {
	for _, arg := range n.Args {
		if arg.Type() == parser.ValueTypeMatrix {
			return arg
		}
	}
	return nil
}

// single says whether e certainly has at most one series.
func single(e parser.Expr) bool {
	if e.Type() == parser.ValueTypeScalar || e.Type() == parser.ValueTypeString {
		return true
	}
	switch n := e.(type) {
	case *parser.ParenExpr:
		return single(n.Expr)
	case *parser.UnaryExpr:
		return single(n.Expr)
	case *parser.SubqueryExpr:
		return single(n.Expr)
	case *parser.AggregateExpr:
		switch n.Op {
		case parser.TOPK, parser.BOTTOMK, parser.COUNT_VALUES:
			return false
		}
		return !n.Without && len(n.Grouping) == 0 || single(n.Expr)
	case *parser.Call:
		return singleCall(n)
	case *parser.BinaryExpr:
		return singleBinary(n)
	}
	return false
}

func singleCall(n *parser.Call) bool {
	switch n.Func.Name {
	case "absent", "absent_over_time", "vector":
		return true
	case "histogram_quantile", "histogram_fraction":
		buckets, ok := n.Args[len(n.Args)-1].(*parser.AggregateExpr)
		if ok && !buckets.Without && slices.Equal(buckets.Grouping, []string{labels.BucketLabel}) {
			return true
		}
	}
	for _, arg := range n.Args {
		if !single(arg) {
			return false
		}
	}
	return true
}

func singleBinary(n *parser.BinaryExpr) bool {
	if n.VectorMatching == nil {
		return single(n.LHS) && single(n.RHS)
	}
	switch {
	case n.Op == parser.LOR:
		return false
	case n.Op == parser.LAND || n.Op == parser.LUNLESS || n.VectorMatching.Card == parser.CardManyToOne:
		return single(n.LHS)
	case n.VectorMatching.Card == parser.CardOneToMany:
		return single(n.RHS)
	default:
		return single(n.LHS) || single(n.RHS)
	}
}

// settled says whether every value in e's result is reproducible.
func settled(e parser.Expr, ranged bool) bool {
	if sub, ok := e.(*parser.SubqueryExpr); ok {
		return settled(sub.Expr, true)
	}
	if agg, ok := e.(*parser.AggregateExpr); ok && !blind(agg) && !ordered(agg.Expr, ranged) {
		return false
	}
	for child := range parser.ChildrenIter(e) {
		if expr, ok := child.(parser.Expr); ok && !settled(expr, ranged) {
			return false
		}
	}
	return true
}

// blind says whether an aggregation does not depend on the order of its input.
func blind(n *parser.AggregateExpr) bool {
	return n.Op == parser.COUNT || n.Op == parser.GROUP || n.Op == parser.COUNT_VALUES
}

// split cuts the pieces out of an expression that need a plan of their own, so
// that what remains is settled.
func (p *planner) split(pl *plan, e *parser.Expr) error {
	switch n := (*e).(type) {
	case *parser.ParenExpr:
		return p.split(pl, &n.Expr)
	case *parser.UnaryExpr:
		return p.split(pl, &n.Expr)
	case *parser.BinaryExpr:
		if err := p.split(pl, &n.LHS); err != nil {
			return err
		}
		return p.split(pl, &n.RHS)
	case *parser.AggregateExpr:
		if n.Param != nil {
			if err := p.split(pl, &n.Param); err != nil {
				return err
			}
		}
		if blind(n) || ordered(n.Expr, false) {
			return p.split(pl, &n.Expr)
		}
		target, err := p.cut(pl, n.Expr, nil)
		if err != nil {
			return err
		}
		n.Expr = target
	case *parser.Call:
		for i := range n.Args {
			if err := p.splitArgument(pl, n, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *planner) splitArgument(pl *plan, n *parser.Call, i int) error {
	sub, ok := n.Args[i].(*parser.SubqueryExpr)
	if !ok {
		return p.split(pl, &n.Args[i])
	}
	if settled(sub.Expr, true) {
		return nil
	}
	target, err := p.cut(pl, sub.Expr, sub)
	if err != nil {
		return err
	}
	n.Args[i] = &parser.MatrixSelector{VectorSelector: target, Range: sub.Range}
	return nil
}

// cut makes e a part of the plan and returns what stands in its place.
func (p *planner) cut(pl *plan, e parser.Expr, sub *parser.SubqueryExpr) (*parser.VectorSelector, error) {
	inner, err := p.plan(e)
	if err != nil {
		return nil, err
	}
	target := &parser.VectorSelector{PosRange: e.PositionRange()}
	pl.parts = append(pl.parts, part{plan: inner, target: target, subquery: sub})
	return target, nil
}

// sortMatrix sorts by labels.
func sortMatrix(m promql.Matrix) {
	slices.SortFunc(m, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
}
