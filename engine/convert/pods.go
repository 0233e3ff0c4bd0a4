package convert

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The parts of the names of pods: what a ReplicaSet's name ends in, which is the hash
// of its template, and what is drawn at random for each pod.
const (
	templateHash = "[a-z0-9]+"
	randomSuffix = "[a-z0-9]{5}"
)

// longestGenerated is how long the generated name of a pod can be before the random
// suffix: what is longer is cut.
const longestGenerated = 58

// PodNames is a regular expression for the names that Kubernetes gives the pods of
// an object; exact is false for a kind of which that is not known, of whose pods it
// is only assumed that their names begin with the object's.
func PodNames(kind, name string) (pattern string, exact bool) {
	quoted := regexp.QuoteMeta(name)
	switch kind {
	case "Deployment", "Rollout":
		switch {
		case len(name) >= longestGenerated:
			return regexp.QuoteMeta(name[:longestGenerated]) + randomSuffix, true
		case len(name)+len("-0123456789-") > longestGenerated:
			// The hash, and the dash after it, may be cut.
			return fmt.Sprintf("%s-[a-z0-9]*-?%s", quoted, randomSuffix), true
		}
		return fmt.Sprintf("%s-%s-%s", quoted, templateHash, randomSuffix), true
	case "DeploymentConfig":
		return fmt.Sprintf("%s-[0-9]+-%s", quoted, randomSuffix), true
	case "StatefulSet":
		return quoted + "-[0-9]+", true
	case "ReplicaSet", "ReplicationController", "DaemonSet":
		if len(name)+1 > longestGenerated {
			return regexp.QuoteMeta(name[:longestGenerated]) + randomSuffix, true
		}
		return fmt.Sprintf("%s-%s", quoted, randomSuffix), true
	}
	return quoted + "-.*", false
}

// targetKinds are the kinds that are scaled nearly always.
var targetKinds = []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "DeploymentConfig", "Rollout"}

// targetKind refuses a kind that only differs from a known one in capitals, as a
// cluster does: it would find no such object.
func (c *converter) targetKind(path *field.Path) error {
	for _, kind := range targetKinds {
		if strings.EqualFold(kind, c.target.kind) && kind != c.target.kind {
			return c.invalid(path, "a cluster knows no %s; did you mean %s?", c.target.kind, kind)
		}
	}
	return nil
}

// podOwner is the kind that owns the pods of an object of a kind; empty where that is
// not known.
func podOwner(kind string) string {
	switch kind {
	case "Deployment", "Rollout":
		return "ReplicaSet"
	case "DeploymentConfig":
		return "ReplicationController"
	case "StatefulSet", "ReplicaSet", "ReplicationController", "DaemonSet":
		return kind
	}
	return ""
}
