package world

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// emptiest is how nodes were found before there was a tournament: one after another.
func (n *Nodes) emptiest(w *Workload) *Node {
	var best *Node
	for _, node := range n.sorted {
		if !node.ready || !node.free.holds(w.room) || !w.RunsOn(node.Object.Labels, node.Object.Spec.Taints) {
			continue
		}
		if best == nil || node.share() > best.share() {
			best = node
		}
	}
	return best
}

// Whatever joins, leaves, comes and goes, the node that is found for a pod is the one
// that a search through all of them finds.
func TestTheEmptiestNodeIsFound(t *testing.T) {
	taint := []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	rapid.Check(t, func(t *rapid.T) {
		l := newLine()
		workloads := NewWorkloads(l)
		nodes := NewNodes(l, workloads)
		var pods []*Workload
		for _, requests := range []corev1.ResourceList{{}, list("1", "1Gi"), list("3", "0"), list("0", "6Gi"), list("250m", "100Mi")} {
			w := &Workload{room: roomOf(requests)}
			w.room.pods = 1
			pods = append(pods, w, &Workload{room: w.room, NodeSelector: map[string]string{"pool": "b"}})
		}
		var there []*Node
		type placed struct {
			node *Node
			room room
		}
		var running []placed
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 5).Draw(t, "step"); {
			case step < 2 || len(there) == 0:
				name := fmt.Sprintf("%c%d", rapid.SampledFrom([]rune("xyz")).Draw(t, "name"), i)
				offers := rapid.SampledFrom([]corev1.ResourceList{list("4", "8Gi"), list("2", "16Gi"), {corev1.ResourcePods: list("3", "0")[corev1.ResourceCPU]}}).Draw(t, "offers")
				labels := map[string]string{"pool": rapid.SampledFrom([]string{"a", "b"}).Draw(t, "pool")}
				node := nodes.Join(name, labels, rapid.SampledFrom([][]corev1.Taint{nil, nil, taint}).Draw(t, "taints"), offers)
				nodes.SetReady(node, rapid.IntRange(0, 3).Draw(t, "ready") > 0)
				there = append(there, node)
			case step == 2:
				node := there[rapid.IntRange(0, len(there)-1).Draw(t, "which")]
				nodes.SetReady(node, !node.ready)
			case step == 3 && i%3 == 0:
				at := rapid.IntRange(0, len(there)-1).Draw(t, "which")
				nodes.Leave(there[at])
				there = append(there[:at:at], there[at+1:]...)
			case step == 4 && len(running) > 0:
				p := running[0]
				running = running[1:]
				p.node.free.take(p.room, -1)
				if p.node.shape.nodes[p.node.leaf] == p.node {
					p.node.shape.update(p.node)
				}
			default:
				w := rapid.SampledFrom(pods).Draw(t, "pod")
				if node := nodes.find(w); node != nil {
					node.free.take(w.room, 1)
					node.shape.update(node)
					running = append(running, placed{node, w.room})
				}
			}
			for _, w := range pods {
				if got, want := nodes.find(w), nodes.emptiest(w); got != want {
					t.Fatalf("step %d: a pod of %+v goes to %v, want %v", i, w.room, got, want)
				}
			}
		}
	})
}
