package cycle

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// commit stores the state and the status where either changed.
func (n *ScalableNodeGroups) commit(ctx context.Context, m *groupMemory, s slot.Slot, d *nodegroup.Decision) error {
	text, named := m.text, m.named
	if d.Changed {
		b, err := m.state.AppendText(nil)
		if err != nil {
			return err
		}
		text, named = string(b), journal.Digest(b)
	}
	var next v1alpha1.ScalableNodeGroupStatus
	m.status.DeepCopyInto(&next)
	m.publish(&next, s, d, text)
	if !equality.Semantic.DeepEqual(&next, &m.status) {
		version, err := n.Store.Commit(ctx, m.name, m.version, &next)
		if err != nil {
			return err
		}
		m.version, m.status = version, next
	}
	m.text, m.named, m.record.State = text, named, named
	return nil
}

// publish writes the outcome of a slot into a status. What could not be
// observed keeps its last value: the scale subresource must not read 0 nodes.
func (m *groupMemory) publish(status *v1alpha1.ScalableNodeGroupStatus, s slot.Slot, d *nodegroup.Decision, text string) {
	status.ObservedGeneration = m.generation
	status.State, status.Reason = text, string(d.Reason)
	if d.Known {
		ready, desired := m.in.Group.Ready, m.in.Group.Desired
		status.Replicas, status.DesiredReplicas = &ready, &desired
	}
	for _, c := range []metav1.Condition{m.ready(d), m.active(d), m.able(d), m.stabilized(d)} {
		c.LastTransitionTime, c.ObservedGeneration = metav1.NewTime(s.Time()), m.generation
		meta.SetStatusCondition(&status.Conditions, c)
	}
}

// reset makes the conditions say that a state was set aside, until the next slot.
func reset(conditions *[]metav1.Condition, s slot.Slot, generation int64, why string) {
	for _, kind := range []string{v1alpha1.ReadyCondition, v1alpha1.ActiveCondition} {
		c := condition(kind, metav1.ConditionFalse, StateReset, why)
		c.LastTransitionTime, c.ObservedGeneration = metav1.NewTime(s.Time()), generation
		meta.SetStatusCondition(conditions, c)
	}
}

// condition is a condition whose reason explains its status.
func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// unusable says why a slot could not be decided, or is empty.
func (m *groupMemory) unusable(d *nodegroup.Decision) string {
	switch d.Reason {
	case autoscaler.InvalidPolicy:
		return m.invalid
	case autoscaler.TargetUnavailable:
		return explain(string(d.Code), m.cause, observation.OK) // as in v0.1, the code alone
	}
	return ""
}

func (m *groupMemory) active(d *nodegroup.Decision) metav1.Condition {
	if why := m.unusable(d); why != "" {
		return condition(v1alpha1.ActiveCondition, metav1.ConditionFalse, string(d.Reason), why)
	}
	return condition(v1alpha1.ActiveCondition, metav1.ConditionTrue, "Decided", "the last slot was decided on usable inputs")
}

// ready is False where the object cannot work; what waits or is clipped works.
func (m *groupMemory) ready(d *nodegroup.Decision) metav1.Condition {
	if why := m.unusable(d); why != "" {
		return condition(v1alpha1.ReadyCondition, metav1.ConditionFalse, string(d.Reason), why)
	}
	if nodegroup.Final(d.Failure) {
		return condition(v1alpha1.ReadyCondition, metav1.ConditionFalse, string(d.Failure), explain("the provider refuses to set the size", m.cause, d.Failure))
	}
	return condition(v1alpha1.ReadyCondition, metav1.ConditionTrue, "Ready", "the node group works")
}

// able is False while something keeps the group from the size in its spec. The
// message of a failure is its code, as in Karpenter v0.1.
func (m *groupMemory) able(d *nodegroup.Decision) metav1.Condition {
	no := func(reason, message string) metav1.Condition {
		return condition(v1alpha1.AbleToScaleCondition, metav1.ConditionFalse, reason, message)
	}
	switch {
	case !d.Known:
		return no(string(d.Reason), m.unusable(d))
	case d.Failure != observation.OK:
		return no(string(d.Failure), string(d.Failure))
	case d.Reason == autoscaler.RateLimited:
		return no("NotLanded", "the size that was set has not been taken over by the provider; it is set again, ever more slowly")
	case d.Clipped == nodegroup.AtMax:
		return no("AtProviderMaximum", "spec.replicas lies above the provider's maximum")
	case d.Clipped == nodegroup.AtMin:
		return no("AtProviderMinimum", "spec.replicas lies below the provider's minimum")
	}
	return condition(v1alpha1.AbleToScaleCondition, metav1.ConditionTrue, "Able", "nothing holds a change back")
}

func (m *groupMemory) stabilized(d *nodegroup.Decision) metav1.Condition {
	kind := v1alpha1.StabilizedCondition
	issue := m.in.Group.Issue
	switch {
	case !d.Known:
		return condition(kind, metav1.ConditionUnknown, string(d.Reason), m.unusable(d))
	case d.Stabilized:
		return condition(kind, metav1.ConditionTrue, "Stabilized", "")
	case issue != observation.OK && m.message != "":
		return condition(kind, metav1.ConditionFalse, string(issue), m.message)
	case issue != observation.OK:
		return condition(kind, metav1.ConditionFalse, string(issue), string(issue))
	case m.in.Group.Desired != d.Wanted:
		return condition(kind, metav1.ConditionFalse, "Scaling", "the provider does not aim for the wanted size yet")
	}
	return condition(kind, metav1.ConditionFalse, "NodesDiffer", "the ready nodes are not as many as the provider aims for")
}
