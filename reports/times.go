package reports

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A clock shows instants of one run: as briefly as the run allows, in its zone.
type clock struct {
	location   *time.Location
	start, end int64
}

func clockOf(run *Run) clock { return clock{locationOf(run), run.Start, run.End} }

func (c clock) at(t int64) time.Time { return time.Unix(t, 0).In(c.location) }

// oneDay says whether the run lies within one calendar day, oneWeek whether a
// weekday tells its days apart.
func (c clock) oneDay() bool  { return c.days() == 1 }
func (c clock) oneWeek() bool { return c.days() <= 7 }

// days is the number of calendar days that the run touches.
func (c clock) days() int {
	from, to := c.at(c.start), c.at(c.end-1)
	date := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(date(to).Sub(date(from))/(24*time.Hour)) + 1
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// day is the day as the run needs it: "Friday", or "Friday 9 January".
func (c clock) day(t int64) string {
	if c.oneWeek() {
		return c.at(t).Format("Monday")
	}
	return c.at(t).Format("Monday 2 January")
}

// stretch is a range of time: "Friday 18:04–18:18".
func (c clock) stretch(start, end int64) string {
	layout := "15:04"
	if end-start < 120 || start%60 != 0 && end-start < 600 {
		layout = "15:04:05"
	}
	from, to := c.at(start), c.at(end)
	if sameDay(from, to) {
		return c.day(start) + " " + from.Format(layout) + "–" + to.Format(layout)
	}
	return c.day(start) + " " + from.Format(layout) + " – " + c.day(end) + " " + to.Format(layout)
}

// instant is a moment for tables: "Fri 18:04:10", with the date where needed.
func (c clock) instant(t int64) string {
	switch {
	case c.oneDay():
		return c.at(t).Format("15:04:05")
	case c.oneWeek():
		return c.at(t).Format("Mon 15:04:05")
	}
	return c.at(t).Format("Mon 2 Jan 15:04:05")
}

// full is a moment with date and zone.
func (c clock) full(t int64) string { return c.at(t).Format("2006-01-02 15:04:05 MST") }

// covered returns what the run covers: "Mon 5 Jan 2026 08:00–09:00 UTC", or its days
// where it is made of whole ones.
func (c clock) covered() string {
	from, to, last := c.at(c.start), c.at(c.end), c.at(c.end-1)
	switch {
	case midnight(from) && midnight(to) && sameDay(from, last):
		return from.Format("Mon 2 Jan 2006, MST")
	case midnight(from) && midnight(to):
		return from.Format("Mon 2 Jan") + " – " + last.Format("Mon 2 Jan 2006, MST")
	case sameDay(from, to):
		return from.Format("Mon 2 Jan 2006 15:04") + "–" + to.Format("15:04 MST")
	}
	return from.Format("Mon 2 Jan 15:04") + " – " + to.Format("Mon 2 Jan 2006 15:04 MST")
}

// window is a range of time for captions, briefer than stretch.
func (c clock) window(start, end int64) string {
	if from, to, last := c.at(start), c.at(end), c.at(end-1); midnight(from) && midnight(to) {
		return from.Format("Mon 2") + " – " + last.Format("Mon 2 Jan")
	} else if !sameDay(from, last) {
		return from.Format("Mon 2 Jan 15:04") + " – " + to.Format("Mon 2 Jan 15:04")
	}
	return c.stretch(start, end)
}

func midnight(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }

// span is a length of time in its largest fitting units: "90 s" is "1 min 30 s".
func span(seconds int64) string {
	units := []struct {
		size int64
		name string
	}{{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}
	var parts []string
	for _, u := range units {
		if n := seconds / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			seconds -= n * u.size
		}
		if len(parts) == 2 {
			break
		}
	}
	if len(parts) == 0 {
		return "0 s"
	}
	return strings.Join(parts, " ")
}

// longSpan spells a run's length: "14 days", "6 hours", "50 minutes".
func longSpan(seconds int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{86400, "day"}, {3600, "hour"}, {60, "minute"}} {
		if seconds >= u.size && seconds%u.size == 0 {
			n := seconds / u.size
			return group(n) + " " + plural(n, u.name)
		}
	}
	return span(seconds)
}

func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// group writes a whole number with thin separators for thousands.
func group(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Number writes a figure as a reader wants it, with the digits that matter; "–" where
// it is NaN.
func Number(v float64) string { return number(v) }

// number writes a figure as a reader wants it: whole numbers as they are,
// others with the digits that matter; "–" where it is not known.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v == math.Trunc(v) && math.Abs(v) < 1e15:
		return group(int64(v))
	case math.Abs(v) >= 100:
		return group(int64(math.Round(v)))
	case math.Abs(v) >= 0.1:
		return trimZeros(strconv.FormatFloat(math.Round(v*10)/10, 'f', 1, 64)) // halves away from 0, as shares are
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// A unit is the seconds in which a time is counted. A time of less than 2 min is
// shown in seconds, one of less than 100 min in tenths of a minute, any other in
// minutes, as number does; parts are counted in the unit of the whole.
type unit int64

func unitOf(seconds int64) unit {
	switch {
	case seconds < 120:
		return 1
	case seconds < 100*60:
		return 6
	}
	return 60
}

// name is that of the unit in which the counts are shown.
func (u unit) name() string {
	if u == 1 {
		return "s"
	}
	return "min"
}

// count shows n units.
func (u unit) count(n int64) string {
	if u == 6 {
		return number(float64(n) / 10)
	}
	return group(n)
}

// minutesOrSeconds shows a time.
func minutesOrSeconds(seconds int64) string {
	u := unitOf(seconds)
	return u.count((seconds+int64(u)/2)/int64(u)) + " " + u.name()
}

func trimZeros(text string) string { return strings.TrimSuffix(text, ".0") }

// exact is the shortest form that reads back as the same number.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// percentDown is a percentage with one digit, rounded down, so that 99.97 does
// not pass for 100.
func percentDown(v float64) string { return number(math.Floor(v*10) / 10) }
