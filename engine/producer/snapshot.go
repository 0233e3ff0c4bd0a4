package producer

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podresource "k8s.io/component-helpers/resource"
)

// A Snapshot holds what a cluster's nodes and pods are at one moment. It is
// immutable, and so must be the objects in it.
type Snapshot struct {
	// nodes are sorted by name, pods by namespace and name.
	nodes []*corev1.Node
	pods  []*corev1.Pod
	// running are the unfinished pods of each node.
	running map[string][]*corev1.Pod
}

// NewSnapshot sorts what was read. It keeps the objects, not the slices.
func NewSnapshot(nodes []*corev1.Node, pods []*corev1.Pod) *Snapshot {
	s := &Snapshot{nodes: slices.Clone(nodes), pods: slices.Clone(pods), running: map[string][]*corev1.Pod{}}
	slices.SortFunc(s.nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.pods, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, pod := range s.pods {
		if pod.Spec.NodeName != "" && !finished(pod) {
			s.running[pod.Spec.NodeName] = append(s.running[pod.Spec.NodeName], pod)
		}
	}
	return s
}

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// ready says whether the node's Ready condition is True; a missing one is not.
func ready(node *corev1.Node) bool {
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// selects says whether a node has all labels of a selector.
func selects(selector map[string]string, node *corev1.Node) bool {
	for key, value := range selector {
		if got, ok := node.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// ofDaemonSet says whether a DaemonSet controls the pod.
func ofDaemonSet(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owner.Kind == "DaemonSet"
}

// requests returns what the scheduler reserves for a pod, without the pod itself;
// negative amounts are left out. They are put into list, where that is not nil,
// which a cluster of 30,000 pods fills at every slot.
func requests(pod *corev1.Pod, list corev1.ResourceList) corev1.ResourceList {
	list = podresource.PodRequests(pod, podresource.PodResourcesOptions{UseStatusResources: true, Reuse: list})
	for name, amount := range list {
		if amount.Sign() <= 0 {
			delete(list, name)
		}
	}
	return list
}

// offered returns what a node has of a resource; an absent or negative amount is none.
func offered(node *corev1.Node, name corev1.ResourceName) resource.Quantity {
	amount := node.Status.Allocatable[name]
	if amount.Sign() < 0 {
		return resource.Quantity{}
	}
	return amount
}
