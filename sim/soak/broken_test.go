package soak

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// An engine that is broken: it decides as the real one does and then does
// something else, as its journal shows.
func broke(change func(c *Case, s *journal.Step)) PlayFunc {
	return func(ctx context.Context, c *Case, backwards bool) (*Run, error) {
		run, err := Play(ctx, c, backwards)
		if err != nil {
			return nil, err
		}
		for _, s := range run.Steps {
			if s.Record.Kind == journal.HorizontalAutoscaler && s.Record.Known {
				change(c, s)
			}
		}
		return run, nil
	}
}

// engines are broken in one way each.
var engines = map[string]struct {
	reason    string
	invariant string
	play      PlayFunc
}{
	"Bounds": {"a bound that lets one more through", "bounds hold", broke(func(_ *Case, s *journal.Step) {
		if s.Record.Desired == s.Policy.Max {
			s.Record.Desired++
		}
	})},
	"MissingData": {"a missing metric that counts as none", "never down on missing data", broke(func(_ *Case, s *journal.Step) {
		for i := range s.Record.Metrics {
			if s.Record.Metrics[i].Code != observation.OK && s.Record.Scale.Spec > s.Policy.Min {
				s.Record.Desired = s.Policy.Min
			}
		}
	})},
	"Rate": {"a budget that allows one more", "rate policies hold", broke(func(_ *Case, s *journal.Step) {
		r := s.Record
		if r.Desired > r.Scale.Spec && r.Desired < s.Policy.Max && len(s.Policy.Up.Policies) > 0 && r.Reason == "RateLimited" {
			r.Desired++
		}
	})},
	"Ghost": {"a count that somebody else moves", "only the autoscaler moves the count", broke(func(c *Case, s *journal.Step) {
		if s.Record.Slot == c.end()-60 {
			s.Record.Scale.Spec += 3
			s.Record.Desired = min(s.Policy.Max, max(s.Policy.Min, s.Record.Scale.Spec))
		}
	})},
	"Slots": {"a slot decided twice", "slots go forward on their grid", broke(func(c *Case, s *journal.Step) {
		if s.Record.Slot == c.end()-60 {
			s.Record.Slot -= 600
		}
	})},
	"Stuck": {"a policy that never comes down at the end", "constant demand is met", broke(func(c *Case, s *journal.Step) {
		if s.Record.Slot >= c.end()-300 && s.Record.Desired == s.Record.Scale.Spec && s.Record.Desired < s.Policy.Max {
			s.Record.Desired = s.Policy.Max
			s.Record.Scale.Spec = s.Policy.Max
		}
	})},
	"Runaway": {"replicas that are starting multiply a value that they do not serve", "a steady demand is never overshot", broke(func(_ *Case, s *journal.Step) {
		if r := s.Record; len(r.Metrics) > 0 && r.Scale.Counted && r.Scale.Ready < r.Scale.Status && r.Metrics[0].Code == observation.OK {
			s.Record.Desired = max(r.Desired, min(s.Policy.Max, int32(math.Ceil(r.Metrics[0].Value/s.Policy.Metrics[0].Target*float64(r.Scale.Status)))))
		}
	})},
	"LookAhead": {"a decision that knows the next load", "no look-ahead", broke(func(c *Case, s *journal.Step) {
		for _, series := range c.Scenario.Spec.InputSeries {
			s.Record.Recommended += int32(len(series.Values) % 89)
		}
	})},
	"Restart": {"a state that a restart loses", "a restart changes nothing", broke(func(c *Case, s *journal.Step) {
		for _, f := range c.Scenario.Spec.Faults {
			if strings.HasPrefix(f.Name, "restart") {
				s.Record.Stabilized++
			}
		}
	})},
	"Journal": {"a byte that was changed", "the journal verifies", func(ctx context.Context, c *Case, backwards bool) (*Run, error) {
		run, err := Play(ctx, c, backwards)
		if err == nil {
			run.Journal = bytes.Replace(run.Journal, []byte(`"desired":1`), []byte(`"desired":2`), 1)
		}
		return run, err
	}},
	"Order": {"a run that depends on the order of its objects", "twice the same bytes", func(ctx context.Context, c *Case, backwards bool) (*Run, error) {
		run, err := Play(ctx, c, backwards)
		if err == nil && backwards {
			run.Digest = "sha256:other"
		}
		return run, err
	}},
}

// Every invariant is broken by an engine, and by the one that it is about.
func TestBrokenEnginesAreFound(t *testing.T) {
	seen := map[string]bool{"a valid scenario can be played": true}
	for name, e := range engines {
		seen[e.invariant] = true
		t.Run(name, func(t *testing.T) {
			for i := range uint64(20) {
				var only []Invariant
				for _, inv := range Invariants {
					if inv.Name == e.invariant {
						only = append(only, inv)
					}
				}
				found, err := check(context.Background(), Generate(1+i), e.play, only)
				if err != nil {
					t.Fatal(err)
				}
				if found != nil {
					return
				}
			}
			t.Errorf("%s: 20 cases do not show it", e.reason)
		})
	}
	for _, inv := range Invariants {
		if !seen[inv.Name] {
			t.Errorf("no engine breaks %q", inv.Name)
		}
	}
}

// What is found becomes small, stays broken as a file, and is well with the
// real engine.
func TestFindingsAreShrunk(t *testing.T) {
	if testing.Short() {
		t.Skip("plays some hundred cases")
	}
	engine := engines["MissingData"]
	ctx := context.Background()
	found, err := Soak(ctx, Options{Seed: 1, Runs: 10, Play: engine.play})
	if err != nil {
		t.Fatal(err)
	}
	if found == nil || found.Invariant != engine.invariant {
		t.Fatalf("%s: found %v", engine.reason, found)
	}
	spec := &found.Case.Scenario.Spec
	rules := found.Case.Autoscalers[0].Spec.Behavior
	if len(found.Case.Autoscalers) != 1 || len(spec.Faults) > 1 || len(spec.Edits) > 0 || rules.ScaleUp != nil || rules.ScaleDown != nil {
		t.Errorf("%d autoscalers, %d faults, %d edits, behavior %v are left", len(found.Case.Autoscalers), len(spec.Faults), len(spec.Edits), rules)
	}
	text, err := found.Text("found.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read("found.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Check(ctx, c, engine.play)
	if err != nil || again == nil || again.Invariant != engine.invariant || again.Err.Error() != found.Err.Error() {
		t.Errorf("from its file it is %v (%v), was %v", again, err, found)
	}
	if sound, err := Check(ctx, c, Play); sound != nil || err != nil {
		t.Errorf("the real engine: %v %v", sound, err)
	}
	if want := "# Repeat with: make soak FILE=found.yaml"; !strings.Contains(string(text), want) {
		t.Errorf("the file does not say %q:\n%s", want, text)
	}
}

// A case is a function of its seed.
func TestGenerateTwice(t *testing.T) {
	different := false
	for seed := range uint64(30) {
		a, err := Generate(seed).Text()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		b, _ := Generate(seed).Text()
		if !bytes.Equal(a, b) {
			t.Fatalf("seed %d gives two cases", seed)
		}
		// Read fills in defaults, so that only the second time is the same.
		var texts []string
		for text := a; len(texts) < 2; {
			read, err := Read("a.yaml", text)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			text, _ = read.Text()
			texts = append(texts, string(text))
		}
		if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
			t.Errorf("seed %d: read and written again (-first +second):\n%s", seed, diff)
		}
		other, _ := Generate(seed + 1).Text()
		different = different || !bytes.Equal(a, other)
	}
	if !different {
		t.Error("all seeds give the same case")
	}
}
