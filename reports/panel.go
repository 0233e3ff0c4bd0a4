package reports

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A bound is a limit on the replicas that is drawn behind them as far as the axis
// reaches.
type bound struct {
	name  string
	steps Steps
	ink   ink
	// at is where along the axis its name stands, as a share of it; under says that
	// it stands below the line, out of the way of the curves.
	at    float64
	under bool
}

// bounds has the bounds of the policy, and those recorded where they differ.
func bounds(o, recorded *ObjectReport) []bound {
	var list []bound
	add := func(name string, own, ran Steps) {
		if own.Known() {
			list = append(list, bound{name, own, inkBound, 0, name == "minReplicas"})
		}
		if ran.Known() && !agree(own, ran) {
			list = append(list, bound{"recorded " + name, ran, inkRecorded, 0.5, name == "minReplicas"})
		}
	}
	ran := &Object{}
	if recorded != nil {
		ran = &recorded.object
	}
	if o.object.MinReplicas.Known() || o.object.MaxReplicas.Known() { // what is shown is what ran
		add("maxReplicas", o.object.MaxReplicas, Steps{})
		add("minReplicas", o.object.MinReplicas, Steps{})
		return list
	}
	add("maxReplicas", o.watch.most, ran.MaxReplicas)
	add("minReplicas", o.watch.least, ran.MinReplicas)
	return list
}

// agree says whether two functions are equal wherever both are known.
func agree(a, b Steps) bool {
	if !a.Known() {
		return false
	}
	same := true
	walk(min(a.T[0], b.T[0]), max(a.T[len(a.T)-1], b.T[len(b.T)-1])+1, []Steps{a, b}, func(_, _ int64, v []float64) {
		same = same && (math.IsNaN(v[0]) || math.IsNaN(v[1]) || v[0] == v[1])
	})
	return same
}

// drawBounds draws the bounds of the replicas that the axis reaches.
func (f *figure) drawBounds(p *pen, a *frame) {
	small := &pen{Canvas: p.Canvas, size: p.size - 1}
	for i := range f.bounds {
		b := &f.bounds[i]
		shown := b.upTo(a.top)
		for _, line := range a.trace(shown) {
			p.line(b.ink, 1, []vg.Length{1, 3}, line...)
		}
		free, taken := a.left+vg.Length(b.at)*(a.right-a.left), a.left
		walk(a.from, a.to, []Steps{shown}, func(from, to int64, v []float64) {
			label := b.name + " " + number(v[0])
			w := small.width(label) * wider
			x := max(min(free, a.x(to)-w), a.x(from)+3)
			if math.IsNaN(v[0]) || v[0] == 0 || x < taken || x+w > a.x(to) {
				return
			}
			at, align := vg.Point{X: x, Y: a.y(v[0]) + 1.5}, draw.YBottom
			if b.under && a.y(v[0])-a.bottom > p.size+2 {
				at.Y, align = a.y(v[0])-1.5, draw.YTop
			}
			small.text(b.ink, at, draw.XLeft, align, label)
			free, taken = x+w, x+w
		})
	}
}

// upTo is the bound where it does not exceed the top of the axis.
func (b *bound) upTo(top float64) Steps {
	var shown Steps
	for i, v := range b.steps.V {
		if v > top {
			v = math.NaN()
		}
		shown.Append(b.steps.T[i], v)
	}
	return shown
}

// line is the bound as the script draws it, of at most so many changes.
func (b *bound) line(c clock, most int64) chartLine {
	line := (&curve{name: b.name, steps: b.steps, ink: b.ink, width: 1, dashes: []vg.Length{1, 3}}).line(c, most)
	line.Bound = true
	return line
}

// panelHeight is that of one metric's axes.
func (f *figure) panelHeight(s size) vg.Length {
	switch n := len(f.metrics); {
	case n > 4:
		return s.panel * 6 / 10
	case n > 2:
		return s.panel * 8 / 10
	}
	return s.panel
}

// panelRow is the height of a panel with its title.
func (f *figure) panelRow(s size) vg.Length { return f.panelHeight(s) + s.text + 7 }

// panels is the height of what stands above the replicas.
func (f *figure) panels(s size) vg.Length { return vg.Length(len(f.metrics)) * f.panelRow(s) }

// panelFrame is where the axes of a metric lie, below the top of the canvas.
func (f *figure) panelFrame(i int, left, right, top vg.Length, s size) *frame {
	ceil := top - vg.Length(i)*f.panelRow(s) - s.text - 3
	return &frame{from: f.from, to: f.to, top: f.metrics[i].top(f.from, f.to), left: left, right: right, ceil: ceil, bottom: ceil - f.panelHeight(s)}
}

// top is the end of the axis of a metric.
func (s *metricSeries) top(from, to int64) float64 {
	most := max(greatestOf(s.value, from, to), greatestOf(s.high, from, to), greatestOf(s.target, from, to))
	if !(most > 0) {
		most = 1
	}
	return most * 1.12
}

// drawPanel draws a metric with its target and the band that the tolerance ignores.
func (f *figure) drawPanel(p *pen, i int, a *frame, s size) {
	m := &f.metrics[i]
	p.text(inkText, vg.Point{X: a.left, Y: a.ceil + 2}, draw.XLeft, draw.YBottom, m.title(p, a.to-1, a.right+s.margin-a.left))
	for _, r := range m.band(f.from, f.to) {
		p.box(inkMetricBand, a.x(r.from), a.y(r.low), a.x(r.to), a.y(r.high))
	}
	for _, n := range valueTicks(a.top, panelTicks(s)) {
		if n > 0 {
			p.line(inkGrid, 1, nil, vg.Point{X: a.left, Y: a.y(n)}, vg.Point{X: a.right, Y: a.y(n)})
		}
		p.text(inkMuted, vg.Point{X: a.left - 5, Y: a.y(n)}, draw.XRight, draw.YCenter, prefixed(n))
	}
	for _, line := range a.trace(m.target) {
		p.line(inkMetricTarget, 1.2, []vg.Length{5, 3}, line...)
	}
	for _, line := range a.trace(m.value) {
		p.line(inkMetric, 1.5, nil, line...)
	}
	if target := m.target.At(a.to - 1); !math.IsNaN(target) {
		y := min(max(a.y(target), a.bottom+s.text/2), a.ceil-s.text/2)
		p.text(inkMetricTarget, vg.Point{X: a.right + 3, Y: y}, draw.XLeft, draw.YCenter, "target "+prefixed(target))
	}
	p.line(inkFrame, 1, nil, vg.Point{X: a.left, Y: a.bottom}, vg.Point{X: a.right, Y: a.bottom})
}

// title names the metric, its unit and its tolerance at an instant, in a line of at
// most a width.
func (s *metricSeries) title(p *pen, at int64, width vg.Length) string {
	rest := s.about(at)
	name := s.name()
	for short := []rune(name); p.width(name+rest)*wider > width && len(short) > 8; {
		short = short[:len(short)-1]
		name = string(short) + "…"
	}
	return name + rest
}

// about says what a value is of, and the tolerance at an instant.
func (s *metricSeries) about(at int64) string {
	text := ""
	if u := s.unit(); u != "" {
		text = " " + u
	}
	target := s.target.At(at)
	up, down := percentOf(s.high.At(at)-target, target), percentOf(target-s.low.At(at), target)
	switch {
	case !(up > 0) && !(down > 0):
	case up == down:
		text += ", tolerance " + number(up) + " %"
	default:
		text += ", tolerance +" + number(up) + " −" + number(down) + " %"
	}
	return text
}

// percentOf is a share in percent, to a millionth of one.
func percentOf(part, whole float64) float64 { return math.Round(1e8*part/whole) / 1e6 }

// A bandPart is a stretch with one band.
type bandPart struct {
	from, to  int64
	low, high float64
}

// band returns what the tolerance ignores between two instants.
func (s *metricSeries) band(from, to int64) []bandPart {
	var list []bandPart
	walk(from, to, []Steps{s.low, s.high}, func(from, to int64, v []float64) {
		if v[1] > v[0] {
			list = append(list, bandPart{from, to, max(v[0], 0), v[1]})
		}
	})
	return list
}

// axisWidth is the room that the numbers beside the axes take.
func (f *figure) axisWidth(p *pen, top float64, s size) vg.Length {
	widest := p.width(number(math.Floor(top)))
	for i := range f.metrics {
		for _, n := range valueTicks(f.metrics[i].top(f.from, f.to), panelTicks(s)) {
			widest = max(widest, p.width(prefixed(n)))
		}
	}
	return widest*wider + 6
}

// panelTicks is how many numbers stand beside the axis of a metric, besides 0.
func panelTicks(s size) int {
	if s.panel < 40 {
		return 1
	}
	return 2
}

// valueTicks are round numbers from 0 up to top, at most most besides 0.
func valueTicks(top float64, most int) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(top/float64(most))))
	for i := 0; top/step > float64(most)+0.999; i++ {
		step *= []float64{2, 2.5, 2}[i%3]
	}
	var ticks []float64
	for i := 0; float64(i)*step <= top; i++ {
		n, err := strconv.ParseFloat(strconv.FormatFloat(float64(i)*step, 'g', 12, 64), 64)
		if err != nil {
			break
		}
		ticks = append(ticks, n)
	}
	return ticks
}

// prefixed writes a number in at most three digits that matter, large ones with the
// prefixes of the SI.
func prefixed(v float64) string {
	if math.Abs(v) < 1e4 || math.IsNaN(v) || math.IsInf(v, 0) {
		return trimFloat(v)
	}
	for _, prefix := range []string{"k", "M", "G", "T", "P"} {
		if v /= 1000; math.Abs(v) < 1000 || prefix == "P" {
			return trimFloat(v) + prefix
		}
	}
	return trimFloat(v)
}

// trimFloat keeps three digits that matter, and whole numbers of fewer than five.
func trimFloat(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e4 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	text := strconv.FormatFloat(v, 'g', 3, 64)
	if strings.Contains(text, "e") && math.Abs(v) >= 100 && math.Abs(v) < 1e6 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return text
}

// A chartPanel is a metric above the replicas as the script draws it.
type chartPanel struct {
	Title  string    `json:"title"`
	About  string    `json:"about,omitempty"`
	Value  chartLine `json:"value"`
	Target chartLine `json:"target"`
	// Band are [from, to, low, high].
	Band [][4]float64 `json:"band,omitempty"`
}

// panel is a metric as the script draws it.
func (s *metricSeries) panel(c clock, most int64) chartPanel {
	p := chartPanel{
		Title: s.name(), About: strings.TrimSpace(s.about(c.end - 1)),
		Value:  (&curve{name: "value", steps: fourDigits(s.value), ink: inkMetric, width: 1.5}).line(c, most),
		Target: (&curve{name: "target", steps: s.target, ink: inkMetricTarget, width: 1.2, dashes: []vg.Length{5, 3}}).line(c, most),
	}
	for _, b := range s.band(c.start, c.end) {
		p.Band = append(p.Band, [4]float64{float64(b.from), float64(b.to), b.low, b.high})
	}
	return p
}

// fourDigits rounds the values to four digits that matter: a page shows no more.
func fourDigits(s Steps) Steps {
	var out Steps
	for i, v := range s.V {
		if v != 0 && !math.IsNaN(v) && !math.IsInf(v, 0) {
			scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
			if r := math.Round(v*scale) / scale; !math.IsInf(r, 0) && !math.IsNaN(r) {
				v = r
			}
		}
		out.Append(s.T[i], v)
	}
	return out
}
