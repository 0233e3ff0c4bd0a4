package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
)

// Steps is a step function of time: V[i] holds from T[i], in Unix seconds, until
// T[i+1]. NaN means unknown, and so does the time before T[0].
type Steps struct {
	T []int64
	V []float64
}

// Append sets the value from t on. A repeated value takes no room; a value at the
// instant of the last one replaces it. Times must not go back.
func (s *Steps) Append(t int64, v float64) {
	n := len(s.T)
	if n > 0 && t <= s.T[n-1] {
		s.V[n-1] = v
		if n > 1 && Same(s.V[n-2], v) {
			s.T, s.V = s.T[:n-1], s.V[:n-1]
		}
		return
	}
	if n > 0 && Same(s.V[n-1], v) {
		return
	}
	s.T, s.V = append(s.T, t), append(s.V, v)
}

// At returns the value at t.
func (s Steps) At(t int64) float64 {
	i := sort.Search(len(s.T), func(i int) bool { return s.T[i] > t })
	if i == 0 {
		return math.NaN()
	}
	return s.V[i-1]
}

// Known reports whether the function has a value anywhere.
func (s Steps) Known() bool { return !math.IsNaN(s.First()) }

// First returns the first known value, NaN where there is none.
func (s Steps) First() float64 {
	for _, v := range s.V {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}

// From returns the function without what was before start.
func (s Steps) From(start int64) Steps {
	var rest Steps
	for i, t := range s.T {
		rest.Append(max(t, start), s.V[i])
	}
	return rest
}

// Check returns what is wrong with the function, nil if nothing is.
func (s Steps) Check() error {
	if len(s.T) != len(s.V) {
		return fmt.Errorf("%d times but %d values", len(s.T), len(s.V))
	}
	for i := 1; i < len(s.T); i++ {
		if s.T[i] <= s.T[i-1] {
			return fmt.Errorf("time %d follows %d; times must rise", s.T[i], s.T[i-1])
		}
	}
	return nil
}

// Same reports whether two values are equal, unknown ones included.
func Same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// stepsJSON is the stored form: times as the first one and then differences.
type stepsJSON struct {
	T []int64    `json:"t"`
	V []*float64 `json:"v"`
}

// MarshalJSON writes {"t":[first, difference, ...],"v":[value or null, ...]}.
func (s Steps) MarshalJSON() ([]byte, error) {
	stored := stepsJSON{T: make([]int64, len(s.T)), V: make([]*float64, len(s.V))}
	last := int64(0)
	for i, t := range s.T {
		stored.T[i], last = t-last, t
		if !math.IsNaN(s.V[i]) && !math.IsInf(s.V[i], 0) {
			stored.V[i] = &s.V[i]
		}
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Steps) UnmarshalJSON(text []byte) error {
	var stored stepsJSON
	if err := json.Unmarshal(text, &stored); err != nil {
		return err
	}
	if len(stored.T) != len(stored.V) {
		return errors.New("t and v differ in length")
	}
	*s = Steps{T: make([]int64, len(stored.T)), V: make([]float64, len(stored.V))}
	last := int64(0)
	for i, t := range stored.T {
		last += t
		s.T[i], s.V[i] = last, math.NaN()
		if stored.V[i] != nil {
			s.V[i] = *stored.V[i]
		}
	}
	return s.Check()
}
