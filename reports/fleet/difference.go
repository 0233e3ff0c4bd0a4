package fleet

import (
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/reports"
)

// differencesShown is how many differences a row has.
const differencesShown = 3

// A Difference is where two policies begin to decide other counts.
type Difference struct {
	// At is the first slot of the stretch, RFC 3339.
	At     string   `json:"at"`
	Before Decision `json:"before"`
	After  Decision `json:"after"`
}

// A Decision is a count and the reason of the record that decided it.
type Decision struct {
	Desired int32  `json:"desired"`
	Reason  string `json:"reason"`
}

// A decided count is in force from a slot on.
type decided struct {
	at slot.Slot
	Decision
}

// differences are the first stretches in which a report's two policies ask for other
// counts.
func differences(r *reports.Report) ([]Difference, error) {
	before, err := decisions(r, reports.Current)
	if err != nil {
		return nil, err
	}
	after, err := decisions(r, Head)
	if err != nil {
		return nil, err
	}
	var list []Difference
	var old, now *decided
	differed := false
	for len(before)+len(after) > 0 && len(list) < differencesShown {
		at := next(before, after)
		before, old = advance(before, old, at)
		after, now = advance(after, now, at)
		if old == nil || now == nil {
			continue
		}
		differs := old.Desired != now.Desired
		if differs && !differed {
			list = append(list, Difference{At: at.Time().UTC().Format(time.RFC3339), Before: old.Decision, After: now.Decision})
		}
		differed = differs
	}
	return list, nil
}

// next is the first instant at which either changes.
func next(a, b []decided) slot.Slot {
	switch {
	case len(a) == 0:
		return b[0].at
	case len(b) == 0:
		return a[0].at
	}
	return min(a[0].at, b[0].at)
}

// advance takes what is in force at an instant.
func advance(list []decided, current *decided, at slot.Slot) ([]decided, *decided) {
	for len(list) > 0 && list[0].at <= at {
		current, list = &list[0], list[1:]
	}
	return list, current
}

// decisions are the counts that a column decided, each from where it changed; those
// of an autoscaler that acts where there are several.
func decisions(r *reports.Report, column string) ([]decided, error) {
	var list []decided
	for i := range r.Run.Columns {
		c := &r.Run.Columns[i]
		if c.Name != column || c.Journal == nil || len(c.Objects) == 0 {
			continue
		}
		object := c.Objects[0].Journal
		err := c.Journal(func(l *journal.Line) error {
			d := l.Record
			if d == nil || d.Object != object || !d.Known {
				return nil
			}
			if n := len(list); n == 0 || list[n-1].Desired != d.Desired {
				list = append(list, decided{d.Slot, Decision{d.Desired, string(d.Reason)}})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
