package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/reports"
)

// TestCorpusIsDeterministic plays every scenario twice, the second time under
// GOMAXPROCS=1, in another time zone and with shuffled documents: not a byte of
// any file may differ. What fixes gain takes two thirds of the time, so it is found out
// for a few scenarios, which have different limits.
func TestCorpusIsDeterministic(t *testing.T) {
	binary := build(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, arguments := range [][]string{
		{"--what-if", "on", "--run", "^(throttled-provider|throttled-and-restless|nodes-isolated|rate-limited-ramp|slow-start|target-above-capacity)$"},
		{"--what-if", "off"},
	} {
		arguments = append([]string{"simulate", filepath.Join("..", "..", "scenarios"), "--check-determinism", "--quiet", "--out", out}, arguments...)
		if text, err := exec.Command(binary, arguments...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", arguments, err, text)
		}
	}
	// Of what lacks in the corpus less than one in a hundred is not explained.
	all, unexplained := 0.0, 0.0
	runs, _ := filepath.Glob(filepath.Join(out, "*", "report.json"))
	for _, path := range runs {
		for _, c := range told(t, filepath.Dir(path)).Columns {
			if c.Reference || c.Name == reports.Recorded {
				continue // nobody decided
			}
			for _, o := range c.Objects {
				for _, share := range o.Causes {
					all += share.Seconds
					if share.Cause == string(reports.NotExplained) {
						unexplained += share.Seconds
					}
				}
			}
		}
	}
	if all < 3600 || unexplained*100 >= all {
		t.Errorf("%.0f of %.0f s are not explained in %d runs, want less than 1 %%", unexplained, all, len(runs))
	}
}

// TestCorpusGoldens compares the summaries beside scenarios, which people read,
// with those of today.
func TestCorpusGoldens(t *testing.T) {
	goldens, err := filepath.Glob(filepath.Join("..", "..", "scenarios", "*.golden.md"))
	if err != nil || len(goldens) == 0 {
		t.Fatalf("%v: %d goldens", err, len(goldens))
	}
	texts := map[string][2]string{}
	for _, golden := range goldens {
		scenario := strings.TrimSuffix(golden, ".golden.md") + ".yaml"
		texts[filepath.Base(scenario)] = [2]string{read(t, scenario), read(t, golden)}
	}
	t.Chdir(t.TempDir())
	for name, text := range texts {
		path := filepath.Join("scenarios", name)
		write(t, path, text[0])
		call(t, "", "simulate", path, "--update", "--out", "out").want(t, exitOK, "")
		if diff := cmp.Diff(text[1], read(t, runs.Golden(path))); diff != "" {
			t.Errorf("simulate scenarios/%s --update was not called, -committed +today:\n%s", name, diff)
		}
	}
}
