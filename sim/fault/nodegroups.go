package fault

import (
	"context"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// NodeGroups puts the faults of calls before a provider of node groups. owners
// returns the objects that a group of the provider belongs to.
func (s *Set) NodeGroups(inner cycle.NodeGroups, owners func(cycle.NodeGroupRef) []scenario.Reference) cycle.NodeGroups {
	return &nodeGroups{inner, s, owners}
}

type nodeGroups struct {
	cycle.NodeGroups
	set    *Set
	owners func(cycle.NodeGroupRef) []scenario.Reference
}

// Observe implements cycle.NodeGroups.
func (n *nodeGroups) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	if err := n.strike(ref, scenario.ObserveCall, n.set.read); err != nil {
		return cycle.NodeGroup{}, err
	}
	g, err := n.NodeGroups.Observe(ctx, ref)
	if err == nil && n.updating(ref) != nil {
		// As EKS reports it, whatever else is wrong.
		g.Code, g.Message = observation.InProgress, "UPDATING"
	}
	return g, err
}

// updating returns the error of a resize while the provider changes the group otherwise.
func (n *nodeGroups) updating(ref cycle.NodeGroupRef) error {
	for _, owner := range n.owners(ref) {
		err := n.set.read(owner, "update", func(f *Fault) error {
			if f.Nodes == scenario.NodesUpdating {
				return cycle.ErrInProgress
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Resize implements cycle.NodeGroups.
func (n *nodeGroups) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	if err := n.strike(ref, scenario.ResizeCall, n.set.write); err != nil {
		return err
	}
	if err := n.updating(ref); err != nil {
		return err
	}
	return n.NodeGroups.Resize(ctx, ref, desired)
}

// refusedCalls has the errors that calls of a provider fail with.
var refusedCalls = map[scenario.NodesFault]error{
	scenario.NodesThrottled: cycle.ErrThrottled,
	scenario.NodesDown:      cycle.ErrUnavailable,
	scenario.NodesForbidden: cycle.ErrForbidden,
}

func (n *nodeGroups) strike(ref cycle.NodeGroupRef, call scenario.NodesCall, strike func(scenario.Reference, string, func(*Fault) error) error) error {
	for _, owner := range n.owners(ref) {
		err := strike(owner, string(call), func(f *Fault) error {
			if f.Call != "" && f.Call != call {
				return nil
			}
			return refusedCalls[f.Nodes]
		})
		if err != nil {
			return err
		}
	}
	return nil
}
