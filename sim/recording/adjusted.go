package recording

import (
	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// adjusted shifts and scales the samples of a feed.
type adjusted struct {
	fake.Feed
	delta  int64
	scale  float64
	scales bool
}

// Next returns the next sample, adjusted. Stale markers stay what they are.
func (a *adjusted) Next() (fake.Sample, error) {
	s, err := a.Feed.Next()
	if err != nil {
		return s, err
	}
	s.T += a.delta
	switch {
	case !a.scales:
	case s.H != nil:
		if !value.IsStaleNaN(s.H.Sum) {
			s.H.Mul(a.scale)
		}
	case !value.IsStaleNaN(s.F):
		s.F *= a.scale
	}
	return s, nil
}
