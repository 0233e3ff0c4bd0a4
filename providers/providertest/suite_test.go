package providertest

import (
	"context"
	"fmt"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A broken provider is correct but for what its fields change.
type broken struct {
	group    cycle.NodeGroup
	failure  error
	writes   int
	observed func(*broken)
	resized  func(*broken, int32) error
	answer   func(cycle.NodeGroup, error) (cycle.NodeGroup, error)
}

func (b *broken) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	if b.observed != nil {
		b.observed(b)
	}
	got, err := b.group, b.check(ctx, ref)
	if err != nil {
		got = cycle.NodeGroup{}
	}
	if b.answer != nil {
		return b.answer(got, err)
	}
	return got, err
}

func (b *broken) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	if b.resized != nil {
		return b.resized(b, desired)
	}
	switch err := b.check(ctx, ref); {
	case err != nil:
		return err
	case desired < 0:
		return cycle.ErrInvalid
	case desired < b.group.Min || desired > b.group.Max:
		return cycle.ErrLimit
	}
	b.writes++
	b.group.Desired = desired
	return nil
}

func (b *broken) check(ctx context.Context, ref cycle.NodeGroupRef) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("call: %w", ctx.Err())
	case b.failure != nil:
		return b.failure
	case ref.ID == "":
		return cycle.ErrInvalid
	case ref.ID != "web":
		return cycle.ErrNotFound
	}
	return nil
}

func (b *broken) harness() NodeGroupHarness {
	b.group = cycle.NodeGroup{Desired: 5, Ready: 3, Min: 1, Max: 9}
	classes := []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrInProgress, cycle.ErrLimit}
	return NodeGroupHarness{
		Groups: b, Ref: cycle.NodeGroupRef{ID: "web"}, Want: b.group,
		Missing: cycle.NodeGroupRef{ID: "gone"}, Malformed: []cycle.NodeGroupRef{{}},
		Stored:  func() int32 { return b.group.Desired },
		Writes:  func() int { return b.writes },
		Elapse:  func() {},
		Fail:    func(class error) { b.failure = class },
		Observe: classes, Resize: classes,
	}
}

func TestSuiteAcceptsAndRefuses(t *testing.T) {
	NodeGroups(t, func(*testing.T) NodeGroupHarness { return (&broken{}).harness() })

	cases := map[string]struct {
		reason   string
		provider *broken
		check    func(*testing.T, NodeGroupHarness) error
	}{
		"ReadyAsDesired": {"ready in place of desired", &broken{answer: func(g cycle.NodeGroup, err error) (cycle.NodeGroup, error) {
			g.Desired = g.Ready
			return g, err
		}}, observesAll},
		"WritesOnObserve": {"an Observe that writes", &broken{observed: func(b *broken) { b.writes++ }}, observesOnly},
		"DriftsOnObserve": {"an Observe that changes the size", &broken{observed: func(b *broken) { b.group.Desired++ }}, observesOnly},
		"RelativeResize": {"a Resize that adds", &broken{resized: func(b *broken, n int32) error {
			b.group.Desired += n - 5
			return nil
		}}, resizesTwice},
		"LostResize": {"a Resize that is not seen", &broken{resized: func(*broken, int32) error { return nil }}, resizes},
		"ReadyAtOnce": {"a Resize that makes nodes ready by itself", &broken{resized: func(b *broken, n int32) error {
			b.group.Desired, b.group.Ready = n, n
			return nil
		}}, resizes},
		"NoBounds":     {"a Resize beyond the bounds", &broken{resized: func(b *broken, n int32) error { b.group.Desired = n; return nil }}, refusesBeyond},
		"NegativeSize": {"a negative Resize", &broken{resized: func(b *broken, n int32) error { b.group.Desired = n; return nil }}, refusesNegative},
		"ZeroForError": {"0 nodes for a failure", &broken{answer: func(g cycle.NodeGroup, _ error) (cycle.NodeGroup, error) { return g, nil }}, missesGroup},
		"BothAnswers": {"numbers beside an error", &broken{answer: func(_ cycle.NodeGroup, err error) (cycle.NodeGroup, error) {
			return cycle.NodeGroup{Max: 9}, err
		}}, failsToObserve},
		"LostClass": {"an error without a class", &broken{answer: func(g cycle.NodeGroup, err error) (cycle.NodeGroup, error) {
			if err != nil {
				err = fmt.Errorf("it failed: %v", err)
			}
			return g, err
		}}, failsToObserve},
		"IgnoresContext": {"a call that outlives its context", &broken{resized: func(*broken, int32) error { return nil }}, endsWithContext},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if c.check(t, c.provider.harness()) == nil {
				t.Errorf("the suite accepts %s", c.reason)
			}
		})
	}
}
