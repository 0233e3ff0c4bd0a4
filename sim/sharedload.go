package sim

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A sharedLoad is how a metric shows a load that ready replicas share.
type sharedLoad struct {
	// window is the time before its instant, in milliseconds, over which the metric
	// averages what the replicas did.
	window int64
	// divided says that the query divides what they did by the number of those that
	// are ready at its own instant, as sum(rate(busy[1m])) / ready does. One that became
	// ready within the window counts in full below the line, and above it with what it
	// has done so far: the value dips whenever a replica becomes ready, although all
	// are full, and leaps when one goes.
	divided bool
}

// shown returns the value of the metric at an instant of a grid: what replicas did
// within its window that are asked for a load, in the metric's unit times replicas,
// and do the saturation at most. NaN where nothing of it is known.
func (s *sharedLoad) shown(load, ready func(t int64) float64, saturation float64, g grid, at int64) float64 {
	sum, n := 0.0, 0.0
	for t := range s.instants(g, at) {
		done := min(load(t), saturation*ready(t))
		if !s.divided {
			done /= ready(t)
		}
		if !math.IsNaN(done) && !math.IsInf(done, 0) {
			sum, n = sum+done, n+1
		}
	}
	if s.divided {
		n *= ready(at)
	}
	return sum / n
}

// most returns the largest value that the metric can have at an instant of a grid.
func (s *sharedLoad) most(ready func(t int64) float64, saturation float64, g grid, at int64) float64 {
	if !s.divided || math.IsInf(saturation, 0) {
		return saturation
	}
	full := s.shown(func(int64) float64 { return math.Inf(1) }, ready, saturation, g, at)
	if math.IsNaN(full) || math.IsInf(full, 0) {
		return saturation
	}
	return full
}

// instants yields those of a grid within the window before one of them, which is
// the only one where the window has none.
func (s *sharedLoad) instants(g grid, at int64) func(yield func(int64) bool) {
	from := max(at-s.window, g.start)
	if from > at-g.every {
		from = at
	}
	return func(yield func(int64) bool) {
		for t := from; t == from || t < at; t += g.every {
			if !yield(t) {
				return
			}
		}
	}
}

// ofWindow returns the values of the metric over the mean number of the replicas that
// were ready within the window, in place of those at its end: what one of them did.
func (s *sharedLoad) ofWindow(value, ready []float64, every int64) []float64 {
	if !s.divided {
		return value
	}
	n := max(1, int(s.window/every))
	out := make([]float64, len(value))
	for i, v := range value {
		sum, known := 0.0, 0.0
		for _, r := range ready[max(0, i-n):max(i, 1)] {
			if !math.IsNaN(r) {
				sum, known = sum+r, known+1
			}
		}
		out[i] = v
		if sum > 0 {
			out[i] = v * ready[i] * known / sum
		}
	}
	return out
}

// shareOf returns how a query that averages over a window shows what replicas share,
// by the counts of the ready ones that were recorded at the instants of a grid.
func (in *Input) shareOf(query string, window int64, ready []float64, g grid) (sharedLoad, error) {
	s := sharedLoad{window: window}
	expr, err := fake.EveryFeature.Parser().ParseExpr(query)
	if err != nil || ready == nil {
		return s, err
	}
	for _, divisor := range divisors(expr) {
		text := divisor.String()
		if before, err := reach(text); err != nil || before > 0 {
			continue // what it counts is averaged as well
		}
		values, err := in.evaluate([]string{text}, g)
		if err != nil {
			return s, err
		}
		if proportional(on(values[0].Steps, g), ready) {
			s.divided = true
			break
		}
	}
	return s, nil
}

// divisors are the expressions that a query as a whole is divided by.
func divisors(expr parser.Expr) []parser.Expr {
	switch e := expr.(type) {
	case *parser.ParenExpr:
		return divisors(e.Expr)
	case *parser.BinaryExpr:
		switch e.Op {
		case parser.MUL:
			return slices.Concat(divisors(e.LHS), divisors(e.RHS))
		case parser.DIV:
			if _, number := e.RHS.(*parser.NumberLiteral); number {
				return divisors(e.LHS)
			}
			return append(divisors(e.LHS), e.RHS)
		}
	}
	return nil
}

// mostProportional is the share of the instants at which a multiple of a count has to
// be just that: counts that are scraped from elsewhere change some scrapes later.
const mostProportional = 0.75

// proportional says whether values are a multiple of counts.
func proportional(values, counts []float64) bool {
	var factors []float64
	for i, v := range values {
		if f := v / counts[i]; f > 0 && !math.IsInf(f, 0) {
			factors = append(factors, f)
		}
	}
	factor, equal := middle(factors), 0
	for _, f := range factors {
		if math.Abs(f/factor-1) < 1e-9 {
			equal++
		}
	}
	return equal > 0 && float64(equal) >= mostProportional*float64(len(factors))
}
