package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
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
	dryRun bool

	mu      sync.Mutex
	keda    cache.Informer // of ScaledObjects, nil where there is no KEDA
	checked time.Time      // when KEDA was last looked for
}

// NewRivals indexes the cache, which must not have been started. With dryRun no
// autoscaler of ours acts on anything, so none has a rival.
func NewRivals(ctx context.Context, c cache.Cache, mapper meta.RESTMapper, clock clock.PassiveClock, dryRun bool) (*Rivals, error) {
	r := &Rivals{cache: c, mapper: mapper, clock: clock, dryRun: dryRun}
	for _, object := range []client.Object{&v1alpha1.HorizontalAutoscaler{}, &autoscalingv2.HorizontalPodAutoscaler{}} {
		if err := c.IndexField(ctx, object, targetIndex, targetsOf); err != nil {
			return nil, fmt.Errorf("index of %T by target: %w", object, err)
		}
	}
	return r, nil
}

// Rival names another autoscaler that acts on the target, as KIND NAME, or is
// empty. One in dry run acts on nothing and has no rival.
func (r *Rivals) Rival(target cycle.TargetRef, self types.NamespacedName) string {
	if r.dryRun {
		return ""
	}
	ctx := context.Background()
	where := []client.ListOption{client.InNamespace(target.Namespace), client.MatchingFields{targetIndex: targetKey(target.APIVersion, target.Kind, target.Name)}, client.UnsafeDisableDeepCopy}
	var own v1alpha1.HorizontalAutoscalerList
	if r.cache.List(ctx, &own, where...) == nil {
		var acting []string
		for i := range own.Items {
			switch o := &own.Items[i]; {
			case o.Name == self.Name && o.Spec.DryRun:
				return ""
			case o.Name != self.Name && !o.Spec.DryRun && o.DeletionTimestamp == nil:
				acting = append(acting, o.Name)
			}
		}
		if len(acting) > 0 {
			return "HorizontalAutoscaler " + slices.Min(acting)
		}
	}
	if r.watchesKEDA(ctx) {
		// Before the HPA that KEDA makes of it.
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(scaledObject)
		if name := r.first(ctx, list, where); name != "" {
			return "ScaledObject " + name
		}
	}
	if name := r.first(ctx, &autoscalingv2.HorizontalPodAutoscalerList{}, where); name != "" {
		return "HorizontalPodAutoscaler " + name
	}
	return ""
}

// first is the first name in a list from the cache, or empty.
func (r *Rivals) first(ctx context.Context, list client.ObjectList, where []client.ListOption) string {
	if r.cache.List(ctx, list, where...) != nil {
		return ""
	}
	first := ""
	_ = meta.EachListItem(list, func(o runtime.Object) error {
		if name := o.(client.Object).GetName(); first == "" || name < first {
			first = name
		}
		return nil
	})
	return first
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
		ref := o.Spec.ScaleTargetRef
		return []string{targetKey(ref.APIVersion, ref.Kind, ref.Name)}
	case *autoscalingv2.HorizontalPodAutoscaler:
		ref := o.Spec.ScaleTargetRef
		return []string{targetKey(ref.APIVersion, ref.Kind, ref.Name)}
	case *unstructured.Unstructured:
		return []string{scaledObjectTarget(o)}
	}
	return nil
}

// scaledObjectTarget applies KEDA's defaults: a Deployment of apps/v1.
func scaledObjectTarget(o *unstructured.Unstructured) string {
	field := func(name, missing string) string {
		value, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", name)
		if value == "" {
			return missing
		}
		return value
	}
	return targetKey(field("apiVersion", "apps/v1"), field("kind", "Deployment"), field("name", ""))
}

// targetKey is the same for all versions of a kind.
func targetKey(apiVersion, kind, name string) string {
	version, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		version.Group = apiVersion
	}
	return version.Group + "/" + kind + "/" + name
}
