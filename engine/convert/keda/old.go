package keda

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An OldScaledObject is a ScaledObject of KEDA 1 (keda.k8s.io/v1alpha1).
type OldScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec OldSpec `json:"spec"`
	// Status is not read.
	Status map[string]any `json:"status,omitempty"`
}

// OldSpec is the specification of an OldScaledObject. Times are in seconds.
type OldSpec struct {
	// ScaleType is deployment, the default, or job.
	ScaleType       string          `json:"scaleType,omitempty"`
	ScaleTargetRef  *OldScaleTarget `json:"scaleTargetRef,omitempty"`
	JobTargetRef    map[string]any  `json:"jobTargetRef,omitempty"`
	PollingInterval *int32          `json:"pollingInterval,omitempty"`
	CooldownPeriod  *int32          `json:"cooldownPeriod,omitempty"`
	MinReplicaCount *int32          `json:"minReplicaCount,omitempty"`
	MaxReplicaCount *int32          `json:"maxReplicaCount,omitempty"`
	Triggers        []Trigger       `json:"triggers"`
}

// OldScaleTarget names the Deployment to scale.
type OldScaleTarget struct {
	DeploymentName string `json:"deploymentName"`
	ContainerName  string `json:"containerName,omitempty"`
}
