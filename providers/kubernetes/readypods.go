package kubernetes

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// ReadyPods counts the ready pods of a cluster, as Kubernetes' own autoscaler
// does: those that are Running and whose condition Ready is True, terminating ones
// included. It watches all pods from the first count on, and keeps of each no more
// than its name, its labels, once for all pods that share them, and whether it is
// ready.
type ReadyPods struct {
	ctx   context.Context
	pods  rest.Interface
	start sync.Once

	mu     sync.RWMutex
	byName map[podName]*podSet
	ready  map[podName]bool
	sets   map[string]map[string]*podSet // by namespace and labels
	failed error                         // why pods could not be listed or watched, nil once they were
	listed chan struct{}                 // closed once they were
}

type podName struct{ namespace, name string }

// A podSet is the pods of a namespace that have the same labels.
type podSet struct {
	labels      labels.Set
	pods, ready int32
}

// A strippedPod is what is kept of a pod.
type strippedPod struct {
	podName
	labels map[string]string
	ready  bool
}

// NewReadyPods returns a counter for the API server that config names. It contacts
// nobody before the first count, and ends with ctx.
func NewReadyPods(ctx context.Context, config *rest.Config) (*ReadyPods, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, corev1.SchemeGroupVersion)
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	pods, err := apiutil.RESTClientForGVK(corev1.SchemeGroupVersion.WithKind("Pod"), false, false, config, serializer.NewCodecFactory(scheme), transport)
	if err != nil {
		return nil, fmt.Errorf("pods: %w", err)
	}
	return &ReadyPods{ctx: ctx, pods: pods, byName: map[podName]*podSet{}, ready: map[podName]bool{}, sets: map[string]map[string]*podSet{}, listed: make(chan struct{})}, nil
}

// Ready returns the number of ready pods of the target's namespace that a label
// selector matches. The first call waits until all pods have been listed.
func (p *ReadyPods) Ready(ctx context.Context, target cycle.TargetRef, selector string) (int32, error) {
	match, err := labels.Parse(selector)
	if err != nil {
		return 0, fmt.Errorf("the scale's selector: %w: %w", cycle.ErrInvalid, err)
	}
	p.start.Do(func() { go p.watch() })
	select {
	case <-p.listed:
	case <-ctx.Done():
		p.mu.RLock()
		defer p.mu.RUnlock()
		if p.failed != nil {
			return 0, fmt.Errorf("pods: %w", failed(p.failed))
		}
		return 0, fmt.Errorf("pods are not listed yet: %w", cycle.ErrTimedOut)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var ready int32
	for _, set := range p.sets[target.Namespace] {
		if set.ready > 0 && match.Matches(set.labels) {
			ready += set.ready
		}
	}
	return ready, nil
}

// watch keeps the pods up to date until the context ends.
func (p *ReadyPods) watch() {
	source := toolscache.NewListWatchFromClient(p.pods, "pods", metav1.NamespaceAll, fields.Everything())
	reflector := toolscache.NewReflectorWithOptions(&noted{source, p}, &corev1.Pod{}, p, toolscache.ReflectorOptions{Name: "ready pods"})
	reflector.RunWithContext(p.ctx)
}

// noted notes why pods cannot be listed or watched.
type noted struct {
	*toolscache.ListWatch
	to *ReadyPods
}

func (n *noted) note(err error) {
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	n.to.failed = err
}

// ListWithContext implements cache.ListerWatcherWithContext.
func (n *noted) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	list, err := n.ListWatch.ListWithContext(ctx, o)
	n.note(err)
	return list, err
}

// WatchWithContext implements cache.ListerWatcherWithContext.
func (n *noted) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	w, err := n.ListWatch.WatchWithContext(ctx, o)
	n.note(err)
	return w, err
}

// Transformer implements cache.TransformingStore: while pods are listed no more
// is kept of them than afterwards.
func (p *ReadyPods) Transformer() toolscache.TransformFunc {
	return func(o any) (any, error) { return strip(o), nil }
}

func strip(o any) *strippedPod {
	switch pod := o.(type) {
	case *strippedPod:
		return pod
	case *corev1.Pod:
		ready := pod.Status.Phase == corev1.PodRunning
		for i := range pod.Status.Conditions {
			if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady && ready {
				return &strippedPod{podName{pod.Namespace, pod.Name}, pod.Labels, c.Status == corev1.ConditionTrue}
			}
		}
		return &strippedPod{podName: podName{pod.Namespace, pod.Name}, labels: pod.Labels}
	case toolscache.DeletedFinalStateUnknown:
		return strip(pod.Obj)
	}
	return nil
}

// Add implements cache.ReflectorStore.
func (p *ReadyPods) Add(o any) error { return p.Update(o) }

// Update implements cache.ReflectorStore.
func (p *ReadyPods) Update(o any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(strip(o))
	return nil
}

// Delete implements cache.ReflectorStore.
func (p *ReadyPods) Delete(o any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := strip(o); pod != nil {
		p.remove(pod.podName)
	}
	return nil
}

// Replace implements cache.ReflectorStore.
func (p *ReadyPods) Replace(list []any, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.byName)
	clear(p.ready)
	clear(p.sets)
	for _, o := range list {
		p.put(strip(o))
	}
	p.failed = nil
	select {
	case <-p.listed:
	default:
		close(p.listed)
	}
	return nil
}

// Resync implements cache.ReflectorStore.
func (p *ReadyPods) Resync() error { return nil }

func (p *ReadyPods) put(pod *strippedPod) {
	if pod == nil {
		return
	}
	p.remove(pod.podName)
	of := p.sets[pod.namespace]
	if of == nil {
		of = map[string]*podSet{}
		p.sets[pod.namespace] = of
	}
	key := labels.Set(pod.labels).String()
	set := of[key]
	if set == nil {
		set = &podSet{labels: pod.labels}
		of[key] = set
	}
	set.pods++
	p.byName[pod.podName] = set
	if pod.ready {
		set.ready++
		p.ready[pod.podName] = true
	}
}

func (p *ReadyPods) remove(name podName) {
	set := p.byName[name]
	if set == nil {
		return
	}
	delete(p.byName, name)
	set.pods--
	if p.ready[name] {
		set.ready--
		delete(p.ready, name)
	}
	if set.pods == 0 {
		delete(p.sets[name.namespace], set.labels.String())
	}
}
