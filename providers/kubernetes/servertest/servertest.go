// Package servertest gives tests a real kube-apiserver with etcd and our CRDs, and
// a Prometheus, and helm. It takes them from KUBEBUILDER_ASSETS, PROMETHEUS_BIN and
// HELM_BIN, or from where .ci/tools/build keeps them; without them tests skip, unless
// KARPENTER_REQUIRE_SERVERS=1.
package servertest

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// servers holds the servers of a test binary.
var servers struct {
	mu sync.Mutex
	// shared is of all tests that want none of their own.
	shared *server
	// own are by the name of the test, idle has those of tests that have ended.
	own  map[string]*server
	idle []*server
	all  []*server
}

// A server is a kube-apiserver with its etcd, once it was needed.
type server struct {
	once        sync.Once
	environment *envtest.Environment
	config      *rest.Config
	err         error
}

// Main runs a package's tests and stops the servers afterwards: func TestMain
// must end with os.Exit of it.
func Main(m *testing.M) int {
	code := m.Run()
	for _, s := range servers.all {
		if s.environment == nil {
			continue
		}
		if err := s.environment.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "servertest: stop:", err)
			code = max(code, 1)
		}
	}
	return code
}

// Own gives a test, and what it runs, a server that no other test uses until it has
// ended. Tests that leave nothing behind but namespaces can run in parallel then,
// under whatever names.
func Own(t testing.TB) {
	t.Helper()
	servers.mu.Lock()
	defer servers.mu.Unlock()
	var s *server
	if n := len(servers.idle); n > 0 {
		s, servers.idle = servers.idle[n-1], servers.idle[:n-1]
	} else {
		s = &server{}
		servers.all = append(servers.all, s)
	}
	if servers.own == nil {
		servers.own = map[string]*server{}
	}
	servers.own[t.Name()] = s
	t.Cleanup(func() {
		servers.mu.Lock()
		defer servers.mu.Unlock()
		delete(servers.own, t.Name())
		servers.idle = append(servers.idle, s)
	})
}

// of is the server of a test: its own, or that of the test it is part of, or the
// shared one.
func of(t testing.TB) *server {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	for name := t.Name(); name != "."; name = path.Dir(name) {
		if s := servers.own[name]; s != nil {
			return s
		}
	}
	if servers.shared == nil {
		servers.shared = &server{}
		servers.all = append(servers.all, servers.shared)
	}
	return servers.shared
}

// Config is how to reach the server as an administrator. The first call starts
// it. It skips the test where there is no server to start, or with -short.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("a real API server takes longer than -short allows")
	}
	s := of(t)
	s.once.Do(s.start)
	if s.err != nil {
		t.Fatal(s.err)
	}
	if s.config == nil {
		if os.Getenv("KARPENTER_REQUIRE_SERVERS") == "1" {
			t.Fatal("no kube-apiserver although KARPENTER_REQUIRE_SERVERS=1: build it with make tools")
		}
		t.Skip("no kube-apiserver: build it with make tools, or set KUBEBUILDER_ASSETS")
	}
	return rest.CopyConfig(s.config)
}

// Environment is the running server's, for kubeconfigs of other users.
func Environment(t testing.TB) *envtest.Environment {
	t.Helper()
	Config(t)
	return of(t).environment
}

// Prometheus is the server's binary. It skips the test where there is none.
func Prometheus(t testing.TB) string {
	t.Helper()
	return binary(t, "PROMETHEUS_BIN", "prometheus")
}

// Helm is the command's binary. It skips the test where there is none.
func Helm(t testing.TB) string {
	t.Helper()
	return binary(t, "HELM_BIN", "helm")
}

func binary(t testing.TB, variable, tool string) string {
	t.Helper()
	path, err := built(variable, tool)
	switch {
	case err != nil:
		t.Fatal(err)
	case path == "" && os.Getenv("KARPENTER_REQUIRE_SERVERS") == "1":
		t.Fatalf("no %s although KARPENTER_REQUIRE_SERVERS=1: build it with make tools", tool)
	case path == "":
		t.Skipf("no %s: build it with make tools, or set %s", tool, variable)
	}
	return path
}

func (s *server) start() {
	directory, err := built("KUBEBUILDER_ASSETS", "envtest")
	if err != nil || directory == "" {
		s.err = err
		return
	}
	crds, err := v1alpha1.CRDs()
	if err != nil {
		s.err = err
		return
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: directory, CRDs: crds,
		// Other packages may be compiled, and start servers, at the same time.
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		s.err = fmt.Errorf("start etcd and kube-apiserver from %s: %w", directory, err)
		return
	}
	config.QPS = -1
	s.environment, s.config = environment, config
}

// built is where a tool was built, empty where it was not; the variable overrides
// it.
func built(variable, tool string) (string, error) {
	if given := os.Getenv(variable); given != "" {
		return given, nil
	}
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..", "..")
	build := exec.Command(filepath.Join(root, ".ci", "tools", "build"), "--cached", tool)
	build.Stderr = os.Stderr
	found, err := build.Output()
	if err != nil {
		return "", fmt.Errorf(".ci/tools/build --cached %s: %w", tool, err)
	}
	return strings.TrimSpace(string(found)), nil
}
