package pods_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/pods"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// setup makes a pod on a node whose port 8083 is an HTTP server.
func setup(t *testing.T) (types.NamespacedName, *servertest.Kubelet) {
	t.Helper()
	c, err := client.New(servertest.Config(t), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "pods-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	kubelet := servertest.NewKubelet(t, c, namespace.Name)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: namespace.Name, Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{NodeName: kubelet.Node, Containers: []corev1.Container{{Name: "web", Image: "web"}}},
	}
	if err := c.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.URL.Path, strings.Repeat("x", 1<<20))
	}))
	t.Cleanup(server.Close)
	name := client.ObjectKeyFromObject(pod)
	kubelet.Listen(name, 8083, strings.TrimPrefix(server.URL, "http://"))
	return name, kubelet
}

// through is an HTTP client to one port of a pod.
func through(t *testing.T, config *rest.Config, pod types.NamespacedName, port int32) *http.Client {
	t.Helper()
	c, err := pods.New(config)
	if err != nil {
		t.Fatal(err)
	}
	forward, err := c.Forward(t.Context(), pod.Namespace, pod.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { forward.Close() })
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return forward.Dial(port) },
	}}
}

// get reads a megabyte.
func get(c *http.Client, path string) error {
	r, err := c.Get("http://pod" + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if want := len(path) + 1 + 1<<20; err == nil && (len(body) != want || !strings.HasPrefix(string(body), path)) {
		return fmt.Errorf("%d bytes, want %d", len(body), want)
	}
	return err
}

// TestForward reaches a pod's port through a real API server.
func TestForward(t *testing.T) {
	pod, _ := setup(t)
	c := through(t, servertest.Config(t), pod, 8083)
	for i := range 3 {
		if err := get(c, fmt.Sprintf("/%d", i)); err != nil {
			t.Fatal(err)
		}
		c.CloseIdleConnections() // the next call has a stream of its own
	}
}

// TestForwardWithoutWebSockets does so behind a proxy that knows only SPDY.
func TestForwardWithoutWebSockets(t *testing.T) {
	pod, _ := setup(t)
	config := servertest.Config(t)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no upgrades
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	if server.Scheme == "" {
		server.Scheme = "https"
	}
	refused := 0
	behind := httputil.NewSingleHostReverseProxy(server)
	behind.Transport = transport
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			refused++
			http.Error(w, "no WebSockets here", http.StatusBadRequest)
			return
		}
		behind.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	if err := get(through(t, &rest.Config{Host: proxy.URL}, pod, 8083), "/spdy"); err != nil {
		t.Fatal(err)
	}
	if refused != 1 {
		t.Errorf("%d WebSockets were tried, want 1", refused)
	}
}

// TestForwardFails has the node's, the API server's and the caller's reasons.
func TestForwardFails(t *testing.T) {
	pod, _ := setup(t)
	err := get(through(t, servertest.Config(t), pod, 9), "/")
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nothing listens: got %v", err)
	}

	user, err := servertest.Environment(t).ControlPlane.AddUser(envtest.User{Name: "nobody"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pods.New(user.Config())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(t.Context(), pod.Namespace, ""); !apierrors.IsForbidden(err) {
		t.Errorf("no right to list: got %v", err)
	}
	if _, err := c.Forward(t.Context(), pod.Namespace, pod.Name); err == nil || !strings.Contains(err.Error(), `cannot create resource "pods/portforward"`) {
		t.Errorf("no right to forward: got %v", err)
	}

	c, err = pods.New(servertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Forward(t.Context(), pod.Namespace, "api"); err == nil || !strings.Contains(err.Error(), `pods "api" not found`) {
		t.Errorf("no such pod: got %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Forward(cancelled, pod.Namespace, pod.Name); err != context.Canceled {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestList(t *testing.T) {
	pod, _ := setup(t)
	c, err := pods.New(servertest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]int{"app=web": 1, "app=api": 0, "": 1} {
		found, err := c.List(t.Context(), pod.Namespace, selector)
		if err != nil || len(found) != want {
			t.Errorf("%q: %d pods, %v; want %d", selector, len(found), err, want)
		}
	}
}
