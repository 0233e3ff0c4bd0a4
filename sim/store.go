package sim

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// storedObject is an object as an API server keeps it.
type storedObject[O apiObject[O]] struct {
	object O
	// version advances with each write.
	version int
}

type apiObject[O any] interface {
	metav1.Object
	DeepCopy() O
}

// keep keeps an object as if it had just been applied.
func keep[O apiObject[O]](o O, now time.Time) storedObject[O] {
	o.SetGeneration(1)
	o.SetCreationTimestamp(metav1.Time{Time: now})
	return storedObject[O]{o, 1}
}

func (k *storedObject[O]) name() types.NamespacedName { return nameOf(k.object) }

func (k *storedObject[O]) resourceVersion() string { return strconv.Itoa(k.version) }

func (k *storedObject[O]) stored() cycle.Stored[O] {
	return cycle.Stored[O]{Object: k.object.DeepCopy(), Version: k.resourceVersion()}
}

// written advances the version after a write.
func (k *storedObject[O]) written() string {
	k.version++
	return k.resourceVersion()
}

func nameOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// objects holds the objects of one kind.
type objects[O apiObject[O], E interface {
	name() types.NamespacedName
	resourceVersion() string
	stored() cycle.Stored[O]
}] struct {
	kind string
	// all is in the order of the names.
	all    []E
	byName map[types.NamespacedName]E
}

// add adds an object whose name comes after those that are there.
func (s *objects[O, E]) add(e E) {
	if s.byName == nil {
		s.byName = map[types.NamespacedName]E{}
	}
	s.all = append(s.all, e)
	s.byName[e.name()] = e
}

// find is the object of a name, or nil.
func (s *objects[O, E]) find(name types.NamespacedName) E { return s.byName[name] }

// Load implements cycle.Store.
func (s *objects[O, E]) Load(_ context.Context, name types.NamespacedName) (cycle.Stored[O], error) {
	e, ok := s.byName[name]
	if !ok {
		return cycle.Stored[O]{}, s.notFound(name)
	}
	return e.stored(), nil
}

// expect is the object that a write of a version is of.
func (s *objects[O, E]) expect(name types.NamespacedName, version string) (E, error) {
	e, ok := s.byName[name]
	switch {
	case !ok:
		return e, s.notFound(name)
	case version != e.resourceVersion():
		return e, fmt.Errorf("%s %s has changed: %w", s.kind, name, cycle.ErrConflict)
	}
	return e, nil
}

func (s *objects[O, E]) notFound(name types.NamespacedName) error {
	return fmt.Errorf("%s %s: %w", s.kind, name, cycle.ErrNotFound)
}

// autoscalers holds the autoscalers of a run.
type autoscalers struct {
	objects[*v1alpha1.HorizontalAutoscaler, *storedObject[*v1alpha1.HorizontalAutoscaler]]
}

func newAutoscalers() *autoscalers {
	a := &autoscalers{}
	a.kind = journal.HorizontalAutoscaler
	return a
}

// Commit implements cycle.AutoscalerStore.
func (a *autoscalers) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	k, err := a.expect(name, version)
	if err != nil {
		return "", err
	}
	// The driver makes its conditions over, and everything else anew.
	k.object.Status = *status
	k.object.Status.Conditions = slices.Clone(status.Conditions)
	return k.written(), nil
}
