package providertest

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

// A sizer has the size of one group, correctly but for what its fields change.
type sizer struct {
	desired int32
	failure error
	// stays says that a failure does not pass.
	stays  bool
	answer func(size int32, err error) (int32, error)
}

func (s *sizer) Desired(_ context.Context, group types.NamespacedName) (size int32, err error) {
	switch {
	case s.failure != nil:
		err = s.failure
	case group.Name != "group":
		err = cycle.ErrNotFound
	default:
		size = s.desired
	}
	if s.answer != nil {
		return s.answer(size, err)
	}
	return size, err
}

func (s *sizer) harness() SizesHarness {
	s.desired = 2
	return SizesHarness{
		Sizes: s, Group: types.NamespacedName{Name: "group"}, Want: 2, Missing: types.NamespacedName{Name: "nobody"},
		Resize: func(desired int32) { s.desired = desired },
		Fail: func(class error) {
			if class != nil || !s.stays {
				s.failure = class
			}
		},
		Classes: []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable},
	}
}

func TestSizesAcceptsAndRefuses(t *testing.T) {
	Sizes(t, func(*testing.T) SizesHarness { return (&sizer{}).harness() })
	calls, first := int32(0), int32(0)
	for _, c := range []struct {
		reason string
		broken *sizer
		check  func(*testing.T, SizesHarness) error
	}{
		{"a size that reading changes", &sizer{answer: func(size int32, err error) (int32, error) { calls++; return size + calls - 1, err }}, readsSize},
		{"the size of the first call ever after", &sizer{answer: func(size int32, err error) (int32, error) {
			if first == 0 {
				first = size
			}
			return first, err
		}}, followsSize},
		{"0 for a group that there is not", &sizer{answer: func(size int32, _ error) (int32, error) { return size, nil }}, missesSize},
		{"a size beside an error", &sizer{answer: func(_ int32, err error) (int32, error) { return 2, err }}, failsToSize},
		{"an error without a class", &sizer{answer: func(size int32, err error) (int32, error) {
			if err != nil {
				err = errors.New("it failed")
			}
			return size, err
		}}, failsToSize},
		{"an error of another class", &sizer{answer: func(size int32, err error) (int32, error) {
			if err != nil {
				err = cycle.ErrUnavailable
			}
			return size, err
		}}, failsToSize},
		{"a failure that does not pass", &sizer{stays: true}, failsToSize},
	} {
		refuses(t, c.reason, c.broken.harness(), c.check)
	}
	short := (&sizer{}).harness()
	short.Classes = short.Classes[:2]
	refuses(t, "a harness that lacks a class of failures", short, failsToSize)
}

// A viewer takes snapshots of the cluster that SnapshotHarness describes, correctly but
// for what its fields change.
type viewer struct {
	// ready nodes are the first ones of three.
	ready   int
	running bool
	// unready counts nodes that are not ready; everywhere puts the pod that waits on the first node.
	unready, everywhere bool
	// once takes one snapshot and gives it again; edits changes the nodes of earlier ones.
	once, edits bool
	taken       *producer.Snapshot
	nodes       []*corev1.Node
}

func (v *viewer) Snapshot(context.Context) (*producer.Snapshot, error) {
	if v.once && v.taken != nil {
		return v.taken, nil
	}
	if v.nodes == nil || !v.edits {
		v.nodes = nil
		for _, name := range []string{"a", "b", "c"} {
			v.nodes = append(v.nodes, &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"pool": "test"}},
				Status:     corev1.NodeStatus{Allocatable: cores("4")},
			})
		}
	}
	for i, node := range v.nodes {
		status := corev1.ConditionFalse
		if i < v.ready || v.unready {
			status = corev1.ConditionTrue
		}
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
	}
	var pods []*corev1.Pod
	if v.running {
		pods = append(pods, pod("running", "a", corev1.PodRunning))
	}
	waiting := pod("waiting", "", corev1.PodPending)
	if v.everywhere {
		waiting.Spec.NodeName = "a"
	}
	v.taken = producer.NewSnapshot(v.nodes, append(pods, waiting))
	return v.taken, nil
}

func cores(n string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(n)}
}

// pod is a pod of 1 cpu.
func pod(name, node string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: cores("1")}}}},
		Status:     corev1.PodStatus{Phase: phase},
	}
}

func (v *viewer) harness() SnapshotHarness {
	v.ready, v.running = 2, true
	return SnapshotHarness{
		Snapshots: v, Labels: map[string]string{"pool": "test"},
		Grow: func() { v.ready = 3 }, Shrink: func() { v.running = false },
	}
}

func TestSnapshotsAcceptsAndRefuses(t *testing.T) {
	Snapshots(t, func(*testing.T) SnapshotHarness { return (&viewer{}).harness() })
	for _, c := range []struct {
		reason string
		broken *viewer
		check  func(*testing.T, SnapshotHarness) error
	}{
		{"nodes that are not ready", &viewer{unready: true}, seesCluster},
		{"pods that wait for a place", &viewer{everywhere: true}, seesCluster},
		{"the first snapshot ever after", &viewer{once: true}, keepsSnapshots},
		{"old snapshots whose nodes change", &viewer{edits: true}, keepsSnapshots},
	} {
		refuses(t, c.reason, c.broken.harness(), c.check)
	}
}
