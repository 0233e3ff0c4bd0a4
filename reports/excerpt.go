package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"unicode/utf8"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// aroundMoment is how many samples of an excerpt are written out before the
// moment, and after it.
const aroundMoment = 3

// excerptAround returns the samples nearest to the moment of the verdict, from first up to
// last, and the index of the one at it or just before, -1 if there is none.
func excerptAround(x *Excerpt, moment int64) (first, last, at int) {
	at = -1
	for i, t := range x.Values.T {
		if t <= moment {
			at = i
		}
	}
	const most = 2*aroundMoment + 1
	first = max(0, min(at-aroundMoment, len(x.Values.T)-most))
	return first, min(first+most, len(x.Values.T)), at
}

// excerptLines are the excerpts as text: a line of times, then for each series
// its name and its values, in brackets those that decided.
func (r *Report) excerptLines(e *Expectation) []string {
	var lines []string
	for i := range e.Excerpts {
		x := &e.Excerpts[i]
		first, last, at := excerptAround(x, e.At)
		var times, values strings.Builder
		for k := first; k < last; k++ {
			cell(&times, clockOf(r.Run).at(x.Values.T[k]).Format("15:04:05"), k == at)
			cell(&values, sample(x.Values.V[k]), k == at)
		}
		if line := trimRight(times.String()); i == 0 || line != lines[0] {
			lines = append(lines, line)
		}
		lines = append(lines, oneLine(x.Series), trimRight(values.String()))
	}
	return lines
}

// cell writes one value of a table right-aligned.
func cell(b *strings.Builder, text string, moment bool) {
	const width = 8
	left, right := " ", " "
	if moment {
		left, right = "[", "]"
	}
	pad := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	b.WriteString(pad + left + text + right)
}

func trimRight(text string) string { return strings.TrimRight(text, " ") }

// sample is a value as it fits a cell.
func sample(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.6g", v)
}

// The sparkline of an excerpt, in points.
const sparkWidth, sparkHeight, sparkText = 260, 52, 10

// spark draws the excerpt with a mark at the moment of the verdict; empty where
// there is nothing to draw.
func spark(x *Excerpt, moment int64) (template.HTML, error) {
	s := x.Values
	if !s.Known() {
		return "", nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range s.V {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return "", nil
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(sparkWidth, sparkHeight))
	p := &pen{Canvas: draw.New(canvas), size: sparkText}
	labels := max(p.width(sample(low)), p.width(sample(high)))*wider + 6
	from, to := s.T[0], max(s.T[len(s.T)-1], moment)
	f := &frame{from: from, to: to + max(1, (to-from)/20), top: max(high-low, 1e-9) * 1.15,
		left: 4, right: sparkWidth - labels, bottom: 6, ceil: sparkHeight - 4}
	shifted := Steps{T: s.T, V: make([]float64, len(s.V))}
	for i, v := range s.V {
		shifted.V[i] = v - low
	}
	p.line(inkGrid, 1, nil, vg.Point{X: f.left, Y: f.bottom}, vg.Point{X: f.right, Y: f.bottom})
	if moment >= from {
		p.line(inkLacking, 1, []vg.Length{2, 2}, vg.Point{X: f.x(moment), Y: 0}, vg.Point{X: f.x(moment), Y: f.ceil + 4})
	}
	for _, line := range f.trace(shifted) {
		p.line(inkDecided, 1.6, nil, line...)
	}
	p.text(inkMuted, vg.Point{X: f.right + 4, Y: f.y(0)}, draw.XLeft, draw.YCenter, sample(low))
	if high > low {
		p.text(inkMuted, vg.Point{X: f.right + 4, Y: f.y(high - low)}, draw.XLeft, draw.YCenter, sample(high))
	}
	title := x.Series + " around the moment"
	drawing, err := inlineSVG(canvas, "spark", title, fmt.Sprintf("%s to %s, %s to %s", sample(low), sample(high), rfc3339(from), rfc3339(to)))
	return template.HTML(drawing), err
}
