package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// An observer watches the Deployments of a namespace and keeps every change of
// their spec.replicas, knowing nothing of who makes them. It also plays their
// controller: status.replicas follows.
type observer struct {
	t         *testing.T
	client    client.WithWatch
	namespace string
	holder    string // of the lease, when it was last looked at

	mu       sync.Mutex
	replicas map[string]int32
	versions map[string]string
	changes  map[string][]change
}

// observe begins with a new namespace.
func observe(t *testing.T, namespace string) *observer {
	t.Helper()
	config, scheme := servertest.Config(t), runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	o := &observer{t: t, client: api, namespace: namespace, replicas: map[string]int32{}, versions: map[string]string{}, changes: map[string][]change{}}
	if err := api.Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	t.Cleanup(o.clear)
	o.clear() // what a run before this one left
	var none appsv1.DeploymentList
	if err := api.List(context.Background(), &none, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	from := &client.ListOptions{Namespace: namespace, Raw: &metav1.ListOptions{ResourceVersion: none.ResourceVersion}}
	events, err := api.Watch(context.Background(), &appsv1.DeploymentList{}, from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Stop)
	go o.follow(events)
	return o
}

func (o *observer) clear() {
	for _, kind := range []client.Object{&v1alpha1.HorizontalAutoscaler{}, &appsv1.Deployment{}} {
		if err := o.client.DeleteAllOf(context.Background(), kind, client.InNamespace(o.namespace)); err != nil {
			o.t.Errorf("clearing %s: %v", o.namespace, err)
		}
	}
}

func (o *observer) follow(events watch.Interface) {
	for event := range events.ResultChan() {
		d, ok := event.Object.(*appsv1.Deployment)
		if !ok || event.Type == watch.Deleted {
			continue
		}
		o.note(d)
		if d.Status.Replicas != *d.Spec.Replicas {
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"status":{"replicas":%d}}`, *d.Spec.Replicas))
			_ = o.client.Status().Patch(context.Background(), d, patch) // gone, perhaps
		}
	}
}

func (o *observer) note(d *appsv1.Deployment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if before, known := o.replicas[d.Name]; known && before != *d.Spec.Replicas {
		o.changes[d.Name] = append(o.changes[d.Name], change{before, *d.Spec.Replicas})
	}
	o.replicas[d.Name], o.versions[d.Name] = *d.Spec.Replicas, d.ResourceVersion
}

func (o *observer) create(objects ...client.Object) {
	o.t.Helper()
	for _, object := range objects {
		object.SetNamespace(o.namespace)
		if err := o.client.Create(context.Background(), object); err != nil {
			o.t.Fatal(err)
		}
	}
}

// count is how many changes there were.
func (o *observer) count(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.changes[name])
}

// caughtUp returns when the observer has seen all there is to be seen.
func (o *observer) caughtUp() {
	o.t.Helper()
	err := wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(ctx context.Context) (bool, error) {
		var list appsv1.DeploymentList
		if err := o.client.List(ctx, &list, client.InNamespace(o.namespace)); err != nil {
			return false, err
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		for i := range list.Items {
			if d := &list.Items[i]; o.versions[d.Name] != d.ResourceVersion || d.Status.Replicas != *d.Spec.Replicas {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		o.t.Fatalf("the watch has ended: %v", err)
	}
}

// checkAgainst matches what was seen with what was decided, one to one.
func (o *observer) checkAgainst(j *journals, names []string) {
	o.t.Helper()
	for _, name := range names {
		var decided []change
		for _, d := range j.landed(name) {
			decided = append(decided, d.change)
		}
		if diff := cmp.Diff(decided, o.changes[name]); diff != "" {
			o.t.Errorf("%s (-decided +seen):\n%s", name, diff)
		}
	}
}
