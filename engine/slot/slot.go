// Package slot is the evaluation grid: decisions happen at slots, whole seconds
// in UTC, one interval apart. A wake-up only asks which slot it is, so a late,
// early or repeated wake-up cannot change a decision.
package slot

import (
	"hash/fnv"
	"time"
)

// A Slot is an instant in Unix seconds.
type Slot int64

// At is the slot at t, rounded down to the second.
func At(t time.Time) Slot { return Slot(t.Unix()) }

// Time is the slot as a time in UTC.
func (s Slot) Time() time.Time { return time.Unix(int64(s), 0).UTC() }

// String is the slot in RFC 3339.
func (s Slot) String() string { return s.Time().Format(time.RFC3339) }

// A Grid is the set of slots s with s mod Interval == Phase, in seconds.
type Grid struct {
	Interval int32 `json:"interval"`
	Phase    int32 `json:"phase"`
}

// GridAt is the grid of an interval in seconds that s lies on.
func GridAt(s Slot, interval int32) Grid {
	phase := int64(s) % int64(interval)
	if phase < 0 {
		phase += int64(interval)
	}
	return Grid{Interval: interval, Phase: int32(phase)}
}

// Of is the last slot of the grid at or before s.
func (g Grid) Of(s Slot) Slot {
	offset := (int64(s) - int64(g.Phase)) % int64(g.Interval)
	if offset < 0 {
		offset += int64(g.Interval)
	}
	return s - Slot(offset)
}

// Next is the first slot of the grid after s.
func (g Grid) Next(s Slot) Slot { return g.Of(s) + Slot(g.Interval) }

// Before is the last slot of the grid strictly before s.
func (g Grid) Before(s Slot) Slot { return g.Of(s - 1) }

// From is the first slot of the grid at or after s.
func (g Grid) From(s Slot) Slot { return g.Of(s + Slot(g.Interval) - 1) }

// Between counts the slots of the grid strictly between a and b.
func (g Grid) Between(a, b Slot) int64 {
	n := int64(g.Before(b)-g.Of(a)) / int64(g.Interval)
	return max(n, 0)
}

// Phase spreads objects over an interval: the 64-bit FNV-1a hash of
// kind/namespace/name modulo the interval. It depends on nothing that a
// deleted and recreated object, or another cluster, would change.
func Phase(kind, namespace, name string, interval int32) int32 {
	h := fnv.New64a()
	h.Write([]byte(kind + "/" + namespace + "/" + name))
	return int32(h.Sum64() % uint64(interval))
}
