package reports

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
)

//go:embed explore.js
var exploreSource string

// An exploration holds what the script of a page needs to show its charts at any
// instant and zoom. Times are Unix seconds.
type exploration struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
	// Zone has the offsets from UTC, in seconds, with the instants from which
	// they hold.
	Zone [][2]int64 `json:"zone"`
	// Off are the lines that are not shown at first.
	Off    []string     `json:"off"`
	Charts []chartLines `json:"charts"`
	// Decisions are [from, to, words] of each target that has charts, in order.
	Decisions map[string][][3]any `json:"decisions"`
}

// chartLines is one chart.
type chartLines struct {
	Title string `json:"title"`
	// Object is the target.
	Object string `json:"object"`
	// From and To are what it shows when the page opens.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Least is the number that the axis reaches at least, Limit at most.
	Least float64     `json:"least,omitempty"`
	Limit float64     `json:"limit,omitempty"`
	Lines []chartLine `json:"lines"`
	// Panels are the metrics above the replicas.
	Panels []chartPanel `json:"panels,omitempty"`
	// Spans are [from, to, color] of what limited the replicas.
	Spans [][3]any `json:"spans,omitempty"`
}

// A chartLine is a step function; the times are differences. A value that is not
// known is null.
type chartLine struct {
	Name     string     `json:"name"`
	Color    string     `json:"color"`
	Width    float64    `json:"width"`
	Dashes   string     `json:"dashes,omitempty"`
	Area     bool       `json:"area,omitempty"`
	Overview bool       `json:"overview,omitempty"`
	Bound    bool       `json:"bound,omitempty"` // drawn as far as the axis reaches
	T        []int64    `json:"t"`
	V        []*float64 `json:"v"`
}

// maxLineChanges bounds the changes of one line, and maxTargetChanges those of one line
// of a target that is not on the first screen; beyond it the line has the largest value
// of each stretch of equal length.
const (
	maxLineChanges   = 20_000
	maxTargetChanges = 2_000
)

// newExploration is that of a page whose figures have a clock.
func newExploration(c clock) *exploration {
	e := &exploration{Start: c.start, End: c.end, Off: []string{}, Decisions: map[string][][3]any{}}
	_, before := c.at(c.start).Zone()
	e.Zone = append(e.Zone, [2]int64{c.start, int64(before)})
	for t := c.start; t < c.end; t += 900 { // zones change on quarters of an hour
		if _, offset := c.at(t).Zone(); offset != before {
			e.Zone, before = append(e.Zone, [2]int64{t, int64(offset)}), offset
		}
	}
	return e
}

// add takes a figure of a target as the page's next chart, and returns its number. Its
// lines have at most so many changes.
func (e *exploration) add(f *figure, object, title string, most int64) int {
	chart := chartLines{Title: title, Object: object, From: f.from, To: f.to, Least: f.least}
	if ran := f.ran(); ran > 0 {
		chart.Limit = absurd * ran
	}
	for i := range f.curves {
		chart.Lines = append(chart.Lines, f.curves[i].line(f.clock, most))
	}
	for i := range f.bounds {
		chart.Lines = append(chart.Lines, f.bounds[i].line(f.clock, most))
	}
	for i := range f.metrics {
		chart.Panels = append(chart.Panels, f.metrics[i].panel(f.clock, most))
	}
	for i := range f.episodes {
		for _, s := range f.episodes[i].Spans {
			chart.Spans = append(chart.Spans, [3]any{s.Start, s.End, s.Cause.slug()})
		}
	}
	e.Charts = append(e.Charts, chart)
	return len(e.Charts) - 1
}

// columnColors tell the lines of other columns apart, together with their dashes.
var columnColors = []string{"rate", "start-up", "no-node", "target", "disruption", "stabilization"}

// addColumns adds what the other columns decided for an object to the first chart,
// not shown until asked for.
func (e *exploration) addColumns(r *Report, o *ObjectReport) {
	added := 0
	for i := range r.Columns {
		c := &r.Columns[i]
		other := c.object(o.Object)
		if i == r.primary || c.Name == Recorded || other == nil || r.Run.Columns[i].Reference || added == maxCompared {
			continue
		}
		decided := curve{name: c.Name, steps: other.Decided, width: 1.8}
		line := decided.line(clockOf(r.Run), maxLineChanges)
		line.Color, line.Overview = columnColors[added%len(columnColors)], false
		line.Dashes = fmt.Sprintf("%d 3", 4+4*added)
		e.Charts[0].Lines = append(e.Charts[0].Lines, line)
		e.Off = append(e.Off, line.Name)
		added++
	}
}

// line is a curve as the script draws it, of at most so many changes.
func (c *curve) line(clock clock, changes int64) chartLine {
	line := chartLine{
		Name: c.name, Color: inkNames[c.ink], Width: c.width.Points(), Dashes: dashes(c.dashes),
		Area: c.ink == inkNeeded, Overview: c.ink == inkNeeded || c.ink == inkDecided,
	}
	var last int64
	add := func(t int64, v float64) {
		line.T, last = append(line.T, t-last), t
		if math.IsNaN(v) || math.IsInf(v, 0) {
			line.V = append(line.V, nil)
			return
		}
		v = math.Round(v*1e6) / 1e6
		line.V = append(line.V, &v)
	}
	s := c.steps
	if int64(len(s.T)) <= changes {
		for i, t := range s.T {
			add(t, s.V[i])
		}
		return line
	}
	stretch := (clock.end - clock.start + changes - 1) / changes
	for i := 0; i < len(s.T); {
		end, most := s.T[i]-s.T[i]%stretch+stretch, s.V[i]
		j := i + 1
		for ; j < len(s.T) && s.T[j] < end; j++ {
			if math.IsNaN(most) || s.V[j] > most {
				most = s.V[j]
			}
		}
		add(s.T[i], most)
		i = j
	}
	return line
}

func dashes(lengths []vg.Length) string {
	var parts []string
	for _, l := range lengths {
		parts = append(parts, number(l.Points()))
	}
	return strings.Join(parts, " ")
}

// decide adds the decisions of one object in words.
func (e *exploration) decide(runs []DecisionRun, object string) {
	for i := range runs {
		run := &runs[i]
		if run.Object != object {
			continue
		}
		to := e.End
		if run.Last < to {
			to = run.Last + max(1, (run.Last-run.First)/max(1, run.Slots-1))
		}
		e.Decisions[object] = append(e.Decisions[object], [3]any{run.First, to, run.words()})
	}
}

// words say what was decided and what held it.
func (run *DecisionRun) words() string {
	if !run.Known {
		return string(run.Reason)
	}
	text := fmt.Sprintf("%s wanted, %s decided: %s", wanted(run), number(run.Desired), run.Reason)
	if run.Limit != "" {
		text += ", " + run.Limit
	}
	return text
}

// frames is where a figure's axes lie in its drawing, [left, right, top, bottom]
// in points from the upper left, as the attribute data-frame.
type frames struct {
	Large    [4]float64  `json:"large"`
	Overview *[4]float64 `json:"overview,omitempty"`
	// Panels has the panels of the metrics, from above.
	Panels [][4]float64 `json:"panels,omitempty"`
	Text   float64      `json:"text"`
}

// box is a frame from the upper left of a drawing of a height.
func (f *frame) box(height vg.Length) [4]float64 {
	round := func(l vg.Length) float64 { return math.Round(l.Points()*10) / 10 }
	return [4]float64{round(f.left), round(f.right), round(height - f.ceil), round(height - f.bottom)}
}

// script is the exploration as an element of the page.
func (e *exploration) script() (template.HTML, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return "", fmt.Errorf("the data of the charts: %w", err)
	}
	return template.HTML(`<script type="application/json" id="data">` + string(text) + `</script>`), nil
}
