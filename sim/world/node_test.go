package world

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func list(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

// nodeWorld has one workload whose pods need nodes, and one node.
func nodeWorld(replicas int32, startup time.Duration) (*line, *Targets, *Workload, *Nodes, *Node) {
	l := newLine()
	targets := NewTargets(l)
	w := &Workload{
		Target: &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}, Spec: replicas},
		Demand: Constant(0), Capacity: 1, Saturation: 1, Startup: Fixed(startup),
		ServiceP50: time.Millisecond, ServiceP95: time.Millisecond,
		Requests: list("1", "1Gi"), NodeSelector: map[string]string{"pool": "web"},
	}
	if err := targets.Add(w.Target); err != nil {
		panic(err)
	}
	workloads := NewWorkloads(l)
	workloads.Add(w)
	nodes := NewNodes(l, workloads)
	nodes.Require()
	node := nodes.Join("n1", map[string]string{"pool": "web"}, nil, list("4", "3Gi"))
	nodes.SetReady(node, true)
	workloads.Start()
	return l, targets, w, nodes, node
}

func TestPlacing(t *testing.T) {
	cases := map[string]struct {
		reason  string
		labels  map[string]string
		taints  []corev1.Taint
		offers  corev1.ResourceList
		ready   bool
		serving int32
	}{
		"Fits":     {"a second node takes what the first one cannot", map[string]string{"pool": "web"}, nil, list("4", "16Gi"), true, 5},
		"TooSmall": {"a node without room takes nothing", map[string]string{"pool": "web"}, nil, list("500m", "16Gi"), true, 3},
		"Selector": {"a node without the label takes nothing", map[string]string{"pool": "db"}, nil, list("4", "16Gi"), true, 3},
		"Taint":    {"pods tolerate no taint", map[string]string{"pool": "web"}, []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}, list("4", "16Gi"), true, 3},
		"Prefers":  {"a preference is no obstacle", map[string]string{"pool": "web"}, []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectPreferNoSchedule}}, list("4", "16Gi"), true, 5},
		"NotReady": {"a node that is not ready takes nothing", map[string]string{"pool": "web"}, nil, list("4", "16Gi"), false, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, w, nodes, _ := nodeWorld(5, 0)
			second := nodes.Join("n2", c.labels, c.taints, c.offers)
			nodes.SetReady(second, c.ready)
			if got := w.Target.Serving(); got != c.serving {
				t.Errorf("%s: %d pods serve, want %d", c.reason, got, c.serving)
			}
			if w.Target.Status != 5 {
				t.Errorf("pending pods count: status %d, want 5", w.Target.Status)
			}
		})
	}
}

func TestNodeGoes(t *testing.T) {
	l, _, w, nodes, node := nodeWorld(3, 10*time.Second)
	if w.Target.Serving() != 3 {
		t.Fatalf("pods of the start are ready at once: %d serve", w.Target.Serving())
	}
	nodes.SetReady(node, false)
	if w.Target.Serving() != 0 || w.Target.Status != 3 {
		t.Errorf("on a node that is not ready no pod serves, and none goes: %d serve of %d", w.Target.Serving(), w.Target.Status)
	}
	nodes.SetReady(node, true)
	if w.Target.Serving() != 3 {
		t.Errorf("pods serve again at once: %d", w.Target.Serving())
	}
	nodes.Leave(node)
	if w.Target.Serving() != 0 || w.Target.Status != 3 {
		t.Errorf("pods of a node that has gone are replaced by pending ones: %d serve of %d", w.Target.Serving(), w.Target.Status)
	}
	_, pods := nodes.Snapshot()
	for _, p := range pods {
		if p.Spec.NodeName != "" || p.Status.Phase != corev1.PodPending {
			t.Errorf("pod %s is on %q, %s", p.Name, p.Spec.NodeName, p.Status.Phase)
		}
	}
	nodes.SetReady(nodes.Join("n2", map[string]string{"pool": "web"}, nil, list("4", "16Gi")), true)
	l.move(9 * time.Second)
	if w.Target.Serving() != 0 {
		t.Errorf("new pods have to start: %d serve after 9 s", w.Target.Serving())
	}
	l.move(10 * time.Second)
	if w.Target.Serving() != 3 {
		t.Errorf("new pods have started: %d serve after 10 s", w.Target.Serving())
	}
}

func TestNodeIsAwayWhilePodsStart(t *testing.T) {
	l, targets, w, nodes, node := nodeWorld(1, 10*time.Second)
	if err := targets.Set(t.Context(), w.Target.Ref, cycle.Scale{Version: w.Target.tag}, 3); err != nil {
		t.Fatal(err)
	}
	l.move(5 * time.Second)
	nodes.SetReady(node, false)
	l.move(20 * time.Second)
	if w.Target.Serving() != 0 {
		t.Errorf("a pod that has started on a node that is not ready does not serve: %d do", w.Target.Serving())
	}
	nodes.SetReady(node, true)
	if w.Target.Serving() != 3 {
		t.Errorf("it serves once the node is ready: %d do", w.Target.Serving())
	}
}

func TestNodeIsAwayDuringRollout(t *testing.T) {
	l, _, w, nodes, node := nodeWorld(2, 10*time.Second)
	other := &Workload{
		Target: &Target{Ref: cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "zoo"}, Spec: 1},
		Demand: Constant(0), Capacity: 1, Saturation: 1, Startup: Fixed(0),
		ServiceP50: time.Millisecond, ServiceP95: time.Millisecond, Requests: list("1", "1Gi"),
	}
	w.world.Add(other)
	other.start(other.create())
	nodes.Schedule()
	nodes.SetReady(node, false)
	w.Rollout(Rollout{Batch: 2})
	nodes.SetReady(node, true)
	if other.Target.Serving() != 1 {
		t.Errorf("a rollout that moves on as the node is ready again loses no other pod: %d of 1 serve", other.Target.Serving())
	}
	l.move(10 * time.Second)
	if w.Target.Serving() != 2 || w.rolling != nil {
		t.Errorf("the rollout ends: %d of 2 serve", w.Target.Serving())
	}
}

// TestSpreading checks that the emptiest node is taken.
func TestSpreading(t *testing.T) {
	_, targets, w, nodes, _ := nodeWorld(0, 0)
	nodes.SetReady(nodes.Join("n2", map[string]string{"pool": "web"}, nil, list("4", "8Gi")), true)
	if err := targets.Set(t.Context(), w.Target.Ref, cycle.Scale{Version: w.Target.tag}, 4); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range w.pods {
		got = append(got, p.Node.Name)
	}
	if diff := cmp.Diff([]string{"n1", "n2", "n2", "n1"}, got); diff != "" {
		t.Errorf("by the scarcer of cpu and memory, -want +got:\n%s", diff)
	}
}

// TestRoomIsConserved adds and takes nodes and pods at random.
func TestRoomIsConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, targets, w, nodes, node := nodeWorld(3, time.Second)
		there := []*Node{node}
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			l.move(time.Duration(i) * 700 * time.Millisecond)
			switch {
			case rapid.Bool().Draw(t, "scale"):
				replicas := rapid.Int32Range(0, 20).Draw(t, "replicas")
				if err := targets.Set(t.Context(), w.Target.Ref, cycle.Scale{Version: w.Target.tag}, replicas); err != nil {
					t.Fatal(err)
				}
			case len(there) > 0 && rapid.Bool().Draw(t, "leave"):
				nodes.Leave(there[0])
				there = there[1:]
			case len(there) > 0 && rapid.Bool().Draw(t, "toggle"):
				nodes.SetReady(there[0], !there[0].ready)
			default:
				n := nodes.Join(string(rune('a'+i)), map[string]string{"pool": "web"}, nil, list("2", "8Gi"))
				nodes.SetReady(n, true)
				there = append(there, n)
			}
			placed := 0
			for _, n := range there {
				placed += len(n.pods)
				if n.free.millicores != n.size.millicores-1000*int64(len(n.pods)) || n.free.millicores < 0 {
					t.Fatalf("node %s of %d has %d free with %d pods", n.Name, n.size.millicores, n.free.millicores, len(n.pods))
				}
			}
			running := 0
			for _, p := range w.pods {
				if p.Node != nil {
					running++
				}
				if p.Ready && !p.Node.ready {
					t.Fatalf("pod %s is ready on a node that is not", p.Name)
				}
			}
			if running != placed || len(w.pods) != int(w.Target.Spec) {
				t.Fatalf("%d pods for %d replicas; %d run, nodes have %d", len(w.pods), w.Target.Spec, running, placed)
			}
		}
	})
}
