package cycle

import (
	"cmp"
	"slices"
	"strings"
)

// A TargetKey identifies a scale target. All versions of its API are the same
// object, so it has the group and no version. The kind is in lower case: API servers
// also find a deployment.
type TargetKey struct {
	Group, Kind, Namespace, Name string
}

// Key returns what identifies the target, whichever version of its API the
// reference names.
func (t TargetRef) Key() TargetKey {
	group, _, grouped := strings.Cut(t.APIVersion, "/")
	if !grouped {
		group = "" // v1, of the core group
	}
	return TargetKey{group, strings.ToLower(t.Kind), t.Namespace, t.Name}
}

// String returns NAMESPACE/GROUP/KIND/NAME, the kind in lower case.
func (k TargetKey) String() string {
	return k.Namespace + "/" + k.Group + "/" + k.Kind + "/" + k.Name
}

// An Owner is an autoscaler, of our kind or another one, that names a target.
type Owner struct {
	Kind, Name string
	// DryRun says that it acts on nothing.
	DryRun bool
}

// Kinds of other autoscalers that act on targets.
const (
	ScaledObject            = "ScaledObject"
	HorizontalPodAutoscaler = "HorizontalPodAutoscaler"
)

// precedence orders owners for Rival: ours first, then KEDA's ScaledObject
// before the HPA that KEDA makes of it.
var precedence = map[string]int{ScaledObject: 1, HorizontalPodAutoscaler: 2}

// Rival names, as KIND NAME, who else acts on a target that the autoscaler self
// has, and is empty where nobody does. An autoscaler in dry run acts on nothing:
// it has no rival and is none.
func Rival(owners []Owner, self string) string {
	var rivals []Owner
	for _, o := range owners {
		itself := precedence[o.Kind] == 0 && o.Name == self
		switch {
		case itself && o.DryRun:
			return ""
		case !itself && !o.DryRun:
			rivals = append(rivals, o)
		}
	}
	if len(rivals) == 0 {
		return ""
	}
	first := slices.MinFunc(rivals, func(a, b Owner) int {
		return cmp.Or(cmp.Compare(precedence[a.Kind], precedence[b.Kind]), cmp.Compare(a.Name, b.Name))
	})
	return first.Kind + " " + first.Name
}
