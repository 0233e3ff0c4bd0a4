package convert

import (
	"errors"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// defaultCPUUtilization is the metric of an HPA without metrics, in percent.
const defaultCPUUtilization = 80

// HPA converts a HorizontalPodAutoscaler of autoscaling/v2. The notes are
// complete even if there is an error; the result then is nil.
func HPA(hpa *autoscalingv2.HorizontalPodAutoscaler, o Options) (*v1alpha1.HorizontalAutoscaler, []Note, error) {
	c := newConverter("HorizontalPodAutoscaler", hpa.ObjectMeta, o)
	ha, err := c.hpa(hpa)
	return ha, c.notes, err
}

// HPAV1 converts a HorizontalPodAutoscaler of autoscaling/v1, whose other
// metrics and behavior are annotations.
func HPAV1(hpa *autoscalingv1.HorizontalPodAutoscaler, o Options) (*v1alpha1.HorizontalAutoscaler, []Note, error) {
	c := newConverter("HorizontalPodAutoscaler", hpa.ObjectMeta, o)
	v2, err := c.upgrade(hpa)
	if err != nil {
		return nil, c.notes, err
	}
	ha, err := c.hpa(v2)
	return ha, c.notes, err
}

func (c *converter) hpa(hpa *autoscalingv2.HorizontalPodAutoscaler) (*v1alpha1.HorizontalAutoscaler, error) {
	path := field.NewPath("spec")
	spec := &hpa.Spec
	c.target = spec.ScaleTargetRef.Name

	ha := c.autoscaler(c.metadata(hpa.ObjectMeta, metricsAnnotation, behaviorAnnotation, metricStatusAnnotation, conditionsAnnotation))
	ha.Spec.ScaleTargetRef = v1alpha1.CrossVersionObjectReference{
		Kind:       spec.ScaleTargetRef.Kind,
		Name:       spec.ScaleTargetRef.Name,
		APIVersion: spec.ScaleTargetRef.APIVersion,
	}
	ha.Spec.MinReplicas = or(spec.MinReplicas, 1)
	ha.Spec.MaxReplicas = spec.MaxReplicas
	if ha.Spec.MinReplicas > 0 {
		c.lost(path.Child("minReplicas"), "HPA leaves a target alone that somebody scaled to 0; here it is raised to minReplicas (%d): set dryRun to pause", ha.Spec.MinReplicas)
	}
	metrics, err := c.metrics(spec.Metrics, path.Child("metrics"))
	if err != nil {
		return nil, err
	}
	ha.Spec.Metrics = metrics
	ha.Spec.Behavior = c.behavior(spec.Behavior, path.Child("behavior"))
	ha.Spec.PollingIntervalSeconds = new(int32)
	*ha.Spec.PollingIntervalSeconds = hpaIntervalSeconds
	if err := c.check(ha); err != nil {
		return nil, err
	}
	return ha, nil
}

func (c *converter) metrics(given []autoscalingv2.MetricSpec, path *field.Path) ([]v1alpha1.Metric, error) {
	if len(given) == 0 {
		c.changed(path, "absent: the API server's default of %d %% cpu utilization is filled in", defaultCPUUtilization)
		given = []autoscalingv2.MetricSpec{cpuUtilization(defaultCPUUtilization)}
	}
	var metrics []v1alpha1.Metric
	var errs []error
	for i := range given {
		metric, err := c.metric(&given[i], path.Index(i))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		metrics = append(metrics, metric)
	}
	return metrics, errors.Join(errs...)
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
