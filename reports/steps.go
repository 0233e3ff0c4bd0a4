package reports

import (
	"math"
)

// roundedUp returns a function rounded up, without repetitions. A value that
// exceeds a whole number by less than 1e-9 of itself counts as that number.
func roundedUp(s Steps) Steps {
	var whole Steps
	for i, v := range s.V {
		whole.Append(s.T[i], roundUp(v))
	}
	return whole
}

func roundUp(v float64) float64 {
	nearest := math.Round(v)
	if math.Abs(v-nearest) <= 1e-9*math.Abs(v) {
		return nearest
	}
	return math.Ceil(v)
}

// A cursor walks a step function forwards.
type cursor struct {
	steps Steps
	after int // index of the first step after the cursor's time
}

// to moves to t and returns the value there.
func (c *cursor) to(t int64) float64 {
	for c.after < len(c.steps.T) && c.steps.T[c.after] <= t {
		c.after++
	}
	if c.after == 0 {
		return math.NaN()
	}
	return c.steps.V[c.after-1]
}

// next is the time of the next change, or the end of time.
func (c *cursor) next() int64 {
	if c.after < len(c.steps.T) {
		return c.steps.T[c.after]
	}
	return math.MaxInt64
}
