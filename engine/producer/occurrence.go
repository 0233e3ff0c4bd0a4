package producer

import "time"

// An occurrence is an instant, in Unix seconds, at which the clock shows a
// minute or jumps over it. Several minutes that a zone skips share an instant;
// the wall clock orders them.
type occurrence struct {
	at   int64
	wall wall
}

// notAfter says whether o comes before other, or is it.
func (o occurrence) notAfter(other occurrence) bool {
	return o.at < other.at || o.at == other.at && o.wall <= other.wall
}

// A stretch is a time during which a zone keeps its offset from UTC: the wall
// clock shows [from+offset, until+offset).
type stretch struct {
	from, until, offset int64
}

// far is an instant that no search reaches, in place of the ends of time.
const far = 1 << 52

// stretchAt is the stretch that t lies in.
func stretchAt(zone *time.Location, t int64) stretch {
	at := time.Unix(t, 0).In(zone)
	_, offset := at.Zone()
	s := stretch{from: -far, until: far, offset: int64(offset)}
	start, end := at.ZoneBounds()
	if !start.IsZero() {
		s.from = start.Unix()
	}
	if !end.IsZero() {
		s.until = end.Unix()
	}
	if s.until <= t {
		// Package time counts 365 days to the end of a leap year that lies beyond
		// a zone's table (2040 is the first): its last day, in UTC, is left over.
		s.until = t - t%86400 + 86400
	}
	return s
}

// next is the first occurrence of a pattern strictly after t, and whether there
// is one within the horizon.
func (p *pattern) next(zone *time.Location, t int64) (occurrence, bool) {
	for s, after := stretchAt(zone, t), t+1; s.from <= t+horizon; {
		if w, ok := p.from(wall(max(after, s.from)+s.offset), wall(s.until+s.offset)); ok {
			return occurrence{int64(w) - s.offset, w}, true
		}
		if s.until >= far {
			return occurrence{}, false
		}
		following := stretchAt(zone, s.until)
		// Where the clock jumps ahead, what it jumps over comes at the jump.
		if w, ok := p.from(wall(s.until+s.offset), wall(s.until+following.offset)); ok {
			return occurrence{s.until, w}, true
		}
		s = following
	}
	return occurrence{}, false
}

// last is the last occurrence of a pattern at or before t, and whether there is
// one within the horizon.
func (p *pattern) last(zone *time.Location, t int64) (occurrence, bool) {
	s := stretchAt(zone, t)
	for shown := wall(t + s.offset); s.until >= t-horizon; {
		if w, ok := p.to(shown, wall(s.from+s.offset)); ok {
			return occurrence{int64(w) - s.offset, w}, true
		}
		if s.from <= -far {
			return occurrence{}, false
		}
		preceding := stretchAt(zone, s.from-1)
		if w, ok := p.to(wall(s.from+s.offset-1), wall(s.from+preceding.offset)); ok {
			return occurrence{s.from, w}, true
		}
		s = preceding
		shown = wall(s.until + s.offset - 1)
	}
	return occurrence{}, false
}
