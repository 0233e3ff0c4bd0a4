package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/reports"
)

// tuneManifest scales down late, so that there is something to save.
const tuneManifest = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 50
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: max(requests), target: {type: AverageValue, value: 10}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 1200}
`

// tuneCSV is a demand that rises and falls, with recorded replicas that have
// nothing to do with it.
func tuneCSV() string {
	var b strings.Builder
	b.WriteString("timestamp,requests,replicas\n")
	for i := range 8*240 + 1 {
		level := i % 160
		if level > 80 {
			level = 160 - level
		}
		fmt.Fprintf(&b, "%d,%d,3\n", 1767571200+15*i, 40+level*5+(i*i)%23)
	}
	return b.String()
}

// tuneArgs are those of a small search.
func tuneArgs(more ...string) []string {
	args := []string{"tune", "-f", "ha.yaml", "--recording", "demand.csv", "--ready-after", "90s", "--folds", "2", "--trials", "24",
		"--parameter", "spec.behavior.scaleDown.stabilizationWindowSeconds=0..1200:60",
		"--parameter", "spec.metrics[0].prometheus.target.value=5..12"}
	return append(args, more...)
}

func tuneDir(t *testing.T) {
	t.Helper()
	initDir(t, map[string]string{"ha.yaml": tuneManifest, "demand.csv": tuneCSV()})
}

// tree are the files below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTuneBytes: shards and their merge, a resumed search and another number of
// cores give the very bytes of one run.
func TestTuneBytes(t *testing.T) {
	for _, sampler := range []string{"random", "cmaes"} {
		t.Run(sampler, func(t *testing.T) {
			tuneDir(t)
			call(t, "", tuneArgs("--sampler", sampler, "--out", "whole")...).want(t, exitOK, "report: whole/tune.html")
			whole := tree(t, "whole")
			for _, name := range []string{"/tune.html", "/best.yaml", "/trials.jsonl", "/summary.md"} {
				if whole[name] == "" {
					t.Errorf("no %s", name)
				}
			}
			t.Run("Shards", func(t *testing.T) {
				for _, part := range []string{"2/3", "0+1/3", "3/3"} {
					call(t, "", tuneArgs("--sampler", sampler, "--shard", part, "--out", "part-"+part[:1])...).want(t, exitOK, "put the shards together")
				}
				call(t, "", "tune", "merge", "part-3", "part-0", "part-2", "--out", "merged").want(t, exitOK, "")
				if diff := cmp.Diff(whole, tree(t, "merged")); diff != "" {
					t.Errorf("merged shards (-one run +merged):\n%s", diff)
				}
			})
			t.Run("OneCore", func(t *testing.T) {
				t.Setenv("GOMAXPROCS", "1")
				// The command that the report names is whole: pasted, it gives the same bytes.
				var report reports.Tune
				if err := json.Unmarshal([]byte(whole["/report.json"]), &report); err != nil {
					t.Fatal(err)
				}
				words := strings.Fields(strings.ReplaceAll(report.Command, "'", ""))
				call(t, "", words[1:]...).want(t, exitOK, "")
				if diff := cmp.Diff(whole, tree(t, "out")); diff != "" {
					t.Errorf("a second run:\n%s", diff)
				}
			})
			t.Run("Resume", func(t *testing.T) { resumeTune(t, sampler, whole) })
		})
	}
}

// resumeTune takes up what a killed search would have left: some units, and half
// a line of another.
func resumeTune(t *testing.T, sampler string, whole map[string]string) {
	var about reports.Tune
	if err := json.Unmarshal([]byte(whole["/report.json"]), &about); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join("resumed", workDir), 0o755); err != nil {
		t.Fatal(err)
	}
	var units bytes.Buffer
	last, lines := 1, strings.SplitAfter(whole["/trials.jsonl"], "\n")[1:]
	for _, line := range lines {
		var trial struct{ Unit int }
		if json.Unmarshal([]byte(line), &trial) != nil || trial.Unit > 2 || trial.Unit == 0 {
			break
		}
		if trial.Unit != last {
			fmt.Fprintf(&units, "{\"done\":%d}\n", last)
			last = trial.Unit
		}
		units.WriteString(line)
	}
	units.WriteString(`{"trial":0,"un`)
	files := map[string]string{"search.json": fmt.Sprintf(`{"digest":%q,"shard":"1/1"}`, about.Digest), "units.jsonl": units.String()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join("resumed", workDir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	call(t, "", tuneArgs("--sampler", sampler, "--seed", "5", "--resume", "--out", "resumed")...).refused(t, "--resume: what was begun is another search or another shard; name another directory, or remove resumed/.karpenter-search to begin anew")
	call(t, "", tuneArgs("--sampler", sampler, "--out", "resumed")...).refused(t, "--out resumed: a search that was killed left 1 finished unit of work there; add --resume to go on, name another directory, or remove")
	call(t, "", tuneArgs("--sampler", sampler, "--resume", "--out", "resumed")...).want(t, exitOK, "resumed: 1 of ")
	if diff := cmp.Diff(whole, tree(t, "resumed")); diff != "" {
		t.Errorf("a resumed search (-one run +resumed):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join("resumed", workDir)); err == nil {
		t.Error("the work under way is still there")
	}
}

// TestTuneAnswers are the answers that a search can have.
func TestTuneAnswers(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		stdout string
		best   []string
	}{
		"Recommend": {"something is better", []string{"--sampler", "grid", "--trials", "60"}, "Use trial ",
			[]string{"# Was 1200; searched 0..1200:60.", "stabilizationWindowSeconds: "}},
		"Keep": {"nothing in the space is better", []string{"--parameter", "spec.maxReplicas=[4,5]", "--sampler", "grid"}, "Keep what you have: none of",
			[]string{"# Keep what you have: this is the current policy.", "stabilizationWindowSeconds: 1200", "maxReplicas: 50"}},
		"Total": {"a total does not depend on the replicas, whichever were recorded", []string{"--replicas", "deployment/web=replicas", "--sampler", "grid", "--trials", "60"}, "Use trial ", nil},
		"Unranked": {"the recorded replicas are others than the policy's, and the metric depends on them", []string{"--replicas", "deployment/web=replicas"}, "Nothing is ranked: the recording does not tell what another policy would have done.",
			[]string{"stabilizationWindowSeconds: 1200"}},
		"Constraint": {"a limit holds", []string{"--sampler", "grid", "--constraint", "breach_minutes <= 530"}, "Use trial ", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tuneDir(t)
			if name == "Unranked" {
				write(t, "ha.yaml", strings.Replace(tuneManifest, "AverageValue", "Value", 1))
			}
			got := call(t, "", tuneArgs(append(c.args, "--out", "out")...)...)
			got.want(t, exitOK, "report: out/tune.html")
			if !strings.Contains(got.stdout, c.stdout) {
				t.Errorf("%s: stdout\n%s\nwant %q", c.reason, got.stdout, c.stdout)
			}
			best := tree(t, "out")["/best.yaml"]
			for _, words := range c.best {
				if !strings.Contains(best, words) {
					t.Errorf("%s: best.yaml\n%s\nwant %q", c.reason, best, words)
				}
			}
			call(t, "", "validate", "-f", "out/best.yaml").want(t, exitOK, "")
		})
	}
}

// TestTuneScenario: a scenario declares its own search, and its expectations
// and variants are no business of it.
func TestTuneScenario(t *testing.T) {
	scenario := `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: declared}
spec:
  seed: 1
  start: "2026-01-05T00:00:00Z"
  duration: 3h
  recordings: [{file: demand.csv}]
  replay: {readyAfter: 90s}
  manifests: [ha.yaml]
  variants: [{name: other, set: spec.maxReplicas=20}]
  expect: [{name: impossible, report: reversals < 0}]
  tune:
    sampler: grid
    trials: 10
    folds: 2
    parameters:
    - {path: spec.behavior.scaleDown.stabilizationWindowSeconds, range: 0..1200, step: 300}
    - {path: spec.behavior.scaleUp.tolerance, values: [0, 0.1]}
`
	initDir(t, map[string]string{"ha.yaml": tuneManifest, "demand.csv": tuneCSV(), "s.yaml": scenario})
	got := call(t, "", "tune", "s.yaml", "--out", "out", "-o", "json")
	got.want(t, exitOK, "")
	var report reports.Tune
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Name != "declared" || report.Sampler != "grid" || report.Played != 10 {
		t.Errorf("%s, sampler %s, %d played; want declared, grid, 10", report.Name, report.Sampler, report.Played)
	}
	call(t, "", "tune", "s.yaml", "-f", "ha.yaml", "--out", "out").refused(t, "either scenarios or -f and --recording, not both")
}

// hpaWithoutBehavior is tuneManifest's HPA, as most are written.
const hpaWithoutBehavior = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 50
  metrics:
  - type: External
    external: {metric: {name: requests}, target: {type: AverageValue, averageValue: 10}}
`

// TestTuneHPAWithoutBehavior: what is searched where nothing is declared has an
// effect on an HPA without a behavior, one of the choices is a behavior, and what
// is recommended is a manifest.
func TestTuneHPAWithoutBehavior(t *testing.T) {
	initDir(t, map[string]string{"hpa.yaml": hpaWithoutBehavior, "demand.csv": tuneCSV()})
	call(t, "", "tune", "-f", "hpa.yaml", "--recording", "demand.csv", "--ready-after", "90s", "--folds", "2", "--trials", "60",
		"--constraint", "breach_minutes <= 5", "--out", "out").want(t, exitOK, "")
	trials, best := read(t, "out/trials.jsonl"), read(t, "out/best.yaml")
	for _, algorithm := range []string{`"spec.behavior.algorithm":"HPAWithoutBehavior"`, `"spec.behavior.algorithm":"null"`} {
		if !strings.Contains(trials, algorithm) {
			t.Errorf("no candidate has %s", algorithm)
		}
	}
	if strings.Contains(trials, `"state":"invalid"`) {
		t.Error("candidates are no valid policies")
	}
	// Either algorithm may be better; what is written says which, and why.
	left := strings.Contains(best, "# algorithm is left out. Was HPAWithoutBehavior; searched [HPAWithoutBehavior,null].")
	if kept := strings.Contains(best, "algorithm: HPAWithoutBehavior"); kept == left {
		t.Errorf("the algorithm is kept: %t, said to be left out: %t:\n%s", kept, left, best)
	}
	call(t, "", "validate", "out/best.yaml").want(t, exitOK, "")
}

// TestHPAWithoutBehaviorRefuses: the cure that the message names is one.
func TestHPAWithoutBehaviorRefuses(t *testing.T) {
	replay := []string{"replay", "-f", "hpa.yaml", "--recording", "demand.csv", "--ready-after", "90s", "--out", "out"}
	search := []string{"tune", "-f", "hpa.yaml", "--recording", "demand.csv", "--ready-after", "90s", "--folds", "2", "--trials", "4", "--out", "out"}
	cases := map[string]struct {
		reason           string
		args, with, cure []string
		named            string
	}{
		"Variant": {"a variant clears the algorithm in its own list", replay,
			[]string{"--variant", "slow=spec.behavior.scaleUp.stabilizationWindowSeconds=60"},
			[]string{"--variant", "slow=spec.behavior.scaleUp.stabilizationWindowSeconds=60,spec.behavior.algorithm="},
			"spec.behavior.algorithm= in the same variant"},
		"Search": {"a search does so by a parameter of one value", search,
			[]string{"--parameter", "spec.behavior.scaleUp.stabilizationWindowSeconds=15..60:15"},
			[]string{"--parameter", "spec.behavior.scaleUp.stabilizationWindowSeconds=15..60:15", "--parameter", "spec.behavior.algorithm=[null]"},
			"spec.behavior.algorithm=[null] in the same search"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			initDir(t, map[string]string{"hpa.yaml": hpaWithoutBehavior, "demand.csv": tuneCSV()})
			call(t, "", slices.Concat(c.args, c.with)...).want(t, exitInvalid, c.named)
			got := call(t, "", slices.Concat(c.args, c.cure)...)
			if got.code != exitOK {
				t.Errorf("%s: the cure ends with %d: %s", c.reason, got.code, got.stderr)
			}
		})
	}
}

// TestTuneRefuses: one clear line, exit code 2, nothing written.
func TestTuneRefuses(t *testing.T) {
	value := strings.ReplaceAll(tuneManifest, "AverageValue", "Value")
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NothingGiven": {"something must be tuned", []string{"tune", "--out", "out"}, "-f and --recording are required"},
		"NoOut":        {"results go somewhere", tuneArgs(), "--out is required"},
		"UnknownField": {"a field must exist", tuneArgs("--out", "out", "--parameter", "spec.foo=1..2"), "spec.foo: unknown field"},
		"NoSamples":    {"a candidate's query has samples", tuneArgs("--out", "out", "--parameter", "spec.metrics[0].prometheus.query=[max(requests),max(load)]"), "query=max(load): max(load) never has a sample in the recording"},
		"NoDemand":     {"a mistake in a flag of replay names it", tuneArgs("--out", "out", "--demand", "sum(", "--capacity", "3"), "karpenter: --demand 'sum(': "},
		"NotBehaviour": {"a target is not searched", tuneArgs("--out", "out", "--parameter", "spec.scaleTargetRef.name=[web,api]"), "spec.scaleTargetRef.name is no behaviour"},
		"EmptyRange":   {"a range has values", tuneArgs("--out", "out", "--parameter", "spec.maxReplicas=9..3"), "--parameter spec.maxReplicas=9..3: spec.maxReplicas: the range 9..3 is empty"},
		"NothingValid": {"some candidate is a policy", tuneArgs("--out", "out", "--parameter", "spec.minReplicas=100..200"), "none of 24 candidates is a valid policy"},
		"Folds":        {"windows hold decisions", tuneArgs("--out", "out", "--folds", "5000"), "5000 folds are more than web has data for"},
		"NoFolds":      {"something is held out", tuneArgs("--out", "out", "--folds", "0"), "--folds 0: want at least 1"},
		"NoTrials":     {"something is tried", tuneArgs("--out", "out", "--trials", "-1"), "--trials -1: want at least 1"},
		"Sampler":      {"a sampler is known", tuneArgs("--out", "out", "--sampler", "best"), `unknown sampler "best"; allowed: grid, random, cmaes`},
		"Constraint":   {"a figure is known", tuneArgs("--out", "out", "--constraint", "pain < 3"), "unknown figure pain"},
		"Cost":         {"money is limited where it is known", tuneArgs("--out", "out", "--constraint", "cost <= 5"), "gives no price, so that cost is not known; add pricePerHour"},
		"Season":       {"a season has a past", tuneArgs("--out", "out", "--season"), "--season needs 8 days or more recorded, of which 7 are looked back over; web has 0.3"},
		"Shard":        {"a shard is one of some", tuneArgs("--out", "out", "--shard", "5/4"), "--shard 5/4: want I/N with I from 1 to N, e.g. 2/4"},
		"ShardText":    {"a shard is written in one way", tuneArgs("--out", "out", "--shard", "1/4x"), "--shard 1/4x: want I/N"},
		"Format":       {"a format is known", tuneArgs("--out", "out", "-o", "xml"), "-o xml: want table, json or yaml"},
		"Unknown":      {"what depends on replicas needs them", []string{"tune", "-f", "value.yaml", "--recording", "demand.csv", "--out", "out"}, "depends on how many replicas ran"},
		"OpenLoop":     {"an open loop is no forecast", []string{"tune", "-f", "value.yaml", "--recording", "demand.csv", "--open-loop", "--out", "out"}, "open loop"},
		"NoShard":      {"only shards are merged", []string{"tune", "merge", "nowhere", "--out", "out"}, "nowhere: no report.json in it; want a directory that tune --shard wrote"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			initDir(t, map[string]string{"ha.yaml": tuneManifest, "value.yaml": value, "demand.csv": tuneCSV()})
			got := call(t, "", c.args...)
			got.want(t, exitInvalid, c.want)
			if lines := strings.Count(got.stderr, "\n"); lines != 1 && !strings.Contains(got.stderr, "left out") {
				t.Errorf("%s: %d lines:\n%s", c.reason, lines, got.stderr)
			}
			entries, err := os.ReadDir(".")
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 3 {
				t.Errorf("%s: something was left behind: %v", c.reason, entries)
			}
		})
	}
}

// TestTuneMergeRefuses: shards that are not all of one search.
func TestTuneMergeRefuses(t *testing.T) {
	tuneDir(t)
	for _, s := range []struct{ out, shard, seed string }{
		{"a1", "1/2", "1"}, {"a2", "2/2", "1"}, {"b2", "2/2", "7"}, {"c2", "2/3", "1"},
	} {
		call(t, "", tuneArgs("--shard", s.shard, "--seed", s.seed, "--out", s.out)...).want(t, exitOK, "")
	}
	cases := map[string]struct {
		reason string
		dirs   []string
		want   string
	}{
		"Missing":   {"all shards are needed", []string{"a1"}, "shard 2/2 is missing; name the directories of all shards"},
		"Twice":     {"each is needed once", []string{"a1", "a1"}, "a1 and a1 are both shard 1/2; name each once"},
		"Different": {"of one search", []string{"a1", "b2"}, "a1 and b2 are shards of different searches: seed 1 and 7"},
		"Division":  {"divided in one way", []string{"a1", "c2"}, "a1 is shard 1/2, c2 shard 2/3 of the same search"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			call(t, "", append([]string{"tune", "merge", "--out", "out"}, c.dirs...)...).refused(t, c.want)
		})
	}
	t.Run("Torn", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join("a2", "trials.jsonl"), []byte(`{"trial":0,"unit":2`), 0o644); err != nil {
			t.Fatal(err)
		}
		call(t, "", "tune", "merge", "--out", "out", "a1", "a2").refused(t, "the last line is torn; run the shard again")
	})
	t.Run("Changed", func(t *testing.T) {
		if err := os.WriteFile("demand.csv", []byte(strings.Replace(tuneCSV(), ",40,", ",41,", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		call(t, "", "tune", "merge", "--out", "out", "a1", "a2").refused(t, "the search is another now than when its shards ran: their scenarios or recordings differ")
	})
}
