package recording

import (
	"fmt"
	"math"
	"time"
)

// A wallClock turns local times of one location into instants. It remembers
// the stretch in which the offset does not change, since rows come in order.
type wallClock struct {
	location *time.Location
	// Wall seconds in [from, to) are offset seconds ahead of UTC, for certain.
	from, to, offset int64
}

const daySeconds = 24 * 60 * 60

// at is the instant of wall milliseconds.
func (w *wallClock) at(wall int64) (int64, error) {
	if w.location == time.UTC {
		return wall, nil
	}
	seconds := floorDiv(wall, 1000)
	unix, ok := w.instant(seconds)
	if !ok {
		return 0, fmt.Errorf("no such local time in %s, where clocks were put forward then; give the zone it was taken in (--tz)", w.location)
	}
	return unix*1000 + wall - seconds*1000, nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
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
