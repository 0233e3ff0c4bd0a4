package sim

import (
	"context"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// statusMultiplies are targets whose scales have no selector: all their replicas
// count as ready.
type statusMultiplies struct{ cycle.ScaleTargets }

// Get implements cycle.ScaleTargets.
func (s statusMultiplies) Get(ctx context.Context, ref cycle.TargetRef, since time.Time) (cycle.Scale, error) {
	scale, err := s.ScaleTargets.Get(ctx, ref, since)
	if !since.IsZero() {
		scale.Ready, scale.ReadyLeast, scale.ReadyMost = scale.Status, scale.Status, scale.Status
	}
	return scale, err
}

// scaleTargets returns the targets as the autoscalers of a run see them.
func (r *run) scaleTargets() cycle.ScaleTargets {
	if r.o.StatusMultiplies {
		return statusMultiplies{r.targets}
	}
	return r.targets
}
