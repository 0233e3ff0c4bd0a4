package autoscaler

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A world is a target that follows every command at once, and one metric.
type world struct {
	policy   *policy.Autoscaler
	state    State
	replicas int32
	restart  bool // whether the state goes through its text form before each slot
	pause    Pause
	t        *testing.T
}

// one is a policy on one metric every 15 s, without windows, limits and tolerance.
func one(kind policy.MetricType, target float64) *policy.Autoscaler {
	return &policy.Autoscaler{
		Interval: 15, Min: 1, Max: 1000, Metrics: []policy.Metric{{Query: "m", Type: kind, Target: target}},
		Up: policy.Rules{Select: policy.SelectMax}, Down: policy.Rules{Select: policy.SelectMax},
	}
}

var missing = Sample{Code: observation.Empty}

// decide takes the slot at a time with a sample of the metric.
func (w *world) decide(at slot.Slot, s Sample) Decision {
	if w.restart {
		text, err := w.state.MarshalText()
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.state.UnmarshalText(text); err != nil {
			w.t.Fatal(err)
		}
	}
	var d Decision
	w.state, d = Step(w.policy, w.state, &Input{Pause: w.pause, Slot: at, Scale: Scale{Spec: w.replicas, Status: w.replicas}, Metrics: []Sample{s}})
	if d.Known {
		w.replicas = d.Desired
	}
	return d
}

// steady decides every slot from one time to before another on the same value.
func (w *world) steady(from, to slot.Slot, s Sample) {
	for at := from; at < to; at += 15 {
		w.decide(at, s)
	}
}

func (w *world) want(t *testing.T, reason string, d Decision, desired int32, why Reason) {
	t.Helper()
	if d.Desired != desired || d.Reason != why {
		t.Errorf("%s: got %d %s, want %d %s", reason, d.Desired, d.Reason, desired, why)
	}
}

// HPA forgets an event after its own direction's longest period although the
// other direction's limits still count on it.
func TestDeviationHistory(t *testing.T) {
	p := one(policy.AverageValue, 1)
	p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 4, Period: 15}}
	p.Down.Policies = []policy.Rate{{Type: policy.Count, Value: 1, Period: 300}}
	w := &world{policy: p, replicas: 10, t: t}
	w.want(t, "first step up", w.decide(15, Sample{Value: 50}), 14, RateLimited)
	w.want(t, "second step up, 15 s later", w.decide(30, Sample{Value: 50}), 18, RateLimited)
	d := w.decide(45, Sample{Value: 0})
	w.want(t, "one below the 10 that ran 300 s ago; HPA forgot the first four and says 13", d, 9, RateLimited)
	if d.Limit.Used != -8 || d.Limit.Left != 9 {
		t.Errorf("both additions count as room: used %d, left %d", d.Limit.Used, d.Limit.Left)
	}
}

// 29/7 x 7 is 29.000000000000004 in float64.
func TestDeviationFloat(t *testing.T) {
	w := &world{policy: one(policy.Value, 7), replicas: 7, t: t}
	w.want(t, "HPA says 30", w.decide(15, Sample{Value: 29}), 29, ScaledUp)

	w = &world{policy: one(policy.Value, 100), replicas: 10, t: t}
	w.policy.Up.Tolerance = 0.1
	w.want(t, "110/100 is 1.1, not 1.1000000000000001", w.decide(15, Sample{Value: 110}), 10, Unchanged)
}

// HPA takes a negative total for an overflow and scales to max, a negative
// Value to min.
func TestDeviationNegative(t *testing.T) {
	for _, kind := range []policy.MetricType{policy.AverageValue, policy.Value, policy.Utilization} {
		w := &world{policy: one(kind, 10), replicas: 5, t: t}
		d := w.decide(15, Sample{Value: -3})
		w.want(t, string(kind)+" below zero is no reason to move", d, 5, MetricsUnavailable)
		if d.Metrics[0].Code != observation.Negative || d.Recommending {
			t.Errorf("%s: code %q, recommending %v", kind, d.Metrics[0].Code, d.Recommending)
		}
	}
}

// HPA records nothing during an outage, so one longer than the window disarms it.
func TestDeviationOutage(t *testing.T) {
	p := one(policy.AverageValue, 1)
	p.Down.Window = 300
	w := &world{policy: p, replicas: 10, t: t}
	w.steady(0, 60, Sample{Value: 10})
	w.steady(60, 420, missing)
	w.want(t, "360 s without data count as the 10 before them; HPA drops to 1 at once", w.decide(420, Sample{Value: 1}), 10, Stabilized)
	w.steady(435, 690, Sample{Value: 1})
	w.want(t, "the outage's last slot, 405, is 285 s old", w.decide(690, Sample{Value: 1}), 10, Stabilized)
	w.want(t, "now it is as old as the window", w.decide(705, Sample{Value: 1}), 1, ScaledDown)

	p = one(policy.AverageValue, 1)
	p.Up.Window = 60
	w = &world{policy: p, replicas: 2, t: t}
	w.steady(0, 30, Sample{Value: 2})
	w.steady(30, 120, missing)
	w.want(t, "the same on the way up", w.decide(120, Sample{Value: 9}), 2, Stabilized)
}

// HPA skips the metrics while the target is outside its bounds.
func TestDeviationBounds(t *testing.T) {
	p := one(policy.AverageValue, 1)
	p.Min, p.Max = 3, 10
	p.Down.Select, p.Down.Window = policy.Disabled, 300
	w := &world{policy: p, replicas: 50, t: t}
	d := w.decide(15, Sample{Value: 6})
	w.want(t, "the bound acts at once, whatever Disabled and the window say", d, 10, Bounded)
	if d.Metrics[0].Replicas != 6 || d.Recommended != 6 || d.Stabilized != 50 {
		t.Errorf("the metric is weighed all the same: %+v", d)
	}

	w = &world{policy: p, replicas: 2, t: t}
	w.want(t, "below min the metric decides where it asks for more; HPA says 3", w.decide(15, Sample{Value: 8}), 8, ScaledUp)

	w = &world{policy: p, replicas: 50, t: t}
	w.want(t, "an edited bound acts without data too", w.decide(15, missing), 10, Bounded)
}

// HPA takes 0 replicas for a switch, lets Value return to 0, and cannot leave 0
// by percentages.
func TestDeviationZero(t *testing.T) {
	w := &world{policy: one(policy.AverageValue, 1), replicas: 0, t: t}
	w.want(t, "0 with minReplicas 1 is not disabled", w.decide(15, Sample{Value: 4}), 4, ScaledUp)

	w = &world{policy: one(policy.Value, 15), replicas: 0, t: t}
	w.policy.Min = 0
	w.want(t, "Value from 0 is one; HPA says 2", w.decide(15, Sample{Value: 20}), 1, ScaledUp)

	w = &world{policy: one(policy.Value, 15), replicas: 5, t: t}
	w.policy.Min = 0
	w.want(t, "Value floors at one; HPA says 0", w.decide(15, Sample{Value: 0}), 1, ScaledDown)

	w = &world{policy: one(policy.AverageValue, 1), replicas: 0, t: t}
	w.policy.Min = 0
	w.policy.Up.Policies = []policy.Rate{{Type: policy.Percent, Value: 100, Period: 15}}
	for i, want := range []int32{1, 2, 4, 8} {
		w.want(t, "a Percent policy allows one replica at least", w.decide(slot.Slot(15*i), Sample{Value: 100}), want, RateLimited)
	}
}

// HPA keeps window and budget in memory: a restart delays its scale-down by a
// whole window and spends a budget twice.
func TestDeviationRestart(t *testing.T) {
	drop := func(restart bool) []int32 {
		p := one(policy.AverageValue, 1)
		p.Down.Window = 300
		w := &world{policy: p, replicas: 10, restart: restart, t: t}
		var desired []int32
		for at := slot.Slot(0); at <= 420; at += 15 {
			value := 10.0
			if at > 45 {
				value = 3
			}
			desired = append(desired, w.decide(at, Sample{Value: value}).Desired)
		}
		return desired
	}
	want := drop(false)
	if want[345/15] != 3 || want[330/15] != 10 {
		t.Errorf("the load fell after 0:45, so the count falls at 5:45: %v", want)
	}
	if diff := cmp.Diff(want, drop(true)); diff != "" {
		t.Errorf("restarted before every slot (-want +got):\n%s", diff)
	}

	p := one(policy.AverageValue, 1)
	p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 2, Period: 600}}
	w := &world{policy: p, replicas: 10, restart: true, t: t}
	w.want(t, "the budget is spent", w.decide(15, Sample{Value: 50}), 12, RateLimited)
	w.want(t, "once; HPA says 14", w.decide(30, Sample{Value: 50}), 12, RateLimited)
	w.want(t, "until its period is over", w.decide(615, Sample{Value: 50}), 14, RateLimited)
}

// HPA wraps 32-bit sums: a huge allowance allows nothing.
func TestDeviationSaturation(t *testing.T) {
	p := one(policy.AverageValue, 1)
	p.Max = math.MaxInt32
	p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: math.MaxInt32, Period: 15}}
	w := &world{policy: p, replicas: 5, t: t}
	w.want(t, "HPA stays at 5, limited", w.decide(15, Sample{Value: 1 << 40}), math.MaxInt32, ScaledUp)

	p = one(policy.Utilization, 1)
	p.Max = 100
	w = &world{policy: p, replicas: 50, t: t}
	w.want(t, "a backlog beyond 2^31 goes to max; Karpenter v0.1 went to min", w.decide(15, Sample{Value: 1e15}), 100, Bounded)
	w.want(t, "what no count can be holds", w.decide(30, Sample{Value: 1e300}), 100, MetricsUnavailable)
	w.want(t, "and so does no number", w.decide(45, Sample{Value: math.NaN()}), 100, MetricsUnavailable)
}

// Three facts that HPA's traces pin, and that this engine shares.
func TestSharedFacts(t *testing.T) {
	p := one(policy.AverageValue, 1)
	p.Down.Window, p.Max = 60, 10
	w := &world{policy: p, replicas: 8, t: t}
	w.want(t, "first sight puts the current count into the window", w.decide(0, Sample{Value: 3}), 8, Stabilized)
	w.want(t, "as old as the window is out", w.decide(60, Sample{Value: 3}), 3, ScaledDown)

	w = &world{policy: p, replicas: 3, t: t}
	w.decide(0, Sample{Value: 30})
	d := w.decide(15, Sample{Value: 2})
	w.want(t, "recommendations enter the window before the bounds", d, 10, Stabilized)
	if w.policy.Max = 40; w.decide(30, Sample{Value: 20}).Desired != 20 {
		t.Error("up is not held by a recommendation that the bounds cut")
	}
}

// HPA asks for status.replicas where a total is within tolerance.
func TestDeviationAverage(t *testing.T) {
	p := one(policy.AverageValue, 10)
	p.Up.Tolerance, p.Down.Tolerance = 0.1, 0.1
	_, d := Step(p, State{}, &Input{Slot: 15, Scale: Scale{Spec: 21, Status: 24}, Metrics: []Sample{{Value: 235}}})
	if d.Desired != 21 {
		t.Errorf("a surge of three on target: got %d, want 21; HPA writes 24", d.Desired)
	}
}

// HPA goes to 0, and so to minReplicas, where no pod is ready.
func TestDeviationNoReady(t *testing.T) {
	for _, kind := range []policy.MetricType{policy.Value, policy.Utilization} {
		_, d := Step(one(kind, 10), State{}, &Input{Slot: 15, Scale: Scale{Spec: 5, Status: 5, Counted: true}, Metrics: []Sample{{Value: 20}}})
		if d.Desired != 5 || d.Reason != MetricsUnavailable || d.Metrics[0].Code != observation.NoReplicas {
			t.Errorf("%s: got %d %s %q, want 5 held for want of a ready replica", kind, d.Desired, d.Reason, d.Metrics[0].Code)
		}
	}
}

// HPA cuts a utilization of 79.9 % to 79 %.
// TestDeviationScraped has pods become ready, or vanish, between the scrape of a
// metric and the slot. HPA, which knows only the count of the slot, would double the
// replicas, or halve them.
func TestDeviationScraped(t *testing.T) {
	cases := map[string]struct {
		reason                   string
		spec, ready, fewer, more int32
		value                    float64
		want                     int32
	}{
		"Started":      {"four pods at twice their target asked for eight, and these are ready now", 8, 8, 4, 0, 2, 8},
		"StillShort":   {"at three times their target the four that were scraped need twelve, whatever is ready now", 8, 8, 4, 0, 3, 12},
		"Lost":         {"eight pods at nine tenths need eight; that half of them is gone shows in no metric yet", 8, 4, 0, 4, 0.9, 8},
		"LostAndIdle":  {"at a quarter of their target two are enough for all eight, and one for the four", 8, 4, 0, 4, 0.25, 2},
		"InBetween":    {"a scrape of any of two to ten pods: three to fifteen are asked for, and eight is among them", 8, 6, 4, 4, 1.5, 8},
		"FromNothing":  {"no pod was ready when it was scraped, so that it says nothing of any", 8, 8, 8, 0, 2, 8},
		"Unchanged":    {"without a change it is HPA's", 8, 8, 0, 0, 2, 16},
		"WithinTarget": {"on target nothing is multiplied", 8, 8, 4, 0, 1, 8},
	}
	for name, c := range cases {
		p := one(policy.Value, 1)
		_, d := Step(p, State{}, &Input{
			Slot: 15, Scale: Scale{Spec: c.spec, Status: c.spec, Ready: c.ready, Counted: true, Fewer: c.fewer, More: c.more},
			Metrics: []Sample{{Value: c.value}},
		})
		got := d.Desired
		if d.Recommending {
			got = d.Recommended // at first sight the window holds what is there
		}
		if got != c.want {
			t.Errorf("%s: %s: got %d (%s), want %d", name, c.reason, got, d.Reason, c.want)
		}
	}
}

func TestDeviationTruncate(t *testing.T) {
	_, d := Step(one(policy.Utilization, 79), State{}, &Input{Slot: 15, Scale: Scale{Spec: 10, Status: 10, Ready: 10, Counted: true}, Metrics: []Sample{{Value: 0.799}}})
	if d.Desired != 11 {
		t.Errorf("79.9 %% of a target of 79 %%: got %d, want 11; HPA says 10", d.Desired)
	}
}

// HPA's status.replicas counts pods that are not ready. A node group's does not,
// so nodes that vanish would be taken for nodes that nobody needs.
func TestDeviationNodes(t *testing.T) {
	group := policy.Target{APIVersion: "autoscaling.karpenter.sh/v1alpha1", Kind: "ScalableNodeGroup", Name: "workers"}
	deployment := policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}
	cases := map[string]struct {
		reason       string
		target       policy.Target
		kind         policy.MetricType
		value        float64
		spec, status int32
		want         int32
	}{
		"Vanished":     {"16 of 20 are gone, the others have less than they should: nothing shrinks", group, policy.Utilization, 0.5, 20, 4, 20},
		"VanishedBusy": {"what is left is busy: no reason to grow beyond what is wanted already", group, policy.Utilization, 1, 20, 4, 20},
		"Scarce":       {"more than is wanted is more", group, policy.Utilization, 1.2, 20, 18, 36},
		"Idle":         {"two of 20 are missing, the 18 ready ones need 9: the two are kept", group, policy.Utilization, 0.3, 20, 18, 11},
		"AllReady":     {"with all ready the ratio is all", group, policy.Utilization, 0.3, 20, 20, 10},
		"Leaving":      {"more than wanted are ready: they are on their way out", group, policy.Utilization, 0.3, 10, 16, 8},
		"Value":        {"a Value is a ratio too", group, policy.Value, 30, 20, 4, 18},
		"Total":        {"a total does not depend on who is ready", group, policy.AverageValue, 300, 20, 4, 5},
		"Huge":         {"no sum overflows", group, policy.Utilization, 0.599, math.MaxInt32, 1 << 30, 2145694077},
		"Deployment":   {"of any other kind what HPA says, whose case 33 this is", deployment, policy.Utilization, 0.5, 20, 4, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := one(c.kind, 60)
			p.Target, p.Max = c.target, math.MaxInt32
			_, d := Step(p, State{}, &Input{Slot: 15, Scale: Scale{Spec: c.spec, Status: c.status}, Metrics: []Sample{{Value: c.value}}})
			if d.Recommended != c.want {
				t.Errorf("%s: got %d, want %d", c.reason, d.Recommended, c.want)
			}
		})
	}
}
