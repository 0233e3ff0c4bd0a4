package autoscaler

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Annotations say what is held back; what cannot be read holds both directions.
func TestPauseAt(t *testing.T) {
	const at, later = "1970-01-01T00:16:40Z", "1970-01-01T02:16:41+02:00" // 1000 and 1001
	both := Pause{Down: true, Up: true}
	unreadable := Pause{Down: true, Up: true, Unreadable: true}
	cases := map[string]struct {
		reason      string
		annotations string // suffix=value, ...
		want        Pause
		message     string
	}{
		"None":          {"no annotation", "", Pause{}, ""},
		"True":          {"in both directions", "=true", both, ""},
		"TrueOfYAML":    {"as some tools write it", "=True", both, ""},
		"False":         {"not paused", "=false", Pause{}, ""},
		"Replicas":      {"a count", "=5", Pause{Fixed: true, Replicas: 5}, ""},
		"Zero":          {"0 is a count", "=0", Pause{Fixed: true}, ""},
		"One":           {"1 is a count, and not true", "=1", Pause{Fixed: true, Replicas: 1}, ""},
		"Most":          {"the largest count", "=2147483647", Pause{Fixed: true, Replicas: 2147483647}, ""},
		"In":            {"down only", "-scale-in=true", Pause{Down: true}, ""},
		"Out":           {"up only", "-scale-out=true", Pause{Up: true}, ""},
		"InAndOut":      {"both", "-scale-in=true,-scale-out=true", both, ""},
		"InFalse":       {"neither", "-scale-in=false,-scale-out=false", Pause{}, ""},
		"CountBesideIn": {"a count goes before the others", "=5,-scale-in=true", Pause{Fixed: true, Replicas: 5}, ""},
		"Until":         {"until then", "=true,-until=" + later, Pause{Down: true, Up: true, Until: 1001}, ""},
		"UntilNow":      {"over at its end", "=true,-until=" + at, Pause{}, ""},
		"UntilAlone":    {"pauses in both directions", "-until=" + later, Pause{Down: true, Up: true, Until: 1001}, ""},
		"UntilBesideIn": {"that direction", "-scale-in=true,-until=" + later, Pause{Down: true, Until: 1001}, ""},
		"UntilFalse":    {"nothing to end", "=false,-until=" + later, Pause{}, ""},
		"UntilCount":    {"a count until then", "=3,-until=" + later, Pause{Fixed: true, Replicas: 3, Until: 1001}, ""},

		"Yes":        {"a word", "=yes", unreadable, `paused]: "yes" is not true, false or a number of replicas`},
		"Empty":      {"an empty one", "=", unreadable, `paused]: "" is not true`},
		"Negative":   {"less than nothing", "=-1", unreadable, `paused]: "-1" is not`},
		"TooLarge":   {"more than a count", "=2147483648", unreadable, `up to 2147483647`},
		"Fraction":   {"no whole number", "=1.5", unreadable, `paused]: "1.5" is not`},
		"InCount":    {"a direction has no count", "-scale-in=5", unreadable, `paused-scale-in]: "5" is not true or false`},
		"OutWord":    {"nor another word", "-scale-out=on", unreadable, `paused-scale-out]: "on" is not true or false`},
		"Tomorrow":   {"no time", "=true,-until=tomorrow", unreadable, `paused-until]: "tomorrow" is not a time such as 2026-01-05T08:00:00Z`},
		"UntilDate":  {"a date alone", "-until=2026-01-05", unreadable, `paused-until]: "2026-01-05" is not a time`},
		"OverAndBad": {"an end does not mend what cannot be read", "=yes,-until=" + at, unreadable, `paused]: "yes"`},
		"Long":       {"a message is bounded", "=" + strings.Repeat("x", 5000), unreadable, `"xxxx`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			annotations := map[string]string{"team": "checkout"}
			for _, pair := range strings.Split(c.annotations, ",") {
				if suffix, value, ok := strings.Cut(pair, "="); ok {
					annotations["autoscaling.karpenter.sh/paused"+suffix] = value
				}
			}
			got, err := PauseAt(annotations, 1000)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if (err == nil) != (c.message == "") || err != nil && (!strings.Contains(err.Error(), c.message) || len(err.Error()) > 300) {
				t.Errorf("%s: %v, want %q", c.reason, err, c.message)
			}
		})
	}
}

// A pause is the last stage: windows and policies go on before it, bounds and sleep
// do not go past it.
func TestPause(t *testing.T) {
	cases := map[string]struct {
		reason  string
		pause   Pause
		change  func(*policy.Autoscaler)
		current int32
		value   float64
		want    int32
		is      Reason
		limit   behavior.Limit
	}{
		"Up":          {"no way up", Pause{Up: true}, nil, 3, 80, 3, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Up, Policy: -1}},
		"UpDown":      {"but down", Pause{Up: true}, nil, 9, 30, 3, ScaledDown, behavior.Limit{}},
		"Down":        {"no way down", Pause{Down: true, Until: 90}, nil, 9, 30, 9, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1, Until: 90}},
		"DownUp":      {"but up", Pause{Down: true}, nil, 3, 80, 8, ScaledUp, behavior.Limit{}},
		"Unchanged":   {"a pause that changes nothing is no reason", Pause{Down: true, Up: true}, nil, 3, 30, 3, Unchanged, behavior.Limit{}},
		"Bound":       {"also of a bound", Pause{Down: true, Up: true}, func(p *policy.Autoscaler) { p.Max = 5 }, 9, 90, 9, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1}},
		"Count":       {"the count is held, whatever is wanted", Pause{Fixed: true, Replicas: 5}, nil, 9, 90, 5, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Up, Policy: -1}},
		"CountUp":     {"upwards, too", Pause{Fixed: true, Replicas: 5}, nil, 3, 30, 5, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1}},
		"CountBeyond": {"beyond the bounds as well", Pause{Fixed: true, Replicas: 50}, func(p *policy.Autoscaler) { p.Max = 5 }, 5, 50, 50, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1}},
		"CountBlind":  {"without metrics", Pause{Fixed: true, Replicas: 5}, nil, 3, -1, 5, Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Down, Policy: -1}},
		"CountHere":   {"that is there already", Pause{Fixed: true, Replicas: 3}, nil, 3, 30, 3, Unchanged, behavior.Limit{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := one(policy.AverageValue, 10)
			if c.change != nil {
				c.change(p)
			}
			in := &Input{Slot: 15, Scale: Scale{Spec: c.current, Status: c.current}, Metrics: []Sample{{Value: float64(10 * c.current)}}}
			s, _ := Step(p, State{}, in)
			in.Slot, in.Metrics[0].Value, in.Pause = 30, c.value, c.pause
			if _, d := Step(p, s, in); d.Desired != c.want || d.Reason != c.is || c.is == Paused && d.Limit != c.limit {
				t.Errorf("%s: %d (%s) by %+v, want %d (%s) by %+v", c.reason, d.Desired, d.Reason, d.Limit, c.want, c.is, c.limit)
			}
		})
	}
}

// What is recommended during a pause is remembered, a held count is no scale event,
// and a target neither falls asleep nor wakes while that is paused.
func TestPauseHistory(t *testing.T) {
	p := one(policy.AverageValue, 10)
	p.Down.Window = 60
	p.Up.Policies = []policy.Rate{{Type: policy.Count, Value: 2, Period: 60}}
	w := &world{policy: p, replicas: 4, restart: true, t: t}
	w.want(t, "on target", w.decide(15, Sample{Value: 40}), 4, Unchanged)
	w.pause = Pause{Fixed: true, Replicas: 2}
	w.want(t, "held", w.decide(30, Sample{Value: 90}), 2, Paused)
	w.want(t, "still", w.decide(45, Sample{Value: 90}), 2, Paused)
	w.pause = Pause{}
	w.want(t, "the 2 taken away leave the budget of 2 as it is", w.decide(60, Sample{Value: 90}), 4, RateLimited)
	w.pause = Pause{Fixed: true, Replicas: 9}
	w.want(t, "held higher", w.decide(75, Sample{Value: 20}), 9, Paused)
	w.pause = Pause{}
	w.want(t, "the window has the 9 of 30 to 60", w.decide(90, Sample{Value: 20}), 9, Stabilized)
	w.want(t, "and lets it go", w.decide(135, Sample{Value: 20}), 2, ScaledDown)

	p = sleeper()
	w = &world{policy: p, replicas: 4, t: t}
	w.pause = Pause{Down: true}
	w.want(t, "it would sleep", w.decide(15, Sample{Value: 0}), 4, Paused)
	w.pause = Pause{}
	w.want(t, "it does", w.decide(30, Sample{Value: 0}), 0, ScaledDown)
	w.pause = Pause{Up: true}
	w.want(t, "it would wake", w.decide(45, Sample{Value: 90}), 0, Paused)
	w.pause = Pause{}
	w.want(t, "it does", w.decide(60, Sample{Value: 90}), 1, ScaledUp)
}

// Where a line was lost, a pause is still known: it stands in the record.
func TestPossiblePause(t *testing.T) {
	p := one(policy.AverageValue, 10)
	p.Down.Window = 300
	in := &Input{Slot: 1000, Scale: Scale{Spec: 5, Status: 5}, Metrics: []Sample{{Value: 80}}, Pause: Pause{Up: true}}
	got := Possible(p, in, &Decision{Recommending: true, Stabilized: 8, Limited: 8, Desired: 8})
	if got.Desired != 5 || got.Reason != Paused {
		t.Errorf("%d (%s), want 5 held by the pause", got.Desired, got.Reason)
	}
	sleepy := sleeper()
	in = &Input{Slot: slot.Slot(6000), Scale: Scale{Spec: 5, Status: 5}, Metrics: []Sample{{Value: 0}}, Pause: Pause{Down: true}}
	got = Possible(sleepy, in, &Decision{Stabilized: 0, Limited: 0, Desired: 5, Reason: Paused})
	if got.Desired != 5 || got.Reason != Paused || got.Limited != 0 {
		t.Errorf("%+v, want a step to 0 that is held back", got)
	}
}
