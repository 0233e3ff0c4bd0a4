package v1alpha1

import "strings"

const (
	autoscaler = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - prometheus: {query: up, target: {type: AverageValue, averageValue: 4}}`

	producer = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: jobs}
spec:
  queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:123456789012:jobs"}`

	nodeGroup = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: default}
spec: {replicas: 3, type: AWSEC2AutoScalingGroup, id: default}`
)

// longQuery is a patch with a query of n times text.
func longQuery(text string, n int) string {
	return `spec: {metrics: [{prometheus: {query: "` + strings.Repeat(text, n) + `", target: {type: Value, value: 1}}}]}`
}

// admissionCases are a base object, a merge patch to it, and the errors that a
// user then sees (none: accepted).
var admissionCases = []struct {
	name, reason, base, patch string
	want                      []string
}{
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
	{
		name:   "ProducerNone",
		reason: "a producer must produce something",
		base:   producer,
		patch:  `spec: {queue: null}`,
		want: []string{
			`spec: Invalid value: exactly one of pendingCapacity, queue, reservedCapacity and scheduleSpec must be set`,
		},
	},
	{
		name:   "ProducerTwo",
		reason: "v0.1 silently ignored the second",
		base:   producer,
		patch:  `spec: {reservedCapacity: {nodeSelector: {a: b}}}`,
		want: []string{
			`spec: Invalid value: exactly one of pendingCapacity, queue, reservedCapacity and scheduleSpec must be set`,
		},
	},
	{
		name:   "QueueTypeUnknown",
		reason: "the types are a closed list",
		base:   producer,
		patch:  `spec: {queue: {type: Kafka}}`,
		want: []string{
			`spec.queue.type: Unsupported value: "Kafka": supported values: "AWSSQSQueue"`,
		},
	},
	{
		name:   "QueueNoARN",
		reason: "an SQS queue is identified by its ARN",
		base:   producer,
		patch:  `spec: {queue: {id: jobs}}`,
		want: []string{
			`spec.queue.id: Invalid value: id must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME, not "jobs"`,
		},
	},
	{
		name:   "QueueOtherService",
		reason: "the ARN must be of a queue",
		base:   producer,
		patch:  `spec: {queue: {id: "arn:aws:sns:eu-west-1:123456789012:jobs"}}`,
		want: []string{
			`spec.queue.id: Invalid value: id must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME, not "arn:aws:sns:eu-west-1:123456789012:jobs"`,
		},
	},
	{
		name:   "QueueEmptyID",
		reason: "an id must not be empty",
		base:   producer,
		patch:  `spec: {queue: {id: ""}}`,
		want: []string{
			`spec.queue.id: Invalid value: "": spec.queue.id in body should be at least 1 chars long`,
			`spec.queue.id: Invalid value: id must be the ARN of an SQS queue, arn:aws:sqs:REGION:ACCOUNT:NAME, not ""`,
		},
	},
	{
		name:   "ReservedNoSelector",
		reason: "as in v0.1",
		base:   producer,
		patch:  `spec: {queue: null, reservedCapacity: {nodeSelector: {}}}`,
		want: []string{
			`spec.reservedCapacity.nodeSelector: Invalid value: nodeSelector must have exactly one entry, not 0`,
		},
	},
	{
		name:   "ReservedTwoSelectors",
		reason: "as in v0.1",
		base:   producer,
		patch:  `spec: {queue: null, reservedCapacity: {nodeSelector: {a: b, c: d}}}`,
		want: []string{
			`spec.reservedCapacity.nodeSelector: Invalid value: nodeSelector must have exactly one entry, not 2`,
		},
	},
	{
		name:   "TaintEffectUnknown",
		reason: "an unknown effect would be taken for no taint",
		base:   producer,
		patch:  `spec: {queue: null, pendingCapacity: {nodeSelector: {a: b}, template: {allocatable: {cpu: 1}, taints: [{key: a, effect: Never}]}}}`,
		want: []string{
			`spec.pendingCapacity.template.taints: Invalid value: effect must be NoSchedule, PreferNoSchedule or NoExecute`,
		},
	},
	{
		name:   "AllocatableNegative",
		reason: "a node cannot offer less than nothing",
		base:   producer,
		patch:  `spec: {queue: null, pendingCapacity: {nodeSelector: {a: b}, template: {allocatable: {cpu: 1, memory: "-1Gi"}}}}`,
		want: []string{
			`spec.pendingCapacity.template.allocatable: Invalid value: every quantity must be 0 or more and at most 32 characters long`,
		},
	},
	{
		name:   "AllocatableNegativeInteger",
		reason: "a node cannot offer less than nothing",
		base:   producer,
		patch:  `spec: {queue: null, pendingCapacity: {nodeSelector: {a: b}, template: {allocatable: {pods: -1}}}}`,
		want: []string{
			`spec.pendingCapacity.template.allocatable: Invalid value: every quantity must be 0 or more and at most 32 characters long`,
		},
	},
	{
		name:   "AllocatableMissing",
		reason: "without it a new node would hold no pod",
		base:   producer,
		patch:  `spec: {queue: null, pendingCapacity: {nodeSelector: {a: b}, template: {labels: {a: b}}}}`,
		want: []string{
			`spec.pendingCapacity.template.allocatable: Required value`,
		},
	},
	{
		name:   "NodeGroupRefEmpty",
		reason: "a reference must name something",
		base:   producer,
		patch:  `spec: {queue: null, pendingCapacity: {nodeSelector: {a: b}, nodeGroupRef: {name: ""}}}`,
		want: []string{
			`spec.pendingCapacity.nodeGroupRef.name: Invalid value: "": spec.pendingCapacity.nodeGroupRef.name in body should be at least 1 chars long`,
		},
	},
	{
		name:   "ScheduleLists",
		reason: "lists of numbers and names, in any case, with spaces",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {minutes: "0,15, 30 ,59", hours: "00,9,23", days: "1,31", months: "1,jan,FEBRUARY,Mar,12,sep,September", weekdays: "0,7,Mon,tuesday,SAT"}, end: {hours: "17"}}]}}`,
	},
	{
		name:   "ScheduleMinute60",
		reason: "v0.1 admitted any digits and failed later",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {minutes: "60"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.minutes: Invalid value: "60": minutes must be a comma-separated list of numbers from 0 to 59, e.g. 0,30; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleHour24",
		reason: "v0.1 admitted any digits and failed later",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: "9,24"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.hours: Invalid value: "9,24": hours must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleDay0",
		reason: "months start at 1",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {days: "0"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.days: Invalid value: "0": days must be a comma-separated list of numbers from 1 to 31, e.g. 1,15; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleMonth13",
		reason: "a year has 12 months",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {months: "13"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.months: Invalid value: "13": months must be a comma-separated list of numbers from 1 to 12 or names, e.g. Jan,July; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleWeekday8",
		reason: "0 and 7 are Sunday, 8 is nothing",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {weekdays: "8"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.weekdays: Invalid value: "8": weekdays must be a comma-separated list of numbers from 0 to 7 or names, e.g. Mon,Friday; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleRange",
		reason: "ranges were rejected by design",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {weekdays: "Mon-Fri"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.weekdays: Invalid value: "Mon-Fri": weekdays must be a comma-separated list of numbers from 0 to 7 or names, e.g. Mon,Friday; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleStar",
		reason: "every hour is not an instant of a day",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: "*"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.hours: Invalid value: "*": hours must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleEmpty",
		reason: "absent means 0, empty is a mistake",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: ""}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.hours: Invalid value: "": hours must be a comma-separated list of numbers from 0 to 23, e.g. 9,17; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleMisspelt",
		reason: "names are three letters or complete",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {months: "Janu", weekdays: "Thurs"}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.months: Invalid value: "Janu": months must be a comma-separated list of numbers from 1 to 12 or names, e.g. Jan,July; ranges, steps and * are not supported`,
			`spec.scheduleSpec.behaviors[0].start.weekdays: Invalid value: "Thurs": weekdays must be a comma-separated list of numbers from 0 to 7 or names, e.g. Mon,Friday; ranges, steps and * are not supported`,
		},
	},
	{
		name:   "ScheduleNumberUnquoted",
		reason: "a list is text",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: [{replicas: 2, start: {hours: 9}, end: {hours: "17"}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].start.hours: Invalid value: "integer": spec.scheduleSpec.behaviors[0].start.hours in body must be of type string: "integer"`,
		},
	},
	{
		name:   "ScheduleNegative",
		reason: "replicas are counts",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: -1, behaviors: []}}`,
		want: []string{
			`spec.scheduleSpec.defaultReplicas: Invalid value: -1: spec.scheduleSpec.defaultReplicas in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "ScheduleBehaviorNegative",
		reason: "replicas are counts",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 0, behaviors: [{replicas: -2, start: {}, end: {}}]}}`,
		want: []string{
			`spec.scheduleSpec.behaviors[0].replicas: Invalid value: -2: spec.scheduleSpec.behaviors[0].replicas in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "ScheduleTooMany",
		reason: "a schedule has at most 64 behaviors",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {defaultReplicas: 1, behaviors: ` + repeated(`{replicas: 1, start: {}, end: {}}`, 65) + `}}`,
		want: []string{
			`spec.scheduleSpec.behaviors: Too many: 65: must have at most 64 items`,
		},
	},
	{
		name:   "TimezoneEmpty",
		reason: "absent means UTC, empty is a mistake",
		base:   producer,
		patch:  `spec: {queue: null, scheduleSpec: {timezone: "", defaultReplicas: 1, behaviors: []}}`,
		want: []string{
			`spec.scheduleSpec.timezone: Invalid value: "": spec.scheduleSpec.timezone in body should be at least 1 chars long`,
		},
	},
	{
		name:   "GroupPlain",
		reason: "the base object of the cases is valid",
		base:   nodeGroup,
		patch:  `{}`,
	},
	{
		name:   "GroupNegative",
		reason: "replicas are counts",
		base:   nodeGroup,
		patch:  `spec: {replicas: -1}`,
		want: []string{
			`spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "GroupNoReplicas",
		reason: "absent, they are adopted from the provider",
		base:   nodeGroup,
		patch:  `spec: {replicas: null}`,
	},
	{
		name:   "GroupOtherProvider",
		reason: "providers register at run time",
		base:   nodeGroup,
		patch:  `spec: {type: ClusterAPIMachinePool}`,
	},
	{
		name:   "GroupTypeMalformed",
		reason: "a type is a name",
		base:   nodeGroup,
		patch:  `spec: {type: "aws/eks"}`,
		want: []string{
			`spec.type: Invalid value: "aws/eks": type must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup, not "aws/eks"`,
		},
	},
	{
		name:   "GroupTypeEmpty",
		reason: "a type is a name",
		base:   nodeGroup,
		patch:  `spec: {type: ""}`,
		want: []string{
			`spec.type: Invalid value: "": type must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup, not ""`,
		},
	},
	{
		name:   "GroupIDEmpty",
		reason: "an id must not be empty",
		base:   nodeGroup,
		patch:  `spec: {id: ""}`,
		want: []string{
			`spec.id: Invalid value: "": spec.id in body should be at least 1 chars long`,
		},
	},
	{
		name:   "GroupColonARN",
		reason: "v0.1 wrote nodegroup: for nodegroup/",
		base:   nodeGroup,
		patch:  `spec: {id: "arn:aws:eks:eu-west-1:1234567890:nodegroup:demo/microservices/1"}`,
	},
}
