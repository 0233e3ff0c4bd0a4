package providertest

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// The harnesses of the stores of each kind. A test sets Store, the names, Touch and
// Recreate.
type (
	AutoscalerStoreHarness = StoreHarness[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]
	NodeGroupStoreHarness  = StoreHarness[*v1alpha1.ScalableNodeGroup, v1alpha1.ScalableNodeGroupStatus]
	ProducerStoreHarness   = StoreHarness[*v1alpha1.MetricsProducer, v1alpha1.MetricsProducerStatus]
)

// changed is when conditions of full statuses changed.
var changed = metav1.NewTime(time.Unix(1767600000, 0))

func conditions() []metav1.Condition {
	return []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Ready", Message: "it works", LastTransitionTime: changed}}
}

// NewAutoscalerStoreHarness returns one with statuses of HorizontalAutoscalers.
func NewAutoscalerStoreHarness() AutoscalerStoreHarness {
	return AutoscalerStoreHarness{
		Full: func() *v1alpha1.HorizontalAutoscalerStatus {
			return &v1alpha1.HorizontalAutoscalerStatus{
				ObservedGeneration: 1, DesiredReplicas: ptr.To(int32(3)), CurrentReplicas: ptr.To(int32(4)), LastScaleTime: &changed,
				Reason: "ScaledUp", State: "1 - -", Conditions: conditions(),
			}
		},
		Lean: func() *v1alpha1.HorizontalAutoscalerStatus {
			return &v1alpha1.HorizontalAutoscalerStatus{DesiredReplicas: ptr.To(int32(3)), Reason: "Unchanged"}
		},
		Status:     func(o *v1alpha1.HorizontalAutoscaler) *v1alpha1.HorizontalAutoscalerStatus { return &o.Status },
		Spec:       func(o *v1alpha1.HorizontalAutoscaler) any { return o.Spec },
		Conditions: func(s *v1alpha1.HorizontalAutoscalerStatus) []metav1.Condition { return s.Conditions },
	}
}

// NewNodeGroupStoreHarness returns one with statuses of ScalableNodeGroups.
func NewNodeGroupStoreHarness() NodeGroupStoreHarness {
	return NodeGroupStoreHarness{
		Full: func() *v1alpha1.ScalableNodeGroupStatus {
			return &v1alpha1.ScalableNodeGroupStatus{
				ObservedGeneration: 1, Replicas: ptr.To(int32(3)), DesiredReplicas: ptr.To(int32(4)), Reason: "ScaledUp", State: "1 - -", Conditions: conditions(),
			}
		},
		Lean: func() *v1alpha1.ScalableNodeGroupStatus {
			return &v1alpha1.ScalableNodeGroupStatus{Replicas: ptr.To(int32(4))}
		},
		Status:     func(o *v1alpha1.ScalableNodeGroup) *v1alpha1.ScalableNodeGroupStatus { return &o.Status },
		Spec:       func(o *v1alpha1.ScalableNodeGroup) any { return o.Spec },
		Conditions: func(s *v1alpha1.ScalableNodeGroupStatus) []metav1.Condition { return s.Conditions },
	}
}

// NewProducerStoreHarness returns one with statuses of MetricsProducers.
func NewProducerStoreHarness() ProducerStoreHarness {
	return ProducerStoreHarness{
		Full: func() *v1alpha1.MetricsProducerStatus {
			return &v1alpha1.MetricsProducerStatus{
				ObservedGeneration: 1, ReservedCapacity: map[string]string{"cpu": "15.54%, 7600m/48900m"}, Conditions: conditions(),
			}
		},
		Lean:       func() *v1alpha1.MetricsProducerStatus { return &v1alpha1.MetricsProducerStatus{ObservedGeneration: 1} },
		Status:     func(o *v1alpha1.MetricsProducer) *v1alpha1.MetricsProducerStatus { return &o.Status },
		Spec:       func(o *v1alpha1.MetricsProducer) any { return o.Spec },
		Conditions: func(s *v1alpha1.MetricsProducerStatus) []metav1.Condition { return s.Conditions },
	}
}
