// Package autoscalers reads the autoscalers of a cluster, ours and others, as manifests.
// It lists and gets, and never writes.
package autoscalers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/pager"
)

// Kinds are the kinds of autoscalers that a cluster may have, by kubectl's short names.
var Kinds = map[string]schema.GroupVersionResource{
	"hpa": {Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
	"so":  {Group: "keda.sh", Version: "v1alpha1", Resource: "scaledobjects"},
	"ha":  {Group: "autoscaling.karpenter.sh", Version: "v1alpha1", Resource: "horizontalautoscalers"},
}

// Producers are the MetricsProducers, whose schedules HorizontalAutoscalers read.
var Producers = schema.GroupVersionResource{Group: "autoscaling.karpenter.sh", Version: "v1alpha1", Resource: "metricsproducers"}

// Each lists a resource page by page and calls visit for each object; of every namespace
// if namespace is empty. A resource that the cluster does not have has no objects. KEDA's
// own HPAs are left out: their ScaledObjects stand for them.
func Each(ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource, namespace string, visit func(*unstructured.Unstructured) error) error {
	var stopped error
	list := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return client.Resource(resource).Namespace(namespace).List(ctx, o)
	})
	err := list.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		object, ok := o.(*unstructured.Unstructured)
		if !ok || owned(object) {
			return nil
		}
		stopped = visit(object)
		return stopped
	})
	switch {
	case stopped != nil:
		return stopped
	case apierrors.IsNotFound(err):
		return nil
	case err != nil && namespace == "":
		return fmt.Errorf("%s of all namespaces: %w", resource.Resource, err)
	case err != nil:
		return fmt.Errorf("%s of the namespace %s: %w", resource.Resource, namespace, err)
	}
	return nil
}

// owned says whether KEDA made the object for a ScaledObject.
func owned(o *unstructured.Unstructured) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.Kind == "ScaledObject" })
}

// Clean leaves out what a manifest would not have.
func Clean(o *unstructured.Unstructured) {
	unstructured.RemoveNestedField(o.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	annotations := o.GetAnnotations()
	delete(annotations, "kubectl.kubernetes.io/last-applied-configuration")
	if len(annotations) == 0 {
		annotations = nil
	}
	o.SetAnnotations(annotations)
}

// A Target names the object that an autoscaler scales.
type Target struct{ Kind, Name string }

// TargetOf is the scale target of an autoscaler; without a kind where it names none, as
// ScaledObjects of Deployments do.
func TargetOf(o *unstructured.Unstructured) Target {
	var t Target
	t.Name, _, _ = unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "name")
	t.Kind, _, _ = unstructured.NestedString(o.Object, "spec", "scaleTargetRef", "kind")
	return t
}

// Forbidden says whether the server denies what was asked for.
func Forbidden(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && apierrors.IsForbidden(err)
}

// All are the resources of Kinds, in a fixed order.
func All() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{Kinds["ha"], Kinds["hpa"], Kinds["so"]}
}
