package autoscaler

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// steps plays a walk through a stepping function that may keep the state
// wherever it likes between slots, from a given start.
func (w *walk) steps(start slot.Slot, step func(in *Input) Decision) []Decision {
	var decisions []Decision
	w.play(start, func(now slot.Slot, _ []slot.Slot, scale Scale, metrics []Sample) (int32, bool) {
		d := step(&Input{Slot: now, Scale: scale, Metrics: metrics, Pause: w.pause})
		decisions = append(decisions, d)
		return d.Desired, d.Known
	})
	return decisions
}

func inMemory(p *policy.Autoscaler) func(*Input) Decision {
	var state State
	return func(in *Input) (d Decision) {
		state, d = Step(p, state, in)
		return d
	}
}

// A restart anywhere must change nothing: the state is all there is, its text
// form loses nothing, and it is stored exactly when Changed says so.
func TestRestartAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		randomFallbacks(drawn{t}, w)
		randomPauses(drawn{t}, w)
		w.Policy.DryRun = rapid.Bool().Draw(t, "dryRun")
		var stored []byte
		restarted := func(in *Input) Decision {
			var state State
			if err := state.UnmarshalText(stored); err != nil {
				t.Fatal(err)
			}
			state, d := Step(w.Policy, state, in)
			text, _ := state.MarshalText()
			if d.Changed {
				stored = text
			} else if string(text) != string(stored) {
				t.Fatalf("changed in silence from %q to %q", stored, text)
			}
			return d
		}
		if diff := cmp.Diff(w.steps(0, inMemory(w.Policy)), w.steps(0, restarted)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Shifting time by whole intervals shifts the decisions and nothing else.
func TestTimeShift(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		shift := slot.Slot(w.Policy.Interval) * slot.Slot(rapid.Int64Range(1, 1e8).Draw(t, "shift"))
		want, got := w.steps(0, inMemory(w.Policy)), w.steps(shift, inMemory(w.Policy))
		for i := range got {
			if got[i].Limit.Until != 0 {
				got[i].Limit.Until -= shift
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What is not known cannot lower the replicas, except to an edited bound.
func TestNeverDownOnMissingData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		w.play(0, func() func(slot.Slot, []slot.Slot, Scale, []Sample) (int32, bool) {
			var state State
			return func(now slot.Slot, _ []slot.Slot, scale Scale, metrics []Sample) (int32, bool) {
				var d Decision
				state, d = Step(w.Policy, state, &Input{Slot: now, Scale: scale, Metrics: metrics})
				missing := false
				for i := range metrics {
					missing = missing || metrics[i].Code != observation.OK || metrics[i].Value < 0
				}
				if missing && d.Known && d.Desired < min(scale.Spec, w.Policy.Max) {
					t.Fatalf("from %d to %d (%s) with metrics %v", scale.Spec, d.Desired, d.Reason, metrics)
				}
				return d.Desired, d.Known
			}
		}())
	})
}

// Bounds hold at every known decision, and each stage only ever moves the
// number towards the current count or into the bounds.
func TestStages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		for i, d := range w.steps(0, inMemory(w.Policy)) {
			if !d.Known {
				continue
			}
			if d.Desired < w.Policy.Min || d.Desired > w.Policy.Max {
				t.Fatalf("slot %d: %d outside [%d, %d]", i, d.Desired, w.Policy.Min, w.Policy.Max)
			}
			if (d.Limit.Stage == "") != (d.Reason == ScaledUp || d.Reason == ScaledDown || d.Reason == Unchanged || d.Reason == MetricsUnavailable) {
				t.Fatalf("slot %d: reason %s with limit %+v", i, d.Reason, d.Limit)
			}
		}
	})
}

// Step owns the slices of the state it is given, so a clone must share none.
func TestCloneSharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWalk(drawn{t})
		randomFallbacks(drawn{t}, w)
		var state State
		w.steps(0, func(in *Input) (d Decision) {
			kept := state.Clone()
			before, _ := kept.MarshalText()
			state, d = Step(w.Policy, state, in)
			if after, _ := kept.MarshalText(); string(after) != string(before) {
				t.Fatalf("the clone changed from %q to %q", before, after)
			}
			return d
		})
	})
}

// A window made longer must not bring back what the shorter one had let go,
// whether or not the controller was restarted in between.
func TestLongerWindowDoesNotResurrect(t *testing.T) {
	p := &policy.Autoscaler{Interval: 10, Max: 100, Metrics: []policy.Metric{{Query: "m", Type: policy.AverageValue, Target: 1}}}
	p.Up.Select, p.Down.Select = policy.SelectMax, policy.SelectMax
	p.Down.Window = 30
	see := func(state State, at slot.Slot, spec int32, value float64) (State, Decision) {
		return Step(p, state, &Input{Slot: at, Scale: Scale{Spec: spec, Status: spec}, Metrics: []Sample{{Value: value}}})
	}
	state, _ := see(State{}, 0, 50, 50)
	state, _ = see(state, 10, 50, 20)
	state, _ = see(state, 60, 50, 20) // 50 has left the window of 30 s by now
	p.Down.Window = 300
	state, d := see(state, 70, 20, 10)
	if d.Desired != 20 || d.Reason != Stabilized {
		t.Errorf("got %d (%s): only the 20 of the old window may hold", d.Desired, d.Reason)
	}
	_ = state
}

// The stored form stays small however long and busy the run.
func TestStateIsBounded(t *testing.T) {
	for _, c := range []struct {
		reason                   string
		interval, window, period int32
		limit                    int
	}{
		{"default windows", 10, 300, 60, 2 << 10},
		{"the longest windows and periods that validation lets through", 10, 3600, 1800, 16 << 10},
		{"360 one-second intervals", 1, 360, 360, 16 << 10},
	} {
		p := &policy.Autoscaler{Interval: c.interval, Max: math.MaxInt32, Metrics: []policy.Metric{{Query: "m", Type: policy.AverageValue, Target: 1}}}
		p.Up = policy.Rules{Window: 0, Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: math.MaxInt32, Period: c.period}}}
		p.Down = policy.Rules{Window: c.window, Select: policy.SelectMax, Policies: []policy.Rate{}}
		var state State
		replicas := int32(1)
		for i := range slot.Slot(1000) {
			// Somebody sets the count back each slot, so that every slot commands.
			value := float64(2_000_000_000 + int64(i%2))
			var d Decision
			state, d = Step(p, state, &Input{Slot: i * slot.Slot(c.interval), Scale: Scale{Spec: replicas, Status: replicas}, Metrics: []Sample{{Value: value}}})
			replicas = d.Desired - int32(i%7)
			if text, _ := state.MarshalText(); len(text) > c.limit {
				t.Fatalf("%s: %d bytes after %d slots", c.reason, len(text), i)
			}
		}
	}
}

func FuzzStateCodec(f *testing.F) {
	f.Add("1 10/3 300/60 1764000000 5:0-290,7:300 +4:300,-2:310 300:5>9")
	f.Add("1 15/3 300/60 1764000000 5:0 - - active=30 failed=1a2b:30,7:45")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		var s State
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		once, _ := s.MarshalText()
		var again State
		if err := again.UnmarshalText(once); err != nil {
			t.Fatalf("%q became %q, which does not read back: %v", text, once, err)
		}
		if twice, _ := again.MarshalText(); string(twice) != string(once) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

func BenchmarkStep(b *testing.B) {
	p := &policy.Autoscaler{Interval: 15, Min: 1, Max: 100, Metrics: []policy.Metric{{Query: "m", Type: policy.AverageValue, Target: 10}}}
	p.Up = policy.Rules{Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}, {Type: policy.Percent, Value: 100, Period: 60}}}
	p.Down = policy.Rules{Window: 300, Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Percent, Value: 100, Period: 15}}}
	var state State
	replicas := int32(5)
	in := Input{Metrics: make([]Sample, 1)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in.Slot += 15
		in.Scale = Scale{Spec: replicas, Status: replicas}
		in.Metrics[0].Value = 200 + 100*math.Sin(float64(i)/240)
		var d Decision
		state, d = Step(p, state, &in)
		replicas = d.Desired
	}
}
