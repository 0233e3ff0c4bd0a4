package reports

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// A Call holds what a call of the program adds to its runs.
type Call struct {
	// Command repeats it, Version is the program's.
	Command, Version string
	// RuleTests are unit tests of rules that the call ran beside.
	RuleTests []*RuleTest
}

// maxSummary is the size in bytes that a whole call's summary.md keeps below.
const maxSummary = 60000

// WriteCall writes index.html, summary.md, report.json and junit.xml of the
// whole call into dir. Links go to the runs' directories, named as the runs.
func WriteCall(dir string, reports []*Report, call Call) error {
	index, err := indexHTML(reports, call)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(struct {
		Schema  int         `json:"schema"`
		Version string      `json:"version,omitempty"`
		Command string      `json:"command,omitempty"`
		Passed  bool        `json:"passed"`
		Runs    []summary   `json:"runs"`
		Tests   []*RuleTest `json:"ruleTests,omitempty"`
	}{schemaVersion, call.Version, call.Command, passed(reports) && ruleTestsPassed(call.RuleTests), summaries(reports), call.RuleTests}, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", JSONFile, err)
	}
	junit, err := JUnit(reports, call.RuleTests...)
	if err != nil {
		return err
	}
	return writeFiles(dir, []outputFile{
		{indexName, index},
		{markdownName, []byte(CallMarkdown(reports, call.RuleTests...))},
		{JSONFile, append(data, '\n')},
		{junitName, junit},
	})
}

func passed(reports []*Report) bool {
	for _, r := range reports {
		if !r.Passed() {
			return false
		}
	}
	return true
}

// failuresFirst are the reports with those that failed first, otherwise in order.
func failuresFirst(reports []*Report) []*Report {
	var failed, held []*Report
	for _, r := range reports {
		if r.Passed() {
			held = append(held, r)
		} else {
			failed = append(failed, r)
		}
	}
	return append(failed, held...)
}

// CallMarkdown is the whole call's summary: failures first, at most 60,000
// bytes. What does not fit is counted, not cut in the middle.
func CallMarkdown(reports []*Report, tests ...*RuleTest) string {
	if len(reports) == 1 && len(tests) == 0 {
		if text := reports[0].Markdown(); len(text) <= maxSummary {
			return text
		}
	}
	var b strings.Builder
	failed := !passed(reports)
	mark := "✅"
	if failed || !ruleTestsPassed(tests) {
		mark = "❌"
	}
	fmt.Fprintf(&b, "# %s %s\n\n", mark, callTitle(reports, tests...))
	const reserve = 400 // room for the last lines
	ordered := failuresFirst(reports)
	for i, r := range ordered {
		text := r.Markdown() + "\n"
		if b.Len()+len(text) > maxSummary-reserve {
			text = r.markdownLine()
		}
		if b.Len()+len(text) > maxSummary-reserve {
			fmt.Fprintf(&b, "\n%d more %s: see %s.\n", len(ordered)-i, plural(int64(len(ordered)-i), "run"), indexName)
			break
		}
		b.WriteString(text)
	}
	for _, t := range tests {
		text := ruleTestMarkdown(t) + "\n"
		if b.Len()+len(text) > maxSummary-reserve {
			text = fmt.Sprintf("- **%s**: %s\n", escapeMarkdown(t.File), t.result())
		}
		if b.Len()+len(text) > maxSummary-reserve {
			fmt.Fprintf(&b, "\nMore tests of rules: see %s.\n", indexName)
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

// markdownLine is one run in one line.
func (r *Report) markdownLine() string {
	return fmt.Sprintf("- %s **%s** (%s): %s\n", verdict(r), escapeMarkdown(r.Run.Name), verdictLine(r), escapeMarkdown(r.Headline))
}

// link is the address of a run's page below the call's directory.
func (r *Report) link() string {
	var parts []string
	for _, part := range strings.Split(r.Run.Name, "/") {
		parts = append(parts, url.PathEscape(part))
	}
	return strings.Join(parts, "/") + "/" + htmlName
}
