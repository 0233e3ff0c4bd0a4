package reports

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// maxExcerpt is how many changes of an excerpt are written out.
const maxExcerpt = 9

// A sample of an excerpt; the one at or before the moment is marked.
type excerptSample struct {
	t      int64
	value  float64
	moment bool
}

// excerptSamples are the changes nearest to the moment that decided.
func (e *Expectation) excerptSamples() []excerptSample {
	s := e.Excerpt
	moment := -1
	for i, t := range s.T {
		if t <= e.At {
			moment = i
		}
	}
	first := max(0, min(moment-maxExcerpt/2, len(s.T)-maxExcerpt))
	var list []excerptSample
	for i := first; i < min(first+maxExcerpt, len(s.T)); i++ {
		list = append(list, excerptSample{s.T[i], s.V[i], i == moment})
	}
	return list
}

// excerptText is the excerpt in a line: times with values, the one that decided
// in brackets.
func (r *Report) excerptText(e *Expectation) string {
	var parts []string
	for _, s := range e.excerptSamples() {
		text := r.Run.clock().at(s.t).Format("15:04:05") + " " + orUnknown(s.value)
		if s.moment {
			text = "[" + text + "]"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

func orUnknown(v float64) string {
	if math.IsNaN(v) {
		return "unknown"
	}
	return exact(v)
}

// The sparkline of an excerpt, in points.
const sparkWidth, sparkHeight, sparkText = 260, 52, 10

// spark draws the excerpt with a mark at the moment that decided; empty where
// there is nothing to draw.
func (r *Report) spark(e *Expectation) (template.HTML, error) {
	s := e.Excerpt
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
	labels := max(p.width(exact(low)), p.width(exact(high)))*wider + 6
	from, to := s.T[0], max(s.T[len(s.T)-1], e.At)
	f := &frame{from: from, to: to + max(1, (to-from)/20), top: max(high-low, 1e-9) * 1.15,
		left: 4, right: sparkWidth - labels, bottom: 6, ceil: sparkHeight - 4}
	shifted := Steps{T: s.T, V: make([]float64, len(s.V))}
	for i, v := range s.V {
		shifted.V[i] = v - low
	}
	p.line(inkGrid, 1, nil, vg.Point{X: f.left, Y: f.bottom}, vg.Point{X: f.right, Y: f.bottom})
	if e.At >= from {
		p.line(inkLacking, 1, []vg.Length{2, 2}, vg.Point{X: f.x(e.At), Y: 0}, vg.Point{X: f.x(e.At), Y: f.ceil + 4})
	}
	for _, line := range f.trace(shifted) {
		p.line(inkDecided, 1.6, nil, line...)
	}
	p.text(inkMuted, vg.Point{X: f.right + 4, Y: f.y(0)}, draw.XLeft, draw.YCenter, exact(low))
	if high > low {
		p.text(inkMuted, vg.Point{X: f.right + 4, Y: f.y(high - low)}, draw.XLeft, draw.YCenter, exact(high))
	}
	title := "Series around the moment"
	drawing, err := inlineSVG(canvas, "spark", title, fmt.Sprintf("%s to %s, %s to %s", exact(low), exact(high), rfc3339(from), rfc3339(to)))
	return template.HTML(drawing), err
}
