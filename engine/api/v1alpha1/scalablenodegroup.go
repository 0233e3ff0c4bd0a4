package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ScalableNodeGroup puts a cloud's node group behind the scale subresource.
//
// +kubebuilder:object:root=true
type ScalableNodeGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ScalableNodeGroupSpec   `json:"spec,omitempty"`
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

// NodeGroupType names a node group provider.
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
	Replicas *int32 `json:"replicas,omitempty"`
	// Type names the provider.
	Type NodeGroupType `json:"type"`
	// ID identifies the group at its provider.
	ID string `json:"id"`
	// DryRun observes and reports, but never changes the group.
	DryRun bool `json:"dryRun,omitempty"`
}

// ScalableNodeGroupStatus keeps the provider's numbers apart.
type ScalableNodeGroupStatus struct {
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Replicas is the number of ready nodes.
	Replicas *int32 `json:"replicas,omitempty"`
	// DesiredReplicas is the number the provider aims for.
	DesiredReplicas *int32 `json:"desiredReplicas,omitempty"`
	// Reason is the code of the last decision's reason.
	Reason string `json:"reason,omitempty"`
	// State is the memory that the next decision needs (engine/nodegroup's text form).
	State      string             `json:"state,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
