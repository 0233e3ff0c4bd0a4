package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
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

// Annotations name files as the repository does, wherever the program runs, and
// invalid scenarios have them as well.
func TestAnnotationsNameFilesOfTheRepository(t *testing.T) {
	source := read(t, testdata(t, "failing.yaml"))
	workspace := t.TempDir()
	t.Setenv("GITHUB_ACTIONS", "true")
	t.Setenv("GITHUB_WORKSPACE", workspace)
	write(t, filepath.Join(workspace, "deploy", "failing.yaml"), source)
	write(t, filepath.Join(workspace, "deploy", "bad.yaml"), strings.Replace(source, "seed: 7", "sed: 7", 1))
	t.Chdir(filepath.Join(workspace, "deploy"))
	call(t, "", "simulate", "failing.yaml", "--out", "out").want(t, exitFailed, "::error file=deploy/failing.yaml,line=16,title=failing%3A enough::")
	call(t, "", "simulate", "bad.yaml", "--out", "out").want(t, exitInvalid, "::error file=deploy/bad.yaml,line=6,col=3::spec.sed: unknown field")
	write(t, "bad.yaml", "x: [")
	call(t, "", "validate", "-f", "bad.yaml").want(t, exitInvalid, "::error file=deploy/bad.yaml,line=1")
}

// The one command that repeats a run repeats it with its seed and its manifests.
func TestFailuresNameTheCommand(t *testing.T) {
	source := read(t, testdata(t, "failing.yaml"))
	t.Chdir(t.TempDir())
	write(t, "a b/failing.yaml", source)
	write(t, "a b/other.yaml", strings.Replace(source, "name: failing", "name: other", 1))
	_, manifests, _ := strings.Cut(source, "\n---\n")
	write(t, "own.yaml", strings.Replace(manifests, "maxReplicas: 4", "maxReplicas: 3", 1))
	cases := map[string]struct {
		reason, want, call string
		args               []string
	}{
		"Plain": {"the file alone", "repeat with: karpenter simulate 'a b/failing.yaml' --out out  (seed 7, version ",
			"karpenter simulate 'a b/failing.yaml' --out out", []string{"a b/failing.yaml"}},
		"Seed": {"another seed is another run", "karpenter simulate 'a b/failing.yaml' --seed 8 --tz Europe/Berlin --out out  (seed 8, version ",
			"karpenter simulate 'a b/failing.yaml' --seed 8 --tz Europe/Berlin --out out", []string{"a b/failing.yaml", "--seed", "8", "--tz", "Europe/Berlin"}},
		"Many": {"of several scenarios the one that failed", "karpenter simulate 'a b/other.yaml' --manifests own.yaml --out out  (",
			"karpenter simulate 'a b' --run 'f|o' --manifests own.yaml --out out", []string{"a b", "--run", "f|o", "--manifests", "own.yaml"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			called := call(t, "", append(append([]string{"simulate"}, c.args...), "--out", "out")...)
			called.want(t, exitFailed, c.want)
			if text := read(t, "out/report.json"); !strings.Contains(text, `"command": "`+c.call+`"`) {
				t.Errorf("%s: report.json lacks %s", c.reason, c.call)
			}
		})
	}
}

const hpaScenario = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: hpa}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  workloads: [{name: web, demand: [{constant: 250}], capacityPerReplica: 100, requests: {cpu: 500m}}]
  variants: [{name: hasty, manifests: [hasty.yaml]}]
---
` + someHPA

const someHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 15
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}
`

// What a conversion changed stands in the report, in the second run of a
// determinism check and in the scenario that repeats the run, too.
func TestNotesOfConversionsAreKept(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", hpaScenario)
	write(t, "hasty.yaml", strings.Replace(someHPA, "minReplicas: 2", "minReplicas: 3", 1))
	c := call(t, "", "simulate", "hpa.yaml", "--check-determinism", "--out", "out")
	c.want(t, exitOK, "default/horizontalpodautoscaler/web: spec.minReplicas: ")
	if n := strings.Count(c.stderr, "averaged over 2m"); n != 1 {
		t.Errorf("stderr has a note %d times, want once:\n%s", n, c.stderr)
	}
	call(t, "", "simulate", "out/hpa/scenario.yaml", "--out", "again").want(t, exitOK, "")
	for _, dir := range []string{"out", "again"} {
		for _, file := range []string{"report.html", "report.json", "summary.md"} {
			text := read(t, filepath.Join(dir, "hpa", file))
			for _, note := range []string{"to minReplicas (2)", "to minReplicas (3)"} {
				if !strings.Contains(strings.ReplaceAll(text, `\`, ""), note) {
					t.Errorf("%s/hpa/%s lacks the note that HPA's 0 is raised %s", dir, file, note)
				}
			}
		}
	}
}

// A replay's report keeps them as well, and so does the one of its scenario.
func TestReplayKeepsNotesOfConversions(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "r.csv", "timestamp,value\n2026-01-05T08:00:00Z,1\n2026-01-05T08:10:00Z,1\n")
	write(t, "external.yaml", strings.Replace(someHPA, `type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}`, `type: External
      external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "1"}}`, 1))
	call(t, "", "replay", "-f", "external.yaml", "--metric", "queue=value", "--recording", "r.csv", "--out", "a").want(t, exitOK, "")
	call(t, "", "simulate", "a/web/scenario.yaml", "--out", "b").want(t, exitOK, "")
	if err := runs.CompareTrees("a", "b"); err != nil {
		t.Error(err)
	}
	if text := read(t, filepath.Join("a", "web", "report.html")); !strings.Contains(text, "default/horizontalpodautoscaler/web: spec.minReplicas: ") {
		t.Error("report.html lacks the notes of the conversion")
	}
}

const pricedScenario = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: priced}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  controller: {phase: aligned}
  interval: 1m
  inputSeries: [{series: wanted, values: '2x29 5 2x30'}]
  targets: [{kind: Deployment, name: web, replicas: 2, pricePerHour: 6, billing: {minimum: 10m, increment: 7m}}]
  nodeGroups: [{name: batch, boot: 3m, terminate: 2m, pricePerHour: 12}]
  expect:
    # Two for an hour, which is billed as 63 min, and three for a minute, as 14.
    - {name: replicas, report: 'cost{object="default/HorizontalAutoscaler/web"} <= 16.8'}
    - {name: no less, report: 'cost{object="default/HorizontalAutoscaler/web"} >= 16.79'}
    # Two for an hour; three from their launch until two minutes after the end,
    # which the autoscaler orders once they are ready, after 190 s.
    - {name: nodes, report: 'cost{object="default/HorizontalAutoscaler/batch"} == 27.1'}
    - {name: all, report: 'cost <= 43.9'}
    - {name: reference, report: 'cost{column="static peak"} == 91.5'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 9
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  metrics: [{prometheus: {query: wanted, target: {type: AverageValue, value: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: batch}
spec:
  scaleTargetRef: {apiVersion: autoscaling.karpenter.sh/v1alpha1, kind: ScalableNodeGroup, name: batch}
  minReplicas: 2
  maxReplicas: 9
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  metrics: [{prometheus: {query: wanted, target: {type: AverageValue, value: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: batch}
spec: {type: AWSEC2AutoScalingGroup, id: batch, replicas: 2}
`

// Replicas and nodes cost what the scenario says, also once the report is
// rendered again.
func TestCost(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "priced.yaml", pricedScenario)
	c := call(t, "", "simulate", "priced.yaml", "--out", "out")
	if c.want(t, exitOK, ""); c.code != exitOK {
		t.Fatal(c.stdout)
	}
	before := read(t, "out/priced/report.html")
	call(t, "", "report", "out").want(t, exitOK, "")
	if read(t, "out/priced/report.html") != before {
		t.Error("report.html differs when it is rendered again")
	}
}

// Two autoscalers of one target hold; what the target needs is counted once.
func TestRivals(t *testing.T) {
	scenario := read(t, testdata(t, "failing.yaml"))
	t.Chdir(t.TempDir())
	_, manifests, _ := strings.Cut(scenario, "\n---\n")
	write(t, "one.yaml", scenario)
	write(t, "two.yaml", strings.Replace(scenario, "name: failing", "name: two", 1)+"---\n"+strings.Replace(manifests, "name: web", "name: other", 1))
	call(t, "", "simulate", "two.yaml", "--out", "two").want(t, exitFailed,
		"HorizontalAutoscaler default/web scales Deployment default/web, and so does HorizontalAutoscaler default/other: both hold until one of them is gone or in dryRun\n")
	for _, want := range []string{`"cause": "contested"`, `"breach_minutes": 30,`, `"replica_hours": 6,`} {
		if text := read(t, "two/report.json"); !strings.Contains(text, want) {
			t.Errorf("report.json lacks %s", want)
		}
	}
	write(t, "ha.yaml", manifests+"---\n"+strings.Replace(manifests, "name: web", "name: other", 1))
	call(t, "", "validate", "-f", "ha.yaml").want(t, exitOK, "warning: ha.yaml:5:19: spec.scaleTargetRef: HorizontalAutoscaler default/web scales")
	write(t, "hpa.yaml", `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
`)
	call(t, "", "validate", "-f", "hpa.yaml", "-f", "ha.yaml").want(t, exitOK,
		"HorizontalPodAutoscaler default/web scales Deployment default/web, and so does HorizontalAutoscaler default/other: both hold here until one of them is gone or in dryRun; in a cluster the HorizontalPodAutoscaler acts and the HorizontalAutoscaler holds")
	write(t, "dry.yaml", manifests+"---\n"+strings.Replace(strings.Replace(manifests, "name: web", "name: other", 1), "minReplicas", "dryRun: true\n  minReplicas", 1))
	if c := call(t, "", "validate", "-f", "dry.yaml"); strings.Contains(c.stderr, "warning") {
		t.Errorf("in a dry run nobody is a rival:\n%s", c.stderr)
	}
}

// What was recorded of a target is counted once, at the price and with the
// billing of what is compared with it.
func TestRecordedCost(t *testing.T) {
	t.Chdir(t.TempDir())
	manifest := func(name, dryRun string) string {
		return strings.NewReplacer("{name: web}\nspec", "{name: "+name+"}\nspec", "maxReplicas", dryRun+"maxReplicas").Replace(goodManifest)
	}
	write(t, "s.yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: s}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  recordings: [{file: r.csv}]
  targets: [{kind: Deployment, name: web, replicas: 2, pricePerHour: 6, billing: {minimum: 1h}}]
  replay: {replicas: {deploy/web: replicas}}
---
`+manifest("web", "")+"---\n"+manifest("other", "dryRun: true\n  "))
	write(t, "r.csv", "timestamp,value,replicas\n2026-01-05 08:00:00,8,2\n2026-01-05 08:05:00,8,2\n2026-01-05 08:10:00,8,2\n")
	call(t, "", "simulate", "s.yaml", "--out", "out").want(t, exitOK, "")
	report := read(t, "out/s/report.json")
	_, recorded, _ := strings.Cut(report, `"name": "recorded"`)
	for _, want := range []string{`"replica_hours": 0.3333333333333333,`, `"billed_replica_hours": 2,`, `"cost": 12,`} {
		if figures, _, _ := strings.Cut(recorded, `"name": "current"`); !strings.Contains(figures, want) {
			t.Errorf("the column recorded lacks %s:\n%.900s", want, figures)
		}
	}
}

// All scenarios' mistakes are said, those without a place as well.
func TestMistakesOfAllScenarios(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "in/ha.yaml", goodManifest)
	write(t, "in/a.yaml", strings.Replace(goodScenario, "inputSeries", "expect: [{name: x, report: 'breech <= 1'}]\n  inputSeries", 1))
	write(t, "in/b.yaml", strings.NewReplacer("name: s}", "name: b}", "inputSeries", "recordings: [{file: r.csv}]\n  inputSeries").Replace(goodScenario))
	write(t, "in/r.csv", "timestamp,load\n2026-01-05 08:00:00,x\n")
	c := call(t, "", "simulate", "in", "--out", "out")
	c.want(t, exitInvalid, "spec.expect[0].report: ")
	c.want(t, exitInvalid, "in/r.csv: no column with numbers")
}

// TestReplayHuge holds that a count beyond all bounds is as short as a count can be.
func TestReplayHuge(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", validHA)
	write(t, "huge.csv", "timestamp,queue_length\n2026-01-05 08:00:00,1e308\n2026-01-05 08:05:00,1e300\n")
	call(t, "", "replay", "-q", "-f", "ha.yaml", "--recording", "huge.csv", "--out", "out").want(t, exitOK, "")
}

func TestQuoteArgument(t *testing.T) {
	for text, want := range map[string]string{
		"out/web":                 "out/web",
		"fast=spec.maxReplicas=3": "fast=spec.maxReplicas=3",
		"a=spec.metrics[0].x=1":   "'a=spec.metrics[0].x=1'", // zsh refuses a pattern that no file matches
		`sum(x{a="b"})`:           `'sum(x{a="b"})'`,
		"it's":                    `'it'\''s'`,
		"":                        "''",
	} {
		if got := quoteArgument(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestReplaySchedule replays a cron trigger, whose values no recording of the past
// can have: a schedule needs no more than the time.
func TestReplaySchedule(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "so.yaml", `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: jobs}
spec:
  scaleTargetRef: {name: jobs}
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://x", query: sum(queue_length), threshold: "20"}}
  - {type: cron, metadata: {timezone: Europe/Berlin, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "4"}}
`)
	write(t, "queue.csv", "timestamp,queue_length\n2026-01-05 16:50:00,20\n2026-01-05 17:00:00,20\n2026-01-05 17:10:00,20\n")
	call(t, "", "replay", "-q", "-f", "so.yaml", "--recording", "queue.csv", "--scale", "2", "--out", "a").want(t, exitOK, "")
	timeline := call(t, "", "explain", "a/jobs/decisions.jsonl", "ha/jobs", "--from", "16:50", "--to", "17:10")
	// 18:00 in Berlin is 17:00 UTC, and the window holds for five minutes. Twice
	// the demand needs two replicas; a schedule knows no demand.
	for _, want := range []string{"16:50:30  16:50:30  2 -> 4   ScaledUp", "17:05:15  17:05:15  4 -> 2   ScaledDown"} {
		if !strings.Contains(timeline.stdout, want) {
			t.Errorf("want %q in\n%s", want, timeline.stdout)
		}
	}
	if badge := read(t, "a/jobs/report.json"); !strings.Contains(badge, `"demand-driven"`) {
		t.Error("neither the queue nor the schedule answers to the replicas")
	}
	call(t, "", "verify", "a/jobs/decisions.jsonl").want(t, exitOK, "")
	call(t, "", "simulate", "-q", "--check-determinism", "a/jobs/scenario.yaml", "--out", "b").want(t, exitOK, "")
	if err := runs.CompareTrees("a", "b"); err != nil {
		t.Error(err)
	}
	call(t, "", "replay", "-q", "-f", "so.yaml", "--recording", "queue.csv", "--out", "c",
		"--variant", "more=mp/jobs:spec.scheduleSpec.behaviors[0].replicas=9").want(t, exitOK, "")
	if text := read(t, "c/jobs/variants/more/decisions.jsonl"); !strings.Contains(text, `"desired":9`) {
		t.Error("a variant of the schedule has no effect")
	}
}

// TestReplayBesideSchedule has a producer that was recorded beside a schedule,
// which is played: what was recorded stays as it was.
func TestReplayBesideSchedule(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "m.yaml", strings.Replace(validHA, "sum(queue_length)", "karpenter_queue_length", 1)+"---\n"+validProducer+`---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: jobs}
spec: {queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:1:jobs"}}
`)
	write(t, "q.om", "karpenter_queue_length{namespace=\"default\",name=\"jobs\"} 80 1767600000\nkarpenter_queue_length{namespace=\"default\",name=\"jobs\"} 40 1767600300\n# EOF\n")
	call(t, "", "replay", "-q", "-f", "m.yaml", "--recording", "q.om", "--out", "out").want(t, exitOK, "")
	if text := read(t, "out/web/report.json"); !strings.Contains(text, `"demand-driven"`) {
		t.Error("a recorded queue does not answer to the replicas")
	}
	if text := read(t, "out/web/decisions.jsonl"); !strings.Contains(text, `"desired":10`) || strings.Contains(text, `"name":"jobs"`) {
		t.Error("want the 10 replicas that 80 messages ask for, and no decision of the recorded producer")
	}
}

func TestCompletion(t *testing.T) {
	call(t, "", "completion", "foo").refused(t, `unknown command "karpenter completion foo"`)
	for _, shell := range []string{"bash", "fish", "powershell", "zsh"} {
		if got := call(t, "", "completion", shell); got.code != exitOK || !strings.Contains(got.stdout, "karpenter") {
			t.Errorf("%s: exit code %d, %s", shell, got.code, got.stderr)
		}
	}
}
