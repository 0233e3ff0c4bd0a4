package providertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// A QueueHarness is a provider with one queue and the means to look behind it.
type QueueHarness struct {
	// Queues is the implementation under test.
	Queues cycle.Queues
	// Ref is the queue, Want what it must look like, all its numbers positive
	// and different.
	Ref  cycle.QueueRef
	Want cycle.Queue
	// Empty is a queue without messages.
	Empty cycle.QueueRef
	// Missing is well formed, but there is no such queue. Malformed can be none.
	Missing   cycle.QueueRef
	Malformed []cycle.QueueRef
	// Writes counts what could have changed something in the cloud.
	Writes func() int
	// Elapse lets everything that was cached grow old.
	Elapse func()
	// Fail makes all calls of the cloud fail with an error of a class, until it
	// is called with nil; Classes are those it can.
	Fail    func(class error)
	Classes []error
	// HideAge makes the cloud withhold the age; nil if it cannot.
	HideAge func()
	// Hang makes the cloud not answer; nil if calls of the provider cannot wait.
	Hang func()
}

// Queues checks a provider of queues against the contract.
func Queues(t *testing.T, build func(t *testing.T) QueueHarness) {
	t.Helper()
	run(t, build, []contract[QueueHarness]{
		{"Observe", "length, in flight and age are three different numbers, and reading changes nothing", readsQueue},
		{"Empty", "an empty queue is no failure, and its age is not an old one", readsEmpty},
		{"AgeUnknown", "an age that cannot be read is negative, and the lengths still count", readsWithoutAge},
		{"Missing", "an unknown queue is not found", missesQueue},
		{"Malformed", "what cannot be an ID is invalid", refusesQueue},
		{"Failure", "each failure has its class, and passes", failsToRead},
		{"Cancelled", "a context that has ended ends the call", cancelsRead},
		{"Deadline", "a cloud that does not answer is given up at the deadline", timesOutRead},
	})
}

// sees fails unless observing yields want.
func (h QueueHarness) sees(t *testing.T, want cycle.Queue) error {
	t.Helper()
	got, err := h.Queues.Observe(t.Context(), h.Ref)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}
	return nil
}

// fails fails unless observing yields an error of a class, and nothing else.
func (h QueueHarness) fails(ctx context.Context, ref cycle.QueueRef, class error) error {
	got, err := h.Queues.Observe(ctx, ref)
	if !errors.Is(err, class) {
		return fmt.Errorf("queue %q: got %v, want %v", ref.ID, err, class)
	}
	if got != (cycle.Queue{}) {
		return fmt.Errorf("queue %q: got both %+v and the error %w", ref.ID, got, err)
	}
	return nil
}

func readsQueue(t *testing.T, h QueueHarness) error {
	for range 2 {
		if err := h.sees(t, h.Want); err != nil {
			return err
		}
		h.Elapse()
	}
	if writes := h.Writes(); writes != 0 {
		return fmt.Errorf("%d calls were made that can write", writes)
	}
	return nil
}

func readsEmpty(t *testing.T, h QueueHarness) error {
	got, err := h.Queues.Observe(t.Context(), h.Empty)
	if err != nil {
		return err
	}
	if got.Length != 0 || got.InFlight != 0 || got.OldestAge > 0 {
		return fmt.Errorf("got %+v", got)
	}
	return nil
}

func readsWithoutAge(t *testing.T, h QueueHarness) error {
	if h.HideAge == nil {
		t.Skip("the age of this provider is always known")
	}
	h.HideAge()
	want := h.Want
	want.OldestAge = -1
	return h.sees(t, want)
}

func missesQueue(t *testing.T, h QueueHarness) error {
	return h.fails(t.Context(), h.Missing, cycle.ErrNotFound)
}

func refusesQueue(t *testing.T, h QueueHarness) error {
	for _, ref := range h.Malformed {
		if err := h.fails(t.Context(), ref, cycle.ErrInvalid); err != nil {
			return err
		}
	}
	return nil
}

func failsToRead(t *testing.T, h QueueHarness) error {
	if missing := lacking(h.Classes, cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	for _, class := range h.Classes {
		h.Fail(class)
		h.Elapse()
		if err := h.fails(t.Context(), h.Ref, class); err != nil {
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

func cancelsRead(t *testing.T, h QueueHarness) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return h.fails(ctx, h.Ref, context.Canceled)
}

func timesOutRead(t *testing.T, h QueueHarness) error {
	if h.Hang == nil {
		t.Skip("calls of this provider cannot wait")
	}
	h.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := h.Queues.Observe(ctx, h.Ref)
	if got := cycle.Code(err); got != observation.TimedOut {
		return fmt.Errorf("%v has the code %q, want %s", err, got, observation.TimedOut)
	}
	return nil
}
