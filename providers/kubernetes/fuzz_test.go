package kubernetes_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	clientprometheus "github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

// TestAdmittedObjects throws odd autoscalers at the real admission. What it lets
// through must be decided without a panic, whatever the metrics say.
func TestAdmittedObjects(t *testing.T) {
	s, ctx := connect(t), context.Background()
	s.create(s.deployment("web", 5))
	random := rand.New(rand.NewPCG(1, 2))
	source := &gauge{}
	clock := clocktesting.NewFakePassiveClock(time.Time{})
	values := []float64{0, 1, 0.5, -1, 1e-300, 1e300, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1), 1 << 31, 1 << 62, 80}
	admitted := 0
	for i := range 200 {
		o := oddAutoscaler(random)
		o.SetNamespace(s.namespace)
		o.SetName("odd")
		switch err := s.client.Create(ctx, o); {
		case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
			continue
		default:
			s.check(err)
		}
		admitted++
		clock.SetTime(o.GetCreationTimestamp().Add(time.Second))
		r := s.reconciler(clock, source, &diary{})
		for range 4 {
			clock.SetTime(clock.Now().Add(time.Duration(1+random.IntN(400)) * time.Second))
			source.set(cycle.Result{Samples: random.IntN(3), Value: values[random.IntN(len(values))]}, nil)
			result, err := r.Reconcile(ctx, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: "odd"}})
			if err != nil || result.RequeueAfter <= 0 {
				t.Errorf("object %d: %+v, %v", i, result, err)
			}
		}
		now := (&running{server: s}).autoscalerNow("odd")
		if now.Status.Reason == "" {
			t.Errorf("object %d was not decided: %+v", i, now)
		}
		if now.Status.Reason == "InvalidPolicy" {
			t.Errorf("object %d was admitted, but is invalid: %+v", i, now.Status.Conditions)
		}
		s.check(s.client.Delete(ctx, o))
	}
	if admitted < 20 {
		t.Errorf("%d objects were admitted; that proves little", admitted)
	}
}

// TestAdmittedGroupsAndProducers does the same with the other kinds, whose nodes,
// pods and cloud are odd as well.
func TestAdmittedGroupsAndProducers(t *testing.T) {
	s, ctx := connect(t), context.Background()
	random := rand.New(rand.NewPCG(3, 4))
	clock := clocktesting.NewFakePassiveClock(time.Time{})
	counts := []int32{0, 1, 3, -1, math.MaxInt32, math.MinInt32}
	odd := &oddCloud{random: random, counts: counts}
	kinds := map[string]func(*rand.Rand) map[string]any{"ScalableNodeGroup": oddNodeGroup, "MetricsProducer": oddProducer}
	for _, kind := range []string{"ScalableNodeGroup", "MetricsProducer"} {
		admitted := 0
		for i := range 200 {
			o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "autoscaling.karpenter.sh/v1alpha1", "kind": kind, "spec": kinds[kind](random)}}
			o.SetNamespace(s.namespace)
			o.SetName("odd")
			switch err := s.client.Create(ctx, o); {
			case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
				continue
			default:
				s.check(err)
			}
			admitted++
			clock.SetTime(o.GetCreationTimestamp().Add(time.Second))
			seen := &diary{namespace: s.namespace}
			r := s.otherReconciler(kind, clock, odd, seen)
			for range 4 {
				clock.SetTime(clock.Now().Add(time.Duration(10+random.IntN(400)) * time.Second))
				result, err := r.Reconcile(ctx, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: "odd"}})
				if err != nil || result.RequeueAfter <= 0 {
					t.Errorf("%s %d: %+v, %v", kind, i, result, err)
				}
			}
			if seen.decided() == 0 {
				t.Errorf("%s %d was not decided: %v", kind, i, o.Object["spec"])
			}
			s.check(s.client.Delete(ctx, o))
		}
		if admitted < 20 {
			t.Errorf("%d objects of kind %s were admitted; that proves little", admitted, kind)
		}
	}
}

// An oddCloud answers rubbish, and errors.
type oddCloud struct {
	random *rand.Rand
	counts []int32
}

func (c *oddCloud) count() int32 { return c.counts[c.random.IntN(len(c.counts))] }

func (c *oddCloud) err() error {
	return []error{nil, nil, cycle.ErrThrottled, cycle.ErrNotFound, cycle.ErrLimit}[c.random.IntN(5)]
}

func (c *oddCloud) Observe(context.Context, cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	return cycle.NodeGroup{Desired: c.count(), Ready: c.count(), Min: c.count(), Max: c.count()}, c.err()
}

func (c *oddCloud) Resize(context.Context, cycle.NodeGroupRef, int32) error { return c.err() }

func (c *oddCloud) Desired(context.Context, types.NamespacedName) (int32, error) {
	return c.count(), c.err()
}

// Snapshot implements cycle.Snapshots: nodes without allocatable, pods with
// absurd requests.
func (c *oddCloud) Snapshot(context.Context) (*producer.Snapshot, error) {
	amounts := []string{"0", "1", "1n", "9223372036854775807", "-5", "1E18", "100m"}
	list := func() corev1.ResourceList {
		l := corev1.ResourceList{}
		for _, name := range []corev1.ResourceName{"cpu", "memory", "pods", "example.com/gpu"} {
			if c.random.IntN(3) > 0 {
				l[name] = resource.MustParse(amounts[c.random.IntN(len(amounts))])
			}
		}
		return l
	}
	var nodes []*corev1.Node
	var pods []*corev1.Pod
	for i := range c.random.IntN(3) {
		nodes = append(nodes, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("node-", i), Labels: map[string]string{"group": "a"}}, Status: corev1.NodeStatus{
				Allocatable: list(), Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			},
		})
	}
	for i := range c.random.IntN(5) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("pod-", i)}}
		pod.Spec.Containers = []corev1.Container{{Name: "app", Resources: corev1.ResourceRequirements{Requests: list()}}}
		if len(nodes) > 0 && c.random.IntN(2) == 0 {
			pod.Spec.NodeName = nodes[0].Name
		} else {
			pod.Status.Phase = corev1.PodPending
		}
		pods = append(pods, pod)
	}
	return producer.NewSnapshot(nodes, pods), c.err()
}

type oddQueues struct{ *oddCloud }

func (q oddQueues) Observe(context.Context, cycle.QueueRef) (cycle.Queue, error) {
	return cycle.Queue{Length: int64(q.count()), InFlight: int64(q.count()), OldestAge: int64(q.count())}, q.err()
}

// otherReconciler is that of a kind other than HorizontalAutoscaler.
func (s *server) otherReconciler(kind string, clock *clocktesting.FakePassiveClock, odd *oddCloud, sink cycle.Journal) reconcile.Reconciler {
	registry := clientprometheus.NewRegistry()
	metrics, err := kubernetes.NewMetrics(registry)
	s.check(err)
	exporter, err := kubernetes.NewExporter(registry)
	s.check(err)
	reporter := kubernetes.NewReporter(sink, metrics, &record.FakeRecorder{}, clock)
	access := kubernetes.Access{Reader: s.client, Writer: s.client, Timeout: timeout, Reporter: reporter}
	groups := map[string]cycle.NodeGroups{"AWSEKSNodeGroup": odd, "AWSEC2AutoScalingGroup": odd}
	if kind == journal.ScalableNodeGroup {
		return &kubernetes.Reconciler[*v1alpha1.ScalableNodeGroup]{
			Kind: kind, Empty: func() *v1alpha1.ScalableNodeGroup { return &v1alpha1.ScalableNodeGroup{} },
			Objects: s.client, Reporter: reporter, Clock: clock,
			Driver: &cycle.ScalableNodeGroups{Providers: groups, Store: &kubernetes.NodeGroupStore{Access: access}, Journal: reporter},
		}
	}
	return &kubernetes.Reconciler[*v1alpha1.MetricsProducer]{
		Kind: kind, Empty: func() *v1alpha1.MetricsProducer { return &v1alpha1.MetricsProducer{} },
		Objects: s.client, Reporter: reporter, Clock: clock,
		Driver: &cycle.MetricsProducers{
			Cluster: odd, Sizes: odd, Queues: map[string]cycle.Queues{"AWSSQSQueue": oddQueues{odd}}, Exporter: exporter,
			Store: &kubernetes.ProducerStore{Access: access, Objects: s.client}, Journal: reporter,
		},
	}
}

// mostly is the usual value, now and then an odd one.
func mostly(random *rand.Rand, usual any, odd ...any) any {
	if random.IntN(8) > 0 {
		return usual
	}
	return odd[random.IntN(len(odd))]
}

func oddNodeGroup(random *rand.Rand) map[string]any {
	spec := map[string]any{
		"type": mostly(random, "AWSEKSNodeGroup", "AWSEC2AutoScalingGroup", "", "GKE"),
		"id":   mostly(random, "arn:aws:eks:us-west-2:123456789012:nodegroup/cluster/pool/1", "", "pool", "arn:", "arn:aws:eks:us-west-2:123456789012:nodegroup:cluster:pool", "é\x00"),
	}
	if random.IntN(2) > 0 {
		spec["replicas"] = mostly(random, int64(3), int64(0), int64(-1), int64(math.MaxInt32), int64(math.MaxInt64), "3", nil)
	}
	return spec
}

// oddProducer has one of the four specs, sometimes two or none.
func oddProducer(random *rand.Rand) map[string]any {
	selector := func() any {
		return mostly(random, map[string]any{"group": "a"}, map[string]any{}, nil, map[string]any{"é": "x"}, "group")
	}
	pattern := func() map[string]any {
		p := map[string]any{}
		for field, usual := range map[string]string{"minutes": "30", "hours": "9", "days": "1", "months": "Feb", "weekdays": "Mon,Fri"} {
			if random.IntN(2) > 0 {
				p[field] = mostly(random, usual, "0", "30", "31", "60", "25", "*", "", "1,1", "Jan", "-1")
			}
		}
		return p
	}
	specs := map[string]func() any{
		"reservedCapacity": func() any {
			return map[string]any{"nodeSelector": selector(), "excludeDaemonSets": random.IntN(2) > 0}
		},
		"pendingCapacity": func() any {
			o := map[string]any{"nodeSelector": selector(), "releasePartial": random.IntN(2) > 0}
			if random.IntN(2) > 0 {
				o["template"] = map[string]any{"allocatable": map[string]any{"cpu": mostly(random, "4", "0", "-1", "abc", "1E18", "1n"), "memory": "8Gi", "pods": "110"}}
			}
			if random.IntN(2) > 0 {
				o["nodeGroupRef"] = map[string]any{"name": mostly(random, "pool", "", "Pool")}
			}
			return o
		},
		"queue": func() any {
			return map[string]any{"type": mostly(random, "AWSSQSQueue", "", "Kafka"), "id": mostly(random, "arn:aws:sqs:us-west-2:123456789012:jobs", "", "arn:", "jobs")}
		},
		"scheduleSpec": func() any {
			var behaviors []any
			for range random.IntN(4) {
				behaviors = append(behaviors, map[string]any{"replicas": mostly(random, int64(4), int64(0), int64(-1), int64(math.MaxInt32), nil), "start": pattern(), "end": pattern()})
			}
			return map[string]any{"behaviors": behaviors, "defaultReplicas": mostly(random, int64(2), int64(-1), nil), "timezone": mostly(random, "America/Los_Angeles", "", "Mars/Base", "Local", "UTC")}
		},
	}
	names := []string{"reservedCapacity", "pendingCapacity", "queue", "scheduleSpec"}
	spec := map[string]any{}
	for range mostly(random, 1, 0, 2).(int) {
		name := names[random.IntN(len(names))]
		spec[name] = specs[name]()
	}
	return spec
}

// oddAutoscaler has odd values for some fields, and lacks others.
func oddAutoscaler(random *rand.Rand) *unstructured.Unstructured {
	pick := func(values ...any) any { return values[random.IntN(len(values))] }
	mostly := func(usual any, odd ...any) any {
		if random.IntN(10) > 0 {
			return usual
		}
		return pick(odd...)
	}
	count := func(usual int64) any {
		return mostly(usual, int64(0), int64(1), int64(-1), int64(math.MaxInt32), int64(math.MaxInt64), "5", nil)
	}
	quantity := func(usual string) any {
		return mostly(usual, "0", "1n", "0.000000001", "1e3", "9223372036854775807", "1E18", "-1", "abc", "", int64(7), nil, "1Ki", "100m")
	}
	rules := func() any {
		o := map[string]any{}
		if random.IntN(2) > 0 {
			o["stabilizationWindowSeconds"] = count(60)
		}
		if random.IntN(2) > 0 {
			o["selectPolicy"] = mostly(pick("Max", "Min", "Disabled"), "max", "")
		}
		if random.IntN(2) > 0 {
			o["tolerance"] = quantity("100m")
		}
		var policies []any
		for range random.IntN(4) {
			policies = append(policies, map[string]any{"type": mostly(pick("Count", "Pods", "Percent"), "Nodes"), "value": count(4), "periodSeconds": count(30)})
		}
		o["policies"] = policies
		return o
	}
	var metrics []any
	for range random.IntN(4) {
		target := map[string]any{"type": mostly(pick("Value", "AverageValue", "Utilization"), "Sum")}
		target["value"] = quantity("10")
		if random.IntN(3) == 0 {
			target["averageValue"] = quantity("10")
		}
		if random.IntN(3) == 0 {
			target["averageUtilization"] = count(60)
		}
		metrics = append(metrics, map[string]any{"prometheus": map[string]any{"query": mostly("up", "", "\x00", "sum(", "é\u2028\"\\"), "target": target}})
	}
	spec := map[string]any{
		"scaleTargetRef": map[string]any{"apiVersion": mostly("apps/v1", "apps", "a/b/c", "", "v1"), "kind": mostly("Deployment", "deployment", "Node", "Nothing"), "name": mostly("web", "", "../web", "web/scale", "Web")},
		"minReplicas":    count(1), "maxReplicas": count(20), "metrics": metrics,
		"behavior": map[string]any{"scaleUp": rules(), "scaleDown": rules()},
		"dryRun":   random.IntN(5) == 0,
	}
	if random.IntN(2) > 0 {
		spec["pollingIntervalSeconds"] = count(15)
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "autoscaling.karpenter.sh/v1alpha1", "kind": "HorizontalAutoscaler", "spec": spec}}
}
