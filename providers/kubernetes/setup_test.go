package kubernetes_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	clientprometheus "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

// A gauge is a cycle.MetricSource with one value for all queries.
type gauge struct {
	mu     sync.Mutex
	result cycle.Result
	err    error
}

func (g *gauge) set(result cycle.Result, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.result, g.err = result, err
}

func (g *gauge) Query(context.Context, string, time.Time) (cycle.Result, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.result, g.err
}

// A cloud has one node group, whose nodes are ready at once, and one queue of
// five messages.
type cloud struct {
	mu      sync.Mutex
	desired int32
	// observed counts the reads.
	observed int
	trouble  observation.Code
	err      error // of every call, if set
}

func (c *cloud) set(trouble observation.Code, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble, c.err = trouble, err
}

func (c *cloud) Observe(context.Context, cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observed++
	return cycle.NodeGroup{Desired: c.desired, Ready: c.desired, Max: 10, Code: c.trouble}, c.err
}

func (c *cloud) Resize(_ context.Context, _ cycle.NodeGroupRef, desired int32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.desired = desired
	return nil
}

type fiveMessages struct{}

func (fiveMessages) Observe(context.Context, cycle.QueueRef) (cycle.Queue, error) {
	return cycle.Queue{Length: 5, OldestAge: -1}, nil
}

// A diary is a cycle.Journal that keeps what was decided.
type diary struct {
	namespace string // of whose objects alone

	mu       sync.Mutex
	slots    []slot.Slot
	outcomes []string
}

func (d *diary) Record(r *journal.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Namespace == d.namespace {
		d.slots = append(d.slots, r.Slot)
	}
}

func (d *diary) Outcome(o *journal.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o.Namespace == d.namespace {
		d.outcomes = append(d.outcomes, o.Result)
	}
}

func (d *diary) decided() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.slots)
}

// running is a manager with our reconcilers on a clock that only the test moves.
type running struct {
	*server
	clock    *clocktesting.FakeClock
	metric   *gauge
	diary    *diary
	cloud    *cloud
	registry *clientprometheus.Registry
	events   *record.FakeRecorder
	stop     func()
}

func (s *server) run(from time.Time) *running {
	gauge := &gauge{}
	r := s.runWith(from, cycle.InTurn(gauge))
	r.metric = gauge
	return r
}

func (s *server) runWith(from time.Time, source cycle.MetricSource, change ...func(*kubernetes.Options)) *running {
	r := &running{
		server: s, clock: clocktesting.NewFakeClock(from), diary: &diary{namespace: s.namespace}, cloud: &cloud{desired: 2},
		registry: clientprometheus.NewRegistry(), events: record.NewFakeRecorder(100),
	}
	again := true
	m, err := ctrl.NewManager(s.config, manager.Options{Scheme: s.scheme, Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &again}})
	s.check(err)
	metrics, err := kubernetes.NewMetrics(r.registry)
	s.check(err)
	exporter, err := kubernetes.NewExporter(r.registry)
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	o := kubernetes.Options{
		Clock: r.clock, Source: source, Journal: r.diary, Metrics: metrics, Events: r.events,
		Timeout: timeout, Concurrency: 4, Exporter: exporter,
		NodeGroups: map[string]cycle.NodeGroups{"AWSEKSNodeGroup": r.cloud},
		Queues:     map[string]cycle.Queues{"AWSSQSQueue": fiveMessages{}},
	}
	for _, c := range change {
		c(&o)
	}
	s.check(kubernetes.Setup(ctx, m, o))
	ended := make(chan error, 1)
	go func() { ended <- m.Start(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the manager ended with %v", err)
		}
	}
	return r
}

// decide moves the clock on, a second at a time, until n more slots have been decided.
func (r *running) decide(n int) {
	r.t.Helper()
	wanted := r.diary.decided() + n
	r.eventually("decisions", func() bool {
		// Somebody must wait for the clock, or a step would be lost on it.
		if r.diary.decided() < wanted && r.clock.HasWaiters() {
			r.clock.Step(time.Second)
		}
		return r.diary.decided() >= wanted
	})
}

// event is the next one.
func (r *running) event() string {
	select {
	case e := <-r.events.Events:
		return e
	default:
		return ""
	}
}

func (r *running) autoscalerNow(name string) *v1alpha1.HorizontalAutoscaler {
	r.t.Helper()
	o := &v1alpha1.HorizontalAutoscaler{}
	r.check(r.client.Get(context.Background(), types.NamespacedName{Namespace: r.namespace, Name: name}, o))
	return o
}

func (r *running) replicas(name string) int32 {
	r.t.Helper()
	o := &appsv1.Deployment{}
	r.check(r.client.Get(context.Background(), types.NamespacedName{Namespace: r.namespace, Name: name}, o))
	return *o.Spec.Replicas
}

func TestManager(t *testing.T) {
	s := connect(t)
	s.create(s.deployment("web", 5))
	s.create(s.autoscaler("web", "web"))
	// The server says when objects were created; nothing before is decided.
	r := s.run(s.autoscalerCreated("web").Add(time.Second))
	r.metric.set(cycle.Result{Samples: 1, Value: 80}, nil)

	r.decide(1)
	r.eventually("scaled", func() bool { return r.replicas("web") == 8 })
	want := "Normal ScaledUp scaled Deployment web from 5 to 8 replicas: queue_length is 80, target AverageValue 10, which asks for 8"
	r.eventually("an event", func() bool {
		e := r.event()
		if e != "" && e != want {
			t.Errorf("event %q, want %q", e, want)
		}
		return e != ""
	})

	r.decide(1) // settles
	steady := r.autoscalerNow("web")
	if st := steady.Status; *st.DesiredReplicas != 8 || st.LastScaleTime == nil || !meta.IsStatusConditionTrue(st.Conditions, v1alpha1.ReadyCondition) {
		t.Errorf("status %+v", st)
	}
	r.decide(5)
	if now := r.autoscalerNow("web"); now.ResourceVersion != steady.ResourceVersion {
		t.Errorf("a steady autoscaler was written: %+v", now.Status)
	}
	for i := 1; i < len(r.diary.slots); i++ {
		if got := r.diary.slots[i] - r.diary.slots[i-1]; got != 10 {
			t.Errorf("slot %d comes %d s after the one before", i, got)
		}
	}
	expectGauge := `# HELP karpenter_horizontalautoscaler_desired_replicas Last decision, as in status.desiredReplicas.
# TYPE karpenter_horizontalautoscaler_desired_replicas gauge
karpenter_horizontalautoscaler_desired_replicas{name="web",namespace="` + s.namespace + `"} 8
`
	s.check(testutil.GatherAndCompare(r.registry, strings.NewReader(expectGauge), "karpenter_horizontalautoscaler_desired_replicas"))

	r.metric.set(cycle.Result{}, cycle.ErrTimedOut)
	r.decide(1)
	if e := r.event(); !strings.HasPrefix(e, "Warning MetricsUnavailable spec.metrics[0]: TimedOut") {
		t.Errorf("event %q", e)
	}
	r.decide(3)
	if e := r.event(); e != "" || r.replicas("web") != 8 {
		t.Errorf("event %q, %d replicas", e, r.replicas("web"))
	}
	r.metric.set(cycle.Result{Samples: 1, Value: 80}, nil)
	r.decide(1)
	if e := r.event(); !strings.HasPrefix(e, "Normal Decided") {
		t.Errorf("event %q", e)
	}

	s.check(s.client.Delete(context.Background(), steady))
	r.eventually("the gauges are gone", func() bool {
		n, err := testutil.GatherAndCount(r.registry, "karpenter_horizontalautoscaler_desired_replicas", "karpenter_horizontalautoscaler_current_replicas")
		return err == nil && n == 0
	})
	r.stop()
}

// TestPausedByAnnotation pauses an autoscaler as kubectl annotate does: from the next
// slot on, with an event of each change, until the annotation is taken away.
func TestPausedByAnnotation(t *testing.T) {
	s := connect(t)
	s.create(s.deployment("web", 5))
	paused := s.autoscaler("web", "web")
	paused.Annotations = map[string]string{v1alpha1.PausedAnnotation: "true"}
	s.create(paused)
	r := s.run(s.autoscalerCreated("web").Add(time.Second))
	defer r.stop()
	r.metric.set(cycle.Result{Samples: 1, Value: 80}, nil)
	for _, c := range []struct {
		reason, patch string
		want          int32
		event         string
	}{
		{"paused from the start", ``, 5, "Normal Paused nothing is scaled, by annotation"},
		{"a typing error holds", `"flase"`, 5, `Warning PauseUnreadable metadata.annotations[autoscaling.karpenter.sh/paused]: "flase" is not true, false or a number of replicas`},
		{"a count", `"7"`, 7, "Normal Paused the replicas are held at 7, by annotation"},
		{"taken away", `null`, 8, "Normal Resumed no annotation pauses it"},
	} {
		if c.patch != "" {
			patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"autoscaling.karpenter.sh/paused":`+c.patch+`}}}`))
			s.check(s.client.Patch(context.Background(), s.autoscaler("web", "web"), patch))
		}
		seen := ""
		r.eventually(c.reason, func() bool {
			if r.clock.HasWaiters() {
				r.clock.Step(time.Second)
			}
			for e := r.event(); e != ""; e = r.event() {
				seen += e + "\n"
			}
			return r.replicas("web") == c.want && strings.Contains(seen, c.event)
		})
	}
	if o := r.autoscalerNow("web"); o.Generation != 1 {
		t.Errorf("generation %d", o.Generation)
	}
}

// autoscalerCreated is when the server says an autoscaler was created.
func (s *server) autoscalerCreated(name string) time.Time {
	o := &v1alpha1.HorizontalAutoscaler{}
	s.check(s.client.Get(context.Background(), types.NamespacedName{Namespace: s.namespace, Name: name}, o))
	return o.CreationTimestamp.Time
}

// TestContested has two autoscalers on one target: both hold, and each names the other.
func TestContested(t *testing.T) {
	s := connect(t)
	s.create(s.deployment("web", 5))
	s.create(s.autoscaler("one", "web"))
	s.create(s.autoscaler("two", "web"))
	r := s.run(s.autoscalerCreated("two").Add(time.Second))
	defer r.stop()
	r.metric.set(cycle.Result{Samples: 1, Value: 80}, nil)
	r.decide(4)
	for name, other := range map[string]string{"one": "two", "two": "one"} {
		active := meta.FindStatusCondition(r.autoscalerNow(name).Status.Conditions, v1alpha1.ActiveCondition)
		if active == nil || active.Reason != cycle.TargetContested || !strings.Contains(active.Message, "HorizontalAutoscaler "+other) {
			t.Errorf("%s: %+v", name, active)
		}
	}
	if n := r.replicas("web"); n != 5 {
		t.Errorf("scaled to %d", n)
	}
	s.check(s.client.Delete(context.Background(), s.autoscaler("two", "web")))
	r.eventually("the other acts", func() bool {
		if r.clock.HasWaiters() {
			r.clock.Step(time.Second)
		}
		return r.replicas("web") == 8
	})
	s.check(s.client.DeleteAllOf(context.Background(), s.autoscaler("", ""), client.InNamespace(s.namespace)))
}

// TestNodeGroupNamespaces has a node group and a producer in a namespace that may
// name neither groups nor queues: both are told so, and the cloud is never asked.
func TestNodeGroupNamespaces(t *testing.T) {
	s := connect(t)
	s.create(&v1alpha1.ScalableNodeGroup{ObjectMeta: s.meta("pool"), Spec: v1alpha1.ScalableNodeGroupSpec{Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:us-west-2:123456789012:nodegroup/cluster/pool/1"}})
	s.create(&v1alpha1.MetricsProducer{ObjectMeta: s.meta("jobs"), Spec: v1alpha1.MetricsProducerSpec{Queue: &v1alpha1.QueueSpec{Type: "AWSSQSQueue", ID: "arn:aws:sqs:us-west-2:123456789012:jobs"}}})
	s.create(s.deployment("web", 5))
	s.create(s.autoscaler("web", "web"))
	r := s.runWith(s.autoscalerCreated("web").Add(time.Second), cycle.InTurn(&gauge{}), func(o *kubernetes.Options) {
		o.NodeGroupNamespaces, o.QueueNamespaces = cycle.Namespaces{"infra"}, cycle.Namespaces{"jobs"}
	})
	defer r.stop()
	pool, jobs := &v1alpha1.ScalableNodeGroup{}, &v1alpha1.MetricsProducer{}
	for _, c := range []struct {
		object     client.Object
		name, want string
		conditions func() []metav1.Condition
	}{
		{pool, "pool", "--node-group-namespaces=infra; create the object in one of these, or have the namespace added", func() []metav1.Condition { return pool.Status.Conditions }},
		{jobs, "jobs", "--queue-namespaces=jobs; create the object in one of these, or have the namespace added", func() []metav1.Condition { return jobs.Status.Conditions }},
	} {
		r.eventually(c.name+" is told", func() bool {
			if r.clock.HasWaiters() {
				r.clock.Step(time.Second)
			}
			s.check(s.client.Get(context.Background(), types.NamespacedName{Namespace: s.namespace, Name: c.name}, c.object))
			ready := meta.FindStatusCondition(c.conditions(), v1alpha1.ReadyCondition)
			return ready != nil && ready.Status == metav1.ConditionFalse && strings.Contains(ready.Message, c.want)
		})
	}
	r.decide(3)
	r.cloud.mu.Lock()
	defer r.cloud.mu.Unlock()
	if r.cloud.observed > 0 || pool.Spec.Replicas != nil || jobs.Status.Queue != nil {
		t.Errorf("the cloud was asked %d times, %+v, %+v", r.cloud.observed, pool.Spec, jobs.Status)
	}
}

// TestNodeGroupsAndProducers has an autoscaler scale a node group through its
// scale subresource, and a producer publish the length of a queue.
func TestNodeGroupsAndProducers(t *testing.T) {
	s := connect(t)
	s.create(&v1alpha1.ScalableNodeGroup{ObjectMeta: s.meta("pool"), Spec: v1alpha1.ScalableNodeGroupSpec{Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:us-west-2:123456789012:nodegroup/cluster/pool/1"}})
	s.create(&v1alpha1.MetricsProducer{ObjectMeta: s.meta("jobs"), Spec: v1alpha1.MetricsProducerSpec{Queue: &v1alpha1.QueueSpec{Type: "AWSSQSQueue", ID: "arn:aws:sqs:us-west-2:123456789012:jobs"}}})
	a := s.autoscaler("pool", "pool")
	a.Spec.ScaleTargetRef = v1alpha1.CrossVersionObjectReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ScalableNodeGroup", Name: "pool"}
	s.create(a)
	r := s.run(s.autoscalerCreated("pool").Add(time.Second))
	defer r.stop()
	r.metric.set(cycle.Result{Samples: 1, Value: 40}, nil)
	pool := &v1alpha1.ScalableNodeGroup{}
	r.eventually("four nodes", func() bool {
		if r.clock.HasWaiters() {
			r.clock.Step(time.Second)
		}
		s.check(s.client.Get(context.Background(), types.NamespacedName{Namespace: s.namespace, Name: "pool"}, pool))
		return pool.Status.DesiredReplicas != nil && *pool.Status.DesiredReplicas == 4 && pool.Status.Replicas != nil && *pool.Status.Replicas == 4
	})
	if pool.Spec.Replicas == nil || *pool.Spec.Replicas != 4 || !meta.IsStatusConditionTrue(pool.Status.Conditions, v1alpha1.ReadyCondition) {
		t.Errorf("%+v", pool)
	}
	events := ""
	for e := r.event(); e != ""; e = r.event() {
		events += e + "\n"
	}
	for _, want := range []string{"ScaledUp scaled ScalableNodeGroup pool from 2 to 4 replicas", "ScaledUp scaled node group pool from 2 to 4 nodes\n"} {
		if !strings.Contains(events, want) {
			t.Errorf("no event %q in\n%s", want, events)
		}
	}
	expect := `# HELP karpenter_queue_length Messages in the queue that a MetricsProducer reads.
# TYPE karpenter_queue_length gauge
karpenter_queue_length{name="jobs",namespace="` + s.namespace + `"} 5
`
	s.check(testutil.GatherAndCompare(r.registry, strings.NewReader(expect), "karpenter_queue_length"))
	r.testGroupSeries("pool")
	for _, o := range []client.Object{a, pool, &v1alpha1.MetricsProducer{ObjectMeta: s.meta("jobs")}} {
		s.check(s.client.Delete(context.Background(), o))
	}
	r.eventually("their series are gone", func() bool {
		n, err := testutil.GatherAndCount(r.registry, append(nodegroup.GaugeNames(), nodegroup.Trouble, nodegroup.Failures, "karpenter_queue_length")...)
		return err == nil && n == 0
	})
}

// testGroupSeries has a node group of four nodes show its counts, and what the
// provider said while it could not be asked.
func (r *running) testGroupSeries(name string) {
	r.t.Helper()
	labels := `{name="` + name + `",namespace="` + r.namespace + `"} `
	shown := func(names ...string) string {
		text := ""
		for _, series := range names {
			value := map[string]string{nodegroup.MaxReplicas: "10", nodegroup.MinReplicas: "0"}[series]
			if value == "" {
				value = "4"
			}
			text += "# HELP " + series + " " + nodegroup.Help(series) + "\n# TYPE " + series + " gauge\n" + series + labels + value + "\n"
		}
		return text
	}
	// Gauges follow the status that the caller has waited for.
	r.eventually("the gauges of the status", func() bool {
		return testutil.GatherAndCompare(r.registry, strings.NewReader(shown(nodegroup.GaugeNames()...)), nodegroup.GaugeNames()...) == nil
	})
	r.cloud.set(observation.LimitReached, nil)
	r.eventually("trouble", func() bool {
		if r.clock.HasWaiters() {
			r.clock.Step(time.Second)
		}
		n, err := testutil.GatherAndCount(r.registry, nodegroup.Trouble)
		return err == nil && n == 1
	})
	r.cloud.set(observation.OK, fmt.Errorf("enough: %w", cycle.ErrThrottled))
	r.eventually("a failure", func() bool {
		if r.clock.HasWaiters() {
			r.clock.Step(time.Second)
		}
		n, err := testutil.GatherAndCount(r.registry, nodegroup.Failures)
		return err == nil && n > 0
	})
	r.eventually("no gauge but the spec's", func() bool {
		return testutil.GatherAndCompare(r.registry, strings.NewReader(shown(nodegroup.SpecReplicas)), nodegroup.GaugeNames()...) == nil
	})
	if n, err := testutil.GatherAndCount(r.registry, nodegroup.Trouble); n != 0 || err != nil {
		r.t.Errorf("trouble is still shown: %d %v", n, err)
	}
	if n := r.errors("provider Throttled"); n == 0 {
		r.t.Error("the failure is counted with no error")
	}
}
