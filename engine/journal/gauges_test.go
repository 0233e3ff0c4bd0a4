package journal

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// Gauges show what is known, and nothing in place of what is not.
func TestGauges(t *testing.T) {
	p := queuePolicy()
	p.Metrics[1].Fallback = &policy.Fallback{Replicas: 6, After: 10}
	r := &Record{
		Reason: autoscaler.Paused, Paused: autoscaler.Pause{Down: true},
		Metrics: []Metric{{Value: 20}, {Code: observation.Empty, Fallback: true, Recommendation: 6}},
	}
	want := []Gauge{
		{AutoscalerPaused, "", 1}, {AutoscalerMin, "", 1}, {AutoscalerMax, "", 40},
		{MetricTargetGauge, "0", 4}, {MetricUsableGauge, "0", 1}, {MetricValueGauge, "0", 20},
		{MetricTargetGauge, "1", 60}, {MetricUsableGauge, "1", 0}, {MetricFallbackGauge, "1", 1},
	}
	if diff := cmp.Diff(want, r.Gauges(nil, p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	invalid := &Record{Reason: autoscaler.InvalidPolicy}
	if diff := cmp.Diff([]Gauge{{AutoscalerPaused, "", 0}}, invalid.Gauges(nil, nil)); diff != "" {
		t.Errorf("without a policy (-want +got):\n%s", diff)
	}
	for _, g := range want {
		if GaugeHelp[g.Name] == "" || (GaugeLabel(g.Name) == "") != (g.Label == "") {
			t.Errorf("%s: help %q, label %q", g.Name, GaugeHelp[g.Name], GaugeLabel(g.Name))
		}
	}
}
