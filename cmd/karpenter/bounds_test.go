package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// boundless is a scenario with one thing in it that has no bound.
func boundless(t *testing.T, duration, query, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "case.yaml")
	text := `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: boundless}
spec:
  seed: 1
  start: "2026-01-05T06:00:00Z"
  duration: ` + duration + `
  inputSeries: [{series: orders, values: '40x60'}]
  ` + more + `
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 1
  maxReplicas: 2000000
  metrics:
  - prometheus: {query: '` + query + `', target: {type: AverageValue, averageValue: 10}}
`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const checkoutTarget = `targets: [{kind: Deployment, namespace: shop, name: checkout, replicas: 1}]`

// TestBoundsOfRuns has runs that would take the memory or the week: they are
// refused with the place and the limit before they begin, by validate as well.
func TestBoundsOfRuns(t *testing.T) {
	tests := map[string]struct {
		reason, duration, query, more, want string
		run                                 bool // only a run is refused
	}{
		"Century":  {"a slip in the duration", "100y", "orders", checkoutTarget, "case.yaml:7:13: spec.duration: the run lasts 100y and evaluates queries 315360000 times at its slots, in 1 column; more than 100000000, about an hour's work, run only with --yes", true},
		"Subquery": {"the engine takes the memory before it counts", "10m", "max_over_time(orders[100y:1ms])", checkoutTarget, "case.yaml:19:25: spec.metrics[0].prometheus.query: PromQL, character 15: the subquery over 100y", false},
		"Pods":     {"each pod is simulated", "10m", "orders", `workloads: [{namespace: shop, name: checkout, demand: [{constant: 1}], capacityPerReplica: 1}]`, "case.yaml:17:16: spec.maxReplicas: a workload, and a target that starts as recorded, is simulated pod by pod, with at most 30000 of them, not 2000000", false},
		"Replicas": {"at the start as well", "10m", "orders", `workloads: [{namespace: shop, name: checkout, replicas: 2000000000, demand: [{constant: 1}], capacityPerReplica: 1}]`, "case.yaml:9:59: spec.workloads[0].replicas: want 0 or more, at most 30000, got 2000000000", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := boundless(t, tc.duration, tc.query, tc.more)
			out := filepath.Join(t.TempDir(), "out")
			call(t, "", "simulate", path, "--out", out).refused(t, tc.want)
			if _, err := os.Stat(out); err == nil {
				t.Error("something was written")
			}
			if got := call(t, "", "validate", path); !tc.run && (got.code != exitInvalid || !strings.Contains(got.stderr, tc.want)) {
				t.Errorf("validate: exit code %d, %s", got.code, got.stderr)
			}
		})
	}
	// Wanted, such a run begins; how it ends is for others to see.
	path := boundless(t, "1h", "orders", checkoutTarget)
	call(t, "", "simulate", path, "--yes", "--out", filepath.Join(t.TempDir(), "out")).want(t, exitOK, "")
}

// TestHostileManifests has files that are no manifests.
func TestHostileManifests(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: HorizontalAutoscaler\nmetadata: {name: a}\n")
	for range 1000 {
		text.WriteString("wrong" + strings.Repeat("x", text.Len()%97) + ": 1\n")
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	got := call(t, "", "validate", path)
	got.want(t, exitInvalid, "more mistakes\n")
	if n := strings.Count(got.stderr, "\n"); n != 11 {
		t.Errorf("%d lines, want ten and a count:\n%s", n, got.stderr)
	}
	call(t, "", "validate", "-f", "/dev/zero").refused(t, "/dev/zero: larger than 64 MiB")
}
