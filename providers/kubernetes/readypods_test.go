package kubernetes_test

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// TestReadyPodsOfATarget follows pods of a real API server as they start, become
// ready, terminate and go.
func TestReadyPodsOfATarget(t *testing.T) {
	s := connect(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	targets, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), timeout)
	s.check(err)
	targets.Pods, err = kubernetes.NewReadyPods(ctx, s.config, clock.RealClock{})
	s.check(err)
	s.create(s.deployment("web", 3))
	ref := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.namespace, Name: "web"}
	pod := func(name, app string) *corev1.Pod {
		meta := s.meta(name)
		meta.Labels = map[string]string{"app": app, "pod-template-hash": "1"}
		meta.Finalizers = []string{"test.karpenter.sh/held"}
		p := &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}}
		s.create(p)
		return p
	}
	state := func(p *corev1.Pod, phase corev1.PodPhase, ready corev1.ConditionStatus) {
		t.Helper()
		p.Status.Phase = phase
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
		s.check(s.client.Status().Update(ctx, p))
	}
	becomes := func(reason string, want int32) {
		t.Helper()
		s.eventually(reason, func() bool {
			scale, err := targets.Get(ctx, ref, time.Now())
			return err == nil && scale.Ready == want
		})
	}

	becomes("a Deployment without pods has none ready", 0)
	first, second, other := pod("web-1", "web"), pod("web-2", "web"), pod("api-1", "api")
	state(first, corev1.PodRunning, corev1.ConditionTrue)
	state(other, corev1.PodRunning, corev1.ConditionTrue)
	becomes("pending pods and those of others do not count", 1)
	state(second, corev1.PodRunning, corev1.ConditionFalse)
	becomes("running is not ready", 1)
	state(second, corev1.PodRunning, corev1.ConditionTrue)
	becomes("now it is", 2)
	s.check(s.client.Delete(ctx, second))
	becomes("a pod that terminates counts while it is ready", 2)
	state(first, corev1.PodSucceeded, corev1.ConditionTrue)
	becomes("a pod that has ended does not run", 1)
	s.check(s.client.Get(ctx, client.ObjectKeyFromObject(second), second))
	second.Finalizers = nil
	s.check(s.client.Update(ctx, second))
	becomes("a pod that is gone is gone", 0)
	if scale, err := targets.Get(ctx, ref, time.Time{}); err != nil || scale.Ready != 0 || scale.Spec != 3 {
		t.Errorf("uncounted: %+v, %v", scale, err)
	}
}

// TestReadyPodsForbidden says what is missing where pods must not be listed.
func TestReadyPodsForbidden(t *testing.T) {
	s := connect(t)
	user, err := servertest.Environment(t).AddUser(envtest.User{Name: "podless"}, nil)
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pods, err := kubernetes.NewReadyPods(ctx, user.Config(), clock.RealClock{})
	s.check(err)
	short, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	if _, err := pods.Ready(short, cycle.TargetRef{Namespace: s.namespace}, "app=web", time.Time{}); !errors.Is(err, cycle.ErrForbidden) {
		t.Errorf("got %v, want forbidden", err)
	}
}
