package producer

import (
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A bin is a node, there or to come, that pods can be placed on.
type bin struct {
	index int
	node  *corev1.Node
	free  vector
	// group is the index of the group it counts for, or -1.
	group int
	// used says that a pending pod was placed on it.
	used bool
}

// bootSeconds is how long after its creation a node that is not Ready counts as
// booting; later it counts as dead.
const bootSeconds = 900

// health says what can be expected of a node.
type health int

const (
	alive health = iota
	booting
	dead
)

func healthOf(node *corev1.Node, at slot.Slot) health {
	switch {
	case ready(node):
		return alive
	case at-slot.At(node.CreationTimestamp.Time) < bootSeconds:
		return booting
	}
	return dead
}

// open says whether the scheduler would place pods on the node once it is Ready.
func open(node *corev1.Node) bool {
	return !node.Spec.Unschedulable && node.DeletionTimestamp == nil
}

// passing says whether a taint goes by itself while a node comes up or recovers.
func passing(taint *corev1.Taint) bool {
	return strings.HasPrefix(taint.Key, "node.kubernetes.io/") || strings.HasPrefix(taint.Key, "node.cloudprovider.kubernetes.io/")
}

// settled is a copy of a node without the taints that pass.
func settled(node *corev1.Node) *corev1.Node {
	copied := *node
	copied.Spec.Taints = nil
	for i := range node.Spec.Taints {
		if !passing(&node.Spec.Taints[i]) {
			copied.Spec.Taints = append(copied.Spec.Taints, node.Spec.Taints[i])
		}
	}
	return &copied
}

// shape returns what a new node of the group looks like: its template over a copy of
// one of its nodes. It is nil where there is neither.
func (e *evaluation) shape(g *group) *corev1.Node {
	copied := e.copied(g)
	template := g.Policy.Template
	if copied == nil && template == nil {
		return nil
	}
	shape := &corev1.Node{}
	shape.Labels = map[string]string{}
	shape.Status.Allocatable = corev1.ResourceList{}
	if copied != nil {
		settled := settled(copied)
		maps.Copy(shape.Labels, settled.Labels)
		shape.Spec.Taints = settled.Spec.Taints
		maps.Copy(shape.Status.Allocatable, settled.Status.Allocatable)
	}
	if template != nil {
		maps.Copy(shape.Labels, template.Labels)
		maps.Copy(shape.Status.Allocatable, template.Allocatable)
		if template.Taints != nil {
			shape.Spec.Taints = template.Taints
		}
	}
	if _, given := shape.Status.Allocatable[corev1.ResourcePods]; !given {
		shape.Status.Allocatable[corev1.ResourcePods] = *resource.NewQuantity(policy.DefaultPodsPerNode, resource.DecimalSI)
	}
	maps.Copy(shape.Labels, g.Policy.Selector)
	// Every node has a name of its own, so no pod can ask for the new one's.
	shape.Name = "new/" + g.Namespace + "/" + g.Name + "/" + strconv.Itoa(len(g.nodes))
	shape.Labels[corev1.LabelHostname] = shape.Name
	return shape
}

// copied is the node that new ones are like: the first one that is alive, else
// the first one that says what it offers.
func (e *evaluation) copied(g *group) *corev1.Node {
	var second *corev1.Node
	for _, node := range g.nodes {
		if len(node.Status.Allocatable) == 0 {
			continue
		}
		if healthOf(node, e.at) == alive {
			return node
		}
		if second == nil {
			second = node
		}
	}
	return second
}
