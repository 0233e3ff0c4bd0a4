package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// A NodeGroupHarness is a provider with one node group and the means to look
// behind it. The group must have Min < Desired < Max - 1, and Ready must differ
// from Desired.
type NodeGroupHarness struct {
	// Groups is the implementation under test.
	Groups cycle.NodeGroups
	// Ref is the group, Want what it must look like.
	Ref  cycle.NodeGroupRef
	Want cycle.NodeGroup
	// Missing is well formed, but there is no such group. Malformed can be none.
	Missing   cycle.NodeGroupRef
	Malformed []cycle.NodeGroupRef
	// Stored is the desired size that the cloud itself has of the group now.
	Stored func() int32
	// Writes counts what could have changed something in the cloud.
	Writes func() int
	// Elapse lets everything that was cached grow old. No node may become ready.
	Elapse func()
	// Fail makes all calls of the cloud fail with an error of a class, until it
	// is called with nil.
	Fail func(class error)
	// Classes are the failures that observing and resizing can have.
	Observe, Resize []error
	// Hang makes the cloud not answer; nil if calls of the provider cannot wait.
	Hang func()
}

// NodeGroups checks a provider of node groups against the contract.
func NodeGroups(t *testing.T, build func(t *testing.T) NodeGroupHarness) {
	t.Helper()
	run(t, build, []contract[NodeGroupHarness]{
		{"Observe", "desired, ready and the bounds are four different numbers", observesAll},
		{"ObserveOnly", "observing never changes anything", observesOnly},
		{"Resize", "a resize sets the desired size and nothing else, and is seen at once", resizes},
		{"ResizeTwice", "resizing to the same size again changes nothing", resizesTwice},
		{"ResizeBeyond", "a size beyond the provider's bounds is refused as a limit", refusesBeyond},
		{"ResizeNegative", "a negative size is invalid and never sent", refusesNegative},
		{"Missing", "an unknown group is not found, by either call", missesGroup},
		{"Malformed", "what cannot be an ID is invalid, by either call, and nothing is written", refusesMalformed},
		{"ObserveFailure", "each failure to observe has its class, and passes", failsToObserve},
		{"ResizeFailure", "each failure to resize has its class, changes nothing, and passes", failsToResize},
		{"Cancelled", "a context that has ended ends the calls, without a write", endsWithContext},
		{"Deadline", "a cloud that does not answer is given up at the deadline", endsAtDeadline},
	})
}

// sees fails unless observing yields want.
func (h NodeGroupHarness) sees(t *testing.T, want cycle.NodeGroup) error {
	t.Helper()
	got, err := h.Groups.Observe(t.Context(), h.Ref)
	if err != nil {
		return fmt.Errorf("observe: %w", err)
	}
	got.Message, want.Message = "", "" // the provider's own words
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}
	return nil
}

func observesAll(t *testing.T, h NodeGroupHarness) error { return h.sees(t, h.Want) }

func observesOnly(t *testing.T, h NodeGroupHarness) error {
	before := h.Stored()
	for range 3 {
		if err := h.sees(t, h.Want); err != nil {
			return err
		}
		h.Elapse()
	}
	if got := h.Stored(); got != before {
		return fmt.Errorf("the desired size went from %d to %d", before, got)
	}
	if writes := h.Writes(); writes != 0 {
		return fmt.Errorf("%d calls were made that can write", writes)
	}
	return nil
}

func resizes(t *testing.T, h NodeGroupHarness) error {
	if err := h.sees(t, h.Want); err != nil {
		return err
	}
	want := h.Want
	want.Desired++
	if err := h.Groups.Resize(t.Context(), h.Ref, want.Desired); err != nil {
		return fmt.Errorf("resize: %w", err)
	}
	if got := h.Stored(); got != want.Desired {
		return fmt.Errorf("the cloud has %d, not %d", got, want.Desired)
	}
	// Nothing has had the time to boot: desired has moved, ready has not.
	if err := h.sees(t, want); err != nil {
		return fmt.Errorf("right after the resize: %w", err)
	}
	h.Elapse()
	return h.sees(t, want)
}

func resizesTwice(t *testing.T, h NodeGroupHarness) error {
	want := h.Want
	want.Desired++
	for range 2 {
		if err := h.Groups.Resize(t.Context(), h.Ref, want.Desired); err != nil {
			return fmt.Errorf("resize: %w", err)
		}
		if err := h.sees(t, want); err != nil {
			return err
		}
	}
	return nil
}

func refusesBeyond(t *testing.T, h NodeGroupHarness) error {
	sizes := []int32{h.Want.Min - 1}
	if h.Want.Max >= 0 {
		sizes = append(sizes, h.Want.Max+1)
	}
	for _, size := range sizes {
		if size < 0 {
			continue
		}
		if err := h.Groups.Resize(t.Context(), h.Ref, size); !errors.Is(err, cycle.ErrLimit) {
			return fmt.Errorf("size %d of %d to %d: got %v, want %v", size, h.Want.Min, h.Want.Max, err, cycle.ErrLimit)
		}
	}
	return h.sees(t, h.Want)
}

func refusesNegative(t *testing.T, h NodeGroupHarness) error {
	if err := h.Groups.Resize(t.Context(), h.Ref, -1); !errors.Is(err, cycle.ErrInvalid) {
		return fmt.Errorf("got %v, want %v", err, cycle.ErrInvalid)
	}
	return h.untouched()
}

func missesGroup(t *testing.T, h NodeGroupHarness) error {
	return h.bothFail(t, t.Context(), h.Missing, cycle.ErrNotFound)
}

func refusesMalformed(t *testing.T, h NodeGroupHarness) error {
	for _, ref := range h.Malformed {
		if err := h.bothFail(t, t.Context(), ref, cycle.ErrInvalid); err != nil {
			return fmt.Errorf("id %q: %w", ref.ID, err)
		}
	}
	return h.untouched()
}

// bothFail fails unless both calls return an error of a class, and nothing else.
func (h NodeGroupHarness) bothFail(t *testing.T, ctx context.Context, ref cycle.NodeGroupRef, class error) error {
	t.Helper()
	if err := h.observeFails(ctx, ref, class); err != nil {
		return err
	}
	if err := h.Groups.Resize(ctx, ref, h.Want.Desired+1); !errors.Is(err, class) {
		return fmt.Errorf("resize: got %v, want %v", err, class)
	}
	return nil
}

func (h NodeGroupHarness) observeFails(ctx context.Context, ref cycle.NodeGroupRef, class error) error {
	got, err := h.Groups.Observe(ctx, ref)
	if !errors.Is(err, class) {
		return fmt.Errorf("observe: got %v, want %v", err, class)
	}
	if got != (cycle.NodeGroup{}) {
		return fmt.Errorf("observe: got both %+v and the error %w", got, err)
	}
	return nil
}

// untouched fails if anything was sent or changed.
func (h NodeGroupHarness) untouched() error {
	if writes := h.Writes(); writes != 0 {
		return fmt.Errorf("%d calls were made that can write", writes)
	}
	if got := h.Stored(); got != h.Want.Desired {
		return fmt.Errorf("the desired size became %d", got)
	}
	return nil
}

func failsToObserve(t *testing.T, h NodeGroupHarness) error {
	if missing := lacking(h.Observe, cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	for _, class := range h.Observe {
		h.Fail(class)
		h.Elapse()
		if err := h.observeFails(t.Context(), h.Ref, class); err != nil {
			return err
		}
		h.Fail(nil)
		h.Elapse()
		if err := h.sees(t, h.Want); err != nil {
			return fmt.Errorf("after %v: %w", class, err)
		}
	}
	return nil
}

func failsToResize(t *testing.T, h NodeGroupHarness) error {
	if missing := lacking(h.Resize, cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrInProgress, cycle.ErrLimit); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	for _, class := range h.Resize {
		h.Fail(class)
		err := h.Groups.Resize(t.Context(), h.Ref, h.Want.Desired+1)
		h.Fail(nil)
		h.Elapse()
		if !errors.Is(err, class) {
			return fmt.Errorf("got %v, want %v", err, class)
		}
		if got, want := cycle.Code(err), cycle.Code(class); got != want {
			return fmt.Errorf("%v has the code %s, want %s", err, got, want)
		}
		if err := h.sees(t, h.Want); err != nil {
			return fmt.Errorf("after %v: %w", class, err)
		}
	}
	if err := h.Groups.Resize(t.Context(), h.Ref, h.Want.Desired+1); err != nil {
		return fmt.Errorf("after the failures: %w", err)
	}
	return nil
}

func endsWithContext(t *testing.T, h NodeGroupHarness) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.bothFail(t, ctx, h.Ref, context.Canceled); err != nil {
		return err
	}
	return h.untouched()
}

func endsAtDeadline(t *testing.T, h NodeGroupHarness) error {
	if h.Hang == nil {
		t.Skip("calls of this provider cannot wait")
	}
	h.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := h.Groups.Observe(ctx, h.Ref)
	if got := cycle.Code(err); got != observation.TimedOut {
		return fmt.Errorf("observe: %v has the code %q, want %s", err, got, observation.TimedOut)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.Groups.Resize(ctx, h.Ref, h.Want.Desired+1); cycle.Code(err) != observation.TimedOut {
		return fmt.Errorf("resize: %v has the code %q, want %s", err, cycle.Code(err), observation.TimedOut)
	}
	return nil
}

// lacking is the first class that a list has not.
func lacking(list []error, classes ...error) error {
	for _, class := range classes {
		if !slices.Contains(list, class) {
			return class
		}
	}
	return nil
}
