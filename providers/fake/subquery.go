package fake

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// defaultStep is the step of subqueries that give none, where the interval of
// evaluations is not known: Prometheus' default interval.
const defaultStep = time.Minute

// CheckSubqueries refuses an expression whose subqueries would be evaluated at
// more instants than one evaluation may hold samples: the engine would take the
// memory for all of them before it counts any.
func CheckSubqueries(expr parser.Expr) error { return checkSubqueries(expr, defaultStep) }

func checkSubqueries(expr parser.Expr, step time.Duration) error {
	var found error
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		sub, ok := node.(*parser.SubqueryExpr)
		if !ok || found != nil {
			return nil
		}
		instants := instantsOf(sub, step)
		for _, outer := range path {
			if outer, ok := outer.(*parser.SubqueryExpr); ok {
				instants *= instantsOf(outer, step)
			}
		}
		if instants > limit.Samples {
			found = fmt.Errorf("PromQL, character %d: the subquery over %s would be evaluated at %.0f instants and have more than %s samples, the limit of one evaluation (as in Prometheus); shorten its range or widen its step",
				sub.PositionRange().Start+1, model.Duration(sub.Range), instants, thousands(limit.Samples))
		}
		return nil
	})
	return found
}

// instantsOf is at how many instants a subquery is evaluated; a float, as products
// of nested ones go beyond any integer.
func instantsOf(sub *parser.SubqueryExpr, step time.Duration) float64 {
	if sub.Step > 0 {
		step = sub.Step
	}
	return float64(sub.Range)/float64(max(step, time.Millisecond)) + 1
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
