package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // what a kubeconfig may name
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/pods"
)

// Where a release runs.
const (
	controllerNamespace = "karpenter-autoscaling"
	controllerSelector  = "app.kubernetes.io/name=karpenter-autoscaling"
	// journalPort is the name of the port that the journal is served at.
	journalPort = "journal"
	journalRole = "karpenter-autoscaling-journal"
)

// answerTimeout is how long the API server or a pod may take to begin an answer.
const answerTimeout = 30 * time.Second

// clusterFlags say which cluster, as kubectl's do.
type clusterFlags struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
}

func (f *clusterFlags) add(s *pflag.FlagSet) {
	f.rules = clientcmd.NewDefaultClientConfigLoadingRules()
	s.StringVar(&f.rules.ExplicitPath, "kubeconfig", "", "Path to the kubeconfig file to use (default: $KUBECONFIG, ~/.kube/config, or the pod's own account)")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	// The API server has no such login any more.
	names.AuthOverrideFlags.Username.LongName, names.AuthOverrideFlags.Password.LongName = "", ""
	names.ContextOverrideFlags.Namespace.Description = "Namespace of the controller (default: " + controllerNamespace + ")"
	clientcmd.BindOverrideFlags(&f.overrides, s, names)
}

// namespace is the one of the flag or where a release runs: that of the context
// is seldom the controller's.
func (f *clusterFlags) namespace() string {
	if f.overrides.Context.Namespace != "" {
		return f.overrides.Context.Namespace
	}
	return controllerNamespace
}

func (f *clusterFlags) config() (*rest.Config, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(f.rules, &f.overrides).ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, errors.New("no cluster: there is no kubeconfig; name one with --kubeconfig or KUBECONFIG")
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	config.UserAgent = "karpenter/" + version()
	return config, nil
}

// controllerPods are the pods that may have a journal.
func controllerPods(ctx context.Context, client *pods.Client, namespace, selector string) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	all, err := client.List(ctx, namespace, selector)
	if err != nil {
		return nil, withRights(err, namespace)
	}
	var running []corev1.Pod
	var others []string
	for _, p := range all {
		if p.Status.Phase == corev1.PodRunning {
			running = append(running, p)
			continue
		}
		others = append(others, fmt.Sprintf("%s is %s", p.Name, p.Status.Phase))
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("no pod with the labels %s in the namespace %s; name another namespace with -n, other labels with -l", selector, namespace)
	case len(running) == 0:
		return nil, fmt.Errorf("no pod of the controller runs in the namespace %s: %s", namespace, strings.Join(others, ", "))
	}
	return running, nil
}

// withRights adds the cure to what the API server forbids.
func withRights(err error, namespace string) error {
	// What forwards ports gives a reason as text only.
	if apierrors.IsForbidden(err) || err != nil && strings.Contains(err.Error(), "forbidden") {
		return fmt.Errorf("%w; needed are get and list of pods, get and create of pods/portforward in the namespace %s: kubectl create rolebinding journal -n %s --role %s --user NAME",
			err, namespace, namespace, journalRole)
	}
	return err
}

// servedPort is where a pod serves its journal.
func servedPort(p *corev1.Pod) (int32, error) {
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			if port.Name == journalPort {
				return port.ContainerPort, nil
			}
		}
	}
	return 0, fmt.Errorf("no port named %q: the release is older than this command, or runs without --journal-address", journalPort)
}

// throughPort is an HTTP client whose every request goes to one port of a pod.
func throughPort(f *pods.Forward, port int32) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:           func(context.Context, string, string) (net.Conn, error) { return f.Dial(port) },
		DisableCompression:    true,
		MaxConnsPerHost:       1,
		ResponseHeaderTimeout: answerTimeout,
	}}
}
