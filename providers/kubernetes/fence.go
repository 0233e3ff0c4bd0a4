package kubernetes

import (
	"context"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// fencedGroups asks the fence before a cloud is told a size: unlike a write to the
// API server, that of a process that was held up would not be refused.
type fencedGroups struct {
	cycle.NodeGroups
	fence func() error
}

// Resize implements cycle.NodeGroups.
func (g fencedGroups) Resize(ctx context.Context, group cycle.NodeGroupRef, desired int32) error {
	if err := g.fence(); err != nil {
		return err
	}
	return g.NodeGroups.Resize(ctx, group, desired)
}

// fenced puts the fence, if there is one, before every provider.
func fenced(providers map[string]cycle.NodeGroups, fence func() error) map[string]cycle.NodeGroups {
	if fence == nil {
		return providers
	}
	behind := make(map[string]cycle.NodeGroups, len(providers))
	for kind, groups := range providers {
		behind[kind] = fencedGroups{groups, fence}
	}
	return behind
}
