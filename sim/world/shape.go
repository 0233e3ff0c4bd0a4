package world

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// A shape has the nodes of equal labels, taints and size, and finds the one with the
// most room in a tournament among them: in as many steps as their number has binary
// digits, both where there is room and where there is none.
type shape struct {
	key    string
	labels map[string]string
	taints []corev1.Taint
	size   room
	// nodes have the places of the leaves; one that is vacant has none.
	nodes  []*Node
	vacant []int
	// matches are a binary tree in an array: 2i and 2i+1 play match i. Its second half
	// are the leaves, as many as there are places.
	matches []match
}

// A match holds what there is of ready nodes below a point of the tree.
type match struct {
	// winner is the node with the most room, by share, then by name.
	winner *Node
	// most is the most of each resource that any of the nodes has free.
	most room
}

// shapeOf returns the shape of a node.
func (n *Nodes) shapeOf(node *Node) *shape {
	key := fmt.Sprint(node.size, node.Object.Labels, node.Object.Spec.Taints)
	for _, s := range n.shapes {
		if s.key == key {
			return s
		}
	}
	s := &shape{key: key, labels: node.Object.Labels, taints: node.Object.Spec.Taints, size: node.size}
	n.shapes = append(n.shapes, s)
	return s
}

// add adds a node.
func (s *shape) add(node *Node) {
	if len(s.vacant) == 0 {
		s.grow()
	}
	last := len(s.vacant) - 1
	node.shape, node.leaf = s, s.vacant[last]
	s.nodes[node.leaf], s.vacant = node, s.vacant[:last]
	s.update(node)
}

// remove takes a node away.
func (s *shape) remove(node *Node) {
	s.nodes[node.leaf], s.vacant = nil, append(s.vacant, node.leaf)
	s.update(node)
}

// grow doubles the number of places.
func (s *shape) grow() {
	before := len(s.nodes)
	s.nodes = append(s.nodes, make([]*Node, max(1, before))...)
	for i := len(s.nodes) - 1; i >= before; i-- {
		s.vacant = append(s.vacant, i)
	}
	s.matches = make([]match, 2*len(s.nodes))
	for i := len(s.matches) - 1; i > 0; i-- {
		s.play(i)
	}
}

// update is told of a node that has changed, or is gone.
func (s *shape) update(node *Node) {
	for at := len(s.nodes) + node.leaf; at > 0; at /= 2 {
		s.play(at)
	}
}

// play plays a match whose players have theirs behind them.
func (s *shape) play(at int) {
	if leaf := at - len(s.nodes); leaf >= 0 {
		s.matches[at] = match{}
		if node := s.nodes[leaf]; node != nil && node.ready {
			s.matches[at] = match{winner: node, most: node.free}
		}
		return
	}
	a, b := s.matches[2*at], s.matches[2*at+1]
	s.matches[at] = match{winner: roomier(a.winner, b.winner), most: room{
		max(a.most.millicores, b.most.millicores), max(a.most.bytes, b.most.bytes), max(a.most.pods, b.most.pods),
	}}
}

// find returns the node below a match that has the most room of those that hold a
// request, nil for none.
func (s *shape) find(request room, at int) *Node {
	m := &s.matches[at]
	switch {
	case m.winner == nil || !m.most.holds(request):
		return nil
	case m.winner.free.holds(request):
		return m.winner
	case at >= len(s.nodes):
		return nil
	}
	return roomier(s.find(request, 2*at), s.find(request, 2*at+1))
}

// roomier returns the node of which the larger share is free, of equals the first by
// name; either may be missing.
func roomier(a, b *Node) *Node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	if x, y := a.share(), b.share(); x != y {
		if x > y {
			return a
		}
		return b
	}
	if a.Name < b.Name {
		return a
	}
	return b
}
