package kubernetes

import (
	"context"
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/scale"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// fieldManager owns what this controller writes.
const fieldManager = "karpenter-autoscaling"

// Targets is cycle.ScaleTargets over the scale subresources of an API server.
// Any namespaced resource that has one will do; it needs no label selector.
type Targets struct {
	scales  scale.ScalesGetter
	mapper  meta.RESTMapper
	timeout time.Duration

	// Pods counts the ready pods of a selector; nil has status.replicas stand for
	// them. It may be set before the first call.
	Pods PodCounter
	// Fence is that of Options; it may be set before the first call.
	Fence func() error
}

// A PodCounter counts the ready pods of a target's namespace that a label selector
// matches: those of now, and the fewest and the most since an instant.
type PodCounter interface {
	Ready(ctx context.Context, target cycle.TargetRef, selector string, since time.Time) (ReadyCount, error)
}

// A ReadyCount is a number of ready pods, and the fewest and the most since an
// instant, as far as they have been watched since then.
type ReadyCount struct{ Now, Least, Most int32 }

var _ cycle.ScaleTargets = (*Targets)(nil)

// NewTargets returns the scale targets of the API server that config names. No
// call takes longer than the timeout.
func NewTargets(config *rest.Config, mapper meta.RESTMapper, timeout time.Duration) (*Targets, error) {
	config = rest.CopyConfig(config)
	scales, err := scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, scaleKind{})
	if err != nil {
		return nil, fmt.Errorf("scale client: %w", err)
	}
	return &Targets{scales: scales, mapper: mapper, timeout: timeout}, nil
}

// scaleKind is the kind of every scale subresource since Kubernetes 1.16, and of every
// custom resource's. Asking the server for it, as client-go's resolver does, would be a
// call that knows no deadline and whose failures have no class.
type scaleKind struct{}

// ScaleForResource implements scale.ScaleKindResolver.
func (scaleKind) ScaleForResource(schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	return autoscalingv1.SchemeGroupVersion.WithKind("Scale"), nil
}

// Get implements cycle.ScaleTargets.
func (t *Targets) Get(ctx context.Context, target cycle.TargetRef, since time.Time) (cycle.Scale, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	resource, err := t.resource(target)
	if err != nil {
		return cycle.Scale{}, err
	}
	got, err := t.scales.Scales(target.Namespace).Get(ctx, resource, target.Name, metav1.GetOptions{})
	if err != nil {
		return cycle.Scale{}, explainScale(target, err)
	}
	s := cycle.Scale{Spec: got.Spec.Replicas, Status: got.Status.Replicas, Version: got.ResourceVersion}
	switch {
	case since.IsZero():
	case t.Pods == nil || got.Status.Selector == "":
		s.Ready = s.Status // of a node group those are its ready nodes
		s.ReadyLeast, s.ReadyMost = s.Ready, s.Ready
	default:
		ready, err := t.Pods.Ready(ctx, target, got.Status.Selector, since)
		if err != nil {
			return cycle.Scale{}, err
		}
		s.Ready, s.ReadyLeast, s.ReadyMost = ready.Now, ready.Least, ready.Most
	}
	return s, nil
}

// Set implements cycle.ScaleTargets.
func (t *Targets) Set(ctx context.Context, target cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	resource, err := t.resource(target)
	if err != nil {
		return err
	}
	if t.Fence != nil {
		if err := t.Fence(); err != nil {
			return err
		}
	}
	wanted := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: target.Namespace, Name: target.Name, ResourceVersion: observed.Version},
		Spec:       autoscalingv1.ScaleSpec{Replicas: replicas},
	}
	_, err = t.scales.Scales(target.Namespace).Update(ctx, resource, wanted, metav1.UpdateOptions{FieldManager: fieldManager})
	return explainScale(target, err)
}

// resource is the target's resource. A kind that the server does not know may
// be one that it learns later.
func (t *Targets) resource(target cycle.TargetRef) (schema.GroupResource, error) {
	version, err := schema.ParseGroupVersion(target.APIVersion)
	if err != nil {
		return schema.GroupResource{}, fmt.Errorf("spec.scaleTargetRef.apiVersion: %w: %w", cycle.ErrInvalid, err)
	}
	if version.Version == "" {
		version.Version = "v1" // of the core group
	}
	mapping, err := t.mapper.RESTMapping(version.WithKind(target.Kind).GroupKind(), version.Version)
	if err != nil {
		return schema.GroupResource{}, t.explainKind(target, version, err)
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return schema.GroupResource{}, &explained{fmt.Errorf("%s is not namespaced: %w", mapping.Resource.Resource, cycle.ErrInvalid),
			fmt.Sprintf("a %s belongs to no namespace: only objects of the autoscaler's own namespace can be scaled", target.Kind)}
	}
	return mapping.Resource.GroupResource(), nil
}
