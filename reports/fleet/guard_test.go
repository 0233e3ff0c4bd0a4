package fleet

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/karpenter-sim/karpenter/reports"
)

func TestJudge(t *testing.T) {
	figures := func(breach, episodes, hours, cost float64) reports.Figures {
		f := reports.Figures{"breach_minutes": breach, "breach_episodes": episodes, "replica_hours": hours}
		if cost > 0 {
			f["cost"] = cost
		}
		return f
	}
	cases := []struct {
		reason        string
		breach, cost  string
		before, after reports.Figures
		want          Result
		metric        string // of the guard on cost
	}{
		{"the same passes", "", "10%", figures(10, 4, 100, 0), figures(10, 4, 100, 0), Passed, "replica_hours"},
		{"the noise of 4 episodes at 15 s is half a minute", "", "10%", figures(10, 4, 100, 0), figures(10.5, 4, 100, 0), Passed, "replica_hours"},
		{"more than the noise fails", "", "10%", figures(10, 4, 100, 0), figures(10.6, 4, 100, 0), Failed, "replica_hours"},
		{"without a breach before one interval is allowed", "", "10%", figures(0, 0, 100, 0), figures(0.25, 1, 100, 0), Passed, "replica_hours"},
		{"and no more", "", "10%", figures(0, 0, 100, 0), figures(0.3, 1, 100, 0), Failed, "replica_hours"},
		{"a duration replaces the noise", "2m", "10%", figures(10, 4, 100, 0), figures(12, 4, 100, 0), Passed, "replica_hours"},
		{"so does a percentage", "50%", "10%", figures(10, 4, 100, 0), figures(15.1, 4, 100, 0), Failed, "replica_hours"},
		{"less breach for 11 % more fails", "", "10%", figures(10, 4, 100, 0), figures(0, 0, 111, 0), Failed, "replica_hours"},
		{"a number is one of replica-hours", "", "11", figures(10, 4, 100, 0), figures(0, 0, 111, 0), Passed, "replica_hours"},
		{"prices decide where both sides have them", "", "10%", figures(10, 4, 100, 5), figures(10, 4, 200, 5.2), Passed, "cost"},
		{"of one side they say nothing", "", "10%", figures(10, 4, 100, 5), figures(10, 4, 200, 0), Failed, "replica_hours"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			var g Guards
			var err error
			if c.breach != "" {
				if g.Breach, err = ParseBreach(c.breach); err != nil {
					t.Fatal(err)
				}
			}
			if g.Cost, err = ParseCost(c.cost); err != nil {
				t.Fatal(err)
			}
			row := Row{Action: Changed, Before: c.before, After: c.after}
			g.Judge(&row, Noise(c.before["breach_episodes"], 15))
			if row.Result != c.want || row.Guards[1].Metric != c.metric {
				t.Errorf("%s by %v, want %s", row.Result, row.Guards, c.want)
			}
		})
	}
	row := Row{Action: Changed, Result: Unjudged, Before: figures(1, 1, 1, 0), After: figures(1, 1, 1, 0)}
	Guards{}.Judge(&row, 1)
	if row.Result != Unjudged || row.Guards != nil {
		t.Error("no guard passes what cannot be judged")
	}
}

// Two runs whose episodes end at slots of another phase differ by more than the noise
// in 2 of 100 at most.
func TestNoise(t *testing.T) {
	if n := Noise(4, 15, 60, 62, 61); n != 4 {
		t.Errorf("a policy that differs by 2 min by itself has a noise of %v min, want 4", n)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const interval, runs = 15, 20_000
	for _, episodes := range []int{1, 4, 30, 200} {
		beyond := 0
		for range runs {
			difference := 0.0
			for range episodes {
				difference += interval * (random.Float64() - random.Float64())
			}
			if math.Abs(difference)/60 > Noise(float64(episodes), interval) {
				beyond++
			}
		}
		if share := float64(beyond) / runs; share > 0.02 {
			t.Errorf("%d episodes: %.1f %% beyond the noise", episodes, 100*share)
		}
	}
}
