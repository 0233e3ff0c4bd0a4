package sim

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// replayText is a replay of four recorded replicas at a utilization of 90 %.
func replayText(replay, target, series string) string {
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: replay}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  replay: {%s}
  inputSeries:
  - {series: u, values: '0.9x40'}
%s---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 30
  metrics:
  - prometheus: {query: u, target: {%s}}
`, replay, series, target)
}

const (
	utilization = "type: Utilization, averageUtilization: 60"
	stateSeries = `  - {series: 'kube_deployment_spec_replicas{namespace="default",deployment="web"}', values: '4x40'}
  - {series: 'kube_deployment_status_replicas_ready{namespace="default",deployment="web",instance="ksm"}', values: '4x40'}
`
)

func TestReplayFollowsTheReplicas(t *testing.T) {
	cases := map[string]struct {
		reason                 string
		replay, target, series string
		spec                   []float64
		needed                 float64
		badge                  result.Loop
		agreed                 int64
	}{
		"Utilization": {
			reason: "at 90 % of 4 replicas, 6 reach the target of 60 %; 3.6 have the capacity",
			target: utilization, series: stateSeries, spec: []float64{6}, needed: 3.6, badge: result.ClosedLoop,
		},
		"Value": {
			reason: "a value per replica follows the replicas as well",
			target: "type: Value, value: 300m", series: stateSeries, spec: []float64{12}, needed: 12, badge: result.ClosedLoop,
		},
		"Scaled": {
			reason: "twice the demand needs twice the replicas, in two steps: no replica shows more than 100 %",
			replay: "scale: 2", target: utilization, series: stateSeries, spec: []float64{7, 12}, needed: 7.2, badge: result.ClosedLoop,
		},
		"NamedReplicas": {
			reason: "the recorded replicas may be any series",
			replay: "replicas: {Deployment/web: nodes}", target: utilization, series: "  - {series: nodes, values: '4x40'}\n",
			spec: []float64{6}, needed: 3.6, badge: result.ClosedLoop,
		},
		"Average": {
			reason: "a total does not depend on the replicas",
			target: "type: AverageValue, value: 225m", series: stateSeries, spec: []float64{4}, needed: 4, badge: result.DemandDriven, agreed: 59, // after the last slot no sample follows
		},
		"Delayed": {
			reason: "while new replicas start, the ready ones carry the recorded load; what is needed stays the same",
			replay: "readyAfter: 1m", target: utilization, series: stateSeries, spec: []float64{6}, needed: 3.6, badge: result.ClosedLoop,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, _ := playText(t, replayText(c.replay, c.target, c.series))
			o := result.Objects[0]
			if diff := cmp.Diff(c.spec, o.Spec.V); diff != "" {
				t.Errorf("%s: counts (-want +got)\n%s", c.reason, diff)
			}
			if got := o.Needed.V[len(o.Needed.V)-1]; got < c.needed-1e-9 || got > c.needed+1e-9 {
				t.Errorf("%s: needed %v, want %v", c.reason, got, c.needed)
			}
			if agreed := o.Fidelity.Agreed; result.Loop != c.badge || agreed != c.agreed {
				t.Errorf("%s: badge %q, agreed in %d slots; want %q, %d", c.reason, result.Loop, agreed, c.badge, c.agreed)
			}
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	cases := map[string]struct{ reason, replay, target, series, want string }{
		"UnknownReplicas": {
			reason: "a utilization says nothing without the replicas that had it; both ways out are named",
			target: utilization, want: "spec.metrics[0].prometheus.query: u depends on how many replicas ran, and no series of the recording is known to say how many were ready: name it with --replicas default/Deployment/web=SERIES, or replay the metric as recorded with --open-loop",
		},
		"NothingToFollow": {
			reason: "whose replicas are unknown does not matter where the query reads nothing",
			target: utilization, series: "  - {series: v, values: '1'}\n", want: "u2 never has a sample in the recording, which has u, v",
		},
		"NothingRecorded": {
			reason: "a query that never has a sample is a mistake, and what there is helps to mend it",
			target: "type: AverageValue, value: 1", series: "  - {series: v, values: '1'}\n", want: "u2 never has a sample in the recording, which has u, v",
		},
		"NegativeCount": {
			reason: "a count below 0 is a mistake of the recording or of its column",
			replay: "replicas: {Deployment/web: nodes}", target: utilization, series: "  - {series: nodes, values: '4x20 -1 4x19'}\n",
			want: "nodes, the recorded replicas of web, is -1 at 2026-01-05T08:05:20Z, which is no count; name the series that has them with --replicas default/Deployment/web=SERIES",
		},
		"InfiniteCount": {
			reason: "a division by zero is no count",
			replay: "replicas: {Deployment/web: nodes}", target: utilization, series: "  - {series: nodes, values: 'Inf'}\n",
			want: "nodes, the recorded replicas of web, is +Inf at 2026-01-05T08:00:00Z, which is no count",
		},
		"NoCount": {
			reason: "NaN says nothing, and nothing else was recorded",
			replay: "replicas: {Deployment/web: nodes}", target: utilization, series: "  - {series: nodes, values: 'NaN'}\n",
			want: "nodes, the recorded replicas of web, never has a sample in the recording, which has ",
		},
		"ManyReplicaSeries": {
			reason: "a count is one number",
			replay: "replicas: {Deployment/web: nodes}", target: utilization, want: "nodes gives 2 series",
			series: "  - {series: 'nodes{a=\"1\"}', values: '4x40'}\n  - {series: 'nodes{a=\"2\"}', values: '4x40'}\n",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := replayText(c.replay, c.target, c.series)
			if name == "NothingRecorded" || name == "NothingToFollow" {
				text = strings.Replace(text, "query: u,", "query: u2,", 1)
			}
			in, autoscalers := openFile(t, loadText(t, text))
			_, err := in.Play(context.Background(), autoscalers, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v, want one line with %q", c.reason, err, c.want)
			}
		})
	}
}

// With --open-loop the metric is replayed as it is, and the report is stamped.
func TestReplayOpenLoop(t *testing.T) {
	played, _ := playText(t, replayText("openLoop: true", utilization, ""))
	o := played.Objects[0]
	if played.Loop != result.OpenLoop || o.Spec.V[len(o.Spec.V)-1] != 30 {
		t.Errorf("badge %q, counts %v: a metric that never answers drives the count to its bound", played.Loop, o.Spec.V)
	}
}
