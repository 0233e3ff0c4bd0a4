package autoscaler

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// What Step decides, whatever its state, is possible.
func TestPossibleHoldsWhatStepDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		randomKind(drawn{t}, w)
		randomFallbacks(drawn{t}, w)
		randomPauses(drawn{t}, w)
		w.Policy.DryRun = rapid.Bool().Draw(t, "dryRun")
		step := inMemory(w.Policy)
		w.play(0, func(now slot.Slot, _ []slot.Slot, scale Scale, metrics []Sample) (int32, bool) {
			in := &Input{Slot: now, Scale: scale, Metrics: metrics, Pause: w.pause}
			d := step(in)
			want := d
			want.Changed = false
			if diff := cmp.Diff(want, Possible(w.Policy, in, &d)); diff != "" {
				t.Fatalf("%s of %+v (-decided +possible):\n%s", now, w.Policy, diff)
			}
			return d.Desired, d.Known
		})
	})
}

// Numbers that no state could have led to are moved to where they could be.
func TestPossibleMovesWhatIsNot(t *testing.T) {
	plain := one(policy.AverageValue, 8)
	windows := one(policy.AverageValue, 8)
	windows.Up.Window, windows.Down.Window = 60, 300
	windows.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}}
	disabled := one(policy.AverageValue, 8)
	disabled.Down.Select = policy.Disabled
	older := one(policy.AverageValue, 8)
	older.Algorithm, older.Down.Window = policy.HPAWithoutBehavior, 300
	unwindowed := one(policy.AverageValue, 8)
	unwindowed.Algorithm = policy.HPAWithoutBehavior
	sleepy, activation := one(policy.AverageValue, 8), 4.0
	sleepy.Zero, sleepy.Down.Window = &policy.Zero{Cooldown: 60}, 300
	sleepy.Metrics[0].Activation = &activation
	twoRates := one(policy.AverageValue, 8)
	twoRates.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 2, Period: 60}, {Type: policy.Count, Value: 9, Period: 60}, {Type: policy.Count, Value: 1, Period: 30}}
	twoRates.Up.Select = policy.SelectMax
	for _, p := range []*policy.Autoscaler{twoRates, plain, windows, disabled, older, unwindowed, sleepy} {
		p.Min, p.Max = 1, 20
	}
	number := func(recommended, stabilized, limited, desired int32, reason Reason) Decision {
		return Decision{Recommended: recommended, Stabilized: stabilized, Limited: limited, Desired: desired, Reason: reason}
	}
	limited := func(d Decision, policy int, used int32) Decision {
		d.Limit = behavior.Limit{Stage: behavior.Rate, Direction: behavior.Up, Policy: policy, Used: used}
		return d
	}
	cases := map[string]struct {
		reason   string
		policy   *policy.Autoscaler
		current  int32
		value    float64
		recorded Decision
		want     Decision
	}{
		"Recommendation": {"the recommendation follows from the metric", plain, 5, 1e6, number(1, 1, 1, 1, Stabilized), number(125000, 125000, 125000, 20, Bounded)},
		"NoWindow":       {"a policy without a window stabilizes nothing", plain, 5, 80, number(10, 5, 5, 5, Stabilized), number(10, 10, 10, 10, ScaledUp)},
		"NoRates":        {"nor limits a policy without rates", plain, 5, 80, number(10, 10, 6, 6, RateLimited), number(10, 10, 10, 10, ScaledUp)},
		"BeyondWindow":   {"a window never turns the way", windows, 5, 80, number(10, 3, 3, 3, Stabilized), number(10, 5, 5, 5, Stabilized)},
		"BeyondRate":     {"a rate never turns it either", windows, 5, 80, number(10, 10, 2, 2, RateLimited), number(10, 10, 5, 5, RateLimited)},
		"RateByUsed":     {"what was used says what is left", windows, 5, 80, limited(number(10, 10, 6, 6, RateLimited), 0, 1), number(10, 10, 8, 8, RateLimited)},
		"RateUsedUp":     {"all of it, nothing", windows, 5, 80, limited(number(10, 10, 8, 8, RateLimited), 0, 4), number(10, 10, 5, 5, RateLimited)},
		"RateNotReached": {"a budget that reaches as far limits nothing", windows, 5, 56, limited(number(7, 7, 6, 6, RateLimited), 0, 0), number(7, 7, 7, 7, ScaledUp)},
		"SamePeriod":     {"of policies that saw the same the larger is selected", twoRates, 5, 800, limited(number(100, 100, 7, 7, RateLimited), 0, 0), number(100, 100, 14, 14, RateLimited)},
		"OtherPeriod":    {"of others nobody knows", twoRates, 5, 800, limited(number(100, 100, 6, 6, RateLimited), 2, 0), number(100, 100, 6, 6, RateLimited)},
		"Disabled":       {"what is disabled holds", disabled, 9, 8, number(1, 1, 1, 1, ScaledDown), number(1, 1, 9, 9, Disabled)},
		"Bounds":         {"bounds act last", windows, 50, 400, number(50, 50, 50, 50, Unchanged), number(50, 50, 50, 20, Bounded)},
		"Reason":         {"the reason is the last stage's", windows, 5, 80, number(10, 10, 10, 10, Stabilized), number(10, 10, 10, 10, ScaledUp)},

		"Doubled":       {"without a behavior twice the replicas are the limit", older, 5, 400, number(50, 50, 50, 20, Bounded), number(50, 50, 10, 10, RateLimited)},
		"DoubledByPast": {"which a forgotten recommendation may have reached", older, 5, 8, number(1, 50, 10, 10, RateLimited), number(1, 50, 10, 10, RateLimited)},
		"OlderWindow":   {"one window holds, upwards too", older, 5, 8, number(1, 7, 7, 7, Stabilized), number(1, 7, 7, 7, Stabilized)},
		"OlderBelow":    {"never below the recommendation", older, 5, 40, number(5, 2, 2, 2, ScaledDown), number(5, 5, 5, 5, Unchanged)},
		"OlderPlain":    {"and nothing without a window", unwindowed, 5, 8, number(1, 7, 7, 7, Stabilized), number(1, 1, 1, 1, ScaledDown)},

		"Asleep":      {"the cooldown may have been over", sleepy, 5, 4, number(0, 0, 0, 0, ScaledDown), number(0, 0, 0, 0, ScaledDown)},
		"Cooldown":    {"or not", sleepy, 5, 4, number(1, 5, 5, 5, Stabilized), number(1, 5, 5, 5, Stabilized)},
		"SleepActive": {"what is active does not sleep", sleepy, 5, 40, number(0, 0, 0, 0, ScaledDown), number(5, 5, 5, 5, Unchanged)},
		"Woken":       {"it wakes, whatever is recorded", sleepy, 0, 40, number(0, 0, 0, 0, Unchanged), number(0, 1, 1, 1, ScaledUp)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := &Input{Slot: 1000, Scale: Scale{Spec: c.current, Status: c.current}, Metrics: []Sample{{Value: c.value}}}
			got := Possible(c.policy, in, &c.recorded)
			got = number(got.Recommended, got.Stabilized, got.Limited, got.Desired, got.Reason)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
	held := Possible(windows, &Input{Slot: 1000, Scale: Scale{Spec: 5, Status: 5}, Metrics: []Sample{{Value: 80}}},
		&Decision{Stabilized: 10, Limited: 7, Limit: behavior.Limit{Stage: behavior.Rate, Direction: behavior.Down, Policy: 9, Used: 1, Left: 9, Until: 1 << 40}})
	if diff := cmp.Diff(behavior.Limit{Stage: behavior.Rate, Direction: behavior.Up, Policy: 0, Used: 1, Left: 3, Until: 1060}, held.Limit); diff != "" {
		t.Errorf("what limited (-want +got):\n%s", diff)
	}
}

// TestPossibleSeen holds that a window never lets go of what it holds for sure.
func TestPossibleSeen(t *testing.T) {
	p := one(policy.AverageValue, 8)
	p.Min, p.Max, p.Up.Window, p.Down.Window = 1, 100, 60, 300
	at := func(ago slot.Slot, value int32) behavior.Run { return behavior.Run{Value: value, First: 1000 - ago} }
	cases := map[string]struct {
		reason         string
		current        int32
		value          float64
		recorded, want int32
		seen           []behavior.Run
	}{
		"Unseen":     {reason: "nothing is known to hold", current: 20, value: 16, recorded: 2, want: 2},
		"Down":       {reason: "the highest holds", current: 20, value: 16, recorded: 2, want: 9, seen: []behavior.Run{at(30, 5), at(20, 9), at(10, 3)}},
		"DownMore":   {reason: "more than is seen may hold", current: 20, value: 16, recorded: 12, want: 12, seen: []behavior.Run{at(20, 9)}},
		"DownBeyond": {reason: "and never above what runs", current: 20, value: 16, recorded: 2, want: 20, seen: []behavior.Run{at(20, 50)}},
		"DownOld":    {reason: "an entry as old as its window is out", current: 20, value: 16, recorded: 2, want: 2, seen: []behavior.Run{at(300, 9)}},
		"Up":         {reason: "the lowest holds upwards", current: 5, value: 240, recorded: 30, want: 12, seen: []behavior.Run{at(20, 12), at(10, 40)}},
		"UpOld":      {reason: "in a window of its own", current: 5, value: 240, recorded: 30, want: 30, seen: []behavior.Run{at(60, 12)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := &Input{Slot: 1000, Scale: Scale{Spec: c.current, Status: c.current}, Metrics: []Sample{{Value: c.value}}}
			if got := Possible(p, in, &Decision{Stabilized: c.recorded}, c.seen...); got.Stabilized != c.want {
				t.Errorf("%s: stabilized %d, want %d", c.reason, got.Stabilized, c.want)
			}
		})
	}
}
