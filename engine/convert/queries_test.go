package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

func TestGivenQueries(t *testing.T) {
	selected := &metav1.LabelSelector{MatchLabels: map[string]string{"queue": "jobs", "env": "prod"}}
	tests := map[string]struct {
		reason   string
		queries  map[string]string
		selector *metav1.LabelSelector
		want     string
		lossy    bool
	}{
		"None":             {"the sum of the series of that name is an assumption", nil, selected, `sum(length{env="prod",queue="jobs"})`, true},
		"Name":             {"a query by name is what the adapter runs", map[string]string{"length": "max(q)"}, nil, "max(q)", false},
		"NameButSelector":  {"the query may not know the selector", map[string]string{"length": "max(q)"}, selected, "max(q)", true},
		"NameAndSelector":  {"the more specific key goes first", map[string]string{"length": "max(q)", `length{env="prod",queue="jobs"}`: "max(q_jobs)"}, selected, "max(q_jobs)", false},
		"AnotherSelector":  {"a key for another selector does not fit", map[string]string{`length{queue="jobs"}`: "max(q_jobs)"}, selected, `sum(length{env="prod",queue="jobs"})`, true},
		"OtherMetricsKeys": {"keys of other metrics do not matter", map[string]string{"age": "max(a)"}, nil, "sum(length)", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			one, zero := resource.MustParse("1"), int32(0)
			hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "web"}}
			hpa.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web"},
				MinReplicas:    &zero,
				MaxReplicas:    5,
				Behavior:       &autoscalingv2.HorizontalPodAutoscalerBehavior{},
				Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
					Metric: autoscalingv2.MetricIdentifier{Name: "length", Selector: tc.selector},
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &one},
				}}},
			}
			c := newConverter("HorizontalPodAutoscaler", hpa.ObjectMeta, Options{Queries: tc.queries})
			objects, err := c.hpa(hpa)
			if err != nil {
				t.Fatal(err)
			}
			ha, notes := objects[0].(*v1alpha1.HorizontalAutoscaler), c.notes
			if diff := cmp.Diff(tc.want, ha.Spec.Metrics[0].Prometheus.Query); diff != "" {
				t.Errorf("%s\nHPA(...): query: -want, +got:\n%s", tc.reason, diff)
			}
			if lossy := len(notes) > 0; lossy != tc.lossy {
				t.Errorf("%s\nHPA(...): notes %v, want any: %t", tc.reason, notes, tc.lossy)
			}
		})
	}
}
