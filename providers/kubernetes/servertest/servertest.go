// Package servertest gives tests a real kube-apiserver with etcd and our CRDs, and
// a Prometheus, and helm. It takes them from KUBEBUILDER_ASSETS, PROMETHEUS_BIN and
// HELM_BIN, or from where .ci/tools/build keeps them; without them tests skip, unless
// KARPENTER_REQUIRE_SERVERS=1.
package servertest

import (
	"fmt"
	"os"
	"os/exec"
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

// shared is the one server of a test binary.
var shared struct {
	once        sync.Once
	environment *envtest.Environment
	config      *rest.Config
	err         error
}

// Main runs a package's tests and stops the server afterwards: func TestMain
// must end with os.Exit of it.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.environment == nil {
		return code
	}
	if err := shared.environment.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "servertest: stop:", err)
		return max(code, 1)
	}
	return code
}

// Config is how to reach the server as an administrator. The first call starts
// it. It skips the test where there is no server to start, or with -short.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("a real API server takes longer than -short allows")
	}
	shared.once.Do(start)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	if shared.config == nil {
		if os.Getenv("KARPENTER_REQUIRE_SERVERS") == "1" {
			t.Fatal("no kube-apiserver although KARPENTER_REQUIRE_SERVERS=1: build it with make tools")
		}
		t.Skip("no kube-apiserver: build it with make tools, or set KUBEBUILDER_ASSETS")
	}
	return rest.CopyConfig(shared.config)
}

// Environment is the running server's, for kubeconfigs of other users.
func Environment(t testing.TB) *envtest.Environment {
	t.Helper()
	Config(t)
	return shared.environment
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

func start() {
	directory, err := built("KUBEBUILDER_ASSETS", "envtest")
	if err != nil || directory == "" {
		shared.err = err
		return
	}
	crds, err := v1alpha1.CRDs()
	if err != nil {
		shared.err = err
		return
	}
	environment := &envtest.Environment{
		BinaryAssetsDirectory: directory, CRDs: crds,
		// Other packages may be compiled, and start servers, at the same time.
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		shared.err = fmt.Errorf("start etcd and kube-apiserver from %s: %w", directory, err)
		return
	}
	config.QPS = -1
	shared.environment, shared.config = environment, config
}

// built is where a tool was built, empty where it was not; the variable overrides
// it.
func built(variable, tool string) (string, error) {
	if path := os.Getenv(variable); path != "" {
		return path, nil
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
