package kubernetes_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// TestAdmittedObjects throws odd autoscalers at the real admission. What it lets
// through must be decided without a panic, whatever the metrics say.
func TestAdmittedObjects(t *testing.T) {
	s, ctx := connect(t), context.Background()
	s.create(s.deployment("web", 5))
	random := rand.New(rand.NewPCG(1, 2))
	source := &gauge{}
	clock := clocktesting.NewFakePassiveClock(time.Time{})
	values := []float64{0, 1, 0.5, -1, 1e-300, 1e300, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 31, 1 << 62, 80}
	admitted := 0
	for i := range 200 {
		o := oddAutoscaler(random)
		o.SetNamespace(s.namespace)
		o.SetName("odd")
		switch err := s.client.Create(ctx, o); {
		case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
			continue
		default:
			s.check(err)
		}
		admitted++
		clock.SetTime(o.GetCreationTimestamp().Add(time.Second))
		r := s.reconciler(clock, source, &diary{})
		for range 4 {
			clock.SetTime(clock.Now().Add(time.Duration(1+random.IntN(400)) * time.Second))
			source.set(cycle.Result{Samples: random.IntN(3), Value: values[random.IntN(len(values))]}, nil)
			result, err := r.Reconcile(ctx, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: "odd"}})
			if err != nil || result.RequeueAfter <= 0 {
				t.Errorf("object %d: %+v, %v", i, result, err)
			}
		}
		now := (&running{server: s}).autoscalerNow("odd")
		if now.Status.Reason == "" {
			t.Errorf("object %d was not decided: %+v", i, now)
		}
		if now.Status.Reason == "InvalidPolicy" {
			t.Errorf("object %d was admitted, but is invalid: %+v", i, now.Status.Conditions)
		}
		s.check(s.client.Delete(ctx, o))
	}
	if admitted < 20 {
		t.Errorf("%d objects were admitted; that proves little", admitted)
	}
}

// oddAutoscaler has odd values for some fields, and lacks others.
func oddAutoscaler(random *rand.Rand) *unstructured.Unstructured {
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	mostly := func(usual any, odd ...any) any {
		if random.IntN(10) > 0 {
			return usual
		}
		return pick(odd...)
	}
	count := func(usual int64) any {
		return mostly(usual, int64(0), int64(1), int64(-1), int64(math.MaxInt32), int64(math.MaxInt64), "5", nil)
	}
	quantity := func(usual string) any {
		return mostly(usual, "0", "1n", "0.000000001", "1e3", "9223372036854775807", "1E18", "-1", "abc", "", int64(7), nil, "1Ki", "100m")
	}
	rules := func() any {
		o := map[string]any{}
		if random.IntN(2) > 0 {
			o["stabilizationWindowSeconds"] = count(60)
		}
		if random.IntN(2) > 0 {
			o["selectPolicy"] = mostly(pick("Max", "Min", "Disabled"), "max", "")
		}
		if random.IntN(2) > 0 {
			o["tolerance"] = quantity("100m")
		}
		var policies []any
		for range random.IntN(4) {
			policies = append(policies, map[string]any{"type": mostly(pick("Count", "Pods", "Percent"), "Nodes"), "value": count(4), "periodSeconds": count(30)})
		}
		o["policies"] = policies
		return o
	}
	var metrics []any
	for range random.IntN(4) {
		target := map[string]any{"type": mostly(pick("Value", "AverageValue", "Utilization"), "Sum")}
		target["value"] = quantity("10")
		if random.IntN(3) == 0 {
			target["averageValue"] = quantity("10")
		}
		if random.IntN(3) == 0 {
			target["averageUtilization"] = count(60)
		}
		metrics = append(metrics, map[string]any{"prometheus": map[string]any{"query": mostly("up", "", "\x00", "sum(", "é\u2028\"\\"), "target": target}})
	}
	spec := map[string]any{
		"scaleTargetRef": map[string]any{"apiVersion": mostly("apps/v1", "apps", "a/b/c", "", "v1"), "kind": mostly("Deployment", "deployment", "Node", "Nothing"), "name": mostly("web", "", "../web", "web/scale", "Web")},
		"minReplicas":    count(1), "maxReplicas": count(20), "metrics": metrics,
		"behavior": map[string]any{"scaleUp": rules(), "scaleDown": rules()},
		"dryRun":   random.IntN(5) == 0,
	}
	if random.IntN(2) > 0 {
		spec["pollingIntervalSeconds"] = count(15)
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "autoscaling.karpenter.sh/v1alpha1", "kind": "HorizontalAutoscaler", "spec": spec}}
}
