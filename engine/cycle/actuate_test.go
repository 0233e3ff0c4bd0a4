package cycle

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
)

// TestActuate holds what becomes of a command of 8 from 5.
func TestActuate(t *testing.T) {
	cases := map[string]struct {
		reason  string
		disturb func(*cluster)
		calls   []string // from the first Set on
		spec    int32
	}{
		"Applied": {"nothing in the way", func(*cluster) {},
			[]string{"Set 8", "Record", "Outcome Applied"}, 8},
		"Conflict": {"the target was touched, but not its count: again", func(c *cluster) {
			c.before = once("Set 8", func() error { c.writes++; return nil })
		}, []string{"Set 8", "Get", "Set 8", "Record", "Outcome Applied"}, 8},
		"Superseded": {"somebody set another count: theirs stays", func(c *cluster) {
			c.before = once("Set 8", func() error { c.scale.Spec, c.writes = 12, c.writes+1; return nil })
		}, []string{"Set 8", "Get", "Record", "Outcome Superseded"}, 12},
		"SameCount": {"somebody set the very count: there is nothing left to do", func(c *cluster) {
			c.before = once("Set 8", func() error { c.scale.Spec, c.writes = 8, c.writes+1; return nil })
		}, []string{"Set 8", "Get", "Record", "Outcome Superseded"}, 8},
		"ConflictForEver": {"a busy target ends the slot, not the driver", func(c *cluster) {
			c.before = func(call string) error {
				if call == "Set 8" {
					c.writes++
				}
				return nil
			}
		}, []string{"Set 8", "Get", "Set 8", "Get", "Set 8", "Get", "Record", "Outcome Conflict"}, 5},
		"Forbidden": {"no retry can help", func(c *cluster) {
			c.before = once("Set 8", func() error { return ErrForbidden })
		}, []string{"Set 8", "Record", "Outcome Forbidden"}, 5},
		"TimedOut": {"whether it landed, the next slot sees", func(c *cluster) {
			c.after = once("Set 8", func() error { return ErrTimedOut })
		}, []string{"Set 8", "Record", "Outcome TimedOut"}, 8},
		"Gone": {"the target vanished between the conflict and the look", func(c *cluster) {
			gone := false
			c.before = func(call string) error {
				switch {
				case call == "Set 8":
					gone = true
					return ErrConflict
				case gone && call == "Get":
					return ErrNotFound
				}
				return nil
			}
		}, []string{"Set 8", "Get", "Record", "Outcome NotFound"}, 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			a := w.driver()
			w.at(a, 0)
			w.value, w.calls = 80, nil
			c.disturb(w)
			w.at(a, 10)
			want := append([]string{"Query", "Get", "Commit"}, c.calls...)
			if diff := cmp.Diff(want, w.calls); diff != "" || w.scale.Spec != c.spec {
				t.Errorf("%s: %d replicas, want %d; calls (-want +got):\n%s", c.reason, w.scale.Spec, c.spec, diff)
			}
			if r := w.last(); r.Desired != 8 || r.Reason != autoscaler.ScaledUp {
				t.Errorf("the decision stands whatever came of it: %d %s", r.Desired, r.Reason)
			}
		})
	}
}

// A command that did not land spends no budget: it is decided again.
func TestFailedCommandIsTakenBack(t *testing.T) {
	w := newCluster(t)
	w.object.Spec.Behavior.ScaleUp = &v1alpha1.ScalingRules{Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 2, PeriodSeconds: 600}}}
	a := w.driver()
	w.at(a, 0)
	w.value = 90
	w.before = once("Set 7", func() error { return ErrUnavailable })
	w.at(a, 10)
	w.at(a, 20)
	w.at(a, 30)
	if w.scale.Spec != 7 || w.writes != 1 || w.last().Reason != autoscaler.RateLimited {
		t.Errorf("%d replicas after %d writes, %s", w.scale.Spec, w.writes, w.last().Reason)
	}
}

// TestResend crashes between commit and actuation, and looks at when and onto
// what the next driver wakes.
func TestResend(t *testing.T) {
	type crash struct{}
	cases := map[string]struct {
		reason  string
		restart int
		change  func(*cluster)
		want    []string // calls until the first decision's reads
		spec    int32
	}{
		"Within": {"younger than an interval and not landed: sent", 12, func(*cluster) {},
			[]string{"Load", "Get", "Set 8", "Outcome Applied"}, 8},
		"Late": {"an interval old: the next slot decides instead", 20, func(*cluster) {},
			[]string{"Load", "Query", "Get", "Commit", "Set 8", "Record", "Outcome Applied"}, 8},
		"LateCalm": {"and may decide otherwise", 20, func(c *cluster) { c.value = 50 },
			[]string{"Load", "Query", "Get", "Commit", "Record"}, 5},
		"Landed": {"the command did land before the crash", 12, func(c *cluster) { c.scale.Spec = 8 },
			[]string{"Load", "Get"}, 8},
		"Moved": {"somebody else wrote since", 12, func(c *cluster) { c.scale.Spec = 6 },
			[]string{"Load", "Get"}, 6},
		"Unreadable": {"what cannot be seen is not overwritten", 12, func(c *cluster) {
			c.before = once("Get", func() error { return ErrUnavailable })
		}, []string{"Load", "Get"}, 5},
		"DryRun": {"a dry run commands nothing", 12, func(c *cluster) {
			c.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.DryRun = true })
		}, []string{"Load"}, 5},
		"Invalid": {"an invalid spec commands nothing", 12, func(c *cluster) {
			c.edit(func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MinReplicas = 99 })
		}, []string{"Load"}, 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			a := w.driver()
			w.at(a, 0)
			w.value = 80
			w.before = once("Set 8", func() error { panic(crash{}) })
			func() {
				defer func() {
					if r := recover(); r != (crash{}) {
						t.Fatalf("no crash: %v", r)
					}
				}()
				w.at(a, 10)
			}()
			w.before, w.calls = nil, nil
			c.change(w)
			w.at(w.driver(), c.restart)
			if diff := cmp.Diff(c.want, w.calls); diff != "" || w.scale.Spec != c.spec {
				t.Errorf("%s: %d replicas, want %d; calls (-want +got):\n%s", c.reason, w.scale.Spec, c.spec, diff)
			}
		})
	}
}

// A dry run decides and journals, never writes the target, and takes its scale
// events from what others do to it.
func TestDryRun(t *testing.T) {
	for _, c := range []struct {
		reason string
		global bool
	}{{"the object's own", false}, {"the whole controller's", true}} {
		w := newCluster(t)
		w.object.Spec.DryRun = !c.global
		w.object.Spec.Behavior.ScaleUp = &v1alpha1.ScalingRules{Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 4, PeriodSeconds: 60}}}
		a := w.driver()
		a.DryRun = c.global
		w.value = 200
		var desired []int32
		for seconds := 0; seconds < 60; seconds += 10 {
			if seconds == 20 {
				w.scale.Spec = 8 // another autoscaler adds three of the four
			}
			w.at(a, seconds)
			desired = append(desired, w.last().Desired)
			if !w.last().DryRun {
				t.Errorf("%s: the record does not say dryRun", c.reason)
			}
		}
		if diff := cmp.Diff([]int32{9, 9, 9, 9, 9, 9}, desired); diff != "" {
			t.Errorf("%s: 4 more than the count of 60 s ago (-want +got):\n%s", c.reason, diff)
		}
		if w.writes != 0 || len(w.outcomes) != 0 || w.object.Status.LastScaleTime != nil {
			t.Errorf("%s: %d writes, outcomes %v, last scaled %v", c.reason, w.writes, w.outcomes, w.object.Status.LastScaleTime)
		}
		if got := w.object.Status.DesiredReplicas; got == nil || *got != 9 {
			t.Errorf("%s: the status must show what would be", c.reason)
		}
	}
}
