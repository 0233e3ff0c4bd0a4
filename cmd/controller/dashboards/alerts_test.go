package dashboards

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"
)

// TestAlerts evaluates each rule on series that must raise it and on series that
// must not, after an hour.
func TestAlerts(t *testing.T) {
	cases := []struct {
		alert, reason string
		series        string
		want          int
	}{
		{"NoLeader", "nobody is there", `other 1x60`, 1},
		{"NoLeader", "all stand by", `leader_election_master_status{name="karpenter-autoscaling",pod="a"} 0x60`, 1},
		{"NoLeader", "one of two leads", `
			leader_election_master_status{name="karpenter-autoscaling",pod="a"} 0x60
			leader_election_master_status{name="karpenter-autoscaling",pod="b"} 1x60`, 0},
		{"Stuck", "a counter that stands still", `karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="Unchanged"} 7x60`, 1},
		{"Stuck", "a counter that moves", `karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="Unchanged"} 0+6x60`, 0},
		{"Stuck", "a cluster without autoscalers is no fault", `other 1x60`, 0},
		{"Late", "half of the decisions come after ten seconds", `
			karpenter_autoscaling_decision_lateness_seconds_bucket{kind="HorizontalAutoscaler",le="5"} 0+1x60
			karpenter_autoscaling_decision_lateness_seconds_bucket{kind="HorizontalAutoscaler",le="10"} 0+1x60
			karpenter_autoscaling_decision_lateness_seconds_bucket{kind="HorizontalAutoscaler",le="+Inf"} 0+2x60`, 1},
		{"Late", "all come within a second", `
			karpenter_autoscaling_decision_lateness_seconds_bucket{kind="HorizontalAutoscaler",le="1"} 0+2x60
			karpenter_autoscaling_decision_lateness_seconds_bucket{kind="HorizontalAutoscaler",le="+Inf"} 0+2x60`, 0},
		{"MetricsUnavailable", "one of five", `
			karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="MetricsUnavailable"} 0+2x60
			karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="Unchanged"} 0+8x60`, 1},
		{"MetricsUnavailable", "one of a hundred", `
			karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="MetricsUnavailable"} 0+1x60
			karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="Unchanged"} 0+99x60`, 0},
		{"AtMaximum", "the maximum bounds one, the minimum another; a third is at its maximum and wants no more", `
			karpenter_horizontalautoscaler_reason{namespace="a",name="a",reason="Bounded"} 1x60
			karpenter_horizontalautoscaler_desired_replicas{namespace="a",name="a"} 20x60
			karpenter_horizontalautoscaler_max_replicas{namespace="a",name="a"} 20x60
			karpenter_horizontalautoscaler_reason{namespace="a",name="b",reason="Bounded"} 1x60
			karpenter_horizontalautoscaler_desired_replicas{namespace="a",name="b"} 2x60
			karpenter_horizontalautoscaler_max_replicas{namespace="a",name="b"} 20x60
			karpenter_horizontalautoscaler_reason{namespace="a",name="c",reason="Unchanged"} 1x60
			karpenter_horizontalautoscaler_reason{namespace="a",name="c",reason="Bounded"} 0x60
			karpenter_horizontalautoscaler_desired_replicas{namespace="a",name="c"} 20x60
			karpenter_horizontalautoscaler_max_replicas{namespace="a",name="c"} 20x60`, 1},
		{"LacksMetrics", "one of two metrics, of one of two autoscalers", `
			karpenter_horizontalautoscaler_metric_available{namespace="a",name="a",metric="0"} 1x60
			karpenter_horizontalautoscaler_metric_available{namespace="a",name="a",metric="1"} 0x60
			karpenter_horizontalautoscaler_metric_available{namespace="a",name="b",metric="0"} 1x60`, 1},
		{"LacksMetrics", "all are there", `karpenter_horizontalautoscaler_metric_available{namespace="a",name="a",metric="0"} 1x60`, 0},
		{"MetricsSourcesInvalid", "one of two replicas reads a wrong file", `
			karpenter_autoscaling_metrics_sources_valid{pod="a"} 0x60
			karpenter_autoscaling_metrics_sources_valid{pod="b"} 1x60`, 1},
		{"MetricsSourcesInvalid", "without a file there is no series", `other 1x60`, 0},
		{"PausedLong", "one of two", `
			karpenter_horizontalautoscaler_paused{namespace="a",name="a"} 1x60
			karpenter_horizontalautoscaler_paused{namespace="a",name="b"} 0x60`, 1},
		{"TargetErrors", "each cause is an alert of its own", `
			karpenter_autoscaling_errors_total{source="target",code="Forbidden"} 0+1x60
			karpenter_autoscaling_errors_total{source="target",code="NotFound"} 0+1x60`, 2},
		{"TargetErrors", "metrics have their own alert", `karpenter_autoscaling_errors_total{source="metric",code="TimedOut"} 0+1x60`, 0},
		{"TargetErrors", "it is over", `karpenter_autoscaling_errors_total{source="target",code="Forbidden"} 5x60`, 0},
		{"StoreErrors", "every second", `karpenter_autoscaling_errors_total{source="store",code="TimedOut"} 0+60x60`, 1},
		{"StoreErrors", "a conflict now and then is normal", `karpenter_autoscaling_errors_total{source="store",code="Conflict"} 0+1x60`, 0},
		{"NotApplied", "somebody took the rights away", `karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="Forbidden"} 0+1x60`, 1},
		{"NotApplied", "Superseded means that somebody else scaled first", `
			karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="Applied"} 0+1x60
			karpenter_autoscaling_outcomes_total{kind="HorizontalAutoscaler",result="Superseded"} 0+1x60`, 0},
		{"ProviderErrors", "the role lacks a right", `karpenter_autoscaling_errors_total{source="provider",code="Forbidden"} 0+1x60`, 1},
		{"ProviderErrors", "targets have their own alert", `karpenter_autoscaling_errors_total{source="target",code="Forbidden"} 0+1x60`, 0},
		{"NodesMissing", "two of five do not come", `
			karpenter_scalablenodegroup_desired_replicas{name="a"} 5x60
			karpenter_scalablenodegroup_ready_replicas{name="a"} 3x60
			karpenter_scalablenodegroup_desired_replicas{name="b"} 5x60
			karpenter_scalablenodegroup_ready_replicas{name="b"} 5x60`, 1},
		{"NodesMissing", "more than wanted are on their way out", `
			karpenter_scalablenodegroup_desired_replicas{name="a"} 3x60
			karpenter_scalablenodegroup_ready_replicas{name="a"} 5x60`, 0},
		{"AboveProviderMaximum", "nine are wanted, eight are allowed", `
			karpenter_scalablenodegroup_spec_replicas{name="a"} 9x60
			karpenter_scalablenodegroup_max_replicas{name="a"} 8x60`, 1},
		{"AboveProviderMaximum", "a provider without a maximum", `karpenter_scalablenodegroup_spec_replicas{name="a"} 900x60`, 0},
		{"InvalidPolicy", "one spec is enough", `karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="InvalidPolicy"} 0+6x60`, 1},
		{"InvalidPolicy", "other reasons are none", `karpenter_autoscaling_decisions_total{kind="HorizontalAutoscaler",reason="Bounded"} 0+6x60`, 0},
		{"SlowQueries", "one of fifty takes five seconds", `
			karpenter_autoscaling_query_duration_seconds_bucket{code="OK",le="1"} 0+49x60
			karpenter_autoscaling_query_duration_seconds_bucket{code="OK",le="5"} 0+50x60
			karpenter_autoscaling_query_duration_seconds_bucket{code="OK",le="+Inf"} 0+50x60`, 1},
		{"SlowQueries", "all are quick", `
			karpenter_autoscaling_query_duration_seconds_bucket{code="OK",le="1"} 0+50x60
			karpenter_autoscaling_query_duration_seconds_bucket{code="OK",le="+Inf"} 0+50x60`, 0},
		{"JournalLoses", "a line was lost", `karpenter_autoscaling_journal_dropped_lines_total 0x50 1x10`, 1},
		{"JournalLoses", "long ago", `karpenter_autoscaling_journal_dropped_lines_total 3x60`, 0},
		{"JournalErrors", "the disk is full", `karpenter_autoscaling_journal_errors_total 0+1x60`, 1},
		{"JournalErrors", "nothing failed", `karpenter_autoscaling_journal_errors_total 0x60`, 0},
	}
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	tested := map[string]bool{}
	for _, tc := range cases {
		name := "KarpenterAutoscaling" + tc.alert
		tested[name] = true
		t.Run(tc.alert+"/"+tc.reason, func(t *testing.T) {
			storage := promqltest.LoadedStorage(t, "load 1m\n  "+strings.TrimSpace(tc.series))
			query, err := engine.NewInstantQuery(context.Background(), storage, nil, expression(t, name), time.Unix(3600, 0))
			if err != nil {
				t.Fatal(err)
			}
			defer query.Close()
			vector, err := query.Exec(context.Background()).Vector()
			if err != nil {
				t.Fatal(err)
			}
			if len(vector) != tc.want {
				t.Errorf("%s: got %d alerts, want %d: %v", tc.reason, len(vector), tc.want, vector)
			}
		})
	}
	text, err := os.ReadFile("../../docs/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	runbook := string(text)
	for _, rule := range readRules(t) {
		if !tested[rule.Alert] {
			t.Errorf("%s is not tested", rule.Alert)
		}
		if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s: wants a severity, a summary and a description", rule.Alert)
		}
		const page = "https://github.com/karpenter-sim/karpenter/blob/main/cmd/docs/runbooks.md#"
		if want := page + strings.ToLower(rule.Alert); rule.Annotations["runbook_url"] != want || !strings.Contains(runbook, "\n## "+rule.Alert+"\n") {
			t.Errorf("%s: wants the runbook %s, and a section there", rule.Alert, want)
		}
	}
}

func expression(t *testing.T, alert string) string {
	t.Helper()
	for _, rule := range readRules(t) {
		if rule.Alert == alert {
			return rule.Expr
		}
	}
	t.Fatalf("there is no alert %s", alert)
	return ""
}
