package kubernetes_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	clientprometheus "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
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

// A diary is a cycle.Journal that keeps what was decided.
type diary struct {
	mu       sync.Mutex
	slots    []slot.Slot
	outcomes []string
}

func (d *diary) Record(r *journal.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.slots = append(d.slots, r.Slot)
}

func (d *diary) Outcome(o *journal.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outcomes = append(d.outcomes, o.Result)
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
	registry *clientprometheus.Registry
	events   *record.FakeRecorder
	stop     func()
}

func (s *server) run(from time.Time) *running {
	r := &running{
		server: s, clock: clocktesting.NewFakeClock(from), metric: &gauge{}, diary: &diary{},
		registry: clientprometheus.NewRegistry(), events: record.NewFakeRecorder(100),
	}
	again := true
	m, err := ctrl.NewManager(s.config, manager.Options{Scheme: s.scheme, Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: &again}})
	s.check(err)
	metrics, err := kubernetes.NewMetrics(r.registry)
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	s.check(kubernetes.Setup(ctx, m, kubernetes.Options{
		Clock: r.clock, Source: r.metric, Journal: r.diary, Metrics: metrics, Events: r.events,
		Timeout: timeout, Concurrency: 4,
	}))
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
