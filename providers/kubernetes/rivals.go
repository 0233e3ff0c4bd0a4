package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// targetIndex is the name of the caches' index of autoscalers by target.
const targetIndex = "spec.scaleTargetRef"

// kedaInterval is how often a server without KEDA is asked whether it has it now.
const kedaInterval = time.Minute

var scaledObject = schema.GroupVersionKind{Group: "keda.sh", Version: "v1alpha1", Kind: "ScaledObject"}

// Rivals knows who acts on which target, from the caches: HorizontalAutoscalers,
// ScaledObjects where KEDA is installed, and HPAs.
type Rivals struct {
	cache  cache.Cache
	mapper meta.RESTMapper
	clock  clock.PassiveClock

	mu      sync.Mutex
	keda    cache.Informer // of ScaledObjects, nil where there is no KEDA
	checked time.Time      // when KEDA was last looked for
}

// NewRivals indexes the cache, which must not have been started.
func NewRivals(ctx context.Context, c cache.Cache, mapper meta.RESTMapper, clock clock.PassiveClock) (*Rivals, error) {
	r := &Rivals{cache: c, mapper: mapper, clock: clock}
	for _, object := range []client.Object{&v1alpha1.HorizontalAutoscaler{}, &autoscalingv2.HorizontalPodAutoscaler{}} {
		if err := c.IndexField(ctx, object, targetIndex, targetsOf); err != nil {
			return nil, fmt.Errorf("index of %T by target: %w", object, err)
		}
	}
	return r, nil
}

// Owners returns the autoscalers of all kinds that name a target.
func (r *Rivals) Owners(target cycle.TargetKey) []cycle.Owner {
	ctx := context.Background()
	where := []client.ListOption{client.InNamespace(target.Namespace), client.MatchingFields{targetIndex: target.String()}, client.UnsafeDisableDeepCopy}
	var owners []cycle.Owner
	var own v1alpha1.HorizontalAutoscalerList
	if r.cache.List(ctx, &own, where...) == nil {
		for i := range own.Items {
			if o := &own.Items[i]; o.DeletionTimestamp == nil {
				owners = append(owners, cycle.Owner{Kind: journal.HorizontalAutoscaler, Name: o.Name, DryRun: o.Spec.DryRun})
			}
		}
	}
	if r.watchesKEDA(ctx) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(scaledObject)
		owners = append(owners, r.named(ctx, cycle.ScaledObject, list, where)...)
	}
	return append(owners, r.named(ctx, cycle.HorizontalPodAutoscaler, &autoscalingv2.HorizontalPodAutoscalerList{}, where)...)
}

// named returns the owners in a list from the cache.
func (r *Rivals) named(ctx context.Context, kind string, list client.ObjectList, where []client.ListOption) []cycle.Owner {
	if r.cache.List(ctx, list, where...) != nil {
		return nil
	}
	var owners []cycle.Owner
	_ = meta.EachListItem(list, func(o runtime.Object) error {
		owners = append(owners, cycle.Owner{Kind: kind, Name: o.(client.Object).GetName()})
		return nil
	})
	return owners
}

// watchesKEDA says whether the cache has the ScaledObjects. Now and then it looks
// whether KEDA has been installed.
func (r *Rivals) watchesKEDA(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keda == nil && (r.checked.IsZero() || r.clock.Since(r.checked) >= kedaInterval) {
		r.checked = r.clock.Now()
		r.keda = r.watchKEDA(ctx)
	}
	// To wait for it here would hold up decisions.
	return r.keda != nil && r.keda.HasSynced()
}

func (r *Rivals) watchKEDA(ctx context.Context) cache.Informer {
	if _, err := r.mapper.RESTMapping(scaledObject.GroupKind(), scaledObject.Version); err != nil {
		return nil
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(scaledObject)
	informer, err := r.cache.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	if err != nil || r.cache.IndexField(ctx, object, targetIndex, targetsOf) != nil {
		return nil
	}
	return informer
}

// targetsOf is the index function of all kinds.
func targetsOf(object client.Object) []string {
	switch o := object.(type) {
	case *v1alpha1.HorizontalAutoscaler:
		return []string{targetOf(o).String()}
	case *autoscalingv2.HorizontalPodAutoscaler:
		ref := o.Spec.ScaleTargetRef
		return []string{cycle.TargetRef{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: o.Namespace, Name: ref.Name}.Key().String()}
	case *unstructured.Unstructured:
		return []string{scaledObjectTarget(o).String()}
	}
	return nil
}

// targetOf returns the target of an autoscaler.
func targetOf(a *v1alpha1.HorizontalAutoscaler) cycle.TargetKey {
	ref := a.Spec.ScaleTargetRef
	return cycle.TargetRef{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: a.Namespace, Name: ref.Name}.Key()
}

// scaledObjectTarget applies KEDA's defaults: a Deployment of apps/v1.
func scaledObjectTarget(o *unstructured.Unstructured) cycle.TargetKey {
	field := func(name, missing string) string {
		value, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", name)
		if value == "" {
			return missing
		}
		return value
	}
	return cycle.TargetRef{APIVersion: field("apiVersion", "apps/v1"), Kind: field("kind", "Deployment"), Namespace: o.GetNamespace(), Name: field("name", "")}.Key()
}
