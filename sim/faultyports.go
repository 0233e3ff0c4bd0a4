package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// faultyMetrics are a player's metrics with what goes wrong on their way.
type faultyMetrics struct {
	player *player
	// last are the last answers from before a fault.
	last map[string]cycle.Result
}

// Query implements cycle.MetricSource.
func (m *faultyMetrics) Query(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
	f := m.hit(text)
	if f == nil {
		result, err := m.player.source.Query(ctx, text, at)
		if err == nil && len(m.player.run.faults) > 0 {
			m.remember(text, result)
		}
		return result, err
	}
	if f.Metrics == scenario.MetricsLate {
		at = at.Add(-time.Duration(f.Delay))
	}
	// What Prometheus would have said is still what the demand needs.
	result, err := m.player.source.Query(ctx, text, at)
	switch f.Metrics {
	case scenario.MetricsDown:
		return cycle.Result{}, fmt.Errorf("fault %s: %w", f.Name, cycle.ErrUnavailable)
	case scenario.MetricsSlow:
		return cycle.Result{}, fmt.Errorf("fault %s: %w", f.Name, cycle.ErrTimedOut)
	case scenario.MetricsEmpty:
		return cycle.Result{}, nil
	case scenario.MetricsNaN:
		return cycle.Result{Samples: 1, Value: math.NaN()}, nil
	case scenario.MetricsStale:
		return m.last[text], nil
	case scenario.MetricsDuplicated:
		return cycle.Result{Samples: 2 * result.Samples}, err
	}
	return result, err
}

func (m *faultyMetrics) remember(text string, result cycle.Result) {
	if m.last == nil {
		m.last = map[string]cycle.Result{}
	}
	m.last[text] = result
}

// hit is the first fault that hits a query now, or nil.
func (m *faultyMetrics) hit(text string) *fault {
	now := m.player.run.queue.clock.now.UnixMilli()
	for _, f := range m.player.run.faults {
		if f.Metrics == "" || f.Metrics == scenario.MetricsPartial || !strings.Contains(text, f.Query) {
			continue
		}
		if f.hitsQuery(now, m.player.reference(), text) {
			return f
		}
	}
	return nil
}

// faultyStore is a store of autoscalers with the changes of others.
type faultyStore struct {
	run   *run
	store cycle.AutoscalerStore
}

// Load implements cycle.Store.
func (s *faultyStore) Load(ctx context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.HorizontalAutoscaler], error) {
	return s.store.Load(ctx, name)
}

// Commit implements cycle.Store.
func (s *faultyStore) Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	now := s.run.queue.clock.now.UnixMilli()
	for _, f := range s.run.faults {
		if f.Controller == scenario.ControllerConflicts && f.hits(now, autoscalerReference(name)) {
			return "", fmt.Errorf("fault %s: %w", f.Name, cycle.ErrConflict)
		}
	}
	return s.store.Commit(ctx, name, version, status)
}

// faultyTargets are targets with what goes wrong with them in a run.
type faultyTargets struct {
	run     *run
	targets cycle.ScaleTargets
}

// Get implements cycle.ScaleTargets.
func (t *faultyTargets) Get(ctx context.Context, target cycle.TargetRef) (cycle.Scale, error) {
	if f := t.hit(target, true); f != nil {
		return cycle.Scale{}, fmt.Errorf("fault %s: %w", f.Name, cycle.ErrUnavailable)
	}
	return t.targets.Get(ctx, target)
}

// Set implements cycle.ScaleTargets.
func (t *faultyTargets) Set(ctx context.Context, target cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	f := t.hit(target, false)
	if f == nil {
		return t.targets.Set(ctx, target, observed, replicas)
	}
	err := cycle.ErrForbidden
	switch f.Target {
	case scenario.TargetConflict:
		err = cycle.ErrConflict
	case scenario.TargetTimeout:
		err = cycle.ErrTimedOut
	}
	return fmt.Errorf("fault %s: %w", f.Name, err)
}

// hit is the first fault that hits a read or a write of a target now, or nil.
func (t *faultyTargets) hit(target cycle.TargetRef, read bool) *fault {
	now := t.run.queue.clock.now.UnixMilli()
	for _, f := range t.run.faults {
		if f.Target == "" || read != (f.Target == scenario.TargetUnreadable) {
			continue
		}
		if f.hits(now, referenceOf(target)) {
			return f
		}
	}
	return nil
}
