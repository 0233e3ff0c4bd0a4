package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// fix finds what lifting a limit gains in a run.
func (r *toldRun) fix(t *testing.T, limit result.Limit) result.Fix {
	t.Helper()
	for _, f := range r.Columns[0].Objects[0].Fixes {
		if f.Limit == limit {
			return f
		}
	}
	t.Fatalf("no fix of %s in %+v; headline: %s", limit, r.Columns[0].Objects[0].Fixes, r.Headline)
	return result.Fix{}
}

// What a fix is said to gain is what the run has in which it is made by hand: by a
// variant where a policy can say it, else in the world.
func TestFixesAreWhatTheyGain(t *testing.T) {
	cases := map[string]struct {
		reason string
		limit  result.Limit
		with   incident
		// fixed is the incident with the fix; the assignments of the fix are played
		// as a variant where it is nil.
		fixed *incident
		// within is by how much the minutes may differ: what a metric shows of the
		// instant is learned from the run.
		within float64
	}{
		"Bound":         {"12 are needed, 9 allowed", result.MaxReplicas, incident{load: jumpsDemand, target: 80, max: 9}, nil, 0},
		"Rate":          {"one replica a minute", result.RatePolicies, incident{load: jumpsDemand, target: 80, up: "policies: [{type: Pods, value: 1, periodSeconds: 60}]"}, nil, 0},
		"Disabled":      {"the way up is disabled", result.RatePolicies, incident{load: jumpsDemand, target: 80, up: "selectPolicy: Disabled"}, nil, 0},
		"Stabilization": {"ten minutes' lowest recommendation counts", result.ScaleUpWindow, incident{load: jumpsDemand, target: 80, up: "stabilizationWindowSeconds: 600"}, nil, 0},
		"ScaleDown":     {"what was taken away is needed again within five minutes", result.ScaleDownWindow, incident{load: sawDemand, target: 80, down: "stabilizationWindowSeconds: 0", readyAfter: "2m"}, nil, 0},
		"Tolerance":     {"a tolerance of 0.5 hides a rise of 38 %", result.UpTolerance, incident{load: stepDemand, target: 100, up: "tolerance: 500m"}, nil, 0},
		"Target":        {"a replica is to serve 130 and can serve 100", result.MetricTarget, incident{load: hillDemand, target: 130}, nil, 0},
		"Polling":       {"the slot comes up to five minutes after the jump", result.Polling, incident{load: jumpsDemand, target: 80, interval: 300}, nil, 0},
		"StartUp":       {"replicas serve six minutes after they are asked for", result.StartUp, incident{load: jumpsDemand, target: 80, readyAfter: "6m"}, &incident{load: jumpsDemand, target: 80}, 0},
		"QueryRange":    {"a mean over 15 minutes shows a jump late", result.Metrics, incident{load: rareDemand, target: 80, query: "avg_over_time(rps[15m])"}, &incident{load: rareDemand, target: 80, query: "sum(rps) or avg_over_time(rps[15m])"}, 0.5},
		"MissingData":   {"the metric is gone while demand doubles", result.Metrics, incident{load: jumpsDemand, seen: gapDemand, target: 80}, &incident{load: jumpsDemand, target: 80}, 0.5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			breach, _ := c.with.play(t, "with")
			run := told(t, "with/web")
			f := run.fix(t, c.limit)
			hours := run.Columns[0].Figures["replica_hours"]
			var byHand float64
			var hoursByHand float64
			if c.fixed != nil {
				byHand, _ = c.fixed.play(t, "fixed")
				hoursByHand = told(t, "fixed/web").Columns[0].Figures["replica_hours"]
			} else {
				c.with.flags = []string{"--variant", "fixed=" + strings.Join(f.Set, ","), "--what-if", "off"}
				c.with.play(t, "fixed")
				fixed := told(t, "fixed/web").Columns[1].Figures
				byHand, hoursByHand = fixed["breach_minutes"], fixed["replica_hours"]
			}
			if left := float64(f.Alone.Seconds) / 60; math.Abs(left-byHand) > c.within+1e-9 {
				t.Errorf("%s: %v min left are predicted, %v are left with the fix", c.reason, left, byHand)
			}
			if got, want := f.Alone.MoreHours, hoursByHand-hours; math.Abs(got-want) > 1e-9+c.within*hours/50 {
				t.Errorf("%s: %v replica-hours more are predicted, it takes %v", c.reason, got, want)
			}
			if byHand > 0.5*breach {
				t.Errorf("%s: %v of %v min are left: the incident shows nothing", c.reason, byHand, breach)
			}
		})
	}
}

// A bound that suffices is the smallest that does, and each fix in turn is the run
// with it and those before.
func TestFixesInTurn(t *testing.T) {
	t.Chdir(t.TempDir())
	c := incident{load: jumpsDemand, target: 80, max: 9, readyAfter: "6m", up: "policies: [{type: Pods, value: 2, periodSeconds: 60}]"}
	c.play(t, "with")
	run := told(t, "with/web")
	fixes := run.Columns[0].Objects[0].Fixes
	if len(fixes) < 3 || fixes[0].Turn != 1 || fixes[1].Turn != 2 || fixes[2].Turn != 3 {
		t.Fatalf("three limits in turn, of which the first hides the others: %+v", fixes)
	}
	var set []string
	ready := "6m"
	for i, f := range fixes {
		if f.Turn != i+1 {
			break
		}
		if f.Limit == result.StartUp {
			ready = "0s"
		} else if f.Then.Value != 0 {
			set = append(set, fmt.Sprintf("spec.maxReplicas=%v", f.Then.Value))
		} else {
			set = append(set, f.Set...)
		}
		hand := c
		hand.readyAfter = ready
		column := 0
		if len(set) > 0 {
			hand.flags, column = []string{"--variant", "fixed=" + strings.Join(set, ",")}, 1
		}
		name := fmt.Sprint("turn", i)
		hand.play(t, name)
		if got, want := float64(f.Then.Seconds)/60, told(t, filepath.Join(name, "web")).Columns[column].Figures["breach_minutes"]; math.Abs(got-want) > 1e-9 {
			t.Errorf("turn %d, %s: %v min are predicted, %v are left", f.Turn, f.Limit, got, want)
		}
	}
	bound := incident{load: jumpsDemand, target: 80, max: 9}
	left, _ := bound.play(t, "bound")
	more := told(t, "bound/web")
	f := more.fix(t, result.MaxReplicas)
	bound.max = int(f.Value) - 1
	if fewer, _ := bound.play(t, "fewer"); f.Value != 12 || fewer <= float64(f.Alone.Seconds)/60 {
		t.Errorf("12 are needed: %v suffices, and with one less %v min are left", f.Value, fewer)
	}
	if want := fmt.Sprintf("maxReplicas 12 alone would have left %d of %.0f min.", (f.Alone.Seconds+30)/60, left); !strings.HasSuffix(more.Headline, want) {
		t.Errorf("headline %q, want it to end with %q", more.Headline, want)
	}
}

// friday is an hour and a half in a world with nodes, in which PART goes wrong.
const friday = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: friday}
spec:
  seed: 1
  start: "2026-11-20T17:00:00Z"
  duration: 1h30m
  controller: {phase: aligned}
  workloads:
  - name: web
    replicas: %d
    demand: [{constant: 400}, {spike: {by: 1200, at: 20m, rise: 2m, for: 30m, fall: 5m}}]
    capacityPerReplica: 100
    startup: 20s
    requests: {cpu: 1, memory: 1Gi}
  nodeGroups:
  - {name: workers, nodes: %d, %s}
  faults: [%s]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 4
  maxReplicas: 30
  pollingIntervalSeconds: 15
  %s
  metrics:
  - prometheus: {query: 'sum(rate(http_requests_total{service="web"}[1m]))', target: {type: AverageValue, averageValue: 80}}
%s
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers}
spec: {type: AWSEKSNodeGroup, id: "arn:aws:eks:us-west-2:1234567890:nodegroup/prod/workers/x", replicas: %[2]d}
`

// Of the limits of the world, too, what a fix gains is what the run with it has.
func TestFixesOfTheWorld(t *testing.T) {
	const room, rival = "allocatable: {cpu: 4, memory: 16Gi, pods: 58}", `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: xeb}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 4
  maxReplicas: 30
  DRY
  metrics:
  - prometheus: {query: 'sum(rate(http_requests_total{service="web"}[1m]))', target: {type: AverageValue, averageValue: 80}}`
	type world struct {
		replicas, nodes           int
		group, faults, own, other string
	}
	cases := map[string]struct {
		reason      string
		limit       result.Limit
		with, fixed world
	}{
		"NoNode":      {"three nodes have room for 12 pods", result.Nodes, world{6, 3, room, "", "", ""}, world{6, 3, "boot: 0s", "", "", ""}},
		"MissedSlots": {"nobody decides from 17:15 to 17:45", result.MissedSlots, world{6, 10, room, "{controller: skipped, at: 15m, for: 30m}", "", ""}, world{6, 10, room, "", "", ""}},
		"Refusals":    {"writes are refused from 17:15 to 17:45", result.Refusals, world{6, 10, room, "{target: forbidden, at: 15m, for: 30m}", "", ""}, world{6, 10, room, "", "", ""}},
		"Disruption":  {"four of seven nodes are lost at 17:35 and boot for ten minutes", result.Disruption, world{6, 7, room + ", boot: 10m", "{nodes: lost, at: 35m, count: 4}", "", ""}, world{6, 7, room + ", boot: 10m", "", "", ""}},
		"DryRun":      {"nothing is carried out", result.DryRun, world{6, 10, room, "", "dryRun: true", ""}, world{6, 10, room, "", "", ""}},
		"Rivals":      {"two act on one target and both hold", result.Rivals, world{6, 10, room, "", "", strings.Replace(rival, "DRY", "dryRun: false", 1)}, world{6, 10, room, "", "", strings.Replace(rival, "DRY", "dryRun: true", 1)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var runs []toldRun
			for i, w := range []world{c.with, c.fixed} {
				dir := fmt.Sprint("run", i)
				write(t, dir+".yaml", fmt.Sprintf(friday, w.replicas, w.nodes, w.group, w.faults, w.own, w.other))
				call(t, "", "simulate", "-q", dir+".yaml", "--out", dir).want(t, exitOK, "")
				runs = append(runs, told(t, filepath.Join(dir, "friday")))
			}
			f := runs[0].fix(t, c.limit)
			left, breach := runs[1].Columns[0].Figures["breach_minutes"], runs[0].Columns[0].Figures["breach_minutes"]
			if got := float64(f.Alone.Seconds) / 60; got != left {
				t.Errorf("%s: %v min left are predicted, %v are left with the fix", c.reason, got, left)
			}
			if left > 0.5*breach {
				t.Errorf("%s: %v of %v min are left: the incident shows nothing", c.reason, left, breach)
			}
		})
	}
}

// What a fix would gain is told of no run that may not be ranked, and refused where
// it is asked for.
func TestFixesOfNothingThatMayNotBeRanked(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", strings.Replace(onRate(15), "AverageValue, averageValue", "Value, value", 1))
	write(t, "rps.om", openMetrics("rps", 6*3600e9, jumpsDemand)+"# EOF\n")
	args := []string{"replay", "-q", "-f", "ha.yaml", "--recording", "rps.om", "--open-loop"}
	call(t, "", append(args, "--out", "auto")...).want(t, exitOK, "")
	entries, _ := filepath.Glob("auto/*/report.json")
	if run := told(t, filepath.Dir(entries[0])); len(run.Columns[0].Objects[0].Fixes) > 0 {
		t.Errorf("an open loop has fixes: %s", run.Headline)
	}
	call(t, "", append(args, "--out", "on", "--what-if", "on")...).want(t, exitInvalid, "cannot be told: in an open loop the effect of the replicas on the metrics is missing")
	if found, _ := filepath.Glob("on/*"); len(found) > 0 {
		t.Errorf("something was written: %v", found)
	}
	call(t, "", append(args, "--out", "odd", "--what-if", "maybe")...).want(t, exitInvalid, "want auto, on or off")
}
