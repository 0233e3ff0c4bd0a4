package sim

import (
	"math"
	"sort"
)

// Steps is a step function of time: a value holds from its instant until the
// next one. NaN stands for unknown.
type Steps struct {
	// T are instants in Unix seconds, ascending; V the values.
	T []int64
	V []float64
}

// Add sets the value from t on. t must not lie before the last instant.
func (s *Steps) Add(t int64, v float64) {
	n := len(s.T)
	if n > 0 && same(s.V[n-1], v) {
		return
	}
	if n > 0 && s.T[n-1] == t {
		s.V[n-1] = v
		if n > 1 && same(s.V[n-2], v) {
			s.T, s.V = s.T[:n-1], s.V[:n-1]
		}
		return
	}
	s.T, s.V = append(s.T, t), append(s.V, v)
}

// At is the value at t, NaN before the first instant.
func (s *Steps) At(t int64) float64 {
	i := sort.Search(len(s.T), func(i int) bool { return s.T[i] > t })
	if i == 0 {
		return math.NaN()
	}
	return s.V[i-1]
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
