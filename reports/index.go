package reports

import (
	"bytes"
	"fmt"
	"html/template"
)

// indexPage is index.html as its template sees it.
type indexPage struct {
	Style                   template.CSS
	Title, Command, Version string
	Runs                    []indexRun
}

type indexRun struct {
	Name, Link, Headline, Trade string
	Badges                      []badgeView
	Titles                      []string
	Rows                        []rowView
	Failures                    []textView
}

// indexHTML lists the runs of a call, failures first.
func indexHTML(reports []*Report, call Call) ([]byte, error) {
	p := &indexPage{Style: template.CSS(style), Title: callTitle(reports), Command: call.Command, Version: call.Version}
	for _, r := range failuresFirst(reports) {
		run := indexRun{
			Name: r.Run.Name, Link: r.link(), Headline: r.Headline, Trade: r.Trade,
			Badges: r.badges(), Titles: r.figureTitles(), Rows: r.columnRows(),
		}
		for _, e := range r.Failures() {
			run.Failures = append(run.Failures, textView{e.Name, r.Failure(&e)})
		}
		p.Runs = append(p.Runs, run)
	}
	var b bytes.Buffer
	if err := indexTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	return b.Bytes(), nil
}

// callTitle counts what failed.
func callTitle(reports []*Report) string {
	failed := 0
	for _, r := range reports {
		if !r.Passed() {
			failed++
		}
	}
	all := fmt.Sprintf("%d %s", len(reports), plural(int64(len(reports)), "run"))
	if failed > 0 {
		return fmt.Sprintf("%d of %s failed", failed, all)
	}
	return all
}
