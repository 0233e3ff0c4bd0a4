package tune

import (
	"math"
	"testing"
	"time"
)

// TestDiffer compares intervals with those of tables of Student's t.
func TestDiffer(t *testing.T) {
	cases := map[string]struct {
		reason          string
		of              []float64
		mean, low, high float64
	}{
		// s = 1.5811, t(4) = 2.7764: 3 ± 2.7764 x 1.5811 / sqrt(5); the order leaves no positive correlation.
		"Textbook":   {"five differences that do not resemble their successors", []float64{3, 1, 5, 2, 4}, 3, 1.0368, 4.9632},
		"Correlated": {"differences that resemble their successors count for fewer", []float64{1, 2, 3, 4, 5, 6, 7, 8}, 4.5, math.Inf(-1), -1},
		"Same":       {"without any spread the mean is sure", []float64{-2, -2, -2}, -2, -2, -2},
		"Two":        {"two say nothing of their spread", []float64{1, 2}, 1.5, math.Inf(-1), math.Inf(1)},
		"None":       {"nothing is known of nothing", nil, 0, math.Inf(-1), math.Inf(1)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := differ("x", c.of)
			if name == "Correlated" {
				// Independent, they would reach from 2.45 to 6.55.
				if d.Mean != c.mean || !(d.Low < 2.4) || !(d.High > 6.6) {
					t.Errorf("%s: %+v", c.reason, d)
				}
				return
			}
			near := func(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-4 }
			if !near(d.Mean, c.mean) || !near(d.Low, c.low) || !near(d.High, c.high) || d.N != len(c.of) {
				t.Errorf("%s: %+v, want %v (%v to %v)", c.reason, d, c.mean, c.low, c.high)
			}
		})
	}
}

// TestCalendarDays: days are the location's, whole ones only, and none that a
// boundary between windows cuts.
func TestCalendarDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) int64 {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v.Unix()
	}
	// The 29th of March 2026 has 23 hours.
	whole := []window{{at("2026-03-27 06:00"), at("2026-03-29 00:00")}, {at("2026-03-29 00:00"), at("2026-03-31 12:00")}}
	days, partial := calendarDays(whole, berlin)
	if len(days) != 3 || partial != 2 || days[0].from != at("2026-03-28 00:00") || days[1].to-days[1].from != 23*3600 || days[0].in != 0 || days[1].in != 1 {
		t.Errorf("days %v and %d partial ones", days, partial)
	}
	cut := []window{{at("2026-03-27 00:00"), at("2026-03-28 12:00")}, {at("2026-03-28 12:00"), at("2026-03-30 06:00")}}
	if days, partial := calendarDays(cut, berlin); len(days) != 2 || partial != 2 {
		t.Errorf("a boundary at noon: %v and %d partial days", days, partial)
	}
	if alignWindows(cut, berlin); cut[0].to != at("2026-03-29 00:00") || cut[1].from != cut[0].to {
		t.Errorf("windows are cut at %v", time.Unix(cut[0].to, 0).In(berlin))
	}
}

// TestSparing: what has no effect returns to the current policy's value, and what
// has one stays.
func TestSparing(t *testing.T) {
	s := search(t, Options{Sampler: Random, Trials: 40, Seed: 3, Folds: 2, Parameters: parameters(t,
		"spec.behavior.scaleDown.stabilizationWindowSeconds=0..1800:60", "spec.metrics[0].prometheus.target.value=5..12",
		"spec.minReplicas=2..3"), // there are always more
		Subjects: []Subject{subject(t, demandScenario("12h", waves(12*240, 160, "")))}})
	o := finish(t, s, runAll(t, s))
	if o.Choice == nil {
		t.Fatalf("no choice: %v", o.Why)
	}
	if o.Choice.Values[2] != "" {
		t.Errorf("minReplicas is %s, although nothing is gained by that", o.Choice.Values[2])
	}
	if o.Choice.Values[0] == "" {
		t.Error("the window is as it was, although a shorter one saves replicas")
	}
	if whole := &o.Trials[o.Choice.Simpler-1]; whole.Neighbour != 0 || whole.Simpler != 0 {
		t.Errorf("the choice is simpler than trial %d, which was no candidate", whole.ID)
	}
}

// TestReversalsCount: of two policies that cost and lack the same, the one that
// turns round too often is no better than the current one.
func TestReversalsCount(t *testing.T) {
	s := judged()
	calm, restless := trial(1, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9}), trial(2, Played, 0, [2]int{9, 9}, [2]int{9, 9}, [2]int{9, 9})
	for i := range restless.Windows {
		restless.Windows[i].Reversals = 13 // of 5 minutes each: more than the replica-hour that is saved
	}
	if got := s.choose([]Trial{restless, calm}, Reactive, 2); got == nil || got.ID != 1 {
		t.Errorf("chose %+v, want the calm one", got)
	}
	if got := s.choose([]Trial{restless}, Reactive, 2); got != nil {
		t.Errorf("chose %+v, whose reversals cost more than it saves", got)
	}
}
