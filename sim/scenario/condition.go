package scenario

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A Condition is the parsed form of a report expectation.
type Condition struct {
	// Metric is the name of a report metric.
	Metric string
	// Matchers select among the metric's labels; none selects all.
	Matchers []*labels.Matcher
	// Op is one of <, <=, ==, !=, >=, >.
	Op string
	// Value is the number that the metric is compared with, in its own unit.
	Value float64
}

var errCondition = errors.New("want METRIC OP NUMBER such as reversals <= 1, with OP one of < <= == != >= >")

// ParseCondition reads METRIC[{LABEL="VALUE"}] OP NUMBER.
func ParseCondition(text string) (Condition, error) {
	expr, err := parseExpr(text, fake.Features{})
	if err != nil {
		return Condition{}, fmt.Errorf("%w (%w)", errCondition, err)
	}
	comparison, ok := expr.(*parser.BinaryExpr)
	if !ok || !comparison.Op.IsComparisonOperator() || comparison.ReturnBool {
		return Condition{}, errCondition
	}
	metric, isMetric := comparison.LHS.(*parser.VectorSelector)
	value, isNumber := number(comparison.RHS)
	if !isMetric || !isNumber || metric.Name == "" || metric.OriginalOffset != 0 || metric.Timestamp != nil || metric.StartOrEnd != 0 {
		return Condition{}, errCondition
	}
	c := Condition{Metric: metric.Name, Op: comparison.Op.String(), Value: value}
	for _, m := range metric.LabelMatchers {
		if m.Name != labels.MetricName {
			c.Matchers = append(c.Matchers, m)
		}
	}
	return c, nil
}

func number(e parser.Expr) (float64, bool) {
	switch e := e.(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.ParenExpr:
		return number(e.Expr)
	case *parser.UnaryExpr:
		v, ok := number(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	}
	return 0, false
}

// Holds compares a value of the metric.
func (c Condition) Holds(value float64) bool {
	switch c.Op {
	case "<":
		return value < c.Value
	case "<=":
		return value <= c.Value
	case "==":
		return value == c.Value
	case "!=":
		return value != c.Value
	case ">=":
		return value >= c.Value
	case ">":
		return value > c.Value
	}
	return false
}

// parseExpr is the PromQL parser, with the place of an error counted in
// characters of the expression.
func parseExpr(text string, features fake.Features) (parser.Expr, error) {
	expr, err := features.Parser().ParseExpr(text)
	if err != nil {
		return nil, describeParseError(err)
	}
	return expr, fake.CheckSubqueries(expr)
}

func describeParseError(err error) error {
	var list parser.ParseErrors
	if errors.As(err, &list) && len(list) > 0 {
		return fmt.Errorf("PromQL, character %d: %w", list[0].PositionRange.Start+1, list[0].Err)
	}
	return err
}
