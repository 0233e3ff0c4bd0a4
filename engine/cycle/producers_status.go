package cycle

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// commit stores the status where it changed; where only numbers did, at most
// once a Refresh.
func (p *MetricsProducers) commit(ctx context.Context, m *producerMemory, s slot.Slot, o *output) error {
	next := o.status
	next.ObservedGeneration = m.generation
	for i := range m.status.Conditions {
		next.Conditions = append(next.Conditions, *m.status.Conditions[i].DeepCopy())
	}
	for _, c := range o.conditions() {
		c.LastTransitionTime, c.ObservedGeneration = metav1.NewTime(s.Time()), m.generation
		meta.SetStatusCondition(&next.Conditions, c)
	}
	if equality.Semantic.DeepEqual(&next, &m.status) {
		return nil
	}
	fresh := p.Refresh <= 0 || int64(s)%p.Refresh < policy.ProducerInterval
	if !fresh && equality.Semantic.DeepEqual(numberless(&next), numberless(&m.status)) {
		return nil
	}
	version, err := p.Store.Commit(ctx, m.name, m.version, &next)
	if err != nil {
		return err
	}
	m.version, m.status = version, next
	return nil
}

// numberless is a status with nothing in its results but which there are.
func numberless(status *v1alpha1.MetricsProducerStatus) v1alpha1.MetricsProducerStatus {
	s := v1alpha1.MetricsProducerStatus{ObservedGeneration: status.ObservedGeneration, Conditions: status.Conditions}
	if status.PendingCapacity != nil {
		s.PendingCapacity = &v1alpha1.PendingCapacityStatus{}
	}
	if status.Queue != nil {
		s.Queue = &v1alpha1.QueueStatus{}
	}
	if status.ScheduledCapacity != nil {
		s.ScheduledCapacity = &v1alpha1.ScheduledCapacityStatus{}
	}
	if status.ReservedCapacity != nil {
		s.ReservedCapacity = map[string]string{"": ""}
	}
	return s
}

// conditions returns the conditions of an output. A resource without capacity is no fault.
func (o *output) conditions() []metav1.Condition {
	if o.fault != "" {
		return []metav1.Condition{
			condition(v1alpha1.ReadyCondition, metav1.ConditionFalse, o.cause, o.fault),
			condition(v1alpha1.ActiveCondition, metav1.ConditionFalse, o.cause, o.fault),
		}
	}
	return []metav1.Condition{
		condition(v1alpha1.ReadyCondition, metav1.ConditionTrue, "Ready", "the producer works"),
		condition(v1alpha1.ActiveCondition, metav1.ConditionTrue, "Produced", "the last slot produced its values"),
	}
}
