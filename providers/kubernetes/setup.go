package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Options are what the reconcilers need besides a manager.
type Options struct {
	Clock   clock.WithTicker
	Source  cycle.MetricSource
	Journal cycle.Journal
	Metrics *Metrics
	Events  record.EventRecorder
	// Timeout bounds each call to the API server.
	Timeout time.Duration
	// QueryOffset is how long before the slot queries are evaluated.
	QueryOffset time.Duration
	// Refresh is the least time between two writes of currentMetrics alone.
	Refresh time.Duration
	// Concurrency is how many objects of one kind are decided at the same time.
	Concurrency int
	// DryRun holds every object in dry run, whatever its spec says.
	DryRun bool
}

// Setup adds the reconcilers to a manager whose scheme has our kinds.
func Setup(ctx context.Context, m manager.Manager, o Options) error {
	charge := &charge{clock: o.Clock}
	if err := m.Add(charge); err != nil {
		return err
	}
	targets, err := NewTargets(m.GetConfig(), m.GetRESTMapper(), o.Timeout)
	if err != nil {
		return err
	}
	rivals, err := NewRivals(ctx, m.GetCache(), m.GetRESTMapper(), o.Clock, o.DryRun)
	if err != nil {
		return err
	}
	reporter := NewReporter(o.Journal, o.Metrics, o.Events, o.Clock)
	autoscalers := &Autoscalers{
		Objects: m.GetClient(), Reporter: reporter, Clock: o.Clock, Since: charge.since,
		Driver: &cycle.Autoscalers{
			Metrics: o.Source, Targets: targets, Journal: reporter,
			Store:       reporter.Watch(NewStore(m.GetAPIReader(), m.GetClient(), o.Timeout)),
			QueryOffset: o.QueryOffset, DryRun: o.DryRun, Rival: rivals.Rival,
			Refresh: int64(o.Refresh.Seconds()),
		},
	}
	// Our own writes of the status must not wake us up.
	err = builder.ControllerManagedBy(m).
		For(&v1alpha1.HorizontalAutoscaler{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Concurrency, NewQueue: newQueue(o.Clock)}).
		Complete(autoscalers)
	if err != nil {
		return fmt.Errorf("HorizontalAutoscaler: %w", err)
	}
	return nil
}

// A charge notes when this process came to be in charge. The manager runs it
// when leadership has been gained, or at once without leader election.
type charge struct {
	clock clock.PassiveClock
	once  sync.Once
	at    slot.Slot
}

// Start implements manager.Runnable.
func (c *charge) Start(context.Context) error {
	c.since()
	return nil
}

// since is when it was. Whoever asks first is in charge by then.
func (c *charge) since() slot.Slot {
	c.once.Do(func() { c.at = slot.At(c.clock.Now()) })
	return c.at
}
