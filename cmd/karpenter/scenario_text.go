package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// scenarioText is the scenario as one file, manifests inline; place says how other
// files are named.
func (j *job) scenarioText(place func(path string) string) ([]byte, error) {
	s := *j.file.Scenario
	s.Spec.Manifests = nil
	s.Spec.Recordings = slices.Clone(s.Spec.Recordings)
	for i := range s.Spec.Recordings {
		s.Spec.Recordings[i].File = place(j.file.Resolve(s.Spec.Recordings[i].File))
	}
	s.Spec.Prometheus.RuleFiles = slices.Clone(s.Spec.Prometheus.RuleFiles)
	for i, f := range s.Spec.Prometheus.RuleFiles {
		s.Spec.Prometheus.RuleFiles[i] = place(j.file.Resolve(f))
	}
	s.Spec.Variants = slices.Clone(s.Spec.Variants)
	for i := range s.Spec.Variants {
		v := &s.Spec.Variants[i]
		v.Manifests = slices.Clone(v.Manifests)
		for k, f := range v.Manifests {
			v.Manifests[k] = place(j.file.Resolve(f))
		}
	}
	var objects []client.Object
	for i := range j.columns[0].autoscalers {
		objects = append(objects, j.columns[0].autoscalers[i].Object)
	}
	objects = append(objects, byName(j.file.Manifests.Producers)...)
	objects = append(objects, byName(j.file.Manifests.NodeGroups)...)
	docs := make([]runtime.Object, len(objects))
	names := make([]string, len(objects))
	for i, o := range objects {
		docs[i] = o
		names[i] = scenario.Reference{Namespace: o.GetNamespace(), Kind: o.GetObjectKind().GroupVersionKind().Kind, Name: o.GetName()}.String()
	}
	if len(s.Spec.Objects) > 0 {
		s.Spec.Objects = names // with what conversions added; variants still take no others
	}
	return scenario.Write(&s, docs...)
}

// byName are the objects of entries, in an order that is not the documents'.
func byName[T any, O interface {
	*T
	client.Object
}](entries []manifest.Entry[T]) []client.Object {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b manifest.Entry[T]) int {
		return cmp.Or(cmp.Compare(O(a.Object).GetNamespace(), O(b.Object).GetNamespace()), cmp.Compare(O(a.Object).GetName(), O(b.Object).GetName()))
	})
	objects := make([]client.Object, len(entries))
	for i := range entries {
		objects[i] = O(entries[i].Object)
	}
	return objects
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// quoteArgument writes an argument as a shell reads it.
func quoteArgument(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./=:,+@%", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
