package reports

import (
	"math"
)

// billedSeconds returns what a unit that was there for some seconds is billed.
func billedSeconds(b Billing, there int64) int64 {
	there = max(there, b.Minimum)
	if b.Increment > 0 {
		there = (there + b.Increment - 1) / b.Increment * b.Increment
	}
	return there
}

// A biller adds up what the units of one object are billed. Which unit goes
// matters with minimum and increments: it is the newest. Memory is bounded by
// the units that are there at once.
type biller struct {
	billing Billing
	there   []batch
	count   float64
	billed  float64 // unit-seconds of the units that have gone
	known   bool
}

// A batch is units that came together.
type batch struct {
	from  int64
	count float64
}

// to lets there be a number of units from t on; NaN is unknown and not billed.
func (b *biller) to(t int64, units float64) {
	if math.IsNaN(units) {
		units = 0
	} else {
		b.known = true
	}
	if units > b.count {
		b.there = append(b.there, batch{t, units - b.count})
	}
	for gone := b.count - units; gone > 0 && len(b.there) > 0; {
		last := &b.there[len(b.there)-1]
		n := min(gone, last.count)
		b.billed += float64(n * float64(billedSeconds(b.billing, t-last.from)))
		gone -= n
		if last.count -= n; last.count <= 0 {
			b.there = b.there[:len(b.there)-1]
		}
	}
	b.count = units
}

// hours returns what has been billed once the last unit goes at t; NaN where the
// units were never known.
func (b *biller) hours(t int64) float64 {
	if !b.known {
		return math.NaN()
	}
	b.to(t, 0)
	return b.billed / 3600
}

// paid are the units of an object that cost: the machines, else those asked
// for, starting ones included, and those that still serve although no longer
// asked for.
func paid(machines, asked, ready float64) float64 {
	switch {
	case !math.IsNaN(machines):
		return machines
	case math.IsNaN(asked):
		return ready
	}
	if ready > asked {
		return ready
	}
	return asked
}
