package cycle

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// kstatus reads an object as kstatus does, by which Flux and kubectl's appliers wait:
// an old generation and Reconciling are in progress, Stalled has failed, and of the
// rest Ready decides.
func kstatus(o *v1alpha1.HorizontalAutoscaler) string {
	switch c := o.Status.Conditions; {
	case o.Status.ObservedGeneration != o.Generation, meta.IsStatusConditionTrue(c, "Reconciling"):
		return "InProgress"
	case meta.IsStatusConditionTrue(c, "Stalled"):
		return "Failed"
	case meta.IsStatusConditionFalse(c, v1alpha1.ReadyCondition):
		return "InProgress"
	}
	return "Current"
}

// argo reads an object as the usual health check of Argo CD does: Ready True is
// healthy, False degraded, and all else progresses.
func argo(o *v1alpha1.HorizontalAutoscaler) string {
	ready := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.ReadyCondition)
	switch {
	case o.Status.ObservedGeneration != o.Generation || ready == nil || ready.Status == metav1.ConditionUnknown:
		return "Progressing"
	case ready.Status == metav1.ConditionFalse:
		return "Degraded"
	}
	return "Healthy"
}

// Whoever waits for an autoscaler waits while it does not work, and only then.
func TestHealth(t *testing.T) {
	one := resource.MustParse("1")
	second := v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{Query: "broken", Target: v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: &one}}}
	cases := map[string]struct {
		reason        string
		change        func(*cluster)
		kstatus, argo string
	}{
		"Works":   {"all is well", func(*cluster) {}, "Current", "Healthy"},
		"Bounded": {"more is wanted than it may have", func(w *cluster) { w.value = 900 }, "Current", "Healthy"},
		"Partial": {"one of two metrics is missing, as in a rollout", func(w *cluster) { w.object.Spec.Metrics = append(w.object.Spec.Metrics, second) }, "Current", "Healthy"},
		"DryRun":  {"it is to change nothing", func(w *cluster) { w.object.Spec.DryRun = true }, "Current", "Healthy"},
		"Paused":  {"nor while it is paused", func(w *cluster) { w.annotate("", "true") }, "Current", "Healthy"},
		"Fallback": {"its fallback stands in", func(w *cluster) {
			w.samples = 0
			w.object.Spec.Metrics[0].Fallback = &v1alpha1.Fallback{Replicas: 7, After: metav1.Duration{Duration: 10 * time.Second}}
		}, "Current", "Healthy"},
		"Missing":  {"its only metric is missing", func(w *cluster) { w.samples = 0 }, "InProgress", "Degraded"},
		"Misspelt": {"a pause that cannot be read", func(w *cluster) { w.annotate("", "ture") }, "InProgress", "Degraded"},
		"Invalid":  {"a spec that cannot be followed", func(w *cluster) { w.object.Spec.MinReplicas = 99 }, "InProgress", "Degraded"},
		"Refused": {"the target takes no change", func(w *cluster) {
			w.value = 80
			w.before = func(call string) error {
				if call == "Set 8" {
					return ErrForbidden
				}
				return nil
			}
		}, "InProgress", "Degraded"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			c.change(w)
			if got := argo(w.object); got != "Progressing" {
				t.Errorf("before the first slot: %s", got)
			}
			a := w.driver()
			a.Metrics = InTurn(brokenBeside{w})
			w.at(a, 0)
			w.at(a, 10)
			w.at(a, 20)
			if k, g := kstatus(w.object), argo(w.object); k != c.kstatus || g != c.argo {
				t.Errorf("%s: %s for kstatus and %s for Argo CD, want %s and %s", c.reason, k, g, c.kstatus, c.argo)
			}
			w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MaxReplicas++ })
			if k, g := kstatus(w.object), argo(w.object); k != "InProgress" || g != "Progressing" {
				t.Errorf("%s, edited and not decided since: %s and %s", c.reason, k, g)
			}
		})
	}
}
