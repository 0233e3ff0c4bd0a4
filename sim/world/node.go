package world

import (
	"cmp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Node is a machine that runs pods.
type Node struct {
	// Object is the node as an API server would have it. Only Ready of its
	// conditions changes.
	Object *corev1.Node
	Name   string

	ready bool
	free  room
	size  room
	pods  []*Pod
	// shape has the nodes like it, leaf is its place there.
	shape *shape
	leaf  int

	gauges []nodeGauge
}

// A room holds what a node offers or a pod requests. Millicores and bytes are
// whole, so that sums are exact.
type room struct {
	millicores, bytes, pods int64
}

func roomOf(list corev1.ResourceList) room {
	return room{millicores: list.Cpu().MilliValue(), bytes: list.Memory().Value(), pods: list.Pods().Value()}
}

func (r room) holds(request room) bool {
	return r.millicores >= request.millicores && r.bytes >= request.bytes && r.pods >= request.pods
}

func (r *room) take(request room, sign int64) {
	r.millicores -= sign * request.millicores
	r.bytes -= sign * request.bytes
	r.pods -= sign * request.pods
}

// podsPerNode is how many pods a node runs that does not say, as the kubelet's
// default.
const podsPerNode = 110

// Nodes are the nodes of a world and the scheduler that places pods on them.
type Nodes struct {
	timeline  Timeline
	workloads *Workloads
	sorted    []*Node
	// shapes are in the order in which their first nodes joined.
	shapes []*shape
}

// NewNodes returns no nodes yet.
func NewNodes(timeline Timeline, workloads *Workloads) *Nodes {
	return &Nodes{timeline: timeline, workloads: workloads}
}

// Require has the pods of the workloads wait for a place on a node.
func (n *Nodes) Require() { n.workloads.scheduler = n }

// Join adds a node that is not ready yet.
func (n *Nodes) Join(name string, labels map[string]string, taints []corev1.Taint, allocatable corev1.ResourceList) *Node {
	node := &Node{Name: name, Object: &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, CreationTimestamp: metav1.NewTime(n.timeline.Now())},
		Spec:       corev1.NodeSpec{Taints: taints},
		Status:     corev1.NodeStatus{Allocatable: allocatable},
	}}
	node.size = roomOf(allocatable)
	if node.size.pods == 0 {
		node.size.pods = podsPerNode
	}
	node.free = node.size
	node.gauges = nodeGauges(node)
	node.condition()
	i, _ := n.place(node)
	n.sorted = slices.Insert(n.sorted, i, node)
	n.shapeOf(node).add(node)
	return node
}

// place is where a node stands among the others, which is by name.
func (n *Nodes) place(node *Node) (at int, found bool) {
	return slices.BinarySearchFunc(n.sorted, node, func(a, b *Node) int { return cmp.Compare(a.Name, b.Name) })
}

// condition writes the Ready condition.
func (n *Node) condition() {
	status := corev1.ConditionFalse
	if n.ready {
		status = corev1.ConditionTrue
	}
	object := *n.Object
	n.Object = &object
	n.Object.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
}

// Ready says whether the node is ready.
func (n *Node) Ready() bool { return n.ready }

// SetReady has a node run pods from now on, or not. Pods on a node that is not
// ready do not serve.
func (n *Nodes) SetReady(node *Node, ready bool) {
	if node.ready == ready {
		return
	}
	node.ready = ready
	node.condition()
	node.shape.update(node)
	// A pod that is ready again can move a rollout on, which takes pods away.
	for _, p := range slices.Clone(node.pods) {
		p.reach(ready)
	}
	n.Schedule()
}

// Leave takes a node away. Its pods are replaced by others that have to find a
// place.
func (n *Nodes) Leave(node *Node) {
	if i, found := n.place(node); found {
		n.sorted = slices.Delete(n.sorted, i, i+1)
	}
	node.shape.remove(node)
	for _, p := range node.pods {
		p.Evict()
	}
	n.Schedule()
}

// Schedule implements Scheduler: the oldest pods first, each on the node that
// is left with the most room, as kube-scheduler does by default.
func (n *Nodes) Schedule() {
	if n.workloads.scheduler == nil {
		return
	}
	for _, w := range n.workloads.sorted {
		// A pod that is ready at once can move a rollout on, which schedules, too.
		for len(w.waiting) > 0 {
			node := n.find(w)
			if node == nil {
				break // for the others neither: they ask for the same
			}
			p := w.waiting[0]
			w.waiting = w.waiting[1:]
			node.free.take(w.room, 1)
			node.shape.update(node)
			node.pods = append(node.pods, p)
			p.place(node)
		}
		w.count()
	}
}

// find is the best node for a pod of a workload, or nil.
func (n *Nodes) find(w *Workload) *Node {
	var best *Node
	for _, s := range n.shapes {
		if s.size.holds(w.room) && w.RunsOn(s.labels, s.taints) {
			best = roomier(best, s.find(w.room, 1))
		}
	}
	return best
}

// share is how much of a node is free, the scarcer of cpu and memory.
func (n *Node) share() float64 {
	share := 1.0
	if n.size.millicores > 0 {
		share = float64(n.free.millicores) / float64(n.size.millicores)
	}
	if n.size.bytes > 0 {
		share = min(share, float64(n.free.bytes)/float64(n.size.bytes))
	}
	return share
}

// RunsOn says whether the pods can run on nodes with these labels and taints, of
// which they tolerate none.
func (w *Workload) RunsOn(labels map[string]string, taints []corev1.Taint) bool {
	for key, value := range w.NodeSelector {
		if got, there := labels[key]; !there || got != value {
			return false
		}
	}
	return !slices.ContainsFunc(taints, func(t corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule })
}

// Free implements Scheduler.
func (n *Nodes) Free(p *Pod) {
	p.Node.free.take(p.Workload.room, -1)
	p.Node.shape.update(p.Node)
	p.Node.pods = slices.DeleteFunc(p.Node.pods, func(o *Pod) bool { return o == p })
}

// Snapshot returns what an API server has of nodes and pods. The objects must not be
// changed.
func (n *Nodes) Snapshot() (nodes []*corev1.Node, pods []*corev1.Pod) {
	for _, node := range n.sorted {
		nodes = append(nodes, node.Object)
	}
	for _, w := range n.workloads.sorted {
		for _, p := range w.pods {
			pods = append(pods, p.object())
		}
	}
	return nodes, pods
}

// object is the pod as an API server has it, made when it is first asked for after a
// change.
func (p *Pod) object() *corev1.Pod {
	if p.api != nil {
		return p.api
	}
	w := p.Workload
	if w.containers == nil {
		w.containers = []corev1.Container{{Name: w.Target.Ref.Name, Resources: corev1.ResourceRequirements{Requests: w.Requests}}}
	}
	o := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Target.Ref.Namespace, Name: p.Name, CreationTimestamp: metav1.NewTime(p.created)},
		Spec: corev1.PodSpec{
			NodeSelector: w.NodeSelector,
			Containers:   w.containers,
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending},
	}
	if p.Node != nil {
		o.Spec.NodeName = p.Node.Name
		o.Status.Phase = corev1.PodRunning
	} else {
		o.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}
	}
	p.api = o
	return o
}

// A nodeGauge is one series of a node.
type nodeGauge struct {
	labels labels.Labels
	value  func(n *Node) float64
}

// Names of the series of nodes.
const (
	nodeInfo        = "kube_node_info"
	nodeCondition   = "kube_node_status_condition"
	nodeAllocatable = "kube_node_status_allocatable"
	nodeCreated     = "kube_node_created"
)

// NodeNames are the names of all series that nodes can publish.
func NodeNames() []string {
	return []string{nodeInfo, nodeCondition, nodeAllocatable, nodeCreated}
}

// nodeGauges are the series of a node, in a fixed order.
func nodeGauges(n *Node) []nodeGauge {
	var list []nodeGauge
	add := func(name string, value func(*Node) float64, identity ...string) {
		identity = append(identity, labels.MetricName, name, "node", n.Name)
		list = append(list, nodeGauge{labels.FromStrings(identity...), value})
	}
	created := float64(n.Object.CreationTimestamp.UnixMilli()) / 1000
	add(nodeInfo, func(*Node) float64 { return 1 })
	add(nodeCreated, func(*Node) float64 { return created })
	add(nodeCondition, func(n *Node) float64 { return truth(n.ready) }, "condition", "Ready", "status", "true")
	add(nodeCondition, func(n *Node) float64 { return truth(!n.ready) }, "condition", "Ready", "status", "false")
	add(nodeAllocatable, func(n *Node) float64 { return float64(n.size.millicores) / 1000 }, "resource", "cpu", "unit", "core")
	add(nodeAllocatable, func(n *Node) float64 { return float64(n.size.bytes) }, "resource", "memory", "unit", "byte")
	add(nodeAllocatable, func(n *Node) float64 { return float64(n.size.pods) }, "resource", "pods", "unit", "integer")
	return list
}

// Emit emits the series of all nodes.
func (n *Nodes) Emit(emit Emit) {
	for _, node := range n.sorted {
		for _, g := range node.gauges {
			emit(g.labels, g.value(node))
		}
	}
}

var _ Scheduler = (*Nodes)(nil)
