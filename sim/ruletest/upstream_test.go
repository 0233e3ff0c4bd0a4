package ruletest_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/ruletest"
)

// TestFilesOfPromtool runs promtool's own unit test files, read from the module cache,
// each of which must be in the table: what promtool passes passes here, what it fails
// fails, and what differs says why.
func TestFilesOfPromtool(t *testing.T) {
	const experimental = "promql-experimental-functions"
	wanted := map[string]struct {
		features string
		// failed are the tests that fail; refused is part of the error of a file that
		// is not run at all, which promtool reports as a failure.
		failed  []string
		refused string
		reason  string
	}{
		"unittest.yml":                     {},
		"long-period.yml":                  {},
		"no-test-group-interval.yml":       {},
		"start-time-test.yml":              {},
		"at-modifier-test.yml":             {},
		"negative-offset-test.yml":         {},
		"experimental-functions-test.yml":  {features: experimental},
		"-experimental-functions-test.yml": {refused: "--enable-feature=" + experimental, reason: "promtool wants the flag as well"},
		"failing.yml":                      {failed: []string{"Failing test", "Failing alert test"}},
		"rules_run.yml":                    {failed: []string{"wrong test"}},
		"rules_run_fuzzy.yml":              {failed: []string{"wrong fuzzy match"}},
		"rules_run_no_fuzzy.yml":           {failed: []string{"correct fuzzy match"}},
		"bad-promql.yml":                   {failed: []string{"unnamed#0"}},
		"bad-rules-error-test.yml":         {failed: []string{"unnamed#0"}},
		"bad-input-series.yml":             {refused: "tests[0].input_series[0]"},
		"bad-rules-syntax-test.yml":        {refused: "could not parse expression"},
		"rules_run_extrafields.yml":        {refused: "field namespace not found", reason: "promtool takes unknown fields of rules only with --ignore-unknown-fields"},
	}
	dir := promtoolFiles(t)
	seen := map[string]bool{}
	for _, path := range unitTests(t, dir) {
		seen[filepath.Base(path)] = true
		if _, ok := wanted[filepath.Base(path)]; !ok {
			t.Errorf("%s: a unit test file that the table does not have", path)
		}
	}
	for name, w := range wanted {
		t.Run(name, func(t *testing.T) {
			name := strings.TrimPrefix(name, "-")
			if !seen[name] {
				t.Fatalf("no %s in %s that is taken for a unit test file", name, dir)
			}
			file, err := load(t, filepath.Join(dir, name), w.features)
			if w.refused != "" {
				if err == nil || !strings.Contains(err.Error(), w.refused) {
					t.Fatalf("%v, want %q in it: %s", err, w.refused, w.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for i := range file.Tests {
				failures, err := file.Run(t.Context(), &file.Tests[i])
				if err != nil {
					t.Fatal(err)
				}
				if len(failures) > 0 {
					failed = append(failed, file.Tests[i].Name)
				}
			}
			if strings.Join(failed, ", ") != strings.Join(w.failed, ", ") {
				t.Errorf("failed: %q, want %q", failed, w.failed)
			}
		})
	}
}

// promtoolFiles is the directory of promtool's test files in the module cache.
func promtoolFiles(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "cmd", "promtool", "testdata")
}

// unitTests are the files of a directory that are taken for unit tests of rules.
func unitTests(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	var found []string
	for _, f := range files {
		docs, _ := manifest.Read([]string{f}, nil)
		if len(docs) > 0 && ruletest.Is(docs[0]) {
			found = append(found, f)
		}
	}
	return found
}

func load(t *testing.T, path, features string) (*ruletest.File, error) {
	t.Helper()
	docs, err := manifest.Read([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := fake.ParseFeatures(features)
	if err != nil {
		t.Fatal(err)
	}
	return ruletest.Load(path, docs[0], allowed)
}
