package convert

import (
	"regexp"
	"strconv"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// hpaOfV2beta1 is an HPA of autoscaling/v2beta1, which k8s.io/api has no more. Its
// metrics have the form that autoscaling/v1 keeps in an annotation, and it has no
// behavior.
type hpaOfV2beta1 struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec struct {
		ScaleTargetRef autoscalingv1.CrossVersionObjectReference `json:"scaleTargetRef"`
		MinReplicas    *int32                                    `json:"minReplicas,omitempty"`
		MaxReplicas    int32                                     `json:"maxReplicas"`
		Metrics        []autoscalingv1.MetricSpec                `json:"metrics,omitempty"`
	} `json:"spec,omitempty"`
	// Status is not read.
	Status map[string]any `json:"status,omitempty"`
}

func (c *converter) hpaOfV2beta1(hpa *hpaOfV2beta1) ([]runtime.Object, error) {
	c.changed(field.NewPath("apiVersion"), "read as the same of autoscaling/v2; no cluster serves autoscaling/v2beta1 since Kubernetes 1.25")
	out := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: hpa.ObjectMeta}
	out.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference(hpa.Spec.ScaleTargetRef)
	out.Spec.MinReplicas = hpa.Spec.MinReplicas
	out.Spec.MaxReplicas = hpa.Spec.MaxReplicas
	for i := range hpa.Spec.Metrics {
		out.Spec.Metrics = append(out.Spec.Metrics, upgradeMetric(hpa.Spec.Metrics[i]))
	}
	c.written = func(path string) string {
		if i, rest, ok := metricPath(path); ok {
			return "spec.metrics[" + strconv.Itoa(i) + "]" + writtenInV2beta1(rest)
		}
		return path
	}
	return c.hpa(out)
}

var metricElement = regexp.MustCompile(`^spec\.metrics\[(\d+)\](.*)$`)

// metricPath splits the path of a field of a metric: its index, and the field.
func metricPath(path string) (index int, rest string, ok bool) {
	found := metricElement.FindStringSubmatch(path)
	if found == nil {
		return 0, "", false
	}
	index, err := strconv.Atoi(found[1])
	return index, found[2], err == nil
}

// renamed are the fields of a metric that autoscaling/v2 moved, and what they were
// called; the first that fits counts.
var renamed = []struct{ source, now, before string }{
	{"object", ".target.averageValue", ".averageValue"},
	{"object", ".describedObject", ".target"},
	{"external", ".metric.selector", ".metricSelector"},
	{"", ".metric.selector", ".selector"},
	{"", ".metric.name", ".metricName"},
	{"", ".metric", ".metricName"},
	{"", ".target.averageValue", ".targetAverageValue"},
	{"", ".target.averageUtilization", ".targetAverageUtilization"},
	{"", ".target.value", ".targetValue"},
	{"", ".target", ""},
}

// writtenInV2beta1 is how autoscaling/v2beta1 calls a field of a metric, of which
// the path is relative to the metric: ".external.target.value".
func writtenInV2beta1(path string) string {
	source, rest, nested := strings.Cut(strings.TrimPrefix(path, "."), ".")
	if !nested {
		return path
	}
	rest = "." + rest
	for _, r := range renamed {
		after, fits := strings.CutPrefix(rest, r.now)
		if fits && (r.source == "" || r.source == source) && (after == "" || after[0] == '.' || after[0] == '[') {
			if r.before == "" {
				after = ""
			}
			return "." + source + r.before + after
		}
	}
	return path
}
