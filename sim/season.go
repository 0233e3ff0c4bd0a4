package sim

import (
	"math"
	"time"
)

// Mean is the mean of an expression's values on a grid from one instant to
// another, in Unix seconds, where it gives a single sample that is a number of 0 or
// more; NaN where it never does. It must read what was recorded and nothing that
// only a run makes.
func (in *Input) Mean(expr string, from, to int64, every time.Duration) (float64, error) {
	release := in.shared.hold()
	defer release()
	values, err := in.evaluate([]string{expr}, grid{from * 1000, to * 1000, every.Milliseconds()})
	if err != nil {
		return math.NaN(), err
	}
	sum, n := 0.0, 0.0
	for i, v := range values[0].V {
		until := to
		if i+1 < len(values[0].T) {
			until = values[0].T[i+1]
		}
		if seconds := float64(until - values[0].T[i]); !math.IsNaN(v) {
			sum, n = sum+float64(v*seconds), n+seconds
		}
	}
	return sum / n, nil
}

// ReadsRun says whether an expression reads what only a run makes: series of the
// world or of rules.
func (in *Input) ReadsRun(expr string) bool { return in.readsRun(expr) }
