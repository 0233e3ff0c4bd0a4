package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// surge is a world whose demand grows tenfold in ten minutes, and autoscalers that
// may add so many replicas a minute.
func surge(name string, autoscalers ...string) string {
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: %s}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 2h
  controller: {phase: aligned}
  workloads:
  - name: web
    replicas: 4
    demand: [{constant: 300}, {ramp: {by: 3000, at: 20m, over: 10m}}, {ramp: {by: -2700, at: 80m, over: 10m}}]
    capacityPerReplica: 100
    saturation: 1.2
    startup: 20s
    requests: {cpu: "1"}
`, name) + strings.Join(autoscalers, "")
}

func surgeAutoscaler(name string, dryRun bool, rate int) string {
	return fmt.Sprintf(`---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: %s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 60
  dryRun: %t
  pollingIntervalSeconds: 15
  behavior: {scaleUp: {policies: [{type: Count, value: %d, periodSeconds: 60}]}}
  metrics:
  - prometheus:
      query: 'sum(rate(container_cpu_usage_seconds_total{pod=~"web-.*"}[1m])) / sum(kube_pod_container_resource_requests{resource="cpu",pod=~"web-.*"})'
      target: {type: Utilization, averageUtilization: 80}
`, name, dryRun, rate)
}

// TestCompareAlone holds that a candidate which could not keep up is judged as it
// would have been by itself, as a run of its own shows, although each decision
// beside the live policy is nearly the live one's.
func TestCompareAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "both.yaml", surge("both", surgeAutoscaler("live", false, 40), surgeAutoscaler("slow", true, 1)))
	write(t, "same.yaml", surge("same", surgeAutoscaler("live", false, 40), surgeAutoscaler("twin", true, 40)))
	write(t, "alone.yaml", surge("alone", surgeAutoscaler("slow", false, 1)))
	call(t, "", "simulate", "both.yaml", "same.yaml", "alone.yaml", "--out", "out").want(t, exitOK, "")
	slow := call(t, "", "compare", "out/both/decisions.jsonl", "ha/slow", "--max-below", "10m", "-o", "json")
	slow.want(t, exitFailed, "default/HorizontalAutoscaler/slow: alone, it lacked capacity for ")
	var got []comparison
	if err := json.Unmarshal([]byte(slow.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if c := got[0]; c.Agreement < 85 || c.BelowMinutes > 10 {
		t.Errorf("agreement %v %%, %v min below: beside the live policy it looks well", c.Agreement, c.BelowMinutes)
	}
	alone, both := figuresIn(t, "out/alone"), figuresIn(t, "out/both")
	for what, c := range map[string]struct{ got, want, percent float64 }{
		"replica-hours":             {got[0].Alone.ReplicaHours, alone.Get("replica_hours"), 1},
		"replica-hours of what ran": {got[0].Alone.RanReplicaHours, both.Get("replica_hours"), 1},
		// A rate over a minute sees the demand half a minute late.
		"breach minutes": {got[0].Alone.BreachMinutes, alone.Get("breach_minutes"), 5},
	} {
		if math.Abs(c.got-c.want) > c.percent/100*c.want {
			t.Errorf("%s: %v, a run of its own gives %v", what, c.got, c.want)
		}
	}
	if a := got[0].Alone; a.Kind != result.Capacity || a.RanBreachMinutes == 0 || a.RanBreachMinutes > 5 {
		t.Errorf("what ran had too few for %v min, by a yardstick of kind %s", a.RanBreachMinutes, a.Kind)
	}
	call(t, "", "compare", "out/same/decisions.jsonl", "ha/twin", "--max-below", "10m").want(t, exitOK, "")
}

// TestCompareAloneConverted holds that what a converted HPA without a behavior, or a
// ScaledObject, is in dry run plays on alone as the same policy does that acts.
func TestCompareAloneConverted(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "objects.yaml", `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: hpa}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 60
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: so}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 0
  maxReplicaCount: 60
  cooldownPeriod: 600
  triggers:
  - {type: prometheus, metadata: {query: 'sum(rate(http_requests_total[1m]))', threshold: "80", activationThreshold: "500"}}
`)
	converted := call(t, "", "convert", "objects.yaml")
	converted.want(t, exitOK, "")
	objects := map[string]string{}
	for _, text := range strings.Split(converted.stdout, "---\n") {
		for _, name := range []string{"hpa", "so"} {
			if strings.Contains(text, "  name: "+name+"\n") {
				objects[name] = "---\n" + text
			}
		}
	}
	for name, holds := range map[string]string{"hpa": "algorithm: HPAWithoutBehavior", "so": "cooldownSeconds: 600"} {
		t.Run(name, func(t *testing.T) {
			text := objects[name]
			if !strings.Contains(text, holds) {
				t.Fatalf("%s was converted without %q:\n%s", name, holds, converted.stdout)
			}
			dry := strings.Replace(text, "\nspec:\n", "\nspec:\n  dryRun: true\n", 1)
			write(t, name+".yaml", surge(name, surgeAutoscaler("live", false, 40), dry))
			write(t, name+"-alone.yaml", surge(name+"-alone", text))
			call(t, "", "simulate", name+".yaml", name+"-alone.yaml", "--out", "out").want(t, exitOK, "")
			got := call(t, "", "compare", "out/"+name+"/decisions.jsonl", "ha/"+name, "-o", "json")
			var c []comparison
			if err := json.Unmarshal([]byte(got.stdout), &c); err != nil || len(c) != 1 {
				t.Fatalf("%v: %+v", err, got)
			}
			if c[0].Alone.Unjudged != "" || c[0].Alone.AloneFigures == nil {
				t.Fatalf("alone, it could not be judged: %+v", c[0].Alone)
			}
			want := figuresIn(t, "out/"+name+"-alone").Get("replica_hours")
			if h := c[0].Alone.ReplicaHours; math.Abs(h-want) > 0.05*want {
				t.Errorf("%v replica-hours, a run of its own gives %v", h, want)
			}
		})
	}
}

// figuresIn are those of a run's current column.
func figuresIn(t *testing.T, dir string) reports.Figures {
	t.Helper()
	text, err := os.ReadFile(dir + "/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Columns []struct {
			Name    string
			Figures reports.Figures
		}
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Columns {
		if c.Name == reports.Current {
			return c.Figures
		}
	}
	t.Fatalf("%s has no current column", dir)
	return nil
}

// TestCompareAloneUnjudged holds that a check of what cannot be known fails, and
// says why.
func TestCompareAloneUnjudged(t *testing.T) {
	t.Chdir(t.TempDir())
	text := strings.Replace(surge("blind", surgeAutoscaler("live", false, 40), surgeAutoscaler("blind", true, 40)), "  controller:", "  faults: [{name: all, at: 0s, for: 2h, metrics: empty}]\n  controller:", 1)
	write(t, "blind.yaml", text)
	call(t, "", "simulate", "blind.yaml", "--out", "out").want(t, exitOK, "")
	got := call(t, "", "compare", "out/blind/decisions.jsonl", "ha/blind", "--max-below", "10m")
	got.want(t, exitFailed, "default/HorizontalAutoscaler/blind: alone, it could not be judged: its metric sum(rate(container_cpu_usage_seconds_total")
	if !strings.Contains(got.stdout, "alone, it could not be judged: ") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
}
