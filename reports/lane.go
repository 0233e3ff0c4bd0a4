package reports

import (
	"math"
	"sort"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// wider is how much wider than measured a reader's font may be.
const wider = 1.2

// drawLane names what limited the replicas, below the curves.
func (f *figure) drawLane(p *pen, a *frame, s size) {
	const height = 12
	small := &pen{Canvas: p.Canvas, size: s.text - 1}
	bottom, top := a.bottom-height-1, a.bottom-1
	for _, span := range joined(a.coarse(f.visible(a))) {
		left, right := a.x(span.Start), max(a.x(span.End), a.x(span.Start)+1)
		p.box(inkPage, left, bottom, right, top)
		p.box(causeInk(span.Cause, causeHatch), left, bottom, right, top)
		p.line(causeInk(span.Cause, causeSolid), 2, nil, vg.Point{X: left, Y: top - 0.5}, vg.Point{X: right, Y: top - 0.5})
		for _, label := range []string{span.label(), span.Cause.words()} {
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
func (f *frame) coarse(spans []Span) []Span {
	var list []Span
	longest, column := int64(0), math.NaN()
	for _, s := range spans {
		left := math.Floor(f.x(s.Start).Points())
		if n := len(list); n > 0 && left == column && math.Floor(f.x(s.End).Points()) == column {
			if s.End-s.Start > longest {
				longest = s.End - s.Start
				list[n-1].Cause, list[n-1].Detail = s.Cause, s.Detail
			}
			list[n-1].End = s.End
			continue
		}
		list = append(list, s)
		longest, column = s.End-s.Start, math.Floor(f.x(s.End).Points())
	}
	return list
}

func (s *Span) label() string {
	if s.Cause == NotExplained {
		return string(NotExplained)
	}
	b := CauseTime{Cause: s.Cause, Detail: s.Detail}
	return b.detailed()
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
