package cycle

import (
	"fmt"
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
