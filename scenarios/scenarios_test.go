// Package scenarios tests the corpus: every scenario does what it says.
package scenarios

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// TestCorpus plays every scenario with all its variants and judges what it expects;
// with -short one scenario after the other, so that -failfast ends at the first that
// fails. The command line's tests play the corpus twice and compare every byte.
func TestCorpus(t *testing.T) {
	for _, path := range corpus(t) {
		t.Run(strings.TrimSuffix(path, ".yaml"), func(t *testing.T) {
			if !testing.Short() {
				t.Parallel()
			}
			file, err := scenario.Load(path, scenario.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkProse(t, file)
			play(t, file)
		})
	}
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

// play plays all columns of a scenario and judges its expectations.
func play(t *testing.T, file *scenario.File) {
	t.Helper()
	simulation, err := sim.Check(t.Context(), file, sim.CheckOptions{Report: reports.CheckExpression})
	if err != nil {
		t.Fatal(err)
	}
	defer simulation.Close()
	if simulation.LeftOut != nil {
		t.Fatal(simulation.LeftOut)
	}
	dir := t.TempDir()
	run, err := simulation.Play(t.Context(), sim.PlayOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	checkLabels(t, dir)
	report, err := reports.Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	if len(run.Expectations) != len(file.Spec.Expect) {
		t.Errorf("%d of %d expectations are judged", len(run.Expectations), len(file.Spec.Expect))
	}
	compareCauses(t, run, report)
	for _, e := range report.Failures() {
		t.Errorf("%s: %s", e.Name, report.Failure(&e))
	}
}

// checkLabels wants the series that a run published to have the labels that the README
// says, and those of its workload.
func checkLabels(t *testing.T, dir string) {
	t.Helper()
	documented := map[string][]string{}
	for _, s := range sim.DocumentedSeries() {
		for _, name := range s.Names {
			documented[name] = s.Labels
		}
	}
	zipped, err := os.Open(filepath.Join(dir, sim.SeriesFile))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	text, err := gzip.NewReader(zipped)
	if err != nil {
		t.Fatal(err)
	}
	label := regexp.MustCompile(`(\w+)="`)
	last := ""
	for lines := bufio.NewScanner(text); lines.Scan(); {
		series, _, _ := strings.Cut(lines.Text(), "} ")
		name, rest, _ := strings.Cut(series, "{")
		if series == last || documented[name] == nil {
			continue
		}
		last = series
		for _, match := range label.FindAllStringSubmatch(rest, -1) {
			if !slices.Contains(documented[name], match[1]) {
				t.Errorf("%s} has the label %s, which the README does not name", series, match[1])
			}
		}
	}
}

// tables are the parts of the README that are written by what they describe.
var tables = map[string]func() string{
	"report metrics": reports.MetricsTable,
	"causes":         reports.CausesTable,
	"series":         sim.SeriesTable,
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
