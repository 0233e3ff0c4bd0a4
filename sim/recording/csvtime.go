package recording

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// millisecondsFrom is the integer from which Unix times are milliseconds; as
// seconds it would lie in the year 5138.
const millisecondsFrom = 100_000_000_000

const wallLayout = "2006-01-02 15:04:05"

var errTimeForm = errors.New("not a time; allowed: RFC 3339, 2006-01-02 15:04:05, Unix seconds or milliseconds, or what time.layout says")

type timeForm int

const (
	formUnknown timeForm = iota
	formRFC3339
	formWall
	formUnix
	formLayout
)

// A timeReader reads the cells of a time column. The first cell settles the
// form; all others must have the same.
type timeReader struct {
	form   timeForm
	layout string
	zoned  bool
	wall   wallClock
}

func newTimeReader(layout string, location *time.Location) *timeReader {
	if location == nil {
		location = time.UTC
	}
	r := &timeReader{layout: layout, wall: wallClock{location: location}}
	if layout != "" {
		r.form = formLayout
		r.zoned = strings.Contains(layout, "Z07") || strings.Contains(layout, "-07") || strings.Contains(layout, "MST")
	}
	return r
}

// parse returns the instant of a cell in Unix milliseconds.
func (r *timeReader) parse(cell string) (int64, error) {
	switch r.form {
	case formRFC3339:
		return parseRFC3339(cell)
	case formWall:
		return r.wall.parse(wallLayout, cell)
	case formUnix:
		return parseUnix(cell)
	case formLayout:
		return r.parseLayout(cell)
	}
	return r.parseFirst(cell)
}

func (r *timeReader) parseFirst(cell string) (int64, error) {
	if t, err := parseRFC3339(cell); err == nil {
		r.form = formRFC3339
		return t, nil
	}
	if t, err := parseUnix(cell); err == nil {
		r.form = formUnix
		return t, nil
	}
	if _, err := time.Parse(wallLayout, cell); err != nil {
		return 0, errTimeForm
	}
	r.form = formWall
	return r.wall.parse(wallLayout, cell)
}

func (r *timeReader) parseLayout(cell string) (int64, error) {
	if !r.zoned {
		return r.wall.parse(r.layout, cell)
	}
	t, err := time.ParseInLocation(r.layout, cell, r.wall.location)
	if err != nil {
		return 0, fmt.Errorf("not a time of layout %q", r.layout)
	}
	return t.UnixMilli(), nil
}

// twice tells whether the instant was read from a local time that occurs twice.
func (r *timeReader) twice(ms int64) bool {
	if r.form != formWall && (r.form != formLayout || r.zoned) {
		return false
	}
	unix := ms / 1000
	return r.wall.ambiguous(unix + r.wall.offsetAt(unix))
}

// parseRFC3339 also takes a space between date and time, as RFC 3339 allows.
func parseRFC3339(cell string) (int64, error) {
	if len(cell) < len("2006-01-02T15:04:05Z") {
		return 0, errors.New("not an RFC 3339 time")
	}
	layout := time.RFC3339
	if cell[10] == ' ' {
		layout = "2006-01-02 15:04:05Z07:00"
	}
	t, err := time.Parse(layout, cell)
	if err != nil {
		return 0, errors.New("not an RFC 3339 time, as the first row's is")
	}
	return t.UnixMilli(), nil
}

// parseUnix takes decimal notation only: exponents have lost digits already.
func parseUnix(cell string) (int64, error) {
	if cell == "" || strings.Trim(cell, "0123456789.-") != "" {
		return 0, errors.New("not a Unix time, as the first row's is")
	}
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil {
		switch {
		case n >= millisecondsFrom || n <= -millisecondsFrom:
			return n, nil
		default:
			return n * 1000, nil
		}
	}
	seconds, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.Abs(seconds) >= millisecondsFrom {
		return 0, errors.New("not a Unix time: fractions are of seconds, integers from 1e11 are milliseconds")
	}
	return int64(math.Round(seconds * 1000)), nil
}

// A wallClock turns local times of one location into instants. It remembers
// the stretch in which the offset does not change, since rows come in order.
type wallClock struct {
	location *time.Location
	// Wall seconds in [from, to) are offset seconds ahead of UTC, for certain.
	from, to, offset int64
}

const daySeconds = 24 * 60 * 60

func (w *wallClock) parse(layout, cell string) (int64, error) {
	t, err := time.Parse(layout, cell)
	if err != nil {
		return 0, fmt.Errorf("not a time of the form %s", layout)
	}
	if w.location == time.UTC {
		return t.UnixMilli(), nil
	}
	unix, ok := w.instant(t.Unix())
	if !ok {
		return 0, fmt.Errorf("no such local time in %s, where clocks were put forward then; give the zone it was taken in (--tz)", w.location)
	}
	return unix*1000 + int64(t.Nanosecond()/1e6), nil
}

// instant is the first instant at which clocks in the location show wall
// seconds; false if they never do.
func (w *wallClock) instant(wall int64) (int64, bool) {
	if w.from <= wall && wall < w.to {
		return wall - w.offset, true
	}
	before, after := w.offsetAt(wall-daySeconds), w.offsetAt(wall+daySeconds)
	if before == after {
		w.remember(wall-before, before)
		return wall - before, true
	}
	first, second := wall-max(before, after), wall-min(before, after)
	for _, unix := range []int64{first, second} {
		if unix+w.offsetAt(unix) == wall {
			return unix, true
		}
	}
	return 0, false
}

// ambiguous tells whether clocks in the location show wall seconds twice.
func (w *wallClock) ambiguous(wall int64) bool {
	before, after := w.offsetAt(wall-daySeconds), w.offsetAt(wall+daySeconds)
	return before > after && w.offsetAt(wall-before) == before && w.offsetAt(wall-after) == after
}

// remember keeps a day's distance from the zone's transitions, where local
// times are ambiguous.
func (w *wallClock) remember(unix, offset int64) {
	start, end := time.Unix(unix, 0).In(w.location).ZoneBounds()
	w.from, w.to, w.offset = math.MinInt64, math.MaxInt64, offset
	if !start.IsZero() {
		w.from = start.Unix() + offset + daySeconds
	}
	if !end.IsZero() {
		w.to = end.Unix() + offset - daySeconds
	}
}

func (w *wallClock) offsetAt(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(w.location).Zone()
	return int64(offset)
}
