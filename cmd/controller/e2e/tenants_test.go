package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// TestWatchNamespaces runs the built controller with no other rights than those that
// a release with watchNamespaces gives: Roles in two namespaces and none in the
// cluster. There it decides, by ready pods, too, and tells events; elsewhere it sees
// nothing; and what would need more is refused with the cure.
func TestWatchNamespaces(t *testing.T) {
	o, elsewhere := observe(t, "watched"), observe(t, "unwatched")
	second := observe(t, "watched-too")
	for _, object := range []client.Object{
		&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: installation}}, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: installation}},
	} { // another test's release
		if err := o.client.Delete(context.Background(), object); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	install(t, "watchNamespaces=[watched, watched-too]", "metrics.secure=false", "enforceLabel=namespace")
	perReplica := resource.MustParse("35")
	ready := autoscalerOf("ready", v1alpha1.Behavior{})
	ready.Spec.Metrics[0].Prometheus.Target = v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: &perReplica}
	producer := &v1alpha1.MetricsProducer{
		ObjectMeta: metav1.ObjectMeta{Name: "capacity"},
		Spec:       v1alpha1.MetricsProducerSpec{ReservedCapacity: &v1alpha1.ReservedCapacitySpec{NodeSelector: map[string]string{"pool": "a"}}},
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "ready-1", Labels: map[string]string{"app": "ready"}}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	o.create(deployment("web", 1), autoscalerOf("web", v1alpha1.Behavior{}), producer)
	second.create(deployment("ready", 1), ready, pod)
	elsewhere.create(deployment("web", 1), autoscalerOf("web", v1alpha1.Behavior{}))
	pod.Status.Phase, pod.Status.Conditions = corev1.PodRunning, []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := o.client.Status().Update(context.Background(), pod); err != nil {
		t.Fatal(err)
	}
	selected := &appsv1.Deployment{}
	if err := o.client.Get(context.Background(), client.ObjectKey{Namespace: "watched-too", Name: "ready"}, selected); err != nil {
		t.Fatal(err)
	}
	selected.Status.Replicas = 1
	if err := o.client.Status().Update(context.Background(), selected); err != nil {
		t.Fatal(err)
	}

	var asked seen
	directory := t.TempDir()
	url := asked.serve(t)
	access := filepath.Join(directory, "own-kubeconfig")
	kubeconfigOf(t, tokenOf(t, installation, installation), access)
	p := &process{
		t: t, name: "controller", binary: build(t, directory), journal: filepath.Join(directory, "journal"),
		flags: []string{"--kubeconfig", access, "--prometheus-uri", url, "--enforce-label", "namespace", "--watch-namespaces", "watched,watched-too"},
	}
	p.start()
	eventually := func(what string, holds func() bool) {
		t.Helper()
		if err := wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(context.Context) (bool, error) { return holds(), nil }); err != nil {
			t.Fatalf("never: %s\n%s", what, p.output.String())
		}
	}
	replicas := func(namespace, name string) int32 {
		t.Helper()
		var d appsv1.Deployment
		if err := o.client.Get(context.Background(), types.NamespacedName{Namespace: namespace, Name: name}, &d); err != nil {
			t.Fatal(err)
		}
		return *d.Spec.Replicas
	}
	eventually("7 replicas", func() bool { return replicas("watched", "web") == 7 })
	eventually("2 replicas, twice the one that is ready", func() bool { return replicas("watched-too", "ready") == 2 })
	eventually("an event", func() bool {
		var events corev1.EventList
		return o.client.List(context.Background(), &events, client.InNamespace("watched")) == nil && len(events.Items) > 0
	})
	before := len(asked.all())
	eventually("more decisions", func() bool { return len(asked.all()) > before+6 })
	eventually("the producer is refused", func() bool {
		var m v1alpha1.MetricsProducer
		if err := o.client.Get(context.Background(), types.NamespacedName{Namespace: "watched", Name: "capacity"}, &m); err != nil {
			t.Fatal(err)
		}
		c := meta.FindStatusCondition(m.Status.Conditions, v1alpha1.ReadyCondition)
		return c != nil && c.Status == metav1.ConditionFalse && strings.Contains(c.Message, "this controller sees those of watched, watched-too only (--watch-namespaces); have a controller without that flag count them")
	})
	p.terminate()
	if n := replicas("unwatched", "web"); n != 1 {
		t.Errorf("%d replicas where the controller should see nothing", n)
	}
	if err := o.client.Delete(context.Background(), producer); err != nil {
		t.Error(err)
	}
	if said := p.output.String(); strings.Contains(said, "is forbidden") || strings.Contains(said, "cannot list") {
		t.Errorf("a right is missing:\n%s", p.output.String())
	}
	for _, query := range asked.all() {
		if query != `demand{app="web",namespace="watched"}` && query != `demand{app="ready",namespace="watched-too"}` && query != "vector(1)" {
			t.Errorf("asked %s", query)
		}
	}
}

// seen are the queries that a stub of Prometheus was asked; it answers 70.
type seen struct {
	mu      sync.Mutex
	queries []string
}

func (s *seen) serve(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.queries = append(s.queries, r.FormValue("query"))
		s.mu.Unlock()
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"70"]}]}}`, r.FormValue("time"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queries)
}
