package sim

import (
	"cmp"
	"path/filepath"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Text returns the scenario as one file, manifests inline. place says how other
// files are named, given their paths from the working directory; nil makes the paths
// absolute.
func (s *Simulation) Text(place func(path string) string) ([]byte, error) {
	if place == nil {
		place = func(path string) string {
			if abs, err := filepath.Abs(path); err == nil {
				return abs
			}
			return path
		}
	}
	file := s.File
	out := *file.Scenario
	out.Spec.Manifests = nil
	out.Spec.Recordings = slices.Clone(out.Spec.Recordings)
	for i := range out.Spec.Recordings {
		out.Spec.Recordings[i].File = place(file.Resolve(out.Spec.Recordings[i].File))
	}
	out.Spec.Prometheus.RuleFiles = slices.Clone(out.Spec.Prometheus.RuleFiles)
	for i, f := range out.Spec.Prometheus.RuleFiles {
		out.Spec.Prometheus.RuleFiles[i] = place(file.Resolve(f))
	}
	out.Spec.Variants = slices.Clone(out.Spec.Variants)
	for i := range out.Spec.Variants {
		v := &out.Spec.Variants[i]
		v.Manifests = slices.Clone(v.Manifests)
		for k, f := range v.Manifests {
			v.Manifests[k] = place(file.Resolve(f))
		}
	}
	var objects []object
	for i := range s.Columns[0].Autoscalers {
		objects = append(objects, s.Columns[0].Autoscalers[i].Object)
	}
	objects = append(objects, byName(file.Manifests.Producers)...)
	objects = append(objects, byName(file.Manifests.NodeGroups)...)
	docs := make([]runtime.Object, len(objects))
	names := make([]string, len(objects))
	for i, o := range objects {
		docs[i] = o
		names[i] = scenario.Reference{Namespace: o.GetNamespace(), Kind: o.GetObjectKind().GroupVersionKind().Kind, Name: o.GetName()}.String()
	}
	if len(out.Spec.Objects) > 0 {
		out.Spec.Objects = names // with what conversions added; variants still take no others
	}
	return scenario.Write(&out, docs...)
}

// An object is one of any of our kinds.
type object interface {
	metav1.Object
	runtime.Object
}

// byName returns the objects of entries, in an order that is not the documents'.
func byName[T any, O interface {
	*T
	object
}](entries []manifest.Entry[T]) []object {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b manifest.Entry[T]) int {
		return cmp.Or(cmp.Compare(O(a.Object).GetNamespace(), O(b.Object).GetNamespace()), cmp.Compare(O(a.Object).GetName(), O(b.Object).GetName()))
	})
	objects := make([]object, len(entries))
	for i := range entries {
		objects[i] = O(entries[i].Object)
	}
	return objects
}
