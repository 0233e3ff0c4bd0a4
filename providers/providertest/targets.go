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

// ever is an instant before anything that is counted.
var ever = time.Unix(0, 0)

// A ScaleTargetHarness is an implementation of cycle.ScaleTargets with one object
// and the means to look behind it.
type ScaleTargetHarness struct {
	// Targets is the implementation under test.
	Targets cycle.ScaleTargets
	// Ref is the object, Want what it must look like: three different positive
	// numbers. Version is not compared.
	Ref  cycle.TargetRef
	Want cycle.Scale
	// Missing is well formed, but there is no such object.
	Missing cycle.TargetRef
	// Stored is the spec.replicas that the world itself has of the object now.
	Stored func() int32
	// Touch has somebody else change the object, and leaves its counts.
	Touch func()
	// Fail makes all calls fail with an error of a class, until it is called with
	// nil. Get and Set are the classes that reading and writing can have.
	Fail     func(class error)
	Get, Set []error
	// Hang makes the world not answer; nil if calls cannot wait.
	Hang func()
}

// ScaleTargets checks an implementation of cycle.ScaleTargets against the contract.
func ScaleTargets(t *testing.T, build func(t *testing.T) ScaleTargetHarness) {
	t.Helper()
	run(t, build, []contract[ScaleTargetHarness]{
		{"Get", "spec, status and ready are three different numbers", readsScale},
		{"GetOnly", "reading never changes anything, the version included", readsScaleOnly},
		{"Set", "a write sets spec.replicas and nothing else, and is seen at once", setsScale},
		{"SetSame", "writing the same count again is no conflict", setsSameScale},
		{"SetZero", "0 replicas are a count like any other", setsZero},
		{"Changed", "a version that somebody else's change made old is a conflict, and nothing is written", refusesOldScale},
		{"Written", "a version that a write made old is a conflict", refusesWrittenScale},
		{"Missing", "an unknown object is not found, by either call", missesScale},
		{"GetFailure", "each failure to read has its class, and passes", failsToGet},
		{"SetFailure", "each failure to write has its class, changes nothing, and passes", failsToSet},
		{"Deadline", "a world that does not answer is given up at the deadline", scaleEndsAtDeadline},
	})
}

// sees fails unless a read yields want, and returns it with its version.
func (h ScaleTargetHarness) sees(t *testing.T, want cycle.Scale) (cycle.Scale, error) {
	t.Helper()
	got, err := h.Targets.Get(t.Context(), h.Ref, ever)
	if err != nil {
		return got, fmt.Errorf("get: %w", err)
	}
	if got.ReadyLeast > got.Ready || got.ReadyMost < got.Ready {
		return got, fmt.Errorf("%d are ready, but %d to %d since ever", got.Ready, got.ReadyLeast, got.ReadyMost)
	}
	want.Version, want.ReadyLeast, want.ReadyMost = got.Version, got.ReadyLeast, got.ReadyMost
	if diff := cmp.Diff(want, got); diff != "" {
		return got, fmt.Errorf("(-want +got):\n%s", diff)
	}
	if got.Version == "" {
		return got, errors.New("it has no version")
	}
	return got, nil
}

func readsScale(t *testing.T, h ScaleTargetHarness) error {
	_, err := h.sees(t, h.Want)
	return err
}

func readsScaleOnly(t *testing.T, h ScaleTargetHarness) error {
	before, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	for range 2 {
		after, err := h.sees(t, h.Want)
		if err != nil {
			return err
		}
		if after.Version != before.Version {
			return fmt.Errorf("the version went from %s to %s", before.Version, after.Version)
		}
	}
	if got := h.Stored(); got != h.Want.Spec {
		return fmt.Errorf("spec.replicas became %d", got)
	}
	return nil
}

func setsScale(t *testing.T, h ScaleTargetHarness) error {
	return h.sets(t, h.Want.Spec+1)
}

func setsZero(t *testing.T, h ScaleTargetHarness) error {
	return h.sets(t, 0)
}

// sets fails unless a count can be written and is there afterwards.
func (h ScaleTargetHarness) sets(t *testing.T, replicas int32) error {
	t.Helper()
	observed, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	if err := h.Targets.Set(t.Context(), h.Ref, observed, replicas); err != nil {
		return fmt.Errorf("set: %w", err)
	}
	if got := h.Stored(); got != replicas {
		return fmt.Errorf("the world has %d, not %d", got, replicas)
	}
	after, err := h.Targets.Get(t.Context(), h.Ref, ever)
	if err != nil {
		return fmt.Errorf("get: %w", err)
	}
	if after.Spec != replicas {
		return fmt.Errorf("right after the write spec is %d", after.Spec)
	}
	if after.Version == observed.Version {
		return errors.New("the write has not changed the version")
	}
	return nil
}

func setsSameScale(t *testing.T, h ScaleTargetHarness) error {
	for range 2 {
		observed, err := h.sees(t, h.Want)
		if err != nil {
			return err
		}
		if err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec); err != nil {
			return fmt.Errorf("set: %w", err)
		}
	}
	_, err := h.sees(t, h.Want)
	return err
}

func refusesOldScale(t *testing.T, h ScaleTargetHarness) error {
	observed, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	h.Touch()
	if err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec+1); !errors.Is(err, cycle.ErrConflict) {
		return fmt.Errorf("got %v, want %v", err, cycle.ErrConflict)
	}
	if got := h.Stored(); got != h.Want.Spec {
		return fmt.Errorf("the conflict wrote %d", got)
	}
	_, err = h.sees(t, h.Want)
	return err
}

func refusesWrittenScale(t *testing.T, h ScaleTargetHarness) error {
	observed, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	if err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec+1); err != nil {
		return fmt.Errorf("set: %w", err)
	}
	if err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec+2); !errors.Is(err, cycle.ErrConflict) {
		return fmt.Errorf("got %v, want %v", err, cycle.ErrConflict)
	}
	if got := h.Stored(); got != h.Want.Spec+1 {
		return fmt.Errorf("the conflict wrote %d", got)
	}
	return nil
}

func missesScale(t *testing.T, h ScaleTargetHarness) error {
	if err := h.getFails(t.Context(), h.Missing, cycle.ErrNotFound); err != nil {
		return err
	}
	if err := h.Targets.Set(t.Context(), h.Missing, cycle.Scale{Version: "1"}, 1); !errors.Is(err, cycle.ErrNotFound) {
		return fmt.Errorf("set: got %v, want %v", err, cycle.ErrNotFound)
	}
	return nil
}

func (h ScaleTargetHarness) getFails(ctx context.Context, ref cycle.TargetRef, class error) error {
	got, err := h.Targets.Get(ctx, ref, ever)
	if !errors.Is(err, class) || cycle.Code(err) != cycle.Code(class) {
		return fmt.Errorf("get: got %v, want %v", err, class)
	}
	if got != (cycle.Scale{}) {
		return fmt.Errorf("get: got both %+v and the error %w", got, err)
	}
	return nil
}

func failsToGet(t *testing.T, h ScaleTargetHarness) error {
	if len(h.Get) == 0 {
		return errors.New("the harness must be able to fail")
	}
	for _, class := range h.Get {
		h.Fail(class)
		err := h.getFails(t.Context(), h.Ref, class)
		h.Fail(nil)
		if err != nil {
			return err
		}
		if _, err := h.sees(t, h.Want); err != nil {
			return fmt.Errorf("after %v: %w", class, err)
		}
	}
	return nil
}

func failsToSet(t *testing.T, h ScaleTargetHarness) error {
	if missing := lacking(h.Set, cycle.ErrForbidden, cycle.ErrConflict, cycle.ErrTimedOut); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	observed, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	for _, class := range h.Set {
		h.Fail(class)
		err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec+1)
		h.Fail(nil)
		if !errors.Is(err, class) || cycle.Code(err) != cycle.Code(class) {
			return fmt.Errorf("got %v, want %v", err, class)
		}
		if _, err := h.sees(t, h.Want); err != nil {
			return fmt.Errorf("after %v: %w", class, err)
		}
	}
	if err := h.Targets.Set(t.Context(), h.Ref, observed, h.Want.Spec+1); err != nil {
		return fmt.Errorf("after the failures: %w", err)
	}
	return nil
}

func scaleEndsAtDeadline(t *testing.T, h ScaleTargetHarness) error {
	if h.Hang == nil {
		return nil // calls of this implementation cannot wait
	}
	observed, err := h.sees(t, h.Want)
	if err != nil {
		return err
	}
	h.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.Targets.Get(ctx, h.Ref, ever); cycle.Code(err) != observation.TimedOut {
		return fmt.Errorf("get: %v has the code %q, want %s", err, cycle.Code(err), observation.TimedOut)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := h.Targets.Set(ctx, h.Ref, observed, h.Want.Spec+1); cycle.Code(err) != observation.TimedOut {
		return fmt.Errorf("set: %v has the code %q, want %s", err, cycle.Code(err), observation.TimedOut)
	}
	return nil
}
