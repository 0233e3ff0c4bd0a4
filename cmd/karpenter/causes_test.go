package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An incident is six hours of a service of which one replica serves 100 a second.
// Demand is load; the policy reads rps, the same unless seen says otherwise.
type incident struct {
	load, seen    func(at time.Duration) float64
	target        float64
	query         string // sum(rps) if empty
	interval, max int    // 15 and 40 if zero
	up, down      string // of the behavior
	readyAfter    string // 0s if empty
	start         int    // replicas at the start, 6 at least
	flags         []string
}

// play returns the breach minutes of an incident and its minutes by cause.
func (c incident) play(t *testing.T, name string) (breach float64, byCause map[string]float64) {
	t.Helper()
	or := func(text, other string) string {
		if text == "" {
			return other
		}
		return text
	}
	if c.seen == nil {
		c.seen = c.load
	}
	if c.interval == 0 {
		c.interval = 15
	}
	if c.max == 0 {
		c.max = 40
	}
	write(t, name+".yaml", fmt.Sprintf(`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: %d
  pollingIntervalSeconds: %d
  metrics:
  - prometheus: {query: '%s', target: {type: AverageValue, averageValue: %v}}
  behavior:
    scaleUp: {%s}
    scaleDown: {%s}
`, c.max, c.interval, or(c.query, "sum(rps)"), c.target, c.up, or(c.down, "stabilizationWindowSeconds: 300")))
	loads := openMetrics("load", 6*time.Hour, c.load)
	seen := openMetrics("rps", 6*time.Hour, c.seen)
	write(t, name+".om", loads+seen+"# EOF\n")
	args := []string{"replay", "-q", "-f", name + ".yaml", "--recording", name + ".om", "--ready-after", or(c.readyAfter, "0s"),
		"--demand", "sum(load)", "--capacity", "100", "--target", fmt.Sprintf("Deployment/web=%d", max(c.start, 6)), "--out", name}
	call(t, "", append(args, c.flags...)...).want(t, exitOK, "")
	run := told(t, filepath.Join(name, "web"))
	return run.Columns[0].Figures["breach_minutes"], run.byCause()
}

// byCause are the minutes of the first autoscaler by cause.
func (r *toldRun) byCause() map[string]float64 {
	out := map[string]float64{}
	for _, b := range r.Columns[0].Objects[0].Causes {
		out[b.Cause] += b.Seconds / 60
	}
	return out
}

// stepDemand is 780, and 1080 from 1:00 to 3:00.
func stepDemand(at time.Duration) float64 {
	return 780 + 300*min(max((at.Hours()-1)*10, 0), 1) - 300*min(max((at.Hours()-3)*4, 0), 1)
}

// hillDemand goes from 400 to 1,000 and back, three times.
func hillDemand(at time.Duration) float64 {
	return 700 - 300*math.Cos(2*math.Pi*at.Hours()/2)
}

// sawDemand is 1,000 and 400 in turn, 5 min each, from 1:05 on.
func sawDemand(at time.Duration) float64 {
	if minutes := int(at.Minutes()); minutes >= 65 && minutes < 270 && minutes/5%2 == 1 {
		return 1000
	}
	return 400
}

// jumpsDemand doubles at :20 of each hour for 30 min.
func jumpsDemand(at time.Duration) float64 {
	if minutes := int(at.Minutes()) % 60; minutes >= 20 && minutes < 50 {
		return 1200
	}
	return 600
}

// rareDemand doubles at 1:00 for an hour, and at 4:00.
func rareDemand(at time.Duration) float64 {
	if h := int(at.Hours()); h == 1 || h == 4 {
		return 1200
	}
	return 600
}

// gapDemand is jumpsDemand with half an hour missing about its second jump.
func gapDemand(at time.Duration) float64 {
	if at >= 74*time.Minute && at < 105*time.Minute {
		return math.NaN()
	}
	return jumpsDemand(at)
}

// What is given to a cause is what vanishes with it: the same incident is played
// again, cured of that cause alone.
func TestCausesVanishWithTheirCure(t *testing.T) {
	cases := map[string]struct {
		reason, cause string
		with, cured   incident
	}{
		"Tolerance":      {"a tolerance of 0.5 hides a rise of 38 %", "tolerance", incident{load: stepDemand, target: 100, up: "tolerance: 0.5"}, incident{load: stepDemand, target: 100}},
		"ToleranceOfHPA": {"a tenth of a few replicas is half of one, and it is hidden on all of a slow rise", "tolerance", incident{load: hillDemand, target: 100, up: "tolerance: 0.1", readyAfter: "2m"}, incident{load: hillDemand, target: 100, readyAfter: "2m"}},
		"Target":         {"a replica is to serve 130 and can serve 100", "target", incident{load: hillDemand, target: 130}, incident{load: hillDemand, target: 80}},
		"ScaleDown":      {"what was taken away is needed again within five minutes", "scaled down too early", incident{load: sawDemand, target: 80, down: "stabilizationWindowSeconds: 0", readyAfter: "2m"}, incident{load: sawDemand, target: 80, down: "stabilizationWindowSeconds: 900", readyAfter: "2m"}},
		"Bound":          {"12 are needed, 9 allowed", "bound", incident{load: jumpsDemand, target: 80, max: 9}, incident{load: jumpsDemand, target: 80}},
		"Rate":           {"one replica a minute", "rate", incident{load: jumpsDemand, target: 80, up: "policies: [{type: Pods, value: 1, periodSeconds: 60}]"}, incident{load: jumpsDemand, target: 80}},
		"Stabilization":  {"ten minutes' lowest recommendation counts", "stabilization", incident{load: jumpsDemand, target: 80, up: "stabilizationWindowSeconds: 600"}, incident{load: jumpsDemand, target: 80}},
		"StartUp":        {"replicas serve six minutes after they are asked for", "start-up", incident{load: jumpsDemand, target: 80, readyAfter: "6m"}, incident{load: jumpsDemand, target: 80}},
		"QueryRange":     {"a mean over 15 minutes shows a jump late", "metric lag", incident{load: rareDemand, target: 80, query: "avg_over_time(rps[15m])"}, incident{load: rareDemand, target: 80}},
		"Polling":        {"the slot comes up to five minutes after the jump", "metric lag", incident{load: jumpsDemand, target: 80, interval: 300}, incident{load: jumpsDemand, target: 80}},
		"MissingData":    {"the metric is gone while demand doubles", "missing data", incident{load: jumpsDemand, seen: gapDemand, target: 80}, incident{load: jumpsDemand, target: 80}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			with, byCause := c.with.play(t, "with")
			cured, _ := c.cured.play(t, "cured")
			vanished := with - cured
			if vanished < 10 {
				t.Fatalf("%s: %v min with it, %v without: the incident shows nothing", c.reason, with, cured)
			}
			if got := byCause[c.cause]; got < 0.9*vanished || got > 1.1*vanished {
				t.Errorf("%s: %.1f min given to %s, %.1f vanish without it; all: %v", c.reason, got, c.cause, vanished, byCause)
			}
			if unexplained := byCause["not explained"]; unexplained > 0.01*with {
				t.Errorf("%s: %.1f min are not explained", c.reason, unexplained)
			}
		})
	}
}

// Of two causes in one run, what vanishes with each alone is given to it.
func TestCausesInMixtures(t *testing.T) {
	// A rise by 38 % from 0:30 to 2:30, and a doubling from 4:00 to 5:00.
	riseAndDouble := func(at time.Duration) float64 {
		switch m := at.Minutes(); {
		case m >= 30 && m < 150:
			return 1080
		case m >= 240 && m < 300:
			return 1560
		}
		return 780
	}
	// Up and down every five minutes until 4:30, and far more from 5:00 to 5:40.
	sawAndPeak := func(at time.Duration) float64 {
		if m := at.Minutes(); m >= 300 && m < 340 {
			return 2000
		}
		return sawDemand(at)
	}
	cases := map[string]struct {
		reason string
		with   incident
		cured  map[string]incident
	}{
		"ToleranceAndStartUp": {
			"the first rise is hidden by a tolerance, the second waits for replicas to start",
			incident{load: riseAndDouble, target: 100, up: "tolerance: 500m", readyAfter: "5m", start: 8},
			map[string]incident{
				"tolerance": {load: riseAndDouble, target: 100, readyAfter: "5m", start: 8},
				"start-up":  {load: riseAndDouble, target: 100, up: "tolerance: 500m", start: 8},
			},
		},
		"ScaleDownAndBound": {
			"replicas are given up too early for hours, and a peak needs more than is allowed",
			incident{load: sawAndPeak, target: 80, max: 15, down: "stabilizationWindowSeconds: 0", readyAfter: "2m"},
			map[string]incident{
				"scaled down too early": {load: sawAndPeak, target: 80, max: 15, down: "stabilizationWindowSeconds: 900", readyAfter: "2m"},
				"bound":                 {load: sawAndPeak, target: 80, down: "stabilizationWindowSeconds: 0", readyAfter: "2m"},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			with, byCause := c.with.play(t, "with")
			for cause, cured := range c.cured {
				left, _ := cured.play(t, "without-"+strings.ReplaceAll(cause, " ", "-"))
				if vanished := with - left; vanished < 4 || byCause[cause] < 0.9*vanished || byCause[cause] > 1.1*vanished {
					t.Errorf("%s: %.1f min given to %s, %.1f vanish without it; all: %v", c.reason, byCause[cause], cause, vanished, byCause)
				}
			}
		})
	}
}

// Pods that find no node are named as that, with the group that they wait for.
func TestCauseNoNode(t *testing.T) {
	t.Chdir(t.TempDir())
	const scenario = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: friday}
spec:
  seed: 1
  start: "2026-11-20T17:00:00Z"
  duration: 1h30m
  workloads:
  - name: web
    replicas: 6
    demand: [{constant: 400}, {spike: {by: 1200, at: 20m, rise: 2m, for: 30m, fall: 5m}}, {noise: {percent: 5}}]
    capacityPerReplica: 100
    startup: {p50: 30s, p95: 90s}
    requests: {cpu: 1, memory: 1Gi}
  nodeGroups:
  - {name: workers, nodes: NODES, max: 10, boot: {p50: 90s, p95: 3m}, allocatable: {cpu: 4, memory: 16Gi, pods: 58}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 4
  maxReplicas: 30
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers}
spec: {type: AWSEKSNodeGroup, id: "arn:aws:eks:us-west-2:1234567890:nodegroup/prod/workers/x", replicas: NODES}
`
	breach := map[string]float64{}
	for _, nodes := range []string{"3", "10"} {
		write(t, nodes+".yaml", strings.ReplaceAll(scenario, "NODES", nodes))
		call(t, "", "simulate", "-q", nodes+".yaml", "--out", nodes).want(t, exitOK, "")
		report := told(t, filepath.Join(nodes, "friday"))
		breach[nodes] = report.Columns[0].Figures["breach_minutes"]
		if nodes == "10" {
			continue
		}
		if !strings.Contains(report.Headline, "pods pending without a node (workers: 3 nodes, scaled by nobody)") {
			t.Errorf("headline: %s", report.Headline)
		}
		for _, b := range report.Columns[0].Objects[0].Causes {
			breach[b.Cause] += b.Seconds / 60
		}
	}
	if vanished := breach["3"] - breach["10"]; breach["no node"] < 0.9*vanished || breach["no node"] > 1.1*vanished {
		t.Errorf("%.1f min given to no node, %.1f vanish with ten nodes", breach["no node"], vanished)
	}
}
