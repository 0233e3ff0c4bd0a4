package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clientprometheus "github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	"github.com/karpenter-sim/karpenter/providers/promql"
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
	reconcilers map[string]reconcile.Reconciler // by kind
	random      *rand.Rand
	last        time.Time
	mirror      *mirror
	writes      *writes
	// exact is set where faults strike the controller: the scenario says when it
	// wakes up and loses its memory, so nothing is added.
	exact  bool
	status map[cycle.TargetRef]int32 // as the server has it, like spec
	spec   map[cycle.TargetRef]int32

	mu    sync.Mutex
	wakes map[journal.Object]cycle.Wake // the last one that each reconciler said
	woken []string                      // all that followed decisions, a line each
}

// playLive returns the journal of a scenario whose wake-ups come late, twice, for
// nothing and out of order, as the seed says, and whose controller is restarted
// now and then.
func playLive(t *testing.T, in *sim.Input, autoscalers []sim.Autoscaler, seed uint64) (text []byte, wakes []string) {
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
		t: t, ctx: ctx, in: in, stage: stage, autoscalers: autoscalers, config: config, writes: noteWrites(config),
		clock:   clocktesting.NewFakePassiveClock(in.File.Spec.Start.Time),
		journal: newLockedJournal(), random: rand.New(rand.NewPCG(seed, 0)), status: map[cycle.TargetRef]int32{}, spec: map[cycle.TargetRef]int32{}, wakes: map[journal.Object]cycle.Wake{},
	}
	for _, f := range in.File.Spec.Faults {
		l.exact = l.exact || f.Controller != ""
	}
	l.connect(server.URL)
	defer l.clear()
	l.create()
	l.createCloud()
	l.watch()
	l.mirror = newMirror(l)
	defer l.mirror.clear()
	l.restart(in.File.Spec.Start.Time)
	if err := stage.Play(ctx, l.restart, l.decide); err != nil {
		t.Fatal(err)
	}
	return l.journal.text.Bytes(), l.woken
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
	l.targets.Pods = worldPods{l.stage.Targets()}
	source, err := prometheus.New(prometheus.Options{URL: url, Timeout: timeout})
	l.check(err)
	l.source = l.stage.Metrics(promql.Enforcing(l.stage.EnforceLabel(), source))
}

// watch fills the caches.
func (l *live) watch() {
	var err error
	l.rivals, err = kubernetes.NewRivals(l.ctx, l.cache, l.mapper, l.clock)
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
	access := kubernetes.Access{Reader: l.dated(l.client), Writer: &datedWriter{l.client, l.created()}, Timeout: timeout, Reporter: reporter}
	faults := l.stage.Faults()
	sizes := &kubernetes.Cluster{Objects: l.cache, NodeGroups: l.stage.NodeGroups()}
	l.reconcilers = map[string]reconcile.Reconciler{
		journal.HorizontalAutoscaler: &kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler]{
			Kind: journal.HorizontalAutoscaler, Empty: func() *v1alpha1.HorizontalAutoscaler { return &v1alpha1.HorizontalAutoscaler{} },
			Objects: l.dated(l.cache), Reporter: reporter, Clock: l.clock, Woken: l.wakesAt,
			Driver: &cycle.Autoscalers{
				Metrics: l.source, Targets: faults.Targets(l.targets), Journal: reporter, Store: faults.Autoscalers(&kubernetes.Store{Access: access}),
				QueryOffset: time.Duration(l.in.File.Spec.Controller.QueryOffset), Owners: l.rivals.Owners, Refresh: 60,
				Phase: l.stage.Phase(journal.HorizontalAutoscaler), Since: slot.At(from) - 1,
			},
		},
		journal.ScalableNodeGroup: &kubernetes.Reconciler[*v1alpha1.ScalableNodeGroup]{
			Kind: journal.ScalableNodeGroup, Empty: func() *v1alpha1.ScalableNodeGroup { return &v1alpha1.ScalableNodeGroup{} },
			Objects: l.dated(l.cache), Reporter: reporter, Clock: l.clock, Woken: l.wakesAt,
			Driver: &cycle.ScalableNodeGroups{
				Providers: l.stage.NodeGroups(), Journal: reporter, Store: faults.NodeGroupStore(&kubernetes.NodeGroupStore{Access: access}),
				Phase: l.stage.Phase(journal.ScalableNodeGroup), Since: slot.At(from) - 1,
			},
		},
		journal.MetricsProducer: &kubernetes.Reconciler[*v1alpha1.MetricsProducer]{
			Kind: journal.MetricsProducer, Empty: func() *v1alpha1.MetricsProducer { return &v1alpha1.MetricsProducer{} },
			Objects: l.dated(l.cache), Reporter: reporter, Clock: l.clock, Woken: l.wakesAt,
			Driver: &cycle.MetricsProducers{
				Cluster: &kubernetes.Cluster{Objects: l.mirror.dated(l.cache)}, Sizes: sizes, Queues: l.stage.Queues(), Exporter: l.stage.Exporter(),
				Journal: reporter, Store: faults.Producers(&kubernetes.ProducerStore{Access: access, Objects: l.cache}), Refresh: 60,
				Phase: l.stage.Phase(journal.MetricsProducer), Since: slot.At(from) - 1,
			},
		},
	}
}

// wakesAt notes which wake-up a reconciler wants.
func (l *live) wakesAt(object journal.Object, next cycle.Wake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes[object] = next
}

// decide wakes the reconciler of a kind up for everything that is due, carries
// what it did into the world, and returns when it wants to be woken up again.
func (l *live) decide(now time.Time, kind string, due []types.NamespacedName) ([]cycle.Wake, error) {
	if kind == journal.HorizontalAutoscaler && !l.exact && l.random.IntN(40) == 0 && now.After(l.last) {
		l.restart(now) // before anything of this instant was decided
	}
	l.last = now
	l.clock.SetTime(now)
	var err error
	switch kind {
	case journal.HorizontalAutoscaler:
		err = l.decideAutoscalers(due)
	case journal.ScalableNodeGroup:
		err = l.decideGroups(due)
	default:
		l.mirror.follow()
		err = l.wake(kind, l.disturbed(due))
	}
	wakes := make([]cycle.Wake, len(due))
	for i, name := range due {
		object := journal.Object{Kind: kind, Namespace: name.Namespace, Name: name.Name}
		wakes[i] = l.wakes[object]
		l.woken = append(l.woken, wakeLine(object, now, wakes[i]))
	}
	return wakes, err
}

// disturbed are names in another order, some of them several times.
func (l *live) disturbed(due []types.NamespacedName) []types.NamespacedName {
	if l.exact {
		return due
	}
	names := append([]types.NamespacedName(nil), due...)
	for _, name := range due {
		for range l.random.IntN(3) {
			names = append(names, name)
		}
	}
	l.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

func (l *live) decideAutoscalers(due []types.NamespacedName) error {
	l.push()
	l.edit()
	names := due
	if !l.exact {
		names = append([]types.NamespacedName{l.autoscalers[l.random.IntN(len(l.autoscalers))].Name()}, due...)
	}
	for _, turn := range l.turns(names) {
		if err := l.wake(journal.HorizontalAutoscaler, l.disturbed(turn)); err != nil {
			return err
		}
	}
	l.pull()
	for _, name := range due {
		if !l.writes.take(l.objectAt("horizontalautoscalers", name)) {
			continue // its status is what it was
		}
		object := &v1alpha1.HorizontalAutoscaler{}
		l.check(l.client.Get(l.ctx, name, object))
		l.stage.Report(name, &object.Status)
	}
	return nil
}

// turns takes apart names that share a target, where whoever comes second sees
// what the first one did: at one instant they go by name. The phases of a cluster
// keep them apart.
func (l *live) turns(names []types.NamespacedName) [][]types.NamespacedName {
	var turns [][]types.NamespacedName
	before := map[cycle.TargetRef]int{}
	for i := range l.autoscalers { // sorted by name
		a := &l.autoscalers[i]
		turn := before[a.Target]
		before[a.Target]++
		if turn == len(turns) {
			turns = append(turns, nil)
		}
		for _, name := range names {
			if name == a.Name() {
				turns[turn] = append(turns[turn], name)
			}
		}
	}
	return turns
}

// decideGroups keeps the order of the names, in which they share what a cloud
// has. The cache must have what was scaled just now.
func (l *live) decideGroups(due []types.NamespacedName) error {
	for _, name := range due {
		object, cached := &v1alpha1.ScalableNodeGroup{}, &v1alpha1.ScalableNodeGroup{}
		path := l.objectAt("scalablenodegroups", name)
		if l.writes.take(path) {
			l.check(l.client.Get(l.ctx, name, object))
			l.check(wait.PollUntilContextTimeout(l.ctx, time.Millisecond, timeout, true, func(context.Context) (bool, error) {
				err := l.cache.Get(l.ctx, name, cached)
				return cached.ResourceVersion == object.ResourceVersion, err
			}))
		}
		for _, name := range l.disturbed([]types.NamespacedName{name}) {
			if err := l.wakeOne(journal.ScalableNodeGroup, name); err != nil {
				return err
			}
		}
		if l.writes.seen(path) {
			l.check(l.client.Get(l.ctx, name, object))
			l.stage.ReportGroup(object)
		}
	}
	return nil
}

// wake calls the reconciler one name after the other, each a little later, or
// for all at once, but never twice at a time for one.
func (l *live) wake(kind string, names []types.NamespacedName) error {
	if l.exact || l.random.IntN(2) == 0 {
		for _, name := range names {
			if !l.exact {
				l.clock.SetTime(l.clock.Now().Add(time.Duration(l.random.IntN(50)) * time.Millisecond))
			}
			if err := l.wakeOne(kind, name); err != nil {
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
				if err := l.wakeOne(kind, name); err != nil {
					failures <- err
				}
			}
		})
	}
	group.Wait()
	close(failures)
	return <-failures
}

func (l *live) wakeOne(kind string, name types.NamespacedName) error {
	result, err := l.reconcilers[kind].Reconcile(l.ctx, reconcile.Request{NamespacedName: name})
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

// push tells the server how many replicas there are in the world, and what somebody has
// set there who is no autoscaler.
func (l *live) push() {
	for _, ref := range l.refs() {
		if ref.Kind == journal.ScalableNodeGroup {
			continue // its own reconciler says so
		}
		scale, err := l.stage.Targets().Get(l.ctx, ref, time.Time{})
		l.check(err)
		if last, known := l.spec[ref]; known && last != scale.Spec {
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, scale.Spec))
			l.check(l.client.Patch(l.ctx, objectOf(ref), patch))
		}
		l.spec[ref] = scale.Spec
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
		same := func() bool {
			return applied.Generation == wanted.Generation && maps.Equal(applied.Annotations, wanted.Annotations)
		}
		if same() {
			continue
		}
		l.check(l.client.Get(l.ctx, name, applied))
		wanted.Spec.DeepCopyInto(&applied.Spec)
		applied.Annotations = maps.Clone(wanted.Annotations)
		l.check(l.client.Update(l.ctx, applied))
		l.check(wait.PollUntilContextTimeout(l.ctx, time.Millisecond, timeout, true, func(context.Context) (bool, error) {
			err := l.cache.Get(l.ctx, name, applied)
			return same(), err
		}))
	}
}

// pull makes the world's counts those that the server has.
func (l *live) pull() {
	for _, ref := range l.refs() {
		mapping, err := l.mapper.RESTMapping(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind).GroupKind())
		l.check(err)
		path := l.objectAt(mapping.Resource.Resource, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name})
		if ref.Kind == journal.ScalableNodeGroup && !l.writes.seen(path) || ref.Kind != journal.ScalableNodeGroup && !l.writes.take(path) {
			continue // nobody has set it since
		}
		wanted, err := l.targets.Get(l.ctx, ref, time.Time{})
		if errors.Is(err, cycle.ErrUnavailable) && ref.Kind == journal.ScalableNodeGroup {
			continue // it has no count before one was adopted
		}
		l.check(err)
		have, err := l.stage.Targets().Get(l.ctx, ref, time.Time{})
		l.check(err)
		if wanted.Spec != have.Spec {
			l.check(l.stage.Targets().Set(l.ctx, ref, have, wanted.Spec))
		}
		l.spec[ref] = wanted.Spec
	}
}
