package sim

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// producers are the metrics producers of a run. They are their driver's store,
// and its exporter: what they export is scraped.
type producers struct {
	objects[*v1alpha1.MetricsProducer, *storedProducer]
	run    *run
	driver *cycle.MetricsProducers
}

type storedProducer struct {
	storedObject[*v1alpha1.MetricsProducer]
	gauges []exported
	// edited is the object as the edits to come leave it, nil without any.
	edited *v1alpha1.MetricsProducer
}

// An exported gauge is one series of a producer.
type exported struct {
	labels labels.Labels
	value  float64
}

// addProducers puts the metrics producers into the run.
func (r *run) addProducers(entries []manifest.Producer) {
	p := &producers{run: r}
	p.kind = journal.MetricsProducer
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b manifest.Producer) int { return compareNames(nameOf(a.Object), nameOf(b.Object)) })
	for _, e := range sorted {
		p.add(&storedProducer{storedObject: keep(e.Object.DeepCopy(), r.in.File.Spec.Start.Time)})
	}
	r.producers = p
	r.noteUnread()
	p.startDriver(r.in.File.Spec.Start.Time)
}

// noteUnread tells of producers that read what the scenario does not have. They
// find nothing, as they would live, and hold.
func (r *run) noteUnread() {
	spec := &r.in.File.Spec
	for _, s := range r.producers.all {
		name, q, p := s.name(), s.object.Spec.Queue, s.object.Spec.PendingCapacity
		if q != nil && !slices.ContainsFunc(spec.Queues, func(d scenario.Queue) bool { return d.Type == string(q.Type) && d.ID == q.ID }) {
			r.assume("MetricsProducer %s finds no queue %s, because spec.queues has none of that id", name, q.ID)
		}
		if p != nil && p.NodeGroupRef != nil && r.groups.find(types.NamespacedName{Namespace: name.Namespace, Name: p.NodeGroupRef.Name}) == nil {
			r.assume("MetricsProducer %s finds no ScalableNodeGroup %s, because there is no manifest of it", name, p.NodeGroupRef.Name)
		}
	}
}

// startDriver puts a driver in charge that knows nothing but the store.
func (p *producers) startDriver(from time.Time) {
	p.driver = &cycle.MetricsProducers{
		Cluster: snapshots{p.run}, Sizes: p.run.groups, Queues: p.run.queues(), Store: p.run.faults.Producers(p), Exporter: p, Journal: p.run.journal,
		Phase: func(name types.NamespacedName, interval int32) int32 {
			return p.run.phaseOf(journal.MetricsProducer, name, interval)
		},
		Since: slot.At(from) - 1,
	}
}

// grid returns the slots of a producer.
func (p *producers) grid(s *storedProducer) slot.Grid {
	name := cycle.ProducerPhase(s.name(), s.object.Spec.PendingCapacity != nil)
	return slot.Grid{Interval: policy.ProducerInterval, Phase: p.run.phaseOf(journal.MetricsProducer, name, policy.ProducerInterval)}
}

// schedule puts the first slot of each producer on the queue.
func (p *producers) schedule() {
	for _, s := range p.all {
		p.run.scheduleSlots(slots{
			class: produce, object: s.reference(), grid: p.grid(s), restart: p.startDriver,
			decide: func(now time.Time) (slot.Slot, error) {
				return p.driver.Reconcile(p.run.ctx, now, s.object)
			},
		})
	}
}

// Commit implements cycle.ProducerStore.
func (p *producers) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.MetricsProducerStatus) (string, error) {
	s, err := p.expect(name, version)
	if err != nil {
		return "", err
	}
	status.DeepCopyInto(&s.object.Status)
	return s.written(), nil
}

// List implements cycle.ProducerStore.
func (p *producers) List(context.Context) ([]*v1alpha1.MetricsProducer, error) {
	var list []*v1alpha1.MetricsProducer
	for _, s := range p.all {
		list = append(list, s.object.DeepCopy())
	}
	return list, nil
}

// Set implements cycle.Exporter.
func (p *producers) Set(name types.NamespacedName, gauges []producer.Gauge) {
	s := p.find(name)
	if len(s.gauges) != len(gauges) || !slices.EqualFunc(s.gauges, gauges, func(a exported, b producer.Gauge) bool {
		return a.labels.Get(labels.MetricName) == b.Name
	}) {
		s.gauges = make([]exported, len(gauges))
		for i, g := range gauges {
			s.gauges[i].labels = labels.FromStrings(labels.MetricName, g.Name, "namespace", name.Namespace, "name", name.Name)
		}
	}
	for i, g := range gauges {
		s.gauges[i].value = g.Value
	}
}

// Withdraw implements cycle.Exporter.
func (p *producers) Withdraw(name types.NamespacedName) { p.find(name).gauges = nil }

// emit emits what the producers export now.
func (p *producers) emit(emit world.Emit) {
	for _, s := range p.all {
		for _, g := range s.gauges {
			emit(g.labels, g.value)
		}
	}
}

// owns says whether a series is one that a producer exports, whatever other
// labels it has.
func (p *producers) owns(l labels.Labels) bool {
	s := p.find(types.NamespacedName{Namespace: l.Get("namespace"), Name: l.Get("name")})
	return s != nil && slices.Contains(gaugesOf[sourceOf(&s.object.Spec)], l.Get(labels.MetricName))
}

// gaugesOf are the names of the series that producers can publish, by what they
// measure; those of extended resources come besides.
var gaugesOf = map[string][]string{
	"queue":            {producer.QueueLength, producer.QueueOldestAge},
	"scheduleSpec":     {producer.ScheduledReplicas},
	"pendingCapacity":  {producer.PendingReplicas, producer.PendingPods, producer.UnschedulablePods},
	"reservedCapacity": reservedNames(),
}

func reservedNames() []string {
	var names []string
	for _, resource := range []string{"cpu", "memory", "pods"} {
		for _, of := range []string{"reserved", "capacity", "utilization"} {
			names = append(names, producer.ReservedPrefix+resource+"_"+of)
		}
	}
	return names
}

// names returns the names of the series that these producers can publish, those of
// extended resources excepted.
func (p *producers) names() []string {
	var names []string
	seen := map[string]bool{}
	for _, s := range p.all {
		if source := sourceOf(&s.object.Spec); !seen[source] {
			seen[source] = true
			names = append(names, gaugesOf[source]...)
		}
	}
	return names
}

// snapshots are the nodes and pods of a run.
type snapshots struct{ run *run }

// Snapshot implements cycle.Snapshots.
func (s snapshots) Snapshot(context.Context) (*producer.Snapshot, error) {
	nodes, pods := s.run.nodes.Snapshot()
	return producer.NewSnapshot(nodes, pods), nil
}
