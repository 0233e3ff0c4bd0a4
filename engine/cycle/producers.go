package cycle

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Snapshots reads nodes and pods.
type Snapshots interface {
	// Snapshot returns the cluster's nodes and pods as they are now. What it
	// returns must not change afterwards.
	Snapshot(ctx context.Context) (*producer.Snapshot, error)
}

// Sizes knows how many nodes providers aim for.
type Sizes interface {
	// Desired is the provider's desired size of a ScalableNodeGroup, in nodes.
	// It returns ErrNotFound where there is no such group, and ErrUnavailable
	// while its size is unknown.
	Desired(ctx context.Context, group types.NamespacedName) (int32, error)
}

// An Exporter publishes the gauges of producers, labelled with the name and
// namespace of the object.
type Exporter interface {
	// Set replaces all series of an object.
	Set(object types.NamespacedName, gauges []producer.Gauge)
	// Withdraw removes all series of an object, so that none keeps an old value.
	Withdraw(object types.NamespacedName)
}

// A ProducerStore keeps the MetricsProducers.
type ProducerStore interface {
	Store[*v1alpha1.MetricsProducer, v1alpha1.MetricsProducerStatus]
	// List returns all objects of the kind, in any order; it may come from a
	// cache. The objects must not change afterwards.
	List(ctx context.Context) ([]*v1alpha1.MetricsProducer, error)
}

// MetricsProducers drives MetricsProducers, as Autoscalers drives its kind.
// Calls for different objects may run concurrently; calls for one object must not.
//
// All pendingCapacity producers share the phase of the empty name: at each of
// their slots they are evaluated together, once, on one snapshot.
type MetricsProducers struct {
	Cluster Snapshots
	Sizes   Sizes
	// Queues are the queue providers by spec.queue.type. It must not change.
	Queues map[string]Queues
	// NodeGroupNamespaces says whose objects may name a provider's node groups,
	// QueueNamespaces whose objects may name its queues.
	NodeGroupNamespaces, QueueNamespaces Namespaces
	// Watched are the namespaces whose pods Cluster shows. Where there are any, what
	// counts the capacity of whole nodes is refused: it would count too little.
	Watched  Namespaces
	Store    ProducerStore
	Exporter Exporter
	Journal  Journal
	// Phase places an object on the grid of its interval; nil means slot.Phase.
	Phase func(name types.NamespacedName, interval int32) int32
	// Since is the last instant before this driver was in charge: only later
	// slots are decided.
	Since slot.Slot
	// Refresh is the least time in seconds between two writes of a status in
	// which only numbers changed; the gauges have them at once.
	Refresh int64

	objects memories[*producerMemory]

	evaluating sync.Mutex // held while joint is made
	joint      joint
}

// producerMemory holds what the driver knows of one producer, which has no state.
type producerMemory struct {
	objectMemory

	policy   *policy.Producer // nil where the spec is invalid
	schedule *producer.Schedule
	status   v1alpha1.MetricsProducerStatus
}

// Reconcile produces the values of the slot that now falls on, if it is due, and
// returns the next one. An error means that the status could not be stored, so
// that the slot has no record; it may be tried again until the next slot.
func (p *MetricsProducers) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.MetricsProducer) (slot.Slot, error) {
	m := p.objects.of(journal.MetricsProducer, object, func() *producerMemory { return &producerMemory{} })
	return reconcile(ctx, now, p.Since, object, m, p.Store, p)
}

// Forget drops what the driver knows of an object that is gone, and its series.
func (p *MetricsProducers) Forget(name types.NamespacedName) {
	p.Exporter.Withdraw(name)
	p.objects.forget(name)
}

// compile implements steps.
func (p *MetricsProducers) compile(m *producerMemory, object *v1alpha1.MetricsProducer) {
	m.policy, m.schedule = nil, nil
	compiled, errs := policy.CompileProducer(&object.Spec, field.NewPath("spec"))
	if errs == nil && compiled.Queue != nil && p.Queues[compiled.Queue.Type] == nil {
		errs = append(errs, unprovided(field.NewPath("spec", "queue", "type"), compiled.Queue.Type, p.Queues))
	}
	if errs == nil {
		errs = p.refused(compiled, m.name.Namespace)
	}
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
	} else {
		m.policy = compiled
		m.setPolicy(compiled.Encode())
		if compiled.Schedule != nil {
			m.schedule, _ = producer.NewSchedule(compiled.Schedule) // a compiled schedule has no error
		}
	}
	m.grid = slot.Grid{Interval: policy.ProducerInterval, Phase: p.phase(m)}
}

// refused returns what this controller was told to let no object of a namespace do.
func (p *MetricsProducers) refused(compiled *policy.Producer, namespace string) field.ErrorList {
	var errs field.ErrorList
	spec := field.NewPath("spec")
	if compiled.Queue != nil && !p.QueueNamespaces.Allow(namespace) {
		errs = append(errs, p.QueueNamespaces.forbid(spec.Child("queue", "id"), namespace, "queue", "--queue-namespaces"))
	}
	if compiled.Pending != nil && compiled.Pending.NodeGroup != "" && !p.NodeGroupNamespaces.Allow(namespace) {
		errs = append(errs, p.NodeGroupNamespaces.forbid(spec.Child("pendingCapacity", "nodeGroupRef"), namespace, "node group", "--node-group-namespaces"))
	}
	if len(p.Watched) == 0 {
		return errs
	}
	const why = "counts the pods of whole nodes, whatever their namespace, and this controller sees those of %s only (--watch-namespaces); have a controller without that flag count them"
	if compiled.Reserved != nil {
		errs = append(errs, field.Forbidden(spec.Child("reservedCapacity"), fmt.Sprintf(why, strings.Join(p.Watched, ", "))))
	}
	if compiled.Pending != nil {
		errs = append(errs, field.Forbidden(spec.Child("pendingCapacity"), fmt.Sprintf(why, strings.Join(p.Watched, ", "))))
	}
	return errs
}

func (p *MetricsProducers) phase(m *producerMemory) int32 {
	name := ProducerPhase(m.name, m.policy != nil && m.policy.Pending != nil)
	return phase(p.Phase, journal.MetricsProducer, name, policy.ProducerInterval)
}

// ProducerPhase returns the name whose phase the slots of a producer have: its
// own, but for those of pendingCapacity, which are evaluated together.
func ProducerPhase(name types.NamespacedName, pending bool) types.NamespacedName {
	if pending {
		return types.NamespacedName{}
	}
	return name
}

// load implements steps.
func (p *MetricsProducers) load(_ context.Context, m *producerMemory, object *v1alpha1.MetricsProducer, _ slot.Slot) {
	m.status = v1alpha1.MetricsProducerStatus{}
	object.Status.DeepCopyInto(&m.status)
}

// latest implements steps: there is no state that could show it.
func (p *MetricsProducers) latest(*producerMemory) slot.Slot { return 0 }

// begin implements steps: there is nothing but the memory of the process.
func (p *MetricsProducers) begin(context.Context, *producerMemory, slot.Slot, string) error {
	return nil
}

// journal implements steps.
func (p *MetricsProducers) journal() Journal { return p.Journal }

// decide implements steps. The gauges come before
// the status: whoever reads them must not wait for the API server.
func (p *MetricsProducers) decide(ctx context.Context, m *producerMemory, s slot.Slot) error {
	o := p.produce(ctx, m, s)
	if o.gauges == nil {
		p.Exporter.Withdraw(m.name)
	} else {
		p.Exporter.Set(m.name, o.gauges)
	}
	if err := p.commit(ctx, m, s, o); err != nil {
		m.loaded = false
		return err
	}
	m.open(s)
	m.pass(s)
	r := &m.record
	r.Reason, r.Observed, r.Value = o.reason, o.observed, nil
	if o.gauges != nil {
		r.Value = journal.GaugeFields(o.gauges)
	}
	p.Journal.Record(r)
	return nil
}
