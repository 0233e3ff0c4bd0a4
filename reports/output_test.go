package reports

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// evening is a short run with every kind of output in it.
func evening(t *testing.T) *Run {
	t.Helper()
	return (&synthetic{start: monday + 4*day + 17*3600 + 2400, seconds: 3600, startUp: 90}).run()
}

func computed(t *testing.T, run *Run) *Report {
	t.Helper()
	r, err := Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// writeJournals writes each column's records where the column says.
func writeJournals(t *testing.T, run *Run, dir string) {
	t.Helper()
	for i := range run.Columns {
		c := &run.Columns[i]
		if c.Journal == nil {
			continue
		}
		c.File = filepath.Join("variants", c.Name, "decisions.jsonl")
		var b bytes.Buffer
		w := journal.NewWriter(&b)
		err := c.Journal(func(l *journal.Line) error {
			line := *l.Record
			line.PolicyBody, line.StateBody = string(c.Objects[0].Policy.Encode()), "{}"
			return w.Record(&line)
		})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, c.File)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadRunRendersTheSameBytes(t *testing.T) {
	run, dir := evening(t), t.TempDir()
	writeJournals(t, run, dir)
	if err := computed(t, run).WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	again, err := ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	second := t.TempDir()
	if err := computed(t, again).WriteDir(second); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{htmlName, markdownName, JSONFile} {
		if diff := cmp.Diff(read(t, dir, name), read(t, second, name)); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}

	narrow, err := Zoom(again, run.Start+1800, run.Start+2400)
	if err != nil {
		t.Fatal(err)
	}
	if err := computed(t, narrow).WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(read(t, dir, htmlName), "this is a part of it") {
		t.Error("a zoomed report must say that it is a part")
	}
	whole, err := ReadRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Start != run.Start || whole.End != run.End {
		t.Errorf("a zoomed report must keep the whole run, not %d to %d", whole.Start, whole.End)
	}
	if _, err := Zoom(whole, run.End, run.End+60); err == nil || !strings.Contains(err.Error(), "it covers 2026-01-09T17:40:00Z to 2026-01-09T18:40:00Z") {
		t.Errorf("a zoom beside the run must be refused with what there is, not %v", err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadRunRejects(t *testing.T) {
	good := fmt.Sprintf(`"schema":1,"start":%q,"end":%q`, "2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z")
	cases := map[string]struct{ reason, text, want string }{
		"NoJSON":   {"the file is broken", "{", "report.json: unexpected end of JSON input"},
		"Schema":   {"another version wrote it", `{"schema":7}`, "report.json: schema 7; this program reads 1"},
		"Start":    {"times are RFC 3339", `{"schema":1,"start":"x"}`, "report.json: start: "},
		"TimeZone": {"the zone is known", `{` + good + `,"timeZone":"Moon/Crater"}`, "report.json: timeZone: "},
		"Series":   {"series belong to objects", `{` + good + `,"timeZone":"UTC","series":[{"column":0,"object":0}]}`, "report.json: series 0: no object 0 in column 0"},
		"Steps":    {"times rise", `{` + good + `,"timeZone":"UTC","series":[{"ready":{"t":[5,0],"v":[1,2]}}]}`, "times must rise"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, JSONFile), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ReadRun(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.reason, err, c.want)
			}
		})
	}
	if _, err := ReadRun(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no report to read") {
		t.Errorf("an empty directory has no report; got %v", err)
	}
}

func TestReportJSONIsJSON(t *testing.T) {
	data, err := computed(t, evening(t)).stored().encode()
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(data) {
		t.Error("report.json is no JSON")
	}
}

func TestHTMLStandsAlone(t *testing.T) {
	run := evening(t)
	run.Name, run.Assumptions = `<script>alert("x")</script>`, []string{`<img src="http://example.com/">`}
	run.Columns[1].Objects[0].Target.Name = `"><b>`
	page, err := computed(t, run).HTML()
	if err != nil {
		t.Fatal(err)
	}
	// Its own script and the data of its charts.
	rest := bytes.Replace(page, []byte("<script>"+exploreSource+"</script>"), nil, 1)
	rest = bytes.Replace(rest, []byte(`<script type="application/json" id="data">`), nil, 1)
	if !bytes.Contains(page, []byte(contentPolicy(exploreSource))) || len(exploreSource) >= 30<<10 {
		t.Errorf("the page's script has %d bytes, and must be named by its policy", len(exploreSource))
	}
	for _, bad := range []string{"<script", "<img", "<b>", "<link rel=\"stylesheet", ` src="`, "@import", "ABCD"} {
		if bytes.Contains(rest, []byte(bad)) {
			t.Errorf("the page contains %s", bad)
		}
	}
}

func TestJUnit(t *testing.T) {
	failing, plain := evening(t), evening(t)
	failing.Name, plain.Name, plain.Expectations = "sale", "plain\x01", nil
	failing.Expectations[1].At = failing.Start + 90
	failing.Expectations[1].Excerpts[0].Values.T = []int64{failing.Start + 60, failing.Start + 90, failing.Start + 120, failing.Start + 150}
	text, err := JUnit([]*Report{computed(t, failing), computed(t, plain)})
	if err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Tests != 3 || doc.Failures != 1 || doc.Time != "7200" {
		t.Errorf("3 cases, 1 failure in 7200 s expected, got %d, %d, %s", doc.Tests, doc.Failures, doc.Time)
	}
	want := []junitProperty{{"seed", "42"}, {"version", "v0.2.0"}, {"digest.current", "sha256:4c8b1e2f9a7d"}, {"digest.more", "sha256:4c8b1e2f9a7d"}, {"digest", "sha256:4c8b1e2f9a7d"}}
	if diff := cmp.Diff(want, doc.Suites[0].Properties); diff != "" {
		t.Errorf("properties (-want +got):\n%s", diff)
	}
	wantCase := junitCase{
		Name: "enough", ClassName: "karpenter.sale", File: "scenarios/checkout.yaml", Line: 31, Time: "90",
		Failure: &junitFailure{
			Message: `not true for all samples; kube_deployment_status_replicas_ready{deployment="checkout"} is 17 at 2026-01-09 17:41:30 UTC, 1 min 30 s into the run`,
			Type:    "always",
			Text: "always: kube_deployment_status_replicas_ready >= bool 18\nnot true for all samples; kube_deployment_status_replicas_ready{deployment=\"checkout\"} is 17 at 2026-01-09 17:41:30 UTC, 1 min 30 s into the run\n" +
				" 17:41:00 [17:41:30] 17:42:00  17:42:30\n" + `kube_deployment_status_replicas_ready{deployment="checkout"}` + "\n       20       [18]       17        19\n",
		},
	}
	if diff := cmp.Diff(wantCase, doc.Suites[0].Cases[1]); diff != "" {
		t.Errorf("failed case (-want +got):\n%s", diff)
	}
	if got := doc.Suites[1]; got.Name != "plain\uFFFD" || len(got.Cases) != 1 || got.Cases[0].Name != "completed" {
		t.Errorf("a run without expectations is one case named completed, got %+v", got)
	}
}

func TestAnnotations(t *testing.T) {
	run := evening(t)
	run.Expectations[1].Message, run.Expectations[1].File = "100 %\nwrong", "a,b:c.yaml"
	got := computed(t, run).Annotations()
	if len(got) != 1 {
		t.Fatalf("%d annotations, want one for the failure", len(got))
	}
	want := "::error file=a%2Cb%3Ac.yaml,line=31,title=checkout%3A enough::100 %25 wrong; kube_deployment_status_replicas_ready{deployment=\"checkout\"} is 17 at 2026-01-09 18:40:00 UTC, 1 h into the run"
	if diff := cmp.Diff(want, got[0].String()); diff != "" {
		t.Errorf("annotation (-want +got):\n%s", diff)
	}
}

func TestCallMarkdownKeepsFailuresFirstAndItsSize(t *testing.T) {
	var reports []*Report
	for i := 0; i < 600; i++ {
		run := oneColumn(60, steps(0, 2), steps(0, 2), steps(0, 2), decided(0, 2))
		run.Name = fmt.Sprintf("run-%03d", i)
		run.Expectations = []Expectation{{Name: "calm", Kind: "report", Expr: "reversals <= 1", Passed: i != 599, Message: "reversals is 7"}}
		reports = append(reports, computed(t, run))
	}
	text := CallMarkdown(reports)
	if len(text) > maxSummary {
		t.Errorf("%d bytes; at most %d are promised", len(text), maxSummary)
	}
	if failed, held := strings.Index(text, "run-599"), strings.Index(text, "run-000"); failed < 0 || held < failed {
		t.Error("the failure must stand first")
	}
	if !strings.Contains(text, "1 of 600 runs failed") || !strings.Contains(text, "more runs: see index.html") {
		t.Error("the summary must count what it leaves out")
	}
}

func TestTable(t *testing.T) {
	run := oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 13, 5), steps(0, 2, 11, 5), decided(0, 2, 11, 5))
	run.Expectations = []Expectation{{Name: "calm", Kind: "report", Expr: "reversals <= 1", Passed: true}}
	reports := []*Report{computed(t, run)}
	var b strings.Builder
	if err := Table(&b, reports, TableOptions{Width: 60}); err != nil {
		t.Fatal(err)
	}
	want := `NAME  RESULT     COLUMN   BREACH MINUTES  REPLICA-HOURS  REVERSALS  LARGEST COUNT
r     ok 1 of 1  current               3            1.1          0              5

r: Thursday 00:10–00:13 checkout lacked capacity for 3 min;
    2 min caused by start-up, 1 by what is not explained.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := Table(&b, []*Report{reports[0], reports[0]}, TableOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\n"); got != 5 {
		t.Errorf("several runs that passed take a line each, then come the totals; got %d lines:\n%s", got, b.String())
	}
	if want := "\n2 runs: 2 of 2 expectations held; 40 min simulated\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("the table ends in %q, not in %q", b.String(), want)
	}
	for _, format := range []Format{FormatJSON, FormatYAML} {
		b.Reset()
		if err := Table(&b, reports, TableOptions{Format: format}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "breach_minutes") {
			t.Errorf("%s lacks the figures: %s", format, b.String())
		}
	}
	if err := Table(&b, reports, TableOptions{Format: "xml"}); err == nil || err.Error() != `output format "xml"; allowed are table, json, yaml` {
		t.Errorf("an unknown format is refused with those allowed, not %v", err)
	}
}
