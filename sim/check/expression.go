package check

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// Evaluate gives the value of a PromQL expression at an instant in Unix milliseconds.
type Evaluate func(expr string, at int64) (parser.Value, error)

// An expression is judged with bool if its top node is a comparison, and by
// having samples otherwise.
type expression struct {
	text string
	// judged is the text that is evaluated, shown what a failure displays:
	// without the comparison, so that it has the values.
	judged, shown string
	comparison    bool
	// operands are the parts whose values an excerpt shows.
	operands []string
}

// parse prepares an expression. It must be an instant vector or a scalar.
func parse(text string) (expression, error) {
	e := expression{text: text, judged: text, shown: text}
	expr, err := fake.EveryFeature.Parser().ParseExpr(text)
	if err != nil {
		return e, err
	}
	e.operands = operands(expr)
	for {
		inner, ok := expr.(*parser.ParenExpr)
		if !ok {
			break
		}
		expr = inner.Expr
	}
	if b, ok := expr.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() {
		e.comparison = true
		e.shown = b.LHS.String()
		b.ReturnBool = true
		e.judged = b.String()
	}
	return e, nil
}

// Queries are the expressions that judging one evaluates, so that their samples
// can be kept long enough: as long as they see, and Reach besides.
func Queries(text string) []string {
	e, err := parse(text)
	if err != nil {
		return nil
	}
	return unique(append([]string{e.judged, e.shown}, e.operands...))
}

// holds judges the expression at an instant; detail says why it does not hold.
func (e *expression) holds(eval Evaluate, at int64) (ok bool, detail string, err error) {
	value, err := eval(e.judged, at)
	if err != nil {
		return false, "", err
	}
	switch v := value.(type) {
	case promql.Scalar:
		if !e.comparison || v.V == 1 {
			return true, "", nil
		}
	case promql.Vector:
		if len(v) > 0 && (!e.comparison || allOne(v)) {
			return true, "", nil
		}
	}
	return false, e.observed(eval, at), nil
}

func allOne(v promql.Vector) bool {
	for _, s := range v {
		if s.F != 1 {
			return false
		}
	}
	return true
}

// shownSeries is how many series a failure displays.
const shownSeries = 5

// observed describes the values that were judged.
func (e *expression) observed(eval Evaluate, at int64) string {
	value, err := eval(e.shown, at)
	if err != nil {
		return err.Error()
	}
	switch v := value.(type) {
	case promql.Scalar:
		return fmt.Sprintf("%s = %g", e.shown, v.V)
	case promql.Vector:
		if len(v) == 0 {
			return e.shown + " has no sample"
		}
		var lines []string
		for i, s := range v {
			if i == shownSeries {
				lines = append(lines, fmt.Sprintf("and %d more", len(v)-i))
				break
			}
			lines = append(lines, fmt.Sprintf("%s = %g", series(s.Metric, e.shown), s.F))
		}
		return strings.Join(lines, ", ")
	}
	return fmt.Sprintf("%s is a %s", e.shown, value.Type())
}

// series is a series as PromQL writes it, or the expression that gave it where
// it has no labels.
func series(l labels.Labels, expr string) string {
	if l.IsEmpty() {
		return expr
	}
	name := l.Get(labels.MetricName)
	rest := labels.NewBuilder(l).Del(labels.MetricName).Labels()
	if name != "" && rest.IsEmpty() {
		return name
	}
	return name + rest.String()
}
