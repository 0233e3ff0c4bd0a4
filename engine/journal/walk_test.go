package journal

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
)

// walked collects the steps of a journal.
func walked(t *testing.T, file []byte) []*Step {
	t.Helper()
	var steps []*Step
	if err := Walk(bytes.NewReader(file), "j", func(s *Step) error {
		steps = append(steps, s)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestWalkFollowsTheState holds that the state after a step is the one that the
// next record starts from, and that every step comes out as it is recorded.
func TestWalkFollowsTheState(t *testing.T) {
	steps := walked(t, writtenBy(t, story()...))
	for i, s := range steps {
		if !s.Known || !s.Agreed {
			t.Fatalf("line %d: known %t, agreed %t; want both", s.Line, s.Known, s.Agreed)
		}
		if got := Digest(text(t, &s.Before)); got != s.Record.Prev {
			t.Errorf("line %d: the state before has digest %s, the record says %s", s.Line, got, s.Record.Prev)
		}
		if got := Digest(text(t, &s.After)); got != s.Record.State {
			t.Errorf("line %d: the state after has digest %s, the record says %s", s.Line, got, s.Record.State)
		}
		if invalid := s.Record.Reason == autoscaler.InvalidPolicy; invalid != (s.Policy == nil) {
			t.Errorf("line %d: reason %s, policy %v", s.Line, s.Record.Reason, s.Policy)
		}
		if i > 0 {
			if diff := cmp.Diff(steps[i-1].After, s.Before); diff != "" {
				t.Errorf("line %d: the state changed between records (-after +before):\n%s", s.Line, diff)
			}
		}
	}
	if len(steps) != len(story()) {
		t.Errorf("got %d steps of %d records", len(steps), len(story()))
	}
}

// TestWalkFollowsGroups holds the same of node groups.
func TestWalkFollowsGroups(t *testing.T) {
	records := groupStory()
	var before nodegroup.State
	for i, s := range walked(t, writtenBy(t, records...)) {
		if !s.Known || !s.Agreed {
			t.Fatalf("line %d: known %t, agreed %t; want both", s.Line, s.Known, s.Agreed)
		}
		if diff := cmp.Diff(before, s.Group.Before); diff != "" {
			t.Errorf("line %d: the state changed between records (-after +before):\n%s", s.Line, diff)
		}
		if invalid := s.Record.Reason == autoscaler.InvalidPolicy; invalid != (s.Group.Policy == nil) {
			t.Errorf("line %d: reason %s, policy %v", s.Line, s.Record.Reason, s.Group.Policy)
		}
		if after, _ := s.Group.After.MarshalText(); Digest(after) != records[i].State {
			t.Errorf("line %d: the state after is %s, the record says another", s.Line, after)
		}
		before = s.Group.After
	}
}

// TestWalkAfterALostLine holds that a step is not made up where its state is lost.
func TestWalkAfterALostLine(t *testing.T) {
	lines := strings.SplitAfter(string(writtenBy(t, story()...)), "\n")
	steps := walked(t, []byte(strings.Join(append(lines[:1:1], lines[2:]...), "")))
	if steps[1].Known {
		t.Error("the record after the lost one: known, although its state was lost")
	}
	var known bool
	for _, s := range steps[1:] {
		known = known || s.Known
	}
	if !known {
		t.Error("no later record is known, although the state was written again")
	}
}

func TestWalkEndsAtTheFirstError(t *testing.T) {
	file := writtenBy(t, story()...)
	stop, calls := errors.New("stop"), 0
	err := Walk(bytes.NewReader(file), "j", func(*Step) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("visit's error: got %v after %d calls", err, calls)
	}
	err = Walk(strings.NewReader("{}\n"), "j", func(*Step) error { return nil })
	var bad *LineError
	if !errors.As(err, &bad) || bad.Line != 1 {
		t.Errorf("a line that is no record: got %v", err)
	}
}

func text(t *testing.T, s *autoscaler.State) []byte {
	t.Helper()
	b, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
