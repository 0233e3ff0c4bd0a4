package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HorizontalAutoscaler sets the replicas of a scale target from PromQL queries.
//
// +kubebuilder:object:root=true
type HorizontalAutoscaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   HorizontalAutoscalerSpec   `json:"spec,omitempty"`
	Status HorizontalAutoscalerStatus `json:"status,omitempty"`
}

// HorizontalAutoscalerList is a list of HorizontalAutoscalers.
//
// +kubebuilder:object:root=true
type HorizontalAutoscalerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []HorizontalAutoscaler `json:"items"`
}

// HorizontalAutoscalerSpec says what to scale, on which metrics and within which limits.
type HorizontalAutoscalerSpec struct {
	// ScaleTargetRef names the resource with a scale subresource, in the same namespace.
	ScaleTargetRef CrossVersionObjectReference `json:"scaleTargetRef"`
	// MinReplicas is the lower bound in replicas; it may be 0.
	MinReplicas int32 `json:"minReplicas"`
	// MaxReplicas is the upper bound in replicas, at least minReplicas.
	MaxReplicas int32 `json:"maxReplicas"`
	// Metrics are the signals; the largest recommendation wins. Without metrics
	// the replicas are only held within the bounds.
	Metrics []Metric `json:"metrics,omitempty"`
	// Behavior shapes how fast the replicas move up and down.
	Behavior Behavior `json:"behavior,omitempty"`
	// PollingIntervalSeconds is the time between two decisions, in seconds (1 to 300, 10 if absent).
	PollingIntervalSeconds *int32 `json:"pollingIntervalSeconds,omitempty"`
	// DryRun decides, records and reports, but never changes the target.
	DryRun bool `json:"dryRun,omitempty"`
}

// CrossVersionObjectReference names an object by kind and name.
type CrossVersionObjectReference struct {
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	APIVersion string `json:"apiVersion,omitempty"`
}

// Metric is one signal; exactly one source must be set.
type Metric struct {
	Prometheus *PrometheusMetricSource `json:"prometheus,omitempty"`
}

// PrometheusMetricSource is a PromQL query whose result is a vector of one sample.
type PrometheusMetricSource struct {
	Query  string       `json:"query"`
	Target MetricTarget `json:"target"`
}

// MetricTargetType says how a metric relates to the replicas.
type MetricTargetType string

const (
	// ValueMetricType compares the metric itself with the target; it falls as replicas grow.
	ValueMetricType MetricTargetType = "Value"
	// AverageValueMetricType shares a total among the replicas.
	AverageValueMetricType MetricTargetType = "AverageValue"
	// UtilizationMetricType compares a ratio (0 to 1) with a percentage.
	UtilizationMetricType MetricTargetType = "Utilization"
)

// MetricTarget is what the metric should be. Value serves every type where the
// type's own field is absent, as in Karpenter v0.1; for Utilization it is a percentage.
type MetricTarget struct {
	Type               MetricTargetType   `json:"type"`
	Value              *resource.Quantity `json:"value,omitempty"`
	AverageValue       *resource.Quantity `json:"averageValue,omitempty"`
	AverageUtilization *int32             `json:"averageUtilization,omitempty"`
}

// Behavior holds the rules of each direction; an absent field keeps its own default.
type Behavior struct {
	ScaleUp   *ScalingRules `json:"scaleUp,omitempty"`
	ScaleDown *ScalingRules `json:"scaleDown,omitempty"`
}

// ScalingPolicySelect chooses among the rate policies of one direction.
type ScalingPolicySelect string

const (
	// MaxPolicySelect takes the policy that allows the largest change.
	MaxPolicySelect ScalingPolicySelect = "Max"
	// MinPolicySelect takes the policy that allows the smallest change.
	MinPolicySelect ScalingPolicySelect = "Min"
	// DisabledPolicySelect forbids changes in this direction.
	DisabledPolicySelect ScalingPolicySelect = "Disabled"
)

// ScalingRules shape one direction.
type ScalingRules struct {
	// StabilizationWindowSeconds (0 to 3600) is how long past recommendations
	// are weighed against a new one: 0 up and 300 down if absent.
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds,omitempty"`
	// SelectPolicy chooses among Policies; Max if absent.
	SelectPolicy *ScalingPolicySelect `json:"selectPolicy,omitempty"`
	// Policies limit the rate of change; none means no limit.
	Policies []ScalingPolicy `json:"policies,omitempty"`
	// Tolerance is the relative distance from the target within which nothing
	// is done, e.g. 0.1 for 10 %; 0 if absent.
	Tolerance *resource.Quantity `json:"tolerance,omitempty"`
}

// ScalingPolicyType is the unit of a rate policy.
type ScalingPolicyType string

const (
	// CountScalingPolicy limits the change in replicas.
	CountScalingPolicy ScalingPolicyType = "Count"
	// PodsScalingPolicy is HPA's name for Count.
	PodsScalingPolicy ScalingPolicyType = "Pods"
	// PercentScalingPolicy limits the change in percent of the replicas at the period's start.
	PercentScalingPolicy ScalingPolicyType = "Percent"
)

// ScalingPolicy allows a change of Value within any PeriodSeconds.
type ScalingPolicy struct {
	Type          ScalingPolicyType `json:"type"`
	Value         int32             `json:"value"`
	PeriodSeconds int32             `json:"periodSeconds"`
}

// HorizontalAutoscalerStatus is what the controller last observed and decided.
type HorizontalAutoscalerStatus struct {
	// ObservedGeneration is the generation of the spec behind this status.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// CurrentReplicas is the target's status.replicas.
	CurrentReplicas *int32 `json:"currentReplicas,omitempty"`
	// DesiredReplicas is the last decision.
	DesiredReplicas *int32 `json:"desiredReplicas,omitempty"`
	// LastScaleTime is the slot of the last decision that changed the replicas.
	LastScaleTime *metav1.Time `json:"lastScaleTime,omitempty"`
	// Reason is the code of the last decision's reason.
	Reason string `json:"reason,omitempty"`
	// Metrics is a one-line form of CurrentMetrics, e.g. "1834/100".
	Metrics string `json:"metrics,omitempty"`
	// CurrentMetrics are the last observed values, in the order of spec.metrics.
	CurrentMetrics []MetricStatus `json:"currentMetrics,omitempty"`
	// State is the memory that the next decision needs (engine/autoscaler's text
	// form): recommendations in their windows, scale events, the last command.
	// It is the controller's own; editing it changes later decisions.
	State string `json:"state,omitempty"`
	// Conditions are Ready, Active, AbleToScale and ScalingUnbounded.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// MetricStatus is the observed state of one metric.
type MetricStatus struct {
	Prometheus *PrometheusMetricStatus `json:"prometheus,omitempty"`
}

// PrometheusMetricStatus is the last result of a query.
type PrometheusMetricStatus struct {
	Query   string            `json:"query"`
	Current MetricValueStatus `json:"current"`
	// Error is the code of a failed observation.
	Error string `json:"error,omitempty"`
}

// MetricValueStatus is an observed value in the form of the metric's target type.
type MetricValueStatus struct {
	Value              *resource.Quantity `json:"value,omitempty"`
	AverageValue       *resource.Quantity `json:"averageValue,omitempty"`
	AverageUtilization *int32             `json:"averageUtilization,omitempty"`
}

// Condition types of all kinds.
const (
	// ReadyCondition is True while the object works; being bounded or stabilizing is not a failure.
	ReadyCondition = "Ready"
	// ActiveCondition is True while the last slot was decided on usable inputs.
	ActiveCondition = "Active"
	// AbleToScaleCondition is True while nothing holds a wanted change back.
	AbleToScaleCondition = "AbleToScale"
	// ScalingUnboundedCondition is True while the recommendation lies within the bounds.
	ScalingUnboundedCondition = "ScalingUnbounded"
	// StabilizedCondition is True while a node group has as many ready nodes as it wants.
	StabilizedCondition = "Stabilized"
)
