package world

import "math"

// A backlog holds what waits to be served, first come first served. Nothing is
// lost in it: what arrived was served, refused or given up, or waits.
type backlog struct {
	// limit is how much may wait; 0 has nothing wait.
	limit float64
	// timeout is how long anything waits, in milliseconds; 0 is for ever.
	timeout int64

	waiting float64
	// parts has the waiting work by arrival, oldest first.
	parts []part

	arrived, served, refused, expired float64
}

// A part of a backlog arrived together.
type part struct {
	at     int64 // Unix milliseconds
	amount float64
}

// arrive adds an amount.
func (b *backlog) arrive(at int64, amount float64) {
	b.arrived += amount
	b.push(at, amount)
}

func (b *backlog) push(at int64, amount float64) {
	if amount <= 0 {
		return
	}
	b.waiting += amount
	b.parts = append(b.parts, part{at, amount})
}

// serve takes up to an amount out at an instant and tells did how long each
// part of it had waited, in milliseconds. It returns how much it was.
func (b *backlog) serve(now int64, most float64, did func(waited int64, amount float64)) float64 {
	total := 0.0
	for most > 0 && len(b.parts) > 0 {
		oldest := &b.parts[0]
		amount := min(most, oldest.amount)
		did(now-oldest.at, amount)
		oldest.amount -= amount
		most -= amount
		total += amount
		if oldest.amount > 0 {
			break
		}
		b.drop()
	}
	b.settle(total)
	b.served += total
	return total
}

// turnAway refuses what is too much, the youngest first, and gives up what has
// waited too long.
func (b *backlog) turnAway(now int64) {
	for len(b.parts) > 0 && b.timeout > 0 && now-b.parts[0].at >= b.timeout {
		amount := b.parts[0].amount
		b.expired += amount
		b.drop()
		b.settle(amount)
	}
	for len(b.parts) > 0 && b.waiting > b.limit {
		youngest := &b.parts[len(b.parts)-1]
		amount := min(youngest.amount, b.waiting-b.limit)
		youngest.amount -= amount
		b.refused += amount
		if youngest.amount <= 0 {
			b.parts = b.parts[:len(b.parts)-1]
		}
		b.settle(amount)
	}
}

func (b *backlog) drop() {
	if b.parts = b.parts[1:]; len(b.parts) == 0 {
		b.parts = nil
	}
}

// settle takes an amount off what waits; an empty backlog is exactly 0.
func (b *backlog) settle(amount float64) {
	b.waiting = math.Max(0, b.waiting-amount)
	if len(b.parts) == 0 {
		b.waiting = 0
	}
}

// oldest is how long the first in line has waited, in seconds.
func (b *backlog) oldest(now int64) float64 {
	if len(b.parts) == 0 {
		return 0
	}
	return float64(now-b.parts[0].at) / 1000
}
