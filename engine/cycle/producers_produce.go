package cycle

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// An output holds what one slot of a producer yields.
type output struct {
	// observed and gauges go to the journal; gauges that are nil are withdrawn.
	observed []journal.Field
	gauges   []producer.Gauge
	reason   autoscaler.Reason
	// status holds the results; cause and fault, where not empty, are reason and
	// message of the conditions.
	status       v1alpha1.MetricsProducerStatus
	cause, fault string
}

// failed is the output where something could not be read; the sentence of the error, if
// there is one, says why.
func failed(what string, code observation.Code, sentence string) *output {
	return &output{
		observed: []journal.Field{{Name: "error", Code: code}}, reason: autoscaler.MetricsUnavailable,
		cause: string(code), fault: explain(what+": "+string(code), sentence, code),
	}
}

// produce reads what the producer is about and computes its gauges.
func (p *MetricsProducers) produce(ctx context.Context, m *producerMemory, s slot.Slot) *output {
	switch {
	case m.policy == nil:
		return &output{reason: autoscaler.InvalidPolicy, cause: string(autoscaler.InvalidPolicy), fault: m.invalid}
	case m.schedule != nil:
		return scheduled(m.schedule, s)
	case m.policy.Queue != nil:
		return p.queue(ctx, m.policy.Queue)
	case m.policy.Reserved != nil:
		return p.reserved(ctx, m.policy.Reserved)
	}
	return p.pending(ctx, m, s)
}

func scheduled(schedule *producer.Schedule, s slot.Slot) *output {
	now := schedule.At(s)
	status := &v1alpha1.ScheduledCapacityStatus{CurrentValue: &now.Value}
	if now.Changes {
		at := metav1.NewTime(now.NextAt.Time())
		status.NextValueTime, status.NextValue = &at, &now.Next
	}
	return &output{
		gauges: producer.ScheduleGauges(now.Value), reason: autoscaler.Unchanged,
		status: v1alpha1.MetricsProducerStatus{ScheduledCapacity: status},
	}
}

func (p *MetricsProducers) queue(ctx context.Context, q *policy.Queue) *output {
	queue, err := p.Queues[q.Type].Observe(ctx, QueueRef{Type: q.Type, ID: q.ID})
	reading := producer.Reading{Visible: queue.Length, InFlight: queue.InFlight, OldestAge: queue.OldestAge, Code: Code(err)}
	if code := reading.Usable(); code != observation.OK {
		return failed("queue", code, Sentence(err))
	}
	length := producer.Length(q, &reading)
	status := &v1alpha1.QueueStatus{Length: &length}
	observed := []journal.Field{{Name: "visible", Value: float64(reading.Visible)}, {Name: "inFlight", Value: float64(reading.InFlight)}}
	if reading.OldestAge >= 0 {
		status.OldestMessageAgeSeconds = &reading.OldestAge
		observed = append(observed, journal.Field{Name: "oldestAge", Value: float64(reading.OldestAge)})
	}
	return &output{
		observed: observed, gauges: producer.QueueGauges(q, &reading), reason: autoscaler.Unchanged,
		status: v1alpha1.MetricsProducerStatus{Queue: status},
	}
}

func (p *MetricsProducers) reserved(ctx context.Context, r *policy.Reserved) *output {
	snapshot, err := p.Cluster.Snapshot(ctx)
	if err != nil {
		return failed("nodes and pods", Code(err), Sentence(err))
	}
	sums := producer.Reserved(r, snapshot)
	shown := make(map[string]string, len(sums))
	for i := range sums {
		shown[string(sums[i].Resource)] = sums[i].String()
	}
	o := &output{
		gauges: producer.ReservedGauges(sums), reason: autoscaler.Unchanged,
		status: v1alpha1.MetricsProducerStatus{ReservedCapacity: shown},
	}
	if !producer.Selects(r, snapshot) {
		o.cause, o.fault = "NoNodes", "no node has the labels of spec.reservedCapacity.nodeSelector"
	}
	return o
}

// joint is the evaluation that the pendingCapacity producers share at a slot.
type joint struct {
	slot    slot.Slot
	err     error
	demands map[types.NamespacedName]producer.Demand
	// sizes has why the size of a producer's node group could not be read, where an
	// adapter says so.
	sizes map[types.NamespacedName]string
}

func (p *MetricsProducers) pending(ctx context.Context, m *producerMemory, s slot.Slot) *output {
	demand, unsized, err := p.demand(ctx, m, s)
	if err != nil {
		return failed("nodes and pods", Code(err), Sentence(err))
	}
	o := &output{reason: autoscaler.Unchanged}
	switch demand.Hold {
	case producer.NoShape:
		o.cause, o.fault = string(demand.Hold), "there is no node to copy; say in spec.pendingCapacity.template what a new one offers"
	case producer.NoCount:
		o.cause, o.fault = string(demand.Hold), explain("spec.pendingCapacity.nodeGroupRef: the size of ScalableNodeGroup "+m.policy.Pending.NodeGroup+" is unknown", unsized, observation.OK)
	}
	if demand.Hold != "" {
		o.reason = autoscaler.MetricsUnavailable
		o.observed = []journal.Field{{Name: "hold", Code: observation.Code(demand.Hold)}}
	}
	if demand.Known {
		o.gauges = producer.PendingGauges(&demand)
		o.status.PendingCapacity = &v1alpha1.PendingCapacityStatus{
			Replicas: &demand.Replicas, PendingPods: &demand.PendingPods, UnschedulablePods: &demand.UnschedulablePods,
		}
	}
	return o
}

// demand is a producer's part of the joint evaluation of the slot, and why the size of
// its node group is unknown, which the
// first producer to come makes for all.
func (p *MetricsProducers) demand(ctx context.Context, m *producerMemory, s slot.Slot) (demand producer.Demand, unsized string, err error) {
	p.evaluating.Lock()
	defer p.evaluating.Unlock()
	demand, evaluated := p.joint.demands[m.name]
	if p.joint.slot != s || !evaluated && p.joint.err == nil {
		p.joint = joint{slot: s, demands: map[types.NamespacedName]producer.Demand{}, sizes: map[types.NamespacedName]string{}}
		p.joint.err = p.evaluate(ctx, m, s)
		demand = p.joint.demands[m.name]
	}
	return demand, p.joint.sizes[m.name], p.joint.err
}

// evaluate makes the joint evaluation.
func (p *MetricsProducers) evaluate(ctx context.Context, m *producerMemory, s slot.Slot) error {
	objects, err := p.Store.List(ctx)
	if err != nil {
		return err
	}
	snapshot, err := p.Cluster.Snapshot(ctx)
	if err != nil {
		return err
	}
	groups := []producer.Group{p.group(ctx, m.name, m.policy.Pending)}
	for _, object := range objects {
		name := types.NamespacedName{Namespace: object.Namespace, Name: object.Name}
		if name == m.name || object.Spec.PendingCapacity == nil || object.DeletionTimestamp != nil {
			continue
		}
		if compiled, errs := policy.CompileProducer(&object.Spec, field.NewPath("spec")); errs == nil && p.refused(compiled, name.Namespace) == nil {
			groups = append(groups, p.group(ctx, name, compiled.Pending))
		}
	}
	for i, demand := range producer.Evaluate(s, snapshot, groups) {
		p.joint.demands[types.NamespacedName{Namespace: groups[i].Namespace, Name: groups[i].Name}] = demand
	}
	return nil
}

func (p *MetricsProducers) group(ctx context.Context, name types.NamespacedName, pending *policy.Pending) producer.Group {
	g := producer.Group{Namespace: name.Namespace, Name: name.Name, Policy: pending}
	if pending.NodeGroup != "" {
		desired, err := p.Sizes.Desired(ctx, types.NamespacedName{Namespace: name.Namespace, Name: pending.NodeGroup})
		g.Provider, g.Code = desired, Code(err)
		p.joint.sizes[name] = Sentence(err)
	}
	return g
}
