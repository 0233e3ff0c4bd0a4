package reports

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A curve is one step function of a figure.
type curve struct {
	name   string
	steps  Steps
	ink    ink
	width  vg.Length
	dashes []vg.Length
}

// A figure shows one object: its worst episode large, the whole run below.
type figure struct {
	clock  clock
	curves []curve // the first is what was needed, if known
	needed Steps
	ready  Steps
	// episode is the one shown large; nil shows the whole run.
	episode  *Episode
	episodes []Episode
	from, to int64 // shown large
	alone    bool  // without the whole run below
}

// A size is the shape in which a figure is drawn, in points.
type size struct {
	class           string
	width           vg.Length
	large, overview vg.Length
	text            vg.Length
	margin          vg.Length // right of the curves, for their names
	ticks           int
}

var (
	narrow = size{class: "plot narrow", width: 358, large: 168, overview: 38, text: 11, margin: 66, ticks: 5}
	wide   = size{class: "plot wide", width: 820, large: 250, overview: 56, text: 12, margin: 74, ticks: 9}
)

// newFigure is the figure of an object of a column; recorded is the same object
// as it ran, nil where that is not known or is what is shown.
func newFigure(run *Run, o, recorded *ObjectReport) *figure {
	f := &figure{clock: run.clock(), needed: o.object.Needed, ready: o.object.Ready, from: run.Start, to: run.End, episodes: o.Episodes}
	f.curves = append(f.curves, curve{"needed", o.object.Needed, inkNeeded, 1.3, nil})
	if recorded != nil {
		f.curves = append(f.curves, curve{"recorded", recorded.object.Spec, inkRecorded, 1.5, []vg.Length{5, 3}})
	}
	f.curves = append(f.curves, curve{"ready", o.object.Ready, inkReady, 1.4, []vg.Length{1.5, 2}})
	name := "decided"
	if !o.score.decisionsKnown {
		name = "recorded"
	}
	f.curves = append(f.curves, curve{name, o.Decided, inkDecided, 2, nil})
	if len(o.Episodes) > 0 {
		f.zoom(&o.Episodes[0])
	}
	return f
}

// longEpisode is the length in seconds beyond which only the surroundings of the
// deepest instant are shown large.
const longEpisode = 6 * 3600

// zoom shows an episode large, with as much before and after it as explains it,
// unless that is most of the run anyway.
func (f *figure) zoom(e *Episode) {
	f.episode = e
	start, end := e.Start, e.End
	if end-start > longEpisode {
		start, end = max(start, e.Deepest-longEpisode/4), min(end, e.Deepest+longEpisode/4)
	}
	around := max((end-start)*6/10, 600)
	from, to := max(f.clock.start, start-around), min(f.clock.end, end+around)
	if (to-from)*10 < (f.clock.end-f.clock.start)*7 {
		f.from, f.to = from, to
	}
}

func (f *figure) overview() bool { return !f.alone && (f.from > f.clock.start || f.to < f.clock.end) }

// svg draws the figure in one size.
func (f *figure) svg(s size, title, description string) (string, error) {
	height := s.large + 14 + s.text + 8
	if f.overview() {
		height += s.overview + s.text + 12
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(s.width, height))
	p := plot.New()
	p.HideAxes()
	p.BackgroundColor = nil
	p.X.Min, p.X.Max, p.X.Padding = float64(f.from), float64(f.to), 0
	p.Y.Min, p.Y.Max, p.Y.Padding = 0, f.top(f.from, f.to), 0
	p.Add(&figurePlotter{figure: f, size: s})
	p.Draw(draw.New(canvas))
	return inlineSVG(canvas, s.class, title, description)
}

// figurePlotter draws a figure as a gonum plotter.
type figurePlotter struct {
	figure *figure
	size   size
}

// Plot implements plot.Plotter.
func (d *figurePlotter) Plot(c draw.Canvas, p *plot.Plot) {
	f, s := d.figure, d.size
	canvas := &pen{Canvas: c, size: s.text}
	axis := canvas.width(number(math.Floor(p.Y.Max)))*wider + 6
	large := &frame{
		from: f.from, to: f.to, top: p.Y.Max,
		left: c.Min.X + axis, right: c.Max.X - s.margin, ceil: c.Max.Y - 4, bottom: c.Max.Y - s.large,
	}
	f.drawLarge(canvas, large, s)
	if !f.overview() {
		return
	}
	f.drawOverview(canvas, &frame{
		from: f.clock.start, to: f.clock.end, top: f.top(f.clock.start, f.clock.end),
		left: c.Min.X + axis, right: c.Max.X - s.margin, bottom: c.Min.Y + s.text + 6, ceil: c.Min.Y + s.text + 6 + s.overview,
	}, large, s)
}

// top is the end of the axis of replicas.
func (f *figure) top(from, to int64) float64 {
	greatest := 1.0
	for i := range f.curves {
		greatest = max(greatest, f.curves[i].steps.greatest(from, to))
	}
	return greatest * 1.12
}

func (f *figure) drawLarge(p *pen, a *frame, s size) {
	f.drawBands(p, a)
	f.drawCounts(p, a, s)
	for _, line := range a.trace(f.needed) {
		p.fill(inkNeededArea, closed(line, a.bottom)...)
	}
	f.drawGaps(p, a)
	for i := range f.curves {
		c := &f.curves[i]
		for _, line := range a.trace(c.steps) {
			p.line(c.ink, c.width, c.dashes, line...)
		}
	}
	p.line(inkFrame, 1, nil, vg.Point{X: a.left, Y: a.bottom}, vg.Point{X: a.right, Y: a.bottom})
	f.drawNames(p, a)
	f.drawLane(p, a, s)
	f.drawTimes(p, a, s.ticks, a.bottom-16, s)
}

// drawBands shades the whole height by what limited the replicas.
func (f *figure) drawBands(p *pen, a *frame) {
	for _, span := range a.coarse(f.visible(a)) {
		p.box(causeInk(span.Cause, causeSoft), a.x(span.Start), a.bottom, max(a.x(span.End), a.x(span.Start)+0.5), a.ceil)
	}
}

// maxGaps is how many gaps are filled one by one; more would be too small to see.
const maxGaps = 150

// drawGaps fills what was missing, between ready and needed.
func (f *figure) drawGaps(p *pen, a *frame) {
	spans := f.visible(a)
	if len(spans) > maxGaps {
		return
	}
	for _, span := range spans {
		part := *a
		part.from, part.to = span.Start, span.End
		part.left, part.right = a.x(span.Start), a.x(span.End)
		if part.right-part.left < 0.2 {
			continue
		}
		above, below := part.trace(f.needed), part.trace(f.ready)
		if len(above) != 1 || len(below) != 1 {
			continue
		}
		outline := append([]vg.Point{}, above[0]...)
		for i := len(below[0]) - 1; i >= 0; i-- {
			outline = append(outline, below[0][i])
		}
		p.fill(causeInk(span.Cause, causeSoft), outline...)
		p.fill(causeInk(span.Cause, causeHatch), outline...)
	}
}

// visible are the spans of the episodes within a frame.
func (f *figure) visible(a *frame) []Span {
	var spans []Span
	for i := range f.episodes {
		for _, span := range f.episodes[i].Spans {
			span.Start, span.End = max(span.Start, a.from), min(span.End, a.to)
			if span.Start < span.End {
				spans = append(spans, span)
			}
		}
	}
	sort.SliceStable(spans, func(i, j int) bool { return spans[i].Start < spans[j].Start })
	return spans
}

// drawCounts draws the grid of replicas, numbered beside its lines.
func (f *figure) drawCounts(p *pen, a *frame, s size) {
	most := 4
	if s.large > 200 {
		most = 5
	}
	for _, n := range countTicks(a.top, most) {
		y := a.y(n)
		if n > 0 {
			p.line(inkGrid, 1, nil, vg.Point{X: a.left, Y: y}, vg.Point{X: a.right, Y: y})
		}
		p.text(inkMuted, vg.Point{X: a.left - 5, Y: y}, draw.XRight, draw.YCenter, number(n))
	}
}

// drawNames writes each curve's name where it ends, pushed apart.
func (f *figure) drawNames(p *pen, a *frame) {
	type name struct {
		y     vg.Length
		curve *curve
	}
	var names []name
	for i := range f.curves {
		c := &f.curves[i]
		if v := c.steps.At(a.to - 1); !math.IsNaN(v) {
			names = append(names, name{a.y(v), c})
		}
	}
	sort.SliceStable(names, func(i, j int) bool { return names[i].y < names[j].y })
	gap := p.size + 2
	for i := range names {
		if i > 0 {
			names[i].y = max(names[i].y, names[i-1].y+gap)
		} else {
			names[i].y = max(names[i].y, a.bottom+gap/2)
		}
	}
	for i := len(names) - 1; i >= 0; i-- {
		limit := a.ceil - gap/2
		if i < len(names)-1 {
			limit = names[i+1].y - gap
		}
		names[i].y = min(names[i].y, limit)
	}
	for _, n := range names {
		p.line(n.curve.ink, n.curve.width, n.curve.dashes, vg.Point{X: a.right + 1, Y: n.y}, vg.Point{X: a.right + 8, Y: n.y})
		p.text(n.curve.ink, vg.Point{X: a.right + 10, Y: n.y}, draw.XLeft, draw.YCenter, n.curve.name)
	}
}

// wider is how much wider than measured a reader's font may be.
const wider = 1.2

// drawLane names what limited the replicas, below the curves.
func (f *figure) drawLane(p *pen, a *frame, s size) {
	const height = 13
	small := &pen{Canvas: p.Canvas, size: s.text - 1}
	bottom, top := a.bottom-height-1, a.bottom-1
	for _, span := range joined(a.coarse(f.visible(a))) {
		left, right := a.x(span.Start), max(a.x(span.End), a.x(span.Start)+1)
		p.box(inkPage, left, bottom, right, top)
		p.box(causeInk(span.Cause, causeHatch), left, bottom, right, top)
		p.line(causeInk(span.Cause, causeSolid), 2, nil, vg.Point{X: left, Y: top - 0.5}, vg.Point{X: right, Y: top - 0.5})
		for _, label := range []string{span.label(), string(span.Cause)} {
			w := small.width(label) * wider
			if w+8 > right-left {
				continue
			}
			middle := (left + right) / 2
			p.box(inkPage, middle-w/2-3, bottom, middle+w/2+3, top-1.5)
			small.text(inkText, vg.Point{X: middle, Y: (bottom+top)/2 - 0.5}, draw.XCenter, draw.YCenter, label)
			break
		}
	}
}

// coarse joins spans that share a point of the canvas; the longest gives the
// reason.
func (a *frame) coarse(spans []Span) []Span {
	var list []Span
	longest, column := int64(0), math.NaN()
	for _, s := range spans {
		left := math.Floor(a.x(s.Start).Points())
		if n := len(list); n > 0 && left == column && math.Floor(a.x(s.End).Points()) == column {
			if s.End-s.Start > longest {
				longest = s.End - s.Start
				list[n-1].Cause, list[n-1].Detail = s.Cause, s.Detail
			}
			list[n-1].End = s.End
			continue
		}
		list = append(list, s)
		longest, column = s.End-s.Start, math.Floor(a.x(s.End).Points())
	}
	return list
}

func (s *Span) label() string {
	if s.Cause == Unknown {
		return string(Unknown)
	}
	b := Blame{Cause: s.Cause, Detail: s.Detail}
	return b.phrase()
}

// joined merges spans of one reason that touch or nearly do.
func joined(spans []Span) []Span {
	var list []Span
	for _, s := range spans {
		if n := len(list); n > 0 && list[n-1].Cause == s.Cause && list[n-1].Detail == s.Detail && s.Start-list[n-1].End < episodeGap {
			list[n-1].End = s.End
			continue
		}
		list = append(list, s)
	}
	return list
}

// drawTimes marks round times below a frame.
func (f *figure) drawTimes(p *pen, a *frame, most int, y vg.Length, s size) {
	free := a.left - 20
	for _, t := range timeTicks(f.clock.location, a.from, a.to, most) {
		x, w := a.x(t.t), p.width(t.label)*wider
		left := min(max(x-w/2, a.left-14), a.right+s.margin-w)
		p.line(inkFrame, 1, nil, vg.Point{X: x, Y: a.bottom}, vg.Point{X: x, Y: a.bottom - 3})
		if left < free+4 {
			continue
		}
		p.text(inkMuted, vg.Point{X: left + w/2, Y: y}, draw.XCenter, draw.YTop, t.label)
		free = left + w
	}
}

// drawOverview shows the whole run, and where the large part lies in it.
func (f *figure) drawOverview(p *pen, a, large *frame, s size) {
	left, right := a.x(f.from), max(a.x(f.to), a.x(f.from)+2)
	p.box(inkNeededArea, left-1, a.bottom, right+1, a.ceil)
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

// closed is a line closed along the bottom.
func closed(line []vg.Point, bottom vg.Length) []vg.Point {
	outline := append([]vg.Point{{X: line[0].X, Y: bottom}}, line...)
	return append(outline, vg.Point{X: line[len(line)-1].X, Y: bottom})
}

// describe says in words what the figure shows.
func (f *figure) describe(o *ObjectReport) string {
	text := fmt.Sprintf("Replicas of %s over time, needed against decided, %s.", o.Label, f.clock.stretch(f.from, f.to))
	if f.episode == nil {
		return text + " Capacity was never lacking."
	}
	_, parts := o.causes()
	return fmt.Sprintf("%s At worst %s replicas were missing, %s%s.", text, number(f.episode.Depth), f.clock.stretch(f.episode.Start, f.episode.End), parts)
}
