package producer

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// fill opens a bin for every node that can take pods, and for every one that a
// provider promised, as far as there are pods to place.
func (e *evaluation) fill() {
	running := e.requestsOfRunning()
	owner := map[string]int{}
	for i, g := range e.groups {
		for _, node := range g.nodes {
			if _, taken := owner[node.Name]; !taken {
				owner[node.Name] = i
			}
		}
		e.shapeOf(i, running)
	}
	for _, node := range e.snapshot.nodes {
		health := healthOf(node, e.at)
		if health == dead || !open(node) {
			continue
		}
		g, owned := owner[node.Name]
		if !owned {
			g = -1
		}
		free := e.dimensions.offer(node.Status.Allocatable)
		if health == booting {
			node = settled(node)
			if len(node.Status.Allocatable) == 0 && owned && e.groups[g].shape != nil {
				// It will offer what its like do, once it has come up.
				copy(free, e.groups[g].shape.free)
			}
		}
		for _, request := range running[node.Name] {
			free.take(request, 1)
		}
		e.nodeBins[node.Name] = e.open(&bin{node: node, free: free, group: g})
	}
	for i, g := range e.groups {
		if g.shape == nil {
			continue
		}
		for range min(g.coming, e.pending) {
			e.newBin(i)
		}
	}
}

// requestsOfRunning are the requests of the unfinished pods of each node.
func (e *evaluation) requestsOfRunning() map[string][]vector {
	running := make(map[string][]vector, len(e.snapshot.nodes))
	for _, node := range e.snapshot.nodes {
		pods := e.snapshot.running[node.Name]
		list := make([]vector, len(pods))
		for i, pod := range pods {
			list[i] = e.dimensions.request(pod)
		}
		running[node.Name] = list
	}
	return running
}

// shapeOf finds out what a new node of a group offers: that of its shape, less
// what the DaemonSets take on the node that is copied.
func (e *evaluation) shapeOf(i int, running map[string][]vector) {
	g := e.groups[i]
	node := e.shape(g)
	if node == nil {
		if g.hold == "" {
			g.hold = NoShape
		}
		return
	}
	free := e.dimensions.offer(node.Status.Allocatable)
	if copied := e.copied(g); copied != nil {
		for j, pod := range e.snapshot.running[copied.Name] {
			if ofDaemonSet(pod) {
				free.take(e.besides(g.Policy.Template, running[copied.Name][j]), 1)
			}
		}
	}
	// The shape has an index of its own, for constraints to remember it by.
	g.shape = &bin{index: len(e.snapshot.nodes) + i, node: node, free: free, group: i}
	g.shared = append([]corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}, extended([]*corev1.Node{node})...)
}

// besides is a request without the resources of which a template says what is
// left for other pods.
func (e *evaluation) besides(t *policy.Template, request vector) vector {
	if t == nil {
		return request
	}
	rest := append(vector(nil), request...)
	for i := range rest {
		if _, given := t.Allocatable[e.dimensions.names[i]]; given {
			rest[i] = 0
		}
	}
	return rest
}

// open adds a bin of its own index, after those of the shapes.
func (e *evaluation) open(b *bin) *bin {
	b.index = len(e.snapshot.nodes) + len(e.groups) + len(e.bins)
	e.bins = append(e.bins, b)
	return b
}

// newBin adds a node of a group's shape. It shares the shape's node, so what a
// constraint allows of one it allows of all.
func (e *evaluation) newBin(i int) *bin {
	shape := e.groups[i].shape
	b := &bin{index: shape.index, node: shape.node, free: append(vector(nil), shape.free...), group: i}
	e.bins = append(e.bins, b)
	return b
}
