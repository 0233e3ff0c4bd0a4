package reports

import (
	"html"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot/vg"
)

func TestTraceKeepsSpikes(t *testing.T) {
	// A day at one value a second on a canvas of 100 points, with one spike and
	// one dip of a second each.
	var s Steps
	for at := int64(0); at < day; at++ {
		s.Append(at, 10+float64(at%2))
	}
	s.V[30000], s.V[60000] = 40, 1
	f := &frame{from: 0, to: day, top: 50, left: 0, right: 100, bottom: 0, ceil: 50}
	lines := f.trace(s)
	if len(lines) != 1 {
		t.Fatalf("%d lines; a function without gaps is one", len(lines))
	}
	if n := len(lines[0]); n > 5*101 {
		t.Errorf("%d points for 100 columns", n)
	}
	low, high := vg.Length(math.Inf(1)), vg.Length(math.Inf(-1))
	for _, p := range lines[0] {
		low, high = min(low, p.Y), max(high, p.Y)
	}
	if low != 1 || high != 40 {
		t.Errorf("the line reaches from %v to %v; spike 40 and dip 1 must survive", low, high)
	}
}

func TestTraceBreaksWhereUnknown(t *testing.T) {
	f := &frame{from: 0, to: 600, top: 10, left: 0, right: 100, bottom: 0, ceil: 100}
	lines := f.trace(steps(0, 2, 2, math.NaN(), 4, 3))
	want := [][]vg.Point{
		{{X: 0, Y: 20}, {X: 20, Y: 20}},
		{{X: 40, Y: 30}, {X: 100, Y: 30}},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTimeTicks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones:", err)
	}
	at := func(text string, zone *time.Location) int64 {
		when, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return when.Unix()
	}
	cases := map[string]struct {
		reason, from, to string
		zone             *time.Location
		want             []string
	}{
		"Minutes": {"seconds only where they matter", "2026-01-09 18:00:00", "2026-01-09 18:01:00", time.UTC, []string{"18:00:00", "18:00:15", "18:00:30", "18:00:45"}},
		"Hour":    {"round quarters", "2026-01-09 17:40:00", "2026-01-09 18:40:00", time.UTC, []string{"17:45", "18:00", "18:15", "18:30"}},
		"Night":   {"midnight names the day", "2026-01-09 18:00:00", "2026-01-10 12:00:00", time.UTC, []string{"18:00", "Sat 10", "06:00"}},
		"Zone":    {"round in the zone, not in UTC", "2026-01-09 00:30:00", "2026-01-09 04:30:00", berlin, []string{"01:00", "02:00", "03:00", "04:00"}},
		"Summer":  {"the hour that does not exist is no tick, the others stay round", "2026-03-29 00:00:00", "2026-03-29 06:00:00", berlin, []string{"Sun 29", "03:00", "04:00"}},
		"Weeks":   {"days", "2026-01-05 00:00:00", "2026-01-19 00:00:00", time.UTC, []string{"Wed 7 Jan", "Sun 11 Jan", "Thu 15 Jan"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, tick := range timeTicks(c.zone, at(c.from, c.zone), at(c.to, c.zone), 5) {
				got = append(got, tick.label)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestCountTicks(t *testing.T) {
	cases := map[string]struct {
		top  float64
		want []float64
	}{
		"One":      {1.12, []float64{0, 1}},
		"Five":     {5.6, []float64{0, 2, 4}},
		"Twenty":   {22.4, []float64{0, 10, 20}},
		"Thousand": {1120, []float64{0, 500, 1000}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, countTicks(c.top, 4)); diff != "" {
				t.Errorf("ticks up to %v are whole and few (-want +got):\n%s", c.top, diff)
			}
		})
	}
}

// One absurd sample must not flatten what ran; the report says so.
func TestAbsurdNeed(t *testing.T) {
	for _, c := range []struct {
		reason string
		spike  float64
		top    float64
		said   bool
	}{
		{"ten times what ran is a crowd", 50, 50 * 1.12, false},
		{"a billion is a wrong sample", 1e9, 50 * 1.12, true},
	} {
		r := computed(t, oneColumn(60, steps(0, 3, 10, c.spike, 11, 3), steps(0, 4, 20, 5), steps(0, 4, 20, 5), decided(0, 4, 20, 5)))
		if top := r.figure(r.focus()).top(0, 3600); math.Abs(top-c.top) > 1e-9 {
			t.Errorf("%s: the axis ends at %v, want %v", c.reason, top, c.top)
		}
		if said := strings.Contains(r.Markdown(), "if a sample is wrong there"); said != c.said {
			t.Errorf("%s: said %t in\n%s", c.reason, said, r.Markdown())
		}
	}
}

func TestFigureIsDrawnInInksOnly(t *testing.T) {
	r := computed(t, evening(t))
	o := r.focus()
	f := newFigure(r.Run, o, nil)
	for _, s := range []size{narrow, wide} {
		drawing, err := f.svg(s, "Replicas", f.describe(o))
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"#", "Liberation", "<?xml"} {
			if strings.Contains(strings.ReplaceAll(html.UnescapeString(drawing), "url(#plot-hatch-", "url("), bad) {
				t.Errorf("%s: %q is left in the drawing", s.class, bad)
			}
		}
		if !strings.Contains(drawing, `role="img" aria-label="Replicas. Replicas of checkout over time, needed against decided`) {
			t.Errorf("%s: the drawing is not described", s.class)
		}
	}
}
