package fake

import (
	"cmp"
	"math"
	"time"
)

// A Node is a machine of a simulated group.
type Node struct {
	// Name is the group's name and the node's number in the group.
	Name string
	// Created is when the machine was launched.
	Created time.Time
	// ReadyAt is when it became, or will become, ready; the zero time if never.
	ReadyAt time.Time
	// Terminating is when its termination began; the zero time if it has not.
	Terminating time.Time
	// Isolated says that the machine runs but has lost the cluster.
	Isolated bool

	state nodeState
	// number counts the nodes of the group.
	number int
	draws  draws
}

type nodeState int

const (
	booting nodeState = iota
	running
	terminating
	gone
)

// Ready says whether the node can run pods.
func (n *Node) Ready() bool { return n.state == running && !n.Isolated }

// There says whether the node is the group's still: not gone, and not terminating.
func (n *Node) There() bool { return n.state < terminating }

func byNumber(a, b *Node) int { return cmp.Compare(a.number, b.number) }

// The draws of a node are made when it is created, always in the same number:
// the nth node of a group meets the same chance under every policy.
type draws struct {
	boot, failure, lifetime, terminate float64
}

func (g *NodeGroup) draw() draws {
	if g.random == nil {
		return draws{boot: 0.5, failure: 1, lifetime: 0.5, terminate: 0.5}
	}
	return draws{boot: g.chance(), failure: g.chance(), lifetime: g.chance(), terminate: g.chance()}
}

// chance is a number in the open interval from 0 to 1.
func (g *NodeGroup) chance() float64 {
	return (float64(g.random.Uint64()>>12) + 0.5) / (1 << 52)
}

// exponential is a duration of a memoryless process with a mean, by one number.
// It is at least a second: a node that is lost the instant it is ready would be
// replaced for ever at that instant.
func exponential(mean time.Duration, u float64) time.Duration {
	drawn := time.Duration(min(-math.Log(u)*float64(mean), math.MaxInt64/2)).Round(time.Millisecond)
	return max(drawn, time.Second)
}
