package reports

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// drawOverview shows the whole run, and where the large part lies in it.
func (f *figure) drawOverview(p *pen, a, large *frame, s size) {
	left, right := a.x(f.from), max(a.x(f.to), a.x(f.from)+2)
	p.box(inkNeededArea, left-1, a.bottom, right+1, a.ceil)
	f.shadeFaults(p, a)
	for _, line := range a.trace(f.needed) {
		p.fill(inkNeededArea, closed(line, a.bottom)...)
	}
	for i := range f.curves {
		c := &f.curves[i]
		if c.ink != inkNeeded && c.ink != inkDecided {
			continue
		}
		for _, line := range a.trace(c.steps) {
			p.line(c.ink, 1, nil, line...)
		}
	}
	f.drawLacking(p, a)
	p.line(inkFrame, 1, nil, vg.Point{X: a.left, Y: a.bottom}, vg.Point{X: a.right, Y: a.bottom})
	p.line(inkText, 1.2, nil, vg.Point{X: left - 1, Y: a.bottom}, vg.Point{X: left - 1, Y: a.ceil + 2}, vg.Point{X: right + 1, Y: a.ceil + 2}, vg.Point{X: right + 1, Y: a.bottom}, vg.Point{X: left - 1, Y: a.bottom})
	f.drawTimes(p, a, s.ticks, a.bottom-4, s)
}

// drawLacking marks above the overview every point of it that lacked capacity.
func (f *figure) drawLacking(p *pen, a *frame) {
	lacking := lackingSteps(f.needed, f.ready)
	start := math.NaN()
	mark := func(end float64) {
		if !math.IsNaN(start) {
			p.line(inkLacking, 3, nil, vg.Point{X: vg.Length(start), Y: a.ceil + 5}, vg.Point{X: vg.Length(end), Y: a.ceil + 5})
		}
		start = math.NaN()
	}
	end := math.NaN()
	for i, t := range lacking.T {
		if lacking.V[i] == 0 || t >= a.to {
			continue
		}
		next := a.to
		if i+1 < len(lacking.T) {
			next = lacking.T[i+1]
		}
		if next <= a.from {
			continue
		}
		left, right := float64(a.x(t)), max(float64(a.x(next)), float64(a.x(t))+1)
		if !math.IsNaN(start) && left-end > 0.5 {
			mark(end)
		}
		if math.IsNaN(start) {
			start = left
		}
		end = right
	}
	mark(end)
}

// lackingSteps is 1 while fewer replicas are ready than needed, else 0.
func lackingSteps(needed, ready Steps) Steps {
	var lacking Steps
	n, r := cursor{steps: needed}, cursor{steps: ready}
	for t := min(n.next(), r.next()); t != math.MaxInt64; t = min(n.next(), r.next()) {
		v := 0.0
		if n.to(t) > r.to(t) {
			v = 1
		}
		lacking.Append(t, v)
	}
	return lacking
}
