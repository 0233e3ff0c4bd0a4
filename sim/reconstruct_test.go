package sim

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// recordedBase serves a demand with a policy; its series are the recording of
// the next run.
const recordedBase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: recorded}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 30m
  controller: {phase: aligned}
RECORDING
  workloads:
    - name: web
      replicas: 4
      demand: DEMAND
      capacityPerReplica: 100
      requests: {cpu: "1"}
QUEUE
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: MIN
  maxReplicas: MAX
  metrics: [{prometheus: {query: 'sum(rate(http_requests_total{service="web"}[1m]))', target: {type: AverageValue, value: 50}}}]
`

// recordedText fills in the parts that are given, and defaults for the others:
// the first pair of a name counts.
func recordedText(parts ...string) string {
	defaults := []string{"RECORDING\n", "", "QUEUE", "", "MIN", "2", "MAX", "30"}
	return strings.NewReplacer(slices.Concat(parts, defaults)...).Replace(recordedBase)
}

// record plays a scenario and returns what its demand was and what a recording
// says of its utilization, replicas and queue, as inputSeries every 15 s.
func record(t *testing.T, text string) (demand []float64, series string) {
	t.Helper()
	in, autoscalers := openFile(t, loadText(t, text))
	var out bytes.Buffer
	if _, err := in.Play(t.Context(), autoscalers, Options{Series: &out}); err != nil {
		t.Fatal(err)
	}
	read := func(name, label string) []float64 { return values(t, out.String(), name, label) }
	demand = read("simulation_demand", `name="web"`)
	served := read("http_requests_total", `code="200"`)
	ready := read("kube_deployment_status_replicas_ready", `deployment="web"`)
	waiting := read("queue_length", `queue="web"`)
	var utilization, replicas, queue strings.Builder
	for i := range ready {
		// What was served in the interval from here on, as a rate would say.
		rate := 0.0
		if i+1 < len(served) {
			rate = (served[i+1] - served[i]) / 15
		}
		fmt.Fprintf(&utilization, "%v ", rate/ready[i]/100)
		fmt.Fprintf(&replicas, "%v ", ready[i])
		if waiting != nil && i+1 < len(waiting) {
			fmt.Fprintf(&queue, "%v ", waiting[i+1])
		}
	}
	series = fmt.Sprintf("  inputSeries:\n    - {series: recorded_utilization, values: '%s'}\n    - {series: recorded_replicas, values: '%s'}\n", utilization.String(), replicas.String())
	if waiting != nil {
		series += fmt.Sprintf("    - {series: recorded_queue, values: '%s'}\n", queue.String())
	}
	return demand, series
}

// values are a series' samples every 15 s over half an hour.
func values(t *testing.T, text, name, label string) []float64 {
	t.Helper()
	var got []float64
	start := 1767600000.0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, name+"{") || !strings.Contains(line, label) {
			continue
		}
		var value, at float64
		if _, err := fmt.Sscan(line[strings.LastIndex(line, "}")+1:], &value, &at); err != nil {
			t.Fatal(err)
		}
		for float64(len(got))*15 < at-start { // what did not change is not written
			got = append(got, got[len(got)-1])
		}
		got = append(got, value)
	}
	return got
}

func TestReconstruction(t *testing.T) {
	cases := map[string]struct {
		reason string
		given  []string
		term   string
		// tolerance is how far the reconstructed demand may be off, but for a
		// share of the instants.
		tolerance, share float64
		note             string
	}{
		"Unsaturated": {
			reason: "what was never saturated is known exactly",
			given:  []string{"DEMAND", "[{constant: 200}, {step: {by: 100, at: 10m}}]"},
			term:   "{utilization: recorded_utilization, replicas: recorded_replicas}", tolerance: 1e-6,
			note: "fit: web runs 0.0",
		},
		"Queue": {
			reason: "what waited is found again in the queue",
			given:  []string{"DEMAND", "[{constant: 200}, {step: {by: 1000, at: 10m, for: 3m}}]", "QUEUE", "      queue: {}"},
			term:   "{utilization: recorded_utilization, replicas: recorded_replicas, queue: recorded_queue}", tolerance: 1e-6, share: 0.02,
			note: "fit: web runs",
		},
		"Saturated": {
			reason: "what was refused is lost, and the report says for how long",
			given:  []string{"DEMAND", "[{constant: 200}, {step: {by: 1000, at: 10m, for: 3m}}]", "MAX", "4"},
			term:   "{utilization: recorded_utilization, replicas: recorded_replicas}", tolerance: 1e-6, share: 0.11,
			note: "for 3 minutes (10 % of the run) recorded_utilization was 0.95 or more",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			demand, series := record(t, recordedText(c.given...))
			again := append([]string{"RECORDING\n", series, "DEMAND", "[{recorded: " + c.term + "}]"}, c.given...)
			text := recordedText(again...)
			in, autoscalers := openFile(t, loadText(t, text))
			var out bytes.Buffer
			result, err := in.Play(t.Context(), autoscalers, Options{Series: &out})
			if err != nil {
				t.Fatal(err)
			}
			rebuilt := values(t, out.String(), "simulation_demand", `name="web"`)
			off := 0
			for i := range len(demand) - 1 {
				if math.Abs(demand[i]-rebuilt[i]) > c.tolerance*(1+demand[i]) {
					off++
				}
			}
			if float64(off) > c.share*float64(len(demand)) {
				t.Errorf("%s: %d of %d instants are off:\n%v\n%v", c.reason, off, len(demand), demand, rebuilt)
			}
			if notes := strings.Join(result.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("%s: the notes do not say %q:\n%s", c.reason, c.note, notes)
			}
		})
	}
}
