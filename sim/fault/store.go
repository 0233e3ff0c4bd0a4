package fault

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// store is a store of any kind of object, which others write as well: with
// controller: conflicts, writes meet a conflict.
type store[O, S any] struct {
	cycle.Store[O, S]
	set  *Set
	kind string
}

// Commit implements cycle.Store.
func (s *store[O, S]) Commit(ctx context.Context, name types.NamespacedName, version string, status *S) (string, error) {
	if err := s.set.conflict(s.kind, name, "commit"); err != nil {
		return "", err
	}
	return s.Store.Commit(ctx, name, version, status)
}

// conflict is that of a write of an object's status or spec, if one is due.
func (s *Set) conflict(kind string, name types.NamespacedName, call string) error {
	return s.write(scenario.Reference{Namespace: name.Namespace, Kind: kind, Name: name.Name}, call, func(f *Fault) error {
		if f.Controller == scenario.ControllerConflicts {
			return cycle.ErrConflict
		}
		return nil
	})
}

// Autoscalers puts the faults before a store of HorizontalAutoscalers.
func (s *Set) Autoscalers(inner cycle.AutoscalerStore) cycle.AutoscalerStore {
	return &store[*v1alpha1.HorizontalAutoscaler, v1alpha1.HorizontalAutoscalerStatus]{inner, s, journal.HorizontalAutoscaler}
}

// NodeGroupStore puts the faults before a store of ScalableNodeGroups.
func (s *Set) NodeGroupStore(inner cycle.NodeGroupStore) cycle.NodeGroupStore {
	return &nodeGroupStore{store[*v1alpha1.ScalableNodeGroup, v1alpha1.ScalableNodeGroupStatus]{inner, s, journal.ScalableNodeGroup}, inner}
}

type nodeGroupStore struct {
	store[*v1alpha1.ScalableNodeGroup, v1alpha1.ScalableNodeGroupStatus]
	inner cycle.NodeGroupStore
}

// Adopt implements cycle.NodeGroupStore.
func (s *nodeGroupStore) Adopt(ctx context.Context, name types.NamespacedName, version string, replicas int32) (cycle.Stored[*v1alpha1.ScalableNodeGroup], error) {
	if err := s.set.conflict(s.kind, name, "adopt"); err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, err
	}
	return s.inner.Adopt(ctx, name, version, replicas)
}

// Producers puts the faults before a store of MetricsProducers.
func (s *Set) Producers(inner cycle.ProducerStore) cycle.ProducerStore {
	return &producerStore{store[*v1alpha1.MetricsProducer, v1alpha1.MetricsProducerStatus]{inner, s, journal.MetricsProducer}, inner}
}

type producerStore struct {
	store[*v1alpha1.MetricsProducer, v1alpha1.MetricsProducerStatus]
	inner cycle.ProducerStore
}

// List implements cycle.ProducerStore.
func (s *producerStore) List(ctx context.Context) ([]*v1alpha1.MetricsProducer, error) {
	return s.inner.List(ctx)
}
