package kubernetes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

func TestStore(t *testing.T) {
	s, ctx := connect(t), context.Background()
	store := &kubernetes.Store{Access: kubernetes.Access{Reader: s.client, Writer: s.client, Timeout: timeout}}
	name := types.NamespacedName{Namespace: s.namespace, Name: "web"}
	s.create(s.autoscaler("web", "web"))

	stored, err := store.Load(ctx, name)
	s.check(err)
	three, at := int32(3), metav1.NewTime(time.Unix(1767600000, 0))
	status := v1alpha1.HorizontalAutoscalerStatus{
		ObservedGeneration: 1, DesiredReplicas: &three, CurrentReplicas: &three, LastScaleTime: &at, Reason: "ScaledUp", State: "1 - -",
		Conditions: []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Ready", Message: "it works", LastTransitionTime: at}},
	}
	first, err := store.Commit(ctx, name, stored.Version, &status)
	s.check(err)

	// What others write survives, and makes the next commit a conflict.
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"a"}},"spec":{"maxReplicas":30}}`))
	s.check(s.client.Patch(ctx, &v1alpha1.HorizontalAutoscaler{ObjectMeta: s.meta("web")}, patch))
	lean := v1alpha1.HorizontalAutoscalerStatus{DesiredReplicas: &three, Reason: "Unchanged"}
	if _, err := store.Commit(ctx, name, first, &lean); !errors.Is(err, cycle.ErrConflict) {
		t.Errorf("a commit with an old version: %v", err)
	}
	stored, err = store.Load(ctx, name)
	s.check(err)
	if diff := cmp.Diff(status, stored.Object.Status); diff != "" {
		t.Errorf("status: %s", diff)
	}
	second, err := store.Commit(ctx, name, stored.Version, &lean)
	s.check(err)
	stored, err = store.Load(ctx, name)
	s.check(err)
	if diff := cmp.Diff(lean, stored.Object.Status); diff != "" || stored.Version != second {
		t.Errorf("version %s, committed %s; what a new status leaves out must go: %s", stored.Version, second, diff)
	}
	if o := stored.Object; o.Labels["team"] != "a" || o.Spec.MaxReplicas != 30 || o.Generation != 2 || len(o.Spec.Metrics) != 1 {
		t.Errorf("what others wrote is lost: %+v", o)
	}

	missing := types.NamespacedName{Namespace: s.namespace, Name: "api"}
	if _, err := store.Load(ctx, missing); !errors.Is(err, cycle.ErrNotFound) {
		t.Errorf("load of nothing: %v", err)
	}
	if _, err := store.Commit(ctx, missing, second, &lean); !errors.Is(err, cycle.ErrNotFound) {
		t.Errorf("commit to nothing: %v", err)
	}
	s.check(s.client.Delete(ctx, stored.Object))
	s.create(s.autoscaler("web", "web"))
	if _, err := store.Commit(ctx, name, second, &lean); !errors.Is(err, cycle.ErrConflict) {
		t.Errorf("commit to a recreated object: %v", err)
	}
}
