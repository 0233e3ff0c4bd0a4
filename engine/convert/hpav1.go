package convert

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/json"
)

// The annotations in which autoscaling/v1 keeps what its spec cannot hold.
const (
	metricsAnnotation      = "autoscaling.alpha.kubernetes.io/metrics"
	behaviorAnnotation     = "autoscaling.alpha.kubernetes.io/behavior"
	metricStatusAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics"
	conditionsAnnotation   = "autoscaling.alpha.kubernetes.io/conditions"
)

// hpaOfV1 converts an HPA of autoscaling/v1, whose other metrics and behavior are
// annotations.
func (c *converter) hpaOfV1(hpa *autoscalingv1.HorizontalPodAutoscaler) ([]runtime.Object, error) {
	out := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: hpa.ObjectMeta}
	out.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference(hpa.Spec.ScaleTargetRef)
	out.Spec.MinReplicas = hpa.Spec.MinReplicas
	out.Spec.MaxReplicas = hpa.Spec.MaxReplicas
	annotations := field.NewPath("metadata", "annotations")
	var errs []error
	var metrics []autoscalingv1.MetricSpec
	if text, ok := hpa.Annotations[metricsAnnotation]; ok {
		path := annotations.Key(metricsAnnotation)
		if err := c.annotation([]byte(text), &metrics, path); err != nil {
			errs = append(errs, c.invalid(path, "must be a JSON list of metrics: %w", err))
		}
		for i := range metrics {
			out.Spec.Metrics = append(out.Spec.Metrics, upgradeMetric(metrics[i]))
		}
		c.changed(path, "%d metrics are taken from the annotation", len(metrics))
	}
	if percent := hpa.Spec.TargetCPUUtilizationPercentage; percent != nil {
		out.Spec.Metrics = append(out.Spec.Metrics, cpuUtilization(*percent))
	}
	if text, ok := hpa.Annotations[behaviorAnnotation]; ok {
		path := annotations.Key(behaviorAnnotation)
		out.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
		if err := c.annotation(uncapitalized([]byte(text)), out.Spec.Behavior, path); err != nil {
			errs = append(errs, c.invalid(path, "must be a JSON behavior: %w", err))
		}
		c.changed(path, "the behavior is taken from the annotation")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.written = func(path string) string { return writtenInV1(path, metrics) }
	return c.hpa(out)
}

// writtenInV1 is where autoscaling/v1 has a field of autoscaling/v2: metrics that
// are not the cpu's, which comes last, and the behavior are in annotations.
func writtenInV1(path string, metrics []autoscalingv1.MetricSpec) string {
	if i, rest, ok := metricPath(path); ok && i < len(metrics) {
		return fmt.Sprintf("metadata.annotations[%s][%d]%s", metricsAnnotation, i, writtenInV2beta1(rest))
	} else if ok {
		return "spec.targetCPUUtilizationPercentage"
	}
	if rest, ok := strings.CutPrefix(path, "spec.behavior."); ok {
		return fmt.Sprintf("metadata.annotations[%s].%s", behaviorAnnotation, rest)
	}
	return path
}

// annotation decodes the JSON in an annotation and notes what is not known in it.
func (c *converter) annotation(text []byte, into any, path *field.Path) error {
	unknown, err := json.UnmarshalStrict(text, into)
	for _, u := range unknown {
		c.lost(path, "%s: not known and not carried over; check its spelling", unknownName(u))
	}
	return err
}

// capital is the first letter of a field's name as the API server writes it
// into the annotation of a behavior.
var capital = regexp.MustCompile(`"[A-Z]\w*"\s*:`)

func uncapitalized(text []byte) []byte {
	return capital.ReplaceAllFunc(text, func(name []byte) []byte {
		return append([]byte{'"', name[1] + 'a' - 'A'}, name[2:]...)
	})
}

// upgradeMetric moves the targets of a metric to where autoscaling/v2 has them;
// a source that is missing stays missing.
func upgradeMetric(m autoscalingv1.MetricSpec) autoscalingv2.MetricSpec {
	out := autoscalingv2.MetricSpec{Type: autoscalingv2.MetricSourceType(m.Type)}
	if s := m.Resource; s != nil {
		out.Resource = &autoscalingv2.ResourceMetricSource{Name: s.Name, Target: averageTarget(s.TargetAverageUtilization, s.TargetAverageValue)}
	}
	if s := m.ContainerResource; s != nil {
		out.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{Name: s.Name, Container: s.Container, Target: averageTarget(s.TargetAverageUtilization, s.TargetAverageValue)}
	}
	if s := m.Pods; s != nil {
		out.Pods = &autoscalingv2.PodsMetricSource{Metric: identifier(s.MetricName, s.Selector), Target: averageTarget(nil, &s.TargetAverageValue)}
	}
	if s := m.Object; s != nil {
		out.Object = &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference(s.Target),
			Metric:          identifier(s.MetricName, s.Selector),
			Target:          valueTarget(&s.TargetValue, s.AverageValue),
		}
	}
	if s := m.External; s != nil {
		out.External = &autoscalingv2.ExternalMetricSource{Metric: identifier(s.MetricName, s.MetricSelector), Target: valueTarget(s.TargetValue, s.TargetAverageValue)}
	}
	return out
}

func identifier(name string, s *metav1.LabelSelector) autoscalingv2.MetricIdentifier {
	return autoscalingv2.MetricIdentifier{Name: name, Selector: s}
}

func averageTarget(utilization *int32, average *resource.Quantity) autoscalingv2.MetricTarget {
	if utilization != nil {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: utilization}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: average}
}

func valueTarget(value, average *resource.Quantity) autoscalingv2.MetricTarget {
	if average != nil {
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: average}
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: value}
}
