package reports

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A plane maps two figures onto a canvas. What lies beyond is drawn at its edge.
type plane struct {
	minX, maxX, minY, maxY    float64
	left, right, bottom, ceil vg.Length
}

func (a *plane) at(x, y float64) vg.Point {
	return vg.Point{
		X: a.left + (a.right-a.left)*vg.Length(min(max((x-a.minX)/(a.maxX-a.minX), 0), 1)),
		Y: a.bottom + (a.ceil-a.bottom)*vg.Length(min(max((y-a.minY)/(a.maxY-a.minY), 0), 1)),
	}
}

// tunePlotHeight is that of both plots, by size.
func tunePlotHeight(s size) vg.Length { return s.large + 60 }

// drawn draws a figure in both sizes. Plot returns what its frame shows, nil for several
// frames.
func (t *Tune) drawn(caption, title string, plot func(p *pen, s size, height vg.Length) *plane) (*figureView, error) {
	view := &figureView{Caption: caption}
	for _, s := range []size{narrow, wide} {
		height := tunePlotHeight(s)
		canvas := vgsvg.NewWith(vgsvg.UseWH(s.width, height))
		shown := plot(&pen{Canvas: draw.New(canvas), size: s.text}, s, height)
		svg, err := inlineSVG(canvas, s.class, title, caption)
		if err != nil {
			return nil, err
		}
		if shown != nil {
			svg = strings.Replace(svg, "<svg ", "<svg data-frame='"+shown.box(height)+"' ", 1)
		}
		view.Drawings = append(view.Drawings, template.HTML(svg))
	}
	return view, nil
}

// box is where the frame came to lie in a drawing of a height, [left, right, top, bottom]
// from the upper left, and what it shows, [minX, maxX, minY, maxY].
func (a *plane) box(height vg.Length) string {
	return fmt.Sprintf("[%.1f,%.1f,%.1f,%.1f,%g,%g,%g,%g]", a.left.Points(), a.right.Points(), (height - a.ceil).Points(), (height - a.bottom).Points(), a.minX, a.maxX, a.minY, a.maxY)
}

// paretoView shows what every candidate costs and lacks in training.
func (t *Tune) paretoView() (*figureView, error) {
	caption := "Every candidate in the time that the last fold chooses by: cost to the right, lacking upwards, so better is down and to the left. The line joins the trades; candidates beyond the frame are drawn at its edge."
	return t.drawn(caption, "Cost against lacking", t.drawPareto)
}

// bounds frame the current policy, the trades and most of the others.
func (t *Tune) bounds() plane {
	xs, ys := []float64{t.expense(&t.Current.In)}, []float64{t.Current.In.BreachMinutes}
	for i := range t.Points {
		xs, ys = append(xs, t.expense(&t.Points[i].In)), append(ys, t.Points[i].In.BreachMinutes)
	}
	most := func(all []float64, current float64) float64 {
		sorted := slices.Clone(all)
		slices.Sort(sorted)
		return max(sorted[(len(sorted)-1)*9/10], current)
	}
	p := plane{minX: slices.Min(xs), maxX: most(xs, t.expense(&t.Current.In)), minY: 0, maxY: min(most(ys, t.Current.In.BreachMinutes), max(4*t.Current.In.BreachMinutes, 60))}
	room := max((p.maxX-p.minX)*0.06, p.maxX*0.01, 1e-9)
	p.minX, p.maxX, p.maxY = p.minX-room, p.maxX+room, max(p.maxY*1.08, 1)
	return p
}

func (t *Tune) drawPareto(p *pen, s size, height vg.Length) *plane {
	a := t.bounds()
	axis := p.width(number(math.Floor(a.maxY)))*wider + 8
	a.left, a.right, a.bottom, a.ceil = axis, s.width-10, 34, height-16
	a.drawAxes(p, s, "breach minutes", t.expenseName())
	for i := range t.Points {
		if c := &t.Points[i]; !c.Pareto {
			dot(p, inkRecorded, a.at(t.expense(&c.In), c.In.BreachMinutes), 1.4)
		}
	}
	var line []vg.Point
	for _, c := range t.trades() {
		at := a.at(t.expense(&c.In), c.In.BreachMinutes)
		if n := len(line); n > 0 {
			line = append(line, vg.Point{X: at.X, Y: line[n-1].Y})
		}
		line = append(line, at)
	}
	p.line(inkDecided, 1.2, nil, line...)
	for _, c := range t.trades() {
		dot(p, inkDecided, a.at(t.expense(&c.In), c.In.BreachMinutes), 2.4)
	}
	c := t.choice()
	if c == nil {
		t.mark(p, &a, &t.Current, inkNeeded, "current", false)
		return &a
	}
	name := "recommended"
	if t.Verdict != TuneRecommend {
		name = "best in training"
	}
	cheaper := t.expense(&c.In) < t.expense(&t.Current.In)
	t.mark(p, &a, &t.Current, inkNeeded, "current", !cheaper)
	t.mark(p, &a, c, inkReady, name, cheaper)
	return &a
}

// mark points a trial out with its name, which stands before it where that is
// wanted and has room.
func (t *Tune) mark(p *pen, a *plane, c *TunePoint, i ink, name string, before bool) {
	at := a.at(t.expense(&c.In), c.In.BreachMinutes)
	w := p.width(name) * wider
	from := at.X + 9
	if before && at.X-9-w > a.left || from+w > a.right {
		from = at.X - 9 - w
	}
	y := min(max(at.Y, a.bottom+p.size), a.ceil-p.size/2)
	p.box(inkPage, from-2, y-p.size*0.6, from+w+2, y+p.size*0.7)
	p.text(i, vg.Point{X: from + w/2, Y: y}, draw.XCenter, draw.YCenter, name)
	p.box(inkPage, at.X-5.5, at.Y-5.5, at.X+5.5, at.Y+5.5)
	p.box(i, at.X-4, at.Y-4, at.X+4, at.Y+4)
}

func dot(p *pen, i ink, at vg.Point, r vg.Length) { p.box(i, at.X-r, at.Y-r, at.X+r, at.Y+r) }

// drawAxes draws a grid with numbers and names.
func (a *plane) drawAxes(p *pen, s size, y, x string) {
	for _, n := range countTicks(a.maxY, 5) {
		at := a.at(a.minX, n)
		p.line(inkGrid, 1, nil, at, vg.Point{X: a.right, Y: at.Y})
		p.text(inkMuted, vg.Point{X: a.left - 5, Y: at.Y}, draw.XRight, draw.YCenter, number(n))
	}
	for _, n := range roundTicks(a.minX, a.maxX, s.ticks) {
		at := a.at(n, a.minY)
		p.line(inkFrame, 1, nil, at, vg.Point{X: at.X, Y: at.Y - 3})
		p.text(inkMuted, vg.Point{X: at.X, Y: a.bottom - 5}, draw.XCenter, draw.YTop, number(n))
	}
	p.line(inkFrame, 1, nil, vg.Point{X: a.left, Y: a.bottom}, vg.Point{X: a.right, Y: a.bottom})
	p.text(inkMuted, vg.Point{X: 0, Y: a.ceil + 4}, draw.XLeft, draw.YBottom, y)
	p.text(inkMuted, vg.Point{X: a.right, Y: 2}, draw.XRight, draw.YBottom, x)
}

// roundTicks are round numbers from low to high, at most most of them.
func roundTicks(low, high float64, most int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(most))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= float64(most) {
			step *= m
			break
		}
	}
	var ticks []float64
	for i := math.Ceil(low / step); i*step <= high; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// pairsView shows what became of each fold's choice in time it was not chosen by.
func (t *Tune) pairsView() (*figureView, error) {
	chosen := false
	for i := range t.Folds {
		chosen = chosen || t.Folds[i].Trial != 0
	}
	if !chosen {
		return nil, nil
	}
	caption := "Each fold's choice relative to the current policy, from the time it was chosen by (left end) to the time after (right end); below the line at 0 is better. A steep rise is a choice that learned the noise."
	return t.drawn(caption, "In-sample and held out", t.drawPairs)
}

func (t *Tune) drawPairs(p *pen, s size, height vg.Length) *plane {
	middle := s.width / 2
	for i, panel := range []struct {
		name string
		ink  ink
		of   func(TuneFigures) float64
	}{
		{t.expenseName(), inkDecided, func(f TuneFigures) float64 { return t.expense(&f) }},
		{"breach minutes", inkNeeded, func(f TuneFigures) float64 { return f.BreachMinutes }},
	} {
		left := vg.Length(i) * middle
		t.drawPanel(p, left, left+middle-12, height, panel.name, panel.ink, panel.of)
	}
	return nil
}

// maxChange is the largest change in percent that pairs are drawn for.
const maxChange = 100

// drawPanel draws one figure's changes for all folds.
func (t *Tune) drawPanel(p *pen, left, right, height vg.Length, name string, i ink, of func(TuneFigures) float64) {
	relative := func(a, than TuneFigures) float64 {
		if of(than) == 0 {
			if of(a) == 0 {
				return 0
			}
			return maxChange
		}
		return min(100*(of(a)/of(than)-1), maxChange)
	}
	a := plane{minX: 0, maxX: 1, minY: -1, maxY: 1, left: left + p.width("-100 %")*wider + 6, right: right - 26, bottom: 24, ceil: height - 20}
	for k := range t.Folds {
		f := &t.Folds[k]
		for _, v := range []float64{relative(f.In, f.CurrentIn), relative(f.Out, f.CurrentOut)} {
			a.minY, a.maxY = min(a.minY, v), max(a.maxY, v)
		}
	}
	room := (a.maxY - a.minY) * 0.08
	a.minY, a.maxY = a.minY-room, a.maxY+room
	for _, n := range roundTicks(a.minY, a.maxY, 5) {
		at := a.at(0, n)
		line := inkGrid
		if n == 0 {
			line = inkFrame
		}
		p.line(line, 1, nil, at, vg.Point{X: a.right, Y: at.Y})
		p.text(inkMuted, vg.Point{X: a.left - 5, Y: at.Y}, draw.XRight, draw.YCenter, number(n)+" %")
	}
	var labels []vg.Length
	for k := range t.Folds {
		f := &t.Folds[k]
		if f.Trial == 0 {
			continue
		}
		in, out := a.at(0.04, relative(f.In, f.CurrentIn)), a.at(0.96, relative(f.Out, f.CurrentOut))
		p.line(i, 1.4, nil, in, out)
		dot(p, i, in, 2.6)
		dot(p, i, out, 2.6)
		y := out.Y
		for slices.ContainsFunc(labels, func(l vg.Length) bool { return math.Abs(float64(l-y)) < float64(p.size) }) {
			y += 2
		}
		labels = append(labels, y)
		p.text(inkMuted, vg.Point{X: a.right + 2, Y: y}, draw.XLeft, draw.YCenter, "#"+number(float64(k+1)))
	}
	p.text(i, vg.Point{X: left, Y: height - 2}, draw.XLeft, draw.YTop, name)
	p.text(inkMuted, vg.Point{X: a.left, Y: 4}, draw.XLeft, draw.YBottom, "in-sample")
	p.text(inkMuted, vg.Point{X: a.right, Y: 4}, draw.XRight, draw.YBottom, "held out")
}
