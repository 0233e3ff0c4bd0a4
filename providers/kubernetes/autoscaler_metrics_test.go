package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Series follow the records: a reason gives way to the next one, what has no value
// ends, time held is counted from slot to slot, and nothing is left of what is gone.
func TestAutoscalerMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	p := &policy.Autoscaler{Min: 2, Max: 9, Interval: 10, Metrics: []policy.Metric{
		{Query: "a", Type: policy.AverageValue, Target: 10}, {Query: "b", Type: policy.Value, Target: 3}}}
	body := string(p.Encode())
	web := journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "shop", Name: "web"}
	var shown journal.Shown
	record := func(s int64, reason autoscaler.Reason, missed int64, metrics ...journal.Metric) {
		m.autoscaler(&shown, &journal.Record{Object: web, Slot: slot.Slot(1000 + 10*s), Policy: policy.Digest([]byte(body)), PolicyBody: body,
			Reason: reason, Missed: missed, Metrics: metrics})
	}
	gone := journal.Metric{Code: observation.Empty}
	record(0, autoscaler.Bounded, 0, journal.Metric{Value: 95}, journal.Metric{Value: 1})
	record(1, autoscaler.MetricsUnavailable, 0, gone, journal.Metric{Value: 1})
	record(4, autoscaler.MetricsUnavailable, 2, gone, gone)
	record(5, autoscaler.Unchanged, 0, journal.Metric{Value: 90}, gone)
	for _, reason := range []string{"Bounded", "MetricsUnavailable", "Unchanged"} {
		m.reason(types.NamespacedName{Namespace: "shop", Name: "web"}, reason)
	}
	m.scaled(&journal.Outcome{Object: web, Slot: 1040, Result: cycle.Applied})
	m.scaled(&journal.Outcome{Object: web, Slot: 1050, Result: "Forbidden"})
	want := `# TYPE karpenter_horizontalautoscaler_held_seconds_total counter
karpenter_horizontalautoscaler_held_seconds_total{name="web",namespace="shop"} 40
# TYPE karpenter_horizontalautoscaler_last_scale_time_seconds gauge
karpenter_horizontalautoscaler_last_scale_time_seconds{name="web",namespace="shop"} 1040
# TYPE karpenter_horizontalautoscaler_max_replicas gauge
karpenter_horizontalautoscaler_max_replicas{name="web",namespace="shop"} 9
# TYPE karpenter_horizontalautoscaler_metric_available gauge
karpenter_horizontalautoscaler_metric_available{metric="0",name="web",namespace="shop"} 1
karpenter_horizontalautoscaler_metric_available{metric="1",name="web",namespace="shop"} 0
# TYPE karpenter_horizontalautoscaler_metric_target gauge
karpenter_horizontalautoscaler_metric_target{metric="0",name="web",namespace="shop"} 10
karpenter_horizontalautoscaler_metric_target{metric="1",name="web",namespace="shop"} 3
# TYPE karpenter_horizontalautoscaler_metric_value gauge
karpenter_horizontalautoscaler_metric_value{metric="0",name="web",namespace="shop"} 90
# TYPE karpenter_horizontalautoscaler_min_replicas gauge
karpenter_horizontalautoscaler_min_replicas{name="web",namespace="shop"} 2
# TYPE karpenter_horizontalautoscaler_missed_slots_total counter
karpenter_horizontalautoscaler_missed_slots_total{name="web",namespace="shop"} 2
# TYPE karpenter_horizontalautoscaler_paused gauge
karpenter_horizontalautoscaler_paused{name="web",namespace="shop"} 0
# TYPE karpenter_horizontalautoscaler_reason gauge
`
	// A state set: one reason is 1, and every other one 0.
	reasons := cycle.Reasons()
	slices.Sort(reasons)
	for _, reason := range reasons {
		value := 0
		if reason == "Unchanged" {
			value = 1
		}
		want += fmt.Sprintf("karpenter_horizontalautoscaler_reason{name=%q,namespace=%q,reason=%q} %d\n", "web", "shop", reason, value)
	}
	got := gathered(t, registry)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m.forget(web)
	if left := gathered(t, registry); strings.Contains(left, `name="web"`) {
		t.Errorf("of a deleted autoscaler are left\n%s", left)
	}
}

// gathered are the series of autoscalers in the text format, without help.
func gathered(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "karpenter_horizontalautoscaler_") {
			continue
		}
		f.Help = nil
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
