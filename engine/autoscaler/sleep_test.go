package autoscaler

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// sleeper is a total of 10 a replica that sleeps 60 s after it was last above 5,
// under a window of 300 s.
func sleeper() *policy.Autoscaler {
	p := one(policy.AverageValue, 10)
	activation := 5.0
	p.Metrics[0].Activation = &activation
	p.Zero = &policy.Zero{Cooldown: 60}
	p.Down.Window = 300
	return p
}

// A target sleeps and wakes by its activation, whatever window and policies say.
func TestSleep(t *testing.T) {
	p := sleeper()
	p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 4, Period: 15}}
	for _, restart := range []bool{false, true} {
		w := &world{policy: p, replicas: 5, restart: restart, t: t}
		w.want(t, "never active: no cooldown", w.decide(15, Sample{Value: 5}), 0, ScaledDown)
		w.want(t, "at its activation is not above it", w.decide(30, Sample{Value: 5}), 0, Unchanged)
		w.want(t, "one step to the minimum", w.decide(45, Sample{Value: 95}), 1, ScaledUp)
		w.want(t, "which the rate policy does not count", w.decide(60, Sample{Value: 95}), 5, RateLimited)
		w.want(t, "below its activation the metric counts in full", w.decide(75, Sample{Value: 4}), 5, Stabilized)
		w.want(t, "until the cooldown after the last activity is over", w.decide(105, Sample{Value: 0}), 5, Stabilized)
		w.want(t, "an error holds", w.decide(120, missing), 5, MetricsUnavailable)
		w.want(t, "60 s after 60 it sleeps, past the window", w.decide(135, Sample{Value: 0}), 0, ScaledDown)
		w.want(t, "an error does not wake it", w.decide(150, missing), 0, MetricsUnavailable)
		w.replicas = 3
		w.want(t, "raised by hand it sleeps again", w.decide(165, Sample{Value: 0}), 0, ScaledDown)
	}
}

// A target that was never active stays awake for the initial cooldown, and for the
// cooldown after it was.
func TestSleepInitialCooldown(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := sleeper()
		p.Min, p.Zero.InitialCooldown, p.Down.Window = 1, 90, 0
		w := &world{policy: p, replicas: 5, restart: restart, t: t}
		w.want(t, "awake, and lowered by its metric", w.decide(15, Sample{Value: 0}), 1, Bounded)
		w.want(t, "longer than the cooldown", w.decide(90, Sample{Value: 0}), 1, Bounded)
		w.want(t, "asleep 90 s after the first decision", w.decide(105, Sample{Value: 0}), 0, ScaledDown)
		w = &world{policy: p, replicas: 5, restart: restart, t: t}
		w.want(t, "once active", w.decide(15, Sample{Value: 6}), 1, ScaledDown)
		w.want(t, "the cooldown counts", w.decide(30, Sample{Value: 0}), 1, Bounded)
		w.want(t, "60 s after 15", w.decide(75, Sample{Value: 0}), 0, ScaledDown)
	}
}

// An idle count stands for 0.
func TestSleepIdle(t *testing.T) {
	p := sleeper()
	p.Min, p.Zero.Idle = 3, 1
	w := &world{policy: p, replicas: 5, t: t}
	w.want(t, "to the idle count", w.decide(15, Sample{Value: 0}), 1, ScaledDown)
	w.want(t, "where it stays", w.decide(30, Sample{Value: 0}), 1, Unchanged)
	w.want(t, "and wakes to its minimum", w.decide(45, Sample{Value: 6}), 3, ScaledUp)
}

// A metric without activation neither wakes nor keeps awake.
func TestSleepPassive(t *testing.T) {
	p := sleeper()
	p.Metrics = append(p.Metrics, policy.Metric{Query: "cpu", Type: policy.Utilization, Target: 50})
	hot := Sample{Value: 0.9}
	in := func(at slot.Slot, spec int32, load, cpu Sample) *Input {
		return &Input{Slot: at, Scale: Scale{Spec: spec, Status: spec}, Metrics: []Sample{load, cpu}}
	}
	_, d := Step(p, State{}, in(15, 4, Sample{Value: 0}, hot))
	if d.Desired != 0 {
		t.Errorf("hot cpu keeps awake: %d", d.Desired)
	}
	if _, d = Step(p, State{}, in(15, 0, Sample{Value: 0}, hot)); d.Desired != 0 {
		t.Errorf("hot cpu wakes: %d", d.Desired)
	}
	if _, d = Step(p, State{}, in(15, 4, Sample{Value: 0}, missing)); d.Desired != 0 {
		t.Errorf("failing cpu keeps awake: %d", d.Desired)
	}
}

// A metric that failed might have shown demand, so no step to the idle count is
// taken beside it, whether or not it has an activation. Only of a percentage of the
// replicas, which are not there at 0, that is not so.
func TestSleepBesideFailure(t *testing.T) {
	low, high := 5.0, 1e6
	passive := policy.Metric{Query: "other", Type: policy.AverageValue, Target: 10}
	woken := passive
	woken.Activation = &low
	unreachable := passive
	unreachable.Activation = &high
	value := passive
	value.Type = policy.Value
	cpu := policy.Metric{Query: "cpu", Type: policy.Utilization, Target: 50}
	ratio := cpu
	ratio.Activation = &low
	cases := map[string]struct {
		reason string
		other  policy.Metric
		sample Sample
		want   int32
		is     Reason
	}{
		"Activation":     {"a metric that could wake it", woken, missing, 4, MetricsUnavailable},
		"HighActivation": {"what it would have shown is not known, however high its activation", unreachable, missing, 4, MetricsUnavailable},
		"Total":          {"a total without activation is demand, too", passive, missing, 4, MetricsUnavailable},
		"Value":          {"and so is a value", value, missing, 4, MetricsUnavailable},
		"Percentage":     {"a percentage with an activation is not of the replicas", ratio, missing, 4, MetricsUnavailable},
		"NaN":            {"NaN is missing", passive, Sample{Value: math.NaN()}, 4, MetricsUnavailable},
		"Infinite":       {"and so is infinity", passive, Sample{Value: math.Inf(1)}, 4, MetricsUnavailable},
		"Negative":       {"and what is negative", passive, Sample{Value: -1}, 4, MetricsUnavailable},
		"Cpu":            {"cpu neither keeps awake nor, failing, holds", cpu, missing, 0, ScaledDown},
		"NothingFails":   {"with all metrics there it sleeps", woken, Sample{Value: 5}, 0, ScaledDown},
		"PassiveIsThere": {"a metric without activation never keeps awake by its value", passive, Sample{Value: 200}, 0, ScaledDown},
	}
	for name, c := range cases {
		for _, algorithm := range []policy.Algorithm{"", policy.HPAWithoutBehavior} {
			t.Run(name+string(algorithm), func(t *testing.T) {
				p := sleeper()
				p.Algorithm = algorithm
				p.Metrics = append(p.Metrics, c.other)
				long := State{Grid: slot.Grid{Interval: 15}, Activity: Activity{Last: 15}}
				long.record(1, 15, 15)
				for history, s := range map[string]State{"never active": {}, "long idle": long} {
					in := &Input{Slot: 6000, Scale: Scale{Spec: 4, Status: 4}, Metrics: []Sample{{Value: 0}, c.sample}}
					if _, d := Step(p, s, in); d.Desired != c.want || d.Reason != c.is {
						t.Errorf("%s, %s: %d (%s), want %d (%s)", c.reason, history, d.Desired, d.Reason, c.want, c.is)
					}
				}
			})
		}
	}
}

// Without any activation a target is always active: it is woken, never put to sleep.
func TestSleepNever(t *testing.T) {
	p := sleeper()
	p.Metrics[0].Activation, p.Algorithm = nil, policy.HPAWithoutBehavior
	w := &world{policy: p, replicas: 0, t: t}
	w.want(t, "woken, though its metric is missing", w.decide(15, missing), 1, ScaledUp)
	w.want(t, "and held", w.decide(600, missing), 1, MetricsUnavailable)
}

// The state of a target that was active reads back.
func TestActivityText(t *testing.T) {
	for _, a := range []Activity{{On: true, Since: 1300}, {Last: 1200}} {
		s := State{Grid: slot.Grid{Interval: 15}, Activity: a}
		s.record(3, 985, 1000)
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back State
		if err := back.UnmarshalText(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
