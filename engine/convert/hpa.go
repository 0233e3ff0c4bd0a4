package convert

import (
	"errors"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// defaultCPUUtilization is the metric of an HPA without metrics, in percent.
const defaultCPUUtilization = 80

// hpa converts an HPA of autoscaling/v2.
func (c *converter) hpa(hpa *autoscalingv2.HorizontalPodAutoscaler) ([]runtime.Object, error) {
	if err := c.owned(hpa.ObjectMeta); err != nil {
		return nil, err
	}
	path, result := field.NewPath("spec"), field.NewPath("spec")
	spec := &hpa.Spec
	c.target = scaleTarget{kind: spec.ScaleTargetRef.Kind, name: spec.ScaleTargetRef.Name}
	c.annotations = hpa.Annotations

	ha := c.autoscaler(c.metadata(hpa.ObjectMeta, append(usedAnnotations(hpa.Annotations), metricsAnnotation, behaviorAnnotation, metricStatusAnnotation, conditionsAnnotation)...))
	ha.Spec.ScaleTargetRef = v1alpha1.CrossVersionObjectReference{
		Kind:       spec.ScaleTargetRef.Kind,
		Name:       spec.ScaleTargetRef.Name,
		APIVersion: spec.ScaleTargetRef.APIVersion,
	}
	ha.Spec.MinReplicas = or(spec.MinReplicas, 1)
	ha.Spec.MaxReplicas = spec.MaxReplicas
	if ha.Spec.MinReplicas > 0 && spec.Behavior != nil {
		c.lost(path.Child("minReplicas"), "HPA leaves a target alone that somebody scaled to 0; here it is raised to minReplicas (%d): set dryRun to pause", ha.Spec.MinReplicas)
	}
	metrics, err := c.metrics(ha, spec.Metrics, path.Child("metrics"))
	ha.Spec.Metrics = metrics
	ha.Spec.Behavior = c.behavior(spec.Behavior, path.Child("behavior"))
	ha.Spec.PollingIntervalSeconds = new(int32)
	*ha.Spec.PollingIntervalSeconds = hpaIntervalSeconds
	for _, own := range []string{"scaleTargetRef", "minReplicas", "maxReplicas", "behavior"} {
		c.fromAlike(ha, result.Child(own), path.Child(own))
	}
	objects := []runtime.Object{ha}
	return objects, errors.Join(c.targetKind(path.Child("scaleTargetRef", "kind")), err, c.check(objects))
}

// metrics converts the metrics of an HPA into those of an autoscaler.
func (c *converter) metrics(ha *v1alpha1.HorizontalAutoscaler, given []autoscalingv2.MetricSpec, path *field.Path) ([]v1alpha1.Metric, error) {
	if len(given) == 0 {
		c.changed(path, "absent: the API server's default of %d %% cpu utilization is filled in", defaultCPUUtilization)
		given = []autoscalingv2.MetricSpec{cpuUtilization(defaultCPUUtilization)}
	}
	var metrics []v1alpha1.Metric
	var refused refusals
	for i := range given {
		at := path.Index(i)
		metric, err := c.metric(&given[i], at)
		if err != nil {
			refused.add(at, err)
			continue
		}
		result := field.NewPath("spec", "metrics").Index(len(metrics))
		c.from(ha, result, at)
		c.fromAlike(ha, result.Child("prometheus", "target"), targetOf(&given[i], at))
		metrics = append(metrics, metric)
	}
	return metrics, c.without(refused, len(metrics))
}

// targetOf is where the target of a metric stands.
func targetOf(m *autoscalingv2.MetricSpec, path *field.Path) *field.Path {
	return path.Child(sources[m.Type], "target")
}

func cpuUtilization(percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{
		Type: autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU,
			Target: autoscalingv2.MetricTarget{
				Type:               autoscalingv2.UtilizationMetricType,
				AverageUtilization: &percent,
			},
		},
	}
}
