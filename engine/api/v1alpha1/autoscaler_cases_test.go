package v1alpha1

import "strings"

// autoscaler is the valid object that the cases patch.
const autoscaler = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}`

// longQuery is a patch with a query of n times text.
func longQuery(text string, n int) string {
	return `spec: {metrics: [{prometheus: {query: "` + strings.Repeat(text, n) + `", target: {type: Value, value: 1}}}]}`
}

var autoscalerCases = []admissionCase{
	{
		name:   "HAPlain",
		reason: "the base object of the cases is valid",
		base:   autoscaler,
		patch:  `{}`,
	},
	{
		name:   "HANoSpec",
		reason: "an object without a spec means nothing",
		base:   autoscaler,
		patch:  `spec: null`,
		want: []string{
			`spec: Required value`,
		},
	},
	{
		name:   "HAZero",
		reason: "a target may sleep while a metric is at its activation or below",
		base:   autoscaler,
		patch:  `spec: {zero: {cooldownSeconds: 60}, metrics: [{activation: 500m, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
	},
	{
		name:   "HAZeroIdle",
		reason: "a target that sleeps has fewer replicas than one that is awake",
		base:   autoscaler,
		patch:  `spec: {zero: {idleReplicas: 1}}`,
		want: []string{
			`spec.zero.idleReplicas: Invalid value: idleReplicas must be less than minReplicas`,
		},
	},
	{
		name:   "HAFallback",
		reason: "a metric may ask for a count while it fails",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 10, after: 1m30s, allowScaleDown: true}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
	},
	{
		name:   "HAFallbackAwake",
		reason: "the bounds of a target that may sleep are those while it is awake",
		base:   autoscaler,
		patch:  `spec: {minReplicas: 0, zero: {}, metrics: [{fallback: {replicas: 0, after: 10s}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics: Invalid value: fallback.replicas must lie within minReplicas (1) and maxReplicas (10)`,
		},
	},
	{
		name:   "HAFallbackBounds",
		reason: "a fallback beyond the bounds would not be reached",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 11, after: 10s}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics: Invalid value: fallback.replicas must lie within minReplicas (1) and maxReplicas (10)`,
		},
	},
	{
		name:   "HAFallbackSoon",
		reason: "one failed slot is none",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 60, metrics: [{fallback: {replicas: 4, after: 59s}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics: Invalid value: fallback.after must be at least one polling interval (60 s)`,
		},
	},
	{
		name:   "HAFallbackSoonByDefault",
		reason: "an absent interval is 10 s",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 4, after: 9s}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics: Invalid value: fallback.after must be at least one polling interval (10 s)`,
		},
	},
	{
		name:   "HAFallbackNumber",
		reason: "a duration has a unit",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 4, after: "90"}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics[0].fallback.after: Invalid value: "90": after must be a duration of whole seconds up to 24h, e.g. 90s or 5m`,
		},
	},
	{
		name:   "HAFallbackNever",
		reason: "a day is long",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 4, after: 24h1s}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics[0].fallback.after: Invalid value: "24h1s": after must be a duration of whole seconds up to 24h, e.g. 90s or 5m`,
		},
	},
	{
		name:   "HAFallbackNoAfter",
		reason: "how long is for whoever writes it to say",
		base:   autoscaler,
		patch:  `spec: {metrics: [{fallback: {replicas: 4}, prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}}]}`,
		want: []string{
			`spec.metrics[0].fallback.after: Required value`,
		},
	},
	{
		name:   "HAMinAboveMax",
		reason: "bounds must not contradict each other",
		base:   autoscaler,
		patch:  `spec: {minReplicas: 5, maxReplicas: 3}`,
		want: []string{
			`spec.maxReplicas: Invalid value: maxReplicas must be at least minReplicas (5), not 3`,
		},
	},
	{
		name:   "HAMinIsMax",
		reason: "equal bounds pin the replicas",
		base:   autoscaler,
		patch:  `spec: {minReplicas: 3, maxReplicas: 3}`,
	},
	{
		name:   "HANegativeMin",
		reason: "replicas are counts",
		base:   autoscaler,
		patch:  `spec: {minReplicas: -1}`,
		want: []string{
			`spec.minReplicas: Invalid value: -1: spec.minReplicas in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "HAMissingMax",
		reason: "both bounds are required",
		base:   autoscaler,
		patch:  `spec: {maxReplicas: null}`,
		want: []string{
			`spec.maxReplicas: Required value`,
		},
	},
	{
		name:   "HANoTargetName",
		reason: "a target must have a name",
		base:   autoscaler,
		patch:  `spec: {scaleTargetRef: {name: ""}}`,
		want: []string{
			`spec.scaleTargetRef.name: Invalid value: "": spec.scaleTargetRef.name in body should be at least 1 chars long`,
		},
	},
	{
		name:   "HANoAPIVersion",
		reason: "absent in v0.1 it meant the core group",
		base:   autoscaler,
		patch:  `spec: {scaleTargetRef: {apiVersion: null}}`,
	},
	{
		name:   "HANoMetrics",
		reason: "the replicas are then only held within the bounds",
		base:   autoscaler,
		patch:  `spec: {metrics: null}`,
	},
	{
		name:   "HAUnknownField",
		reason: "a misspelt field is not ignored",
		base:   autoscaler,
		patch:  `spec: {minReplica: 1}`,
		want: []string{
			`spec.minReplica: Invalid value: null: unknown field`,
		},
	},
	{
		name:   "MetricWithoutSource",
		reason: "each metric needs a source",
		base:   autoscaler,
		patch:  `spec: {metrics: [{}]}`,
		want: []string{
			`spec.metrics[0]: Invalid value: a metric must have exactly one source; the sources are: prometheus`,
		},
	},
	{
		name:   "MetricsTooMany",
		reason: "the state and the CEL budget are bounded",
		base:   autoscaler,
		patch:  `spec: {metrics: ` + repeated(`{prometheus: {query: up, target: {type: Value, value: 1}}}`, 17) + `}`,
		want: []string{
			`spec.metrics: Too many: 17: must have at most 16 items`,
		},
	},
	{
		name:   "QueryEmpty",
		reason: "an empty query is not PromQL",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: "", target: {type: Value, value: 1}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.query: Invalid value: "": spec.metrics[0].prometheus.query in body should be at least 1 chars long`,
		},
	},
	{
		name:   "QueryTooLong",
		reason: "a query is at most 8192 bytes",
		base:   autoscaler,
		patch:  longQuery("a", 8193),
		want: []string{
			`spec.metrics[0].prometheus.query: Too long: may not be more than 8192 bytes`,
		},
	},
	{
		name:   "QueryTooManyBytes",
		reason: "the limit counts bytes, not characters",
		base:   autoscaler,
		patch:  longQuery("é", 4097),
		want: []string{
			`spec.metrics[0].prometheus.query: Invalid value: query must be at most 8192 bytes, not 8194`,
		},
	},
	{
		name:   "TargetTypeUnknown",
		reason: "the types are a closed list",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Average, value: 1}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.type: Unsupported value: "Average": supported values: "Value", "AverageValue", "Utilization"`,
		},
	},
	{
		name:   "ValueWithoutValue",
		reason: "type Value reads value only",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, averageValue: 1}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Required value: type Value needs value, greater than 0`,
		},
	},
	{
		name:   "AverageValueWithoutValue",
		reason: "averageValue or value",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: AverageValue, averageUtilization: 1}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.averageValue: Required value: type AverageValue needs averageValue (or value), greater than 0`,
		},
	},
	{
		name:   "UtilizationWithoutValue",
		reason: "averageUtilization or value",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Utilization, averageValue: 1}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.averageUtilization: Required value: type Utilization needs averageUtilization (or value), a percentage greater than 0`,
		},
	},
	{
		name:   "AverageValueFallback",
		reason: "value serves every type, as in v0.1",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: AverageValue, value: 4}}}]}`,
	},
	{
		name:   "UtilizationFallback",
		reason: "value serves every type, as in v0.1",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Utilization, value: 60}}}]}`,
	},
	{
		name:   "ValueZero",
		reason: "a target of 0 divides by zero",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: 0}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: 0: value must be greater than 0, not 0`,
		},
	},
	{
		name:   "ValueZeroQuantity",
		reason: "zero in any notation",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: 0m}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: "0m": value must be greater than 0, not 0m`,
		},
	},
	{
		name:   "ValueNegativeInteger",
		reason: "a negative target has no meaning",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: -3}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: -3: value must be greater than 0, not -3`,
		},
	},
	{
		name:   "AverageValueNegative",
		reason: "a negative target has no meaning",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: AverageValue, averageValue: "-1Gi"}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.averageValue: Invalid value: "-1Gi": averageValue must be greater than 0, not -1Gi`,
		},
	},
	{
		name:   "AverageUtilizationZero",
		reason: "a target of 0 divides by zero",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Utilization, averageUtilization: 0}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.averageUtilization: Invalid value: 0: spec.metrics[0].prometheus.target.averageUtilization in body should be greater than or equal to 1`,
		},
	},
	{
		name:   "ValueNoQuantity",
		reason: "a quantity is a number with a suffix",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: many}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Invalid value: "": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' evaluating rule: type(self) in [int] ? int(self) > 0 : quantity(self).isGreaterThan(quantity('0'))`,
			`spec.metrics[0].prometheus.target.value: Invalid value: "many": spec.metrics[0].prometheus.target.value in body should match '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'`,
		},
	},
	{
		name:   "ValueTooLong",
		reason: "quantities are bounded because rules parse them",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: "111111111111111111111111111111111"}}}]}`,
		want: []string{
			`spec.metrics[0].prometheus.target.value: Too long: may not be more than 32 bytes`,
		},
	},
	{
		name:   "ValueFractionQuoted",
		reason: "targets may be fractions",
		base:   autoscaler,
		patch:  `spec: {metrics: [{prometheus: {query: up, target: {type: Value, value: "0.5"}}}]}`,
	},
	{
		name:   "PollingZero",
		reason: "an interval of 0 never ends",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 0}`,
		want: []string{
			`spec.pollingIntervalSeconds: Invalid value: 0: spec.pollingIntervalSeconds in body should be greater than or equal to 1`,
		},
	},
	{
		name:   "PollingLong",
		reason: "300 s is the longest interval",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 301}`,
		want: []string{
			`spec.pollingIntervalSeconds: Invalid value: 301: spec.pollingIntervalSeconds in body should be less than or equal to 300`,
		},
	},
	{
		name:   "WindowNegative",
		reason: "a window is a length of time",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleDown: {stabilizationWindowSeconds: -1}}}`,
		want: []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: -1: spec.behavior.scaleDown.stabilizationWindowSeconds in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "WindowLong",
		reason: "an hour is the longest window",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 3601}}}`,
		want: []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: spec.behavior.scaleDown.stabilizationWindowSeconds in body should be less than or equal to 3600`,
		},
	},
	{
		name:   "WindowHourWithoutInterval",
		reason: "360 of the 10 s that an absent interval means",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 3600}}}`,
	},
	{
		name:   "WindowIntervals",
		reason: "a window holds at most 360 intervals",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 2, behavior: {scaleUp: {stabilizationWindowSeconds: 720}, scaleDown: {stabilizationWindowSeconds: 721}}}`,
		want: []string{
			`spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: stabilizationWindowSeconds must be at most 360 polling intervals, here 720 s; shorten it or raise pollingIntervalSeconds (2)`,
		},
	},
	{
		name:   "WindowAbsentShortInterval",
		reason: "the 300 s that an absent window means are 300 intervals",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 1}`,
	},
	{
		name:   "WindowIntervalsUp",
		reason: "both directions are checked",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 1, behavior: {scaleUp: {stabilizationWindowSeconds: 361}}}`,
		want: []string{
			`spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: stabilizationWindowSeconds must be at most 360 polling intervals, here 360 s; shorten it or raise pollingIntervalSeconds (1)`,
		},
	},
	{
		name:   "PeriodIntervals",
		reason: "a period holds at most 360 intervals",
		base:   autoscaler,
		patch:  `spec: {pollingIntervalSeconds: 3, behavior: {scaleUp: {policies: [{type: Count, value: 1, periodSeconds: 1081}]}, scaleDown: {policies: [{type: Count, value: 1, periodSeconds: 1080}, {type: Count, value: 1, periodSeconds: 1800}]}}}`,
		want: []string{
			`spec.behavior.scaleDown.policies: Invalid value: periodSeconds must be at most 360 polling intervals, here 1080 s; shorten it or raise pollingIntervalSeconds (3)`,
			`spec.behavior.scaleUp.policies: Invalid value: periodSeconds must be at most 360 polling intervals, here 1080 s; shorten it or raise pollingIntervalSeconds (3)`,
		},
	},
	{
		name:   "PeriodZero",
		reason: "a period has a length",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {policies: [{type: Count, value: 1, periodSeconds: 0}]}}}`,
		want: []string{
			`spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: spec.behavior.scaleUp.policies[0].periodSeconds in body should be greater than or equal to 1`,
		},
	},
	{
		name:   "PeriodLong",
		reason: "half an hour is the longest period",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {policies: [{type: Count, value: 1, periodSeconds: 1801}]}}}`,
		want: []string{
			`spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: spec.behavior.scaleUp.policies[0].periodSeconds in body should be less than or equal to 1800`,
		},
	},
	{
		name:   "PolicyZero",
		reason: "0 % would be Disabled",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {policies: [{type: Percent, value: 0, periodSeconds: 15}]}}}`,
		want: []string{
			`spec.behavior.scaleUp.policies[0].value: Invalid value: 0: spec.behavior.scaleUp.policies[0].value in body should be greater than or equal to 1`,
		},
	},
	{
		name:   "PolicyTypeUnknown",
		reason: "the types are a closed list",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {policies: [{type: Nodes, value: 1, periodSeconds: 15}]}}}`,
		want: []string{
			`spec.behavior.scaleUp.policies[0].type: Unsupported value: "Nodes": supported values: "Count", "Pods", "Percent"`,
		},
	},
	{
		name:   "PoliciesTooMany",
		reason: "a direction has at most 16 policies",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {policies: ` + repeated(`{type: Count, value: 1, periodSeconds: 15}`, 17) + `}}}`,
		want: []string{
			`spec.behavior.scaleUp.policies: Too many: 17: must have at most 16 items`,
		},
	},
	{
		name:   "SelectPolicyUnknown",
		reason: "the choices are a closed list",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleUp: {selectPolicy: Average}}}`,
		want: []string{
			`spec.behavior.scaleUp.selectPolicy: Unsupported value: "Average": supported values: "Max", "Min", "Disabled"`,
		},
	},
	{
		name:   "ToleranceNegative",
		reason: "a distance is not negative",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleDown: {tolerance: "-0.1"}}}`,
		want: []string{
			`spec.behavior.scaleDown.tolerance: Invalid value: "-0.1": tolerance must be 0 or more, not -0.1`,
		},
	},
	{
		name:   "ToleranceZero",
		reason: "0 means none",
		base:   autoscaler,
		patch:  `spec: {behavior: {scaleDown: {tolerance: 0}}}`,
	},
}
