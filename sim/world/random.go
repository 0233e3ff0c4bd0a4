package world

import (
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"time"
)

// Random is a source of its own for one purpose of one object: what is drawn
// for others does not shift its numbers.
func Random(seed int64, name string) *rand.Rand { return rand.New(Source(seed, name)) }

// Source returns what Random draws from.
func Source(seed int64, name string) *rand.PCG {
	h := fnv.New64a()
	io.WriteString(h, name) // never fails
	return rand.NewPCG(uint64(seed), h.Sum64())
}

// A Delay draws durations, in whole milliseconds.
type Delay func() time.Duration

// Fixed is always the same duration.
func Fixed(d time.Duration) Delay { return func() time.Duration { return d } }

// Uniform is any duration between two as likely as the other.
func Uniform(r *rand.Rand, least, most time.Duration) Delay {
	return func() time.Duration {
		return (least + time.Duration(r.Float64()*float64(most-least))).Round(time.Millisecond)
	}
}

// LogNormal has two percentiles of a log-normal distribution.
func LogNormal(r *rand.Rand, p50, p95 time.Duration) Delay {
	shape := newLogNormal(p50, p95)
	return func() time.Duration {
		seconds := math.Exp(shape.mu + float64(shape.sigma*r.NormFloat64()))
		return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond)
	}
}

// z95 is the 95th percentile of the standard normal distribution.
const z95 = 1.6448536269514722

// A logNormal distribution of seconds; sigma 0 is one value.
type logNormal struct{ mu, sigma float64 }

func newLogNormal(p50, p95 time.Duration) logNormal {
	mu := math.Log(p50.Seconds())
	return logNormal{mu: mu, sigma: (math.Log(p95.Seconds()) - mu) / z95}
}

func (l logNormal) mean() float64 { return math.Exp(l.mu + l.sigma*l.sigma/2) }

// below is the share of values at or below x.
func (l logNormal) below(x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case l.sigma == 0 && math.Log(x) >= l.mu:
		return 1
	case l.sigma == 0:
		return 0
	}
	return math.Erfc((l.mu-math.Log(x))/(l.sigma*math.Sqrt2)) / 2
}
