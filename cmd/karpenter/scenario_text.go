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

// scenarioText is the scenario as one file: manifests inline, files by their
// absolute paths, so that it can be simulated from where it is written.
func (j *job) scenarioText() ([]byte, error) {
	s := *j.file.Scenario
	s.Spec.Manifests, s.Spec.Objects = nil, nil
	s.Spec.Recordings = slices.Clone(s.Spec.Recordings)
	for i := range s.Spec.Recordings {
		s.Spec.Recordings[i].File = absolute(j.file.Resolve(s.Spec.Recordings[i].File))
	}
	s.Spec.Prometheus.RuleFiles = slices.Clone(s.Spec.Prometheus.RuleFiles)
	for i, f := range s.Spec.Prometheus.RuleFiles {
		s.Spec.Prometheus.RuleFiles[i] = absolute(j.file.Resolve(f))
	}
	s.Spec.Variants = slices.Clone(s.Spec.Variants)
	for i := range s.Spec.Variants {
		v := &s.Spec.Variants[i]
		v.Manifests = slices.Clone(v.Manifests)
		for k, f := range v.Manifests {
			v.Manifests[k] = absolute(j.file.Resolve(f))
		}
	}
	var objects []runtime.Object
	for i := range j.columns[0].autoscalers {
		objects = append(objects, j.columns[0].autoscalers[i].Object)
	}
	objects = append(objects, byName(j.file.Manifests.Producers)...)
	objects = append(objects, byName(j.file.Manifests.NodeGroups)...)
	return scenario.Write(&s, objects...)
}

// byName are the objects of entries, in an order that is not the documents'.
func byName[T any, O interface {
	*T
	client.Object
}](entries []manifest.Entry[T]) []runtime.Object {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b manifest.Entry[T]) int {
		return cmp.Or(cmp.Compare(O(a.Object).GetNamespace(), O(b.Object).GetNamespace()), cmp.Compare(O(a.Object).GetName(), O(b.Object).GetName()))
	})
	objects := make([]runtime.Object, len(entries))
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
