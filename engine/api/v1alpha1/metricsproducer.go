package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MetricsProducer turns cluster and cloud facts into Prometheus metrics.
//
// +kubebuilder:object:root=true
type MetricsProducer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   MetricsProducerSpec   `json:"spec,omitempty"`
	Status MetricsProducerStatus `json:"status,omitempty"`
}

// MetricsProducerList is a list of MetricsProducers.
//
// +kubebuilder:object:root=true
type MetricsProducerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MetricsProducer `json:"items"`
}

// MetricsProducerSpec holds exactly one producer.
type MetricsProducerSpec struct {
	// PendingCapacity counts the nodes that pending pods need.
	PendingCapacity *PendingCapacitySpec `json:"pendingCapacity,omitempty"`
	// Queue reads the length and age of a queue.
	Queue *QueueSpec `json:"queue,omitempty"`
	// ReservedCapacity compares requests with allocatable resources.
	ReservedCapacity *ReservedCapacitySpec `json:"reservedCapacity,omitempty"`
	// Schedule yields a number of replicas by the calendar.
	Schedule *ScheduleSpec `json:"scheduleSpec,omitempty"`
}

// PendingCapacitySpec selects the nodes of one group and says what a new node looks like.
type PendingCapacitySpec struct {
	// NodeSelector selects the nodes of the group by labels.
	NodeSelector map[string]string `json:"nodeSelector"`
	// Template describes a new node where no existing node can be copied
	// (scale from zero), or overrides the copy.
	Template *NodeTemplate `json:"template,omitempty"`
	// NodeGroupRef names the ScalableNodeGroup of these nodes; its
	// provider-side count is then the base of the value. Without it the base is
	// the number of selected nodes.
	NodeGroupRef *NodeGroupReference `json:"nodeGroupRef,omitempty"`
	// ReleasePartial also counts nodes away whose pods would fit elsewhere;
	// by default only empty nodes are released.
	ReleasePartial bool `json:"releasePartial,omitempty"`
}

// NodeGroupReference names a ScalableNodeGroup of the same namespace.
type NodeGroupReference struct {
	Name string `json:"name"`
}

// NodeTemplate is a node that does not exist yet.
type NodeTemplate struct {
	Labels      map[string]string   `json:"labels,omitempty"`
	Taints      []corev1.Taint      `json:"taints,omitempty"`
	Allocatable corev1.ResourceList `json:"allocatable"`
}

// ReservedCapacitySpec selects the nodes whose requests are summed.
type ReservedCapacitySpec struct {
	// NodeSelector selects the nodes by labels.
	NodeSelector map[string]string `json:"nodeSelector"`
	// ExcludeDaemonSets leaves pods owned by DaemonSets out of the reserved amounts.
	ExcludeDaemonSets bool `json:"excludeDaemonSets,omitempty"`
}

// QueueType names a queue provider.
type QueueType string

// AWSSQSQueueType is an Amazon SQS queue, identified by its ARN.
const AWSSQSQueueType QueueType = "AWSSQSQueue"

// QueueSpec names a queue.
type QueueSpec struct {
	Type QueueType `json:"type"`
	ID   string    `json:"id"`
	// IncludeInFlight adds messages that are being worked on to the length.
	IncludeInFlight bool `json:"includeInFlight,omitempty"`
}

// ScheduleSpec yields the replicas of the first behavior that is active.
type ScheduleSpec struct {
	// Behaviors are tried in order; the first active one wins.
	Behaviors []ScheduledBehavior `json:"behaviors"`
	// Timezone is an IANA zone name; UTC if absent.
	Timezone *string `json:"timezone,omitempty"`
	// DefaultReplicas is the value while no behavior is active.
	DefaultReplicas int32 `json:"defaultReplicas"`
}

// ScheduledBehavior is active from each start until the next end.
type ScheduledBehavior struct {
	Replicas int32   `json:"replicas"`
	Start    Pattern `json:"start"`
	End      Pattern `json:"end"`
}

// Pattern is a set of instants in the schedule's zone; each field is a comma
// separated list. Absent minutes and hours mean 0, absent days, months and
// weekdays mean every one.
type Pattern struct {
	Minutes  *string `json:"minutes,omitempty"`
	Hours    *string `json:"hours,omitempty"`
	Days     *string `json:"days,omitempty"`
	Months   *string `json:"months,omitempty"`
	Weekdays *string `json:"weekdays,omitempty"`
}

// MetricsProducerStatus is what the producer last measured.
type MetricsProducerStatus struct {
	ObservedGeneration int64                    `json:"observedGeneration,omitempty"`
	PendingCapacity    *PendingCapacityStatus   `json:"pendingCapacity,omitempty"`
	Queue              *QueueStatus             `json:"queue,omitempty"`
	ReservedCapacity   map[string]string        `json:"reservedCapacity,omitempty"`
	ScheduledCapacity  *ScheduledCapacityStatus `json:"scheduledCapacity,omitempty"`
	Conditions         []metav1.Condition       `json:"conditions,omitempty"`
}

// PendingCapacityStatus is the result of the last evaluation.
type PendingCapacityStatus struct {
	// Replicas is the number of nodes the group should have.
	Replicas *int32 `json:"replicas,omitempty"`
	// PendingPods is the number of pending pods assigned to this group.
	PendingPods *int32 `json:"pendingPods,omitempty"`
	// UnschedulablePods is the number of pending pods that no group can run.
	UnschedulablePods *int32 `json:"unschedulablePods,omitempty"`
}

// QueueStatus is the last reading of the queue.
type QueueStatus struct {
	Length                  *int64 `json:"length,omitempty"`
	OldestMessageAgeSeconds *int64 `json:"oldestMessageAgeSeconds,omitempty"`
}

// ScheduledCapacityStatus is the value now and the next change.
type ScheduledCapacityStatus struct {
	CurrentValue  *int32       `json:"currentValue,omitempty"`
	NextValueTime *metav1.Time `json:"nextValueTime,omitempty"`
	NextValue     *int32       `json:"nextValue,omitempty"`
}
