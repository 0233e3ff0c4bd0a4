package reports

import (
	"fmt"
	"io"
	"math"
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
		fmt.Fprintf(&b, "\n| | %s in-sample | held out | breach minutes in-sample | held out | missing replica-hours in-sample | held out | reversals in-sample | held out |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n", t.expenseName())
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
	for i := range t.Patches {
		p := &t.Patches[i]
		if p.File != "" {
			fmt.Fprintf(&b, "\nFor the owner of the %s: [%s](%s)\n\n%s\n", escapeMarkdown(p.Kind), escapeMarkdown(p.File), p.File, codeBlock(p.Command))
		}
		for _, u := range p.Unsaid {
			fmt.Fprintf(&b, "\n- not said in a %s: %s\n", p.Kind, escapeMarkdown(u))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", escapeMarkdown(strings.Join(t.facts(), " · ")))
	if t.Command != "" {
		fmt.Fprintf(&b, "\n%s\n", codeBlock(t.Command))
	}
	return b.String()
}

// comparison are the rows of the first table: the current policy and the
// choice, by the last fold.
func (t *Tune) comparison() []rowView {
	rows := []rowView{{Name: "current", Cells: t.pairCells(&t.Current.In, &t.Current.Out)}}
	if f, ok := t.last(); ok && f.Trial != 0 {
		rows = append(rows, rowView{Name: fmt.Sprintf("trial %d", f.Trial), Cells: t.pairCells(&f.In, &f.Out), Primary: t.Verdict == TuneRecommend})
	}
	return rows
}

// pairCells are figures in-sample and held out, side by side.
func (t *Tune) pairCells(in, out *TuneFigures) []string {
	return []string{
		number(t.expense(in)), number(t.expense(out)), number(in.BreachMinutes), number(out.BreachMinutes),
		number(in.UnderHours), number(out.UnderHours), group(in.Reversals), group(out.Reversals),
	}
}

// foldTitles head the table of folds.
func (t *Tune) foldTitles() []string {
	return []string{"trial", t.expenseName() + " in-sample", "held out", "breach minutes in-sample", "held out", "reversals in-sample", "held out", "beats it held out"}
}

func (t *Tune) foldRows() []rowView {
	var rows []rowView
	clock := t.clock()
	for i := range t.Folds {
		f := &t.Folds[i]
		row := rowView{Name: fmt.Sprintf("%d: from %s", i+1, clock.at(f.Split).Format("Mon 2 Jan 15:04"))}
		if f.Trial == 0 {
			row.Cells = []string{"none", "", "", "", "", "", "", "–"}
		} else {
			row.Cells = []string{fmt.Sprint(f.Trial),
				change(t.expense(&f.In), t.expense(&f.CurrentIn)), change(t.expense(&f.Out), t.expense(&f.CurrentOut)),
				change(f.In.BreachMinutes, f.CurrentIn.BreachMinutes), change(f.Out.BreachMinutes, f.CurrentOut.BreachMinutes),
				moreOf(f.In.Reversals, f.CurrentIn.Reversals), moreOf(f.Out.Reversals, f.CurrentOut.Reversals),
				yes(f.Held)}
		}
		rows = append(rows, row)
	}
	return rows
}

// moreOf is a difference of counts with its sign.
func moreOf(a, than int64) string {
	switch d := a - than; {
	case d > 0:
		return "+" + group(d)
	case d < 0:
		return "−" + group(-d)
	}
	return "±0"
}

func yes(b bool) string {
	if b {
		return "✓ yes"
	}
	return "✗ no"
}

func (t *Tune) markdownFolds(b *strings.Builder) {
	b.WriteString("\nWalk-forward folds, relative to the current policy:\n\n| fold | " + strings.Join(t.foldTitles(), " | ") + " |\n|---|" + strings.Repeat("--:|", len(t.foldTitles())) + "\n")
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
	fmt.Fprintf(b, "\nTrades, what is bought with what, that no other candidate beats in all three (in-sample → held out):\n\n| trial | %s | breach minutes | reversals |\n|--:|--:|--:|--:|\n", t.expenseName())
	for i := range thin(len(trades), maxMarkdownTrades) {
		p := &trades[thinned(i, len(trades), maxMarkdownTrades)]
		fmt.Fprintf(b, "| %d | %s → %s | %s → %s | %s → %s |\n", p.Trial, number(t.expense(&p.In)), number(t.expense(&p.Out)), number(p.In.BreachMinutes), number(p.Out.BreachMinutes), group(p.In.Reversals), group(p.Out.Reversals))
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

// facts returns what stands behind the verdict, in phrases.
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
	if t.Loop != "" {
		facts = append(facts, string(t.Loop))
	}
	if t.Fidelity != nil {
		facts = append(facts, "fidelity "+percentDown(*t.Fidelity)+" %")
	}
	return append(facts, t.Assumptions...)
}

// maxTableTrades bounds the trades on standard output.
const maxTableTrades = 8

// Table prints what belongs on standard output.
func (t *Tune) Table(w io.Writer) error {
	var b strings.Builder
	if len(t.Folds) > 0 {
		rows := [][]string{{"POLICY", strings.ToUpper(t.expenseName()), "HELD OUT", "BREACH MIN", "HELD OUT", "MISSING", "HELD OUT", "REVERSALS", "HELD OUT"}}
		for _, row := range t.comparison() {
			rows = append(rows, append([]string{row.Name}, row.Cells...))
		}
		if err := align(&b, rows); err != nil {
			return err
		}
		b.WriteString("\n")
	}
	b.WriteString(t.Headline() + "\n")
	for _, why := range t.Why {
		b.WriteString("  " + why + "\n")
	}
	if err := t.tableTrades(&b); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tableTrades says what is bought with what.
func (t *Tune) tableTrades(b *strings.Builder) error {
	trades := t.trades()
	if len(trades) == 0 {
		return nil
	}
	b.WriteString("\nWhat is bought with what, compared with the current policy, in the time chosen by → held out:\n")
	rows := [][]string{{"TRADE", strings.ToUpper(t.expenseName()), "", "BREACH MIN", "", "REVERSALS", ""}}
	for i := range thin(len(trades), maxTableTrades) {
		p := &trades[thinned(i, len(trades), maxTableTrades)]
		rows = append(rows, []string{
			fmt.Sprintf("trial %d", p.Trial),
			change(t.expense(&p.In), t.expense(&t.Current.In)), "→ " + change(t.expense(&p.Out), t.expense(&t.Current.Out)),
			moreMinutes(p.In.BreachMinutes - t.Current.In.BreachMinutes), "→ " + moreMinutes(p.Out.BreachMinutes-t.Current.Out.BreachMinutes),
			moreOf(p.In.Reversals, t.Current.In.Reversals), "→ " + moreOf(p.Out.Reversals, t.Current.Out.Reversals),
		})
	}
	return align(b, rows)
}

// moreMinutes is a difference of figures with its sign.
func moreMinutes(v float64) string {
	switch text := number(math.Abs(v)); {
	case text == "0":
		return "±0"
	case v < 0:
		return "−" + text
	default:
		return "+" + text
	}
}

// align writes rows as columns aligned at the right.
func align(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t")+"\t")
	}
	return table.Flush()
}
