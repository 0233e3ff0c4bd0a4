package world

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// rolled is an object in a rollout, with pods or without.
type rolled struct {
	target *Target
	// scale sets spec.replicas, begin begins a rollout, old counts what it is to replace.
	scale func(int32)
	begin func(Rollout)
	old   func() int32
}

// rolledOf makes an object with ready replicas of both kinds, whose new ones start up.
func rolledOf(l *line, pods bool, replicas int32, startup time.Duration) rolled {
	if pods {
		w := &Workload{Demand: Constant(0), Capacity: 1, Startup: Fixed(startup)}
		targets, _ := worldOf(l, w, replicas)
		return rolled{w.Target, func(n int32) { targets.Scale(w.Target, n) }, w.Rollout, func() int32 {
			f := w.fleet()
			return f.oldReady + f.oldUnready
		}}
	}
	targets := NewTargets(l)
	t := &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}, ReadyAfter: startup}
	if err := targets.Add(t); err != nil {
		panic(err)
	}
	t.Begin(replicas)
	return rolled{t, func(n int32) { targets.Scale(t, n) }, func(r Rollout) { targets.Rollout(t, r) }, func() int32 { return t.old }}
}

// TestRollingUpdate follows rolling updates, with pods and without, as Kubernetes' Deployment
// controller makes them.
func TestRollingUpdate(t *testing.T) {
	type counts struct{ Status, Ready, Old int32 }
	type step struct {
		reason string
		at     time.Duration
		scale  int32 // 0 leaves the count
		want   counts
	}
	cases := map[string]struct {
		replicas int32
		rollout  Rollout
		steps    []step
	}{
		"Default": {8, Rollout{Surge: intstr.FromString("25%"), Unavailable: intstr.FromString("25%")}, []step{
			{"two more than spec start, and two of the old ones may go: then there is room for two more", 0, 0, counts{10, 6, 6}},
			{"four are ready, so that four old ones go and the other four new ones start", 30 * time.Second, 0, counts{10, 6, 2}},
			{"all is new", 60 * time.Second, 0, counts{8, 8, 0}},
		}},
		"SurgeOnly": {4, Rollout{Surge: intstr.FromInt32(1), Unavailable: intstr.FromInt32(0)}, []step{
			{"one more starts, and none goes before it is ready", 0, 0, counts{5, 4, 4}},
			{"it is ready, so one goes, and the next starts", 30 * time.Second, 0, counts{5, 4, 3}},
			{"and so on", 90 * time.Second, 0, counts{5, 4, 1}},
			{"all is new", 120 * time.Second, 0, counts{4, 4, 0}},
		}},
		"UnavailableOnly": {4, Rollout{Surge: intstr.FromInt32(0), Unavailable: intstr.FromInt32(1)}, []step{
			{"one goes before another one starts", 0, 0, counts{4, 3, 3}},
			{"then the next", 30 * time.Second, 0, counts{4, 3, 2}},
			{"all is new", 120 * time.Second, 0, counts{4, 4, 0}},
		}},
		"Rounding": {5, Rollout{Surge: intstr.FromString("10%"), Unavailable: intstr.FromString("10%")}, []step{
			{"a tenth of 5 is 1 upwards and 0 downwards", 0, 0, counts{6, 5, 5}},
		}},
		"BothRoundToNothing": {4, Rollout{Surge: intstr.FromString("0%"), Unavailable: intstr.FromString("10%")}, []step{
			{"then one may be missing, else nothing could move", 0, 0, counts{4, 3, 3}},
		}},
		"ScaledUp": {4, Rollout{Surge: intstr.FromInt32(1), Unavailable: intstr.FromInt32(0)}, []step{
			{"one more starts", 0, 0, counts{5, 4, 4}},
			{"what is asked for besides is new, up to spec and the surge", 10 * time.Second, 8, counts{9, 4, 4}},
			{"five new ones are ready with four old ones: one goes, and one starts", 40 * time.Second, 0, counts{9, 8, 3}},
			{"all is new", 3 * time.Minute, 0, counts{8, 8, 0}},
		}},
		"ScaledDown": {8, Rollout{Surge: intstr.FromInt32(1), Unavailable: intstr.FromInt32(0)}, []step{
			{"one more starts", 0, 0, counts{9, 8, 8}},
			{"old ones go, down to the new count", 10 * time.Second, 3, counts{4, 3, 3}},
			{"all is new", 3 * time.Minute, 0, counts{3, 3, 0}},
		}},
		"Batch": {4, Rollout{Batch: 2}, []step{
			{"two go, and two others start", 0, 0, counts{4, 2, 2}},
			{"a new one is asked for: the rollout waits for it", 10 * time.Second, 5, counts{5, 2, 2}},
			{"two are ready", 30 * time.Second, 0, counts{5, 4, 2}},
			{"so is the third, and the next two go", 40 * time.Second, 0, counts{5, 3, 0}},
			{"all is new", 70 * time.Second, 0, counts{5, 5, 0}},
		}},
	}
	for name, tc := range cases {
		for _, pods := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/pods=%v", name, pods), func(t *testing.T) {
				l := newLine()
				o := rolledOf(l, pods, tc.replicas, 30*time.Second)
				o.begin(tc.rollout)
				for _, s := range tc.steps {
					l.move(s.at)
					if s.scale > 0 {
						o.scale(s.scale)
					}
					if got := (counts{o.target.Status, o.target.Serving(), o.old()}); got != s.want {
						t.Fatalf("at %s: %s: %s", s.at, s.reason, cmp.Diff(s.want, got))
					}
				}
			})
		}
	}
}

// TestRollingUpdateEnds rolls out, again and again, while the count changes: with pods and
// without the same counts come out, none is ever out of the rollout's bounds, and every
// rollout ends.
func TestRollingUpdateEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Custom(func(t *rapid.T) intstr.IntOrString {
			if rapid.Bool().Draw(t, "percent") {
				return intstr.FromString(fmt.Sprintf("%d%%", rapid.IntRange(0, 100).Draw(t, "percentage")))
			}
			return intstr.FromInt32(rapid.Int32Range(0, 5).Draw(t, "number"))
		})
		l := [2]*line{newLine(), newLine()}
		count := rapid.Int32Range(0, 12).Draw(t, "count")
		objects := [2]rolled{rolledOf(l[0], false, count, 20*time.Second), rolledOf(l[1], true, count, 20*time.Second)}
		now, spec, most, least := time.Duration(0), count, count, count
		var r Rollout
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch {
			case rapid.Bool().Draw(t, "roll"):
				r = Rollout{Surge: share.Draw(t, "surge"), Unavailable: share.Draw(t, "unavailable")}
				for _, o := range objects {
					o.begin(r)
				}
			case rapid.Bool().Draw(t, "scale"):
				spec = rapid.Int32Range(0, 12).Draw(t, "spec")
				for _, o := range objects {
					o.scale(spec)
				}
			}
			surge, unavailable := r.bounds(spec)
			most, least = max(most, spec)+surge, min(least, spec)-unavailable
			now += time.Duration(rapid.IntRange(0, 30).Draw(t, "wait")) * time.Second
			for i, o := range objects {
				l[i].move(now)
				if o.target.Status > most || o.target.Status < 0 || o.target.Serving() < min(least, 0) || o.target.Serving() > o.target.Status {
					t.Fatalf("object %d: %d replicas, %d ready, at most %d", i, o.target.Status, o.target.Serving(), most)
				}
			}
			if a, b := objects[0].target, objects[1].target; a.Status != b.Status || a.Serving() != b.Serving() || objects[0].old() != objects[1].old() {
				t.Fatalf("without pods %d of %d ready, %d old; with pods %d of %d, %d old", a.Serving(), a.Status, objects[0].old(), b.Serving(), b.Status, objects[1].old())
			}
		}
		for i, o := range objects {
			l[i].move(now + time.Hour)
			if o.target.Status != spec || o.target.Serving() != spec || o.old() != 0 {
				t.Fatalf("object %d ends with %d of %d ready, %d old; spec is %d", i, o.target.Serving(), o.target.Status, o.old(), spec)
			}
		}
	})
}
