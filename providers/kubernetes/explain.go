package kubernetes

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/suggest"
)

// explained is an error with what it says to people, see cycle.Sentence.
type explained struct {
	error
	sentence string
}

// Sentence returns what cycle.Sentence looks for.
func (e *explained) Sentence() string { return e.sentence }

// Unwrap returns the error itself.
func (e *explained) Unwrap() error { return e.error }

// scalable are the kinds that are scaled most, by their API version.
var scalable = []struct{ kind, apiVersion string }{
	{"Deployment", "apps/v1"}, {"StatefulSet", "apps/v1"}, {"ReplicaSet", "apps/v1"},
	{"ReplicationController", "v1"}, {"ScalableNodeGroup", "autoscaling.karpenter.sh/v1alpha1"}, {"Rollout", "argoproj.io/v1alpha1"},
}

// explainKind says of a kind that the server does not know what was meant.
func (t *Targets) explainKind(target cycle.TargetRef, version schema.GroupVersion, err error) error {
	failure := failed(err)
	if !meta.IsNoMatchError(err) {
		return &explained{failure, statusOf(err)}
	}
	for _, s := range scalable {
		if s.kind == target.Kind && s.apiVersion != target.APIVersion && version.Group == "" {
			return &explained{failure, fmt.Sprintf("spec.scaleTargetRef.apiVersion is needed: a %s is of %s", s.kind, s.apiVersion)}
		}
	}
	sentence := fmt.Sprintf("no kind %s in %s", target.Kind, version)
	if meant := nearest(target.Kind); meant != "" && meant != target.Kind {
		sentence += fmt.Sprintf("; did you mean %s?", meant)
	} else if other, err := t.mapper.RESTMapping(version.WithKind(target.Kind).GroupKind()); err == nil {
		sentence += "; the server has it in " + other.GroupVersionKind.GroupVersion().String()
	} else if usual := usualVersion(target.Kind); usual != "" {
		sentence += fmt.Sprintf("; did you mean %s?", usual)
	} else {
		sentence += "; is its CustomResourceDefinition installed?"
	}
	return &explained{failure, sentence}
}

// usualVersion returns the API version of a kind that is scaled often, or empty.
func usualVersion(kind string) string {
	for _, s := range scalable {
		if s.kind == kind {
			return s.apiVersion
		}
	}
	return ""
}

// nearest returns the kind that a mistyped one was meant to be, or empty.
func nearest(kind string) string {
	var kinds []string
	for _, s := range scalable {
		kinds = append(kinds, s.kind)
	}
	return suggest.Closest(kind, kinds)
}

// explainScale says of a failed call of a scale subresource what is wrong, nil of nil.
func explainScale(target cycle.TargetRef, err error) error {
	if err == nil {
		return nil
	}
	failure := failed(err)
	var status apierrors.APIStatus
	named := errors.As(err, &status) && status.Status().Details != nil && status.Status().Details.Name != ""
	switch {
	case strings.Contains(err.Error(), "could not find scale subresource"), apierrors.IsNotFound(err) && !named:
		return &explained{fmt.Errorf("%w: %w", cycle.ErrNotFound, err),
			fmt.Sprintf("a %s has no scale subresource: only kinds that have one can be scaled, such as a Deployment or a StatefulSet", target.Kind)}
	case apierrors.IsNotFound(err):
		return &explained{failure, fmt.Sprintf("no %s %s in namespace %s", target.Kind, target.Name, target.Namespace)}
	case apierrors.IsForbidden(err):
		cure := "give the controller's ClusterRole get and update of this kind's scale"
		if status := statusOf(err); status != "" {
			cure = status + "; " + cure
		}
		return &explained{failure, cure}
	}
	return &explained{failure, statusOf(err)}
}

// statusOf is the API server's own sentence; what the network says changes from
// call to call, and has none.
func statusOf(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || apierrors.IsConflict(err) {
		return ""
	}
	return status.Status().Message
}
