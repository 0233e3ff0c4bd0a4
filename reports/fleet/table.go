package fleet

import (
	"strings"
	"text/tabwriter"

	"github.com/karpenter-sim/karpenter/engine/escape"
)

// Table is the plan for a terminal: a line for each row, and the details of those
// that do not pass.
func (p *Plan) Table() string {
	var b strings.Builder
	if len(p.Rows) > 0 {
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		cells := []string{"OBJECT", "ACTION", "RESULT"}
		for _, f := range p.figures() {
			cells = append(cells, strings.ToUpper(f.title))
		}
		writeLine(w, cells)
		for i := range p.Rows {
			row := &p.Rows[i]
			cells := []string{row.Object, string(row.Action), string(row.Result)}
			for _, f := range p.figures() {
				cells = append(cells, pair(row, f.metric))
			}
			writeLine(w, cells)
		}
		_ = w.Flush() // into memory
		b.WriteByte('\n')
	}
	b.WriteString(p.Headline() + "\n")
	for i := range p.Rows {
		row := &p.Rows[i]
		lines := row.details()
		if len(lines) == 0 || row.Result == Passed && len(p.Rows) > 1 {
			continue
		}
		b.WriteString("\n" + escape.Inline(row.Object) + "\n")
		for _, l := range lines {
			b.WriteString("  " + escape.Inline(l) + "\n")
		}
	}
	return b.String()
}

func writeLine(w *tabwriter.Writer, cells []string) {
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(escape.Inline(cell), "\t", " ")
	}
	_, _ = w.Write([]byte(strings.Join(cells, "\t") + "\n")) // into memory
}
