package fault

import (
	"context"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Targets puts the faults of targets before scale subresources.
func (s *Set) Targets(inner cycle.ScaleTargets) cycle.ScaleTargets { return &targets{inner, s} }

type targets struct {
	cycle.ScaleTargets
	set *Set
}

// Get implements cycle.ScaleTargets.
func (t *targets) Get(ctx context.Context, target cycle.TargetRef, since time.Time) (cycle.Scale, error) {
	err := t.set.read(referenceOf(target), "get", func(f *Fault) error {
		if f.Target == scenario.TargetUnreadable {
			return cycle.ErrUnavailable
		}
		return nil
	})
	if err != nil {
		return cycle.Scale{}, err
	}
	return t.ScaleTargets.Get(ctx, target, since)
}

// refusedWrites has the errors that writes of a scale fail with.
var refusedWrites = map[scenario.TargetFault]error{
	scenario.TargetForbidden: cycle.ErrForbidden,
	scenario.TargetConflict:  cycle.ErrConflict,
	scenario.TargetTimeout:   cycle.ErrTimedOut,
}

// Set implements cycle.ScaleTargets.
func (t *targets) Set(ctx context.Context, target cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	if err := t.set.write(referenceOf(target), "set", func(f *Fault) error { return refusedWrites[f.Target] }); err != nil {
		return err
	}
	return t.ScaleTargets.Set(ctx, target, observed, replicas)
}

func referenceOf(t cycle.TargetRef) scenario.Reference {
	return scenario.Reference{Namespace: t.Namespace, Kind: t.Kind, Name: t.Name}
}
