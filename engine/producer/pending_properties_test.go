package producer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// A scene is an evaluation's input.
type scene struct {
	nodes   []*corev1.Node
	pods    []*corev1.Pod
	groups  []Group
	pending int32
}

func (s *scene) evaluate() []Demand { return Evaluate(now, NewSnapshot(s.nodes, s.pods), s.groups) }

// drawScene has up to three groups whose nodes are in any state.
func drawScene(t *rapid.T) *scene {
	s := &scene{}
	for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "groups")] {
		s.groups = append(s.groups, groupOf(name, func(g *Group) {
			if rapid.Bool().Draw(t, "template") {
				templated(drawAmounts(t, "template"))(g)
			}
			if rapid.IntRange(0, 2).Draw(t, "counted") == 0 {
				counted(rapid.Int32Range(-1, 6).Draw(t, "provider"))(g)
			}
			g.Policy.ReleasePartial = rapid.Bool().Draw(t, "partial")
		}))
		for i := range rapid.IntRange(0, 3).Draw(t, "nodes") {
			list := medium()
			if rapid.IntRange(0, 4).Draw(t, "odd") == 0 {
				list = drawAmounts(t, "allocatable")
			}
			node := newNode(fmt.Sprintf("%s-%d", name, i), "group", name, list)
			switch rapid.IntRange(0, 5).Draw(t, "state") {
			case 0:
				unready(node)
			case 1:
				young(node)
			case 2:
				cordoned(node)
			}
			s.nodes = append(s.nodes, node)
			for j := range rapid.IntRange(0, 3).Draw(t, "running") {
				s.pods = append(s.pods, newPod(fmt.Sprintf("r-%s-%d", node.Name, j), node.Name, drawAmounts(t, "running")))
			}
		}
	}
	s.pending = rapid.Int32Range(0, 12).Draw(t, "pending")
	for i := range s.pending {
		pod := newPod(fmt.Sprintf("p-%d", i), "", drawAmounts(t, "pending"))
		switch rapid.IntRange(0, 5).Draw(t, "demand") {
		case 0:
			pod.Spec.NodeSelector = map[string]string{"group": rapid.SampledFrom([]string{"a", "b", "x"}).Draw(t, "wanted")}
		case 1:
			pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}}
		}
		s.pods = append(s.pods, pod)
	}
	return s
}

// No pod counts for two groups, and none is lost: every node belongs to a group.
func TestEachPodCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		counted, allKnown := int32(0), true
		demands := s.evaluate()
		for i := range demands {
			counted += demands[i].PendingPods
			allKnown = allKnown && demands[i].Known
		}
		if allKnown && counted+demands[0].UnschedulablePods != s.pending || counted > s.pending {
			t.Fatalf("%d pods: %+v", s.pending, demands)
		}
	})
}

// The order in which nodes, pods and groups are listed changes nothing.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		byName := func(s *scene) map[string]Demand {
			result := map[string]Demand{}
			for i, d := range s.evaluate() {
				result[s.groups[i].Name] = d
			}
			return result
		}
		shuffled := &scene{
			nodes: rapid.Permutation(s.nodes).Draw(t, "nodes"), pods: rapid.Permutation(s.pods).Draw(t, "pods"), groups: rapid.Permutation(s.groups).Draw(t, "groups"),
		}
		if diff := cmp.Diff(byName(s), byName(shuffled)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// One more pod like the others never means a node less, and at most one more.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &scene{groups: []Group{groupOf("a", templated(medium()))}, nodes: nodesOf("a", rapid.IntRange(0, 3).Draw(t, "nodes"))}
		list := amounts("cpu", rapid.SampledFrom([]string{"0", "100m", "1", "3", "5"}).Draw(t, "cpu"), "memory", rapid.SampledFrom([]string{"0", "1Gi", "17Gi"}).Draw(t, "memory"))
		s.pods = []*corev1.Pod{newPod("p", "", list)}
		last := s.evaluate()[0]
		for i := range 30 {
			s.pods = append(s.pods, newPod(fmt.Sprintf("p-%d", i), "", list))
			d := s.evaluate()[0]
			if d.Replicas < last.Replicas || d.Replicas > last.Replicas+1 || d.PendingPods+d.UnschedulablePods != int32(len(s.pods)) {
				t.Fatalf("with %d pods %+v, with one more %+v", i+1, last, d)
			}
			last = d
		}
	})
}

// Once a group has the nodes it was told to have, it is told the same again.
func TestSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &scene{groups: []Group{groupOf("a", templated(medium()))}}
		for i := range rapid.IntRange(1, 20).Draw(t, "pods") {
			s.pods = append(s.pods, newPod(fmt.Sprintf("p-%d", i), "", amounts("cpu", rapid.SampledFrom([]string{"100m", "900m", "1", "2", "3", "5"}).Draw(t, "cpu"))))
		}
		first := s.evaluate()
		s.nodes = nodesOf("a", int(first[0].Replicas))
		if diff := cmp.Diff(first, s.evaluate()); diff != "" {
			t.Fatalf("(-before the nodes +after):\n%s", diff)
		}
	})
}

// BenchmarkEvaluate is 10,000 pending pods of 100 Deployments on 1,000 nodes
// that run 10 pods each, for 20 groups.
func BenchmarkEvaluate(b *testing.B) {
	var nodes []*corev1.Node
	var pods []*corev1.Pod
	var groups []Group
	for g := range 20 {
		name := fmt.Sprintf("group-%02d", g)
		groups = append(groups, groupOf(name, nil))
		for n := range 50 {
			node := newNode(fmt.Sprintf("%s-%d", name, n), "group", name, amounts("cpu", "8", "memory", "32Gi", "pods", "110"))
			nodes = append(nodes, node)
			for p := range 10 {
				pods = append(pods, newPod(fmt.Sprintf("r-%s-%d", node.Name, p), node.Name, amounts("cpu", "700m", "memory", "2Gi")))
			}
		}
	}
	for p := range 10000 {
		deployment := p % 100
		pod := newPod(fmt.Sprintf("p-%d", p), "", amounts("cpu", fmt.Sprintf("%dm", 100+37*deployment), "memory", fmt.Sprintf("%dMi", 128+deployment)))
		if deployment%3 == 0 {
			pod.Spec.NodeSelector = map[string]string{"group": fmt.Sprintf("group-%02d", deployment%20)}
		}
		pods = append(pods, pod)
	}
	b.ResetTimer()
	for b.Loop() {
		Evaluate(now, NewSnapshot(nodes, pods), groups)
	}
}

// BenchmarkEvaluateDistinct has no two pods alike.
func BenchmarkEvaluateDistinct(b *testing.B) {
	var pods []*corev1.Pod
	for p := range 10000 {
		pods = append(pods, newPod(fmt.Sprintf("p-%d", p), "", amounts("cpu", fmt.Sprintf("%dm", 100+p%3000), "memory", fmt.Sprintf("%dKi", 1+p))))
	}
	nodes := nodesOf("a", 1000)
	b.ResetTimer()
	for b.Loop() {
		Evaluate(now, NewSnapshot(nodes, pods), []Group{groupOf("a", nil), groupOf("b", templated(medium()))})
	}
}
