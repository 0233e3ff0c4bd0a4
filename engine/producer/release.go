package producer

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// released is how many of its nodes a group can do without. Nothing is released
// while a node is dead or has not joined: then it is not known what ran there.
func (e *evaluation) released(g *group) int64 {
	if g.hold != "" || g.fresh > 0 || g.coming > 0 || g.base == 0 {
		return 0
	}
	empty := int64(0)
	for _, node := range g.nodes {
		if healthOf(node, e.at) == dead {
			return 0
		}
		if e.empty(node) {
			empty++
		}
	}
	switch {
	case empty == int64(len(g.nodes)):
		return g.base
	case g.Policy.ReleasePartial:
		return min(g.base, e.spare(g))
	}
	return 0
}

// empty says whether a node runs, and is about to run, nothing but what every
// node runs.
func (e *evaluation) empty(node *corev1.Node) bool {
	if b := e.nodeBins[node.Name]; b != nil && b.used {
		return false
	}
	return !slices.ContainsFunc(e.snapshot.running[node.Name], func(pod *corev1.Pod) bool { return !everywhere(pod) })
}

// everywhere says whether a pod runs on its node for the node's sake.
func everywhere(pod *corev1.Pod) bool {
	_, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return mirror || ofDaemonSet(pod)
}

// spare counts the nodes of a group that are empty, and then those whose pods
// would fit on its other nodes, the ones with the fewest pods first.
func (e *evaluation) spare(g *group) int64 {
	count := int64(0)
	var kept []*bin
	for _, node := range g.nodes {
		b := e.nodeBins[node.Name]
		switch {
		case e.empty(node):
			count++
		case b != nil && healthOf(node, e.at) == alive:
			kept = append(kept, b)
		}
	}
	candidates := slices.Clone(kept)
	slices.SortStableFunc(candidates, func(a, b *bin) int {
		return cmp.Compare(len(e.snapshot.running[a.node.Name]), len(e.snapshot.running[b.node.Name]))
	})
	for _, candidate := range candidates {
		others := slices.DeleteFunc(slices.Clone(kept), func(b *bin) bool { return b == candidate })
		if !candidate.used && e.moves(candidate, others) {
			kept = others
			count++
		}
	}
	return count
}

// moves places a node's pods on others, and says whether all of them fit; the
// room they take is given back if not.
func (e *evaluation) moves(from *bin, others []*bin) bool {
	type move struct {
		to   *bin
		free vector
	}
	var moved []move
	for _, pod := range e.snapshot.running[from.node.Name] {
		if everywhere(pod) {
			continue
		}
		var to *bin
		if metav1.GetControllerOfNoCopy(pod) != nil && modelled(pod) {
			request := e.dimensions.request(pod)
			constraint := e.constraint(constraintKey(nil, pod), pod)
			if i := slices.IndexFunc(others, func(b *bin) bool { return b.free.fits(request, 1) == 1 && constraint.allows(b) }); i >= 0 {
				to = others[i]
				moved = append(moved, move{to, slices.Clone(to.free)})
				to.free.take(request, 1)
			}
		}
		if to == nil {
			for i := len(moved) - 1; i >= 0; i-- {
				moved[i].to.free = moved[i].free
			}
			return false
		}
	}
	return true
}
