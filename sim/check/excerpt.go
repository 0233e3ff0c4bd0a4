package check

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// How many scrapes an excerpt shows before and after the verdict, and of how
// many series.
const (
	excerptBefore = 20
	excerptAfter  = 10
	excerptSeries = 4
)

// Reach is how long before the present instant an excerpt looks, for scrapes
// this far apart.
func Reach(every time.Duration) time.Duration { return (excerptBefore + 1) * every }

// operands are the parts of an expression whose values decide it: the sides of
// comparisons and set operators, and what absent() looks for.
func operands(expr parser.Expr) []string {
	switch e := expr.(type) {
	case *parser.NumberLiteral:
		return nil
	case *parser.ParenExpr:
		return operands(e.Expr)
	case *parser.BinaryExpr:
		if e.Op.IsComparisonOperator() || e.Op.IsSetOperator() {
			return unique(append(operands(e.LHS), operands(e.RHS)...))
		}
	case *parser.Call:
		if e.Func.Name == "absent" {
			return operands(e.Args[0])
		}
	}
	return []string{expr.String()}
}

func unique(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// An excerpting collects the operands' values around an instant.
type excerpting struct {
	expr   *expression
	moment int64
	// failed are the labels of the samples that did not hold.
	failed []labels.Labels
	// t are the instants evaluated, values what the operands gave at each.
	t      []int64
	values []map[string]promql.Vector
	left   int
}

// excerpt begins with the scrapes until now, which is the moment of the verdict
// or the scrape after it.
func (j *Judge) excerpt(e *expression, moment, now int64) *excerpting {
	x := &excerpting{expr: e, moment: moment, left: excerptAfter}
	if judged, err := j.eval(e.judged, moment); err == nil && e.comparison {
		for _, s := range vector(judged) {
			if s.F != 1 {
				x.failed = append(x.failed, s.Metric.DropReserved(isName))
			}
		}
	}
	every := j.every.Milliseconds()
	last := j.start + (moment-j.start)/every*every
	for at := max(j.start, last-excerptBefore*every); at <= now; at += every {
		x.take(j.eval, at)
		if at < moment && moment < min(at+every, now+1) {
			x.take(j.eval, moment)
		}
	}
	return x
}

func isName(label string) bool { return label == labels.MetricName }

// take evaluates the operands at an instant.
func (x *excerpting) take(eval Evaluate, at int64) {
	if n := len(x.t); n > 0 && at <= x.t[n-1] {
		return
	}
	if at > x.moment {
		if x.left == 0 {
			return
		}
		x.left--
	}
	values := map[string]promql.Vector{}
	for _, text := range x.expr.operands {
		if value, err := eval(text, at); err == nil {
			values[text] = slices.Clone(vector(value))
		}
	}
	x.t, x.values = append(x.t, at), append(x.values, values)
}

func vector(value parser.Value) promql.Vector {
	switch v := value.(type) {
	case promql.Vector:
		return v
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}
	}
	return nil
}

// excerpts returns the courses of the series that decided, as many as are shown,
// with one sample a second at most.
func (x *excerpting) excerpts() []result.Excerpt {
	var list []result.Excerpt
	for _, text := range x.expr.operands {
		deciding := x.deciding(text)
		most := max(1, excerptSeries/len(x.expr.operands))
		for _, l := range deciding[:min(len(deciding), most)] {
			e := result.Excerpt{Series: series(l, text)}
			for i, ms := range x.t {
				if n := len(e.Values.T); n > 0 && e.Values.T[n-1] == ms/1000 {
					continue
				}
				e.Values.T, e.Values.V = append(e.Values.T, ms/1000), append(e.Values.V, valueOf(x.values[i][text], l))
			}
			list = append(list, e)
		}
	}
	return list
}

// deciding are the series of an operand that failed; all of them where that
// cannot be told, those nearest to the moment where there was no sample at it.
func (x *excerpting) deciding(operand string) []labels.Labels {
	order := make([]int, len(x.t))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(distance(x.t[a], x.moment) - distance(x.t[b], x.moment))
	})
	for _, i := range order {
		var all, failed []labels.Labels
		for _, s := range x.values[i][operand] {
			all = append(all, s.Metric)
			if slices.ContainsFunc(x.failed, func(l labels.Labels) bool { return labels.Equal(l, s.Metric.DropReserved(isName)) }) {
				failed = append(failed, s.Metric)
			}
		}
		if len(failed) > 0 {
			return failed
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

func valueOf(v promql.Vector, l labels.Labels) float64 {
	for _, s := range v {
		if labels.Equal(s.Metric, l) {
			return s.F
		}
	}
	return math.NaN()
}
