package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// KindOf is the one of our kinds that a word means, as kubectl takes it: in the
// singular, the plural or as its short name. It is empty for any other word.
func KindOf(word string) string { return journal.KindOf(word) }

// An assigned text and the only object that it is for; without kind, it is for
// every HorizontalAutoscaler.
type assigned struct {
	namespace, kind, name string
	text, rest            string
	used                  bool
}

// aim separates the object in front of assignments: [NAMESPACE/]KIND/NAME: comes
// before a path, which has no slash in front of its first dot.
func aim(text string) (*assigned, error) {
	a := &assigned{text: text, rest: text}
	path, _, _ := strings.Cut(text, "=")
	object, _, found := strings.Cut(path, ":")
	parts := strings.Split(object, "/")
	if !found || len(parts) == 1 || strings.ContainsAny(parts[0], ".[") {
		return a, nil
	}
	if len(parts) == 2 {
		parts = append([]string{DefaultNamespace}, parts...)
	}
	if len(parts) != 3 || KindOf(parts[1]) == "" || parts[0] == "" || parts[2] == "" {
		return nil, setError(text, "", fmt.Errorf("%q is no object to change; want [NAMESPACE/]KIND/NAME of a HorizontalAutoscaler (ha), MetricsProducer (mp) or ScalableNodeGroup (sng), such as sng/workers:spec.replicas=3", object))
	}
	a.namespace, a.kind, a.name, a.rest = parts[0], KindOf(parts[1]), parts[2], text[len(object)+1:]
	return a, nil
}

// Assign returns a copy of the set with the assignments made; see the function
// Assign. They are for every HorizontalAutoscaler, or, after
// [NAMESPACE/]KIND/NAME: as in sng/workers:spec.replicas=3, for one object of
// any of our kinds.
func (s *Set) Assign(assignments []string) (*Set, error) {
	var all []*assigned
	var errs []error
	for _, text := range assignments {
		a, err := aim(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, a)
	}
	out := *s
	out.Autoscalers = assignEach(s.Autoscalers, all, &errs)
	out.Producers = assignEach(s.Producers, all, &errs)
	out.NodeGroups = assignEach(s.NodeGroups, all, &errs)
	for _, a := range all {
		if a.kind != "" && !a.used {
			errs = append(errs, setError(a.text, "", fmt.Errorf("there is no %s/%s/%s%s", a.namespace, a.kind, a.name, s.others(a.kind))))
		}
	}
	if err := Join(errs...); err != nil {
		return nil, err
	}
	return &out, nil
}

// others says which objects of a kind there are.
func (s *Set) others(kind string) string {
	names := slices.Concat(namesOf(s.Autoscalers, kind), namesOf(s.Producers, kind), namesOf(s.NodeGroups, kind))
	const most = 5
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return "; there is " + names[0]
	case n > most:
		names[most-1] = fmt.Sprintf("%d more", n-most+1)
		names = names[:most]
	}
	last := len(names) - 1
	return fmt.Sprintf("; there are %s and %s", strings.Join(names[:last], ", "), names[last])
}

func namesOf[T any, P object[T]](entries []Entry[T], kind string) []string {
	if kindOfObject[T]() != kind {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, fmt.Sprintf("%s/%s/%s", P(e.Object).GetNamespace(), kind, P(e.Object).GetName()))
	}
	return names
}

// assignEach makes those assignments that are for objects of one kind.
func assignEach[T any, P object[T]](entries []Entry[T], all []*assigned, errs *[]error) []Entry[T] {
	out := make([]Entry[T], len(entries))
	for i, e := range entries {
		var own []string
		for _, a := range all {
			if a.is(kindOfObject[T](), P(e.Object).GetNamespace(), P(e.Object).GetName()) {
				own, a.used = append(own, a.rest), true
			}
		}
		out[i] = e
		if len(own) == 0 {
			continue
		}
		changed, err := Assign[T, P](e, own)
		if err != nil {
			*errs = append(*errs, err)
			continue
		}
		out[i] = changed
	}
	return out
}

// is says whether the assignments are for an object.
func (a *assigned) is(kind, namespace, name string) bool {
	if a.kind == "" {
		return kind == journal.HorizontalAutoscaler
	}
	return a.kind == kind && a.namespace == namespace && a.name == name
}
