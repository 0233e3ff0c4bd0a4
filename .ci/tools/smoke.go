//go:build ignore

// Command smoke starts etcd and kube-apiserver from the directory in KUBEBUILDER_ASSETS,
// asks the API server whether it is ready and stops both again.
//
//	KUBEBUILDER_ASSETS=$(.ci/tools/build envtest) go run .ci/tools/smoke.go
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	servers := &envtest.Environment{}
	config, err := servers.Start()
	if err != nil {
		return fmt.Errorf("start etcd and kube-apiserver from %q: %w", os.Getenv("KUBEBUILDER_ASSETS"), err)
	}
	defer func() {
		if stopped := servers.Stop(); err == nil {
			err = stopped
		}
	}()

	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ready, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("/readyz: %w", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("/version: %w", err)
	}
	fmt.Printf("kube-apiserver %s: /readyz %s\n", version.GitVersion, ready)
	return nil
}
