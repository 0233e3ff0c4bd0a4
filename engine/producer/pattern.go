package producer

import (
	"math/bits"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A wall is a minute of the wall clock in no zone: the seconds from 1970 that a
// clock in UTC would have shown it at.
type wall int64

const (
	minute = 60
	day    = 24 * 60 * minute
	// horizon bounds a search for a date. A leap day may be 8 years away.
	horizon = 9 * 366 * day
)

// A pattern is a policy.Pattern as bit sets.
type pattern struct {
	minutes, hours, days, months, weekdays uint64
	anyDay, anyWeekday                     bool
}

func newPattern(p *policy.Pattern) pattern {
	return pattern{
		minutes: set(p.Minutes), hours: set(p.Hours),
		days: set(p.Days), months: set(p.Months), weekdays: set(p.Weekdays),
		anyDay: p.Days == nil, anyWeekday: p.Weekdays == nil,
	}
}

func set(values []int) uint64 {
	var s uint64
	for _, value := range values {
		s |= 1 << value
	}
	return s
}

// date says whether a day matches, given any instant of it in UTC. As with
// cron, either of days and weekdays suffices where both are given.
func (p *pattern) date(t time.Time) bool {
	_, month, dayOfMonth := t.Date()
	if p.months != 0 && p.months>>month&1 == 0 {
		return false
	}
	onDay, onWeekday := p.days>>dayOfMonth&1 == 1, p.weekdays>>t.Weekday()&1 == 1
	switch {
	case p.anyDay && p.anyWeekday:
		return true
	case p.anyDay:
		return onWeekday
	case p.anyWeekday:
		return onDay
	}
	return onDay || onWeekday
}

// from is the first minute of the pattern at or after w, and whether there is
// one before limit.
func (p *pattern) from(w, limit wall) (wall, bool) {
	limit = min(limit, w+horizon)
	for midnight := floor(w, day); midnight < limit; midnight += day {
		if !p.date(time.Unix(int64(midnight), 0).UTC()) {
			continue
		}
		after := max(w-midnight, 0)
		if clock, ok := p.clockFrom(uint(after+minute-1) / minute); ok {
			found := midnight + clock
			return found, found < limit
		}
	}
	return 0, false
}

// to is the last minute of the pattern at or before w, and whether there is one
// at or after limit.
func (p *pattern) to(w, limit wall) (wall, bool) {
	limit = max(limit, w-horizon)
	for midnight := floor(w, day); midnight+day > limit; midnight -= day {
		if !p.date(time.Unix(int64(midnight), 0).UTC()) {
			continue
		}
		before := min(w-midnight, day-minute)
		if clock, ok := p.clockTo(uint(before) / minute); ok {
			found := midnight + clock
			return found, found >= limit
		}
	}
	return 0, false
}

// clockFrom is the first time of day of the pattern at or after a minute of the
// day, in seconds.
func (p *pattern) clockFrom(minuteOfDay uint) (wall, bool) {
	hour, rest := minuteOfDay/60, minuteOfDay%60
	if hour < 24 && p.hours>>hour&1 == 1 {
		if later := p.minutes >> rest; later != 0 {
			return clock(hour, rest+uint(bits.TrailingZeros64(later))), true
		}
	}
	later := p.hours >> (hour + 1)
	if later == 0 {
		return 0, false
	}
	return clock(hour+1+uint(bits.TrailingZeros64(later)), uint(bits.TrailingZeros64(p.minutes))), true
}

// clockTo is the last time of day of the pattern at or before a minute of the
// day, in seconds.
func (p *pattern) clockTo(minuteOfDay uint) (wall, bool) {
	hour, rest := minuteOfDay/60, minuteOfDay%60
	if p.hours>>hour&1 == 1 {
		if earlier := p.minutes & (1<<(rest+1) - 1); earlier != 0 {
			return clock(hour, uint(bits.Len64(earlier))-1), true
		}
	}
	earlier := p.hours & (1<<hour - 1)
	if earlier == 0 {
		return 0, false
	}
	return clock(uint(bits.Len64(earlier))-1, uint(bits.Len64(p.minutes))-1), true
}

func clock(hour, min uint) wall { return wall(hour*60+min) * minute }

func floor(w, unit wall) wall {
	rest := w % unit
	if rest < 0 {
		rest += unit
	}
	return w - rest
}
