package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/sim/output"
)

// outputCalls are the calls that write a directory, without the directory.
var outputCalls = map[string][]string{
	"replay":   {"replay", "-f", "ha.yaml", "--recording", "load.csv"},
	"simulate": {"simulate", "scenario.yaml"},
	"tune":     {"tune", "-f", "ha.yaml", "--recording", "load.csv", "--trials", "2", "--parameter", "spec.behavior.scaleDown.stabilizationWindowSeconds=0..600"},
}

func outputInputs(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "ha.yaml", `apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 20
  metrics: [{prometheus: {query: load, target: {type: AverageValue, value: "10"}}}]
`)
	var csv strings.Builder
	csv.WriteString("time,load\n")
	for i := range 120 {
		fmt.Fprintf(&csv, "2026-01-05T08:%02d:%02dZ,%d\n", i/2, i%2*30, 40+i)
	}
	write(t, "load.csv", csv.String())
	write(t, "scenario.yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: web}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 30m
  manifests: [ha.yaml]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 5}]
  recordings: [{file: load.csv}]
`)
}

// A directory with anything of the user's in it is refused before work starts, and
// stays as it is.
func TestOutputSparesTheUsersFiles(t *testing.T) {
	for name, args := range outputCalls {
		t.Run(name, func(t *testing.T) {
			outputInputs(t)
			write(t, "site/.git/HEAD", "ref")
			write(t, "site/report.json", `{"score": 1}`)
			write(t, "site/thesis.txt", "precious")
			before := tree(t, ".")
			for dir, want := range map[string]string{"site": "--out site: holds what karpenter did not write: .git/, report.json, thesis.txt", ".": "lies inside --out ."} {
				got := call(t, "", append(args, "--out", dir)...)
				got.want(t, exitInvalid, want)
				if got.stdout != "" {
					t.Errorf("stdout %q", got.stdout)
				}
			}
			if diff := cmp.Diff(before, tree(t, ".")); diff != "" {
				t.Errorf("touched (-before +after):\n%s", diff)
			}
		})
	}
}

// Inputs inside the directory are refused, by whatever way they are named.
func TestOutputExcludesInputs(t *testing.T) {
	outputInputs(t)
	write(t, "rules.yaml", "groups: []\n")
	call(t, "", append(outputCalls["replay"], "--out", "out")...).want(t, exitOK, "")
	for from, to := range map[string]string{
		"out/web/scenario.yaml": "linked.yaml", "out": "same", "out/web": "dir",
	} {
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "ruled.yaml", strings.Replace(read(t, "scenario.yaml"), "  recordings:", "  prometheus: {ruleFiles: [out/rules.yaml]}\n  recordings:", 1))
	write(t, "recorded.yaml", strings.Replace(read(t, "scenario.yaml"), "load.csv", "out/load.csv", 1))
	cases := map[string]struct {
		reason string
		extra  map[string]string
		args   []string
		want   string
	}{
		"Recording": {"the input of the run", map[string]string{"out/load.csv": "load.csv"}, []string{"replay", "-f", "ha.yaml", "--recording", "out/load.csv"}, "--recording out/load.csv lies inside --out out"},
		"Manifest":  {"a manifest", map[string]string{"out/ha.yaml": "ha.yaml"}, []string{"replay", "-f", "out/ha.yaml", "--recording", "load.csv"}, "-f out/ha.yaml lies inside --out out"},
		"Link":      {"through a link to a file", nil, []string{"simulate", "linked.yaml"}, "scenario linked.yaml lies inside --out out"},
		"Dir":       {"through a link to a directory", nil, []string{"simulate", "dir"}, "scenario dir lies inside --out out"},
		"Itself":    {"the directory itself", nil, []string{"simulate", "out"}, "scenario out lies inside --out out"},
		"Variant":   {"a variant", nil, append(outputCalls["replay"], "--variant", "v=out/web/scenario.yaml"), "--variant out/web/scenario.yaml lies inside --out out"},
		"Baseline":  {"what is compared with", nil, append(outputCalls["simulate"], "--baseline", "out"), "--baseline out lies inside --out out"},
		"Referred":  {"what a scenario refers to", map[string]string{"out/load.csv": "load.csv"}, []string{"simulate", "recorded.yaml"}, "--out out"},
		"Rules":     {"a rule file", map[string]string{"out/rules.yaml": "rules.yaml"}, []string{"simulate", "ruled.yaml"}, "--out out"},
		"Tune":      {"of a search as well", nil, []string{"tune", "out/web/scenario.yaml"}, "scenario out/web/scenario.yaml lies inside --out out"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for to, from := range c.extra {
				write(t, to, read(t, from))
				defer os.Remove(to)
			}
			before := tree(t, "out")
			call(t, "", append(c.args, "--out", "out")...).want(t, exitInvalid, c.want)
			if diff := cmp.Diff(before, tree(t, "out")); diff != "" {
				t.Errorf("%s: touched (-before +after):\n%s", c.reason, diff)
			}
		})
	}
}

// A set that a killed run left half in its place is refused by whoever reads it,
// and the next run puts it right.
func TestOutputOfAKilledRun(t *testing.T) {
	outputInputs(t)
	replay := append(outputCalls["replay"], "--out", "out")
	call(t, "", replay...).want(t, exitOK, "")
	whole := tree(t, "out")
	marker := filepath.Join("out", output.Marker)
	unfinished := func(files string) {
		text := strings.Replace(read(t, marker), `"Complete"`, `"Writing"`, 1)
		text = regexp.MustCompile(`("path": "`+files+`"),\s+"sha256": "[0-9a-f]+"`).ReplaceAllString(text, "$1")
		write(t, marker, text)
	}
	unfinished(".*")
	const want = "did not come to its end, so its files may be of two runs; run it again with the same --out"
	for name, args := range map[string][]string{
		"verify":    {"verify", "out"},
		"explain":   {"explain", "out/web/decisions.jsonl", "ha/web"},
		"compare":   {"compare", "out/web/decisions.jsonl"},
		"report":    {"report", "out"},
		"one run":   {"report", "out/web"},
		"baseline":  {"simulate", "scenario.yaml", "--baseline", "out", "--out", "other"},
		"simulate":  {"simulate", "out/web/scenario.yaml", "--out", "other"},
		"validate":  {"validate", "out/web/scenario.yaml"},
		"recording": {"replay", "-f", "ha.yaml", "--recording", "out/web/series.om.gz", "--out", "other"},
		"merge":     {"tune", "merge", "out", "--out", "other"},
	} {
		t.Run(name, func(t *testing.T) { call(t, "", args...).want(t, exitInvalid, want) })
	}
	call(t, "", replay...).want(t, exitOK, "")
	if diff := cmp.Diff(whole, tree(t, "out")); diff != "" {
		t.Errorf("the next run (-want +got):\n%s", diff)
	}
	// A report replaces pages alone, so that another one may go on.
	unfinished(`(.*/)?(report\.html|index\.html|summary\.md)`)
	write(t, "out/web/report.html", "half of an old report")
	call(t, "", "verify", "out").want(t, exitInvalid, "did not come to its end, so its files may be of two runs; run it again")
	call(t, "", "report", "out").want(t, exitOK, "")
	call(t, "", "verify", "out").want(t, exitOK, "")
	if diff := cmp.Diff(whole, tree(t, "out")); diff != "" {
		t.Errorf("the next report (-want +got):\n%s", diff)
	}
}

// Walks pass over what earlier calls wrote.
func TestOutputIsNoInput(t *testing.T) {
	outputInputs(t)
	for range 2 {
		call(t, "", "simulate", ".", "--out", "out").want(t, exitOK, "")
	}
	if got := call(t, "", "validate", "."); !strings.Contains(got.stdout, "scenario.yaml: ") || strings.Contains(got.stdout, "out/") {
		t.Errorf("validate: %s%s", got.stdout, got.stderr)
	}
	call(t, "", "simulate", "out", "--out", "again").want(t, exitOK, "") // a directory that is named is read
}

// What cannot be written is said before the run, and a call that fails leaves
// nothing.
func TestOutputFailsFirst(t *testing.T) {
	outputInputs(t)
	write(t, "file", "")
	for dir, want := range map[string]string{"file": "--out file: a file; name a directory", "file/in": "--out file/in: not a directory", "": "--out is required"} {
		got := call(t, "", append(outputCalls["replay"], "--out", dir)...)
		got.want(t, exitInvalid, want)
		if strings.Contains(got.stdout, "web") {
			t.Errorf("%q: it ran", dir)
		}
	}
	write(t, "bad.yaml", strings.Replace(read(t, "ha.yaml"), "query: load", "query: 'gone('", 1))
	call(t, "", "replay", "-f", "bad.yaml", "--recording", "load.csv", "--out", "new/deep").want(t, exitInvalid, "unclosed left parenthesis")
	if _, err := os.Stat("new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused call left a directory: %v", err)
	}
}

// A scenario whose name is that of a file of the whole call is refused.
func TestOutputNames(t *testing.T) {
	outputInputs(t)
	for _, name := range []string{"report.json", "INDEX.html", output.Marker} {
		write(t, "odd.yaml", strings.Replace(read(t, "scenario.yaml"), "metadata: {name: web}", "metadata: {name: "+name+"}", 1))
		call(t, "", "simulate", "odd.yaml", "--out", "odd").want(t, exitInvalid, fmt.Sprintf("scenario %q", name))
	}
}
