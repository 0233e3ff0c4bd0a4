package producer

import (
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A reading is what a wall clock with a calendar shows.
type reading struct{ minute, hour, day, month, weekday int }

func read(t time.Time) reading {
	return reading{t.Minute(), t.Hour(), t.Day(), int(t.Month()), int(t.Weekday())}
}

// A naiveMinute is one minute of real time: what the clock jumps over at its
// beginning, in order, and what it shows.
type naiveMinute struct {
	at      int64
	skipped []reading
	shown   reading
}

// naiveMinutes walks a span minute by minute.
func naiveMinutes(zone *time.Location, from, to int64) []naiveMinute {
	// The clock's face as an instant in UTC, which has no jumps.
	face := func(at int64) time.Time {
		_, offset := time.Unix(at, 0).In(zone).Zone()
		return time.Unix(at+int64(offset), 0).UTC()
	}
	var minutes []naiveMinute
	previous := face(from - 60)
	for at := from; at < to; at += 60 {
		now := face(at)
		m := naiveMinute{at: at, shown: read(now)}
		for t := previous.Add(time.Minute); t.Before(now); t = t.Add(time.Minute) {
			m.skipped = append(m.skipped, read(t))
		}
		minutes = append(minutes, m)
		previous = now
	}
	return minutes
}

func naiveMatch(p *policy.Pattern, r reading) bool {
	if !slices.Contains(p.Minutes, r.minute) || !slices.Contains(p.Hours, r.hour) || p.Months != nil && !slices.Contains(p.Months, r.month) {
		return false
	}
	onDay, onWeekday := slices.Contains(p.Days, r.day), slices.Contains(p.Weekdays, r.weekday)
	switch {
	case p.Days != nil && p.Weekdays != nil:
		return onDay || onWeekday
	case p.Days != nil:
		return onDay
	case p.Weekdays != nil:
		return onWeekday
	}
	return true
}

// naiveActive says of each minute whether a behavior is active in it.
func naiveActive(b *policy.Behavior, minutes []naiveMinute) []bool {
	result := make([]bool, len(minutes))
	active := false
	pass := func(r reading) {
		active = naiveMatch(&b.Start, r) || active && !naiveMatch(&b.End, r)
	}
	for i := range minutes {
		for _, r := range minutes[i].skipped {
			pass(r)
		}
		pass(minutes[i].shown)
		result[i] = active
	}
	return result
}

// naiveTimeline is Timeline, minute by minute. The minutes begin early enough
// for every behavior to start or end once before from.
func naiveTimeline(p *policy.Schedule, from int64, minutes []naiveMinute) []Change {
	active := make([][]bool, len(p.Behaviors))
	for i := range p.Behaviors {
		active[i] = naiveActive(&p.Behaviors[i], minutes)
	}
	var changes []Change
	for i := range minutes {
		if minutes[i].at < from {
			continue
		}
		value := p.Default
		for j := range p.Behaviors {
			if active[j][i] {
				value = p.Behaviors[j].Replicas
				break
			}
		}
		if len(changes) == 0 || changes[len(changes)-1].Value != value {
			changes = append(changes, Change{slot.Slot(minutes[i].at), value})
		}
	}
	return changes
}
