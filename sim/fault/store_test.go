package fault

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// accepting is a store that takes every write.
type accepting[O, S any] struct{}

func (accepting[O, S]) Load(context.Context, types.NamespacedName) (stored cycle.Stored[O], err error) {
	return stored, nil
}
func (accepting[O, S]) Commit(context.Context, types.NamespacedName, string, *S) (string, error) {
	return "2", nil
}
func (accepting[O, S]) Adopt(context.Context, types.NamespacedName, string, int32) (stored cycle.Stored[O], err error) {
	return stored, nil
}
func (accepting[O, S]) List(context.Context) ([]O, error) { return nil, nil }

// TestConflictsHitEveryStore holds that no kind of object is spared, and no write.
func TestConflictsHitEveryStore(t *testing.T) {
	start := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	minute := scenario.Duration(time.Minute)
	for _, only := range []string{"", "ha/web", "sng/web", "mp/web"} {
		now := start
		s := NewSet(&scenario.Spec{
			Start: scenario.Time{Time: start}, Duration: 10 * minute,
			Faults: []scenario.Fault{{Name: "conflicts", At: &minute, For: &minute, Controller: scenario.ControllerConflicts, Object: only}},
		}, func() time.Time { return now })
		ctx, web := context.Background(), types.NamespacedName{Namespace: "default", Name: "web"}
		groups := s.NodeGroupStore(accepting[*v1alpha1.ScalableNodeGroup, v1alpha1.ScalableNodeGroupStatus]{})
		writes := map[string]func() error{
			"ha/web commit": func() error {
				_, err := s.Autoscalers(accepting[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]{}).Commit(ctx, web, "1", nil)
				return err
			},
			"sng/web commit": func() error { _, err := groups.Commit(ctx, web, "1", nil); return err },
			"sng/web adopt":  func() error { _, err := groups.Adopt(ctx, web, "1", 3); return err },
			"mp/web commit": func() error {
				_, err := s.Producers(accepting[*v1alpha1.MetricsProducer, v1alpha1.MetricsProducerStatus]{}).Commit(ctx, web, "1", nil)
				return err
			},
		}
		for what, write := range writes {
			for at, during := range map[time.Duration]bool{59 * time.Second: false, time.Minute: true, 119 * time.Second: true, 2 * time.Minute: false} {
				now = start.Add(at)
				want := during && (only == "" || only == what[:len(only)])
				if got := errors.Is(write(), cycle.ErrConflict); got != want {
					t.Errorf("object %q, %s at %s: conflict is %v, want %v", only, what, at, got, want)
				}
			}
		}
	}
}
