package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/autoscalers"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/replay"
)

// workloadKinds are the targets whose autoscaler is looked for.
var workloadKinds = map[string]string{"deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment", "sts": "StatefulSet", "statefulset": "StatefulSet", "statefulsets": "StatefulSet"}

// clusterKind is the key of autoscalers.Kinds that a word means, the kind of a workload,
// or empty.
func clusterKind(word string) string {
	word = strings.ToLower(word)
	for short, resource := range autoscalers.Kinds {
		if word == short || word == resource.Resource || word+"s" == resource.Resource {
			return short
		}
	}
	return workloadKinds[word]
}

// addContext adds the flags that say which cluster.
func (f *clusterFlags) addContext(s *pflag.FlagSet) {
	f.rules = clientcmd.NewDefaultClientConfigLoadingRules()
	s.StringVar(&f.rules.ExplicitPath, "kubeconfig", "", "of a cluster: the kubeconfig file (default: $KUBECONFIG, ~/.kube/config, or the pod's own account)")
	s.StringVar(&f.overrides.CurrentContext, "context", "", "of a cluster: the context of the kubeconfig (default: its current one)")
}

// current are the context and its namespace.
func (f *clusterFlags) current() (name, namespace string) {
	config := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(f.rules, &f.overrides)
	raw, err := config.RawConfig()
	if err == nil {
		name = raw.CurrentContext
	}
	namespace, _, _ = config.Namespace() // what is wrong with it is told when it is used
	return name, namespace
}

// fromCluster fetches an autoscaler and records what it reads, into files beside.
func (t *attempt) fromCluster(ctx context.Context, text string) error {
	if t.server.address == "" {
		return errors.New("--prometheus is required: the URL of the server that has the metrics of the cluster, e.g. through kubectl port-forward")
	}
	context, namespace := t.cluster.current()
	if t.cluster.overrides.CurrentContext == "" && context != "" {
		t.guess("--context", context, "the current one")
	}
	if t.Namespace == "" {
		t.Namespace = namespace
		t.guess("--namespace", namespace, "the context's")
	}
	objects, err := t.fetch(ctx, text)
	if err != nil {
		return err
	}
	name := objects[0].GetName()
	file, recorded := name+"-manifest.yaml", name+"-recording"
	if t.to == "" {
		t.note("guessed: --to now  (the end of the data)")
	}
	if t.from == "" {
		t.from = "-24h"
		t.guess("--from", t.from, "a day")
	}
	var written []byte
	for i := range objects {
		autoscalers.Clean(&objects[i])
		one, err := manifest.Marshal(objects[i].Object)
		if err != nil {
			return internal(err)
		}
		written = append(append(written, "---\n"...), one...)
	}
	if old, err := os.ReadFile(file); err == nil && string(old) != string(written) {
		return fmt.Errorf("%s is there and differs from what the cluster has; move it away", file)
	}
	if err := os.WriteFile(file, written, 0o644); err != nil {
		return fmt.Errorf("%s: %w", file, reason(err))
	}
	t.note("the manifest is in %s, what its replay needs in %s", file, recorded)
	t.Manifests, t.Recordings = []string{file}, []string{recorded}
	if _, err := os.Stat(recorded); err == nil && !(t.given("from") && t.given("to")) {
		return fmt.Errorf("%s is there already: replay it with karpenter try -f %s %s, or move it away", recorded, file, recorded)
	}
	flags := &recordFlags{Conversion: t.Conversion, manifests: t.Manifests, from: t.from, to: t.to, zone: t.Zone, out: recorded, server: t.server, labels: t.Labels, context: true, lookback: replay.DefaultLookback}
	stdout := t.stdout
	defer func() { t.stdout = stdout }()
	t.stdout = t.stderr // it is no result of this command
	return t.record(ctx, flags)
}

// fetch gets the object, or of a workload the autoscalers that scale it.
func (t *attempt) fetch(ctx context.Context, text string) ([]unstructured.Unstructured, error) {
	word, name, _ := strings.Cut(text, "/")
	config, err := t.cluster.config()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	kind := clusterKind(word)
	if resource, ok := autoscalers.Kinds[kind]; ok {
		object, err := client.Resource(resource).Namespace(t.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("%s in the namespace %s: %w", text, t.Namespace, err)
		}
		return []unstructured.Unstructured{*object}, nil
	}
	var found []unstructured.Unstructured
	var names []string
	for _, short := range []string{"ha", "so", "hpa"} {
		err := autoscalers.Each(ctx, client, autoscalers.Kinds[short], t.Namespace, func(o *unstructured.Unstructured) error {
			if of := autoscalers.TargetOf(o); of.Name == name && (of.Kind == kind || of.Kind == "") {
				found = append(found, *o)
				names = append(names, short+"/"+o.GetName())
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("nothing in the namespace %s scales %s", t.Namespace, text)
	case 1:
		t.note("guessed: %s  (it scales %s)", names[0], text)
		return found, nil
	}
	return nil, fmt.Errorf("%s is scaled by %s: name one", text, strings.Join(names, ", "))
}
