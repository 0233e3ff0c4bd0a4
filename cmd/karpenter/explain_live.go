package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/dynamic"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/pods"
)

// liveFlags say which cluster has the object, and where its controller runs.
type liveFlags struct {
	cluster                         clusterFlags
	namespace, controller, selector string
}

func (f *liveFlags) add(s *pflag.FlagSet) {
	f.cluster.addContext(s)
	s.StringVarP(&f.namespace, "namespace", "n", "", "of a cluster: the namespace of the object (default: that of the context)")
	s.StringVar(&f.controller, "controller-namespace", controllerNamespace, "of a cluster: the namespace of the controller")
	s.StringVarP(&f.selector, "selector", "l", controllerSelector, "of a cluster: labels of the controller's pods")
}

// recent is how far back the journal of a live object is fetched where only its last
// decision is wanted: files that were written to since then. It is twice the longest
// polling interval, so that the last decision of an object that is decided is in them.
const recent = 10 * time.Minute

// explainLive explains an object of a cluster: what its status says, and from the
// controller's journal its last decision, or those that flags ask for. Where the journal
// cannot be had it says so after the status; what flags ask for is an error then.
func (a *app) explainLive(ctx context.Context, wanted *objectName, flags *explainFlags) error {
	if wanted.namespace == "" {
		wanted.namespace = flags.live.namespace
	}
	if wanted.namespace == "" {
		_, wanted.namespace = flags.live.cluster.current()
	}
	object, err := flags.live.cluster.object(ctx, wanted)
	if err != nil {
		return fmt.Errorf("%s of the cluster, as no journal is given: %w", wanted, err)
	}
	if flags.format == tableFormat {
		if err := a.showStatus(object, time.Now()); err != nil {
			return err
		}
	}
	directory, err := os.MkdirTemp("", "karpenter-journal-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(directory)
	asked := flags.at+flags.from+flags.to != "" || flags.format != tableFormat
	if err := a.fetchRecent(ctx, directory, flags, !asked); err != nil {
		if asked {
			return err
		}
		fmt.Fprintf(a.stdout, "\nIts decisions are in the controller's journal, which cannot be read: %v\n", err)
		return nil
	}
	if !asked {
		fmt.Fprintln(a.stdout)
		flags.at = "-0s" // the last decision
	}
	return a.explain(ctx, []string{directory, wanted.String()}, flags)
}

// object fetches one of our objects.
func (f *clusterFlags) object(ctx context.Context, wanted *objectName) (*unstructured.Unstructured, error) {
	client, err := f.resource(wanted.kind)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	object, err := client.Namespace(wanted.namespace).Get(ctx, wanted.name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return object, nil
}

// resource returns a client for one of our kinds.
func (f *clusterFlags) resource(kind string) (dynamic.NamespaceableResourceInterface, error) {
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return client.Resource(schema.GroupVersionResource{
		Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: strings.ToLower(kind) + "s",
	}), nil
}

// showStatus prints what an object says of itself.
func (a *app) showStatus(object *unstructured.Unstructured, now time.Time) error {
	fmt.Fprintf(a.stdout, "%s/%s/%s\n\n", object.GetNamespace(), object.GetKind(), object.GetName())
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	if len(conditions) == 0 {
		fmt.Fprintln(w, "No conditions: no controller has decided it yet.")
	} else {
		fmt.Fprintln(w, "CONDITION\tSTATUS\tSINCE\tREASON\tMESSAGE")
	}
	for _, entry := range conditions {
		condition, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		text := func(field string) string {
			value, _, _ := unstructured.NestedString(condition, field)
			return strings.Join(strings.Fields(value), " ")
		}
		since := ""
		if t, err := time.Parse(time.RFC3339, text("lastTransitionTime")); err == nil {
			since = duration.HumanDuration(now.Sub(t))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", text("type"), text("status"), since, text("reason"), text("message"))
	}
	return w.Flush()
}

// fetchRecent brings the journal files that can have what flags ask for.
func (a *app) fetchRecent(ctx context.Context, directory string, flags *explainFlags, latest bool) error {
	config, err := flags.live.cluster.config()
	if err != nil {
		return err
	}
	client, err := pods.New(config)
	if err != nil {
		return err
	}
	running, err := controllerPods(ctx, client, flags.live.controller, flags.live.selector)
	if err != nil {
		return err
	}
	d, err := openFetched(directory)
	if err != nil {
		return err
	}
	defer d.Close()
	var since time.Time // files of any age
	if latest {
		since = time.Now().Add(-recent)
	}
	var errs []error
	for _, pod := range running {
		a.notePod(&pod)
		if err := a.fetchPod(ctx, client, &pod, d, since); err != nil {
			errs = append(errs, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
		}
	}
	if len(errs) < len(running) {
		errs = nil // standbys have none
	}
	if len(d.files) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("no file of it was written to in the last %s: nothing is decided, or it goes elsewhere", duration.HumanDuration(recent)))
	}
	return errors.Join(errs...)
}

// completeObject completes KIND/NAME from the cluster.
func (f *liveFlags) completeObject(c *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
	word, _, named := strings.Cut(text, "/")
	kind := journal.KindOf(word)
	if !named || kind == "" {
		return nil, cobra.ShellCompDirectiveDefault // a file, perhaps
	}
	client, err := f.cluster.resource(kind)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	namespace := f.namespace
	if namespace == "" {
		_, namespace = f.cluster.current()
	}
	ctx, cancel := context.WithTimeout(c.Context(), 3*time.Second)
	defer cancel()
	list, err := client.Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 500})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, object := range list.Items {
		if name := word + "/" + object.GetName(); strings.HasPrefix(name, text) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
