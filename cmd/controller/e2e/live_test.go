package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clientprometheus "github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/sim"
)

func init() { log.SetLogger(logr.Discard()) }

// timeout bounds single calls; nothing comes near it.
const timeout = time.Minute

// live is a scenario's world with an API server in between: the reconcilers
// decide on what the server says, and the test plays the controllers that make
// replicas of a count.
type live struct {
	t           *testing.T
	ctx         context.Context
	in          *sim.Input
	stage       *sim.Stage
	autoscalers []sim.Autoscaler
	client      client.Client // uncached
	cache       cache.Cache
	mapper      meta.RESTMapper
	config      *rest.Config
	source      cycle.MetricSource
	targets     *kubernetes.Targets
	rivals      *kubernetes.Rivals
	clock       *clocktesting.FakePassiveClock
	journal     *lockedJournal
	reconciler  *kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler]
	random      *rand.Rand
	status      map[cycle.TargetRef]int32 // as the server has it
}

// playLive returns the journal of a scenario whose wake-ups come late, twice, for
// nothing and out of order, as the seed says, and whose controller is restarted
// now and then.
func playLive(t *testing.T, in *sim.Input, autoscalers []sim.Autoscaler, seed uint64) []byte {
	config := servertest.Config(t)
	stage, err := in.Stage(autoscalers)
	if errors.Is(err, sim.ErrNoStage) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	server := httptest.NewServer(fake.Handler(stage.Prometheus()))
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &live{
		t: t, ctx: ctx, in: in, stage: stage, autoscalers: autoscalers, config: config,
		clock:   clocktesting.NewFakePassiveClock(in.File.Spec.Start.Time),
		journal: newLockedJournal(), random: rand.New(rand.NewPCG(seed, 0)), status: map[cycle.TargetRef]int32{},
	}
	l.connect(server.URL)
	defer l.clear()
	l.create()
	l.watch()
	l.restart(in.File.Spec.Start.Time)
	if err := stage.Play(ctx, l.decide); err != nil {
		t.Fatal(err)
	}
	return l.journal.text.Bytes()
}

// check ends the test on an error.
func (l *live) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *live) connect(url string) {
	scheme := runtime.NewScheme()
	l.check(errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)))
	var err error
	l.client, err = client.New(l.config, client.Options{Scheme: scheme})
	l.check(err)
	l.mapper = l.client.RESTMapper()
	l.cache, err = cache.New(l.config, cache.Options{Scheme: scheme, Mapper: l.mapper})
	l.check(err)
	l.targets, err = kubernetes.NewTargets(l.config, l.mapper, timeout)
	l.check(err)
	source, err := prometheus.New(prometheus.Options{URL: url, Timeout: timeout})
	l.check(err)
	l.source = l.stage.Metrics(source)
}

// watch fills the caches.
func (l *live) watch() {
	var err error
	l.rivals, err = kubernetes.NewRivals(l.ctx, l.cache, l.mapper, l.clock, false)
	l.check(err)
	go func() { _ = l.cache.Start(l.ctx) }()
	if !l.cache.WaitForCacheSync(l.ctx) {
		l.t.Fatal("the caches were not filled")
	}
}

// restart begins with a reconciler that remembers nothing and is in charge from
// an instant on.
func (l *live) restart(from time.Time) {
	metrics, err := kubernetes.NewMetrics(clientprometheus.NewRegistry())
	l.check(err)
	reporter := kubernetes.NewReporter(l.journal, metrics, &record.FakeRecorder{}, l.clock)
	access := kubernetes.Access{Reader: l.dated(l.client), Writer: l.client, Timeout: timeout, Reporter: reporter}
	l.reconciler = &kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler]{
		Kind: journal.HorizontalAutoscaler, Empty: func() *v1alpha1.HorizontalAutoscaler { return &v1alpha1.HorizontalAutoscaler{} },
		Objects: l.dated(l.cache), Reporter: reporter, Clock: l.clock,
		Driver: &cycle.Autoscalers{
			Metrics: l.source, Targets: l.targets, Journal: reporter, Store: &kubernetes.Store{Access: access},
			QueryOffset: time.Duration(l.in.File.Spec.Controller.QueryOffset),
			Phase:       l.stage.Phase, Rival: l.rivals.Rival, Refresh: 60, Since: slot.At(from) - 1,
		},
	}
}

// decide wakes the reconciler up for everything that is due, and carries what
// it did to the targets into the world.
func (l *live) decide(now time.Time, due []types.NamespacedName) error {
	if l.random.IntN(40) == 0 {
		l.restart(now)
	}
	l.clock.SetTime(now)
	l.push()
	l.edit()
	names := append([]types.NamespacedName(nil), due...)
	for _, name := range due {
		for range l.random.IntN(3) {
			names = append(names, name)
		}
	}
	names = append(names, l.autoscalers[l.random.IntN(len(l.autoscalers))].Name())
	l.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	if err := l.wake(names); err != nil {
		return err
	}
	l.pull()
	for _, name := range due {
		object := &v1alpha1.HorizontalAutoscaler{}
		l.check(l.client.Get(l.ctx, name, object))
		l.stage.Report(name, &object.Status)
	}
	return nil
}

// wake calls the reconciler one name after the other, each a little later, or
// for all at once, but never twice at a time for one.
func (l *live) wake(names []types.NamespacedName) error {
	if l.random.IntN(2) == 0 {
		for _, name := range names {
			l.clock.SetTime(l.clock.Now().Add(time.Duration(l.random.IntN(50)) * time.Millisecond))
			if err := l.wakeOne(name); err != nil {
				return err
			}
		}
		return nil
	}
	times := map[types.NamespacedName]int{}
	for _, name := range names {
		times[name]++
	}
	var group sync.WaitGroup
	failures := make(chan error, len(names))
	for name, n := range times {
		group.Go(func() {
			for range n {
				if err := l.wakeOne(name); err != nil {
					failures <- err
				}
			}
		})
	}
	group.Wait()
	close(failures)
	return <-failures
}

func (l *live) wakeOne(name types.NamespacedName) error {
	result, err := l.reconciler.Reconcile(l.ctx, reconcile.Request{NamespacedName: name})
	if err == nil && result.RequeueAfter <= 0 {
		return fmt.Errorf("%s is never woken up again", name)
	}
	return err
}

// refs are the targets, each once.
func (l *live) refs() []cycle.TargetRef {
	seen := map[cycle.TargetRef]bool{}
	var refs []cycle.TargetRef
	for i := range l.autoscalers {
		if ref := l.autoscalers[i].Target; !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	return refs
}

// push tells the server how many replicas there are in the world.
func (l *live) push() {
	for _, ref := range l.refs() {
		scale, err := l.stage.Targets().Get(l.ctx, ref)
		l.check(err)
		if last, known := l.status[ref]; known && last == scale.Status {
			continue
		}
		object := objectOf(ref)
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"status":{"replicas":%d}}`, scale.Status))
		l.check(l.client.Status().Patch(l.ctx, object, patch))
		l.status[ref] = scale.Status
	}
}

// edit applies what the scenario has edited since.
func (l *live) edit() {
	for i := range l.autoscalers {
		name := l.autoscalers[i].Name()
		wanted, applied := l.stage.Object(name), &v1alpha1.HorizontalAutoscaler{}
		l.check(l.cache.Get(l.ctx, name, applied))
		if applied.Generation == wanted.Generation {
			continue
		}
		l.check(l.client.Get(l.ctx, name, applied))
		wanted.Spec.DeepCopyInto(&applied.Spec)
		l.check(l.client.Update(l.ctx, applied))
		l.check(wait.PollUntilContextTimeout(l.ctx, time.Millisecond, timeout, true, func(context.Context) (bool, error) {
			err := l.cache.Get(l.ctx, name, applied)
			return applied.Generation == wanted.Generation, err
		}))
	}
}

// pull makes the world's counts those that the server has.
func (l *live) pull() {
	for _, ref := range l.refs() {
		wanted, err := l.targets.Get(l.ctx, ref)
		l.check(err)
		have, err := l.stage.Targets().Get(l.ctx, ref)
		l.check(err)
		if wanted.Spec != have.Spec {
			l.check(l.stage.Targets().Set(l.ctx, ref, have, wanted.Spec))
		}
	}
}

// create applies the targets, as they are when the scenario begins, and the
// autoscalers.
func (l *live) create() {
	for _, ref := range l.refs() {
		l.namespace(ref.Namespace)
		scale, err := l.stage.Targets().Get(l.ctx, ref)
		l.check(err)
		object := objectOf(ref)
		object.Object["spec"] = workloadSpec(ref, scale.Spec)
		l.check(l.client.Create(l.ctx, object))
	}
	for i := range l.autoscalers {
		o := l.autoscalers[i].Object
		l.namespace(o.Namespace)
		applied := &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}}
		o.Spec.DeepCopyInto(&applied.Spec)
		l.check(l.client.Create(l.ctx, applied))
	}
}

// clear deletes what create applied.
func (l *live) clear() {
	for i := range l.autoscalers {
		o := l.autoscalers[i].Object
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, &v1alpha1.HorizontalAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name}})))
	}
	for _, ref := range l.refs() {
		l.check(client.IgnoreNotFound(l.client.Delete(l.ctx, objectOf(ref), client.PropagationPolicy(metav1.DeletePropagationBackground))))
	}
}

func (l *live) namespace(name string) {
	err := l.client.Create(l.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if !apierrors.IsAlreadyExists(err) {
		l.check(err)
	}
}

func objectOf(ref cycle.TargetRef) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetAPIVersion(ref.APIVersion)
	o.SetKind(ref.Kind)
	o.SetNamespace(ref.Namespace)
	o.SetName(ref.Name)
	return o
}

// workloadSpec is the least that kinds of apps/v1 want besides replicas.
func workloadSpec(ref cycle.TargetRef, replicas int32) map[string]any {
	labels := map[string]any{"app": ref.Name}
	spec := map[string]any{
		"replicas": int64(replicas),
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "app"}}},
		},
	}
	if ref.Kind == "StatefulSet" {
		spec["serviceName"] = ref.Name
	}
	return spec
}

// dated is a reader that says of every autoscaler that it was created when the
// scenario began: the server knows only its own clock.
func (l *live) dated(r client.Reader) client.Reader {
	return &datedReader{r, metav1.NewTime(l.in.File.Spec.Start.Time)}
}

type datedReader struct {
	client.Reader
	created metav1.Time
}

func (d *datedReader) Get(ctx context.Context, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
	err := d.Reader.Get(ctx, key, o, options...)
	o.SetCreationTimestamp(d.created)
	return err
}

// A lockedJournal keeps what it is told as a journal file.
type lockedJournal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writer *journal.Writer
}

func newLockedJournal() *lockedJournal {
	j := &lockedJournal{}
	j.writer = journal.NewWriter(&j.text)
	return j
}

func (j *lockedJournal) Record(r *journal.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.writer.Record(r)
}

func (j *lockedJournal) Outcome(o *journal.Outcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_ = j.writer.Outcome(o)
}
