package reports

import (
	"cmp"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// label is the fault's name, with its probability where it only could happen.
func faultLabel(f *Fault) string {
	if certain(f) {
		return f.Name
	}
	return f.Name + " (" + number(100*f.Probability) + " %)"
}

func certain(f *Fault) bool { return f.Probability == 0 || f.Probability == 1 }

// when is the stretch of the fault, or its instant.
func faultTime(f *Fault, c clock) string {
	if f.From == f.To {
		return c.instant(f.From)
	}
	return c.stretch(f.From, f.To)
}

// shown says whether the fault touches [from, to).
func faultShown(f *Fault, from, to int64) bool {
	return f.From < to && (f.To > from || f.From == f.To && f.From >= from)
}

// maxFaultRows is how many rows of labels stand above the curves. What finds no
// place in them is drawn without a label.
const maxFaultRows = 3

// slimBand is the width below which a label stands beside its band, not in it.
const slimBand = 12

// A faultBand is a fault on a canvas.
type faultBand struct {
	left, right vg.Length
	label       string
	row         int // -1 without a place
	// at and end are where the label begins and ends.
	at, end vg.Length
}

// faultBands places the faults that a frame shows, and says how many rows their
// labels take.
func (f *figure) faultBands(p *pen, a *frame) (bands []faultBand, rows int) {
	var free [maxFaultRows]vg.Length
	for i := range free {
		free[i] = a.left
	}
	for i := range f.faults {
		fault := &f.faults[i]
		if !faultShown(fault, a.from, a.to) {
			continue
		}
		b := faultBand{left: a.x(fault.From), right: max(a.x(fault.To), a.x(fault.From)+1), label: faultLabel(fault), row: -1}
		width := p.width(b.label)*wider + 6
		b.at = b.left + 3
		if b.right-b.left < slimBand {
			b.at = b.right + 2
		}
		if b.at+width > a.right { // no room to the right
			b.at = max(a.left, min(b.left, a.right-width))
			if b.right-b.left < slimBand {
				b.at = max(a.left, b.left-width)
			}
		}
		b.end = b.at + width
		for row := range free {
			if min(b.left, b.at) >= free[row] {
				b.row, free[row] = row, max(b.right, b.end)+4
				rows = max(rows, row+1)
				break
			}
		}
		bands = append(bands, b)
	}
	return bands, rows
}

// faultRow is the height of a row of labels.
func faultRow(s size) vg.Length { return s.text + 2 }

// shadeFaults shades the height of a frame where something went wrong.
func (f *figure) shadeFaults(p *pen, a *frame) {
	for i := range f.faults {
		if fault := &f.faults[i]; faultShown(fault, a.from, a.to) {
			p.box(inkFaultSoft, a.x(fault.From), a.bottom, max(a.x(fault.To), a.x(fault.From)+1), a.ceil)
		}
	}
}

// drawFaults bounds the faults by dashed lines and names them above the curves.
func drawFaults(p *pen, a *frame, bands []faultBand, s size) {
	for _, b := range bands {
		for _, x := range []vg.Length{b.left, b.right} {
			if x > a.left && x < a.right {
				p.line(inkFault, 0.8, []vg.Length{2, 2}, vg.Point{X: x, Y: a.bottom}, vg.Point{X: x, Y: a.ceil + vg.Length(max(b.row, 0))*faultRow(s)})
			}
		}
	}
	small := &pen{Canvas: p.Canvas, size: s.text - 1}
	for _, b := range bands {
		if b.row < 0 {
			continue
		}
		bottom := a.ceil + vg.Length(b.row)*faultRow(s)
		top := bottom + faultRow(s) - 1.5
		// The label has a ground of its own: bounds of other faults pass behind it.
		p.box(inkPage, min(b.left, b.at-2), bottom, max(b.right, b.end-2), top)
		p.box(inkFaultSoft, b.left, bottom, b.right, top)
		p.line(inkFault, 1.6, nil, vg.Point{X: b.left, Y: top}, vg.Point{X: b.right, Y: top})
		small.text(inkText, vg.Point{X: b.at, Y: (bottom+top)/2 - 0.5}, draw.XLeft, draw.YCenter, b.label)
	}
}

// faultsView is the table of what went wrong.
type faultsView struct {
	Note, Lacking string
	Rows          []faultView
}

type faultView struct{ Name, When, Lasted, Chance, Lacking string }

// maxFaults bounds the table of faults.
const maxFaults = 100

// faultsView is nil where nothing went wrong.
func (r *Report) faultsView() *faultsView {
	if len(r.Run.Faults) == 0 {
		return nil
	}
	c := &r.Columns[r.primary]
	v := &faultsView{Note: "The minutes are those of column " + c.Name + " in which a target had too few replicas meanwhile, of all targets."}
	if o := r.focus(); o != nil {
		v.Lacking = "minutes " + o.short().time
	}
	lacking := c.lackingSteps()
	for i := range r.Run.Faults {
		if i == maxFaults {
			v.Note += " " + group(int64(len(r.Run.Faults)-i)) + " more stand in " + JSONFile + "."
			break
		}
		f := &r.Run.Faults[i]
		row := faultView{Name: f.Name, When: faultTime(f, clockOf(r.Run)), Lasted: span(f.To - f.From), Chance: "always", Lacking: number(minutes(secondsOf(lacking, f.From, f.To)))}
		if f.From == f.To {
			row.Lasted, row.Lacking = "an instant", "–"
		}
		if !certain(f) {
			row.Chance = number(100*f.Probability) + " %"
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// lackingSteps returns the steps of all objects, 1 while each lacks capacity.
func (c *ColumnReport) lackingSteps() []Steps {
	var list []Steps
	for i := range c.Objects {
		list = append(list, lackingSteps(c.Objects[i].object.Needed, c.Objects[i].object.Ready))
	}
	return list
}

// secondsOf is how long the functions are 1 between two instants, added up.
func secondsOf(list []Steps, from, to int64) int64 {
	var seconds int64
	for i := range list {
		walk(from, to, list[i:i+1], func(from, to int64, v []float64) {
			if v[0] == 1 {
				seconds += to - from
			}
		})
	}
	return seconds
}

// faultsPhrase names the faults in a line, at most a few of them; empty where
// there are none between from and to.
func faultsPhrase(faults []Fault, clock clock, from, to int64) string {
	const most = 8
	var parts []string
	more := int64(0)
	for i := range faults {
		f := &faults[i]
		switch {
		case !faultShown(f, from, to):
		case len(parts) == most:
			more++
		default:
			parts = append(parts, faultLabel(f)+" "+faultTime(f, clock))
		}
	}
	if more > 0 {
		parts = append(parts, group(more)+" more")
	}
	return strings.Join(parts, "; ")
}

// sortedFaults are the faults by the time they begin, as they are drawn.
func sortedFaults(faults []Fault) []Fault {
	sorted := slices.Clone(faults)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(b.To, a.To), strings.Compare(a.Name, b.Name))
	})
	return sorted
}
