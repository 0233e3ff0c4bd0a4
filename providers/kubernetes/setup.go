package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Options holds what the reconcilers need besides a manager.
type Options struct {
	Clock  clock.WithTicker
	Source cycle.MetricSource
	// Notice, if set, says what the conditions of those that use a source are to say.
	Notice  func(source string) string
	Journal cycle.Journal
	Metrics *Metrics
	Events  record.EventRecorder
	// NodeGroups are the providers of node groups by spec.type.
	NodeGroups map[string]cycle.NodeGroups
	// Queues are the providers of queues by spec.queue.type.
	Queues map[string]cycle.Queues
	// NodeGroupNamespaces says whose objects may name node groups of the providers,
	// QueueNamespaces whose objects may name queues.
	NodeGroupNamespaces, QueueNamespaces cycle.Namespaces
	// Watched are the namespaces to which the manager's cache is restricted.
	Watched cycle.Namespaces
	// Exporter publishes the gauges of producers.
	Exporter cycle.Exporter
	// Timeout bounds each call to the API server.
	Timeout time.Duration
	// QueryOffset is how long before the slot queries are evaluated.
	QueryOffset time.Duration
	// Refresh is the least time between two writes of currentMetrics alone.
	Refresh time.Duration
	// HPA are the flags of Kubernetes' own controller that converted HPAs without a
	// behavior decide by.
	HPA policy.HPA
	// Concurrency is how many objects of one kind are decided at the same time.
	Concurrency int
	// DryRun holds every object in dry run, whatever its spec says.
	DryRun bool
	// Fence, if set, is asked before every write; an error keeps it from being
	// sent. It says that another process may be in charge by now.
	Fence func() error
}

// Setup adds the reconcilers to a manager whose scheme has our kinds.
func Setup(ctx context.Context, m manager.Manager, o Options) error {
	leading := &leadership{clock: o.Clock}
	if err := m.Add(leading); err != nil {
		return err
	}
	targets, err := NewTargets(m.GetConfig(), m.GetRESTMapper(), o.Timeout)
	if err != nil {
		return err
	}
	targets.Fence = o.Fence
	if targets.Pods, err = NewPodCounter(ctx, m.GetConfig(), o.Clock, o.Watched...); err != nil {
		return err
	}
	rivals, err := NewRivals(ctx, m.GetCache(), m.GetRESTMapper(), o.Clock)
	if err != nil {
		return err
	}
	reporter := NewReporter(o.Journal, o.Metrics, o.Events, o.Clock)
	access := Access{Reader: m.GetAPIReader(), Writer: m.GetClient(), Timeout: o.Timeout, Reporter: reporter, Fence: o.Fence}
	locks := &Locks{}
	return errors.Join(
		addAutoscalers(m, &o, access, leading, locks, targets, rivals),
		addNodeGroups(m, &o, access, leading, locks),
		addProducers(m, &o, access, leading),
	)
}

func addAutoscalers(m manager.Manager, o *Options, access Access, leading *leadership, locks *Locks, targets *Targets, rivals *Rivals) error {
	driver := &cycle.Autoscalers{
		Metrics: o.Source, Notice: o.Notice, Targets: targets, Journal: access.Reporter, Store: &Store{access},
		QueryOffset: o.QueryOffset, DryRun: o.DryRun, Owners: rivals.Owners, Refresh: int64(o.Refresh.Seconds()), HPA: o.HPA,
	}
	return add(m, o, &Reconciler[*v1alpha1.HorizontalAutoscaler]{
		Kind: journal.HorizontalAutoscaler, Empty: func() *v1alpha1.HorizontalAutoscaler { return &v1alpha1.HorizontalAutoscaler{} },
		Objects: m.GetClient(), Driver: driver, Reporter: access.Reporter, Clock: o.Clock,
		Leads: func() { driver.Since = leading.since() },
		Locks: locks, Target: func(a *v1alpha1.HorizontalAutoscaler) string {
			return targetOf(a).String()
		},
	})
}

func addNodeGroups(m manager.Manager, o *Options, access Access, leading *leadership, locks *Locks) error {
	driver := &cycle.ScalableNodeGroups{Providers: fenced(o.NodeGroups, o.Fence), Namespaces: o.NodeGroupNamespaces, Store: &NodeGroupStore{access}, Journal: access.Reporter, DryRun: o.DryRun}
	return add(m, o, &Reconciler[*v1alpha1.ScalableNodeGroup]{
		Kind: journal.ScalableNodeGroup, Empty: func() *v1alpha1.ScalableNodeGroup { return &v1alpha1.ScalableNodeGroup{} },
		Objects: m.GetClient(), Driver: driver, Reporter: access.Reporter, Clock: o.Clock,
		Leads: func() { driver.Since = leading.since() },
		Locks: locks, Target: func(g *v1alpha1.ScalableNodeGroup) string {
			return cycle.TargetKey{Group: v1alpha1.GroupVersion.Group, Kind: journal.ScalableNodeGroup, Namespace: g.Namespace, Name: g.Name}.String()
		},
	})
}

func addProducers(m manager.Manager, o *Options, access Access, leading *leadership) error {
	cluster := &Cluster{Objects: m.GetClient(), NodeGroups: o.NodeGroups}
	driver := &cycle.MetricsProducers{
		Cluster: cluster, Sizes: cluster, Queues: o.Queues, Watched: o.Watched,
		NodeGroupNamespaces: o.NodeGroupNamespaces, QueueNamespaces: o.QueueNamespaces, Exporter: o.Exporter, Journal: access.Reporter,
		Store: &ProducerStore{Access: access, Objects: m.GetClient()}, Refresh: int64(o.Refresh.Seconds()),
	}
	return add(m, o, &Reconciler[*v1alpha1.MetricsProducer]{
		Kind: journal.MetricsProducer, Empty: func() *v1alpha1.MetricsProducer { return &v1alpha1.MetricsProducer{} },
		Objects: m.GetClient(), Driver: driver, Reporter: access.Reporter, Clock: o.Clock,
		Leads: func() { driver.Since = leading.since() },
	})
}

// add has a manager run a reconciler.
func add[T client.Object](m manager.Manager, o *Options, r *Reconciler[T]) error {
	r.Fence, r.Woken = o.Fence, o.Metrics.woken
	queue := func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
		q := newQueue(o.Clock)(name, limiter)
		r.Turns = NewTurns(o.Concurrency, q.Add) // before any worker starts
		return q
	}
	// Our own writes of the status must not wake us up.
	err := builder.ControllerManagedBy(m).
		For(r.Empty(), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: o.Concurrency, NewQueue: queue}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Kind, err)
	}
	return nil
}

// A leadership notes since when this process leads. The manager runs it
// when leadership has been gained, or at once without leader election.
type leadership struct {
	clock clock.PassiveClock
	once  sync.Once
	at    slot.Slot
}

// Start implements manager.Runnable.
func (c *leadership) Start(context.Context) error {
	c.since()
	return nil
}

// since returns the slot from which the process leads: whoever asks first does by then.
func (c *leadership) since() slot.Slot {
	c.once.Do(func() { c.at = slot.At(c.clock.Now()) })
	return c.at
}
