package cycle

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

type crashed struct{}

// A history is what a cluster went through, without what a crash may cost: the
// record of the slot it happened in, and outcomes.
type history struct {
	Sets    []string // every change of the target, in order
	State   string
	Decided map[slot.Slot]journal.Record
}

// live plays twelve slots that scale up within a budget, hold, and scale down.
// disturb sees each port call by its number, before and after its effect; after
// a crash a new driver goes on in the same slot, after an error the same one.
func live(t *testing.T, disturb func(n int, before bool, call string) error) (history, int) {
	t.Helper()
	w := newCluster(t)
	window := int32(30)
	w.object.Spec.Behavior.ScaleDown.StabilizationWindowSeconds = &window
	w.object.Spec.Behavior.ScaleUp = &v1alpha1.ScalingRules{Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 2, PeriodSeconds: 20}}}
	calls := 0
	w.before = func(call string) error { calls++; return disturb(calls, true, call) }
	w.after = func(call string) error { return disturb(calls, false, call) }

	h := history{Decided: map[slot.Slot]journal.Record{}}
	a := w.driver()
	for i, value := range []float64{50, 50, 90, 90, 90, 90, 20, 20, 20, 20, 50, 50} {
		w.value = value
		spec := w.scale.Spec
		for try := 0; try < 3 && !wakes(w, a, 10*i); try++ {
			if w.crashed {
				w.crashed, a = false, w.driver()
			}
		}
		if w.scale.Spec != spec {
			h.Sets = append(h.Sets, fmt.Sprintf("%d s: %d > %d", 10*i, spec, w.scale.Spec))
		}
	}
	for _, r := range w.records {
		if seen, ok := h.Decided[r.Slot]; ok && !cmp.Equal(seen, r, ignored) {
			t.Errorf("slot %s was decided twice, differently:\n%s", r.Slot, cmp.Diff(seen, r, ignored))
		}
		h.Decided[r.Slot] = r
	}
	h.State = w.object.Status.State
	if len(h.Sets) != w.writes {
		t.Errorf("the target was written %d times for %d changes", w.writes, len(h.Sets))
	}
	return h, calls
}

// ignored is what a driver knows only while it lives, and the state before: a
// slot that only settled the command before it leaves no trace of its own, so
// after a crash it is decided again, from the settled state, to the same end.
var ignored = cmpopts.IgnoreFields(journal.Record{}, "Missed", "Bodies", "Chain", "Digest", "Prev", "StateBody")

// wakes says whether the driver survived a wake-up without error.
func wakes(w *cluster, a *Autoscalers, seconds int) (survived bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != (crashed{}) {
				panic(r)
			}
			w.crashed = true
		}
	}()
	return w.wake(a, seconds) == nil
}

// A crash before or after any port call loses no decision and repeats none: the
// target sees the same commands at the same slots, every record is the same, and
// the state ends the same. Only the record of the slot of the crash may be lost.
func TestCrashAnywhere(t *testing.T) {
	want, calls := live(t, func(int, bool, string) error { return nil })
	if len(want.Sets) < 4 || calls < 40 {
		t.Fatalf("the story is too short: %v in %d calls", want.Sets, calls)
	}
	for n := 1; n <= calls; n++ {
		for _, before := range []bool{true, false} {
			at := ""
			got, _ := live(t, func(i int, b bool, call string) error {
				if i == n && b == before {
					at = call
					panic(crashed{})
				}
				return nil
			})
			compare(t, fmt.Sprintf("crash at call %d, %s, before its effect: %v", n, at, before), want, got)
		}
	}
}

// The same for an answer that is lost although the write took effect, and for a
// store that fails for a moment.
func TestErrorAnywhere(t *testing.T) {
	want, calls := live(t, func(int, bool, string) error { return nil })
	for n := 1; n <= calls; n++ {
		for _, before := range []bool{true, false} {
			at := ""
			got, _ := live(t, func(i int, b bool, call string) error {
				store := call == "Load" || call == "Commit"
				if i == n && b == before && (store || !before && strings.HasPrefix(call, "Set")) {
					at = call
					return errors.Join(ErrTimedOut)
				}
				return nil
			})
			if at != "" {
				compare(t, fmt.Sprintf("error of call %d, %s, before its effect: %v", n, at, before), want, got)
			}
		}
	}
}

func compare(t *testing.T, reason string, want, got history) {
	t.Helper()
	if lost := len(want.Decided) - len(got.Decided); lost < 0 || lost > 1 {
		t.Errorf("%s: %d records are missing", reason, lost)
	}
	for s, r := range got.Decided {
		if diff := cmp.Diff(want.Decided[s], r, ignored); diff != "" {
			t.Fatalf("%s: slot %s (-want +got):\n%s", reason, s, diff)
		}
	}
	want.Decided, got.Decided = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", reason, diff)
	}
}
