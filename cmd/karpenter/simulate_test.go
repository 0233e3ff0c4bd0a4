package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// scheduledGroup has a schedule ask for three nodes.
const scheduledGroup = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: hours}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  variants:
    - {name: idle, set: 'sng/batch:spec.dryRun=true'}
    - {name: more, manifests: [more.yaml]}
  expect:
    - {name: as asked, at: 9m, expr: 'karpenter_scalablenodegroup_ready_replicas == 3'}
    - {name: more in the variant, report: 'largest_replicas{column="more"} == 5'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: batch}
spec:
  scaleTargetRef: {apiVersion: autoscaling.karpenter.sh/v1alpha1, kind: ScalableNodeGroup, name: batch}
  minReplicas: 1
  maxReplicas: 20
  metrics: [{prometheus: {query: karpenter_scheduled_replicas_value, target: {type: AverageValue, value: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: batch}
spec: {type: AWSEC2AutoScalingGroup, id: batch, replicas: 1}
---
` + hoursProducer

const hoursProducer = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec:
  scheduleSpec:
    defaultReplicas: 3
    behaviors: []
`

// TestVariantsOfTheCloud plays other node groups and producers beside the
// scenario's own.
func TestVariantsOfTheCloud(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hours.yaml", scheduledGroup)
	write(t, "more.yaml", strings.Replace(hoursProducer, "defaultReplicas: 3", "defaultReplicas: 5", 1))
	got := call(t, "", "simulate", "hours.yaml", "--out", "out")
	if got.code != exitOK {
		t.Fatalf("code %d\n%s%s", got.code, got.stdout, got.stderr)
	}
	commands := func(path string) int { return strings.Count(read(t, path), `"command":`) }
	if n := commands("out/hours/decisions.jsonl"); n != 1 {
		t.Errorf("%d commands, want 1", n)
	}
	idle := read(t, "out/hours/variants/idle/decisions.jsonl")
	if !strings.Contains(idle, `"dryRun":true`) || strings.Contains(idle, `"desired":3,"ready":3`) {
		t.Error("a variant in dry run scales")
	}
	if more := read(t, "out/hours/variants/more/decisions.jsonl"); !strings.Contains(more, `"desired":5,"ready":5`) {
		t.Error("a variant's producer is not played")
	}
	again := call(t, "", "simulate", "out/hours/scenario.yaml", "--out", "again")
	if again.code != exitOK || read(t, "again/hours/variants/idle/decisions.jsonl") != idle {
		t.Errorf("what was written does not repeat the run: code %d\n%s", again.code, again.stderr)
	}
}

// What failed is shown with the series around the moment, everywhere, even long
// after the samples of the run's beginning have been dropped.
func TestFailuresShowTheSeries(t *testing.T) {
	source, want := testdata(t, "failing.yaml"), testdata(t, "failing.stdout")
	t.Chdir(t.TempDir())
	write(t, "failing.yaml", read(t, source))
	t.Setenv("GITHUB_ACTIONS", "true")
	c := call(t, "", "simulate", "failing.yaml", "--out", "out")
	c.want(t, exitFailed, "::error file=failing.yaml,line=17,title=failing%3A peak::")
	golden(t, want, c.stdout)
	for _, file := range []string{"summary.md", "junit.xml", "failing/summary.md"} {
		if text := read(t, filepath.Join("out", file)); !strings.Contains(text, "10:39:45 [10:40:00] 10:40:15") {
			t.Errorf("%s lacks the samples around the moment:\n%s", file, text)
		}
	}
	page := read(t, filepath.Join("out", "failing", "report.html"))
	for _, text := range []string{`class="spark"`, `<td class="moment">10:40:00<br>4</td>`} {
		if !strings.Contains(page, text) {
			t.Errorf("report.html lacks %s", text)
		}
	}
}
