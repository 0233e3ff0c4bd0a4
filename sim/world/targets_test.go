package world

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/limit"
)

// TestTargetStartup has each new replica start as drawn: not in the order in which
// they were asked for, and the time without a node apart.
func TestTargetStartup(t *testing.T) {
	type counts struct{ Status, Ready, Waiting int32 }
	type step struct {
		reason string
		at     time.Duration
		scale  int32 // 0 leaves the count
		want   counts
	}
	cases := map[string][]step{
		"OutOfOrder": {
			{"each new replica draws its own start-up; the one that needs none is ready at once", 0, 5, counts{5, 2, 1}},
			{"the one with a node is ready first, though asked for later", 10 * time.Second, 0, counts{5, 3, 1}},
			{"a node is there, and the pod boots", 60 * time.Second, 0, counts{5, 3, 0}},
			{"after the node comes the boot", 90 * time.Second, 0, counts{5, 4, 0}},
			{"the slowest boots longest", 300 * time.Second, 0, counts{5, 5, 0}},
		},
		"WaitingGoesFirst": {
			{"three of four start", 0, 5, counts{5, 2, 1}},
			{"a replica without a node goes before those that boot", time.Second, 4, counts{4, 2, 0}},
			{"then the youngest that boots: that of 300 s, and not that of 10 s", 2 * time.Second, 3, counts{3, 2, 0}},
			{"what is left is ready in its time", 10 * time.Second, 0, counts{3, 3, 0}},
			{"those that went come no more", time.Hour, 0, counts{3, 3, 0}},
		},
		"Again": {
			{"three of four start", 0, 5, counts{5, 2, 1}},
			{"all new ones go, and one that serves", time.Second, 1, counts{1, 1, 0}},
			{"the next draws go on where the last ended", 2 * time.Second, 2, counts{2, 1, 1}},
			{"and are not ready with those before", 62 * time.Second, 0, counts{2, 1, 0}},
			{"but in their own time", 92 * time.Second, 0, counts{2, 2, 0}},
		},
	}
	for name, steps := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLine()
			targets := NewTargets(l)
			ref := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
			drawn, draws := [][2]time.Duration{{time.Minute, 30 * time.Second}, {0, 10 * time.Second}, {0, 0}, {0, 5 * time.Minute}}, 0
			target := &Target{Ref: ref, Spec: 1, Status: 1, Startup: func() (wait, boot time.Duration) {
				d := drawn[draws%len(drawn)]
				draws++
				return d[0], d[1]
			}}
			if err := targets.Add(target); err != nil {
				t.Fatal(err)
			}
			for _, s := range steps {
				l.move(s.at)
				if s.scale > 0 {
					scale, err := targets.Get(context.Background(), ref, time.Time{})
					if err == nil {
						err = targets.Set(context.Background(), ref, scale, s.scale)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(s.want, counts{target.Status, target.Serving(), target.Waiting()}); diff != "" {
					t.Errorf("%s, at %v (-want +got):\n%s", s.reason, s.at, diff)
				}
			}
		})
	}
}

// What is simulated replica by replica is scaled to no more of them than fit into
// memory, whoever asks: a pause at a count looks at no maximum.
func TestPodByPodIsBounded(t *testing.T) {
	targets := NewTargets(newLine())
	drawn := &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "drawn"}, Startup: func() (wait, boot time.Duration) { return 0, time.Second }}
	counted := &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "counted"}, ReadyAfter: time.Second}
	if err := errors.Join(targets.Add(drawn), targets.Add(counted)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target   *Target
		replicas int32
		want     error
	}{{drawn, limit.Pods, nil}, {drawn, limit.Pods + 1, cycle.ErrLimit}, {drawn, math.MaxInt32, cycle.ErrLimit}, {counted, math.MaxInt32, nil}} {
		if err := targets.Set(t.Context(), c.target.Ref, cycle.Scale{Version: c.target.tag}, c.replicas); !errors.Is(err, c.want) {
			t.Errorf("%s to %d: %v, want %v", c.target.Ref.Name, c.replicas, err, c.want)
		}
	}
	if drawn.Spec != limit.Pods {
		t.Errorf("%d replicas, want those it had, %d", drawn.Spec, limit.Pods)
	}
}
