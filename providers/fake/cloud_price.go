package fake

import (
	"errors"
	"math"
	"time"
)

// A Price is how a provider bills a node, from launch until its machine is gone.
type Price struct {
	// PerHour is in any currency.
	PerHour float64
	// Minimum is billed of every node. Beyond it every begun Increment is
	// billed; zero means to the millisecond.
	Minimum, Increment time.Duration
}

func (p Price) check() error {
	if !(p.PerHour >= 0) || math.IsInf(p.PerHour, 1) || p.Minimum < 0 || p.Increment < 0 {
		return errors.New("a price, its minimum and its increment must be 0 or more")
	}
	return nil
}

// billed is the time that a node of an age is billed for.
func (p Price) billed(age time.Duration) time.Duration {
	age = max(age, p.Minimum)
	if p.Increment <= 0 {
		return age
	}
	if begun := age % p.Increment; begun > 0 {
		age += p.Increment - begun
	}
	return age
}

// A Bill is what a group has used and cost.
type Bill struct {
	// NodeSeconds is the time that machines existed, ReadySeconds the part of
	// it in which they were ready or isolated, BilledSeconds what is billed.
	NodeSeconds, ReadySeconds, BilledSeconds float64
	// Cost is in the currency of the price.
	Cost float64
}

// A ledger adds up nodes that are gone, in milliseconds, so that sums are exact.
type ledger struct {
	price                  Price
	existed, ready, billed int64
}

// close books a node that is gone.
func (l *ledger) close(node *Node, now time.Time) {
	age := now.Sub(node.Created)
	l.existed += age.Milliseconds()
	l.billed += l.price.billed(age).Milliseconds()
	if node.ReadyAt.IsZero() || node.ReadyAt.After(now) {
		return
	}
	end := now
	if !node.Terminating.IsZero() {
		end = node.Terminating
	}
	if end.After(node.ReadyAt) {
		l.ready += end.Sub(node.ReadyAt).Milliseconds()
	}
}

// Bill is what the group has used so far; nodes that still run are billed as if
// they ended now.
func (g *NodeGroup) Bill() Bill {
	total := g.ledger
	for _, node := range g.nodes {
		total.close(node, g.cloud.timeline.Now())
	}
	const second = 1000
	billed := float64(total.billed) / second
	return Bill{
		NodeSeconds:   float64(total.existed) / second,
		ReadySeconds:  float64(total.ready) / second,
		BilledSeconds: billed,
		Cost:          billed * g.config.Price.PerHour / time.Hour.Seconds(),
	}
}
