package world

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Demand is units a second at an instant, in Unix milliseconds. It is asked
// at instants that never go back.
type Demand func(at int64) float64

// Constant is the same at any time.
func Constant(v float64) Demand { return func(int64) float64 { return v } }

// Step adds by from an instant on, until another.
func Step(by float64, from, until int64) Demand {
	return func(at int64) float64 {
		if at >= from && at < until {
			return by
		}
		return 0
	}
}

// Ramp grows from 0 to by between two instants and stays there.
func Ramp(by float64, from, to int64) Demand {
	return func(at int64) float64 { return by * progress(at, from, to) }
}

// Spike rises to by, stays and falls; the durations are in milliseconds.
func Spike(by float64, from, rise, hold, fall int64) Demand {
	return func(at int64) float64 {
		return by * (progress(at, from, from+rise) - progress(at, from+rise+hold, from+rise+hold+fall))
	}
}

// progress goes from 0 at one instant to 1 at another.
func progress(at, from, to int64) float64 {
	switch {
	case at < from:
		return 0
	case at >= to:
		return 1
	}
	return float64(at-from) / float64(to-from)
}

// Sine swings about 0 with its highest point at peak.
func Sine(amplitude float64, period time.Duration, peak int64) Demand {
	length := period.Milliseconds()
	return func(at int64) float64 {
		phase := float64((at-peak)%length) / float64(length)
		return amplitude * math.Cos(2*math.Pi*phase)
	}
}

// Noise is a factor about 1 that is drawn anew every so often from start on.
func Noise(r *rand.Rand, percent float64, every time.Duration, start int64) Demand {
	drawn, factor := int64(-1), 1.0
	return func(at int64) float64 {
		for want := (at - start) / every.Milliseconds(); drawn < want; drawn++ {
			factor = max(0, 1+float64(percent/100*r.NormFloat64()))
		}
		return factor
	}
}

// Sum adds terms and multiplies the sum with factors; it is never negative.
func Sum(terms, factors []Demand) Demand {
	return func(at int64) float64 {
		sum := 0.0
		for _, t := range terms {
			sum += t(at)
		}
		for _, f := range factors {
			sum *= f(at)
		}
		return max(0, sum)
	}
}
