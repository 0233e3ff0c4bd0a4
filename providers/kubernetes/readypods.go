package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// ReadyPods counts the ready pods of a cluster, as Kubernetes' own autoscaler
// does: those that are Running and whose condition Ready is True, terminating ones
// included. It watches all pods from the first count on, and keeps of each no more
// than its name, its labels, once for all pods that share them, and whether it is
// ready. While the watch is lost for longer than maxWithoutWatch there is no count.
type ReadyPods struct {
	ctx       context.Context
	pods      rest.Interface
	namespace string // of the pods, empty for all
	clock     clock.PassiveClock
	start     sync.Once

	mu     sync.RWMutex
	byName map[podName]*podSet
	ready  map[podName]bool
	sets   map[string]map[string]*podSet // by namespace and labels
	past   map[string][]readyChange      // by namespace, up to RememberedFor ago, in order of time
	failed error                         // why pods could not be listed or watched, nil once they were
	lost   time.Time                     // since when pods are not watched, zero while they are
	listed chan struct{}                 // closed once they were listed
}

// maxWithoutWatch is how long pods are counted from what was seen before the watch
// was lost. The reflector connects again after 1 or 2 s, so that a restart of an API
// server passes unnoticed; and a count older than two slots of the default 15 s says
// nothing of what is ready now.
const maxWithoutWatch = 30 * time.Second

type podName struct{ namespace, name string }

// RememberedFor is how long changes of the ready pods are kept: as long as a sample
// may be old by which an autoscaler decides.
const RememberedFor = 5 * time.Minute

// A readyChange is that pods with these labels became ready, or stopped being so.
type readyChange struct {
	at     time.Time
	labels labels.Set
	delta  int32
}

// A podSet is the pods of a namespace that have the same labels.
type podSet struct {
	labels      labels.Set
	pods, ready int32
}

// A strippedPod holds what is kept of a pod.
type strippedPod struct {
	podName
	labels map[string]string
	ready  bool
}

// NewReadyPods returns a counter for the API server that config names. It contacts
// nobody before the first count, and ends with ctx. The clock tells for how long the
// watch has been lost.
func NewReadyPods(ctx context.Context, config *rest.Config, clock clock.PassiveClock) (*ReadyPods, error) {
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
	return &ReadyPods{ctx: ctx, pods: pods, clock: clock, byName: map[podName]*podSet{}, ready: map[podName]bool{}, sets: map[string]map[string]*podSet{}, past: map[string][]readyChange{}, listed: make(chan struct{})}, nil
}

// NewPodCounter returns a counter of the pods of some namespaces, each watched by
// itself, which asks for no right beyond them; of all without any.
func NewPodCounter(ctx context.Context, config *rest.Config, clock clock.PassiveClock, namespaces ...string) (PodCounter, error) {
	if len(namespaces) == 0 {
		return NewReadyPods(ctx, config, clock)
	}
	counters := podCounters{}
	for _, namespace := range namespaces {
		pods, err := NewReadyPods(ctx, config, clock)
		if err != nil {
			return nil, err
		}
		pods.namespace = namespace
		counters[namespace] = pods
	}
	return counters, nil
}

// podCounters holds a counter for each namespace.
type podCounters map[string]*ReadyPods

// Ready implements PodCounter.
func (c podCounters) Ready(ctx context.Context, target cycle.TargetRef, selector string, since time.Time) (ReadyCount, error) {
	pods := c[target.Namespace]
	if pods == nil {
		return ReadyCount{}, fmt.Errorf("pods of namespace %s are not watched: %w", target.Namespace, cycle.ErrUnavailable)
	}
	return pods.Ready(ctx, target, selector, since)
}

// Ready returns the number of ready pods of the target's namespace that a label
// selector matches, and the fewest and the most since an instant that is no longer
// ago than RememberedFor. The first call waits until all pods have been listed. Where the
// watch has been lost for longer than maxWithoutWatch it returns why, as an error of
// engine/cycle: cycle.ErrUnavailable unless the API server says more.
func (p *ReadyPods) Ready(ctx context.Context, target cycle.TargetRef, selector string, since time.Time) (ReadyCount, error) {
	var count ReadyCount
	match, err := labels.Parse(selector)
	if err != nil {
		return count, fmt.Errorf("the scale's selector: %w: %w", cycle.ErrInvalid, err)
	}
	p.start.Do(func() { go p.watch() })
	select {
	case <-p.listed:
	case <-ctx.Done():
		p.mu.RLock()
		defer p.mu.RUnlock()
		if p.failed != nil {
			return count, fmt.Errorf("pods: %w", failed(p.failed))
		}
		return count, fmt.Errorf("pods are not listed yet: %w", cycle.ErrTimedOut)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if err := p.stale(); err != nil {
		return count, err
	}
	for _, set := range p.sets[target.Namespace] {
		if set.ready > 0 && match.Matches(set.labels) {
			count.Now += set.ready
		}
	}
	count.Least, count.Most = count.Now, count.Now
	before := count.Now
	for _, change := range slices.Backward(p.past[target.Namespace]) {
		if !change.at.After(since) {
			break
		}
		if match.Matches(change.labels) {
			before -= change.delta
			count.Least, count.Most = min(count.Least, before), max(count.Most, before)
		}
	}
	return count, nil
}

// change makes a change of one pod, and notes what it changes of the ready ones.
func (p *ReadyPods) change(name podName, make func()) {
	before, was := p.byName[name], p.ready[name]
	make()
	after, is := p.byName[name], p.ready[name]
	if was && is && labels.Equals(before.labels, after.labels) {
		return
	}
	if was {
		p.note(name.namespace, before.labels, -1)
	}
	if is {
		p.note(name.namespace, after.labels, 1)
	}
}

// note keeps a change of the ready pods, and forgets those that are too old.
func (p *ReadyPods) note(namespace string, of labels.Set, delta int32) {
	now := p.clock.Now()
	past := p.past[namespace]
	old := 0
	for old < len(past) && now.Sub(past[old].at) > RememberedFor {
		old++
	}
	p.past[namespace] = append(past[old:], readyChange{at: now, labels: of, delta: delta})
}

// stale says why the pods that were seen are too old to be counted, nil where they
// are not.
func (p *ReadyPods) stale() error {
	if p.lost.IsZero() || p.clock.Since(p.lost) <= maxWithoutWatch {
		return nil
	}
	err := cycle.ErrUnavailable // of a call that has no answer yet
	if p.failed != nil {
		err = failed(p.failed)
	}
	return fmt.Errorf("pods are not watched since %s: %w", p.lost.UTC().Format(time.RFC3339), err)
}

// watch keeps the pods up to date until the context ends.
func (p *ReadyPods) watch() {
	p.follow(toolscache.NewListWatchFromClient(p.pods, "pods", p.namespace, fields.Everything()))
}

// follow keeps the pods as a source has them until the context ends.
func (p *ReadyPods) follow(source *toolscache.ListWatch) {
	reflector := toolscache.NewReflectorWithOptions(&noted{source, p}, &corev1.Pod{}, p, toolscache.ReflectorOptions{Name: "ready pods"})
	reflector.RunWithContext(p.ctx)
}

// noted notes whether pods are watched, and why they cannot be listed or watched.
// The reflector calls it only while it has no watch, so each call means that none is
// open, and a call that hangs counts like one that fails.
type noted struct {
	*toolscache.ListWatch
	to *ReadyPods
}

// calling notes that there is no watch.
func (n *noted) calling() {
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	if n.to.lost.IsZero() {
		n.to.lost = n.to.clock.Now()
	}
}

// called notes what came of a call; watched says that from now on the pods that
// were listed are up to date.
func (n *noted) called(err error, watched bool) {
	n.to.mu.Lock()
	defer n.to.mu.Unlock()
	n.to.failed = err
	if watched {
		n.to.lost = time.Time{}
	}
}

// ListWithContext implements cache.ListerWatcherWithContext.
func (n *noted) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	n.calling()
	list, err := n.ListWatch.ListWithContext(ctx, o)
	n.called(err, false) // they are once Replace has the whole list
	return list, err
}

// WatchWithContext implements cache.ListerWatcherWithContext. A watch that begins
// with a list is up to date no sooner than Replace.
func (n *noted) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	n.calling()
	w, err := n.ListWatch.WatchWithContext(ctx, o)
	n.called(err, err == nil && !ptr.Deref(o.SendInitialEvents, false))
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
	if pod := strip(o); pod != nil {
		p.change(pod.podName, func() { p.put(pod) })
	}
	return nil
}

// Delete implements cache.ReflectorStore.
func (p *ReadyPods) Delete(o any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := strip(o); pod != nil {
		p.change(pod.podName, func() { p.remove(pod.podName) })
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
	clear(p.past) // what changed while nobody watched is not known
	for _, o := range list {
		if pod := strip(o); pod != nil {
			p.put(pod)
		}
	}
	p.failed, p.lost = nil, time.Time{}
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
