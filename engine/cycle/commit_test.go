package cycle

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// once disturbs the first call of a name.
func once(name string, disturb func() error) func(string) error {
	done := false
	return func(call string) error {
		if done || call != name {
			return nil
		}
		done = true
		return disturb()
	}
}

// A conflict means that somebody edited the object: the slot is decided again,
// from the edited spec.
func TestCommitConflict(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.value, w.calls = 90, nil
	w.before = once("Commit", func() error {
		w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MaxReplicas = 7 })
		return nil
	})
	stale := w.object
	w.at(a, 10)
	want := []string{"Query", "Get", "Commit", "Load", "Load", "Query", "Get", "Commit", "Set 7", "Record", "Outcome Applied"}
	if diff := cmp.Diff(want, w.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := w.last(); r.Generation != 2 || r.Desired != 7 || r.Slot != start+10 || len(w.records) != 2 {
		t.Errorf("generation %d decided %d at %s, %d records", r.Generation, r.Desired, r.Slot, len(w.records))
	}
	// The cache of the controller lags: it must not take the spec back.
	w.object, stale = stale, w.object
	w.object.Status, w.calls = stale.Status, nil
	w.at(a, 20)
	if r := w.last(); r.Generation != 2 || r.Desired != 7 {
		t.Errorf("an older generation came back: generation %d decided %d", r.Generation, r.Desired)
	}
}

// A slot is not decided for ever.
func TestCommitConflictForEver(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.before = func(call string) error {
		if call == "Commit" {
			w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MaxReplicas++ })
		}
		return nil
	}
	if err := w.wake(a, 0); !errors.Is(err, ErrConflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	if w.commits != 0 || w.writes != 0 || len(w.records) != 0 {
		t.Errorf("%d commits, %d writes, %d records", w.commits, w.writes, len(w.records))
	}
	w.before = nil
	w.at(a, 1)
	if len(w.records) != 1 || w.last().Slot != start {
		t.Errorf("the slot is still due: %v", w.slots())
	}
}

// What was not committed was not decided: nothing is actuated or journaled, and
// the slot is decided again from the state before it.
func TestCommitFailure(t *testing.T) {
	for _, c := range []struct {
		reason         string
		before, after  bool
		retry          int
		want           []int
		replicas       int32
		lastScaledLate bool
	}{
		{reason: "the store is down for a moment: the same slot", before: true, retry: 12, want: []int{0, 10, 20}, replicas: 8},
		{reason: "the store is down over the slot: the next one", before: true, retry: 20, want: []int{0, 20}, replicas: 8, lastScaledLate: true},
		{reason: "the answer was lost, but the commit was not: the command is sent, the record is a gap", after: true, retry: 12, want: []int{0, 20}, replicas: 8},
	} {
		t.Run(c.reason, func(t *testing.T) {
			w := newCluster(t)
			a := w.driver()
			w.at(a, 0)
			fail := once("Commit", func() error { return fmt.Errorf("etcd: %w", ErrUnavailable) })
			if w.before = fail; c.after {
				w.before, w.after = nil, fail
			}
			w.value = 80
			if err := w.wake(a, 10); !errors.Is(err, ErrUnavailable) {
				t.Fatalf("the failure must be returned, got %v", err)
			}
			if w.writes != 0 || len(w.records) != 1 || len(w.outcomes) != 0 {
				t.Fatalf("%d writes, %d records, %d outcomes after a failed commit", w.writes, len(w.records), len(w.outcomes))
			}
			w.at(a, c.retry)
			if c.retry < 20 {
				w.at(a, 20)
			}
			if diff := cmp.Diff(c.want, w.slots()); diff != "" || w.scale.Spec != c.replicas || w.writes != 1 {
				t.Errorf("%d replicas after %d writes; slots (-want +got):\n%s", w.scale.Spec, w.writes, diff)
			}
			scaled := start + 10
			if c.lastScaledLate {
				scaled += 10
			}
			if at := w.object.Status.LastScaleTime; at == nil || !at.Time.Equal(scaled.Time()) {
				t.Errorf("last scaled %v, want %s", at, scaled)
			}
		})
	}
}

// A slot that failed leaves no trace in the status of the next one.
func TestCommitFailureLeavesNoTrace(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.before = once("Commit", func() error { return ErrTimedOut })
	w.value = 80
	w.wake(a, 10)
	w.value = 50
	w.at(a, 20)
	w.lag = 1 // status.currentReplicas changes
	w.at(a, 30)
	if w.commits != 2 {
		t.Fatalf("%d commits, want another", w.commits)
	}
	if at := w.object.Status.LastScaleTime; at != nil {
		t.Errorf("nothing was ever scaled, but the status says at %v", at)
	}
	if r := w.last(); r.Prev != w.records[0].State {
		t.Errorf("the state changed without a decision: %s, then %s", w.records[0].State, r.Prev)
	}
}

// A state that cannot be read is one that never was: the current count goes
// into the window, so nothing is scaled down, and the journal starts anew.
func TestCorruptState(t *testing.T) {
	for _, text := range []string{"?", "1 10/0 300/0 x 5:0 - -", "2 something newer"} {
		w := newCluster(t)
		w.object.Spec.Behavior = v1alpha1.Behavior{}
		w.object.Status.State = text
		w.value = 10
		w.at(w.driver(), 0)
		r := w.last()
		if r.Reason != autoscaler.Stabilized || r.Desired != 5 || r.StateBody != "" || r.Prev != journal.Digest(nil) {
			t.Errorf("state %q: %s to %d from %q", text, r.Reason, r.Desired, r.StateBody)
		}
		var read autoscaler.State
		if err := read.UnmarshalText([]byte(w.object.Status.State)); err != nil || !read.Decided() {
			t.Errorf("state %q was replaced by %q", text, w.object.Status.State)
		}
	}
}

// A load that fails decides nothing, and the slot stays due.
func TestLoadFailure(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.before = once("Load", func() error { return ErrUnavailable })
	if err := w.wake(a, 0); !errors.Is(err, ErrUnavailable) || len(w.calls) != 1 {
		t.Errorf("got %v after %v", err, w.calls)
	}
	w.at(a, 1)
	if diff := cmp.Diff([]int{0}, w.slots()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An invalid spec holds, says so, and costs one commit; the fix takes up the
// state where it was left.
func TestInvalidSpec(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MinReplicas = 30 })
	w.calls = nil
	w.at(a, 10)
	w.at(a, 20)
	if diff := cmp.Diff([]string{"Commit", "Load", "Load", "Commit", "Record", "Record"}, w.calls); diff != "" {
		t.Errorf("neither the target nor Prometheus is asked (-want +got):\n%s", diff)
	}
	r := w.last()
	if r.Reason != autoscaler.InvalidPolicy || r.Known || r.Policy != "" || r.State != r.Prev || r.Generation != 2 {
		t.Errorf("recorded %+v", r)
	}
	want := "False InvalidPolicy: spec.minReplicas: Invalid value: 30: must be at most maxReplicas (20)"
	for _, kind := range []string{v1alpha1.ReadyCondition, v1alpha1.ActiveCondition, v1alpha1.AbleToScaleCondition} {
		if got := w.condition(kind); got != want {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
	}
	w.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MinReplicas = 6 })
	w.at(a, 30)
	if r := w.last(); r.Prev != w.records[0].State || r.Desired != 6 || w.scale.Spec != 6 {
		t.Errorf("after the fix: %d from state %s, want 6 from %s", r.Desired, r.Prev, w.records[0].State)
	}
	if got := w.condition(v1alpha1.ReadyCondition); got != "True Ready: the autoscaler works" {
		t.Errorf("Ready is %s", got)
	}
}
