package fake

import "time"

// Fail makes every call about the group fail with an error until it is called
// with nil. The error should wrap one of engine/cycle's.
func (g *NodeGroup) Fail(err error) { g.failure = err }

// SetBounds changes the bounds of the provider, as its console would. The
// desired size follows when it is outside of them; most < 0 is no bound.
func (g *NodeGroup) SetBounds(least, most int32) {
	g.config.Min, g.config.Max = least, most
	desired := max(g.desired, least)
	if most >= 0 {
		desired = min(desired, most)
	}
	g.resize(desired)
	g.changed()
}

// SetBootFailure changes the share of nodes, 0 to 1, that will not become ready.
func (g *NodeGroup) SetBootFailure(share float64) { g.config.BootFailure = share }

// SlowBoot makes nodes that are launched take another delay to boot, each for
// which hits says so; nil ends it. Nodes that boot already go on as they were.
func (g *NodeGroup) SlowBoot(delay Delay, hits func() bool) { g.slow, g.slowed = delay, hits }

// Freeze makes Observe report the group as it is now until it is called with false.
func (g *NodeGroup) Freeze(frozen bool) {
	switch {
	case !frozen:
		g.frozen = nil
	case g.frozen == nil:
		seen := g.seen()
		g.frozen = &seen
	}
}

// Suspend has the group take sizes, but launch and end no machine, until it is called
// with false, as an Auto Scaling group does whose processes are suspended.
func (g *NodeGroup) Suspend(suspended bool) {
	if g.suspended == suspended {
		return
	}
	g.suspended = suspended
	g.trim()
	g.launch()
	g.changed()
}

// Lose makes ready nodes, the oldest first, be gone at once. The group replaces
// them as far as it can.
func (g *NodeGroup) Lose(count int) {
	for _, node := range g.ready(count) {
		g.remove(node)
	}
}

// Isolate makes ready nodes, the oldest first, lose the cluster for a while.
// They still run, and the group does not replace them.
func (g *NodeGroup) Isolate(count int, d time.Duration) {
	for _, node := range g.ready(count) {
		g.alter(node, running, true)
		g.after(d, node, running, func() {
			g.alter(node, running, false)
			g.changed()
		})
	}
	g.changed()
}

// ready are at most count ready nodes, oldest first.
func (g *NodeGroup) ready(count int) []*Node {
	var found []*Node
	for _, node := range g.nodes {
		if len(found) < count && node.Ready() {
			found = append(found, node)
		}
	}
	return found
}
