package reports

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// Markdown is the summary of one report, fit for a pull-request comment.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s %s\n\n", verdict(r), escapeMarkdown(r.Run.Name))
	fmt.Fprintf(&b, "**%s**\n\n", escapeMarkdown(r.Headline))
	if r.Trade != "" {
		fmt.Fprintf(&b, "%s\n\n", escapeMarkdown(r.Trade))
	}
	r.markdownTable(&b)
	r.markdownFixes(&b)
	if line := r.stamp(); line != "" {
		fmt.Fprintf(&b, "\n%s\n", escapeMarkdown(line))
	}
	if f := r.fidelityDetail(); len(f) > 0 {
		fmt.Fprintf(&b, "\n%s\n", escapeMarkdown(strings.Join(f, " ")))
	}
	if faults := faultsPhrase(sortedFaults(r.Run.Faults), clockOf(r.Run), r.Run.Start, r.Run.End); faults != "" {
		fmt.Fprintf(&b, "\nFaults: %s.\n", escapeMarkdown(faults))
	}
	r.markdownExpectations(&b)
	markdownDetails(&b, "Assumptions", r.assumptions())
	markdownDetails(&b, "Notes", r.notes())
	if r.Run.Command != "" {
		fmt.Fprintf(&b, "\n%s\n", codeBlock(r.Run.Command))
	}
	return b.String()
}

// markdownDetails is a list that opens at a click.
func markdownDetails(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n", title)
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", escapeMarkdown(line))
	}
	b.WriteString("\n</details>\n")
}

func verdict(r *Report) string {
	switch {
	case len(r.Run.Expectations) == 0:
		return "▪"
	case r.Passed():
		return "✅"
	}
	return "❌"
}

func (r *Report) markdownTable(b *strings.Builder) {
	figures := tableFigures(r)
	ranked := r.ranked()
	several := len(ranked) > 1
	b.WriteString("| |")
	if several {
		b.WriteString(" target |")
	}
	for _, f := range figures {
		fmt.Fprintf(b, " %s |", f.title)
	}
	b.WriteString("\n|---|")
	if several {
		b.WriteString("---|")
	}
	b.WriteString(strings.Repeat("--:|", len(figures)) + "\n")
	for i := range r.Columns {
		name := escapeMarkdown(r.Columns[i].Name)
		if r.Run.Columns[i].Reference {
			name = "*" + name + "*"
		}
		if !several {
			fmt.Fprintf(b, "| %s |", name)
			for _, f := range figures {
				fmt.Fprintf(b, " %s |", r.cell(i, f.metric))
			}
			b.WriteString("\n")
			continue
		}
		for _, o := range ranked[:min(len(ranked), maxNamed)] {
			other := r.Columns[i].object(o.Object)
			if other == nil {
				continue
			}
			fmt.Fprintf(b, "| %s | %s |", name, escapeMarkdown(r.listed(o)))
			for _, f := range figures {
				fmt.Fprintf(b, " %s |", r.objectCell(i, other, f.metric))
			}
			b.WriteString("\n")
		}
	}
	if rest := len(ranked) - maxNamed; rest > 0 {
		fmt.Fprintf(b, "\n%s more targets stand in %s.\n", group(int64(rest)), htmlName)
	}
}

// maxNamed is how many targets of a run a summary and a terminal list.
const maxNamed = 10

// markdownFixes returns what fixes would gain, where that is known.
func (r *Report) markdownFixes(b *strings.Builder) {
	o := r.focus()
	if o == nil {
		return
	}
	t := r.fixTable(o)
	if t == nil {
		return
	}
	fmt.Fprintf(b, "\n| fix%s | %s |\n|---|%s\n", escapeMarkdown(r.of(o)), strings.Join(t.Titles, " | "), strings.Repeat("--:|", len(t.Titles)))
	for i := range t.Rows {
		fmt.Fprintf(b, "| %s | %s |\n", escapeMarkdown(t.Rows[i].Name), strings.Join(t.Rows[i].Cells, " | "))
	}
}

// markdownExpectations lists failures, and counts what held.
func (r *Report) markdownExpectations(b *strings.Builder) {
	all := len(r.Run.Expectations)
	if all == 0 {
		return
	}
	failed := r.Failures()
	fmt.Fprintf(b, "\n%d of %d %s held.\n", all-len(failed), all, plural(int64(all), "expectation"))
	if len(failed) > 0 {
		b.WriteString("\n")
	}
	for i := range failed {
		if i == maxFailures {
			fmt.Fprintf(b, "- %d more failed; see %s\n", len(failed)-i, htmlName)
			break
		}
		e := &failed[i]
		fmt.Fprintf(b, "- ❌ **%s** %s: %s\n", escapeMarkdown(e.Name), codeSpan(e.Expr), escapeMarkdown(r.Failure(e)))
		if lines := r.excerptLines(e); len(lines) > 0 && i < maxExcerpts {
			fmt.Fprintf(b, "\n  %s\n\n", strings.ReplaceAll(fenced("text", strings.Join(lines, "\n")), "\n", "\n  "))
		}
	}
}

// maxFailures is how many failures a summary spells out, maxExcerpts with how
// many of them go the series around the moment.
const maxFailures, maxExcerpts = 50, 10

// Failure returns what a failed expectation says: message, series, value, instant.
func (r *Report) Failure(e *Expectation) string {
	text := oneLine(e.Message)
	if text == "" {
		text = "did not hold"
	}
	if e.Series != "" {
		text += "; " + e.Series
		if e.Value != "" {
			text += " is " + e.Value
		}
	} else if e.Value != "" {
		text += "; value " + e.Value
	}
	if e.At != 0 {
		text += fmt.Sprintf(" at %s, %s into the run", clockOf(r.Run).full(e.At), span(e.At-r.Run.Covers().Start))
	}
	return text
}

// stamp returns the loop in one line.
func (r *Report) stamp() string {
	if r.Run.Loop == "" {
		return ""
	}
	return fmt.Sprintf("%s (%s).", upperFirst(string(r.Run.Loop)), r.Run.Loop.Explain())
}

// ofWhole says that a figure is one of the whole run, in a report on part of it.
func (r *Report) ofWhole() string {
	if !r.narrowed() {
		return ""
	}
	return " of the whole run"
}

// assumptions are the caller's and those that the figures show.
func (r *Report) assumptions() []string {
	var list []string
	if r.Run.Loop == result.OpenLoop {
		list = append(list, string(result.OpenLoop)+": "+result.OpenLoop.Explain())
	}
	return append(append(list, r.Run.Assumptions...), r.caveats()...)
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func escapeMarkdown(text string) string { return escape.Markdown(text) }

// codeSpan quotes text with more backticks than it contains in a row.
func codeSpan(text string) string {
	text = escape.Inline(oneLine(text))
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}

// codeCell is a codeSpan in a table, where | ends a cell even in code.
func codeCell(text string) string { return strings.ReplaceAll(codeSpan(text), "|", `\|`) }

func codeBlock(text string) string { return fenced("sh", escape.Inline(text)) }

func fenced(language, text string) string {
	text = escape.Lines(text)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + language + "\n" + text + "\n" + fence
}
