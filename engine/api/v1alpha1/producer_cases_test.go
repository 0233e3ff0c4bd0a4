package v1alpha1

// producer is the valid object that the cases patch.
const producer = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: jobs}
spec:
  queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:123456789012:jobs"}`

var producerCases = []admissionCase{
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
}
