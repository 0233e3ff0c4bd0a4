package cycle

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// TestDue holds which wake-ups decide which slots.
func TestDue(t *testing.T) {
	cases := map[string]struct {
		reason string
		since  slot.Slot
		phase  int32
		wakes  []int
		want   []int
	}{
		"EverySlot":    {"one decision a slot", 0, 0, []int{0, 10, 20}, []int{0, 10, 20}},
		"Duplicates":   {"a repeated wake-up decides nothing twice", 0, 0, []int{0, 0, 10, 10, 10}, []int{0, 10}},
		"Late":         {"lateness below one interval changes nothing", 0, 0, []int{3, 19, 25}, []int{0, 10, 20}},
		"LateTwice":    {"two wake-ups within one slot", 0, 0, []int{0, 4, 9, 10}, []int{0, 10}},
		"Backwards":    {"a clock set back decides nothing again", 0, 0, []int{20, 10, 0, 21, 30}, []int{20, 30}},
		"Missed":       {"older slots are skipped, never decided afterwards", 0, 0, []int{0, 50}, []int{0, 50}},
		"Creation":     {"the first grid slot after creation, not the one before it", 0, 4, []int{0, 3, 4, 14}, []int{4, 14}},
		"Since":        {"slots up to the moment of leadership belong to another", start + 10, 0, []int{0, 10, 15, 20}, []int{20}},
		"SinceBetween": {"a slot before leadership is not decided late", start + 15, 0, []int{16, 19, 20}, []int{20}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			a := w.driver()
			a.Since = c.since
			a.Phase = func(types.NamespacedName, int32) int32 { return c.phase }
			for _, seconds := range c.wakes {
				w.at(a, seconds)
			}
			if diff := cmp.Diff(c.want, w.slots()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestNextSlot(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	a.Phase = nil
	phase := slot.Phase("HorizontalAutoscaler", "default", "web", 10)
	for _, seconds := range []int{0, 1, 9, 10, 25} {
		now := start.Time().Add(time.Duration(seconds) * time.Second)
		next, err := a.Reconcile(context.Background(), now, w.object)
		if want := (slot.Grid{Interval: 10, Phase: phase}).Next(slot.At(now)); err != nil || next != want {
			t.Errorf("%d s: next is %s, %v; want %s", seconds, next, err, want)
		}
	}
}

func TestMissed(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	for _, seconds := range []int{0, 10, 50, 60} {
		w.at(a, seconds)
	}
	var missed []int64
	for _, r := range w.records {
		missed = append(missed, r.Missed)
	}
	if diff := cmp.Diff([]int64{0, 0, 3, 0}, missed); diff != "" {
		t.Errorf("slots 20, 30 and 40 were skipped (-want +got):\n%s", diff)
	}
}

// An autoscaler whose recommendation does not change costs one load, and one
// commit at its first sight.
func TestSteadyWritesNothing(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	for i := range 100 {
		w.at(a, 10*i)
	}
	if w.commits != 1 || w.writes != 0 || len(w.records) != 100 {
		t.Errorf("%d commits, %d writes of the target, %d records; want 1, 0 and 100", w.commits, w.writes, len(w.records))
	}
	before := len(w.calls)
	w.at(a, 1000)
	if diff := cmp.Diff([]string{"Query", "Get", "Record"}, w.calls[before:]); diff != "" {
		t.Errorf("a steady slot (-want +got):\n%s", diff)
	}
	if w.records[0].Prev == w.records[0].State || w.records[1].Prev != w.records[1].State || w.records[1].Prev != w.records[0].State {
		t.Error("only the first sight changes the state")
	}
	// A restarted driver finds what it would write, and writes nothing either.
	w.at(w.driver(), 1010)
	if w.commits != 1 {
		t.Errorf("a restart wrote the status: %d commits", w.commits)
	}
}

// The largest step of one slot, in order: commit before actuate before journal.
func TestOrder(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.value, w.calls = 80, nil
	w.at(a, 10)
	want := []string{"Query", "Get", "Commit", "Set 8", "Record", "Outcome Applied"}
	if diff := cmp.Diff(want, w.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A recreated object shares nothing with its namesake.
func TestRecreated(t *testing.T) {
	for _, c := range []struct {
		reason string
		forget bool
	}{{"the deletion was seen", true}, {"only the new UID tells", false}} {
		w := newCluster(t)
		a := w.driver()
		w.value = 30
		w.at(a, 0)
		w.at(a, 10)
		if c.forget {
			a.Forget(web)
		}
		fresh := newCluster(t).object
		fresh.UID, fresh.CreationTimestamp = "u2", metav1.NewTime((start + 20).Time())
		w.object, w.version, w.scale.Spec = fresh, w.version+1, 9
		w.at(a, 20)
		r := w.last()
		if r.Slot != start+20 || r.Generation != 1 || r.StateBody != "" || r.Missed != 0 {
			t.Errorf("%s: state %q, generation %d, %d missed at %s", c.reason, r.StateBody, r.Generation, r.Missed, r.Slot)
		}
	}
}

// A new object causes no immediate scale-down: its first sight counts.
func TestFirstSightHolds(t *testing.T) {
	w := newCluster(t)
	w.object.Spec.Behavior = v1alpha1.Behavior{}
	w.value = 10
	a := w.driver()
	for seconds := 0; seconds < 300; seconds += 10 {
		w.at(a, seconds)
	}
	if w.writes != 0 || w.last().Reason != autoscaler.Stabilized {
		t.Errorf("within 300 s: %d writes, %s", w.writes, w.last().Reason)
	}
	w.at(a, 300)
	if w.scale.Spec != 1 {
		t.Errorf("after 300 s: %d replicas", w.scale.Spec)
	}
}

// TestStateFromTheFuture holds that a state that lies ahead of the clock, as of a
// restored backup or a clock that was wrong, is said and set aside.
func TestStateFromTheFuture(t *testing.T) {
	cases := map[string]struct {
		reason string
		ahead  int // seconds from the wake-up at 30 s to the last slot of the state
		want   []int
		reset  bool
	}{
		"Months":   {"nobody waits four months", 10_000_000, []int{40, 50}, true},
		"Interval": {"nor more than the clocks of two leaders may differ", 20, []int{40, 50}, true},
		"Skew":     {"a slot that another leader's clock reached first is not decided twice", 10, []int{50}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			w.object.Spec.Behavior = v1alpha1.Behavior{} // a window of 300 s
			w.at(w.driver(), 0)
			var state autoscaler.State
			if err := state.UnmarshalText([]byte(w.object.Status.State)); err != nil {
				t.Fatal(err)
			}
			state.Runs[len(state.Runs)-1].First = start + slot.Slot(30+c.ahead)
			text, err := state.AppendText(nil)
			if err != nil {
				t.Fatal(err)
			}
			w.object.Status.State = string(text)
			w.records, w.value = nil, 20 // asks for 2 of 5 replicas
			a := w.driver()
			w.at(a, 30)
			if c.reset {
				if got := w.condition(v1alpha1.ActiveCondition); !strings.HasPrefix(got, "False StateReset: the last decided slot in status.state is 20") {
					t.Errorf("%s: Active is %q", c.reason, got)
				}
				if w.object.Status.State != "" || len(w.outcomes) != 1 || w.outcomes[0].Result != StateReset {
					t.Errorf("%s: state %q, outcomes %+v", c.reason, w.object.Status.State, w.outcomes)
				}
			}
			w.at(a, 40)
			w.at(a, 50)
			if diff := cmp.Diff(c.want, w.slots()); diff != "" {
				t.Errorf("%s: decided slots (-want +got):\n%s", c.reason, diff)
			}
			if c.reset && w.records[0].Desired != 5 {
				t.Errorf("%s: the first slot scales down to %d at once", c.reason, w.records[0].Desired)
			}
			if got := w.condition(v1alpha1.ReadyCondition); !strings.HasPrefix(got, "True ") {
				t.Errorf("%s: afterwards Ready is %q", c.reason, got)
			}
		})
	}
}

// A state that is set aside, or that cannot be read, counts as activity: its target
// does not sleep before a cooldown is over, although it was never seen active.
func TestLostStateKeepsAwake(t *testing.T) {
	for name, text := range map[string]string{"Future": "1 10/0 300/0 1777600000 5:0 - -", "Corrupt": "?"} {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			cooldown := int32(60)
			w.object.Spec.Zero = &v1alpha1.Zero{CooldownSeconds: &cooldown}
			w.object.Spec.Metrics[0].Activation = resource.NewQuantity(0, resource.DecimalSI)
			w.object.Spec.Behavior = v1alpha1.Behavior{}
			w.object.Status.State = text
			w.value = 0
			for seconds := 10; seconds < 70; seconds += 10 {
				w.at(w.driver(), seconds) // each after a restart
				if w.scale.Spec != 5 {
					t.Fatalf("%d replicas after %d s", w.scale.Spec, seconds)
				}
			}
			w.at(w.driver(), 80)
			if w.scale.Spec != 0 {
				t.Errorf("%d replicas after the cooldown", w.scale.Spec)
			}
		})
	}
}

// TestClockThatCameBack holds that a process whose clock was ahead for a while
// goes on deciding, and decides no slot of the last minutes again.
func TestClockThatCameBack(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.at(a, 10_000_000)
	w.at(a, 20)
	w.at(a, 30)
	if diff := cmp.Diff([]int{0, 10_000_000, 30}, w.slots()); diff != "" {
		t.Errorf("decided slots (-want +got):\n%s", diff)
	}
	late := w.driver()
	late.Since = start + 20_000_000
	w.at(late, 40)
	w.at(late, 50)
	if diff := cmp.Diff([]int{0, 10_000_000, 30, 40, 50}, w.slots()); diff != "" {
		t.Errorf("decided slots of a leader since a time that never was (-want +got):\n%s", diff)
	}
}
