package kubernetes

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// Store is cycle.Store over an API server.
type Store struct {
	reader  client.Reader
	writer  client.StatusClient
	timeout time.Duration
}

var _ cycle.Store = (*Store)(nil)

// NewStore returns a store that reads with reader, which must not cache, and
// writes with writer. No call takes longer than the timeout.
func NewStore(reader client.Reader, writer client.StatusClient, timeout time.Duration) *Store {
	return &Store{reader: reader, writer: writer, timeout: timeout}
}

// Load implements cycle.Store.
func (s *Store) Load(ctx context.Context, name types.NamespacedName) (cycle.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	object := &v1alpha1.HorizontalAutoscaler{}
	if err := s.reader.Get(ctx, name, object); err != nil {
		return cycle.Stored{}, failed(err)
	}
	return cycle.Stored{Object: object, Version: object.ResourceVersion}, nil
}

// Commit implements cycle.Store. It sends nothing but the status, so that it
// cannot touch what others wrote, and asks for nothing but the metadata back.
func (s *Store) Commit(ctx context.Context, name types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	patch, err := statusPatch(version, status)
	if err != nil {
		return "", err
	}
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("HorizontalAutoscaler"))
	if err := s.writer.Status().Patch(ctx, object, patch, client.FieldOwner(fieldManager)); err != nil {
		return "", failed(err)
	}
	return object.ResourceVersion, nil
}

// statusPatch replaces the whole status of an object that still has the
// version: a merge patch would leave behind what the new status leaves out.
// The version is set rather than tested, because the server answers with a
// conflict then, and not with an invalid request.
func statusPatch(version string, status any) (client.Patch, error) {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	data, err := json.Marshal([]operation{
		{"replace", "/metadata/resourceVersion", version},
		{"add", "/status", status},
	})
	return client.RawPatch(types.JSONPatchType, data), err
}
