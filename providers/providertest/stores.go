package providertest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A StoreHarness is a cycle.Store of objects O with status S, of which it has one,
// and the means to look behind it.
type StoreHarness[O metav1.Object, S any] struct {
	// Store is the implementation under test.
	Store cycle.Store[O, S]
	// Name is the object, Missing one that is not there.
	Name, Missing types.NamespacedName
	// Full returns a status with every part set, Lean one with fewer; always a new one.
	Full, Lean func() *S
	// Status and Spec are the parts of an object. Conditions are those of a status.
	Status     func(O) *S
	Spec       func(O) any
	Conditions func(*S) []metav1.Condition
	// Touch has somebody else change the object, but neither its spec nor its status.
	Touch func()
	// Recreate deletes the object and creates it again under its name.
	Recreate func()
}

// Store checks a store against the contract.
func Store[O metav1.Object, S any](t *testing.T, build func(t *testing.T) StoreHarness[O, S]) {
	t.Helper()
	run(t, build, []contract[StoreHarness[O, S]]{
		{"Load", "the object is there, with a version, and is the caller's own", loadsObject[O, S]},
		{"Commit", "a commit replaces the status and nothing else, and its version is the next one's", commitsStatus[O, S]},
		{"CommitLess", "what a new status leaves out is gone", commitsLess[O, S]},
		{"NotKept", "what becomes of a status after its commit changes nothing", keepsNoStatus[O, S]},
		{"Changed", "a version that somebody else's change made old is a conflict, and nothing is written", refusesOldCommit[O, S]},
		{"Committed", "a version that a commit made old is a conflict", refusesSecondCommit[O, S]},
		{"Recreated", "the version of an object that was deleted is a conflict for its namesake", refusesNamesake[O, S]},
		{"Missing", "an unknown object is not found, by either call", missesObject[O, S]},
	})
}

func (h StoreHarness[O, S]) load(t *testing.T) (cycle.Stored[O], error) {
	t.Helper()
	stored, err := h.Store.Load(t.Context(), h.Name)
	if err != nil {
		return stored, fmt.Errorf("load: %w", err)
	}
	if got := (types.NamespacedName{Namespace: stored.Object.GetNamespace(), Name: stored.Object.GetName()}); got != h.Name {
		return stored, fmt.Errorf("loaded %s, not %s", got, h.Name)
	}
	if stored.Version == "" {
		return stored, errors.New("it has no version")
	}
	return stored, nil
}

// has fails unless the store has a status and the version that came with it.
func (h StoreHarness[O, S]) has(t *testing.T, want *S, version string) error {
	t.Helper()
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, h.Status(stored.Object)); diff != "" {
		return fmt.Errorf("(-want +got):\n%s", diff)
	}
	if version != "" && stored.Version != version {
		return fmt.Errorf("loaded version %s, committed %s", stored.Version, version)
	}
	return nil
}

func loadsObject[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	first, err := h.load(t)
	if err != nil {
		return err
	}
	first.Object.SetName("spoilt")
	*h.Status(first.Object) = *h.Full()
	second, err := h.load(t)
	if err != nil {
		return fmt.Errorf("after the first one was changed: %w", err)
	}
	if second.Version != first.Version {
		return fmt.Errorf("reading changed the version from %s to %s", first.Version, second.Version)
	}
	if cmp.Equal(h.Status(second.Object), h.Full()) {
		return errors.New("what was loaded is the store's own")
	}
	return nil
}

func commitsStatus[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	before, err := h.load(t)
	if err != nil {
		return err
	}
	version, err := h.Store.Commit(t.Context(), h.Name, before.Version, h.Full())
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if version == before.Version || version == "" {
		return fmt.Errorf("version %q after %q", version, before.Version)
	}
	if err := h.has(t, h.Full(), version); err != nil {
		return err
	}
	after, err := h.load(t)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(h.Spec(before.Object), h.Spec(after.Object)); diff != "" {
		return fmt.Errorf("the spec changed (-before +after):\n%s", diff)
	}
	if b, a := before.Object.GetGeneration(), after.Object.GetGeneration(); a != b {
		return fmt.Errorf("the generation went from %d to %d", b, a)
	}
	return nil
}

func commitsLess[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	version := stored.Version
	for _, status := range []func() *S{h.Full, h.Lean, h.Full} {
		if version, err = h.Store.Commit(t.Context(), h.Name, version, status()); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
		if err := h.has(t, status(), version); err != nil {
			return err
		}
	}
	return nil
}

func keepsNoStatus[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	status := h.Full()
	if _, err := h.Store.Commit(t.Context(), h.Name, stored.Version, status); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	conditions := h.Conditions(status)
	if len(conditions) == 0 {
		return errors.New("the full status of the harness has no condition")
	}
	conditions[0].Message = "spoilt"
	*status = *h.Lean()
	return h.has(t, h.Full(), "")
}

func refusesOldCommit[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	h.Touch()
	return h.refuses(t, stored)
}

func refusesSecondCommit[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	if _, err := h.Store.Commit(t.Context(), h.Name, stored.Version, h.Lean()); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return h.refuses(t, stored)
}

func refusesNamesake[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	if h.Recreate == nil {
		return nil // objects of this store are there for good
	}
	stored, err := h.load(t)
	if err != nil {
		return err
	}
	h.Recreate()
	return h.refuses(t, stored)
}

// refuses fails unless a commit of an old version is a conflict and writes nothing.
func (h StoreHarness[O, S]) refuses(t *testing.T, old cycle.Stored[O]) error {
	t.Helper()
	now, err := h.load(t)
	if err != nil {
		return err
	}
	if _, err := h.Store.Commit(t.Context(), h.Name, old.Version, h.Full()); !errors.Is(err, cycle.ErrConflict) {
		return fmt.Errorf("got %v, want %v", err, cycle.ErrConflict)
	}
	return h.has(t, h.Status(now.Object), now.Version)
}

func missesObject[O metav1.Object, S any](t *testing.T, h StoreHarness[O, S]) error {
	if _, err := h.Store.Load(t.Context(), h.Missing); !errors.Is(err, cycle.ErrNotFound) {
		return fmt.Errorf("load: got %v, want %v", err, cycle.ErrNotFound)
	}
	if _, err := h.Store.Commit(t.Context(), h.Missing, "1", h.Full()); !errors.Is(err, cycle.ErrNotFound) {
		return fmt.Errorf("commit: got %v, want %v", err, cycle.ErrNotFound)
	}
	return nil
}
