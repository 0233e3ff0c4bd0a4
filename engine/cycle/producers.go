package cycle

import (
	"context"
	"errors"
	"maps"
	"slices"
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

// A StoredProducer is a MetricsProducer as its store has it.
type StoredProducer struct {
	Object *v1alpha1.MetricsProducer
	// Version is the resourceVersion that the next commit must carry.
	Version string
}

// A ProducerStore keeps the MetricsProducers.
type ProducerStore interface {
	// Load reads the object itself, past any cache. It returns ErrNotFound once
	// the object is gone.
	Load(ctx context.Context, name types.NamespacedName) (StoredProducer, error)
	// Commit replaces the status on condition that the object still has the
	// version, and returns the new one; otherwise it returns ErrConflict. The
	// status must not be kept.
	Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.MetricsProducerStatus) (string, error)
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
	Queues   map[string]Queues
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

	mu      sync.Mutex
	objects map[types.NamespacedName]*producerMemory

	evaluating sync.Mutex // held while joint is made
	joint      joint
}

// producerMemory is what the driver knows of one producer.
type producerMemory struct {
	name types.NamespacedName

	// Of the spec.
	uid        types.UID
	generation int64
	compiled   bool
	policy     *policy.Producer // nil where the spec is invalid
	schedule   *producer.Schedule
	invalid    string // why the policy is nil
	encoded    string // the policy's canonical JSON
	digest     string // its digest
	grid       slot.Grid
	created    slot.Slot

	// Of the store.
	loaded  bool
	version string
	status  v1alpha1.MetricsProducerStatus

	// Of the grid.
	last    slot.Slot // last decided slot
	decided bool      // whether there is one in this process

	record journal.Record
}

// Reconcile produces the values of the slot that now falls on, if it is due, and
// returns the next one. An error means that the status could not be stored, so
// that the slot has no record; it may be tried again until the next slot.
func (p *MetricsProducers) Reconcile(ctx context.Context, now time.Time, object *v1alpha1.MetricsProducer) (slot.Slot, error) {
	m := p.memory(types.NamespacedName{Namespace: object.Namespace, Name: object.Name})
	at := slot.At(now)
	for range attempts {
		p.compile(m, object)
		if err := p.load(ctx, m); err != nil {
			return m.grid.Next(at), err
		}
		due := m.grid.Of(at)
		if due <= p.Since || due < m.created || m.decided && due <= m.last {
			return m.grid.Next(at), nil
		}
		err := p.decide(ctx, m, due)
		if !errors.Is(err, ErrConflict) {
			return m.grid.Next(at), err
		}
		// Somebody else wrote the object: what they wrote may change the outcome.
		stored, err := p.Store.Load(ctx, m.name)
		if err != nil {
			return m.grid.Next(at), err
		}
		object = stored.Object
	}
	return m.grid.Next(at), ErrConflict
}

// Forget drops what the driver knows of an object that is gone, and its series.
func (p *MetricsProducers) Forget(name types.NamespacedName) {
	p.Exporter.Withdraw(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.objects, name)
}

func (p *MetricsProducers) memory(name types.NamespacedName) *producerMemory {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.objects[name]
	if m == nil {
		if p.objects == nil {
			p.objects = map[types.NamespacedName]*producerMemory{}
		}
		m = &producerMemory{name: name}
		m.record.Object = journal.Object{Kind: journal.MetricsProducer, Namespace: name.Namespace, Name: name.Name}
		p.objects[name] = m
	}
	return m
}

// compile turns the spec into a policy, once a generation. An older generation
// comes from a cache that lags behind a load.
func (p *MetricsProducers) compile(m *producerMemory, object *v1alpha1.MetricsProducer) {
	if m.compiled && m.uid == object.UID && object.Generation <= m.generation {
		return
	}
	if m.uid != object.UID {
		m.loaded, m.decided = false, false
	}
	m.compiled, m.uid, m.generation = true, object.UID, object.Generation
	m.created = slot.At(object.CreationTimestamp.Time)
	m.policy, m.schedule, m.invalid, m.encoded, m.digest = nil, nil, "", "", ""
	compiled, errs := policy.CompileProducer(&object.Spec, field.NewPath("spec"))
	if errs == nil && compiled.Queue != nil && p.Queues[compiled.Queue.Type] == nil {
		errs = append(errs, field.NotSupported(field.NewPath("spec", "queue", "type"), compiled.Queue.Type, slices.Sorted(maps.Keys(p.Queues))))
	}
	if errs != nil {
		m.invalid = errs.ToAggregate().Error()
	} else {
		encoded := compiled.Encode()
		m.policy, m.encoded, m.digest = compiled, string(encoded), policy.Digest(encoded)
		if compiled.Schedule != nil {
			m.schedule, _ = producer.NewSchedule(compiled.Schedule) // a compiled schedule has no error
		}
	}
	m.grid = slot.Grid{Interval: policy.ProducerInterval, Phase: p.phase(m)}
}

func (p *MetricsProducers) phase(m *producerMemory) int32 {
	name := m.name
	if m.policy != nil && m.policy.Pending != nil {
		name = types.NamespacedName{}
	}
	if p.Phase != nil {
		return p.Phase(name, policy.ProducerInterval)
	}
	return slot.Phase(journal.MetricsProducer, name.Namespace, name.Name, policy.ProducerInterval)
}

// load reads the status once; from then on the driver's memory is the truth.
func (p *MetricsProducers) load(ctx context.Context, m *producerMemory) error {
	if m.loaded {
		return nil
	}
	stored, err := p.Store.Load(ctx, m.name)
	if err != nil {
		return err
	}
	p.compile(m, stored.Object)
	m.version = stored.Version
	m.status = v1alpha1.MetricsProducerStatus{}
	stored.Object.Status.DeepCopyInto(&m.status)
	m.loaded = true
	return nil
}

// decide takes one slot from observation to the journal. The gauges come before
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
	r := &m.record
	r.Missed = 0
	if m.decided {
		r.Missed = m.grid.Between(m.last, s)
	}
	m.last, m.decided = s, true
	r.Generation, r.Slot, r.Reason = m.generation, s, o.reason
	r.Policy, r.PolicyBody = m.digest, m.encoded
	r.Prev, r.StateBody = stateless, ""
	r.State = r.Prev
	r.Observed, r.Value = o.observed, nil
	if o.gauges != nil {
		r.Value = journal.GaugeFields(o.gauges)
	}
	p.Journal.Record(r)
	return nil
}

// stateless is the digest of the state of what has none.
var stateless = journal.Digest(nil)
