package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Format is how Table prints.
type Format string

// The formats.
const (
	FormatTable Format = "table"
	FormatJSON  Format = "json"
	FormatYAML  Format = "yaml"
)

// TableOptions say how Table prints.
type TableOptions struct {
	Format Format // empty is FormatTable
	// Width is the terminal's, in cells, to which headlines are wrapped; 0 does not wrap.
	Width int
	// Color marks results with ANSI colours.
	Color bool
	// RuleTests are unit tests of rules, which come behind the runs.
	RuleTests []*RuleTest
}

// Table prints what belongs on standard output: for each run its result and a
// line for each column, or the same as JSON or YAML.
func Table(w io.Writer, reports []*Report, o TableOptions) error {
	switch o.Format {
	case FormatJSON:
		text, err := json.MarshalIndent(allSummaries(reports, o.RuleTests), "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", escape.JSON(text))
		return err
	case FormatYAML:
		text, err := yaml.Marshal(allSummaries(reports, o.RuleTests))
		if err != nil {
			return err
		}
		if text, err = escape.YAML(text); err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case FormatTable, "":
		var b strings.Builder
		if len(reports) > 0 || len(o.RuleTests) == 0 {
			b.WriteString(textTable(reports, o))
		}
		ruleTestTable(&b, o.RuleTests, o)
		_, err := io.WriteString(w, b.String())
		return err
	}
	return fmt.Errorf("output format %q; allowed are table, json, yaml", o.Format)
}

// A tableFigure is a figure of the first table.
type tableFigure struct{ metric, title string }

// tableFigures lists the figures of the first table, in order; with the cost where any of
// the runs has prices.
func tableFigures(runs ...*Report) []tableFigure {
	list := []tableFigure{{"breach_minutes", "breach minutes"}, {"replica_hours", "replica-hours"}}
	if slices.ContainsFunc(runs, func(r *Report) bool { return r.Columns[r.primary].priced() }) {
		list = append(list, tableFigure{"cost", "cost"})
	}
	return append(list, tableFigure{"reversals", "reversals"}, tableFigure{"largest_replicas", "largest count"})
}

// cell is a figure of a column as tables show it.
func (r *Report) cell(column int, metric string) string {
	text := number(r.Columns[column].Figures.Get(metric))
	if metric != "reversals" && text != number(math.NaN()) && r.atLeast(column) {
		return "≥ " + text
	}
	return text
}

func textTable(reports []*Report, o TableOptions) string {
	several := slices.ContainsFunc(reports, func(r *Report) bool { return len(r.ranked()) > 1 })
	texts := []string{"NAME", "RESULT", "COLUMN"}
	if several {
		texts = append(texts, "TARGET")
	}
	figures := tableFigures(reports...)
	rows := [][]string{slices.Clone(texts)}
	for _, f := range figures {
		rows[0] = append(rows[0], strings.ToUpper(f.title))
	}
	for _, r := range reports {
		rows = append(rows, r.textRows(figures, several)...)
	}
	var b strings.Builder
	writeRows(&b, rows, len(texts), o.Color)
	for _, r := range reports {
		if len(reports) > 1 && r.Passed() {
			continue // one line a run, and what failed
		}
		b.WriteString("\n")
		wrap(&b, r.Run.Name+": "+strings.TrimSpace(r.Headline+" "+r.Trade), o.Width)
		if f := r.fidelityDetail(); len(f) > 0 {
			wrap(&b, strings.Join(f, " "), o.Width)
		}
		for _, e := range r.Failures() {
			wrap(&b, fmt.Sprintf("  failed %s: %s", e.Name, r.Failure(&e)), o.Width)
			if len(e.Excerpts) > 0 {
				fmt.Fprintf(&b, "      %s: %s\n", e.Kind, escape.Inline(oneLine(e.Expr)))
			}
			for _, line := range r.excerptLines(&e) {
				b.WriteString("      " + escape.Inline(line) + "\n")
			}
		}
	}
	if len(reports) > 1 {
		fmt.Fprintf(&b, "\n%s: %s\n", callTitle(reports), callTotals(reports))
	}
	return b.String()
}

// verdictLine says how many expectations held.
func verdictLine(r *Report) string {
	all := len(r.Run.Expectations)
	switch failed := len(r.Failures()); {
	case all == 0:
		return "completed"
	case failed == 0:
		return fmt.Sprintf("ok %d of %d", all, all)
	default:
		return fmt.Sprintf("FAILED %d of %d", failed, all)
	}
}

// textRows are the columns of a run; of several targets the worst ones in each.
func (r *Report) textRows(figures []tableFigure, several bool) [][]string {
	var rows [][]string
	add := func(column, target string, cell func(metric string) string) {
		row := []string{"", "", column}
		if len(rows) == 0 {
			row[0], row[1] = r.Run.Name, verdictLine(r)
		}
		if several {
			row = append(row, target)
		}
		for _, f := range figures {
			row = append(row, cell(f.metric))
		}
		rows = append(rows, row)
	}
	ranked := r.ranked()
	for i := range r.Columns {
		name := r.Columns[i].Name
		switch {
		case r.Run.Columns[i].Reference: // they stand in the files
		case len(ranked) < 2:
			add(name, "", func(metric string) string { return r.cell(i, metric) })
		default:
			for _, o := range ranked[:min(len(ranked), maxNamed)] {
				if other := r.Columns[i].object(o.Object); other != nil {
					add(name, r.listed(o), func(metric string) string { return r.objectCell(i, other, metric) })
				}
			}
		}
	}
	return rows
}

// writeRows aligns columns: those of text left, numbers right.
func writeRows(b *strings.Builder, rows [][]string, texts int, color bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			cell = escape.Inline(cell)
			row[i] = cell
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if color && i == 1 {
				cell = paint(cell)
			}
			if i > 0 {
				line.WriteString("  ")
			}
			if i < texts {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func paint(cell string) string {
	switch {
	case strings.HasPrefix(cell, "FAILED"):
		return "\x1b[31m" + cell + "\x1b[0m"
	case strings.HasPrefix(cell, "ok"):
		return "\x1b[32m" + cell + "\x1b[0m"
	}
	return cell
}

// wrap writes text in lines of at most width cells, broken at spaces.
func wrap(b *strings.Builder, text string, width int) {
	length := 0
	for i, word := range strings.Fields(text) {
		word = escape.Inline(word)
		cells := utf8.RuneCountInString(word)
		switch {
		case i == 0 && strings.HasPrefix(text, "  "):
			b.WriteString("  ")
			length = 2
		case i > 0 && width > 0 && length+1+cells > width:
			b.WriteString("\n    ")
			length = 4
		case i > 0:
			b.WriteString(" ")
			length++
		}
		b.WriteString(word)
		length += cells
	}
	b.WriteString("\n")
}

// A summary holds what machines read of one run on standard output, and of every
// run in the call's report.json.
type summary struct {
	Name         string          `json:"name"`
	Passed       bool            `json:"passed"`
	Headline     string          `json:"headline"`
	Trade        string          `json:"trade,omitempty"`
	Loop         result.Loop     `json:"badge,omitempty"`
	Fidelity     *Fidelity       `json:"fidelity,omitempty"`
	Columns      []summaryColumn `json:"columns"`
	Expectations []Expectation   `json:"expectations,omitempty"`
	RuleTests    []RuleTestCase  `json:"ruleTests,omitempty"`
}

type summaryColumn struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	// Reference columns are never ranked.
	Reference bool        `json:"reference,omitempty"`
	Figures   Figures     `json:"figures"`
	Causes    []CauseTime `json:"causes"`
}

// allSummaries has the files of rule tests behind the runs.
func allSummaries(reports []*Report, tests []*RuleTest) []summary {
	list := summaries(reports)
	for _, t := range tests {
		list = append(list, summary{Name: t.File, Passed: t.Passed(), Headline: t.result(), Columns: []summaryColumn{}, RuleTests: t.Cases})
	}
	return list
}

func summaries(reports []*Report) []summary {
	list := []summary{}
	for _, r := range reports {
		s := summary{
			Name: r.Run.Name, Passed: r.Passed(), Headline: r.Headline, Trade: r.Trade,
			Loop: r.Run.Loop, Fidelity: r.Run.Fidelity, Expectations: r.Run.Expectations,
		}
		for i := range r.Columns {
			c := &r.Columns[i]
			s.Columns = append(s.Columns, summaryColumn{c.Name, c.Digest, r.Run.Columns[i].Reference, c.Figures, c.Causes})
		}
		list = append(list, s)
	}
	return list
}
