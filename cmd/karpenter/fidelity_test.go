package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/reports"
)

// TestStartUpFits records a closed loop whose start-up is known, replays it with
// that one and with others, and holds that the replay is what ran with the former
// and that the others propose it. The recording is what the world published.
func TestStartUpFits(t *testing.T) {
	t.Chdir(t.TempDir())
	policy := `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 40
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'sum(rate(container_cpu_usage_seconds_total[1m])) / 0.5 / sum(kube_deployment_status_replicas_ready{deployment="web"})', target: {type: Utilization, averageUtilization: 70}}
  behavior:
    scaleUp: {tolerance: 0.1, policies: [{type: Pods, value: 4, periodSeconds: 15}]}
    scaleDown: {stabilizationWindowSeconds: 300, tolerance: 0.1}
`
	write(t, "ha.yaml", policy)
	for _, startUp := range []string{"45s", "2m"} {
		write(t, "loop.yaml", fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: loop}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 3h
  workloads:
  - name: web
    replicas: 6
    demand: [{constant: 400}, {spike: {by: 500, at: 30m, rise: 20m, for: 40m, fall: 15m}}]
    capacityPerReplica: 100
    startup: %s
    saturation: 2
    requests: {cpu: 500m}
---
`, startUp)+policy)
		call(t, "", "simulate", "loop.yaml", "--out", "loop").want(t, exitOK, "")
		for _, given := range []string{startUp, "0s", "5m"} {
			got := call(t, "", "replay", "-f", "ha.yaml", "--recording", "loop/loop/series.om.gz", "--ready-after", given, "--variant", "more=spec.maxReplicas=41", "--out", "out")
			got.want(t, exitOK, "")
			run, err := reports.ReadRun("out/web")
			if err != nil {
				t.Fatal(err)
			}
			f := run.Fidelity
			if given == startUp {
				if f == nil || f.Percent < 99 || f.Matched != f.Changes || f.StartUp != nil || strings.Contains(got.stdout, "not ranked") {
					t.Errorf("start-up %s, replayed with it: fidelity %+v, want at least 99 %%, all changes, no proposal, and variants ranked:\n%s", startUp, f, got.stdout)
				}
				continue
			}
			if f == nil || f.Percent > 99 || f.StartUp == nil || f.StartUp.Delay != startUp || f.StartUp.Percent < 99 || !strings.Contains(got.stdout, "fits best") {
				t.Errorf("start-up %s, replayed with %s: fidelity %+v, proposal %+v, want %s:\n%s", startUp, given, f, f.StartUp, startUp, got.stdout)
			}
		}
	}
}
