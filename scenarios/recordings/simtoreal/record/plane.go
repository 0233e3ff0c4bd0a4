package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// release is the namespace and the service account of the project's release.
const release = "karpenter-autoscaling"

// startDelay is the annotation of a pod from which KWOK takes how long it takes to
// become ready, at least; startDelayMost is the most.
const (
	startDelay     = "pod-ready.stage.kwok.x-k8s.io/delay"
	startDelayMost = "pod-ready.stage.kwok.x-k8s.io/jitter-delay"
)

// A plane is a control plane on the loopback interface: etcd, kube-apiserver,
// kube-controller-manager, its HorizontalPodAutoscaler controller in a process of
// its own, kube-scheduler, and KWOK, whose nodes run pods that only become ready.
type plane struct {
	directory   string // of logs, kubeconfigs and built programs
	environment *envtest.Environment
	config      *rest.Config
	client      client.Client
	processes   []*process
}

// startPlane starts a control plane from the programs of .ci/tools/build envtest
// and controlplane.
func startPlane(ctx context.Context, directory, programs string) (_ *plane, err error) {
	p := &plane{directory: directory, environment: &envtest.Environment{
		BinaryAssetsDirectory:    os.Getenv("KUBEBUILDER_ASSETS"),
		ControlPlaneStartTimeout: 2 * time.Minute, ControlPlaneStopTimeout: time.Minute,
	}}
	if p.config, err = p.environment.Start(); err != nil {
		return nil, fmt.Errorf("start etcd and kube-apiserver: %w", err)
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	p.config.QPS = -1
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	if p.client, err = client.New(p.config, client.Options{Scheme: scheme}); err != nil {
		return nil, err
	}
	admin := filepath.Join(directory, "admin.kubeconfig")
	if err := os.WriteFile(admin, p.environment.KubeConfig, 0o600); err != nil {
		return nil, err
	}
	stages, err := writeStages(directory, filepath.Join(programs, "stage"))
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	manager := []string{"--kubeconfig", admin, "--leader-elect=false", "--secure-port", "0"}
	const autoscaling = "horizontal-pod-autoscaler-controller"
	for _, program := range []struct {
		name, binary string
		arguments    []string
	}{
		{"kube-controller-manager", "kube-controller-manager", append([]string{
			"--controllers", "*,-node-ipam-controller,-" + autoscaling,
		}, manager...)},
		{autoscaling, "kube-controller-manager", append([]string{"--controllers", autoscaling}, manager...)},
		{"kube-scheduler", "kube-scheduler", []string{"--kubeconfig", admin, "--leader-elect=false", "--secure-port", "0"}},
		{"kwok", "kwok", []string{
			"--kubeconfig", admin, "--config", stages, "--manage-all-nodes", "--node-lease-duration-seconds", "40",
			"--server-address", "127.0.0.1:" + port,
		}},
	} {
		if err := p.start(program.name, filepath.Join(programs, program.binary), program.arguments...); err != nil {
			return nil, err
		}
	}
	return p, p.client.Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "kwok", Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
		Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("1000"), corev1.ResourceMemory: resource.MustParse("1Ti"), corev1.ResourcePods: resource.MustParse("10000"),
		}},
	})
}

// writeStages writes KWOK's own stages, with a delay before pods become ready, and
// returns where.
func writeStages(directory, from string) (string, error) {
	var all bytes.Buffer
	for _, name := range []string{"node/fast/node-initialize", "node/heartbeat-with-lease/node-heartbeat-with-lease", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete"} {
		text, err := os.ReadFile(filepath.Join(from, name+".yaml"))
		if err != nil {
			return "", err
		}
		if name == "pod/fast/pod-ready" {
			stage := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(text, &stage.Object); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
			annotation := func(name string) map[string]any {
				return map[string]any{"expressionFrom": fmt.Sprintf(".metadata.annotations[%q]", name)}
			}
			delay := map[string]any{
				"durationMilliseconds": int64(1000), "durationFrom": annotation(startDelay), "jitterDurationFrom": annotation(startDelayMost),
			}
			if err := unstructured.SetNestedMap(stage.Object, delay, "spec", "delay"); err != nil {
				return "", err
			}
			if text, err = yaml.Marshal(stage.Object); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(&all, "---\n%s\n", text)
	}
	path := filepath.Join(directory, "stages.yaml")
	return path, os.WriteFile(path, all.Bytes(), 0o600)
}

// start starts a program that ends with the control plane.
func (p *plane) start(name, binary string, arguments ...string) error {
	started, err := start(p.directory, name, binary, arguments...)
	if err != nil {
		return err
	}
	p.processes = append(p.processes, started)
	return nil
}

// running returns an error once one of the programs has ended.
func (p *plane) running() error {
	for _, process := range p.processes {
		if err := process.running(); err != nil {
			return err
		}
	}
	return nil
}

// stop ends all programs, the last that was started first.
func (p *plane) stop() {
	for i := len(p.processes) - 1; i >= 0; i-- {
		p.processes[i].stop()
	}
	if err := p.environment.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "simtoreal: stop kube-apiserver and etcd:", err)
	}
}

// install applies the project's release and starts its controller with no other
// rights than those of the release's service account. Metrics are scraped so often.
func (p *plane) install(ctx context.Context, prometheus string, scrapes time.Duration) error {
	for _, build := range [][]string{
		{"build", "-o", filepath.Join(p.directory, "controller"), "./cmd/controller"},
		{"run", "./cmd/controller/manifests", "--version", "v0.1.0", "--out", p.directory},
	} {
		if out, err := exec.CommandContext(ctx, "go", build...).CombinedOutput(); err != nil {
			return fmt.Errorf("go %q: %w\n%s", build, err, out)
		}
	}
	if err := p.apply(filepath.Join(p.directory, "none", "v0.1.0.yaml")); err != nil {
		return err
	}
	accounts := kubernetes.NewForConfigOrDie(p.config).CoreV1().ServiceAccounts(release)
	hours := int64(4 * 3600)
	token, err := accounts.CreateToken(ctx, release, &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("token of the release: %w", err)
	}
	access := clientcmdapi.NewConfig()
	access.Clusters["plane"] = &clientcmdapi.Cluster{Server: p.config.Host, CertificateAuthorityData: p.config.CAData}
	access.AuthInfos["plane"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	access.Contexts["plane"] = &clientcmdapi.Context{Cluster: "plane", AuthInfo: "plane"}
	access.CurrentContext = "plane"
	own := filepath.Join(p.directory, "controller.kubeconfig")
	if err := clientcmd.WriteToFile(*access, own); err != nil {
		return err
	}
	return p.start("controller", filepath.Join(p.directory, "controller"),
		"--kubeconfig", own, "--prometheus-uri", prometheus, "--scrape-interval", scrapes.String(), "--journal-dir", p.journal(), "--leader-elect=false",
		"--metrics-port", "0", "--health-probe-address", "127.0.0.1:0")
}

// journal is the directory of the controller's journal.
func (p *plane) journal() string { return filepath.Join(p.directory, "journal") }

// apply applies a file of manifests as a user does.
func (p *plane) apply(files ...string) error {
	_, stderr, err := p.environment.ControlPlane.KubeCtl().Run("apply", "-f", strings.Join(files, ","))
	if err != nil {
		text, _ := io.ReadAll(stderr)
		return fmt.Errorf("kubectl apply -f %s: %w\n%s", strings.Join(files, ","), err, text)
	}
	return nil
}
