package servertest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Kubelet is a node as the API server knows it, of which only port forwarding
// works: by the library of the container runtimes, over TLS, to ports on this
// machine in place of the pods'.
type Kubelet struct {
	// Node is the name of the node.
	Node string

	mu    sync.Mutex
	ports map[string]map[int32]string // by namespace/name of the pod
}

// NewKubelet starts a kubelet on the loopback interface and makes its node.
func NewKubelet(t testing.TB, c client.Client, name string) *Kubelet {
	t.Helper()
	k := &Kubelet{Node: name, ports: map[string]map[int32]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/{namespace}/{pod}", k.portForward)
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.CloseClientConnections)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(at.Port(), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.Background(), node); err != nil {
			t.Error(err)
		}
	})
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: at.Hostname()}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	if err := c.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	return k
}

// Listen says where the port of a pod is on this machine.
func (k *Kubelet) Listen(pod types.NamespacedName, port int32, address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ports[pod.String()] == nil {
		k.ports[pod.String()] = map[int32]string{}
	}
	k.ports[pod.String()][port] = address
}

func (k *Kubelet) portForward(w http.ResponseWriter, r *http.Request) {
	pod := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}
	portforward.ServePortForward(w, r, k, pod.String(), "", &portforward.V4Options{}, time.Minute, time.Minute, portforward.SupportedProtocols)
}

// PortForward implements the runtimes' PortForwarder.
func (k *Kubelet) PortForward(ctx context.Context, pod, _ string, port int32, stream io.ReadWriteCloser) error {
	k.mu.Lock()
	address, ok := k.ports[pod][port]
	k.mu.Unlock()
	if !ok {
		return fmt.Errorf("dial tcp4 127.0.0.1:%d: connect: connection refused", port)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, stream) // ends with the stream
		_ = conn.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}
