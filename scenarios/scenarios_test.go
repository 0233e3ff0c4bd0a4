// Package scenarios tests the corpus: every scenario does what it says, twice
// with the same bytes.
package scenarios

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// TestCorpus plays every scenario with all its variants, twice; with -short
// once, and one scenario after the other, so that -failfast ends at the first
// that fails.
func TestCorpus(t *testing.T) {
	for _, path := range corpus(t) {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			if !testing.Short() {
				t.Parallel()
			}
			file := load(t, path)
			checkProse(t, file)
			first := play(t, file)
			if testing.Short() {
				return
			}
			for i, again := range play(t, load(t, path)) {
				firstDifference(t, "decisions", first[i].Journal, again.Journal)
				firstDifference(t, "series", first[i].Series, again.Series)
				firstDifference(t, "digest", first[i].Digest, again.Digest)
			}
		})
	}
}

func load(t *testing.T, path string) *scenario.File {
	t.Helper()
	file, err := scenario.Load(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.LeftOut(sim.Adopt(file.Manifests, convert.Options{})); err != nil {
		t.Fatal(err)
	}
	return file
}

// corpus are the files of the scenarios.
func corpus(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatal("there are no scenarios")
	}
	return paths
}

// checkProse wants a scenario to be named as its file and to say what it is about.
func checkProse(t *testing.T, file *scenario.File) {
	t.Helper()
	if name := strings.TrimSuffix(file.Path, ".yaml"); file.Metadata.Name != name {
		t.Errorf("the scenario is named %s, its file %s", file.Metadata.Name, file.Path)
	}
	if len(file.Spec.Description) < 100 {
		t.Errorf("the description says too little: %q", file.Spec.Description)
	}
	if len(file.Spec.Expect) < 2 {
		t.Error("nothing is expected")
	}
}

// A trace is what two runs of a column must have in common.
type trace struct {
	Journal, Series, Digest string
}

// play plays all columns of a scenario and judges its expectations.
func play(t *testing.T, file *scenario.File) []trace {
	t.Helper()
	in, err := sim.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	run := &reports.Run{Name: file.Metadata.Name, Start: file.Spec.Start.Unix(), End: file.Spec.Start.Add(time.Duration(file.Spec.Duration)).Unix()}
	var traces []trace
	for i, set := range columns(t, file) {
		autoscalers, err := sim.Resolve(set, promql.Label(file.Spec.Controller.EnforceLabel))
		if err != nil {
			t.Fatal(err)
		}
		var decisions, series bytes.Buffer
		result, err := in.Play(context.Background(), autoscalers, sim.Options{Manifests: set, Journal: &decisions, Series: &series})
		if err != nil {
			t.Fatal(err)
		}
		column := reports.Column{Name: reports.Current, Journal: records(t, decisions.Bytes())}
		if i > 0 {
			column.Name = file.Spec.Variants[i-1].Name
		}
		for _, o := range result.Objects {
			column.Objects = append(column.Objects, o.Object)
		}
		run.Columns = append(run.Columns, column)
		traces = append(traces, trace{decisions.String(), series.String(), result.Digest})
		if i == 0 {
			judge(t, result.Outcomes)
			judgeDecisions(t, file, result.Digest)
		}
	}
	judgeReport(t, file, run)
	return traces
}

// firstDifference reports the first line that two runs do not have in common.
func firstDifference(t *testing.T, what, first, second string) {
	t.Helper()
	if first == second {
		return
	}
	a, b := strings.Split(first, "\n"), strings.Split(second, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Errorf("%s differ from run to run at line %d:\n  %s\n  %s", what, i+1, a[i], b[i])
			return
		}
	}
	t.Errorf("%s differ from run to run in their length: %d and %d lines", what, len(a), len(b))
}

// columns are the manifests of the current policy and of the variants.
func columns(t *testing.T, file *scenario.File) []*manifest.Set {
	t.Helper()
	sets := []*manifest.Set{file.Manifests}
	for i, v := range file.Spec.Variants {
		if own := file.Variants[i]; own != nil {
			sets = append(sets, file.Manifests.Override(own))
			continue
		}
		set, err := file.Manifests.Assign(v.Set)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	return sets
}

// records has the report read a journal.
func records(t *testing.T, decisions []byte) func(func(*journal.Line) error) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "decisions.jsonl")
	if err := os.WriteFile(path, decisions, 0o600); err != nil {
		t.Fatal(err)
	}
	return result.File(path)
}

func judge(t *testing.T, outcomes []check.Outcome) {
	t.Helper()
	for _, o := range outcomes {
		if !o.Passed {
			t.Errorf("%s: %s", o.Name, o.Message)
		}
	}
}

func judgeDecisions(t *testing.T, file *scenario.File, digest string) {
	t.Helper()
	for _, e := range file.Spec.Expect {
		if e.Decisions != nil && e.Decisions.Digest != digest {
			t.Errorf("%s: the decisions are %s, want %s", e.Name, digest, e.Decisions.Digest)
		}
	}
}

func judgeReport(t *testing.T, file *scenario.File, run *reports.Run) {
	t.Helper()
	report, err := reports.Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range file.Spec.Expect {
		if e.Report == "" {
			continue
		}
		ok, detail, err := report.Evaluate(e.Report)
		if !ok || err != nil {
			t.Errorf("%s: %s %v", e.Name, detail, err)
		}
	}
}

// tables are the parts of the README that are written by what they describe.
var tables = map[string]func() string{
	"report metrics": reports.MetricsTable,
	"causes":         reports.CausesTable,
	"scenarios":      catalogue,
}

// TestReadme keeps the tables of the README up to date; UPDATE=1 writes them.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range tables {
		between := regexp.MustCompile(fmt.Sprintf(`(?s)(<!-- begin %s -->\n).*?(<!-- end %[1]s -->)`, name))
		if !between.MatchString(want) {
			t.Fatalf("README.md has no place for the table of %s", name)
		}
		want = between.ReplaceAllString(want, "${1}"+strings.ReplaceAll(table(), "$", "$$")+"${2}")
	}
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text), want); diff != "" {
		t.Errorf("README.md is out of date; write it with UPDATE=1 go test ./scenarios -run TestReadme\n%s", diff)
	}
}

// catalogue is the table of all scenarios with the first lines of their files.
func catalogue() string {
	paths, _ := filepath.Glob("*.yaml")
	var b strings.Builder
	b.WriteString("| scenario | situation | lasts |\n|---|---|---|\n")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err.Error()
		}
		file, err := scenario.ParseText(path, text)
		if err != nil {
			return err.Error()
		}
		var about []string
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "# ") {
				break
			}
			about = append(about, strings.TrimSpace(line[2:]))
		}
		fmt.Fprintf(&b, "| [%s](%s) | %s | %s |\n", file.Metadata.Name, path, strings.Join(about, " "), scenario.Duration(time.Duration(file.Spec.Duration)))
	}
	return b.String()
}
