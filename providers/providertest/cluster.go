package providertest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

// A SizesHarness is a cycle.Sizes that knows one group, and the means to look
// behind it.
type SizesHarness struct {
	// Sizes is the implementation under test.
	Sizes cycle.Sizes
	// Group is a ScalableNodeGroup, Want the size that its provider aims for.
	Group types.NamespacedName
	Want  int32
	// Missing is a group that there is not.
	Missing types.NamespacedName
	// Resize has the provider aim for another size.
	Resize func(desired int32)
	// Fail makes the provider's calls fail with an error of a class, until it is
	// called with nil; Classes are those it can.
	Fail    func(class error)
	Classes []error
}

// Sizes checks an implementation of cycle.Sizes against the contract.
func Sizes(t *testing.T, build func(t *testing.T) SizesHarness) {
	t.Helper()
	run(t, build, []contract[SizesHarness]{
		{"Desired", "the size is the provider's, again and again", readsSize},
		{"Resized", "the size follows the provider", followsSize},
		{"Missing", "an unknown group is not found", missesSize},
		{"Failure", "each failure has its class, no size beside it, and passes", failsToSize},
	})
}

func (h SizesHarness) sees(t *testing.T, want int32) error {
	t.Helper()
	got, err := h.Sizes.Desired(t.Context(), h.Group)
	if err != nil || got != want {
		return fmt.Errorf("got %d, %w; want %d", got, err, want)
	}
	return nil
}

func readsSize(t *testing.T, h SizesHarness) error {
	return errors.Join(h.sees(t, h.Want), h.sees(t, h.Want))
}

func followsSize(t *testing.T, h SizesHarness) error {
	// A size that is kept from the first call on shows only in a second one.
	if err := h.sees(t, h.Want); err != nil {
		return err
	}
	h.Resize(h.Want + 1)
	return h.sees(t, h.Want+1)
}

func missesSize(t *testing.T, h SizesHarness) error {
	if got, err := h.Sizes.Desired(t.Context(), h.Missing); !errors.Is(err, cycle.ErrNotFound) || got != 0 {
		return fmt.Errorf("got %d, %w; want %w", got, err, cycle.ErrNotFound)
	}
	return nil
}

func failsToSize(t *testing.T, h SizesHarness) error {
	if missing := lacking(h.Classes, cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable); missing != nil {
		return fmt.Errorf("the harness must be able to fail with: %w", missing)
	}
	for _, class := range h.Classes {
		h.Fail(class)
		got, err := h.Sizes.Desired(t.Context(), h.Group)
		h.Fail(nil)
		if !errors.Is(err, class) || cycle.Code(err) != cycle.Code(class) || got != 0 {
			return fmt.Errorf("got %d, %w; want %w", got, err, class)
		}
		if err := h.sees(t, h.Want); err != nil {
			return fmt.Errorf("after %w: %w", class, err)
		}
	}
	return nil
}

// A SnapshotHarness is a cycle.Snapshots of a cluster whose only nodes with some labels are two ready
// ones and one that is not, each of 4 cpu, with a pod of 1 cpu on the first and one
// that finds no place.
type SnapshotHarness struct {
	// Snapshots is the implementation under test.
	Snapshots cycle.Snapshots
	// Labels has the labels of the nodes.
	Labels map[string]string
	// Grow makes the third node ready, and returns once that is to be seen.
	Grow func()
	// Shrink takes the pod of the first node away, and returns once that is to be seen.
	Shrink func()
}

// Snapshots checks an implementation of cycle.Snapshots against the contract.
func Snapshots(t *testing.T, build func(t *testing.T) SnapshotHarness) {
	t.Helper()
	run(t, build, []contract[SnapshotHarness]{
		{"Snapshot", "ready nodes and the pods on them count, those that wait for a place do not", seesCluster},
		{"Changed", "a new snapshot is of the cluster as it is now, and an old one does not change", keepsSnapshots},
	})
}

// reserved returns what pods reserve of the cpu that nodes with a label offer, in cores.
func reserved(s *producer.Snapshot, labels map[string]string) [2]float64 {
	sums := producer.Reserved(&policy.Reserved{Selector: labels}, s)
	for i := range sums {
		if sums[i].Resource == corev1.ResourceCPU {
			return [2]float64{sums[i].Reserved.AsApproximateFloat64(), sums[i].Capacity.AsApproximateFloat64()}
		}
	}
	return [2]float64{}
}

func (h SnapshotHarness) take(t *testing.T, want [2]float64) (*producer.Snapshot, error) {
	t.Helper()
	s, err := h.Snapshots.Snapshot(t.Context())
	if err != nil {
		return nil, err
	}
	if diff := cmp.Diff(want, reserved(s, h.Labels)); diff != "" {
		return nil, fmt.Errorf("reserved and offered cores (-want +got):\n%s", diff)
	}
	return s, nil
}

func seesCluster(t *testing.T, h SnapshotHarness) error {
	for range 2 {
		if _, err := h.take(t, [2]float64{1, 8}); err != nil {
			return err
		}
	}
	return nil
}

func keepsSnapshots(t *testing.T, h SnapshotHarness) error {
	first, err := h.take(t, [2]float64{1, 8})
	if err != nil {
		return err
	}
	h.Shrink()
	second, err := h.take(t, [2]float64{0, 8})
	if err != nil {
		return fmt.Errorf("without the pod: %w", err)
	}
	h.Grow()
	if _, err := h.take(t, [2]float64{0, 12}); err != nil {
		return fmt.Errorf("with the third node: %w", err)
	}
	if diff := cmp.Diff([][2]float64{{1, 8}, {0, 8}}, [][2]float64{reserved(first, h.Labels), reserved(second, h.Labels)}); diff != "" {
		return fmt.Errorf("old snapshots changed (-want +got):\n%s", diff)
	}
	return nil
}
