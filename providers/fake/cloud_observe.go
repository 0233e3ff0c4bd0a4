package fake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// nodeGroupPort is the cloud as its clients see it.
type nodeGroupPort struct{ cloud *Cloud }

// Observe implements cycle.NodeGroups.
func (p nodeGroupPort) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	g, err := p.find(ctx, ref)
	if err != nil {
		return cycle.NodeGroup{}, err
	}
	return g.seen(), nil
}

// Resize implements cycle.NodeGroups. As in AWS, it succeeds although nodes may
// turn out not to be had.
func (p nodeGroupPort) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	g, err := p.find(ctx, ref)
	switch {
	case err != nil:
		return err
	case desired < 0:
		return fmt.Errorf("node group %s: desired size %d: %w; it must be 0 or more", ref.ID, desired, cycle.ErrInvalid)
	case desired < g.config.Min || g.config.Max >= 0 && desired > g.config.Max:
		return fmt.Errorf("node group %s: desired size %d is not within %d and %d: %w", ref.ID, desired, g.config.Min, g.config.Max, cycle.ErrLimit)
	}
	g.resize(desired)
	return nil
}

// find is the group of a reference, if the call comes through.
func (p nodeGroupPort) find(ctx context.Context, ref cycle.NodeGroupRef) (*NodeGroup, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("node group %s: %w", ref.ID, err)
	}
	if ref.Type == "" || ref.ID == "" {
		return nil, fmt.Errorf("a node group needs a type and an id: %w", cycle.ErrInvalid)
	}
	if err := p.cloud.admit(); err != nil {
		return nil, fmt.Errorf("node group %s: %w", ref.ID, err)
	}
	g := p.cloud.groups[ref]
	if g == nil {
		return nil, fmt.Errorf("node group %s %s: %w", ref.Type, ref.ID, cycle.ErrNotFound)
	}
	if g.failure != nil {
		return nil, fmt.Errorf("node group %s: %w", ref.ID, g.failure)
	}
	return g, nil
}

// A snapshot holds what a group looked like from an instant on.
type snapshot struct {
	from  time.Time
	group cycle.NodeGroup
}

// Now is the group as it is, whatever Observe reports.
func (g *NodeGroup) Now() cycle.NodeGroup {
	now := cycle.NodeGroup{Desired: g.desired, Ready: g.serving, Min: g.config.Min, Max: g.config.Max}
	if g.shortage != "" {
		now.Code, now.Message = observation.LimitReached, g.shortage
	}
	if g.suspended {
		now.Code, now.Message = observation.Forbidden, "the processes Launch, Terminate are suspended"
	}
	return now
}

// seen returns what Observe reports: the group as it was a lag ago, or as it was
// when it froze.
func (g *NodeGroup) seen() cycle.NodeGroup {
	if g.frozen != nil {
		return *g.frozen
	}
	g.forget()
	return g.history[0].group
}

// remember adds what the group is now to its history.
func (g *NodeGroup) remember() {
	now := snapshot{from: g.cloud.timeline.Now(), group: g.Now()}
	if last := len(g.history) - 1; last >= 0 && g.history[last].from.Equal(now.from) {
		g.history[last] = now
	} else {
		g.history = append(g.history, now)
	}
	g.forget()
}

// forget drops the history that no observation can see any more.
func (g *NodeGroup) forget() {
	seen := g.cloud.timeline.Now().Add(-g.config.ObserveLag)
	for len(g.history) > 1 && !g.history[1].from.After(seen) {
		g.history = g.history[1:]
	}
}

// Nodes are copies of the machines that are not gone, oldest first.
func (g *NodeGroup) Nodes() []Node {
	nodes := make([]Node, 0, len(g.nodes))
	for _, node := range g.nodes {
		nodes = append(nodes, *node)
	}
	return nodes
}

// Count is the number of machines that are not gone.
func (g *NodeGroup) Count() int { return len(g.nodes) }

// Altered are the machines that began to be ready, to terminate or to be gone, or
// stopped being ready, since it was last called, oldest first.
func (g *NodeGroup) Altered() []Node {
	slices.SortFunc(g.altered, byNumber)
	nodes := make([]Node, 0, len(g.altered))
	for _, node := range slices.Compact(g.altered) {
		nodes = append(nodes, *node)
	}
	clear(g.altered)
	g.altered = g.altered[:0]
	return nodes
}

// Ref is the reference by which the ports know the group.
func (g *NodeGroup) Ref() cycle.NodeGroupRef { return g.config.Ref }
