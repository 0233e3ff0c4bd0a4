package reports

import (
	"fmt"
	"html"
	"html/template"
)

// hatchPaths are the patterns that tell causes apart without colour, in a tile
// of 6 by 6.
var hatchPaths = map[Cause]string{
	NotDecided:    "M1,3 h4",
	Bound:         "M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2",
	Rate:          "M-1,5 l2,2 M0,0 l6,6 M5,-1 l2,2",
	Stabilization: "M0,1.5 h6 M0,4.5 h6",
	DryRun:        "M1.5,1 v1 M4.5,4 v1",
	Paused:        "M1.5,1 v4 M3.5,1 v4",
	Contested:     "M0,1.5 h6 M3,1.5 v3",
	NotCarriedOut: "M0,3 h6 M3,0 v6",
	Disruption:    "M1.5,1.5 l3,3 M1.5,4.5 l3,-3",
	NoNode:        "M1,1 h4 v4 h-4 z",
	ScaledDown:    "M0,1 l3,4 l3,-4",
	StartUp:       "M1,1.5 h1.4 M4,4.5 h1.4",
	ColdStart:     "M0,5 l3,-4 l3,4",
	MissingData:   "M0,0 l6,6 M0,6 l6,-6",
	Tolerance:     "M0,3 q1.5,-3 3,0 t3,0",
	Target:        "M3,1 a2,2 0 1 0 0.01,0",
	MetricLag:     "M1.5,0 v6 M4.5,0 v6",
	NotExplained:  "M3,2.5 v1",
}

// hatches defines the patterns; keys, bars and plots refer to them by name. Plots
// count upwards, so theirs are turned over to look the same.
func hatches() []template.HTML {
	var list []template.HTML
	for _, c := range Causes() {
		list = append(list, pattern("hatch-"+c.slug(), "", c), pattern(plotHatch(c), ` patternTransform="scale(1,-1)"`, c))
	}
	return list
}

func plotHatch(c Cause) string { return "plot-hatch-" + c.slug() }

func pattern(id, transform string, c Cause) template.HTML {
	return template.HTML(fmt.Sprintf(
		`<pattern id="%s" width="6" height="6" patternUnits="userSpaceOnUse"%s><rect width="6" height="6" fill="var(--%s-soft)"/><path d="%s" stroke="var(--%s)" stroke-width="1.1" fill="none"/></pattern>`,
		id, transform, c.slug(), hatchPaths[c], c.slug()))
}

// swatch shows a cause's pattern beside its name.
func swatch(c Cause) template.HTML {
	return template.HTML(fmt.Sprintf(
		`<span class="swatch" style="border-color:var(--%s)" aria-hidden="true"><svg width="22" height="9"><rect width="22" height="9" fill="url(#hatch-%s)"/></svg></span>`,
		c.slug(), c.slug()))
}

// barPart is a cause's share of a bar.
func barPart(c Cause, seconds int64) template.HTML {
	return template.HTML(fmt.Sprintf(
		`<svg style="flex-grow:%d;border-color:var(--%s)" height="10"><rect width="100%%" height="10" fill="url(#hatch-%s)"/></svg>`,
		seconds, c.slug(), c.slug()))
}

func escapeHTML(text string) string { return html.EscapeString(text) }
