package fake

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A NodeGroupConfig describes a simulated node group.
type NodeGroupConfig struct {
	Ref cycle.NodeGroupRef
	// Name begins the names of the nodes; Ref.ID if empty.
	Name string
	// Initial is the size at the start. Min and Max bound it; Max < 0 is no bound.
	Initial, Min, Max int32
	// Random is the group's own source of chance; without it delays have their
	// median and nothing fails by chance.
	Random *rand.PCG
	// Boot is the time from launch to ready, Terminate from the decision to end
	// a node until its machine is gone.
	Boot, Terminate Delay
	// BootFailure is the share of nodes, 0 to 1, that never become ready. They
	// are replaced after ReplaceAfter, or never if that is zero.
	BootFailure  float64
	ReplaceAfter time.Duration
	// MeanLifetime is how long a ready node lives on average until it is lost,
	// e.g. to a spot interruption; zero means for ever.
	MeanLifetime time.Duration
	// Pool names the capacity that the group draws on, Units what a node takes
	// of it; 1 if zero.
	Pool  string
	Units int64
	// ObserveLag is how old what Observe reports is.
	ObserveLag time.Duration
	// Changed is told of every change of the group, if set. It must not change
	// the cloud itself.
	Changed func(*NodeGroup)
}

func (c *NodeGroupConfig) check() error {
	switch {
	case c.Initial < 0 || c.Min < 0:
		return errors.New("sizes must be 0 or more")
	case c.Max >= 0 && c.Min > c.Max:
		return fmt.Errorf("the minimum %d is above the maximum %d", c.Min, c.Max)
	case c.Initial < c.Min || c.Max >= 0 && c.Initial > c.Max:
		return fmt.Errorf("the initial size %d is not within %d and %d", c.Initial, c.Min, c.Max)
	case !(c.BootFailure >= 0 && c.BootFailure <= 1):
		return fmt.Errorf("boot failure %v is no share; it must be 0 to 1", c.BootFailure)
	case c.MeanLifetime < 0 || c.ReplaceAfter < 0 || c.ObserveLag < 0 || c.Units < 0:
		return errors.New("durations and units must be 0 or more")
	}
	return errors.Join(c.Boot.check(), c.Terminate.check())
}

// A NodeGroup is a simulated node group.
type NodeGroup struct {
	cloud   *Cloud
	config  NodeGroupConfig
	random  *rand.PCG
	desired int32
	// nodes has the nodes that are not gone, oldest first. Of them active are not
	// terminating and serving are ready.
	nodes           []*Node
	active, serving int32
	created         int
	// altered are the nodes that changed since Altered was called.
	altered []*Node
	// shortage says why nodes are missing; empty if nothing keeps them.
	shortage string
	// suspended says that no machine is launched or ended.
	suspended bool
	frozen    *cycle.NodeGroup
	history   []snapshot
	failure   error
	// slow is how long a node boots for which slowed says so; nil for none.
	slow   Delay
	slowed func() bool
}

func newNodeGroup(c *Cloud, config NodeGroupConfig) *NodeGroup {
	if config.Name == "" {
		config.Name = config.Ref.ID
	}
	if config.Units == 0 {
		config.Units = 1
	}
	return &NodeGroup{cloud: c, config: config, random: config.Random, desired: config.Initial}
}

// start launches the initial nodes, ready.
func (g *NodeGroup) start() {
	for range g.config.Initial {
		node := g.create()
		if node == nil {
			break
		}
		node.ReadyAt = node.Created
		g.begin(node)
	}
	g.changed()
}

// resize sets the desired size: nodes are launched, or the spare ones ended.
func (g *NodeGroup) resize(desired int32) {
	if desired == g.desired {
		return
	}
	g.desired = desired
	g.trim()
	g.launch()
	g.changed()
}

// launch adds nodes until there are as many as desired, or no more to be had.
func (g *NodeGroup) launch() {
	if g.suspended {
		return
	}
	before := g.shortage
	g.shortage = ""
	for missing := g.desired - g.active; missing > 0; missing-- {
		node := g.create()
		if node == nil {
			break
		}
		g.boot(node)
	}
	if g.shortage != before {
		g.changed()
	}
}

// create adds a node, or notes why there is none.
func (g *NodeGroup) create() *Node {
	if g.shortage = g.cloud.pool(g.config.Pool).take(g.config.Units); g.shortage != "" {
		return nil
	}
	g.created++
	node := &Node{
		Name:    fmt.Sprintf("%s-%05d", g.config.Name, g.created),
		Created: g.cloud.timeline.Now(),
		number:  g.created,
		draws:   g.draw(),
	}
	g.nodes = append(g.nodes, node)
	g.count(node, 1)
	return node
}

// boot schedules when a node becomes ready, or is given up.
func (g *NodeGroup) boot(node *Node) {
	if node.draws.failure <= g.config.BootFailure && g.config.BootFailure > 0 {
		if g.config.ReplaceAfter > 0 {
			g.after(g.config.ReplaceAfter, node, booting, func() { g.remove(node) })
		}
		return
	}
	delay := g.config.Boot.quantile(node.draws.boot)
	if g.slowed != nil && g.slowed() {
		delay = g.slow.quantile(node.draws.boot)
	}
	node.ReadyAt = node.Created.Add(delay)
	g.after(delay, node, booting, func() {
		g.begin(node)
		g.changed()
	})
}

// begin makes a node ready and schedules its loss.
func (g *NodeGroup) begin(node *Node) {
	g.alter(node, running, false)
	if g.config.MeanLifetime > 0 && g.random != nil {
		g.after(exponential(g.config.MeanLifetime, node.draws.lifetime), node, running, func() { g.remove(node) })
	}
}

// trim ends nodes that are too many: those that are not ready first, and of
// equals the youngest, which have the least to lose.
func (g *NodeGroup) trim() {
	if g.suspended {
		return
	}
	spare := g.active - g.desired
	for _, ready := range []bool{false, true} {
		for i := len(g.nodes) - 1; i >= 0 && spare > 0; i-- {
			if node := g.nodes[i]; node.state < terminating && node.Ready() == ready {
				g.terminate(node)
				spare--
			}
		}
	}
}

// terminate ends a node, whose machine is gone after a while.
func (g *NodeGroup) terminate(node *Node) {
	node.Terminating = g.cloud.timeline.Now()
	g.alter(node, terminating, node.Isolated)
	g.after(g.config.Terminate.quantile(node.draws.terminate), node, terminating, func() { g.remove(node) })
}

// remove makes a machine be gone, and the group replace it if it still should.
func (g *NodeGroup) remove(node *Node) {
	g.alter(node, gone, node.Isolated)
	if i, found := slices.BinarySearchFunc(g.nodes, node, byNumber); found {
		g.nodes = slices.Delete(g.nodes, i, i+1)
	}
	g.cloud.pool(g.config.Pool).used -= g.config.Units
	g.cloud.retryAll(g.config.Pool)
	g.changed()
}

// after calls f a while later if the node is still in the same state; at once if
// the while is none.
func (g *NodeGroup) after(delay time.Duration, node *Node, state nodeState, f func()) {
	if delay == 0 {
		f()
		return
	}
	key := g.config.Ref.Type + "/" + g.config.Ref.ID + "/" + node.Name
	g.cloud.timeline.At(g.cloud.timeline.Now().Add(delay), key, func() {
		if node.state == state {
			f()
		}
	})
}

// alter moves a node to another state.
func (g *NodeGroup) alter(node *Node, to nodeState, isolated bool) {
	g.count(node, -1)
	node.state, node.Isolated = to, isolated
	g.count(node, 1)
	g.altered = append(g.altered, node)
}

// count adds a node to what the group counts, or takes it away.
func (g *NodeGroup) count(node *Node, sign int32) {
	if node.state < terminating {
		g.active += sign
	}
	if node.Ready() {
		g.serving += sign
	}
}

func (g *NodeGroup) changed() {
	g.remember()
	if g.config.Changed != nil {
		g.config.Changed(g)
	}
}
