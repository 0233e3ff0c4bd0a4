package sim

import (
	"fmt"
	"strings"
	"testing"
)

// edited is a scenario with a target and a workload that one edit changes.
func edited(edit string) string {
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: edited}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 5m
  controller: {phase: aligned}
  inputSeries: [{series: load, values: '100x40'}]
  targets: [{kind: Deployment, namespace: shop, name: web, replicas: 10}]
  workloads: [{namespace: shop, name: api, replicas: 2, demand: [{constant: 1}], capacityPerReplica: 1}]
  edits: [%s]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {namespace: shop, name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 50
  metrics: [{prometheus: {query: load, target: {type: AverageValue, value: 10}}}]
`, edit)
}

// TestTargetEdits sets replicas of targets and workloads as somebody does who is no
// autoscaler, and refuses what nobody could set.
func TestTargetEdits(t *testing.T) {
	cases := map[string]struct{ reason, edit, want string }{
		"Target":    {"the next decision finds it, and puts it right", `{at: 1m5s, object: shop/deploy/web, set: spec.replicas=4}`, ""},
		"Workload":  {"so it is with pods", `{at: 1m5s, object: shop/deploy/api, set: {spec.replicas: 4}}`, ""},
		"Again":     {"somebody who resets it each time", `{at: 1m5s, every: 1m, object: shop/deploy/web, set: spec.replicas=4}`, ""},
		"Misspelt":  {"the name that was meant", `{at: 1m, object: shop/deploy/wbe, set: spec.replicas=4}`, "spec.edits[0].object: the run has no shop/deploy/wbe; did you mean shop/Deployment/web?"},
		"Unknown":   {"or which there are", `{at: 1m, object: deploy/other, set: spec.replicas=4}`, "spec.edits[0].object: the run has no deploy/other; its targets are shop/Deployment/api, shop/Deployment/web"},
		"Status":    {"what a controller writes, no hand sets", `{at: 1m, object: shop/deploy/web, set: status.replicas=4}`, "status cannot be set"},
		"Image":     {"of a target there is only its count", `{at: 1m, object: shop/deploy/web, set: spec.template.spec.containers=4}`, "spec.template: unknown field"},
		"Negative":  {"no count", `{at: 1m, object: shop/deploy/web, set: spec.replicas=-1}`, "want 0 or more, got -1"},
		"Null":      {"a count that is taken away would be one of the API server's choice", `{at: 1m, object: shop/deploy/web, set: spec.replicas=null}`, "only spec.replicas can be set, to a number"},
		"ManyPods":  {"a workload is simulated pod by pod", `{at: 1m, object: shop/deploy/api, set: spec.replicas=30001}`, "at most 30000"},
		"LateAgain": {"repetitions end with the run", `{at: 4m59s, every: 1s, object: shop/deploy/web, set: spec.replicas=4}`, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			file := loadText(t, edited(tc.edit))
			in, autoscalers := openFile(t, file)
			_, err := in.Play(t.Context(), autoscalers, Options{})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s: got %v, want %q", tc.reason, err, tc.want)
			}
		})
	}
	_, decisions := playText(t, edited(`{at: 1m5s, every: 1m, for: 2m, object: shop/deploy/web, set: spec.replicas=4}`))
	var resets []string
	for _, line := range lines(decisions) {
		if strings.Contains(line, `"spec":4`) {
			resets = append(resets, line)
		}
	}
	if len(resets) != 2 || !strings.Contains(resets[0], "08:01:10Z") || !strings.Contains(resets[1], "08:02:10Z") {
		t.Errorf("two resets are found at the slots after them; got %q", resets)
	}
}
