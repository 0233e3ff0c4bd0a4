package nodegroup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

var codes = []observation.Code{
	observation.OK, observation.Throttled, observation.TimedOut, observation.Unavailable, observation.Conflict,
	observation.InProgress, observation.LimitReached, observation.NotFound, observation.Forbidden, observation.Invalid,
}

// drawInput is anything that a provider could answer, and more.
func drawInput(t *rapid.T, at slot.Slot) *Input {
	number := rapid.OneOf(rapid.Int32Range(0, 20), rapid.Int32())
	in := &Input{Name: "default/workers", Generation: rapid.Int64Range(1, 3).Draw(t, "generation"), Slot: at}
	in.Group = Group{
		Desired: number.Draw(t, "desired"), Ready: number.Draw(t, "ready"),
		Min: rapid.Int32Range(-1, 5).Draw(t, "min"), Max: number.Draw(t, "max"),
		Issue: rapid.SampledFrom(codes).Draw(t, "trouble"), Code: rapid.SampledFrom(append(codes[:1:1], observation.OK, observation.Throttled)).Draw(t, "code"),
	}
	if rapid.IntRange(0, 9).Draw(t, "absent") > 0 {
		n := rapid.Int32Range(0, 20).Draw(t, "spec")
		in.Spec = &n
	}
	return in
}

// drawState walks a few slots, with failures.
func drawState(t *rapid.T) (State, slot.Slot) {
	var s State
	at := start
	for range rapid.IntRange(0, 12).Draw(t, "slots") {
		in := drawInput(t, at)
		next, d := Step(&policy.NodeGroup{}, s, in)
		if code := rapid.SampledFrom(codes).Draw(t, "answer"); d.Command && code != observation.OK {
			next = next.Failed(in.Name, code)
		}
		s = next
		at += slot.Slot(10 * rapid.IntRange(1, 20).Draw(t, "gap"))
	}
	return s, at
}

// The number of ready nodes reaches no command and no state, whatever else is
// observed: ready nodes that vanish shrink nothing.
func TestReadyNodesNeverCommand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := drawState(t)
		in := drawInput(t, at)
		in.Group.Ready = rapid.Int32Range(0, 1<<20).Draw(t, "before")
		after := *in
		after.Group.Ready = 0
		s1, d1 := Step(&policy.NodeGroup{}, s, in)
		s2, d2 := Step(&policy.NodeGroup{}, s, &after)
		d1.Stabilized, d2.Stabilized = false, false
		if diff := cmp.Diff(d1, d2); diff != "" || s1 != s2 {
			t.Fatalf("states %+v, %+v; decisions (-before +after):\n%s", s1, s2, diff)
		}
	})
}

// A command is what was asked for, within the provider's bounds, and differs
// from what the provider aims for; an unusable observation commands nothing.
func TestCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := drawState(t)
		in := drawInput(t, at)
		next, d := Step(&policy.NodeGroup{}, s, in)
		group := &in.Group
		switch {
		case group.Usable() != observation.OK:
			if d.Command || d.Adopt || d.Known || next != s {
				t.Fatalf("on %s: %+v", group.Usable(), d)
			}
		case in.Spec == nil:
			if d.Command || !d.Adopt || d.Wanted != group.Desired {
				t.Fatalf("without a spec: %+v", d)
			}
		case d.Wanted < *in.Spec && d.Wanted != group.Max, d.Wanted > *in.Spec && d.Wanted != group.Min:
			t.Fatalf("asked for %d within [%d, %d], wanted %d", *in.Spec, group.Min, group.Max, d.Wanted)
		case d.Command && group.Desired == d.Wanted:
			t.Fatalf("%d was set although the provider aims for it", d.Wanted)
		}
		if d.Changed != (next != s) {
			t.Fatalf("changed %t: %+v, %+v", d.Changed, s, next)
		}
	})
}

// However a group fails, within ten minutes and a slot a wanted change is tried
// again; delays are bounded, differ from zero, and repeat.
func TestBackoffIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		at := slot.Slot(rapid.Int64Range(0, 1<<40).Draw(t, "slot"))
		attempt := rapid.OneOf(rapid.Int32Range(1, 20), rapid.Int32()).Draw(t, "attempt")
		code := rapid.SampledFrom(codes).Draw(t, "code")
		delay := Delay(name, at, attempt, code)
		if delay < 5 || delay > 600 || delay != Delay(name, at, attempt, code) {
			t.Fatalf("%d s", delay)
		}
		s, next := drawState(t)
		if s.Until > next+600 {
			t.Fatalf("at %s the next attempt waits until %s", next, s.Until)
		}
	})
}

// Groups that fail together do not come back together.
func TestJitterSpreads(t *testing.T) {
	seen := map[int64]bool{}
	for _, name := range []string{"default/a", "default/b", "default/c", "default/d", "other/a", "other/b", "other/c", "other/d"} {
		seen[Delay(name, start, 6, observation.Throttled)] = true
	}
	if len(seen) < 4 {
		t.Errorf("8 groups share %d delays", len(seen))
	}
}

// A restart between any two slots changes nothing.
func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, _ := drawState(t)
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again State
		if err := again.UnmarshalText(text); err != nil || again != s {
			t.Fatalf("%q: %+v, want %+v: %v", text, again, s, err)
		}
	})
}

func TestTextGolden(t *testing.T) {
	s := State{Slot: start, To: 9, Attempt: 2, Generation: 3, Until: start + 17, Code: observation.Throttled}
	text, _ := s.MarshalText()
	if want := "1 1767600000 9 2 3 1767600017 Throttled"; string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
	cases := map[string]struct{ reason, text string }{
		"Version":  {"another version", "2 1 1 1 1 1 -"},
		"Fields":   {"too few", "1 1 1"},
		"Number":   {"no number", "1 x 1 1 1 1 -"},
		"Wide":     {"no int32", "1 1 4294967296 1 1 1 -"},
		"Attempt":  {"no attempt", "1 1 1 0 1 1 -"},
		"Negative": {"no size", "1 1 -1 1 1 1 -"},
		"Code":     {"no code", "1 1 1 1 1 1 "},
	}
	for name, c := range cases {
		before := s
		if err := s.UnmarshalText([]byte(c.text)); err == nil || s != before {
			t.Errorf("%s: %s: read as %+v", name, c.reason, s)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("1 1767600000 9 2 3 1767600017 Throttled")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		var s State
		if s.UnmarshalText([]byte(text)) != nil {
			return
		}
		again, _ := s.MarshalText()
		var r State
		if err := r.UnmarshalText(again); err != nil || r != s {
			t.Errorf("%q is read back from %q as %+v: %v", text, again, r, err)
		}
	})
}
