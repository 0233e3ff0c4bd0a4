package reports

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Markdown is summary.md.
func (t *Tune) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n**%s**\n\n", escapeMarkdown(t.Name), escapeMarkdown(t.Headline()))
	for _, w := range t.Why {
		fmt.Fprintf(&b, "- %s\n", escapeMarkdown(w))
	}
	if len(t.Folds) > 0 {
		b.WriteString("\n| | replica-hours in-sample | held out | breach minutes in-sample | held out | missing replica-hours in-sample | held out |\n|---|--:|--:|--:|--:|--:|--:|\n")
		for _, row := range t.comparison() {
			fmt.Fprintf(&b, "| %s |", escapeMarkdown(row.Name))
			for _, c := range row.Cells {
				fmt.Fprintf(&b, " %s |", c)
			}
			b.WriteString("\n")
		}
		t.markdownFolds(&b)
	}
	t.markdownParameters(&b)
	t.markdownTrades(&b)
	fmt.Fprintf(&b, "\n%s\n", escapeMarkdown(strings.Join(t.facts(), " · ")))
	if t.Command != "" {
		fmt.Fprintf(&b, "\n%s\n", codeBlock(t.Command))
	}
	return b.String()
}

// comparison are the rows of the first table: the current policy and the
// choice, by the last fold.
func (t *Tune) comparison() []rowView {
	rows := []rowView{{Name: "current", Cells: pairCells(t.Current.In, t.Current.Out)}}
	if f, ok := t.last(); ok && f.Trial != 0 {
		rows = append(rows, rowView{Name: fmt.Sprintf("trial %d", f.Trial), Cells: pairCells(f.In, f.Out), Primary: t.Verdict == TuneRecommend})
	}
	return rows
}

// pairCells are figures in-sample and held out, side by side.
func pairCells(in, out TuneFigures) []string {
	return []string{
		number(in.ReplicaHours), number(out.ReplicaHours), number(in.BreachMinutes), number(out.BreachMinutes),
		number(in.UnderHours), number(out.UnderHours),
	}
}

// foldTitles head the table of folds; foldRows are its rows.
var foldTitles = []string{"trial", "replica-hours in-sample", "held out", "breach minutes in-sample", "held out", "beats it held out"}

func (t *Tune) foldRows() []rowView {
	var rows []rowView
	clock := t.clock()
	for i := range t.Folds {
		f := &t.Folds[i]
		row := rowView{Name: fmt.Sprintf("%d: from %s", i+1, clock.at(f.Split).Format("Mon 2 Jan 15:04"))}
		if f.Trial == 0 {
			row.Cells = []string{"none", "", "", "", "", "–"}
		} else {
			row.Cells = []string{fmt.Sprint(f.Trial),
				change(f.In.ReplicaHours, f.CurrentIn.ReplicaHours), change(f.Out.ReplicaHours, f.CurrentOut.ReplicaHours),
				change(f.In.BreachMinutes, f.CurrentIn.BreachMinutes), change(f.Out.BreachMinutes, f.CurrentOut.BreachMinutes),
				yes(f.Held)}
		}
		rows = append(rows, row)
	}
	return rows
}

func yes(b bool) string {
	if b {
		return "✓ yes"
	}
	return "✗ no"
}

func (t *Tune) markdownFolds(b *strings.Builder) {
	b.WriteString("\nWalk-forward folds, relative to the current policy:\n\n| fold | " + strings.Join(foldTitles, " | ") + " |\n|---|" + strings.Repeat("--:|", len(foldTitles)) + "\n")
	for _, row := range t.foldRows() {
		fmt.Fprintf(b, "| %s | %s |\n", escapeMarkdown(row.Name), strings.Join(row.Cells, " | "))
	}
}

func (t *Tune) markdownParameters(b *strings.Builder) {
	b.WriteString("\n| parameter | searched | current | chosen | explains cost | explains breaches |\n|---|---|--:|--:|--:|--:|\n")
	for i := range t.Parameters {
		p := &t.Parameters[i]
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s %% | %s %% |\n", codeCell(p.Path), codeCell(p.Searched), escapeMarkdown(p.Current), escapeMarkdown(dash(p.Chosen)),
			number(100*p.Cost), number(100*p.Lacking))
	}
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// markdownTrades bounds the trades that a summary lists.
const maxMarkdownTrades = 20

func (t *Tune) markdownTrades(b *strings.Builder) {
	trades := t.trades()
	if len(trades) == 0 {
		return
	}
	fmt.Fprintf(b, "\nTrades of cost against breaches that no other candidate beats in both (in-sample → held out):\n\n| trial | replica-hours | breach minutes |\n|--:|--:|--:|\n")
	for i := range thin(len(trades), maxMarkdownTrades) {
		p := trades[thinned(i, len(trades), maxMarkdownTrades)]
		fmt.Fprintf(b, "| %d | %s → %s | %s → %s |\n", p.Trial, number(p.In.ReplicaHours), number(p.Out.ReplicaHours), number(p.In.BreachMinutes), number(p.Out.BreachMinutes))
	}
}

// trades are the points of the Pareto front, cheapest first.
func (t *Tune) trades() []TunePoint {
	var out []TunePoint
	for i := range t.Points {
		if t.Points[i].Pareto {
			out = append(out, t.Points[i])
		}
	}
	return out
}

// thin is how many of n rows are shown where at most most are; thinned is the
// index of the i-th of them, spread from the first to the last.
func thin(n, most int) int { return min(n, most) }

func thinned(i, n, most int) int {
	if n <= most {
		return i
	}
	return i * (n - 1) / (most - 1)
}

// facts are what stands behind the verdict, in phrases.
func (t *Tune) facts() []string {
	facts := []string{fmt.Sprintf("best of %s candidates (sampler %s, seed %d)", group(int64(t.Played)), t.Sampler, t.Seed)}
	if t.Stopped > 0 {
		facts = append(facts, fmt.Sprintf("%s stopped early against a fixed bound", group(int64(t.Stopped))))
	}
	if t.Invalid > 0 {
		facts = append(facts, fmt.Sprintf("%s were no valid policies", group(int64(t.Invalid))))
	}
	for _, c := range t.Constraints {
		facts = append(facts, "constraint "+c)
	}
	if t.Badge != "" {
		facts = append(facts, string(t.Badge))
	}
	if t.Fidelity != nil {
		facts = append(facts, "fidelity "+percentDown(*t.Fidelity)+" %")
	}
	return append(facts, t.Assumptions...)
}

// Table prints what belongs on standard output.
func (t *Tune) Table(w io.Writer) error {
	rows := [][]string{{"POLICY", "REPLICA-HOURS", "HELD OUT", "BREACH MIN", "HELD OUT", "MISSING", "HELD OUT"}}
	if len(t.Folds) > 0 {
		for _, row := range t.comparison() {
			rows = append(rows, append([]string{row.Name}, row.Cells...))
		}
	}
	var b strings.Builder
	if len(rows) > 1 {
		table := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
		for _, row := range rows {
			fmt.Fprintln(table, strings.Join(row, "\t")+"\t")
		}
		if err := table.Flush(); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	b.WriteString(t.Headline() + "\n")
	for _, why := range t.Why {
		b.WriteString("  " + why + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
