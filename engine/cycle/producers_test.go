package cycle

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A plant is what outlives a producers' driver: the store, what producers read,
// the series and the journal.
type plant struct {
	t        *testing.T
	objects  map[types.NamespacedName]*v1alpha1.MetricsProducer
	versions int

	nodes []*corev1.Node
	pods  []*corev1.Pod
	queue Queue
	size  int32

	calls   []string
	before  func(call string) error // an error is returned without effect
	series  map[types.NamespacedName]map[string]float64
	file    bytes.Buffer
	writer  *journal.Writer
	records []journal.Record
}

// newPlant has one producer for each spec, called a, b, and so on.
func newPlant(t *testing.T, specs ...string) *plant {
	t.Helper()
	p := &plant{t: t, objects: map[types.NamespacedName]*v1alpha1.MetricsProducer{}, series: map[types.NamespacedName]map[string]float64{}}
	p.writer = journal.NewWriter(&p.file)
	for i, spec := range specs {
		name := types.NamespacedName{Namespace: "default", Name: string(rune('a' + i))}
		object := &v1alpha1.MetricsProducer{ObjectMeta: metav1.ObjectMeta{
			Namespace: name.Namespace, Name: name.Name, UID: types.UID(name.Name), Generation: 1, ResourceVersion: "0",
			CreationTimestamp: metav1.NewTime(start.Time()),
		}}
		if err := yaml.UnmarshalStrict([]byte(spec), &object.Spec); err != nil {
			t.Fatal(err)
		}
		p.objects[name] = object
	}
	return p
}

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: name}
}

func (p *plant) driver() *MetricsProducers {
	return &MetricsProducers{
		Cluster: p, Sizes: p, Queues: map[string]Queues{"AWSSQSQueue": plantQueues{p}}, Store: p, Exporter: p, Journal: p,
		Phase: func(types.NamespacedName, int32) int32 { return 0 },
	}
}

func (p *plant) at(d *MetricsProducers, name string, seconds int) {
	p.t.Helper()
	if _, err := d.Reconcile(context.Background(), start.Time().Add(time.Duration(seconds)*time.Second), p.objects[named(name)]); err != nil {
		p.t.Fatalf("%s at %d s: %v", name, seconds, err)
	}
}

func (p *plant) condition(name, kind string) string {
	found := meta.FindStatusCondition(p.objects[named(name)].Status.Conditions, kind)
	if found == nil {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message)
}

func (p *plant) call(name string) error {
	p.calls = append(p.calls, name)
	if p.before != nil {
		return p.before(name)
	}
	return nil
}

func (p *plant) Snapshot(context.Context) (*producer.Snapshot, error) {
	if err := p.call("Snapshot"); err != nil {
		return nil, err
	}
	return producer.NewSnapshot(p.nodes, p.pods), nil
}

func (p *plant) Desired(_ context.Context, group types.NamespacedName) (int32, error) {
	return p.size, p.call("Desired " + group.String())
}

type plantQueues struct{ *plant }

func (q plantQueues) Observe(_ context.Context, ref QueueRef) (Queue, error) {
	return q.queue, q.call("Observe " + ref.ID)
}

func (p *plant) Load(_ context.Context, name types.NamespacedName) (Stored[*v1alpha1.MetricsProducer], error) {
	if err := p.call("Load"); err != nil {
		return Stored[*v1alpha1.MetricsProducer]{}, err
	}
	object := p.objects[name]
	if object == nil {
		return Stored[*v1alpha1.MetricsProducer]{}, ErrNotFound
	}
	return Stored[*v1alpha1.MetricsProducer]{Object: object.DeepCopy(), Version: object.ResourceVersion}, nil
}

func (p *plant) Commit(_ context.Context, name types.NamespacedName, version string, status *v1alpha1.MetricsProducerStatus) (string, error) {
	if err := p.call("Commit"); err != nil {
		return "", err
	}
	if version != p.objects[name].ResourceVersion {
		return "", ErrConflict
	}
	return p.write(name, func(o *v1alpha1.MetricsProducer) { status.DeepCopyInto(&o.Status) }), nil
}

// write changes an object as the API server would.
func (p *plant) write(name types.NamespacedName, change func(*v1alpha1.MetricsProducer)) string {
	object := p.objects[name].DeepCopy()
	change(object)
	p.versions++
	object.ResourceVersion = strconv.Itoa(p.versions)
	p.objects[name] = object
	return object.ResourceVersion
}

func (p *plant) List(context.Context) ([]*v1alpha1.MetricsProducer, error) {
	var list []*v1alpha1.MetricsProducer
	for _, object := range p.objects {
		list = append(list, object)
	}
	return list, p.call("List")
}

func (p *plant) Set(object types.NamespacedName, gauges []producer.Gauge) {
	p.series[object] = map[string]float64{}
	for _, g := range gauges {
		p.series[object][g.Name] = g.Value
	}
}

func (p *plant) Withdraw(object types.NamespacedName) { delete(p.series, object) }

func (p *plant) Record(r *journal.Record) {
	if err := p.writer.Record(r); err != nil {
		p.t.Fatal(err)
	}
	p.records = append(p.records, *r)
}

func (p *plant) Outcome(*journal.Outcome) { p.t.Error("a producer commands nothing") }

// verify decides the journal again.
func (p *plant) verify() {
	p.t.Helper()
	found, err := journal.Verify(bytes.NewReader(p.file.Bytes()), "j")
	if err != nil || found.Verified != len(p.records) || found.Gaps != 0 {
		p.t.Errorf("%d records: %+v: %v\n%s", len(p.records), found, err, p.file.String())
	}
}

const (
	queueSpec    = `queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:123:jobs"}`
	reservedSpec = `reservedCapacity: {nodeSelector: {group: a}}`
	scheduleSpec = `scheduleSpec: {timezone: Europe/Berlin, defaultReplicas: 1, behaviors: [{replicas: 5, start: {hours: "9"}, end: {hours: "17"}}]}`
	pendingA     = `pendingCapacity: {nodeSelector: {group: a}, nodeGroupRef: {name: ng}}`
	pendingB     = `pendingCapacity: {nodeSelector: {group: b}, template: {allocatable: {cpu: 4}}}`
	bareSpec     = `pendingCapacity: {nodeSelector: {group: c}}`
)

func plantNode(name, group string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"group": group}},
		Status: corev1.NodeStatus{
			Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("10")},
			Conditions:  []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		},
	}
}

func plantPods(n int, node string) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range n {
		pods = append(pods, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("p-%s-%d", node, i)},
			Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}}}},
		})
	}
	return pods
}

// TestProducer holds one slot of each producer, and of each failure. It is 09:00 in Berlin.
func TestProducer(t *testing.T) {
	const works = "True Ready: the producer works"
	five, one, next := int32(5), int32(1), metav1.NewTime(start.Time().Add(8*time.Hour))
	zero64, eight, age := int64(0), int64(8), int64(30)
	cases := map[string]struct {
		reason string
		spec   string
		change func(*plant)
		series map[string]float64 // nil: withdrawn
		status v1alpha1.MetricsProducerStatus
		ready  string
		record string // from observed to reason
	}{
		"Schedule": {"now, and the next value", scheduleSpec, func(*plant) {}, map[string]float64{"karpenter_scheduled_replicas_value": 5},
			v1alpha1.MetricsProducerStatus{ScheduledCapacity: &v1alpha1.ScheduledCapacityStatus{CurrentValue: &five, NextValue: &one, NextValueTime: &next}}, works,
			`"observed":{},"value":{"karpenter_scheduled_replicas_value":5},"reason":"Unchanged"`},
		"Queue": {"length and age", queueSpec, func(p *plant) { p.queue = Queue{Length: 8, InFlight: 4, OldestAge: 30} },
			map[string]float64{"karpenter_queue_length": 8, "karpenter_queue_oldest_message_age_seconds": 30},
			v1alpha1.MetricsProducerStatus{Queue: &v1alpha1.QueueStatus{Length: &eight, OldestMessageAgeSeconds: &age}}, works,
			`"observed":{"visible":8,"inFlight":4,"oldestAge":30},"value":{"karpenter_queue_length":8,"karpenter_queue_oldest_message_age_seconds":30},"reason":"Unchanged"`},
		"QueueNoAge": {"an age that the provider does not know", queueSpec, func(p *plant) { p.queue = Queue{OldestAge: -1} }, map[string]float64{"karpenter_queue_length": 0},
			v1alpha1.MetricsProducerStatus{Queue: &v1alpha1.QueueStatus{Length: &zero64}}, works,
			`"observed":{"visible":0,"inFlight":0},"value":{"karpenter_queue_length":0},"reason":"Unchanged"`},
		"QueueFailed": {"v0.1 froze the series", queueSpec, func(p *plant) {
			p.before = once("Observe arn:aws:sqs:eu-west-1:123:jobs", func() error { return fmt.Errorf("sqs: %w", ErrForbidden) })
		}, nil, v1alpha1.MetricsProducerStatus{}, "False Forbidden: queue: Forbidden: access was denied", `"observed":{"error":"Forbidden"},"reason":"MetricsUnavailable"`},
		"QueueRubbish": {"no queue holds -1 messages", queueSpec, func(p *plant) { p.queue.Length = -1 }, nil, v1alpha1.MetricsProducerStatus{},
			"False Negative: queue: Negative: the value is negative", `"observed":{"error":"Negative"},"reason":"MetricsUnavailable"`},
		"Reserved": {"a selector that matches no node: NaN, and not ready, as it may be misspelt", reservedSpec, func(*plant) {}, map[string]float64{
			"karpenter_reserved_capacity_cpu_reserved": 0, "karpenter_reserved_capacity_cpu_capacity": 0, "karpenter_reserved_capacity_cpu_utilization": math.NaN(),
			"karpenter_reserved_capacity_memory_reserved": 0, "karpenter_reserved_capacity_memory_capacity": 0, "karpenter_reserved_capacity_memory_utilization": math.NaN(),
			"karpenter_reserved_capacity_pods_reserved": 0, "karpenter_reserved_capacity_pods_capacity": 0, "karpenter_reserved_capacity_pods_utilization": math.NaN()},
			v1alpha1.MetricsProducerStatus{ReservedCapacity: map[string]string{"cpu": "NaN%, 0/0", "memory": "NaN%, 0/0", "pods": "NaN%, 0/0"}}, "False NoNodes: no node has the labels of spec.reservedCapacity.nodeSelector",
			`"karpenter_reserved_capacity_cpu_utilization":"NaN"`},
		"ReservedFailed": {"nodes that cannot be read are not no nodes", reservedSpec, func(p *plant) { p.before = once("Snapshot", func() error { return ErrTimedOut }) }, nil,
			v1alpha1.MetricsProducerStatus{}, "False TimedOut: nodes and pods: TimedOut: no answer in time", `"observed":{"error":"TimedOut"},"reason":"MetricsUnavailable"`},
		"Pending": {"in the provider's units", pendingA, func(p *plant) { p.nodes, p.pods, p.size = []*corev1.Node{plantNode("n", "a")}, plantPods(5, ""), 1 },
			map[string]float64{"karpenter_pending_capacity_replicas_value": 2, "karpenter_pending_capacity_pending_pods": 5, "karpenter_pending_capacity_unschedulable_pods": 0},
			v1alpha1.MetricsProducerStatus{PendingCapacity: &v1alpha1.PendingCapacityStatus{Replicas: ptr(2), PendingPods: ptr(5), UnschedulablePods: ptr(0)}}, works,
			`"observed":{},"value":{"karpenter_pending_capacity_replicas_value":2,"karpenter_pending_capacity_pending_pods":5,"karpenter_pending_capacity_unschedulable_pods":0},"reason":"Unchanged"`},
		"PendingNoSize": {"unknown units: no value", pendingA, func(p *plant) { p.before = once("Desired default/ng", func() error { return ErrNotFound }) }, nil, v1alpha1.MetricsProducerStatus{},
			"False NodeGroupUnavailable: spec.pendingCapacity.nodeGroupRef: the size of ScalableNodeGroup ng is unknown", `"observed":{"hold":"NodeGroupUnavailable"},"reason":"MetricsUnavailable"`},
		"PendingBare": {"neither node nor template: held, and the cure is said", bareSpec, func(p *plant) { p.pods = plantPods(1, "") },
			map[string]float64{"karpenter_pending_capacity_replicas_value": 0, "karpenter_pending_capacity_pending_pods": 0, "karpenter_pending_capacity_unschedulable_pods": 1},
			v1alpha1.MetricsProducerStatus{PendingCapacity: &v1alpha1.PendingCapacityStatus{Replicas: ptr(0), PendingPods: ptr(0), UnschedulablePods: ptr(1)}},
			"False NoTemplate: there is no node to copy; say in spec.pendingCapacity.template what a new one offers", `"observed":{"hold":"NoTemplate"}`},
		"PendingFailed": {"a list that cannot be read", pendingB, func(p *plant) { p.before = once("List", func() error { return ErrUnavailable }) }, nil,
			v1alpha1.MetricsProducerStatus{}, "False Unavailable: nodes and pods: Unavailable: the server did not answer, or not properly", `"observed":{"error":"Unavailable"},"reason":"MetricsUnavailable"`},
		"Invalid": {"an impossible date", strings.Replace(scheduleSpec, `{hours: "9"}`, `{days: "30", months: feb}`, 1), func(*plant) {}, nil, v1alpha1.MetricsProducerStatus{},
			`False InvalidPolicy: spec.scheduleSpec.behaviors[0].start.days: Invalid value: "30": must be a day that one of the months has: there is no such date in any year`,
			`"policy":"","observed":{},"reason":"InvalidPolicy"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, c.spec)
			c.change(p)
			p.at(p.driver(), "a", 0)
			if diff := cmp.Diff(c.series, p.series[named("a")], cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: series (-want +got):\n%s", c.reason, diff)
			}
			status := p.objects[named("a")].Status
			status.Conditions, status.ObservedGeneration = nil, 0
			if diff := cmp.Diff(c.status, status); diff != "" {
				t.Errorf("%s: status (-want +got):\n%s", c.reason, diff)
			}
			if got := p.condition("a", v1alpha1.ReadyCondition); got != c.ready {
				t.Errorf("%s: ready %q, want %q", c.reason, got, c.ready)
			}
			if !strings.Contains(p.file.String(), c.record) {
				t.Errorf("%s: want %s in the record:\n%s", c.reason, c.record, p.file.String())
			}
			p.verify()
		})
	}
}

func ptr(n int32) *int32 { return &n }

// All producers of a slot see one evaluation: the pods count for one group only,
// although they change between the two calls.
func TestPendingIsJoint(t *testing.T) {
	p := newPlant(t, pendingB, strings.Replace(pendingB, "group: b", "group: z", 1), queueSpec)
	p.pods = plantPods(4, "")
	d := p.driver()
	p.at(d, "a", 0)
	p.pods = plantPods(40, "")
	p.at(d, "b", 0)
	name := "karpenter_pending_capacity_replicas_value"
	if a, b := p.series[named("a")][name], p.series[named("b")][name]; a != 1 || b != 0 {
		t.Errorf("%g and %g nodes for 4 pods", a, b)
	}
	p.at(d, "b", 5)
	p.at(d, "a", 5)
	if a, b := p.series[named("a")][name], p.series[named("b")][name]; a != 10 || b != 0 {
		t.Errorf("%g and %g nodes for 40 pods", a, b)
	}
	if n := strings.Count(strings.Join(p.calls, " "), "Snapshot"); n != 2 {
		t.Errorf("%d snapshots for 2 slots", n)
	}
	p.verify()
}

// Producers spread over their interval, except those that are evaluated together.
func TestProducerPhases(t *testing.T) {
	p := newPlant(t, pendingA, pendingB, scheduleSpec)
	d := p.driver()
	d.Phase = nil
	next := map[string]slot.Slot{}
	for name := range map[string]bool{"a": true, "b": true, "c": true} {
		at, err := d.Reconcile(context.Background(), start.Time(), p.objects[named(name)])
		if err != nil {
			t.Fatal(err)
		}
		next[name] = at % policy.ProducerInterval
	}
	shared := slot.Slot(slot.Phase(journal.MetricsProducer, "", "", policy.ProducerInterval))
	own := slot.Slot(slot.Phase(journal.MetricsProducer, "default", "c", policy.ProducerInterval))
	if diff := cmp.Diff(map[string]slot.Slot{"a": shared, "b": shared, "c": own}, next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A failed read withdraws the series, a good one brings them back; a producer
// that is gone leaves none.
func TestSeriesComeAndGo(t *testing.T) {
	p := newPlant(t, queueSpec)
	d := p.driver()
	p.at(d, "a", 0)
	p.before = once("Observe arn:aws:sqs:eu-west-1:123:jobs", func() error { return ErrThrottled })
	p.at(d, "a", 5)
	if len(p.series) != 0 {
		t.Error("the series of a failed read is still there")
	}
	p.at(d, "a", 10)
	if len(p.series) != 1 {
		t.Error("the series of a good read is not there")
	}
	d.Forget(named("a"))
	if len(p.series) != 0 {
		t.Error("the series of a deleted producer is still there")
	}
	p.verify()
}

// Numbers alone are written once a Refresh; anything else at once. The gauges wait for neither.
func TestProducerRefresh(t *testing.T) {
	p := newPlant(t, queueSpec)
	d := p.driver()
	d.Refresh = 60
	for seconds := 0; seconds < 120; seconds += 5 {
		p.queue.Length++
		p.before = nil
		if seconds == 30 {
			p.before = once("Observe arn:aws:sqs:eu-west-1:123:jobs", func() error { return ErrThrottled })
		}
		p.at(d, "a", seconds)
		if seconds != 30 && p.series[named("a")]["karpenter_queue_length"] != float64(p.queue.Length) {
			t.Fatalf("%d s: the gauge lags", seconds)
		}
	}
	// The first, the failure, the recovery, and the second minute.
	if p.versions != 4 || len(p.records) != 24 {
		t.Errorf("%d writes, %d records", p.versions, len(p.records))
	}
	p.verify()
}

// Somebody else's write is met with the spec that they left behind.
func TestProducerConflict(t *testing.T) {
	p := newPlant(t, scheduleSpec)
	d := p.driver()
	p.at(d, "a", 0)
	stale := p.objects[named("a")]
	p.write(named("a"), func(o *v1alpha1.MetricsProducer) {
		o.Generation++
		o.Spec.Schedule.Behaviors[0].Replicas = 9
		o.Status.Conditions = nil
	})
	p.before = nil
	d.objects.byName[named("a")].status.Conditions = nil // so that there is something to write
	if _, err := d.Reconcile(context.Background(), start.Time().Add(5*time.Second), stale); err != nil {
		t.Fatal(err)
	}
	if got := p.series[named("a")]["karpenter_scheduled_replicas_value"]; got != 9 || len(p.records) != 2 {
		t.Errorf("%g replicas, %d records", got, len(p.records))
	}
	p.verify()
}

// A store that is down costs the record, not the gauge.
func TestProducerStoreDown(t *testing.T) {
	p := newPlant(t, queueSpec)
	d := p.driver()
	p.before = once("Commit", func() error { return ErrUnavailable })
	if _, err := d.Reconcile(context.Background(), start.Time(), p.objects[named("a")]); err == nil {
		t.Error("no error")
	}
	if len(p.series) != 1 || len(p.records) != 0 {
		t.Errorf("series %v, %d records", p.series, len(p.records))
	}
	p.at(d, "a", 2)
	p.at(d, "a", 4)
	p.at(d, "a", 21)
	if len(p.records) != 2 || p.records[1].Missed != 3 {
		t.Errorf("%+v", p.records)
	}
}

// What an adapter says to people of a failed read is in the conditions, and not in the
// record.
func TestProducerSentences(t *testing.T) {
	const pending = "pendingCapacity: {nodeSelector: {k: v}, nodeGroupRef: {name: g}, template: {allocatable: {cpu: 1}}}"
	cases := map[string]struct{ reason, spec, call, want string }{
		"Queue":    {"what AWS says of a queue", queueSpec, "Observe", "False NotFound: queue: NotFound: ask somebody"},
		"Reserved": {"what the API server says of nodes and pods", "reservedCapacity: {nodeSelector: {k: v}}", "Snapshot", "False NotFound: nodes and pods: NotFound: ask somebody"},
		"Pending":  {"also where several share the answer", pending, "Snapshot", "False NotFound: nodes and pods: NotFound: ask somebody"},
		"Listing":  {"and of the producers that share it", pending, "List", "False NotFound: nodes and pods: NotFound: ask somebody"},
		"Size":     {"why the size of the node group is unknown", pending, "Desired", "the size of ScalableNodeGroup g is unknown: ask somebody"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPlant(t, c.spec)
			p.before = func(call string) error {
				if strings.HasPrefix(call, c.call) {
					return spoken("ask somebody")
				}
				return nil
			}
			d := p.driver()
			p.at(d, "a", 0)
			for _, kind := range []string{v1alpha1.ReadyCondition, v1alpha1.ActiveCondition} {
				if got := p.condition("a", kind); !strings.Contains(got, c.want) {
					t.Errorf("%s: %s is %q, want %q", c.reason, kind, got, c.want)
				}
			}
			if file := p.file.String(); file == "" || strings.Contains(file, "ask somebody") {
				t.Errorf("%s: the record has a server's words, or there is none: %s", c.reason, file)
			}
		})
	}
}
