package fleet

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

//go:embed audit.html.tmpl
var auditText string

var auditPage = template.Must(template.New("audit").Parse(auditText))

// numbers are the columns of an audit's tables that hold them.
var numbers = map[string]bool{"hours at max": true, "hours at min": true, "idle replica-hours": true, "replica-hours": true, "flaps": true}

// A pageCell is a cell of the page; its title stands beside it where the page is narrow.
type pageCell struct {
	Title, Text string
	Number      bool
}

// A pageRow is a row of the page, and the address behind its object's name.
type pageRow struct {
	Object, Open string
	Unjudged     bool
	Cells        []pageCell
	Patch        string
}

// Last is the number of the last cell, with what would help most.
func (r *pageRow) Last() int { return len(r.Cells) - 1 }

// HTML is the audit as one self-contained page. Open returns the address of what a row
// opens, empty for none; nil is for no addresses at all.
func (a *Audit) HTML(open func(row int) string) ([]byte, error) {
	view := struct {
		Headline, Command string
		Titles            []pageCell
		Rows              []*pageRow
	}{Headline: a.Headline(), Command: a.Command}
	for _, t := range auditTitles[1:] {
		view.Titles = append(view.Titles, pageCell{Title: t, Number: numbers[t]})
	}
	for i := range a.Rows {
		r := &pageRow{Object: a.Rows[i].Object, Unjudged: a.Rows[i].Unjudged != ""}
		if open != nil {
			r.Open = open(i)
		}
		for k, text := range a.Rows[i].cells()[1:] {
			r.Cells = append(r.Cells, pageCell{Title: auditTitles[k+1], Text: text, Number: numbers[auditTitles[k+1]]})
		}
		if x := a.Rows[i].Advice; x != nil {
			r.Patch = x.Patch
		}
		view.Rows = append(view.Rows, r)
	}
	var b bytes.Buffer
	if err := auditPage.Execute(&b, view); err != nil {
		return nil, err
	}
	return escape.Document(b.Bytes()), nil
}
