package autoscaler

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A metric that has failed for long enough asks for its fallback, until it has a
// value again.
func TestFallback(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := one(policy.AverageValue, 10)
		p.Metrics[0].Fallback = &policy.Fallback{Replicas: 6, After: 45}
		w := &world{policy: p, replicas: 3, restart: restart, t: t}
		w.want(t, "on target", w.decide(15, Sample{Value: 30}), 3, Unchanged)
		w.want(t, "the first slot without it", w.decide(30, missing), 3, MetricsUnavailable)
		w.want(t, "not long enough", w.decide(60, missing), 3, MetricsUnavailable)
		w.want(t, "45 s after the first", w.decide(75, missing), 6, ScaledUp)
		w.replicas = 9
		w.want(t, "never down without leave", w.decide(90, Sample{Value: math.NaN()}), 9, Unchanged)
		w.want(t, "one value ends it", w.decide(105, Sample{Value: 80}), 8, ScaledDown)
		w.want(t, "and it fails anew", w.decide(120, missing), 8, MetricsUnavailable)
		p.Metrics[0].Fallback.AllowScaleDown = true
		w.want(t, "not yet", w.decide(150, missing), 8, MetricsUnavailable)
		w.want(t, "down where that is allowed", w.decide(165, missing), 6, ScaledDown)
	}
}

// What a fallback asks for passes through all stages, and so do other metrics.
func TestFallbackBesideOthers(t *testing.T) {
	in := func(at slot.Slot, spec int32, samples ...Sample) *Input {
		return &Input{Slot: at, Scale: Scale{Spec: spec, Status: spec}, Metrics: samples}
	}
	other := policy.Metric{Query: "other", Type: policy.AverageValue, Target: 10}
	cases := map[string]struct {
		reason  string
		change  func(p *policy.Autoscaler)
		current int32
		other   Sample
		want    int32
		is      Reason
	}{
		"Fewer":    {"the larger answer counts", nil, 3, Sample{Value: 40}, 6, ScaledUp},
		"More":     {"another metric may ask for more", nil, 3, Sample{Value: 85}, 9, ScaledUp},
		"Down":     {"the fallback is usable, so down goes with it", nil, 9, Sample{Value: 40}, 6, ScaledDown},
		"Missing":  {"another that fails holds", nil, 9, missing, 9, MetricsUnavailable},
		"Kept":     {"without leave it asks for what there is", func(p *policy.Autoscaler) { p.Metrics[0].Fallback.AllowScaleDown = false }, 9, Sample{Value: 40}, 9, Unchanged},
		"Window":   {"the window holds it", func(p *policy.Autoscaler) { p.Down.Window = 300 }, 9, Sample{Value: 40}, 9, Stabilized},
		"Rate":     {"and a rate policy limits it", func(p *policy.Autoscaler) { p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 1, Period: 60}} }, 3, Sample{Value: 40}, 4, RateLimited},
		"Bound":    {"the bounds hold, whatever an edit made of them", func(p *policy.Autoscaler) { p.Max = 5 }, 3, Sample{Value: 40}, 5, Bounded},
		"FromZero": {"an awake target at 0 gets it", nil, 0, Sample{Value: 0}, 6, ScaledUp},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := one(policy.AverageValue, 10)
			p.Metrics[0].Fallback = &policy.Fallback{Replicas: 6, After: 15, AllowScaleDown: true}
			p.Metrics = append(p.Metrics, other)
			if c.change != nil {
				c.change(p)
			}
			s, _ := Step(p, State{}, in(15, c.current, missing, Sample{Value: float64(10 * c.current)}))
			if _, d := Step(p, s, in(30, c.current, missing, c.other)); d.Desired != c.want || d.Reason != c.is {
				t.Errorf("%s: %d (%s), want %d (%s)", c.reason, d.Desired, d.Reason, c.want, c.is)
			}
		})
	}
}

// A fallback is of its own metric: one that an edit puts in its place begins anew,
// and so does one whose fallback was away.
func TestFallbackOfAnEditedMetric(t *testing.T) {
	p := one(policy.AverageValue, 10)
	p.Metrics[0].Fallback = &policy.Fallback{Replicas: 6, After: 30}
	w := &world{policy: p, replicas: 3, t: t}
	w.want(t, "it fails", w.decide(15, missing), 3, MetricsUnavailable)
	p.Metrics[0].Query = "another"
	w.want(t, "another one fails", w.decide(45, missing), 3, MetricsUnavailable)
	w.want(t, "30 s after its first", w.decide(75, missing), 6, ScaledUp)
	kept := p.Metrics[0].Fallback
	p.Metrics[0].Fallback, w.replicas = nil, 3
	w.want(t, "none", w.decide(90, missing), 3, MetricsUnavailable)
	p.Metrics[0].Fallback = kept
	w.want(t, "begins anew", w.decide(105, missing), 3, MetricsUnavailable)
}

// That no replica is ready says nothing about a metric that is there.
func TestFallbackNotOfUnreadyReplicas(t *testing.T) {
	p := one(policy.Value, 10)
	p.Metrics[0].Fallback = &policy.Fallback{Replicas: 1, After: 15, AllowScaleDown: true}
	var s State
	for at := slot.Slot(15); at < 150; at += 15 {
		var d Decision
		s, d = Step(p, s, &Input{Slot: at, Scale: Scale{Spec: 5, Status: 5, Counted: true}, Metrics: []Sample{{Value: 10}}})
		if d.Desired != 5 || d.Reason != MetricsUnavailable {
			t.Fatalf("at %s: %d (%s), want 5 held", at, d.Desired, d.Reason)
		}
	}
}

// A fallback wakes a target, and keeps it awake, as a value above the activation
// does; one of a metric without activation does neither, and lets it sleep.
func TestFallbackSleep(t *testing.T) {
	p := sleeper()
	p.Metrics[0].Fallback = &policy.Fallback{Replicas: 6, After: 30, AllowScaleDown: true}
	w := &world{policy: p, replicas: 0, t: t}
	w.want(t, "asleep", w.decide(15, Sample{Value: 0}), 0, Unchanged)
	w.want(t, "an error does not wake it", w.decide(30, missing), 0, MetricsUnavailable)
	w.want(t, "the fallback does, to the minimum", w.decide(60, missing), 1, ScaledUp)
	w.want(t, "then it counts", w.decide(75, missing), 6, ScaledUp)
	w.want(t, "the value is back; the cooldown runs from the last slot of it", w.decide(90, Sample{Value: 0}), 6, Stabilized)
	w.want(t, "not over", w.decide(120, Sample{Value: 0}), 6, Stabilized)
	w.want(t, "60 s after 75", w.decide(135, Sample{Value: 0}), 0, ScaledDown)

	p = sleeper()
	p.Metrics = append(p.Metrics, policy.Metric{Query: "passive", Type: policy.AverageValue, Target: 10, Fallback: &policy.Fallback{Replicas: 6, After: 30}})
	var s State
	for _, c := range []struct {
		at   slot.Slot
		want int32
	}{{15, 4}, {30, 4}, {45, 0}} {
		var d Decision
		s, d = Step(p, s, &Input{Slot: c.at, Scale: Scale{Spec: 4, Status: 4}, Metrics: []Sample{{Value: 0}, missing}})
		if d.Desired != c.want {
			t.Errorf("at %s: %d (%s), want %d", c.at, d.Desired, d.Reason, c.want)
		}
	}
}

// The state of metrics that fail reads back.
func TestFailuresText(t *testing.T) {
	s := State{Grid: slot.Grid{Interval: 15}, Activity: Activity{Last: 1200}, Failures: []Failure{{0xfedcba98, 1000}, {7, 985}}}
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
	for _, wrong := range []string{" failed", " failed=7", " failed=x:1", " failed=7:1 failed=7:1", " failed=1ffffffff:1", " else=1"} {
		if err := back.UnmarshalText([]byte("1 15/0 0/0 985 3:15 - -" + wrong)); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}
