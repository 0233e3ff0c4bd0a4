package convert

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// everyHPA has every field of autoscaling/v2, also those without effect.
const everyHPA = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
  labels: {app: web}
  annotations: {team: checkout}
  finalizers: [example.com/hold]
  ownerReferences: [{kind: App, name: web}]
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: 2
  maxReplicas: 9
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 60, value: "1", averageValue: "1"}}
  - type: ContainerResource
    containerResource: {name: memory, container: app, target: {type: AverageValue, averageValue: 1Gi, value: "1", averageUtilization: 5}}
  - type: Pods
    pods:
      metric: {name: packets, selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d, e]}]}}
      target: {type: AverageValue, averageValue: 1k, value: "1", averageUtilization: 5}
  - type: Object
    object:
      describedObject: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: main}
      metric: {name: requests, selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d, e]}]}}
      target: {type: Value, value: 2k, averageValue: "1", averageUtilization: 5}
  - type: External
    external:
      metric: {name: length, selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d, e]}]}}
      target: {type: AverageValue, averageValue: "30", value: "1", averageUtilization: 5}
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 30
      selectPolicy: Min
      tolerance: "0.05"
      policies: [{type: Pods, value: 5, periodSeconds: 60}, {type: Percent, value: 10, periodSeconds: 30}]
    scaleDown:
      stabilizationWindowSeconds: 60
      selectPolicy: Disabled
      tolerance: "0.2"
      policies: [{type: Pods, value: 2, periodSeconds: 60}]
`

const everyHPAV1 = `
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: 2
  maxReplicas: 9
  targetCPUUtilizationPercentage: 60
`

// everyScaledObject has every field of keda.sh/v1alpha1, and every field that
// the metadata of the triggers has that can be converted.
const everyScaledObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: jobs
  annotations: {team: checkout, autoscaling.keda.sh/paused-scale-out: "true", autoscaling.keda.sh/paused-scale-down: "true"}
  finalizers: [example.com/hold]
spec:
  scaleTargetRef: {name: jobs, apiVersion: example.com/v1, kind: Worker, envSourceContainerName: app}
  pollingInterval: 5
  initialCooldownPeriod: 10
  cooldownPeriod: 120
  idleReplicaCount: 1
  minReplicaCount: 2
  maxReplicaCount: 9
  fallback: {failureThreshold: 3, replicas: 4, behavior: currentReplicasIfHigher}
  advanced:
    restoreToOriginalReplicaCount: true
    scalingModifiers: {formula: a + b, target: "2", activationTarget: "1", metricType: Value}
    horizontalPodAutoscalerConfig:
      name: jobs-hpa
      behavior:
        scaleUp: {stabilizationWindowSeconds: 30, selectPolicy: Min, tolerance: "0.05", policies: [{type: Pods, value: 5, periodSeconds: 60}]}
        scaleDown: {stabilizationWindowSeconds: 60, selectPolicy: Disabled, tolerance: "0.2", policies: [{type: Pods, value: 2, periodSeconds: 60}]}
  triggers:
  - type: prometheus
    name: a
    metricType: Value
    useCachedMetrics: true
    authenticationRef: {name: credentials, kind: ClusterTriggerAuthentication}
    metadata:
      serverAddress: http://prometheus:9090
      metricName: length
      query: sum(length)
      threshold: "5"
      activationThreshold: "1"
      ignoreNullValues: "false"
      namespace: shop
      queryParameters: a=b
      customHeaders: X-Scope-OrgID=team
      cortexOrgID: team
      unsafeSsl: "true"
      authModes: bearer
      timeout: "1000"
      typo: "1"
  - type: cron
    name: b
    metricType: Value
    metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "5", typo: "1"}
  - type: cpu
    name: c
    metricType: Utilization
    metadata: {type: AverageValue, value: "60", containerName: app, typo: "1"}
`

// indexes are those of lists in a field's path.
var indexes = regexp.MustCompile(`\[\d+\]`)

// TestEveryField takes one field after the other out of an object that has all:
// a field without which both the result and the notes are the same was lost
// without a word.
func TestEveryField(t *testing.T) {
	tests := map[string]struct {
		object string
		spec   any
	}{
		"HPA":          {everyHPA, autoscalingv2.HorizontalPodAutoscalerSpec{}},
		"HPAv1":        {everyHPAV1, autoscalingv1.HorizontalPodAutoscalerSpec{}},
		"ScaledObject": {everyScaledObject, keda.Spec{}},
		"ScaledObjectToZero": {strings.NewReplacer("  minReplicaCount: 2\n", "", "  idleReplicaCount: 1\n", "", "    metricType: Value\n    use", "    use",
			"behavior: currentReplicasIfHigher", "behavior: currentReplicas").Replace(everyScaledObject), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var object map[string]any
			if err := yaml.UnmarshalStrict([]byte(tc.object), &object); err != nil {
				t.Fatal(err)
			}
			whole := conversion(t, object)
			seen := map[string]bool{}
			eachField(object, "", func(path string, without func() (restore func())) {
				seen[indexes.ReplaceAllLiteralString(path, "")] = true
				if path == "apiVersion" || path == "kind" {
					return
				}
				restore := without()
				if conversion(t, object) == whole {
					t.Errorf("%s is lost without a word", path)
				}
				restore()
			})
			if conversion(t, object) != whole {
				t.Fatal("the object was not restored")
			}
			if tc.spec != nil {
				for _, field := range fieldsOf(reflect.TypeOf(tc.spec), "spec") {
					if !seen[field] {
						t.Errorf("the object has no %s", field)
					}
				}
			}
		})
	}
}

// conversion is all that a conversion says.
func conversion(t *testing.T, object map[string]any) string {
	t.Helper()
	content, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	result, err := JSON(content, Options{})
	return fmt.Sprint(golden(t, result), err)
}

// eachField calls f for every field that has no fields of its own, in order.
func eachField(value any, path string, f func(path string, without func() (restore func()))) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			field, inner := strings.TrimPrefix(path+"."+key, "."), value[key]
			switch inner.(type) {
			case map[string]any, []any:
				eachField(inner, field, f)
				continue
			}
			f(field, func() func() {
				delete(value, key)
				return func() { value[key] = inner }
			})
		}
	case []any:
		for i := range value {
			field, inner := fmt.Sprintf("%s[%d]", path, i), value[i]
			switch inner.(type) {
			case map[string]any, []any:
				eachField(inner, field, f)
				continue
			}
			f(field, func() func() {
				value[i] = "other"
				return func() { value[i] = inner }
			})
		}
	}
}

// fieldsOf are the fields of a type that have no fields of their own, as JSON
// names them, without those of maps.
func fieldsOf(of reflect.Type, path string) []string {
	switch {
	case of == reflect.TypeFor[resource.Quantity](), of == reflect.TypeFor[metav1.Time]():
		return []string{path}
	case of.Kind() == reflect.Pointer, of.Kind() == reflect.Slice:
		return fieldsOf(of.Elem(), path)
	case of.Kind() == reflect.Map:
		return nil
	case of.Kind() != reflect.Struct:
		return []string{path}
	}
	var fields []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		fields = append(fields, fieldsOf(of.Field(i).Type, path+"."+name)...)
	}
	return fields
}

// TestNotesOnFields has the notes on fields that stand alone.
func TestNotesOnFields(t *testing.T) {
	const trigger = "triggers: [{type: prometheus, metadata: {query: up, threshold: '1', ignoreNullValues: 'false'}}]"
	const hpa = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 3, behavior: {}, metrics: ["
	const v1 = "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, spec: {scaleTargetRef: {kind: Deployment, name: web}, maxReplicas: 3}, metadata: {name: web, annotations: "
	const so = "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}, spec: {minReplicaCount: 1, scaleTargetRef: {name: web}, " + trigger + ", "
	tests := map[string]struct {
		reason, object, want string
		lossy                bool
	}{
		"OtherSource": {
			"one metric has one description", hpa + "{type: External, pods: {metric: {name: a}}, external: {metric: {name: b}, target: {type: Value, value: 1}}}]}}",
			"spec.metrics[0].pods: without effect: the metric is of type External", false,
		},
		"GivenObject": {
			"a query by name knows nothing of the object", hpa + "{type: Object, object: {describedObject: {kind: Ingress, name: main}, metric: {name: given}, target: {type: Value, value: 1}}}]}}",
			`spec.metrics[0].object.metric: the query given for given is used as it is: check that it selects {namespace="default",ingress="main"}`, true,
		},
		"GivenPods": {
			"nor of the pods", hpa + "{type: Pods, pods: {metric: {name: given}, target: {type: AverageValue, averageValue: 1}}}]}}",
			`spec.metrics[0].pods.metric: the query given for given is used as it is: check that it selects {namespace="default",pod=~"web-[a-z0-9]+-[a-z0-9]{5}"}`, true,
		},
		"MetricsAnnotation": {
			"a misspelt field of an annotation is none", v1 + `{autoscaling.alpha.kubernetes.io/metrics: '[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":5,"targetAverage":"1"}}]'}}}`,
			"metadata.annotations[autoscaling.alpha.kubernetes.io/metrics]: [0].resource.targetAverage: not known and not carried over; check its spelling", true,
		},
		"BehaviorAnnotation": {
			"as the API server writes it, with capitals", v1 + `{autoscaling.alpha.kubernetes.io/behavior: '{"ScaleUp":{"StabilizationWindowSeconds":30,"Polices":[]}}'}}}`,
			"metadata.annotations[autoscaling.alpha.kubernetes.io/behavior]: scaleUp.polices: not known and not carried over; check its spelling", true,
		},
		"Fallback": {
			"failures are counted at KEDA's polls, every 30 s, and at the HPA's queries", so + "fallback: {failureThreshold: 3, replicas: 4}}}",
			"spec.fallback.failureThreshold: 3 failures, counted at polls every 30 s and at the HPA's queries every 15 s, are taken for 30 s of failing", false,
		},
		"FallbackHolds": {
			"what there is counts", so + "fallback: {failureThreshold: 3, replicas: 4, behavior: currentReplicas}}}",
			"spec.fallback.replicas: 4 are without effect with behavior currentReplicas", false,
		},
		"FallbackBounded": {
			"the bounds would hold it anyway", so + "fallback: {failureThreshold: 3, replicas: 0}}}",
			"spec.fallback.replicas: 0 is 1, which the bounds make of it", false,
		},
		"FallbackLower": {
			"fewer than there are, but never more", so + "fallback: {failureThreshold: 3, replicas: 4, behavior: currentReplicasIfLower}}}",
			"spec.fallback: dropped: a metric that fails never scales down, but behavior currentReplicasIfLower with 4 replicas after 3 failures cannot be had; raise minReplicas if that many are always needed", true,
		},
		"IdleCooldown": {
			"without 0 there is nothing to wait for", so + "cooldownPeriod: 60, minReplicaCount: 2}}",
			"spec.cooldownPeriod: without effect: the replicas never reach 0", false,
		},
		"Unknown": {
			"a field that KEDA has not, or has since", so + "warmth: 60}}",
			"spec.warmth: not known and not carried over; check its spelling", true,
		},
		"OwnFinalizer": {
			"KEDA's own is on every object", strings.Replace(so, "metadata: {name: web}", "metadata: {name: web, finalizers: [finalizer.keda.sh]}", 1) + "warmth: 60}}",
			"spec.warmth: not known and not carried over; check its spelling", true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			object, err := yaml.YAMLToJSON([]byte(tc.object))
			if err != nil {
				t.Fatal(err)
			}
			result, err := JSON(object, Options{Queries: map[string]string{"given": "max(q)"}})
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, n := range result.Notes {
				_, text, _ := strings.Cut(n.String(), "/web: ")
				if all = append(all, text); text == tc.want && n.Lossy != tc.lossy {
					t.Errorf("%s\n%s: lossy %t, want %t", tc.reason, text, n.Lossy, tc.lossy)
				}
				if strings.Contains(text, "finalizer") {
					t.Errorf("%s\nunexpected note: %s", tc.reason, text)
				}
			}
			if !slices.Contains(all, tc.want) {
				t.Errorf("%s\nnotes: -want, +got:\n%s", tc.reason, cmp.Diff([]string{tc.want}, all))
			}
		})
	}
}
