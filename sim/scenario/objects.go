package scenario

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// checkObjects refuses names of what can be no object of a run.
func (v *validation) checkObjects() {
	first := map[Reference]int{}
	for i, text := range v.spec.Objects {
		at := index("spec.objects", i)
		ref, err := parseOwn(text)
		if err != nil {
			v.fail(at, "%v", err)
			continue
		}
		if n, found := first[ref]; found {
			v.fail(at, "%s is named already, as spec.objects[%d]", ref, n)
		}
		first[ref] = i
	}
}

// Only is the part of a set that spec.objects names, the whole set if it names
// none, and the indices of names that the set does not have. An autoscaler is
// also what is yet to be converted to it.
func (s *Spec) Only(set *manifest.Set) (*manifest.Set, []int) {
	if len(s.Objects) == 0 {
		return set, nil
	}
	named, found := map[Reference]int{}, make([]bool, len(s.Objects))
	for i, text := range s.Objects {
		if ref, err := parseOwn(text); err == nil {
			named[ref] = i
		}
	}
	keep := func(kind, namespace, name string) bool {
		i, ok := named[Reference{Namespace: namespace, Kind: kind, Name: name}]
		if ok {
			found[i] = true
		}
		return ok
	}
	out := *set
	out.Autoscalers = entriesOf(set.Autoscalers, autoscalerKind, keep)
	out.Producers = entriesOf(set.Producers, producerKind, keep)
	out.NodeGroups = entriesOf(set.NodeGroups, nodeGroupKind, keep)
	out.Foreign = nil
	for _, f := range set.Foreign {
		if keep(autoscalerKind, f.Namespace, f.Name) {
			out.Foreign = append(out.Foreign, f)
		}
	}
	var missing []int
	for i := range found {
		if !found[i] {
			missing = append(missing, i)
		}
	}
	return &out, missing
}

func entriesOf[T any, P interface {
	*T
	metav1.Object
}](entries []manifest.Entry[T], kind string, keep func(kind, namespace, name string) bool) []manifest.Entry[T] {
	var kept []manifest.Entry[T]
	for _, e := range entries {
		if o := P(e.Object); keep(kind, o.GetNamespace(), o.GetName()) {
			kept = append(kept, e)
		}
	}
	return kept
}
