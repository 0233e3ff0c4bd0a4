package fake

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// A Delay is a distribution of durations. The zero value is no delay.
type Delay struct {
	kind        delayKind
	first, last time.Duration
}

type delayKind int

const (
	fixed delayKind = iota
	uniform
	lognormal
)

// z95 is the 95th percentile of the standard normal distribution.
const z95 = 1.6448536269514722

// FixedDelay is always d.
func FixedDelay(d time.Duration) Delay { return Delay{kind: fixed, first: d} }

// UniformDelay is any duration from least to most, each as likely.
func UniformDelay(least, most time.Duration) Delay {
	return Delay{kind: uniform, first: least, last: most}
}

// LogNormalDelay is below p50 in half of the cases and below p95 in 95 % of them.
func LogNormalDelay(p50, p95 time.Duration) Delay {
	return Delay{kind: lognormal, first: p50, last: p95}
}

// Times is the distribution of delays that are a factor longer.
func (d Delay) Times(factor float64) Delay {
	d.first, d.last = longer(d.first, factor), longer(d.last, factor)
	return d
}

func longer(d time.Duration, factor float64) time.Duration {
	return time.Duration(min(float64(d)*factor, math.MaxInt64/2)).Round(time.Millisecond)
}

func (d Delay) check() error {
	switch {
	case d.first < 0:
		return fmt.Errorf("a delay of %v is in the past", d.first)
	case d.kind != fixed && d.last < d.first:
		return fmt.Errorf("a delay from %v to %v ends before it begins", d.first, d.last)
	case d.kind == lognormal && d.first == 0:
		return errors.New("the median of a log-normal delay must be above 0s")
	}
	return nil
}

// quantile is the delay below which the share u of all delays lies, 0 < u < 1,
// in whole milliseconds. A distribution is drawn from by exactly one number, so
// that what one node draws does not depend on the distributions of others.
func (d Delay) quantile(u float64) time.Duration {
	switch d.kind {
	case uniform:
		return d.first + (time.Duration(u * float64(d.last-d.first))).Round(time.Millisecond)
	case lognormal:
		sigma := math.Log(float64(d.last)/float64(d.first)) / z95
		normal := math.Sqrt2 * math.Erfinv(float64(2*u)-1)
		drawn := float64(d.first) * math.Exp(float64(sigma*normal))
		return time.Duration(min(drawn, math.MaxInt64/2)).Round(time.Millisecond)
	}
	return d.first
}
