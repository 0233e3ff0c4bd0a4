package manifest

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// Override returns the set with another's objects in place of its own: where
// namespace and name agree, or where two autoscalers have the same scale
// target, as two policies for one target do. Objects without counterpart are
// added. Foreign objects take no part: convert them first.
func (s *Set) Override(by *Set) *Set {
	out := *s
	out.Autoscalers = override(s.Autoscalers, by.Autoscalers, func(a, b *v1alpha1.HorizontalAutoscaler) bool {
		return a.Namespace == b.Namespace && (a.Name == b.Name || sameTarget(a, b))
	})
	out.Producers = override(s.Producers, by.Producers, func(a, b *v1alpha1.MetricsProducer) bool { return sameName(a, b) })
	out.NodeGroups = override(s.NodeGroups, by.NodeGroups, func(a, b *v1alpha1.ScalableNodeGroup) bool { return sameName(a, b) })
	return &out
}

func sameName(a, b metav1.Object) bool {
	return a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

func sameTarget(a, b *v1alpha1.HorizontalAutoscaler) bool {
	return a.Spec.ScaleTargetRef.Kind == b.Spec.ScaleTargetRef.Kind && a.Spec.ScaleTargetRef.Name == b.Spec.ScaleTargetRef.Name
}

// override keeps the order of the objects that stay; those that come follow.
func override[T any](own, by []Entry[T], same func(a, b *T) bool) []Entry[T] {
	var out []Entry[T]
	for _, e := range own {
		if !slices.ContainsFunc(by, func(other Entry[T]) bool { return same(e.Object, other.Object) }) {
			out = append(out, e)
		}
	}
	return append(out, by...)
}
