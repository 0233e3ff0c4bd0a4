package cycle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Namespaces is the list of namespaces whose objects may do something; an empty one allows all.
type Namespaces []string

// Allow says whether the objects of a namespace may do it.
func (n Namespaces) Allow(namespace string) bool {
	return len(n) == 0 || slices.Contains(n, namespace)
}

// forbid says that an object of a namespace may not name something of the cloud.
func (n Namespaces) forbid(path *field.Path, namespace, what, flag string) *field.Error {
	return field.Forbidden(path, fmt.Sprintf("no object of namespace %s may name a %s: this controller was started with %s=%s; create the object in one of these, or have the namespace added",
		namespace, what, flag, strings.Join(n, ",")))
}

// unprovided says that nothing here knows a type of the cloud's, and why: a controller
// without any provider was started so on purpose.
func unprovided[P any](path *field.Path, kind string, providers map[string]P) *field.Error {
	if len(providers) == 0 {
		return field.Forbidden(path, fmt.Sprintf("this controller has no provider for %s: it was started with CLOUD_PROVIDER=none; see --cloud-provider", kind))
	}
	return field.NotSupported(path, kind, slices.Sorted(maps.Keys(providers)))
}
