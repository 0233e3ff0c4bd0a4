package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOneModel plays one case as a target, as a workload and as a replay of what each
// of them recorded. New replicas take four minutes, a total and a share drive the
// policy: what a target counts, when its replicas serve and what is decided must not
// depend on which part of a scenario it stands in.
func TestOneModel(t *testing.T) {
	t.Chdir(t.TempDir())
	const policy = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 100
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: sum(load), target: {type: AverageValue, averageValue: 100}}
  - prometheus: {query: 'sum(load) / sum(kube_deployment_status_replicas_ready{deployment="web"})', target: {type: Value, value: 90}}
  behavior:
    scaleUp: {tolerance: 0.1, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
    scaleDown: {stabilizationWindowSeconds: 120, tolerance: 0.1}
`
	write(t, "ha.yaml", policy)
	load := func(at time.Duration) float64 {
		switch {
		case at < 20*time.Minute:
			return 600
		case at < 60*time.Minute:
			return 600 + 30*at.Minutes()
		}
		return 500
	}
	var values []string
	for at := time.Duration(0); at < 2*time.Hour; at += 15 * time.Second {
		values = append(values, fmt.Sprint(load(at)))
	}
	write(t, "load.om", openMetrics("load", 2*time.Hour, load)+"# EOF\n")
	var want []string
	for _, world := range []struct{ name, spec string }{
		{"target", "targets: [{kind: Deployment, name: web, replicas: 6, readyAfter: 4m}]"},
		{"workload", "workloads: [{name: web, replicas: 6, startup: 4m, capacityPerReplica: 100, demand: [{expr: sum(load)}]}]"},
	} {
		write(t, world.name+".yaml", fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: %s}
spec:
  seed: 1
  start: %q
  duration: 2h
  inputSeries: [{series: load, values: %q}]
  %s
---
%s`, world.name, monday.Format(time.RFC3339), strings.Join(values, " "), world.spec, policy))
		call(t, "", "simulate", world.name+".yaml", "--out", "out").want(t, exitOK, "")
		replay := world.name + "-replayed"
		call(t, "", "replay", "-f", "ha.yaml", "--recording", "out/"+world.name+"/series.om.gz", "--recording", "load.om",
			"--ready-after", "4m", "--name", replay, "--out", replay).want(t, exitOK, "")
		for _, dir := range []string{"out/" + world.name, replay + "/" + replay} {
			got := decided(t, dir+"/decisions.jsonl")
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s decides another way than the target:\n%s", dir, firstOther(got, want))
			}
		}
		r := told(t, replay+"/"+replay)
		if ran, now := r.figure(t, "recorded", "replica_hours"), r.figure(t, "current", "replica_hours"); !about(now, ran, 0.1) { // recorded counts are known at slots only
			t.Errorf("%s: %v replica-hours, %v were recorded", replay, now, ran)
		}
		call(t, "", "simulate", replay+"/"+replay+"/scenario.yaml", "--out", "again").want(t, exitOK, "")
		for _, file := range []string{"report.json", "scenario.yaml", "decisions.jsonl", "series.om.gz"} {
			if read(t, replay+"/"+replay+"/"+file) != read(t, "again/"+replay+"/"+file) {
				t.Errorf("%s: simulating the scenario that was written gives another %s", replay, file)
			}
		}
		for _, line := range []string{"readyAfter: 4m\n", `ready: max(kube_deployment_status_replicas_ready{deployment="web",namespace="default"})` + "\n"} {
			if text := read(t, replay+"/"+replay+"/scenario.yaml"); !strings.Contains(text, line) {
				t.Errorf("%s: the scenario does not have %q", replay, line)
			}
		}
	}
	if text := strings.Join(want, "\n"); len(want) < 470 || !strings.Contains(text, "ScaledUp") || !strings.Contains(text, "ScaledDown") {
		t.Errorf("%d decisions that scale in one direction or none: the case shows nothing", len(want))
	}
}

// decided are the observed counts and the decision of every slot of a journal.
func decided(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(read(t, path)) {
		var r struct {
			Slot    string
			Scale   json.RawMessage
			Desired int
			Reason  string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s %d %s", r.Slot, r.Scale, r.Desired, r.Reason))
	}
	return out
}

// firstOther shows where two lists differ first.
func firstOther(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return "got  " + got[i] + "\nwant " + want[i]
		}
	}
	return fmt.Sprintf("%d decisions, want %d", len(got), len(want))
}
