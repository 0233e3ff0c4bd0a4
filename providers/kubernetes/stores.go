package kubernetes

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Store is cycle.AutoscalerStore over an API server.
type Store struct{ Access }

var _ cycle.AutoscalerStore = (*Store)(nil)

// Load implements cycle.Store.
func (s *Store) Load(ctx context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.HorizontalAutoscaler], error) {
	o := &v1alpha1.HorizontalAutoscaler{}
	if err := s.load(ctx, journal.HorizontalAutoscaler, name, o, &o.Status.Conditions); err != nil {
		return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{}, err
	}
	s.show(name, &o.Status)
	if at := o.Status.LastScaleTime; at != nil && s.Reporter != nil {
		s.Reporter.metrics.lastScaled(journal.Object{Namespace: name.Namespace, Name: name.Name}, slot.At(at.Time))
	}
	return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{Object: o, Version: o.ResourceVersion}, nil
}

// Commit implements cycle.Store.
func (s *Store) Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	next, err := s.commit(ctx, journal.HorizontalAutoscaler, name, version, status, status.Conditions)
	if err == nil {
		s.show(name, status)
	}
	return next, err
}

// show sets the gauges of an autoscaler.
func (s *Store) show(name types.NamespacedName, status *v1alpha1.HorizontalAutoscalerStatus) {
	if s.Reporter != nil {
		s.Reporter.metrics.replicas(name, status.DesiredReplicas, status.CurrentReplicas)
		s.Reporter.metrics.reason(name, status.Reason)
	}
}

// NodeGroupStore is cycle.NodeGroupStore over an API server.
type NodeGroupStore struct{ Access }

var _ cycle.NodeGroupStore = (*NodeGroupStore)(nil)

// Load implements cycle.NodeGroupStore.
func (s *NodeGroupStore) Load(ctx context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.ScalableNodeGroup], error) {
	o := &v1alpha1.ScalableNodeGroup{}
	if err := s.load(ctx, journal.ScalableNodeGroup, name, o, &o.Status.Conditions); err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, err
	}
	return cycle.Stored[*v1alpha1.ScalableNodeGroup]{Object: o, Version: o.ResourceVersion}, nil
}

// Commit implements cycle.NodeGroupStore.
func (s *NodeGroupStore) Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.ScalableNodeGroupStatus) (string, error) {
	return s.commit(ctx, journal.ScalableNodeGroup, name, version, status, status.Conditions)
}

// Adopt implements cycle.NodeGroupStore.
func (s *NodeGroupStore) Adopt(ctx context.Context, name types.NamespacedName, version string, replicas int32) (cycle.Stored[*v1alpha1.ScalableNodeGroup], error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	patch, err := patchOf(version, "/spec/replicas", replicas)
	if err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, err
	}
	o := &v1alpha1.ScalableNodeGroup{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	if err := s.fenced(); err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, err
	}
	if err := s.Writer.Patch(ctx, o, patch, client.FieldOwner(fieldManager)); err != nil {
		return cycle.Stored[*v1alpha1.ScalableNodeGroup]{}, failed(err)
	}
	return cycle.Stored[*v1alpha1.ScalableNodeGroup]{Object: o, Version: o.ResourceVersion}, nil
}

// ProducerStore is cycle.ProducerStore over an API server.
type ProducerStore struct {
	Access
	// Objects lists, usually from a cache.
	Objects client.Reader
}

var _ cycle.ProducerStore = (*ProducerStore)(nil)

// Load implements cycle.ProducerStore.
func (s *ProducerStore) Load(ctx context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.MetricsProducer], error) {
	o := &v1alpha1.MetricsProducer{}
	if err := s.load(ctx, journal.MetricsProducer, name, o, &o.Status.Conditions); err != nil {
		return cycle.Stored[*v1alpha1.MetricsProducer]{}, err
	}
	return cycle.Stored[*v1alpha1.MetricsProducer]{Object: o, Version: o.ResourceVersion}, nil
}

// Commit implements cycle.ProducerStore.
func (s *ProducerStore) Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.MetricsProducerStatus) (string, error) {
	return s.commit(ctx, journal.MetricsProducer, name, version, status, status.Conditions)
}

// List implements cycle.ProducerStore.
func (s *ProducerStore) List(ctx context.Context) ([]*v1alpha1.MetricsProducer, error) {
	var list v1alpha1.MetricsProducerList
	if err := s.Objects.List(ctx, &list); err != nil {
		return nil, &explained{failed(err), statusOf(err)}
	}
	return pointers(list.Items), nil
}
