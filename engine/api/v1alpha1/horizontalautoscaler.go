package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotations that pause a HorizontalAutoscaler. They are read at each decision, and
// hold the replicas after windows, rate policies and bounds; all else goes on, so that
// what is decided after a pause has its history. One that cannot be read pauses in
// both directions.
const (
	// PausedAnnotation is "true", "false", or the count of replicas to hold.
	PausedAnnotation = "autoscaling.karpenter.sh/paused"
	// PausedScaleInAnnotation is "true" or "false": nothing is scaled down.
	PausedScaleInAnnotation = "autoscaling.karpenter.sh/paused-scale-in"
	// PausedScaleOutAnnotation is "true" or "false": nothing is scaled up.
	PausedScaleOutAnnotation = "autoscaling.karpenter.sh/paused-scale-out"
	// PausedUntilAnnotation is the time, in RFC 3339, that ends the others; one that is
	// changed or set after it holds. Without any of them it pauses in both directions
	// until then.
	PausedUntilAnnotation = "autoscaling.karpenter.sh/paused-until"
)

// HorizontalAutoscaler sets the replicas of a scale target from PromQL queries.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=horizontalautoscaler;ha
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=".spec.scaleTargetRef.kind",priority=1
// +kubebuilder:printcolumn:name="Reference",type=string,JSONPath=".spec.scaleTargetRef.name"
// +kubebuilder:printcolumn:name="Metrics",type=string,JSONPath=".status.metrics"
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=".spec.minReplicas"
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=".spec.maxReplicas"
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=".status.currentReplicas"
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=".status.desiredReplicas"
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=".status.reason"
// +kubebuilder:printcolumn:name="Dry-Run",type=boolean,JSONPath=".spec.dryRun"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=".status.conditions[?(@.type==\"Ready\")].status",priority=1
// +kubebuilder:printcolumn:name="Last-Scale",type=date,JSONPath=".status.lastScaleTime",priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=".metadata.creationTimestamp"
type HorizontalAutoscaler struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what the user asks for.
	//
	// +required
	Spec HorizontalAutoscalerSpec `json:"spec,omitempty"`
	// Status shows what the controller last observed and decided.
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
//
// Windows and periods are limited to 360 polling intervals because each
// interval may leave an entry in the state. An absent interval needs no rule:
// the ranges of the fields (3600 s and 1800 s) imply the limit for it, as the
// shortest interval (1 s) does for an absent window.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",fieldPath=".maxReplicas",messageExpression="'maxReplicas must be at least minReplicas (%d), not %d'.format([self.minReplicas, self.maxReplicas])"
// +kubebuilder:validation:XValidation:rule="!has(self.pollingIntervalSeconds) || !has(self.behavior) || !has(self.behavior.scaleUp) || !has(self.behavior.scaleUp.stabilizationWindowSeconds) || self.behavior.scaleUp.stabilizationWindowSeconds <= 360 * self.pollingIntervalSeconds",fieldPath=".behavior.scaleUp.stabilizationWindowSeconds",messageExpression="'stabilizationWindowSeconds must be at most 360 polling intervals, here %d s; shorten it or raise pollingIntervalSeconds (%d)'.format([360 * self.pollingIntervalSeconds, self.pollingIntervalSeconds])"
// +kubebuilder:validation:XValidation:rule="!has(self.pollingIntervalSeconds) || !has(self.behavior) || !has(self.behavior.scaleUp) || !has(self.behavior.scaleUp.policies) || self.behavior.scaleUp.policies.all(p, p.periodSeconds <= 360 * self.pollingIntervalSeconds)",fieldPath=".behavior.scaleUp.policies",messageExpression="'periodSeconds must be at most 360 polling intervals, here %d s; shorten it or raise pollingIntervalSeconds (%d)'.format([360 * self.pollingIntervalSeconds, self.pollingIntervalSeconds])"
// +kubebuilder:validation:XValidation:rule="!has(self.pollingIntervalSeconds) || !has(self.behavior) || !has(self.behavior.scaleDown) || !has(self.behavior.scaleDown.stabilizationWindowSeconds) || self.behavior.scaleDown.stabilizationWindowSeconds <= 360 * self.pollingIntervalSeconds",fieldPath=".behavior.scaleDown.stabilizationWindowSeconds",messageExpression="'stabilizationWindowSeconds must be at most 360 polling intervals, here %d s; shorten it or raise pollingIntervalSeconds (%d)'.format([360 * self.pollingIntervalSeconds, self.pollingIntervalSeconds])"
// +kubebuilder:validation:XValidation:rule="!has(self.pollingIntervalSeconds) || !has(self.behavior) || !has(self.behavior.scaleDown) || !has(self.behavior.scaleDown.policies) || self.behavior.scaleDown.policies.all(p, p.periodSeconds <= 360 * self.pollingIntervalSeconds)",fieldPath=".behavior.scaleDown.policies",messageExpression="'periodSeconds must be at most 360 polling intervals, here %d s; shorten it or raise pollingIntervalSeconds (%d)'.format([360 * self.pollingIntervalSeconds, self.pollingIntervalSeconds])"
// +kubebuilder:validation:XValidation:rule="!has(self.zero) || !has(self.zero.idleReplicas) || self.zero.idleReplicas < 1 || self.zero.idleReplicas < self.minReplicas",fieldPath=".zero.idleReplicas",message="idleReplicas must be less than minReplicas"
// +kubebuilder:validation:XValidation:rule="!has(self.metrics) || self.metrics.all(m, !has(m.fallback) || m.fallback.replicas <= self.maxReplicas && m.fallback.replicas >= (has(self.zero) && self.minReplicas < 1 ? 1 : self.minReplicas))",fieldPath=".metrics",messageExpression="'fallback.replicas must lie within minReplicas (%d) and maxReplicas (%d)'.format([has(self.zero) && self.minReplicas < 1 ? 1 : self.minReplicas, self.maxReplicas])"
// +kubebuilder:validation:XValidation:rule="!has(self.metrics) || self.metrics.all(m, !has(m.fallback) || !m.fallback.after.matches('^([0-9]{1,6}[hms])+$') || duration(m.fallback.after).getSeconds() >= (has(self.pollingIntervalSeconds) ? self.pollingIntervalSeconds : 10))",fieldPath=".metrics",messageExpression="'fallback.after must be at least one polling interval (%d s)'.format([has(self.pollingIntervalSeconds) ? self.pollingIntervalSeconds : 10])"
type HorizontalAutoscalerSpec struct {
	// ScaleTargetRef names the resource with a scale subresource, in the same namespace.
	ScaleTargetRef CrossVersionObjectReference `json:"scaleTargetRef"`
	// MinReplicas is the lower bound in replicas; it may be 0.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	MinReplicas int32 `json:"minReplicas"`
	// MaxReplicas is the upper bound in replicas, at least minReplicas.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	MaxReplicas int32 `json:"maxReplicas"`
	// Metrics are the signals; the largest recommendation wins. Without metrics
	// the replicas are only held within the bounds.
	//
	// +kubebuilder:validation:MaxItems=16
	Metrics []Metric `json:"metrics,omitempty"`
	// Behavior shapes how fast the replicas move up and down.
	Behavior Behavior `json:"behavior,omitempty"`
	// Zero lets the target sleep while no metric is above its activation. It then
	// goes to idleReplicas in one step, past the behavior, and comes back to
	// minReplicas, or 1, as soon as one is. Where no metric has an activation the
	// target is always active: it never sleeps, and is woken from 0.
	Zero *Zero `json:"zero,omitempty"`
	// PollingIntervalSeconds is the time between two decisions, in seconds (1 to 300, 10 if absent).
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=300
	PollingIntervalSeconds *int32 `json:"pollingIntervalSeconds,omitempty"`
	// DryRun decides, records and reports, but never changes the target.
	DryRun bool `json:"dryRun,omitempty"`
}

// CrossVersionObjectReference names an object by kind and name.
type CrossVersionObjectReference struct {
	// Kind is the object's kind, e.g. Deployment.
	//
	// +kubebuilder:validation:MinLength=1
	Kind string `json:"kind"`
	// Name is the object's name.
	//
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// APIVersion is the object's group and version, e.g. apps/v1; the core group's v1 if absent.
	APIVersion string `json:"apiVersion,omitempty"`
}

// Metric is one signal; exactly one source must be set.
//
// +kubebuilder:validation:XValidation:rule="has(self.prometheus)",message="a metric must have exactly one source; the sources are: prometheus"
type Metric struct {
	// Prometheus is a PromQL query and what its result should be.
	Prometheus *PrometheusMetricSource `json:"prometheus,omitempty"`
	// Activation is the value above which the metric keeps a target awake that
	// spec.zero lets sleep; a metric without it neither wakes nor keeps awake. While
	// any metric fails the target is not put to sleep, unless it is a Utilization
	// without activation.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) in [int] || isQuantity(self)",message="activation must be a number, e.g. 0 or 500m"
	Activation *resource.Quantity `json:"activation,omitempty"`
	// Fallback says what the metric asks for while it fails; without it, a metric that
	// fails lets nothing scale down.
	Fallback *Fallback `json:"fallback,omitempty"`
}

// Fallback lets a metric that has failed for some time ask for a count of replicas.
// It then counts as usable, and keeps awake a target that spec.zero lets sleep, or
// wakes it, if it has an activation.
type Fallback struct {
	// Replicas says what the metric asks for: at least as many as there are, unless
	// allowScaleDown is set. They lie within minReplicas and maxReplicas.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Replicas int32 `json:"replicas"`
	// After is for how long the metric must have failed since the first decision
	// without it, e.g. 90s or 5m: whole seconds, from one polling interval to 24h.
	//
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}[hms])+$') && duration(self) <= duration('24h')",message="after must be a duration of whole seconds up to 24h, e.g. 90s or 5m"
	After metav1.Duration `json:"after"`
	// AllowScaleDown asks for replicas also where there are more: the one exception
	// to the rule that missing data never scales down.
	AllowScaleDown bool `json:"allowScaleDown,omitempty"`
}

// PrometheusMetricSource is a PromQL query whose result is a vector of one sample.
//
// +kubebuilder:validation:XValidation:rule="size(bytes(self.query)) <= 8192",fieldPath=".query",messageExpression="'query must be at most 8192 bytes, not %d'.format([size(bytes(self.query))])"
type PrometheusMetricSource struct {
	// Source names which of the controller's Prometheus servers is asked
	// (--metrics-sources); its own (--prometheus-uri) if absent.
	//
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Source string `json:"source,omitempty"`
	// Query is PromQL, evaluated as an instant query; at most 8192 bytes.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Query string `json:"query"`
	// Target says what the result should be.
	Target MetricTarget `json:"target"`
}

// MetricTargetType says how a metric relates to the replicas.
//
// +kubebuilder:validation:Enum=Value;AverageValue;Utilization
type MetricTargetType string

const (
	// ValueMetricType compares the metric itself with the target; it falls as replicas grow.
	ValueMetricType MetricTargetType = "Value"
	// AverageValueMetricType shares a total among the replicas.
	AverageValueMetricType MetricTargetType = "AverageValue"
	// UtilizationMetricType compares a ratio (0 to 1) with a percentage.
	UtilizationMetricType MetricTargetType = "Utilization"
)

// MetricTarget says what the metric should be. Value serves every type where the
// type's own field is absent, as in Karpenter v0.1; for Utilization it is a percentage.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'Value' || has(self.value)",fieldPath=".value",reason=FieldValueRequired,message="type Value needs value, greater than 0"
// +kubebuilder:validation:XValidation:rule="self.type != 'AverageValue' || has(self.averageValue) || has(self.value)",fieldPath=".averageValue",reason=FieldValueRequired,message="type AverageValue needs averageValue (or value), greater than 0"
// +kubebuilder:validation:XValidation:rule="self.type != 'Utilization' || has(self.averageUtilization) || has(self.value)",fieldPath=".averageUtilization",reason=FieldValueRequired,message="type Utilization needs averageUtilization (or value), a percentage greater than 0"
type MetricTarget struct {
	// Type says how the metric relates to the replicas.
	Type MetricTargetType `json:"type"`
	// Value is the target of type Value, and of the other types where their own field is absent.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) in [int] ? int(self) > 0 : quantity(self).isGreaterThan(quantity('0'))",messageExpression="'value must be greater than 0, not %s'.format([string(self)])"
	Value *resource.Quantity `json:"value,omitempty"`
	// AverageValue is the share of the total that one replica should carry.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) in [int] ? int(self) > 0 : quantity(self).isGreaterThan(quantity('0'))",messageExpression="'averageValue must be greater than 0, not %s'.format([string(self)])"
	AverageValue *resource.Quantity `json:"averageValue,omitempty"`
	// AverageUtilization is the wanted ratio in percent.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	AverageUtilization *int32 `json:"averageUtilization,omitempty"`
}

// Zero says when a target sleeps, and with how many replicas.
type Zero struct {
	// CooldownSeconds is how long after the last activity the target stays awake;
	// 300 if absent. One that never was active sleeps at once, whatever the
	// stabilization window; after a lost state the cooldown begins anew.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`
	// InitialCooldownSeconds is how long one that never was active stays awake after
	// its first decision; 0 if absent.
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	InitialCooldownSeconds int32 `json:"initialCooldownSeconds,omitempty"`
	// IdleReplicas is the count of a sleeping target; fewer than minReplicas, and 0
	// if absent.
	//
	// +kubebuilder:validation:Minimum=0
	IdleReplicas int32 `json:"idleReplicas,omitempty"`
}

// BehaviorAlgorithm shapes recommendations in another way than by ScalingRules.
//
// +kubebuilder:validation:Enum=HPAWithoutBehavior
type BehaviorAlgorithm string

// HPAWithoutBehavior is how Kubernetes' autoscaler decides without a behavior: the
// highest recommendation of one window, in both directions, at most twice the
// replicas or 4 at a time, and whatever the window leaves on the way down.
const HPAWithoutBehavior BehaviorAlgorithm = "HPAWithoutBehavior"

// Behavior holds the rules of each direction; an absent field keeps its own default.
type Behavior struct {
	// Algorithm is absent, or HPAWithoutBehavior in what was converted from an
	// HPA that has no behavior: of the rules below only the tolerances and
	// scaleDown.stabilizationWindowSeconds count then.
	Algorithm BehaviorAlgorithm `json:"algorithm,omitempty"`
	// ScaleUp shapes the way up.
	ScaleUp *ScalingRules `json:"scaleUp,omitempty"`
	// ScaleDown shapes the way down.
	ScaleDown *ScalingRules `json:"scaleDown,omitempty"`
}

// ScalingPolicySelect chooses among the rate policies of one direction.
//
// +kubebuilder:validation:Enum=Max;Min;Disabled
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
	//
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds,omitempty"`
	// SelectPolicy chooses among Policies; Max if absent.
	SelectPolicy *ScalingPolicySelect `json:"selectPolicy,omitempty"`
	// Policies limit the rate of change; none means no limit.
	//
	// +kubebuilder:validation:MaxItems=16
	Policies []ScalingPolicy `json:"policies,omitempty"`
	// Tolerance is the relative distance from the target within which nothing
	// is done, e.g. 0.1 for 10 %; 0 if absent.
	//
	// +kubebuilder:validation:XIntOrString
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="type(self) in [int] ? int(self) >= 0 : quantity(self).compareTo(quantity('0')) >= 0",messageExpression="'tolerance must be 0 or more, not %s'.format([string(self)])"
	Tolerance *resource.Quantity `json:"tolerance,omitempty"`
}

// ScalingPolicyType is the unit of a rate policy.
//
// +kubebuilder:validation:Enum=Count;Pods;Percent
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
	// Type is the unit of Value.
	Type ScalingPolicyType `json:"type"`
	// Value is the largest change within the period, in replicas or percent.
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	Value int32 `json:"value"`
	// PeriodSeconds is the length of the period (1 to 1800).
	//
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1800
	PeriodSeconds int32 `json:"periodSeconds"`
}

// HorizontalAutoscalerStatus shows what the controller last observed and decided.
type HorizontalAutoscalerStatus struct {
	// ObservedGeneration is the generation of the spec behind this status.
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// CurrentReplicas is the target's status.replicas.
	// +kubebuilder:validation:Maximum=2147483647
	CurrentReplicas *int32 `json:"currentReplicas,omitempty"`
	// DesiredReplicas is the last decision.
	// +kubebuilder:validation:Maximum=2147483647
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
	// Conditions are Ready, Active, AbleToScale, ScalingUnbounded, MetricsAvailable and
	// Paused.
	//
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// MetricStatus is the observed state of one metric.
type MetricStatus struct {
	// Prometheus is the last result of the metric's query.
	Prometheus *PrometheusMetricStatus `json:"prometheus,omitempty"`
}

// PrometheusMetricStatus is the last result of a query.
type PrometheusMetricStatus struct {
	// Query is the query that was evaluated.
	Query string `json:"query"`
	// Current is its value; empty if it could not be observed.
	Current MetricValueStatus `json:"current"`
	// Error is the code of a failed observation.
	Error string `json:"error,omitempty"`
	// FallbackActive says that the metric has failed for so long that its fallback
	// stands in for it.
	FallbackActive bool `json:"fallbackActive,omitempty"`
}

// MetricValueStatus is an observed value in the form of the metric's target type.
type MetricValueStatus struct {
	// Value is the metric itself; beside AverageValue, the total.
	Value *resource.Quantity `json:"value,omitempty"`
	// AverageValue is the metric per replica, as HPA shows it.
	AverageValue *resource.Quantity `json:"averageValue,omitempty"`
	// AverageUtilization is the metric in percent.
	// +kubebuilder:validation:Maximum=2147483647
	AverageUtilization *int32 `json:"averageUtilization,omitempty"`
}

// Condition types of all kinds.
const (
	// ReadyCondition is True while the object works; being bounded or stabilizing is not a failure.
	ReadyCondition = "Ready"
	// ActiveCondition is True while the last slot was decided on usable inputs.
	ActiveCondition = "Active"
	// MetricsAvailableCondition is True while every metric of an autoscaler has a
	// usable value; where some have none, it can still scale up and is Ready.
	MetricsAvailableCondition = "MetricsAvailable"
	// AbleToScaleCondition is True while nothing holds a wanted change back.
	AbleToScaleCondition = "AbleToScale"
	// ScalingUnboundedCondition is True while the recommendation lies within the bounds.
	ScalingUnboundedCondition = "ScalingUnbounded"
	// PausedCondition is True while an annotation pauses an autoscaler; one that never
	// was paused has none.
	PausedCondition = "Paused"
	// StabilizedCondition is True while a node group has as many ready nodes as it wants.
	StabilizedCondition = "Stabilized"
)
