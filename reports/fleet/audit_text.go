package fleet

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// auditTitles head the columns of an audit's tables.
var auditTitles = []string{"object", "breach minutes", "causes, replayed", "hours at max", "hours at min", "idle replica-hours", "replica-hours", "flaps", "confidence", "what would help most"}

// cells are a finding in the columns of a table.
func (f *Finding) cells() []string {
	if f.Unjudged != "" {
		return []string{f.Object, "–", "", "–", "–", "–", "–", "–", "cannot be judged: " + f.Unjudged, ""}
	}
	number := func(name string) string { return reports.Number(f.Figures.Get(name)) }
	expense := number("replica_hours")
	if v := f.Figures.Get("cost"); !math.IsNaN(v) {
		expense += " (cost " + reports.Number(v) + ")"
	}
	confidence := strings.Join(f.Doubts, "; ")
	if confidence == "" {
		confidence = "judged throughout"
	}
	return []string{
		f.Object, f.breachText(), causesText(f.Causes[:min(3, len(f.Causes))]), reports.Number(f.AtMaxHours), reports.Number(f.AtMinHours),
		number("over_replica_hours"), expense, number("reversals"), confidence, f.Advice.String(),
	}
}

// breachText is for how long capacity was lacking, or the load above the target.
func (f *Finding) breachText() string {
	text := reports.Number(f.Figures.Get("breach_minutes"))
	switch {
	case f.Figures.Get("breach_minutes") == 0 || math.IsNaN(f.Figures.Get("breach_minutes")):
		return text
	case f.Yardstick == result.Target:
		return text + " above target"
	}
	return text + " lacking capacity"
}

// String is an advice with its gain and price; empty for none.
func (a *Advice) String() string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%s: %s of %s min left, %+.1f replica-hours", a.Change, reports.Number(a.BreachMinutes), reports.Number(a.ReplayedMinutes), a.MoreReplicaHours)
}

// Table is the audit for a terminal.
func (a *Audit) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	var titles []string
	for _, t := range auditTitles {
		titles = append(titles, strings.ToUpper(t))
	}
	writeLine(w, titles)
	for i := range a.Rows {
		writeLine(w, a.Rows[i].cells())
	}
	_ = w.Flush() // into memory
	b.WriteString("\n" + a.Headline() + "\n")
	a.patches(&b)
	return b.String()
}

// patchesShown is how many patches a terminal shows.
const patchesShown = 5

// patches writes those of the worst.
func (a *Audit) patches(b *strings.Builder) {
	shown, left := 0, 0
	for i := range a.Rows {
		x := a.Rows[i].Advice
		switch {
		case x == nil || x.Patch == "":
		case shown < patchesShown:
			fmt.Fprintf(b, "\n%s: %s\n  %s\n", a.Rows[i].Object, x, x.Patch)
			shown++
		default:
			left++
		}
	}
	if left > 0 {
		fmt.Fprintf(b, "\nThe patches of %d more are in -o json, csv and html.\n", left)
	}
}

// Markdown is the audit as a comment or page below 60,000 bytes, the worst first.
func (a *Audit) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n| %s |\n|%s\n", escape.Markdown(a.Headline()), strings.Join(auditTitles, " | "), strings.Repeat("---|", len(auditTitles)))
	for i := range a.Rows {
		cells := a.Rows[i].cells()
		for k := range cells {
			cells[k] = escape.Markdown(cells[k])
		}
		line := "| " + strings.Join(cells, " | ") + " |\n"
		if b.Len()+len(line) > mostTable {
			fmt.Fprintf(&b, "| … and %s more |%s\n", counted(len(a.Rows)-i, "row"), strings.Repeat(" |", len(auditTitles)-1))
			break
		}
		b.WriteString(line)
	}
	for i := range a.Rows {
		f := &a.Rows[i]
		if f.Advice == nil || f.Advice.Patch == "" {
			continue
		}
		text := fmt.Sprintf("\n**%s**: %s\n\n```sh\n%s\n```\n", escape.Markdown(f.Object), escape.Markdown(f.Advice.String()), escape.Inline(f.Advice.Patch))
		if b.Len()+len(text) > mostMarkdown-reserve {
			b.WriteString("\nFurther patches do not fit here.\n")
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

// JSON is the audit for machines.
func (a *Audit) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(a, "", "  ")
	return append(escape.JSON(text), '\n'), err
}

// CSV is a line for each row, with the figures exact.
func (a *Audit) CSV() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	head := []string{"object", "unjudged", "of", "yardstick"}
	head = append(head, auditFigures...)
	head = append(head, "at_max_hours", "at_min_hours", "causes", "doubts", "advice", "advice_breach_minutes", "advice_more_replica_hours", "patch")
	if err := w.Write(head); err != nil {
		return nil, err
	}
	exact := func(v float64) string {
		if math.IsNaN(v) {
			return ""
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	for i := range a.Rows {
		f := &a.Rows[i]
		line := []string{f.Object, f.Unjudged, f.Of, string(f.Yardstick)}
		for _, name := range auditFigures {
			line = append(line, exact(f.Figures.Get(name)))
		}
		line = append(line, exact(f.AtMaxHours), exact(f.AtMinHours), causesText(f.Causes), strings.Join(f.Doubts, "; "))
		if x := f.Advice; x != nil {
			line = append(line, x.Change, exact(x.BreachMinutes), exact(x.MoreReplicaHours), x.Patch)
		} else {
			line = append(line, "", "", "", "")
		}
		for k := range line {
			line[k] = harmlessCell(line[k])
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// harmlessCell keeps a spreadsheet from taking text for a formula.
func harmlessCell(text string) string {
	text = escape.Inline(text)
	if text == "" || !strings.ContainsRune("=+-@", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}
