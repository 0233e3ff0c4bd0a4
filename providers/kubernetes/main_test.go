package kubernetes_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

func init() { log.SetLogger(logr.Discard()) }

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// timeout bounds single calls and waits; nothing comes near it.
const timeout = time.Minute

// A server is a namespace of its own in the real API server.
type server struct {
	t         *testing.T
	config    *rest.Config
	scheme    *runtime.Scheme
	client    client.Client
	namespace string
}

func connect(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, config: servertest.Config(t), scheme: runtime.NewScheme()}
	s.check(errors.Join(clientscheme.AddToScheme(s.scheme), apiextensionsv1.AddToScheme(s.scheme), v1alpha1.AddToScheme(s.scheme)))
	var err error
	s.client, err = client.New(s.config, client.Options{Scheme: s.scheme})
	s.check(err)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	s.create(namespace)
	s.namespace = namespace.Name
	t.Cleanup(s.clear)
	return s
}

// clear removes what the managers of later tests would otherwise drive as well:
// they watch all namespaces.
func (s *server) clear() {
	ours := []client.Object{&v1alpha1.HorizontalAutoscaler{}, &v1alpha1.MetricsProducer{}, &v1alpha1.ScalableNodeGroup{}}
	for _, kind := range ours {
		if err := s.client.DeleteAllOf(context.Background(), kind, client.InNamespace(s.namespace)); err != nil {
			s.t.Errorf("clearing %s: %v", s.namespace, err)
		}
	}
}

func (s *server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) create(o client.Object) {
	s.t.Helper()
	s.check(s.client.Create(context.Background(), o))
}

// eventually waits until done says so.
func (s *server) eventually(what string, done func() bool) {
	s.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), 5*time.Millisecond, timeout, true, func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

func (s *server) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: s.namespace, Name: name}
}

// deployment is one whose controller does nothing.
func (s *server) deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{ObjectMeta: s.meta(name), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}}},
	}}
}

// autoscaler scales a Deployment of the same name to one replica for each ten of a metric.
func (s *server) autoscaler(name, deployment string) *v1alpha1.HorizontalAutoscaler {
	ten := resource.MustParse("10")
	return &v1alpha1.HorizontalAutoscaler{ObjectMeta: s.meta(name), Spec: v1alpha1.HorizontalAutoscalerSpec{
		ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: deployment},
		MinReplicas:    1, MaxReplicas: 20,
		Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
			Query: "queue_length", Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
		}}},
	}}
}
