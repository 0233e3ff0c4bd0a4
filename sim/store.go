package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// objects keeps the autoscalers as an API server would, and is their
// cycle.AutoscalerStore.
type objects map[types.NamespacedName]*stored

type stored struct {
	object  *v1alpha1.HorizontalAutoscaler
	version int
}

func nameOf(o *v1alpha1.HorizontalAutoscaler) types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
}

// create adds an autoscaler as if it had just been applied.
func (s objects) create(o *v1alpha1.HorizontalAutoscaler) {
	o.Generation = 1
	s[nameOf(o)] = &stored{object: o, version: 1}
}

// Load implements cycle.Store.
func (s objects) Load(_ context.Context, name types.NamespacedName) (cycle.Stored[*v1alpha1.HorizontalAutoscaler], error) {
	o := s[name]
	if o == nil {
		return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{}, fmt.Errorf("HorizontalAutoscaler %s: %w", name, cycle.ErrNotFound)
	}
	return cycle.Stored[*v1alpha1.HorizontalAutoscaler]{Object: o.object.DeepCopy(), Version: strconv.Itoa(o.version)}, nil
}

// Commit implements cycle.Store.
func (s objects) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	o := s[name]
	switch {
	case o == nil:
		return "", fmt.Errorf("HorizontalAutoscaler %s: %w", name, cycle.ErrNotFound)
	case version != strconv.Itoa(o.version):
		return "", fmt.Errorf("HorizontalAutoscaler %s has changed: %w", name, cycle.ErrConflict)
	}
	// The driver makes its conditions over, and everything else anew.
	o.object.Status = *status
	o.object.Status.Conditions = slices.Clone(status.Conditions)
	o.version++
	return strconv.Itoa(o.version), nil
}
