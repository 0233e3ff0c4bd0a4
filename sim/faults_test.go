package sim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faultBase has a demand that triples after five minutes; faults come after it.
const faultBase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: faults}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 20m
  controller: {phase: aligned}
  interval: 1m
  inputSeries:
    - {series: 'load{pod="a"}', values: '10x4 30x20'}
    - {series: 'load{pod="b"}', values: '10x4 30x20'}
  targets: [{kind: Deployment, name: web, replicas: 2}]
  faults: [FAULT]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  pollingIntervalSeconds: 60
  metrics: [{prometheus: {query: sum(load), target: {type: AverageValue, value: 10}}}]
`

func TestFaults(t *testing.T) {
	cases := map[string]struct {
		reason, fault string
		// want is the target's count over time, in minutes; decided the number
		// of slots with a decision.
		want    map[int64]float64
		decided int64
		code    string
	}{
		"None": {
			reason: "without a fault the count follows the demand at once",
			fault:  "", want: map[int64]float64{4: 2, 5: 6}, decided: 20,
		},
		"MetricsDown": {
			reason: "without metrics the count holds, and follows once they are back",
			fault:  "{at: 4m, for: 3m, metrics: down}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "Unavailable",
		},
		"MetricsSlow": {
			reason: "an answer after the timeout is none",
			fault:  "{at: 4m, for: 3m, metrics: slow}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "TimedOut",
		},
		"MetricsEmpty": {
			reason: "no sample holds",
			fault:  "{at: 4m, for: 3m, metrics: empty}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "Empty",
		},
		"MetricsNaN": {
			reason: "NaN holds",
			fault:  "{at: 4m, for: 3m, metrics: nan}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "NaN",
		},
		"MetricsDuplicated": {
			reason: "a sum counts everything twice; what it asked for stays in the window",
			fault:  "{at: 4m, for: 3m, metrics: duplicated}", want: map[int64]float64{4: 4, 6: 12, 10: 12, 11: 6}, decided: 20,
		},
		"MetricsStale": {
			reason: "the last answer is taken for the present one",
			fault:  "{at: 4m, for: 3m, metrics: stale}", want: map[int64]float64{6: 2, 7: 6}, decided: 20,
		},
		"MetricsLate": {
			reason: "what arrives two minutes late is seen two minutes late",
			fault:  "{at: 4m, for: 10m, metrics: late, delay: 2m}", want: map[int64]float64{6: 2, 7: 6}, decided: 20,
		},
		"MetricsPartial": {
			reason: "a missing half makes the sum smaller",
			fault:  "{at: 4m, metrics: partial, fraction: 1, series: 'load{pod=\"a\"}'}", want: map[int64]float64{4: 2, 5: 3}, decided: 20,
		},
		"OtherQuery": {
			reason: "a fault of one query leaves the other one, which asks for more, alone",
			fault:  "{at: 4m, for: 3m, metrics: down, query: max}", want: map[int64]float64{4: 2, 5: 6}, decided: 20, code: "Unavailable",
		},
		"Restart": {
			reason: "a new controller goes on where the store is",
			fault:  "{at: 5m, controller: restart, object: ha/web}", want: map[int64]float64{4: 2, 5: 6}, decided: 20,
		},
		"RestartByChance": {
			reason: "restarts before every slot change nothing",
			fault:  "{probability: 1, controller: restart}", want: map[int64]float64{4: 2, 5: 6}, decided: 20,
		},
		"LeaderChange": {
			reason: "nobody decides until the lease is over",
			fault:  "{at: 290s, controller: leaderChange}", want: map[int64]float64{5: 2, 6: 6}, decided: 19,
		},
		"LeaderChangeByChance": {
			reason: "nobody decides until the lease is over, also where chance takes the leader",
			fault:  "{at: 5m, for: 1m, probability: 1, controller: leaderChange}", want: map[int64]float64{5: 2, 6: 6}, decided: 19,
		},
		"Skipped": {
			reason: "slots that pass are not made up for",
			fault:  "{at: 5m, for: 2m, controller: skipped}", want: map[int64]float64{6: 2, 7: 6}, decided: 18,
		},
		"Conflicts": {
			reason: "what cannot be committed is not decided",
			fault:  "{at: 5m, for: 2m, controller: conflicts}", want: map[int64]float64{6: 2, 7: 6}, decided: 18,
		},
		"TargetForbidden": {
			reason: "a write that is refused is tried again at the next slot",
			fault:  "{at: 5m, for: 2m, target: forbidden}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "Forbidden",
		},
		"TargetConflict": {
			reason: "a conflict that does not go away is tried again at the next slot",
			fault:  "{at: 5m, for: 2m, target: conflict, object: deploy/web}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "Conflict",
		},
		"TargetTimeout": {
			reason: "a write that was not done is tried again at the next slot",
			fault:  "{at: 5m, for: 2m, target: timeout}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "TimedOut",
		},
		"TargetUnreadable": {
			reason: "without the scale nothing is decided",
			fault:  "{at: 5m, for: 2m, target: unreadable}", want: map[int64]float64{6: 2, 7: 6}, decided: 20, code: "TargetUnavailable",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(faultBase, "FAULT", c.fault, 1)
			if name == "OtherQuery" {
				text = strings.Replace(text, "metrics: [", "metrics: [{prometheus: {query: max(load), target: {type: AverageValue, value: 1000}}}, ", 1)
			}
			result, decisions := playText(t, text)
			got := map[int64]float64{}
			for minute := range c.want {
				got[minute] = result.Objects[0].Spec.At(result.Objects[0].Spec.T[0] + 60*minute)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: counts by minute, -want +got:\n%s", c.reason, diff)
			}
			if result.Records != c.decided {
				t.Errorf("%s: %d decisions, want %d", c.reason, result.Records, c.decided)
			}
			if c.code != "" && !strings.Contains(decisions, `"`+c.code+`"`) {
				t.Errorf("%s: the journal has no %s", c.reason, c.code)
			}
			if c.fault != "" && len(result.Faults) != 1 {
				t.Errorf("%s: faults %v, want one", c.reason, result.Faults)
			}
		})
	}
}

func TestLeaderChangeByChance(t *testing.T) {
	text := strings.Replace(faultBase, "FAULT", "{at: 5m, for: 1s, probability: 1, controller: leaderChange}", 1)
	result, decisions := playText(t, strings.Replace(text, "pollingIntervalSeconds: 60", "pollingIntervalSeconds: 5", 1))
	if result.Records != 237 {
		t.Errorf("%d decisions, want all 240 but those in the 15 s of the lease", result.Records)
	}
	if strings.Contains(decisions, `"missed"`) {
		t.Error("the next leader remembers the slots of the one before")
	}
}

// What hangs is Prometheus: its last answer outlives the controller that asked.
func TestStaleAnswerOutlivesRestart(t *testing.T) {
	_, decisions := playText(t, strings.Replace(faultBase, "FAULT", "{at: 4m, for: 4m, metrics: stale}, {at: 5m, controller: restart}", 1))
	for _, line := range lines(decisions)[4:8] {
		if !strings.Contains(line, `"value":20,`) {
			t.Errorf("want the answer from before the fault in %s", line)
		}
	}
}

func TestFaultByChance(t *testing.T) {
	text := strings.Replace(faultBase, "FAULT", "{probability: 0.5, metrics: down}", 1)
	_, first := playText(t, text)
	_, second := playText(t, text)
	if first != second {
		t.Error("the same seed gives other faults")
	}
	hit := strings.Count(first, `"Unavailable"`)
	if hit == 0 || hit == len(lines(first)) {
		t.Errorf("%d of %d decisions are hit with probability 0.5", hit, len(lines(first)))
	}
	_, other := playText(t, strings.Replace(text, "seed: 3", "seed: 4", 1))
	if first == other {
		t.Error("another seed gives the same faults")
	}
}
