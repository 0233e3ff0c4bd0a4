package main

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/sim"
)

// program builds the program once for all tests that run it as a user would.
var program = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(programs, "karpenter")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// build returns the path of the program.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program")
	}
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// TestProgramIsSmall adds up what is left of the program without symbols and debugging
// information, as it is released. Less than 50 MB is promised on every platform (make
// binaries refuses more); the largest, darwin on amd64, has 2 % more than linux on amd64.
func TestProgramIsSmall(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("measures linux on amd64")
	}
	file, err := elf.Open(build(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var size uint64
	for _, s := range file.Sections {
		if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_SYMTAB && s.Name != ".strtab" && !strings.HasPrefix(s.Name, ".debug") {
			size += s.FileSize
		}
	}
	const least, most = 20_000_000, 48_500_000
	if size < least || size > most {
		t.Errorf("without symbols the program has %d bytes, want %d to %d: go tool nm -size -sort size says what came in", size, least, most)
	}
}

const goodManifest = `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  metrics:
  - prometheus:
      query: sum(value)
      target: {type: AverageValue, value: 20}
`

const goodScenario = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: s}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  manifests: [ha.yaml]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 1}]
  inputSeries: [{series: value, values: '40x40'}]
`

const goodCSV = "timestamp,value\n2026-01-05 08:00:00,40\n2026-01-05 08:05:00,80\n2026-01-05 08:10:00,80\n"

// TestBadInput runs the built program on everything that can be wrong with its
// input: one clear line, exit code 2, and nothing half-written.
func TestBadInput(t *testing.T) {
	binary := build(t)
	truncated := func() string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(strings.Repeat("value 1 1\n", 10000)))
		w.Close()
		return b.String()[:b.Len()/2]
	}()
	replay := []string{"replay", "-f", "ha.yaml", "--recording", "r.csv"}
	openMetrics := []string{"replay", "-f", "ha.yaml", "--recording", "r.om"}
	simulate := []string{"simulate", "s.yaml"}
	cases := map[string]struct {
		reason string
		args   []string
		files  map[string]string
		want   string
	}{
		"CSVCell":         {"a misfit has line and column", replay, map[string]string{"r.csv": "timestamp,value\n2026-01-05 08:00:00,1\n2026-01-05 08:05:00,x\n"}, "r.csv:3:21: "},
		"CSVUnsorted":     {"time goes forward", replay, map[string]string{"r.csv": "timestamp,value\n2026-01-05 08:05:00,1\n2026-01-05 08:10:00,1\n2026-01-05 08:00:00,1\n"}, "r.csv:4:1: "},
		"CSVCentury":      {"a leap in time is named", replay, map[string]string{"r.csv": "timestamp,value\n2026-01-05 08:00:00,1\n2126-01-05 08:05:00,1\n"}, "r.csv:3:1: 2126-01-05 08:05:00 comes 36524 days after line 2"},
		"CSVDuplicate":    {"an instant stands once", replay, map[string]string{"r.csv": "timestamp,value\n2026-01-05 08:05:00,1\n2026-01-05 08:05:00,1\n"}, "r.csv:3:1: "},
		"CSVNoColumn":     {"a column that is not there", append(replay, "--series", "load=x"), nil, "--series load=...: no recording has this column"},
		"CSVEmpty":        {"an empty file has nothing to replay", replay, map[string]string{"r.csv": ""}, "r.csv: "},
		"OpenMetricsLine": {"a syntax error has its line", openMetrics, map[string]string{"r.om": "value 1 1\nvalue } 2\n# EOF\n"}, "r.om:2"},
		"OpenMetricsEnd":  {"a cut-off file is no file", openMetrics, map[string]string{"r.om": "value 1 1\n"}, "EOF"},
		"GzipTruncated":   {"nor is a cut-off archive", []string{"replay", "-f", "ha.yaml", "--recording", "r.om.gz"}, map[string]string{"r.om.gz": truncated}, "r.om.gz"},
		"EmptyBlocks":     {"a directory without blocks", []string{"replay", "-f", "ha.yaml", "--recording", "sub"}, map[string]string{"sub/x": ""}, "sub"},
		"NoRecording":     {"a missing file is named", []string{"replay", "-f", "ha.yaml", "--recording", "none.csv"}, nil, "none.csv: no such file"},
		"QuerySyntax":     {"PromQL errors have the field's place", replay, edit("query: sum(value)", "query: sum(value"), "ha.yaml:10:14: spec.metrics[0].prometheus.query: PromQL, character"},
		"QueryMatrix":     {"a range vector is no number", replay, edit("query: sum(value)", "query: 'value[5m]'"), "ha.yaml:10:14: spec.metrics[0].prometheus.query: PromQL: a range vector"},
		"QueryString":     {"nor is a string", replay, edit("query: sum(value)", `query: '"a"'`), "a string is no number"},
		"QueryNothing":    {"a query that matches nothing names what was recorded", replay, edit("sum(value)", "sum(valeu)"), "sum(valeu) never has a sample in the recording, which has value"},
		"Bounds":          {"min above max", replay, edit("minReplicas: 1", "minReplicas: 30"), "ha.yaml:6:16: spec.minReplicas: "},
		"UnknownField":    {"a misspelt field, with a suggestion", replay, edit("maxReplicas", "maxReplicsa"), `did you mean "maxReplicas"?`},
		"EmptyManifest":   {"no manifest in the file", replay, map[string]string{"ha.yaml": ""}, "ha.yaml"},
		"Variant":         {"a variant's path that does not exist", append(replay, "--variant", "x=spec.maxReplica=3"), nil, "--variant x"},
		"Demand":          {"what only the scenario finds names the flag", append(replay, "--demand", "sum(", "--capacity", "3"), nil, "karpenter: --demand 'sum(': PromQL, character 5: "},
		"DemandNothing":   {"so does what only the run finds", append(replay, "--demand", "load", "--capacity", "3"), nil, "karpenter: --demand load: load never has a sample"},
		"Capacity":        {"a capacity is a number of units", append(replay, "--demand", "value", "--capacity", "NaN"), nil, "karpenter: --capacity NaN: want a number above 0"},
		"Lookback":        {"a lookback has a length", append(replay, "--lookback", "0s"), nil, "karpenter: --lookback 0s: must be more than 0s"},
		"Scale":           {"an infinite demand is none", append(replay, "--scale", "Inf"), nil, "karpenter: --scale +Inf: want a number above 0"},
		"Name":            {"a run's name is a directory", append(replay, "--name", "../x"), nil, `karpenter: --name ../x: "../x" cannot name a directory`},
		"Replicas":        {"recorded replicas are a query", append(replay, "--replicas", "deployment/web=reps{"), nil, "karpenter: --replicas 'deployment/web=reps{': PromQL, character 6: "},
		"ReplicasNothing": {"which has samples", append(replay, "--replicas", "deployment/web=reps"), nil, "karpenter: --replicas deployment/web=reps: reps, the recorded replicas of web, never has a sample"},
		"ReplicasTwice":   {"one series a target", append(replay, "--replicas", "deploy/web=value", "--replicas", "deployment/web=value"), nil, "karpenter: --replicas deployment/web=value: default/Deployment/web is named twice"},
		"TargetTwice":     {"one count a target", append(replay, "--target", "deploy/web=3", "--target", "deploy/web=4"), nil, "karpenter: --target deploy/web=4: default/Deployment/web is named twice"},
		"VariantName":     {"a variant's name is a column", append(replay, "--variant", "y=spec.maxReplicas=4", "--variant", "current=spec.maxReplicas=3"), nil, `karpenter: --variant current: "current" is taken`},
		"UpdateSeed":      {"digests are those of the file's own seed", append(simulate, "--update", "--seed", "7"), nil, "karpenter: --update and --seed: the digests would be those of another seed"},
		"UpdateManifests": {"and of its own manifests", append(simulate, "--update", "--manifests", "ha.yaml"), nil, "karpenter: --update and --manifests: the digests would be those of other manifests"},
		"UpdateStdin":     {"and are written into a file", []string{"simulate", "-", "--update"}, nil, "karpenter: --update: digests cannot be written into standard input"},
		"VariantTwice":    {"two variants of one name are not one", append(replay, "--variant", "y=spec.maxReplicas=4", "--variant", "y=spec.minReplicas=2"), nil, "karpenter: --variant y=spec.minReplicas=2: y is named twice"},
		"MetricUnused":    {"a query that no metric asks for", append(replay, "--metric", "queue=sum(q)"), nil, "karpenter: --metric queue: no metric or trigger uses this query; the manifests have no Pods, Object or External metric and no trigger"},
		"Number":          {"what is no number says what is wanted", append(replay, "--scale", "x"), nil, "karpenter: --scale x: want a number; see 'karpenter replay --help'"},
		"Seed":            {"a seed is a whole number", append(simulate, "--seed", "x"), nil, "karpenter: --seed x: want a whole number of at most 64 bits; see 'karpenter simulate --help'"},
		"ZoneLocal":       {"the machine's zone would show in the report", append(replay, "--tz", "Local"), nil, "karpenter: --tz Local: unknown time zone"},
		"VariantPolicy":   {"a mistake of a variant names it", append(replay, "--variant", "x=spec.maxReplicas=0"), nil, "ha.yaml:6:16: spec.minReplicas: column x: "},
		"VariantNothing":  {"so does one that the run finds", append(replay, "--variant", "x=spec.metrics[0].prometheus.query=sum(load)"), nil, "spec.metrics[0].prometheus.query: column x: sum(load) never has a sample"},
		"Target":          {"a target that nothing scales", append(replay, "--target", "deployment/api=3"), nil, "no autoscaler in the manifests scales default/Deployment/api"},
		"Zone":            {"an unknown zone", append(replay, "--tz", "Mars/Base"), nil, "--tz Mars/Base: "},
		"Flag":            {"an unknown flag points to the help", append(replay, "--recroding", "x"), nil, "see 'karpenter replay --help'"},
		"OutIsAFile":      {"a place that cannot be written", append(replay, "--out", "ha.yaml"), nil, "-f ha.yaml lies inside --out ha.yaml"},
		"OutIsForeign":    {"somebody's directory is left alone", append(replay, "--out", "sub"), map[string]string{"sub/precious": "x"}, "--out sub: holds what karpenter did not write: precious"},
		"ScenarioField":   {"unknown fields of a scenario", simulate, scenarioEdit("seed: 1", "sede: 1"), "s.yaml:5:3: spec.sede: "},
		"ScenarioSeed":    {"a seed is required", simulate, scenarioEdit("  seed: 1\n", ""), "spec.seed: required"},
		"ScenarioFile":    {"a missing manifest", simulate, scenarioEdit("[ha.yaml]", "[nope.yaml]"), "s.yaml:8:15: spec.manifests[0]: nope.yaml: no such file"},
		"ScenarioEnd":     {"an expectation past the end", simulate, scenarioEdit("  inputSeries", "  expect: [{name: late, at: 20m, expr: up}]\n  inputSeries"), "spec.expect[0].at: "},
		"ScenarioTarget":  {"a target nobody owns", simulate, scenarioEdit("name: web, replicas", "name: api, replicas"), "no part of the world owns Deployment default/web"},
		"RecordingEnds":   {"a recording that ends before the run", simulate, scenarioEdit("  inputSeries", "  recordings: [{file: old.csv}]\n  inputSeries"), "spec.recordings[0]: "},
		"ReportMetric":    {"an unknown report metric", simulate, scenarioEdit("  inputSeries", "  expect: [{name: x, report: 'breech_minutes <= 1'}]\n  inputSeries"), "breech_minutes"},
		"EmptyJournal":    {"nothing verified is no success", []string{"verify", "empty.jsonl"}, map[string]string{"empty.jsonl": ""}, "empty.jsonl"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string]string{"ha.yaml": goodManifest, "r.csv": goodCSV, "s.yaml": goodScenario, "old.csv": "timestamp,value\n2020-01-05 08:00:00,1\n2020-01-05 08:05:00,1\n"}
			for file, text := range c.files {
				files[file] = text
			}
			for file, text := range files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			args := c.args
			if !strings.Contains(strings.Join(args, " "), "--out") && args[0] != "verify" {
				args = append(args[:len(args):len(args)], "--out", "out")
			}
			command := exec.Command(binary, args...)
			command.Dir = dir
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			command.Run()
			if code := command.ProcessState.ExitCode(); code != exitInvalid {
				t.Errorf("%s: exit code %d, want %d\n%s%s", c.reason, code, exitInvalid, stdout.String(), stderr.String())
			}
			if !strings.Contains(stderr.String(), c.want) {
				t.Errorf("%s: stderr has no %q:\n%s", c.reason, c.want, stderr.String())
			}
			if n := strings.Count(stderr.String(), "\n"); n != 1 {
				t.Errorf("%s: %d lines, want one:\n%s", c.reason, n, stderr.String())
			}
			left, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range left {
				if _, known := files[entry.Name()]; !known && entry.Name() != "sub" {
					t.Errorf("%s: %s was left behind", c.reason, entry.Name())
				}
			}
		})
	}
}

func edit(old, text string) map[string]string {
	return map[string]string{"ha.yaml": strings.Replace(goodManifest, old, text, 1)}
}

func scenarioEdit(old, text string) map[string]string {
	return map[string]string{"s.yaml": strings.Replace(goodScenario, old, text, 1)}
}

// TestAbsurdMetrics replays values that are no numbers of anything: the count
// holds and the record says why.
func TestAbsurdMetrics(t *testing.T) {
	binary := build(t)
	dir := t.TempDir()
	manifest := strings.Replace(goodManifest, "minReplicas: 1", "minReplicas: 1\n  pollingIntervalSeconds: 60", 1)
	csv := "timestamp,value\n2026-01-05T08:00:00Z,40\n2026-01-05T08:01:00Z,NaN\n2026-01-05T08:02:00Z,+Inf\n2026-01-05T08:03:00Z,-5\n2026-01-05T08:04:00Z,1e300\n2026-01-05T08:05:00Z,40\n"
	for name, text := range map[string]string{"ha.yaml": manifest, "r.csv": csv} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command(binary, "replay", "-f", "ha.yaml", "--recording", "r.csv", "--target", "deployment/web=2", "--out", "out")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "out", "web", sim.DecisionsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"NaN", "Infinite", "Negative", "OutOfRange"} {
		found := false
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, `"error":"`+code+`"`) {
				found = true
				if !strings.Contains(line, `"desired":2`) || !strings.Contains(line, `"reason":"MetricsUnavailable"`) {
					t.Errorf("%s must hold: %s", code, line)
				}
			}
		}
		if !found {
			t.Errorf("no record says %s:\n%s", code, text)
		}
	}
}

// TestReplayScenarioGivesTheSameBytes simulates the scenario that a replay
// wrote: every file must come out the same.
func TestReplayScenarioGivesTheSameBytes(t *testing.T) {
	binary := build(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"ha.yaml": goodManifest, "r.csv": goodCSV} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"replay", "-f", "ha.yaml", "--recording", "r.csv", "--tz", "Europe/Berlin", "--scale", "3", "--variant", "low=spec.maxReplicas=3", "--out", "a"},
		{"simulate", "a/web/scenario.yaml", "--check-determinism", "--out", "b"},
	} {
		command := exec.Command(binary, args...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	if err := runs.CompareTrees(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
		t.Error(err)
	}
}
