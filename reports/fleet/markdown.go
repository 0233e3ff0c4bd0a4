package fleet

import (
	"fmt"
	"math"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/reports"
)

const (
	// mostMarkdown is the size in bytes that a comment keeps below, mostTable that of
	// its table; the rest is for details.
	mostMarkdown, mostTable = 60_000, 30_000
	// reserve is room for the last lines of a part.
	reserve = 400
)

// targetNote says what a breach is where no capacity is known.
const targetNote = "Where no capacity is known a breach is time above the target of the policy before."

// A figure is one column of a table.
type figure struct{ metric, title string }

func (p *Plan) figures() []figure {
	list := []figure{{"breach_minutes", "breach minutes"}, {"replica_hours", "replica-hours"}}
	if p.priced() {
		list = append(list, figure{"cost", "cost"})
	}
	return append(list, figure{"reversals", "reversals"}, figure{"largest_replicas", "largest count"})
}

// Markdown is the plan as a comment on a change, the worst first, below 60,000 bytes.
// What does not fit is counted.
func (p *Plan) Markdown() string {
	var b strings.Builder
	mark := "✅"
	if !p.Passed {
		mark = "❌"
	}
	fmt.Fprintf(&b, "## %s %s\n\n", mark, p.Headline())
	if len(p.Rows) == 0 {
		return b.String()
	}
	if p.From != "" {
		fmt.Fprintf(&b, "Played from %s to %s; before and after are measured by the same yardstick.\n\n", p.From, p.To)
	}
	p.markdownTable(&b)
	if p.targets() {
		b.WriteString("\n" + targetNote + "\n")
	}
	for i := range p.Rows {
		text := p.Rows[i].markdown()
		if text == "" {
			continue
		}
		if b.Len()+len(text) > mostMarkdown-reserve-len(p.Command) {
			fmt.Fprintf(&b, "\nThe details of %s more do not fit here.\n", counted(len(p.Rows)-i, "row"))
			break
		}
		b.WriteString(text)
	}
	if p.Command != "" && len(p.Command) < mostMarkdown/4 {
		fmt.Fprintf(&b, "\n```sh\n%s\n```\n", escape.Inline(p.Command))
	}
	return b.String()
}

func (p *Plan) markdownTable(b *strings.Builder) {
	figures := p.figures()
	b.WriteString("| object | result |")
	for _, f := range figures {
		fmt.Fprintf(b, " %s |", f.title)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("--:|", len(figures)) + "\n")
	for i := range p.Rows {
		row := &p.Rows[i]
		line := fmt.Sprintf("| %s | %s |", escape.Markdown(row.Object), row.verdict())
		for _, f := range figures {
			line += " " + pair(row, f.metric) + " |"
		}
		if b.Len()+len(line) > mostTable {
			fmt.Fprintf(b, "| … and %s more | |%s\n", counted(len(p.Rows)-i, "row"), strings.Repeat(" |", len(figures)))
			break
		}
		b.WriteString(line + "\n")
	}
	if len(p.Rows) < 2 {
		return
	}
	line := "| **all that are compared** | |"
	for _, f := range figures {
		before, after := p.total(f.metric)
		if f.metric == "largest_replicas" || math.IsNaN(before) {
			line += " |"
			continue
		}
		line += fmt.Sprintf(" %s → %s |", reports.Number(before), reports.Number(after))
	}
	b.WriteString(line + "\n")
}

// verdict is the result, with what is not a change of a policy.
func (row *Row) verdict() string {
	mark := map[Result]string{Failed: "❌", Unjudged: "❔", Uncompared: "▪", Passed: "✅"}[row.Result]
	if row.Action != Changed {
		return mark + " " + string(row.Action)
	}
	return mark + " " + string(row.Result)
}

// details returns what the table leaves out, a line each.
func (row *Row) details() []string {
	var lines []string
	if row.Reason != "" {
		lines = append(lines, row.Reason)
	}
	for i := range row.Guards {
		if !row.Guards[i].Passed {
			lines = append(lines, row.Guards[i].String())
		}
	}
	for _, d := range row.Differences {
		lines = append(lines, fmt.Sprintf("%s: %d (%s) instead of %d (%s)", d.At, d.After.Desired, d.After.Reason, d.Before.Desired, d.Before.Reason))
	}
	if text := causesText(row.CausesNew); text != "" {
		lines = append(lines, "new causes of breach: "+text)
	}
	if text := causesText(row.CausesGone); text != "" {
		lines = append(lines, "causes that are gone: "+text)
	}
	return append(lines, row.Notes...)
}

func causesText(list []Cause) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%s (%s min)", c.Cause, reports.Number(c.Minutes)))
	}
	return strings.Join(parts, ", ")
}

func (row *Row) markdown() string {
	lines := row.details()
	if len(lines) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n**%s**\n", escape.Markdown(row.Object))
	for _, l := range lines {
		fmt.Fprintf(&b, "- %s\n", escape.Markdown(l))
	}
	return b.String()
}
