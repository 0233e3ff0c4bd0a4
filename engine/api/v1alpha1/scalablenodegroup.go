package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ScalableNodeGroup puts a cloud's node group behind the scale subresource.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=scalablenodegroup;sng
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=".spec.replicas"
// +kubebuilder:printcolumn:name="Current",type=integer,JSONPath=".status.replicas"
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=".spec.type"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=".status.reason"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
type ScalableNodeGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what the user, or an autoscaler, asks for.
	//
	// +required
	Spec ScalableNodeGroupSpec `json:"spec,omitempty"`
	// Status shows what the provider last reported.
	Status ScalableNodeGroupStatus `json:"status,omitempty"`
}

// ScalableNodeGroupList is a list of ScalableNodeGroups.
//
// +kubebuilder:object:root=true
type ScalableNodeGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScalableNodeGroup `json:"items"`
}

// NodeGroupType names a node group provider. Providers are registered at run
// time, so the schema checks the form only.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9]*$')",messageExpression="'type must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup, not \"' + self + '\"'"
type NodeGroupType string

const (
	// AWSEC2AutoScalingGroupType is an EC2 Auto Scaling group, by name or ARN.
	AWSEC2AutoScalingGroupType NodeGroupType = "AWSEC2AutoScalingGroup"
	// AWSEKSNodeGroupType is an EKS managed node group, by ARN.
	AWSEKSNodeGroupType NodeGroupType = "AWSEKSNodeGroup"
)

// ScalableNodeGroupSpec names a node group and how many nodes it should have.
type ScalableNodeGroupSpec struct {
	// Replicas is the wanted number of nodes; absent, it is adopted from the provider.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Replicas *int32 `json:"replicas,omitempty"`
	// Type names the provider.
	Type NodeGroupType `json:"type"`
	// ID identifies the group at its provider, e.g. by its ARN.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	ID string `json:"id"`
	// DryRun observes and reports, but never changes the group.
	DryRun bool `json:"dryRun,omitempty"`
}

// ScalableNodeGroupStatus keeps the provider's numbers apart.
type ScalableNodeGroupStatus struct {
	// ObservedGeneration is the generation of the spec behind this status.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Replicas is the number of ready nodes.
	// +kubebuilder:validation:Maximum=2147483647
	Replicas *int32 `json:"replicas,omitempty"`
	// DesiredReplicas is the number the provider aims for.
	// +kubebuilder:validation:Maximum=2147483647
	DesiredReplicas *int32 `json:"desiredReplicas,omitempty"`
	// Reason is the code of the last decision's reason.
	Reason string `json:"reason,omitempty"`
	// State is the memory that the next decision needs (engine/nodegroup's text form).
	State string `json:"state,omitempty"`
	// Conditions are Ready, Active, AbleToScale and Stabilized.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
