package reports

import (
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// walk visits the stretches of [start, end) in which none of the functions
// changes, in order, with their values. The slice is reused.
func walk(start, end int64, functions []Steps, visit func(from, to int64, values []float64)) {
	cursors := make([]cursor, len(functions))
	values := make([]float64, len(functions))
	for i := range functions {
		cursors[i].steps = functions[i]
	}
	for now := start; now < end; {
		next := end
		for i := range cursors {
			values[i] = cursors[i].to(now)
			next = min(next, cursors[i].next())
		}
		visit(now, next, values)
		now = next
	}
}

// slide is the function whose value at t is the best of s in
// [t-before, t+after], by better; instants where s is unknown do not count.
// It takes time and memory in proportion to the changes of s.
func slide(s Steps, before, after int64, better func(a, b float64) bool) Steps {
	var out Steps
	var window []segment // the first is the best, each later one the best after it
	segments := segmentsOf(s)
	for opened := 0; opened < len(segments) || len(window) > 0; {
		at := int64(math.MaxInt64)
		if opened < len(segments) {
			at = segments[opened].from - after
		}
		if len(window) > 0 && window[0].to != math.MaxInt64 {
			at = min(at, window[0].to+before)
		}
		if at == math.MaxInt64 {
			break
		}
		for len(window) > 0 && window[0].to != math.MaxInt64 && window[0].to+before <= at {
			window = window[1:]
		}
		for opened < len(segments) && segments[opened].from-after <= at {
			next := segments[opened]
			for len(window) > 0 && !better(window[len(window)-1].value, next.value) {
				window = window[:len(window)-1]
			}
			window = append(window, next)
			opened++
		}
		value := math.NaN()
		if len(window) > 0 {
			value = window[0].value
		}
		out.Append(at, value)
	}
	return out
}

// A segment is a stretch of a step function with one known value.
type segment struct {
	from, to int64
	value    float64
}

func segmentsOf(s Steps) []segment {
	var list []segment
	for i, t := range s.T {
		to := int64(math.MaxInt64)
		if i+1 < len(s.T) {
			to = s.T[i+1]
		}
		if !math.IsNaN(s.V[i]) {
			list = append(list, segment{t, to, s.V[i]})
		}
	}
	return list
}

// durations counts lengths of time in whole seconds. Its memory is bounded by
// the different lengths, not by their number.
type durations map[int64]int64

func (d durations) merge(o durations) {
	for seconds, n := range o {
		d[seconds] += n
	}
}

// quantile is the least length that at least the share p of all does not
// exceed; NaN where there is none.
func (d durations) quantile(p float64) float64 {
	if len(d) == 0 {
		return math.NaN()
	}
	var lengths, weights []float64
	for _, seconds := range slices.Sorted(maps.Keys(d)) {
		lengths, weights = append(lengths, float64(seconds)), append(weights, float64(d[seconds]))
	}
	return stat.Quantile(p, stat.Empirical, lengths, weights)
}
