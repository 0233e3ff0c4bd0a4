package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed index.css
var indexStyle string

//go:embed index.js
var indexSource string

// indexPage is index.html as its template sees it.
type indexPage struct {
	Style                           template.CSS
	Policy                          template.HTML
	Script                          template.JS
	Title, Totals, Command, Version string
	Titles                          []string
	Results                         []string
	Runs                            []indexRun
	Width                           int // columns of the table
	Tests                           []indexTest
}

type indexRun struct {
	Name, Link, Headline, Trade string
	Result, Class, Verdict      string // Verdict counts expectations
	Of                          string // the target of the figures, of several
	Covers                      string
	Seconds                     int64
	First                       []string // figures of the first column
	Rest                        []rowView
	Badges                      []badgeView
	Failures                    []textView
}

// indexHTML is a table of the runs of a call, failures first. It reads without
// its script, which sorts and filters.
func indexHTML(reports []*Report, call Call) ([]byte, error) {
	p := &indexPage{
		Style: template.CSS(style + indexStyle), Policy: contentPolicy(indexSource), Script: template.JS(indexSource),
		Title: callTitle(reports, call.RuleTests...), Totals: callTotals(reports), Command: call.Command, Version: call.Version,
	}
	figures := tableFigures(reports...)
	for _, f := range figures {
		p.Titles = append(p.Titles, f.title)
	}
	p.Width = len(p.Titles) + 3
	counts := map[string]int{}
	for _, r := range failuresFirst(reports) {
		run := r.indexRun(figures)
		p.Runs = append(p.Runs, run)
		counts[run.Result]++
	}
	for _, result := range []string{resultFailed, resultHeld, resultCompleted} {
		if counts[result] > 0 {
			p.Results = append(p.Results, result)
		}
	}
	p.Tests = indexTests(call.RuleTests)
	var b bytes.Buffer
	if err := indexTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	return b.Bytes(), nil
}

// Results of a run.
const (
	resultFailed    = "failed"
	resultHeld      = "held"
	resultCompleted = "completed" // without expectations
)

// indexRun is a run as the index shows it: a row for each column that somebody
// asked for, the first one with the name and the result.
func (r *Report) indexRun(figures []tableFigure) indexRun {
	length := r.Run.End - r.Run.Start
	run := indexRun{
		Name: r.Run.Name, Link: r.link(), Headline: r.Headline, Trade: r.Trade,
		Result: resultHeld, Class: "held", Verdict: verdictLine(r), Covers: span(length), Seconds: length,
	}
	switch {
	case !r.Passed():
		run.Result, run.Class = resultFailed, "failed"
	case len(r.Run.Expectations) == 0:
		run.Result, run.Class = resultCompleted, ""
	}
	for _, badge := range r.badges() {
		if badge.Class != "good" && badge.Class != "bad" || len(r.Run.Expectations) == 0 {
			run.Badges = append(run.Badges, badge) // the others repeat the result
		}
	}
	if n := len(r.ranked()); n > 1 {
		run.Of = fmt.Sprintf("%s, the worst of %s targets", r.focus().Label, group(int64(n)))
	}
	for i := range r.Columns {
		if r.Run.Columns[i].Reference {
			continue // they stand in the run's own report
		}
		row := rowView{Name: r.Columns[i].Name}
		// What pods and nodes lack does not add up.
		var worst *ObjectReport
		if run.Of != "" {
			if worst = r.Columns[i].object(r.focus().Object); worst == nil {
				continue
			}
		}
		for _, f := range figures {
			if worst != nil {
				row.Cells = append(row.Cells, r.objectCell(i, worst, f.metric))
			} else {
				row.Cells = append(row.Cells, r.cell(i, f.metric))
			}
		}
		run.Rest = append(run.Rest, row)
	}
	if len(run.Rest) == 1 {
		run.First, run.Rest = run.Rest[0].Cells, nil
	}
	for _, e := range r.Failures() {
		run.Failures = append(run.Failures, textView{e.Name, r.Failure(&e)})
	}
	return run
}

// callTitle counts what failed.
func callTitle(reports []*Report, tests ...*RuleTest) string {
	failed := 0
	for _, r := range reports {
		if !r.Passed() {
			failed++
		}
	}
	var parts []string
	if len(reports) > 0 || len(tests) == 0 {
		parts = append(parts, countFailed(failed, len(reports), "run"))
	}
	if len(tests) > 0 {
		all, failed := 0, 0
		for _, t := range tests {
			all += len(t.Cases)
			failed += t.failed()
		}
		parts = append(parts, countFailed(failed, all, "rule test"))
	}
	return strings.Join(parts, ", ")
}

func countFailed(failed, all int, noun string) string {
	text := fmt.Sprintf("%s %s", group(int64(all)), plural(int64(all), noun))
	if failed > 0 {
		return fmt.Sprintf("%d of %s failed", failed, text)
	}
	return text
}

// callTotals adds up what the runs of a call have in common: what was expected,
// and how much time they cover.
func callTotals(reports []*Report) string {
	var expected, held int
	var seconds int64
	for _, r := range reports {
		expected += len(r.Run.Expectations)
		held += len(r.Run.Expectations) - len(r.Failures())
		seconds += r.Run.End - r.Run.Start
	}
	covered := span(seconds) + " simulated"
	if expected == 0 {
		return covered
	}
	return fmt.Sprintf("%s of %s expectations held; %s", group(int64(held)), group(int64(expected)), covered)
}
