package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MetricsProducer turns cluster and cloud facts into Prometheus metrics.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=metricsproducer;mp
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=".status.conditions[?(@.type==\"Ready\")].reason"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
type MetricsProducer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is the producer.
	//
	// +required
	Spec MetricsProducerSpec `json:"spec,omitempty"`
	// Status shows what the producer last measured.
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
//
// +kubebuilder:validation:XValidation:rule="[has(self.pendingCapacity), has(self.queue), has(self.reservedCapacity), has(self.scheduleSpec)].exists_one(set, set)",message="exactly one of pendingCapacity, queue, reservedCapacity and scheduleSpec must be set"
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
	// ReleasePartial also counts away single empty nodes, and nodes whose pods
	// would fit on others of the group; by default nodes are released only
	// together, once all of them are empty.
	ReleasePartial bool `json:"releasePartial,omitempty"`
}

// NodeGroupReference names a ScalableNodeGroup of the same namespace.
type NodeGroupReference struct {
	// Name is the ScalableNodeGroup's name.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// NodeTemplate is a node that does not exist yet.
type NodeTemplate struct {
	// Labels are the node's labels.
	Labels map[string]string `json:"labels,omitempty"`
	// Taints are the node's taints.
	//
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(t, t.effect in ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])",message="effect must be NoSchedule, PreferNoSchedule or NoExecute"
	Taints []corev1.Taint `json:"taints,omitempty"`
	// Allocatable lists what pods may request on the node, by resource.
	//
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(r, type(self[r]) in [int] ? int(self[r]) >= 0 : size(self[r]) <= 32 && !self[r].startsWith('-'))",message="every quantity must be 0 or more and at most 32 characters long"
	Allocatable corev1.ResourceList `json:"allocatable"`
}

// ReservedCapacitySpec selects the nodes whose requests are summed.
type ReservedCapacitySpec struct {
	// NodeSelector selects the nodes by one label.
	//
	// +kubebuilder:validation:XValidation:rule="size(self) == 1",messageExpression="'nodeSelector must have exactly one entry, not %d'.format([size(self)])"
	NodeSelector map[string]string `json:"nodeSelector"`
	// ExcludeDaemonSets leaves pods owned by DaemonSets out of the reserved amounts.
	ExcludeDaemonSets bool `json:"excludeDaemonSets,omitempty"`
}

// QueueType names a queue provider.
//
// +kubebuilder:validation:Enum=AWSSQSQueue
type QueueType string

// AWSSQSQueueType is an Amazon SQS queue, identified by its ARN.
const AWSSQSQueueType QueueType = "AWSSQSQueue"

// QueueSpec names a queue.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'AWSSQSQueue' || self.id.matches('^arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]+:[A-Za-z0-9_-]+([.]fifo)?$')",fieldPath=".id",messageExpression="'id must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME, not \"' + self.id + '\"'"
type QueueSpec struct {
	// Type names the provider.
	Type QueueType `json:"type"`
	// ID identifies the queue at its provider: for AWSSQSQueue its ARN.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ID string `json:"id"`
	// IncludeInFlight adds messages that are being worked on to the length.
	IncludeInFlight bool `json:"includeInFlight,omitempty"`
}

// ScheduleSpec yields the replicas of the first behavior that is active.
type ScheduleSpec struct {
	// Behaviors are tried in order; the first active one wins.
	//
	// +kubebuilder:validation:MaxItems=64
	Behaviors []ScheduledBehavior `json:"behaviors"`
	// Timezone is an IANA zone name, e.g. Europe/Paris; UTC if absent.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Timezone *string `json:"timezone,omitempty"`
	// DefaultReplicas is the value while no behavior is active.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	DefaultReplicas int32 `json:"defaultReplicas"`
}

// ScheduledBehavior is active from each start until the next end.
type ScheduledBehavior struct {
	// Replicas is the value while the behavior is active.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Replicas int32 `json:"replicas"`
	// Start is when the behavior becomes active.
	Start Pattern `json:"start"`
	// End is when the behavior ceases to be active.
	End Pattern `json:"end"`
}

// Pattern is a set of instants in the schedule's zone; each field is a comma
// separated list. Absent minutes and hours mean 0, absent days, months and
// weekdays mean every one.
type Pattern struct {
	// Minutes of the hour, 0 to 59.
	//
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^ *([0-5]?[0-9]) *(, *([0-5]?[0-9]) *)*$')",message="minutes must be a comma-separated list of numbers from 0 to 59, e.g. 0,30; ranges, steps and * are not supported"
	Minutes *string `json:"minutes,omitempty"`
	// Hours of the day, 0 to 23.
	//
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^ *([01]?[0-9]|2[0-3]) *(, *([01]?[0-9]|2[0-3]) *)*$')",message="hours must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported"
	Hours *string `json:"hours,omitempty"`
	// Days of the month, 1 to 31.
	//
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^ *(0?[1-9]|[12][0-9]|3[01]) *(, *(0?[1-9]|[12][0-9]|3[01]) *)*$')",message="days must be a comma-separated list of numbers from 1 to 31, e.g. 1,15; ranges, steps and * are not supported"
	Days *string `json:"days,omitempty"`
	// Months of the year, 1 to 12 or English names.
	//
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^ *(0?[1-9]|1[0-2]|[Jj][Aa][Nn]([Uu][Aa][Rr][Yy])?|[Ff][Ee][Bb]([Rr][Uu][Aa][Rr][Yy])?|[Mm][Aa][Rr]([Cc][Hh])?|[Aa][Pp][Rr]([Ii][Ll])?|[Mm][Aa][Yy]|[Jj][Uu][Nn]([Ee])?|[Jj][Uu][Ll]([Yy])?|[Aa][Uu][Gg]([Uu][Ss][Tt])?|[Ss][Ee][Pp]([Tt][Ee][Mm][Bb][Ee][Rr])?|[Oo][Cc][Tt]([Oo][Bb][Ee][Rr])?|[Nn][Oo][Vv]([Ee][Mm][Bb][Ee][Rr])?|[Dd][Ee][Cc]([Ee][Mm][Bb][Ee][Rr])?) *(, *(0?[1-9]|1[0-2]|[Jj][Aa][Nn]([Uu][Aa][Rr][Yy])?|[Ff][Ee][Bb]([Rr][Uu][Aa][Rr][Yy])?|[Mm][Aa][Rr]([Cc][Hh])?|[Aa][Pp][Rr]([Ii][Ll])?|[Mm][Aa][Yy]|[Jj][Uu][Nn]([Ee])?|[Jj][Uu][Ll]([Yy])?|[Aa][Uu][Gg]([Uu][Ss][Tt])?|[Ss][Ee][Pp]([Tt][Ee][Mm][Bb][Ee][Rr])?|[Oo][Cc][Tt]([Oo][Bb][Ee][Rr])?|[Nn][Oo][Vv]([Ee][Mm][Bb][Ee][Rr])?|[Dd][Ee][Cc]([Ee][Mm][Bb][Ee][Rr])?) *)*$')",message="months must be a comma-separated list of numbers from 1 to 12 or names, e.g. Jan,July; ranges, steps and * are not supported"
	Months *string `json:"months,omitempty"`
	// Weekdays, 0 to 7 (0 and 7 are Sunday) or English names.
	//
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^ *(0?[0-7]|[Ss][Uu][Nn]([Dd][Aa][Yy])?|[Mm][Oo][Nn]([Dd][Aa][Yy])?|[Tt][Uu][Ee]([Ss][Dd][Aa][Yy])?|[Ww][Ee][Dd]([Nn][Ee][Ss][Dd][Aa][Yy])?|[Tt][Hh][Uu]([Rr][Ss][Dd][Aa][Yy])?|[Ff][Rr][Ii]([Dd][Aa][Yy])?|[Ss][Aa][Tt]([Uu][Rr][Dd][Aa][Yy])?) *(, *(0?[0-7]|[Ss][Uu][Nn]([Dd][Aa][Yy])?|[Mm][Oo][Nn]([Dd][Aa][Yy])?|[Tt][Uu][Ee]([Ss][Dd][Aa][Yy])?|[Ww][Ee][Dd]([Nn][Ee][Ss][Dd][Aa][Yy])?|[Tt][Hh][Uu]([Rr][Ss][Dd][Aa][Yy])?|[Ff][Rr][Ii]([Dd][Aa][Yy])?|[Ss][Aa][Tt]([Uu][Rr][Dd][Aa][Yy])?) *)*$')",message="weekdays must be a comma-separated list of numbers from 0 to 7 or names, e.g. Mon,Friday; ranges, steps and * are not supported"
	Weekdays *string `json:"weekdays,omitempty"`
}

// MetricsProducerStatus shows what the producer last measured.
type MetricsProducerStatus struct {
	// ObservedGeneration is the generation of the spec behind this status.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// PendingCapacity is the result of a pendingCapacity producer.
	PendingCapacity *PendingCapacityStatus `json:"pendingCapacity,omitempty"`
	// Queue is the result of a queue producer.
	Queue *QueueStatus `json:"queue,omitempty"`
	// ReservedCapacity is the result of a reservedCapacity producer: by resource,
	// the percentage reserved and the amounts, e.g. "15.54%, 7600m/48900m".
	ReservedCapacity map[string]string `json:"reservedCapacity,omitempty"`
	// ScheduledCapacity is the result of a scheduleSpec producer.
	ScheduledCapacity *ScheduledCapacityStatus `json:"scheduledCapacity,omitempty"`
	// Conditions are Ready and Active.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// PendingCapacityStatus is the result of the last evaluation.
type PendingCapacityStatus struct {
	// Replicas is the number of nodes the group should have.
	// +kubebuilder:validation:Maximum=2147483647
	Replicas *int32 `json:"replicas,omitempty"`
	// PendingPods is the number of pending pods assigned to this group.
	// +kubebuilder:validation:Maximum=2147483647
	PendingPods *int32 `json:"pendingPods,omitempty"`
	// UnschedulablePods is the number of pending pods that no group can run.
	// +kubebuilder:validation:Maximum=2147483647
	UnschedulablePods *int32 `json:"unschedulablePods,omitempty"`
}

// QueueStatus is the last reading of the queue.
type QueueStatus struct {
	// Length is the number of messages.
	Length *int64 `json:"length,omitempty"`
	// OldestMessageAgeSeconds is the age of the oldest message.
	OldestMessageAgeSeconds *int64 `json:"oldestMessageAgeSeconds,omitempty"`
}

// ScheduledCapacityStatus is the value now and the next change.
type ScheduledCapacityStatus struct {
	// CurrentValue is the number of replicas now.
	// +kubebuilder:validation:Maximum=2147483647
	CurrentValue *int32 `json:"currentValue,omitempty"`
	// NextValueTime is when the number changes next.
	NextValueTime *metav1.Time `json:"nextValueTime,omitempty"`
	// NextValue is the number from then on.
	// +kubebuilder:validation:Maximum=2147483647
	NextValue *int32 `json:"nextValue,omitempty"`
}
