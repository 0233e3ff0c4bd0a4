package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strings"

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
	faults   []Fault        // by the time they begin
	metrics  []metricSeries // of the policy, above the replicas
	bounds   []bound
	from, to int64   // shown large
	alone    bool    // without the whole run below
	least    float64 // what the axis of replicas reaches at least
}

// A size is the shape in which a figure is drawn, in points.
type size struct {
	class           string
	width           vg.Length
	large, overview vg.Length
	panel           vg.Length // of a metric
	text            vg.Length
	margin          vg.Length // right of the curves, for their names
	ticks           int
}

var (
	narrow = size{class: "plot narrow", width: 358, large: 146, overview: 36, panel: 34, text: 11, margin: 66, ticks: 5}
	// beside is narrow with metrics above the replicas, to fit on a phone's first screen.
	beside = size{class: "plot narrow", width: 358, large: 110, overview: 26, panel: 26, text: 11, margin: 66, ticks: 5}
	wide   = size{class: "plot wide", width: 820, large: 250, overview: 56, panel: 64, text: 12, margin: 74, ticks: 9}
)

// newFigure is the figure of an object of a column; recorded is the same object
// as it ran, nil where that is not known or is what is shown.
func newFigure(run *Run, o, recorded *ObjectReport) *figure {
	f := &figure{clock: clockOf(run), needed: o.object.Needed, ready: o.object.Ready, from: run.Start, to: run.End, episodes: o.Episodes,
		faults: sortedFaults(run.Faults), metrics: o.watched(run), bounds: bounds(o, recorded)}
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

// sizes lists the sizes in which the figure is drawn.
func (f *figure) sizes() []size {
	if len(f.metrics) > 0 {
		return []size{beside, wide}
	}
	return []size{narrow, wide}
}

func (f *figure) overview() bool { return !f.alone && (f.from > f.clock.start || f.to < f.clock.end) }

// svg draws the figure in one size.
func (f *figure) svg(s size, title, description string) (string, error) {
	height := f.panels(s) + s.large + f.lane() + s.text + 9
	if f.overview() {
		height += s.overview + s.text + 12
	}
	canvas := vgsvg.NewWith(vgsvg.UseWH(s.width, height))
	frames := f.draw(draw.New(canvas), s, height)
	drawing, err := inlineSVG(canvas, s.class, title, description)
	if err != nil {
		return "", err
	}
	axes, err := json.Marshal(frames)
	if err != nil {
		return "", err
	}
	return strings.Replace(drawing, "<svg ", "<svg data-frame='"+string(axes)+"' ", 1), nil
}

// draw draws the figure and returns where its axes came to lie.
func (f *figure) draw(c draw.Canvas, s size, height vg.Length) frames {
	canvas, top := &pen{Canvas: c, size: s.text}, f.top(f.from, f.to)
	axis := f.axisWidth(canvas, top, s)
	below := c.Max.Y - f.panels(s)
	large := &frame{
		from: f.from, to: f.to, top: top,
		left: c.Min.X + axis, right: c.Max.X - s.margin, ceil: below - 4, bottom: below - s.large,
	}
	bands, rows := f.faultBands(&pen{Canvas: c, size: s.text - 1}, large)
	large.ceil -= vg.Length(rows) * faultRow(s)
	f.drawLarge(canvas, large, s)
	drawFaults(canvas, large, bands, s)
	drawn := frames{Large: large.box(height), Text: s.text.Points()}
	for i := range f.metrics {
		panel := f.panelFrame(i, large.left, large.right, c.Max.Y, s)
		f.drawPanel(canvas, i, panel, s)
		drawn.Panels = append(drawn.Panels, panel.box(height))
	}
	if !f.overview() {
		return drawn
	}
	overview := &frame{
		from: f.clock.start, to: f.clock.end, top: f.top(f.clock.start, f.clock.end),
		left: c.Min.X + axis, right: c.Max.X - s.margin, bottom: c.Min.Y + s.text + 6, ceil: c.Min.Y + s.text + 6 + s.overview,
	}
	f.drawOverview(canvas, overview, large, s)
	box := overview.box(height)
	drawn.Overview = &box
	return drawn
}

// lane is the height of what stands between the curves and the times.
func (f *figure) lane() vg.Length {
	for i := range f.episodes {
		if f.episodes[i].Start < f.to && f.episodes[i].End > f.from {
			return 13
		}
	}
	return 1
}

// greatest is the largest count of the curves between from and to.
func (f *figure) greatest(from, to int64) float64 {
	var greatest float64
	for i := range f.curves {
		greatest = max(greatest, greatestOf(f.curves[i].steps, from, to))
	}
	return greatest
}

// absurd is how many times what ever ran a need must be for the axis to end below
// it: one bad sample must not flatten everything else.
const absurd = 10

// top is the end of the axis of replicas.
func (f *figure) top(from, to int64) float64 {
	greatest := f.greatest(from, to)
	if ran := f.ran(); ran > 0 {
		greatest = min(greatest, absurd*ran)
	}
	return max(1, f.least, greatest) * 1.12
}

// ran is the largest count of the whole run that somebody decided or saw.
func (f *figure) ran() float64 {
	var ran float64
	for i := range f.curves {
		if c := &f.curves[i]; c.ink != inkNeeded {
			ran = max(ran, greatestOf(c.steps, f.clock.start, f.clock.end))
		}
	}
	return ran
}

func (f *figure) drawLarge(p *pen, a *frame, s size) {
	f.shadeFaults(p, a)
	f.drawBands(p, a)
	f.drawCounts(p, a, s)
	for _, line := range a.trace(f.needed) {
		p.fill(inkNeededArea, closed(line, a.bottom)...)
	}
	f.drawGaps(p, a)
	f.drawBounds(p, a)
	for i := range f.curves {
		c := &f.curves[i]
		for _, line := range a.trace(c.steps) {
			p.line(c.ink, c.width, c.dashes, line...)
		}
	}
	p.line(inkFrame, 1, nil, vg.Point{X: a.left, Y: a.bottom}, vg.Point{X: a.right, Y: a.bottom})
	f.drawNames(p, a)
	f.drawLane(p, a, s)
	f.drawTimes(p, a, s.ticks, a.bottom-f.lane()-3, s)
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

// closed is a line closed along the bottom.
func closed(line []vg.Point, bottom vg.Length) []vg.Point {
	outline := append([]vg.Point{{X: line[0].X, Y: bottom}}, line...)
	return append(outline, vg.Point{X: line[len(line)-1].X, Y: bottom})
}

// describe says in words what the figure shows.
func (f *figure) describe(o *ObjectReport) string {
	text := fmt.Sprintf("Replicas of %s over time, needed against decided, %s.", o.Label, f.clock.stretch(f.from, f.to))
	if faults := faultsPhrase(f.faults, f.clock, f.from, f.to); faults != "" {
		text += " Faults: " + faults + "."
	}
	for i := range f.metrics {
		text += " Above them " + f.metrics[i].describe(f.to-1) + "."
	}
	if f.episode == nil {
		return text + " It " + o.short().never + "."
	}
	_, parts := o.causes()
	return fmt.Sprintf("%s At worst %s replicas were missing, %s%s.", text, number(f.episode.Depth), f.clock.stretch(f.episode.Start, f.episode.End), parts)
}
