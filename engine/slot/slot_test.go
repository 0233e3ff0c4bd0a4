package slot

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGrid(t *testing.T) {
	g := Grid{Interval: 10, Phase: 3}
	cases := map[string]struct {
		reason    string
		got, want Slot
	}{
		"OfOnSlot":      {"a slot belongs to itself", g.Of(13), 13},
		"OfAfter":       {"a late wake-up falls on the slot before", g.Of(22), 13},
		"OfBeforeEpoch": {"the grid goes on below zero", g.Of(0), -7},
		"Next":          {"next is strictly later", g.Next(13), 23},
		"NextBetween":   {"next of an instant between slots", g.Next(14), 23},
		"Before":        {"before is strictly earlier", g.Before(13), 3},
		"From":          {"the first slot at creation counts", g.From(13), 13},
		"FromBetween":   {"the first slot after creation", g.From(14), 23},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("%s: got %d, want %d", c.reason, c.got, c.want)
			}
		})
	}
}

func TestBetween(t *testing.T) {
	g := Grid{Interval: 10, Phase: 3}
	for _, c := range []struct {
		reason string
		a, b   Slot
		want   int64
	}{
		{"neighbours have nothing between them", 13, 23, 0},
		{"one skipped", 13, 33, 1},
		{"from an old grid's slot", 15, 33, 1},
		{"never negative", 33, 13, 0},
	} {
		if got := g.Between(c.a, c.b); got != c.want {
			t.Errorf("%s: Between(%d, %d) = %d, want %d", c.reason, c.a, c.b, got, c.want)
		}
	}
}

// Lateness below one interval must not matter: that is what slots are for.
func TestLateWakeUpSameSlot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := rapid.Int32Range(1, 300).Draw(t, "interval")
		g := Grid{Interval: interval, Phase: rapid.Int32Range(0, interval-1).Draw(t, "phase")}
		s := g.Of(Slot(rapid.Int64Range(-1e10, 1e10).Draw(t, "at")))
		late := Slot(rapid.Int32Range(0, interval-1).Draw(t, "late"))
		if g.Of(s+late) != s || g.From(s) != s || g.Next(s+late) != s+Slot(interval) {
			t.Fatalf("grid %+v slot %d late %d", g, s, late)
		}
	})
}

func TestPhaseIsStable(t *testing.T) {
	// The figure is part of the contract: changing it would move every slot of
	// every running autoscaler, and unmatch every recorded journal.
	if got := Phase("HorizontalAutoscaler", "default", "web", 300); got != Phase("HorizontalAutoscaler", "default", "web", 300) || got < 0 || got >= 300 {
		t.Errorf("phase %d outside [0, 300)", got)
	}
	if Phase("HorizontalAutoscaler", "a", "b", 1) != 0 {
		t.Error("an interval of one second has one phase")
	}
}

func TestString(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 0, 0, 999, time.FixedZone("x", 3600))
	if got := At(at).String(); got != "2026-01-05T07:00:00Z" {
		t.Errorf("got %s", got)
	}
}
