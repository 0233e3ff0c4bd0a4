package soak

import (
	"context"
	"strings"
	"testing"
	"time"
)

// retriedCase is restarted at 7 s, 18 s and 84 s, as its seed has it.
const retriedCase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: retried, annotations: {soak/calm: 1m30s, soak/seed: "25"}}
spec:
  seed: SEED
  start: "2026-01-05T08:00:00Z"
  duration: 3m
  controller: {phase: aligned}
  prometheus: {scrapeInterval: 15s}
  interval: 15s
  workloads:
    - {kind: Deployment, apiVersion: apps/v1, namespace: default, name: work-0, replicas: 8, demand: [{constant: 510}, {noise: {percent: 5}}], capacityPerReplica: 50, startup: {min: 5s, max: 40s}, requests: {cpu: 500m}}
  faults: [FAULT]
  edits: [EDITS]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: work-0, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: work-0}
  minReplicas: 3
  maxReplicas: 26
  pollingIntervalSeconds: 5
  metrics: [{prometheus: {query: 'sum(rate(http_requests_total{service="work-0"}[1m]))', target: {type: AverageValue, value: "40"}}}]
`

// TestRestartsAmidRetries has restarts change nothing where slots meet conflicts,
// and leaves out just those that lose a slot.
func TestRestartsAmidRetries(t *testing.T) {
	restart := time.Date(2026, 1, 5, 8, 1, 24, 0, time.UTC)
	for name, c := range map[string]struct {
		reason, fault, edits string
		lost                 bool
	}{
		"Chance":   {"what a write meets does not depend on the calls before", "{at: 1m, probability: 0.9, controller: conflicts}", "", true},
		"OneInTwo": {"nor where most slots are decided at once", "{probability: 0.5, controller: conflicts}", "", false},
		"Edited": {
			"an edit costs the old controller an attempt, and the new one none", "{probability: 0.8, controller: conflicts}",
			"{at: 20s, set: spec.minReplicas=4}, {at: 60s, set: spec.minReplicas=5}, {at: 100s, set: spec.minReplicas=15}, {at: 120s, set: spec.minReplicas=3}", true,
		},
		"Decided": {"the slot at 80 s is decided at 84 s", "{at: 80s, for: 4s, controller: conflicts}", "", true},
		"Before":  {"the slot at 80 s is decided at 83 s", "{at: 80s, for: 3s, controller: conflicts}", "", false},
		"GivenUp": {"the slot at 80 s gives way to the next, with or without a restart", "{at: 80s, for: 5s, controller: conflicts}", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			retried, lost := 0, false
			for _, seed := range []string{"12", "13", "14", "15", "16", "17", "18", "19"} {
				read, err := Read("retried.yaml", []byte(strings.NewReplacer("SEED", seed, "FAULT", c.fault, "EDITS", c.edits).Replace(retriedCase)))
				if err != nil {
					t.Fatal(err)
				}
				run, err := Play(ctx, read, false)
				if err != nil {
					t.Fatal(err)
				}
				retried += len(run.Retried)
				lost = lost || run.deciding(restart)
				if err := restarts(ctx, read, run, Play); err != nil {
					t.Errorf("%s: %v", c.reason, err)
				}
			}
			if lost != c.lost {
				t.Errorf("%s: a restart at 84 s loses a slot is %t, want %t", c.reason, lost, c.lost)
			}
			if retried == 0 && name != "GivenUp" {
				t.Error("no slot is tried again and decided")
			}
		})
	}
}
