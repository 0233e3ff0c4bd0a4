package convert

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestInvalidInput(t *testing.T) {
	const hpa = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {scaleTargetRef: {kind: Deployment, name: web}, "
	const so = "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}, spec: {scaleTargetRef: {name: web}, "
	const trigger = so + "triggers: [{type: prometheus, metadata: {query: up, "
	const cronTrigger = so + "triggers: [{type: cron, metadata: {timezone: UTC, desiredReplicas: '3', end: '0 1 * * *', "
	tests := []struct {
		name, reason, object, want string
	}{
		{
			name:   "OtherKind",
			reason: "only three kinds can be converted",
			object: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}",
			want:   "default/deployment/web: apiVersion: a Deployment of apps/v1 cannot be converted; allowed: HorizontalPodAutoscaler of autoscaling/v1, v2, v2beta1 and v2beta2, ScaledObject of keda.sh/v1alpha1 and keda.k8s.io/v1alpha1",
		},
		{
			name:   "NewVersion",
			reason: "a version that is not known is named",
			object: "{apiVersion: autoscaling/v3, kind: HorizontalPodAutoscaler, metadata: {name: web}}",
			want:   "default/horizontalpodautoscaler/web: apiVersion: a HorizontalPodAutoscaler of autoscaling/v3 cannot be converted; allowed: HorizontalPodAutoscaler of autoscaling/v1, v2, v2beta1 and v2beta2, ScaledObject of keda.sh/v1alpha1 and keda.k8s.io/v1alpha1",
		},
		{
			name:   "KindMisspelt",
			reason: "capitals count",
			object: "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoScaler, metadata: {name: web}}",
			want:   "default/horizontalpodautoscaler/web: kind: a HorizontalPodAutoScaler of autoscaling/v2 cannot be converted; did you mean HorizontalPodAutoscaler?",
		},
		{
			name:   "ScaledJob",
			reason: "what starts Jobs sets no replicas; a loss that is allowed makes no difference",
			object: "{apiVersion: keda.sh/v1alpha1, kind: ScaledJob, metadata: {name: web}}",
			want:   "default/scaledjob/web: kind: it starts a Job for each piece of work, and sets no replicas: there is no counterpart. Leave it to KEDA and take it out of the files; or have a Deployment of workers do the work, with a ScaledObject that has the same triggers",
		},
		{
			name:   "OldField",
			reason: "a target in the notation of v2beta1 is no target",
			object: hpa + "maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 60}}]}}",
			want:   "default/horizontalpodautoscaler/web: spec.metrics[0].resource.targetAverageUtilization: of autoscaling/v2beta1; here it is target: {type: Utilization, averageUtilization: PERCENT}; or write apiVersion: autoscaling/v2beta1",
		},
		{
			name:   "OldSelector",
			reason: "nor is a selector beside the metric one of it",
			object: hpa + "maxReplicas: 3, metrics: [{type: External, external: {metric: {name: a}, metricSelector: {matchLabels: {b: c}}, target: {type: Value, value: 1}}}]}}",
			want:   "default/horizontalpodautoscaler/web: spec.metrics[0].external.metricSelector: of autoscaling/v2beta1; here it is metric: {selector: SELECTOR}; or write apiVersion: autoscaling/v2beta1",
		},
		{
			name:   "FieldOfV1",
			reason: "without it the metric would be the default",
			object: hpa + "maxReplicas: 3, targetCPUUtilizationPercentage: 50}}",
			want:   "default/horizontalpodautoscaler/web: spec.targetCPUUtilizationPercentage: of autoscaling/v1; here it is one of metrics: {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: PERCENT}}}",
		},
		{
			name:   "FieldBeyondV1",
			reason: "the same the other way round",
			object: strings.Replace(hpa, "autoscaling/v2", "autoscaling/v1", 1) + "maxReplicas: 3, metrics: [], behavior: {}}}",
			want: "default/horizontalpodautoscaler/web: spec.behavior: of autoscaling/v2; autoscaling/v1 has cpu only; write apiVersion: autoscaling/v2\n" +
				"default/horizontalpodautoscaler/web: spec.metrics: of autoscaling/v2; autoscaling/v1 has cpu only; write apiVersion: autoscaling/v2",
		},
		{
			name:   "NewerField",
			reason: "and of metrics",
			object: strings.Replace(hpa, "autoscaling/v2", "autoscaling/v2beta1", 1) + "maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]}}",
			want:   "default/horizontalpodautoscaler/web: spec.metrics[0].resource.target: of autoscaling/v2beta2 and v2; write apiVersion: autoscaling/v2",
		},
		{
			name:   "FieldMisspelt",
			reason: "a field that is almost another one was meant to be it",
			object: so + "maxReplicas: 3, pollingIntervall: 5, triggers: []}}",
			want: "default/scaledobject/web: spec.maxReplicas: unknown field; did you mean \"maxReplicaCount\"?\n" +
				"default/scaledobject/web: spec.pollingIntervall: unknown field; did you mean \"pollingInterval\"?",
		},
		{
			name:   "FieldMisspeltDeep",
			reason: "in lists too",
			object: so + "triggers: [{type: prometheus, metadta: {}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadta: unknown field; did you mean "metadata"?`,
		},
		{
			name:   "MetadataMisspelt",
			reason: "and in the metadata of a trigger where a field is needed",
			object: trigger + "treshold: '5'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.treshold: not known; did you mean "threshold"?`,
		},
		{
			name:   "TriggerMisspelt",
			reason: "no query can stand in for a trigger that has one",
			object: so + "triggers: [{type: Prometheus, metadata: {query: up, threshold: '1'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].type: "Prometheus" is no type of a trigger; did you mean prometheus?`,
		},
		{
			name:   "TargetType",
			reason: "a target without a type says nothing",
			object: hpa + "maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 60}}}]}}",
			want:   "default/horizontalpodautoscaler/web: spec.metrics[0].resource.target.type: required; allowed: Utilization, AverageValue",
		},
		{
			name:   "TargetKind",
			reason: "a cluster would not find the target",
			object: strings.Replace(hpa, "kind: Deployment", "kind: deployment", 1) + "maxReplicas: 3}}",
			want:   "default/horizontalpodautoscaler/web: spec.scaleTargetRef.kind: a cluster knows no deployment; did you mean Deployment?",
		},
		{
			name:   "WrongType",
			reason: "a field of the wrong type is named",
			object: hpa + "maxReplicas: many}}",
			want:   "default/horizontalpodautoscaler/web: json: cannot unmarshal string into Go struct field HorizontalPodAutoscalerSpec.spec.maxReplicas of type int32",
		},
		{
			name:   "BoundsContradict",
			reason: "the result is checked like any other autoscaler",
			object: hpa + "minReplicas: 5, maxReplicas: 3}}",
			want:   "default/horizontalpodautoscaler/web: spec.minReplicas: Invalid value: 5: must be at most maxReplicas (3)",
		},
		{
			name:   "MetricType",
			reason: "the types of metrics are a closed list",
			object: hpa + "maxReplicas: 3, metrics: [{type: Cloud}]}}",
			want:   `default/horizontalpodautoscaler/web: spec.metrics[0].type: "Cloud" is not known; allowed: Resource, ContainerResource, Pods, Object, External`,
		},
		{
			name:   "MetricWithoutSource",
			reason: "a type without its block says nothing",
			object: hpa + "maxReplicas: 3, metrics: [{type: External, resource: {}}]}}",
			want:   "default/horizontalpodautoscaler/web: spec.metrics[0].external: required: a metric of type External is described there",
		},
		{
			name:   "ResourceUnknown",
			reason: "cAdvisor's and kube-state-metrics' series cover cpu and memory",
			object: hpa + "maxReplicas: 3, metrics: [{type: Resource, resource: {name: ephemeral-storage, target: {type: Utilization, averageUtilization: 5}}}]}}",
			want:   `default/horizontalpodautoscaler/web: spec.metrics[0].resource.name: the resource "ephemeral-storage" cannot be converted: only the usage of cpu and memory is in Prometheus; replace it by a Pods or External metric`,
		},
		{
			name:   "ResourceValue",
			reason: "the API server allows two types for a resource",
			object: hpa + "maxReplicas: 3, metrics: [{type: Resource, resource: {name: cpu, target: {type: Value, value: 5}}}]}}",
			want:   `default/horizontalpodautoscaler/web: spec.metrics[0].resource.target.type: "Value" is not possible for this metric; allowed: Utilization, AverageValue`,
		},
		{
			name:   "SeveralMetrics",
			reason: "every metric that is wrong is reported",
			object: hpa + "maxReplicas: 3, metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue}}}, {type: ContainerResource, containerResource: {name: cpu}}]}}",
			want: "default/horizontalpodautoscaler/web: spec.metrics[0].pods.target.averageValue: required for type AverageValue\n" +
				"default/horizontalpodautoscaler/web: spec.metrics[1].containerResource.container: required: the name of a container",
		},
		{
			name:   "SelectorOperator",
			reason: "the operators are a closed list",
			object: hpa + "maxReplicas: 3, metrics: [{type: External, external: {metric: {name: a, selector: {matchExpressions: [{key: b, operator: Gt, values: ['1']}]}}, target: {type: Value, value: 1}}}]}}",
			want:   `default/horizontalpodautoscaler/web: spec.metrics[0].external.metric.selector.matchExpressions[0].operator: "Gt" is not known; allowed: In, NotIn, Exists, DoesNotExist`,
		},
		{
			name:   "AnnotationMalformed",
			reason: "autoscaling/v1 keeps metrics in an annotation",
			object: "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: web, annotations: {autoscaling.alpha.kubernetes.io/metrics: '{}'}}}",
			want:   "default/horizontalpodautoscaler/web: metadata.annotations[autoscaling.alpha.kubernetes.io/metrics]: must be a JSON list of metrics: json: cannot unmarshal object into Go value of type []v1.MetricSpec",
		},
		{
			name:   "NoTarget",
			reason: "KEDA requires a target",
			object: "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}, spec: {triggers: []}}",
			want:   "default/scaledobject/web: spec.scaleTargetRef.name: required: the name of the resource to scale",
		},
		{
			name:   "NothingLeft",
			reason: "without a metric the result would only hold the replicas",
			object: so + "triggers: [{type: kafka, metadata: {}}]}}",
			want:   "default/scaledobject/web: spec.triggers[0].type: \"kafka\" cannot be converted by itself: give its signal as PromQL; with kafka_exporter it is usually --metric web/kafka='sum(kafka_consumergroup_lag)'. --allow-loss leaves a trigger away if there are others",
		},
		{
			name:   "NoThreshold",
			reason: "KEDA requires a threshold",
			object: trigger + "}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.threshold: required: a number`,
		},
		{
			name:   "ThresholdZero",
			reason: "a target of 0 divides by zero",
			object: trigger + "threshold: '0'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.threshold: "0" must be greater than 0`,
		},
		{
			name:   "ThresholdNaN",
			reason: "a number that is none",
			object: trigger + "threshold: nan}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.threshold: "nan" must be a number`,
		},
		{
			name:   "ThresholdHuge",
			reason: "numbers beyond what a quantity holds would silently be another number",
			object: trigger + "threshold: '1e300'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.threshold: "1e300" is no quantity, which counts nano-units up to 9e18: scale the query and the threshold alike`,
		},
		{
			name:   "ThresholdTiny",
			reason: "numbers below a quantity's resolution would be rounded up",
			object: trigger + "threshold: '1.5e-9'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.threshold: "1.5e-9" is no quantity, which counts nano-units up to 9e18: scale the query and the threshold alike`,
		},
		{
			name:   "IgnoreNullValues",
			reason: "neither true nor false",
			object: trigger + "threshold: '1', ignoreNullValues: maybe}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.ignoreNullValues: "maybe" must be true or false`,
		},
		{
			name:   "PrometheusUtilization",
			reason: "KEDA refuses it, too",
			object: so + "triggers: [{type: prometheus, metricType: Utilization, metadata: {query: up, threshold: '1'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metricType: "Utilization" is not possible for this trigger; allowed: AverageValue, Value`,
		},
		{
			name:   "CPUValue",
			reason: "a percentage is a number",
			object: so + "triggers: [{type: cpu, metricType: Utilization, metadata: {value: 60%}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.value: "60%" must be a percentage, e.g. 60`,
		},
		{
			name:   "CronMissing",
			reason: "KEDA requires all four fields",
			object: cronTrigger + "}}]}}",
			want:   "default/scaledobject/web: spec.triggers[0].metadata.start: required",
		},
		{
			name:   "CronSame",
			reason: "KEDA refuses it; here it would be always active",
			object: cronTrigger + "start: '0 1 * * *'}}]}}",
			want:   "default/scaledobject/web: spec.triggers[0].metadata.end: must differ from start (0 1 * * *)",
		},
		{
			name:   "CronFields",
			reason: "a time zone inside an expression has no place in a pattern",
			object: cronTrigger + "start: 'TZ=UTC 0 1 * * *'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.start: "TZ=UTC 0 1 * * *" has 6 fields; allowed are five: minute, hour, day of month, month, day of week`,
		},
		{
			name:   "CronSunday",
			reason: "KEDA's parser has Sunday as 0 only",
			object: cronTrigger + "start: '0 0 * * 7'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.start: "0 0 * * 7": day of week "7": allowed are numbers from 0 to 6, names such as sun, lists, ranges, steps and *`,
		},
		{
			name:   "CronBackwards",
			reason: "cron ranges do not wrap",
			object: cronTrigger + "start: '0 22-6 * * *'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.start: "0 22-6 * * *": hour "22-6": the range runs backwards`,
		},
		{
			name:   "CronStep",
			reason: "a step of 0 never ends",
			object: cronTrigger + "start: '*/0 0 * * *'}}]}}",
			want:   `default/scaledobject/web: spec.triggers[0].metadata.start: "*/0 0 * * *": minute "*/0": a step is a number from 1`,
		},
		{
			name:   "PausedReplicas",
			reason: "the annotation holds a count",
			object: "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web, annotations: {autoscaling.keda.sh/paused-replicas: few}}, spec: {scaleTargetRef: {name: web}, triggers: [{type: prometheus, metadata: {query: up, threshold: '1'}}]}}",
			want:   `default/scaledobject/web: metadata.annotations[autoscaling.keda.sh/paused-replicas]: "few" must be a number of replicas`,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			object, err := yaml.YAMLToJSON([]byte(tc.object))
			if err != nil {
				t.Fatal(err)
			}
			result, err := JSON(object, Options{})
			if err == nil {
				t.Fatalf("%s\nJSON(...): no error, %d objects", tc.reason, len(result.Objects))
			}
			if result.Objects != nil {
				t.Errorf("%s\nJSON(...): objects in spite of an error", tc.reason)
			}
			if got := strings.TrimSpace(err.Error()); got != tc.want {
				t.Errorf("%s\nJSON(...):\ngot  %s\nwant %s", tc.reason, got, tc.want)
			}
		})
	}
}
