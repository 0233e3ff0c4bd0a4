package scenarios

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/soak"
)

// peak is an hour and a half in which 16 replicas are needed for half an hour, 4
// else. Words in capitals are what an incident changes.
const peak = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: peak}
spec:
  seed: 1
  start: "2026-11-20T17:00:00Z"
  duration: 1h30m
  controller: {phase: aligned}
  workloads:
  - name: web
    replicas: REPLICAS
    demand: [{constant: 400}, {spike: {by: 1200, at: 20m, rise: 2m, for: 30m, fall: 5m}}]
    capacityPerReplica: 100
    startup: STARTUP
    requests: {cpu: 1, memory: 1Gi}
  nodeGroups:
  - {name: workers, nodes: NODES, boot: 10m, allocatable: {cpu: 4, memory: 16Gi, pods: 58}}
  faults: [FAULTS]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: MAX
  pollingIntervalSeconds: POLLING
  dryRun: DRY
  metrics:
  - prometheus: {query: 'sum(rate(http_requests_total{service="web"}[RANGE]))', target: {type: AverageValue, averageValue: TARGET}}
  behavior:
    scaleUp: {stabilizationWindowSeconds: WINDOW, tolerance: TOLERANCE, policies: [POLICIES]}
    scaleDown: {stabilizationWindowSeconds: DOWN}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers}
spec: {type: AWSEKSNodeGroup, id: "arn:aws:eks:us-west-2:1234567890:nodegroup/prod/workers/x", replicas: NODES}
`

// calm is the peak without an incident.
var calm = map[string]string{
	"REPLICAS": "6", "STARTUP": "0s", "NODES": "10", "FAULTS": "", "MAX": "30", "POLLING": "15", "DRY": "false", "RANGE": "1m",
	"TARGET": "80", "WINDOW": "0", "TOLERANCE": "0", "POLICIES": "", "DOWN": "300",
}

// incidents are what can go wrong with it, each with the cause that most of it has.
var incidents = []struct {
	name  string
	cause reports.Cause
	words map[string]string // what becomes of them
}{
	{"bound", reports.Bound, map[string]string{"MAX": "9"}},
	{"rate", reports.Rate, map[string]string{"POLICIES": "{type: Pods, value: 1, periodSeconds: 120}"}},
	{"window", reports.Stabilization, map[string]string{"WINDOW": "900"}},
	{"dryRun", reports.DryRun, map[string]string{"DRY": "true"}},
	{"polling", reports.MetricLag, map[string]string{"POLLING": "300"}},
	{"range", reports.MetricLag, map[string]string{"RANGE": "15m"}},
	{"startUp", reports.StartUp, map[string]string{"STARTUP": "6m"}},
	{"target", reports.Target, map[string]string{"TARGET": "130"}},
	{"tolerance", reports.Tolerance, map[string]string{"TOLERANCE": `"3"`}},
	{"nodes", reports.NoNode, map[string]string{"NODES": "3"}},
	{"cold", reports.ColdStart, map[string]string{"REPLICAS": "1", "FAULTS": "{controller: skipped, at: 0s, for: 10m}"}},
	{"noMetric", reports.MissingData, map[string]string{"FAULTS": "{metrics: empty, at: 15m, for: 30m}"}},
	{"noLeader", reports.NotDecided, map[string]string{"FAULTS": "{controller: skipped, at: 15m, for: 30m}"}},
	{"forbidden", reports.NotCarriedOut, map[string]string{"FAULTS": "{target: forbidden, at: 15m, for: 30m}"}},
	{"nodesLost", reports.Disruption, map[string]string{"FAULTS": "{nodes: lost, at: 35m, count: 8}"}},
}

// overlap says whether two incidents change the same word.
func overlap(a, b map[string]string) bool {
	for word := range a {
		if _, both := b[word]; both {
			return true
		}
	}
	return false
}

// playText plays a scenario, and returns its run and report.
func playText(t *testing.T, text string) (*result.Run, *reports.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := scenario.Load(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	simulation, err := sim.Check(t.Context(), file, sim.CheckOptions{Report: reports.CheckExpression})
	if err != nil {
		t.Fatal(err)
	}
	defer simulation.Close()
	run, err := simulation.Play(t.Context(), sim.PlayOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	report, err := reports.Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	return run, report
}

// peakWith is the scenario with incidents.
func peakWith(words map[string]string) string {
	text := peak
	for word, value := range calm {
		if changed, ok := words[word]; ok {
			value = changed
		}
		text = strings.ReplaceAll(text, word, value)
	}
	return text
}

// Each incident alone has its cause, and the twin finds the same causes of it and of
// every mixture of two.
func TestCausesOfIncidents(t *testing.T) {
	seen, seconds, unexplained := map[reports.Cause]bool{}, int64(0), int64(0)
	for i, a := range incidents {
		for k, b := range incidents[:i+1] {
			alone := k == i
			if !alone && overlap(a.words, b.words) || testing.Short() && !alone && (i+k)%4 != 0 {
				continue
			}
			name := a.name
			if !alone {
				name += "+" + b.name
			}
			t.Run(name, func(t *testing.T) {
				words := maps.Clone(a.words)
				maps.Copy(words, b.words)
				run, report := playText(t, peakWith(words))
				causes := compareCauses(t, run, report)
				var all int64
				for cause, n := range causes {
					seen[cause], all = true, all+n
				}
				seconds, unexplained = seconds+all, unexplained+causes[reports.NotExplained]
				if alone && causes[a.cause]*10 < all*6 {
					t.Errorf("%s: %d of %d s are given to %s: %v", a.name, causes[a.cause], all, a.cause, causes)
				}
			})
		}
	}
	for _, i := range incidents {
		if !seen[i.cause] {
			t.Errorf("no incident has the cause %q", i.cause)
		}
	}
	if unexplained*100 >= seconds {
		t.Errorf("%d of %d s are not explained, want less than 1 %%", unexplained, seconds)
	}
}

// The twin finds the same causes of random cases, too.
func TestCausesOfSoak(t *testing.T) {
	cases, lacking := 24, int64(0)
	if testing.Short() {
		cases = 6
	}
	for seed := range uint64(cases) {
		text, err := soak.Generate(seed + 1).Text()
		if err != nil {
			t.Fatal(err)
		}
		run, report := playText(t, string(text))
		for _, n := range compareCauses(t, run, report) {
			lacking += n
		}
	}
	if lacking == 0 {
		t.Error("nothing ever lacked: the cases show nothing")
	}
}

// What kept a metric from showing the demand is told apart.
func TestPartsOfMetricLag(t *testing.T) {
	sampled := func(changes ...string) string {
		return strings.NewReplacer(changes...).Replace(peakWith(nil))
	}
	// A gauge shows the demand itself; it has no sample for four minutes from the jump on.
	gauge := sampled(
		"  workloads:", "  interval: 15s\n  inputSeries:\n  - {series: load, values: '400x79 1600x120 400x160'}\n  - {series: seen, values: '400x79 _x16 1600x104 400x160'}\n  workloads:",
		"{constant: 400}, {spike: {by: 1200, at: 20m, rise: 2m, for: 30m, fall: 5m}}", "{expr: load}",
		`sum(rate(http_requests_total{service="web"}[1m]))`, "sum(seen)")
	for name, c := range map[string]struct {
		reason, text string
		part         reports.LagPart
		percent      int64 // of the metric lag, at least
	}{
		"Polling":  {"the slot comes up to five minutes after the rise", peakWith(map[string]string{"POLLING": "300"}), reports.PollingInterval, 80},
		"Range":    {"15 minutes hold what was before", peakWith(map[string]string{"RANGE": "15m"}), reports.QueryRange, 80},
		"Scrape":   {"a jump is visible after the next scrape and its ingestion", sampled("controller: {phase: aligned}", "controller: {phase: aligned}\n  prometheus: {scrapeInterval: 1m, ingestDelay: 1m}", "rise: 2m", "rise: 1s", "[1m]", "[4m]"), reports.Scrape, 30},
		"Lookback": {"an old sample stands in for those that are missing", gauge, reports.Lookback, 80},
	} {
		t.Run(name, func(t *testing.T) {
			_, report := playText(t, c.text)
			parts, all := map[reports.LagPart]int64{}, int64(0)
			for _, share := range report.Columns[0].Objects[0].Causes {
				if share.Cause == reports.MetricLag {
					parts[share.Part] += share.Seconds
					all += share.Seconds
				}
			}
			if parts[c.part]*100 < all*c.percent || all < 60 {
				t.Errorf("%s: %d of %d s are given to %q: %v", c.reason, parts[c.part], all, c.part, parts)
			}
		})
	}
}
