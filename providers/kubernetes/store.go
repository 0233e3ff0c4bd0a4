package kubernetes

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// Access is how stores reach the API server.
type Access struct {
	// Reader must not cache.
	Reader client.Reader
	Writer client.Client
	// Timeout bounds each call.
	Timeout time.Duration
	// Reporter, if set, is told what was loaded and committed.
	Reporter *Reporter
	// Fence, if set, is asked before every write; its error is returned instead.
	Fence func() error
}

// fenced is the fence's error.
func (a *Access) fenced() error {
	if a.Fence == nil {
		return nil
	}
	return a.Fence()
}

// load reads an object of a kind into o, and says so.
func (a *Access) load(ctx context.Context, kind string, name types.NamespacedName, o client.Object, conditions *[]metav1.Condition) error {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	if err := a.Reader.Get(ctx, name, o); err != nil {
		return failed(err)
	}
	if a.Reporter != nil {
		a.Reporter.loaded(objectOf(kind, name), o, *conditions)
	}
	return nil
}

// commit replaces the status of an object that still has the version, and
// returns the new version. It sends nothing but the status, so that it cannot
// touch what others wrote, and asks for nothing but the metadata back.
func (a *Access) commit(ctx context.Context, kind string, name types.NamespacedName, version string, status any, conditions []metav1.Condition) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Timeout)
	defer cancel()
	patch, err := patchOf(version, "/status", status)
	if err != nil {
		return "", err
	}
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	if err := a.fenced(); err != nil {
		return "", err
	}
	if err := a.Writer.Status().Patch(ctx, object, patch, client.FieldOwner(fieldManager)); err != nil {
		return "", failed(err)
	}
	if a.Reporter != nil {
		a.Reporter.committed(objectOf(kind, name), conditions)
	}
	return object.ResourceVersion, nil
}

// patchOf replaces the whole value at a path of an object that still has the
// version: a merge patch would leave behind what the new value leaves out. The
// version is set rather than tested, because the server answers with a conflict
// then, and not with an invalid request.
func patchOf(version, path string, value any) (client.Patch, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	data, err := json.Marshal([]operation{
		{"replace", "/metadata/resourceVersion", version},
		{"add", path, value},
	})
	return client.RawPatch(types.JSONPatchType, data), err
}

// objectOf names an object in the journal.
func objectOf(kind string, name types.NamespacedName) journal.Object {
	return journal.Object{Kind: kind, Namespace: name.Namespace, Name: name.Name}
}
