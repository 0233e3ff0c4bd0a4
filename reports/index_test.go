package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// indexed writes the index of runs of one column each: a run's number is its
// breach minutes, every tenth failed, the others held.
func indexed(t *testing.T, count int) string {
	t.Helper()
	var reports []*Report
	for i := range count {
		run := oneColumn(60, steps(0, 2, 10, 5), steps(0, 2, float64(10+i%40), 5), steps(0, 2, float64(10+i%40), 5), decided(0, 2, float64(10+i%40), 5))
		run.Name = fmt.Sprintf("run-%03d", i)
		run.Expectations = []Expectation{{Name: "calm", Kind: "report", Expr: "breach_minutes <= 1", Passed: i%10 != 9, Message: "breach_minutes is too much"}}
		reports = append(reports, computed(t, run))
	}
	dir := t.TempDir()
	if err := WriteCall(dir, reports, Call{Command: "karpenter simulate scenarios"}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, indexName)
}

func TestIndexOfAThousandRunsIsSmall(t *testing.T) {
	text := readFile(t, indexed(t, 1000))
	if len(text) >= 1_000_000 {
		t.Errorf("1,000 runs take %d bytes; under 1,000,000 are promised", len(text))
	}
	if failed, held := strings.Index(text, ">run-009<"), strings.Index(text, ">run-000<"); failed < 0 || held < failed {
		t.Error("failures come first without the script, too")
	}
	for _, want := range []string{"100 of 1,000 runs failed", "900 of 1,000 expectations held; 41 d 16 h simulated"} {
		if !strings.Contains(text, want) {
			t.Errorf("the index lacks %q", want)
		}
	}
}

// visibleRuns lists the runs that the table shows, in order.
const visibleRuns = `[...document.querySelectorAll('#runs tbody')].filter(b => !b.hidden).map(b => b.querySelector('a').textContent)`

func TestIndexInBrowser(t *testing.T) {
	file := indexed(t, 12)
	b := openBrowser(t)
	b.open(file, 1024, 800, "light")
	click := func(column int) string {
		return fmt.Sprintf(`document.querySelectorAll('#runs thead button')[%d].click()`, column)
	}
	steps := []struct {
		reason, script string
		want           []string
	}{
		{"failures come first", ``, []string{"run-009", "run-000", "run-001"}},
		{"the first click on a figure brings the largest to the top", click(2), []string{"run-011", "run-010", "run-009"}},
		{"the second the smallest", click(2), []string{"run-000", "run-001", "run-002"}},
		{"the third the order of the file", click(2), []string{"run-009", "run-000", "run-001"}},
		{"names begin with the first", click(0), []string{"run-000", "run-001", "run-002"}},
		{"a result leaves out the others", `(() => { const f = document.getElementById('filter').result; f.value = 'failed'; f.dispatchEvent(new Event('input', {bubbles: true})); })()`, []string{"run-009"}},
		{"text and result filter together", `(() => { const f = document.getElementById('filter'); f.result.value = 'held'; f.text.value = 'RUN-01'; f.dispatchEvent(new Event('input', {bubbles: true})); })()`, []string{"run-010", "run-011"}},
	}
	b.Accessible("index.html")
	for _, step := range steps {
		if step.script != "" {
			evaluate[any](b, step.script+"; null")
		}
		got := evaluate[[]string](b, visibleRuns)
		if diff := cmp.Diff(step.want, got[:min(len(got), 3)]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.reason, diff)
		}
	}
	if got, want := evaluate[string](b, `document.getElementById('shown').textContent`), "2 of 12 shown"; got != want {
		t.Errorf("the page says %q, want %q", got, want)
	}
	link := evaluate[string](b, `location.hash`)
	b.open(file, 1024, 800, "light")
	evaluate[any](b, `location.hash = "`+link+`"; null`)
	evaluate[any](b, `window.dispatchEvent(new Event('hashchange')); null`)
	if diff := cmp.Diff([]string{"run-010", "run-011"}, evaluate[[]string](b, visibleRuns)); diff != "" {
		t.Errorf("the fragment %s does not bring the same table (-want +got):\n%s", link, diff)
	}
	b.quiet()
}

// TestPagesRunTheirScriptOnly puts a script where a manifest's text could be.
func TestPagesRunTheirScriptOnly(t *testing.T) {
	file := indexed(t, 1)
	text := strings.Replace(readFile(t, file), "</main>", "<script>document.title = 'owned'</script></main>", 1)
	writeFile(t, file, text)
	b := openBrowser(t)
	b.open(file, 1024, 800, "light")
	if title := evaluate[string](b, `document.title`); title == "owned" {
		t.Error("a script that is not the page's own ran")
	}
	if shown := evaluate[bool](b, `!document.getElementById('filter').hidden`); !shown {
		t.Error("the page's own script did not run")
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A run of several targets shows the worst one: what pods and nodes lack does not add up.
func TestIndexOfSeveralTargets(t *testing.T) {
	r := computed(t, fleet())
	html, err := indexHTML([]*Report{r}, Call{})
	if err != nil {
		t.Fatal(err)
	}
	page := string(html)
	if strings.Contains(page, "<td>60</td>") {
		t.Error("10 + 20 + 30 min are added up")
	}
	want := number(r.focus().Figures.Get("breach_minutes"))
	if !strings.Contains(page, "<td>"+want+"</td>") || !strings.Contains(page, "Figures of "+r.focus().Label+", the worst of 4 targets.") {
		t.Errorf("no word of %s min of %s", want, r.focus().Label)
	}
}
