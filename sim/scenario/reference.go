package scenario

import (
	"fmt"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// A Reference is an object as [NAMESPACE/]KIND/NAME.
type Reference struct {
	Namespace, Kind, Name string
}

// String is NAMESPACE/KIND/NAME.
func (r Reference) String() string { return r.Namespace + "/" + r.Kind + "/" + r.Name }

// apiVersions are the kinds with a scale subresource whose version need not be said.
var apiVersions = map[string]string{
	"Deployment":            "apps/v1",
	"ReplicaSet":            "apps/v1",
	"ReplicationController": "v1",
	"ScalableNodeGroup":     v1alpha1.GroupVersion.String(),
	"StatefulSet":           "apps/v1",
}

// shortNames are kubectl's for the kinds above; singular and plural names are
// found by themselves.
var shortNames = map[string]string{
	"deploy": "Deployment",
	"rs":     "ReplicaSet",
	"rc":     "ReplicationController",
	"sts":    "StatefulSet",
}

// ParseReference reads [NAMESPACE/]KIND/NAME; kubectl's short names of kinds
// will do, and the namespace is default if absent.
func ParseReference(text string) (Reference, error) {
	parts := strings.Split(text, "/")
	if len(parts) == 2 {
		parts = append([]string{manifest.DefaultNamespace}, parts...)
	}
	r := Reference{}
	if len(parts) == 3 {
		r = Reference{Namespace: parts[0], Kind: kindOf(parts[1]), Name: parts[2]}
	}
	if r.Namespace == "" || r.Kind == "" || r.Name == "" {
		return Reference{}, fmt.Errorf("%q is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web", text)
	}
	return r, nil
}

// parseOwn reads a reference to an object of our kinds.
func parseOwn(text string) (Reference, error) {
	ref, err := ParseReference(text)
	if err != nil {
		return Reference{}, err
	}
	if ref.own() {
		return ref, nil
	}
	return Reference{}, fmt.Errorf("%s is of none of our kinds; want a HorizontalAutoscaler (ha), MetricsProducer (mp) or ScalableNodeGroup (sng)", ref)
}

// kindOf is the kind that a word means; it leaves alone what it does not know.
func kindOf(word string) string {
	if kind := manifest.KindOf(word); kind != "" {
		return kind
	}
	lower := strings.ToLower(word)
	if kind, ok := shortNames[lower]; ok {
		return kind
	}
	for kind := range apiVersions {
		if singular := strings.ToLower(kind); lower == singular || lower == singular+"s" {
			return kind
		}
	}
	return word
}

// own says whether a reference is to an object of our kinds.
func (r Reference) own() bool {
	return r.Kind == autoscalerKind || r.Kind == nodeGroupKind || r.Kind == producerKind
}
