package reports

import (
	"bytes"
	"fmt"
	"image/color"
	"regexp"
	"strconv"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// An ink is the role of a colour. Plots are drawn in placeholder colours, one
// for each ink, which become names of the page's style sheet: so one drawing
// serves light, dark and print.
type ink uint8

const (
	inkText ink = iota
	inkMuted
	inkGrid
	inkPage
	inkFrame
	inkNeeded
	inkNeededArea
	inkDecided
	inkRecorded
	inkReady
	inkLacking
	inkFault
	inkFaultSoft
	inkMetric
	inkMetricTarget
	inkMetricBand
	inkBound
	inkCause // from here on causeInks for each cause
)

// The inks of one cause, in order from inkCause.
const (
	causeSolid = iota
	causeSoft
	causeHatch
	causeInks
)

var inkNames = [...]string{"text", "muted", "grid", "page", "frame", "needed", "needed-area", "decided", "recorded", "ready", "lacking", "fault", "fault-soft", "metric", "metric-target", "metric-band", "bound-line"}

// causeInk is an ink of a cause.
func causeInk(c Cause, kind int) ink { return inkCause + ink(c.order()*causeInks+kind) }

// slug is a cause's name in the style sheet.
func (c Cause) slug() string {
	return string(bytes.ReplaceAll([]byte(c), []byte(" "), []byte("-")))
}

// paint returns what the style sheet calls the ink.
func (i ink) paint() string {
	if i < inkCause {
		return "var(--" + inkNames[i] + ")"
	}
	cause := Causes()[int(i-inkCause)/causeInks]
	switch int(i-inkCause) % causeInks {
	case causeSoft:
		return "var(--" + cause.slug() + "-soft)"
	case causeHatch:
		return "url(#" + plotHatch(cause) + ")"
	}
	return "var(--" + cause.slug() + ")"
}

// The placeholder of an ink has its number in red; no other colour is drawn.
const placeholderGreen, placeholderBlue = 0xAB, 0xCD

func (i ink) color() color.Color {
	return color.NRGBA{R: uint8(i), G: placeholderGreen, B: placeholderBlue, A: 0xFF}
}

var (
	placeholder = regexp.MustCompile(`#([0-9A-F]{2})ABCD`)
	svgHead     = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	svgFont     = regexp.MustCompile(`font-family:[^;"]*;font-variant:[^;"]*;font-weight:([^;"]*);font-style:[^;"]*;`)
)

// inlineSVG is a drawing as an element of the page, described for those who do
// not see it.
func inlineSVG(c *vgsvg.Canvas, class, title, description string) (string, error) {
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return "", fmt.Errorf("plot %s: %w", class, err)
	}
	w, h := c.Size()
	body := svgHead.ReplaceAll(b.Bytes(), nil)
	body = svgFont.ReplaceAll(body, []byte("font-weight:$1;"))
	body = placeholder.ReplaceAllFunc(body, func(match []byte) []byte {
		n, err := strconv.ParseUint(string(match[1:3]), 16, 8)
		if err != nil {
			return match
		}
		return []byte(ink(n).paint())
	})
	return fmt.Sprintf(`<svg class="%s" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s"><title>%s</title>`, class,
		w.Points(), h.Points(), escapeHTML(title+". "+description), escapeHTML(title)) + string(body), nil
}

// lettering is the font by whose widths text is placed. Package plot would bring twelve
// fonts and five file formats along, a tenth of the program.
var lettering = sync.OnceValue(func() text.Handler {
	face, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		panic(fmt.Errorf("reports: the font that comes with the program: %w", err))
	}
	return text.Plain{Fonts: font.NewCache(font.Collection{{Font: letters, Face: face}})}
})

var letters = font.Font{Typeface: "Liberation", Variant: "Sans"}

// A pen draws on a canvas in inks.
type pen struct {
	draw.Canvas
	size vg.Length // of text
}

func (p *pen) style(i ink, x text.XAlignment, y text.YAlignment) draw.TextStyle {
	face := font.From(letters, p.size)
	return draw.TextStyle{Color: i.color(), Font: face, XAlign: x, YAlign: y, Handler: lettering()}
}

// text writes a line at a point: the alignments say which corner it is.
func (p *pen) text(i ink, at vg.Point, x text.XAlignment, y text.YAlignment, line string) {
	p.FillText(p.style(i, x, y), at, line)
}

func (p *pen) width(line string) vg.Length {
	return p.style(inkText, draw.XLeft, draw.YBottom).Width(line)
}

// line strokes; gaps are the lengths of dashes and gaps, none for a solid line.
func (p *pen) line(i ink, width vg.Length, dashes []vg.Length, points ...vg.Point) {
	if len(points) > 1 {
		p.StrokeLines(draw.LineStyle{Color: i.color(), Width: width, Dashes: dashes}, points)
	}
}

func (p *pen) fill(i ink, points ...vg.Point) {
	if len(points) > 2 {
		p.FillPolygon(i.color(), points)
	}
}

func (p *pen) box(i ink, left, bottom, right, top vg.Length) {
	p.fill(i, vg.Point{X: left, Y: bottom}, vg.Point{X: right, Y: bottom}, vg.Point{X: right, Y: top}, vg.Point{X: left, Y: top})
}
