package producer

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// now is 2026-01-05T08:00:00Z; the nodes of the cases were created at 0.
const now = slot.Slot(1767600000)

// medium is what a node of the cases offers.
func medium() corev1.ResourceList { return amounts("cpu", "4", "memory", "16Gi", "pods", "10") }

// groupOf is a group whose nodes are labelled group=name.
func groupOf(name string, change func(*Group)) Group {
	g := Group{Namespace: "default", Name: name, Policy: &policy.Pending{Selector: map[string]string{"group": name}}}
	if change != nil {
		change(&g)
	}
	return g
}

// counted has a provider that aims for n nodes.
func counted(n int32) func(*Group) {
	return func(g *Group) { g.Policy.NodeGroup, g.Provider = g.Name, n }
}

func templated(list corev1.ResourceList, taints ...corev1.Taint) func(*Group) {
	return func(g *Group) { g.Policy.Template = &policy.Template{Allocatable: list, Taints: taints} }
}

func both(changes ...func(*Group)) func(*Group) {
	return func(g *Group) {
		for _, change := range changes {
			change(g)
		}
	}
}

// nodesOf are n Ready nodes of a group.
func nodesOf(group string, n int) []*corev1.Node {
	var nodes []*corev1.Node
	for i := range n {
		nodes = append(nodes, newNode(fmt.Sprintf("%s-%d", group, i), "group", group, medium()))
	}
	return nodes
}

// podsOf are n equal pods, pending or on a node.
func podsOf(n int, node string, requests corev1.ResourceList, change func(*corev1.Pod)) []*corev1.Pod {
	var pods []*corev1.Pod
	for i := range n {
		pod := newPod(fmt.Sprintf("p-%s-%d", node, i), node, requests)
		if change != nil {
			change(pod)
		}
		pods = append(pods, pod)
	}
	return pods
}

func young(node *corev1.Node) *corev1.Node {
	node.CreationTimestamp = metav1.NewTime(now.Time().Add(-time.Minute))
	node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule})
	return unready(node)
}

func known(replicas, pending, unschedulable int32) Demand {
	return Demand{Known: true, Replicas: replicas, PendingPods: pending, UnschedulablePods: unschedulable}
}

func TestEvaluate(t *testing.T) {
	cpu := amounts("cpu", "1")
	taint := corev1.Taint{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule}
	tolerate := func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
	}
	selecting := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{key: value} }
	}
	affine := func(operator corev1.NodeSelectorOperator, values ...string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "group", Operator: operator, Values: values}}}}}}}
		}
	}
	cases := map[string]struct {
		reason string
		groups []Group
		nodes  []*corev1.Node
		pods   []*corev1.Pod
		want   []Demand
	}{
		"Nothing":  {"no group, no pod", nil, nil, nil, []Demand{}},
		"Idle":     {"busy nodes and nothing pending: as it is", []Group{groupOf("a", nil)}, nodesOf("a", 2), podsOf(1, "a-0", cpu, nil), []Demand{known(2, 0, 0)}},
		"Fits":     {"pods that fit on what is there need nothing new", []Group{groupOf("a", nil)}, nodesOf("a", 2), podsOf(8, "", cpu, nil), []Demand{known(2, 8, 0)}},
		"New":      {"four to a node: one node more", []Group{groupOf("a", nil)}, nodesOf("a", 2), podsOf(9, "", cpu, nil), []Demand{known(3, 9, 0)}},
		"PodCount": {"the number of pods is a resource too", []Group{groupOf("a", nil)}, nodesOf("a", 1), podsOf(25, "", nil, nil), []Demand{known(3, 25, 0)}},
		"Full":     {"what runs takes its room; what is finished does not", []Group{groupOf("a", nil)}, nodesOf("a", 1), append(podsOf(4, "a-0", cpu, nil), newPod("z", "", cpu), changed(newPod("y", "a-0", amounts("cpu", "4")), func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })), []Demand{known(2, 1, 0)}},
		"TooLarge": {"no node would be large enough", []Group{groupOf("a", nil)}, nodesOf("a", 1), append(podsOf(1, "", amounts("cpu", "5"), nil), newPod("z", "a-0", cpu)), []Demand{known(1, 0, 1)}},
		"Unknown":  {"nor has it what the pod needs", []Group{groupOf("a", nil)}, nodesOf("a", 1), append(podsOf(1, "", amounts("nvidia.com/gpu", "1"), nil), newPod("z", "a-0", cpu)), []Demand{known(1, 0, 1)}},

		"Booting":      {"a node that is coming up will take them", []Group{groupOf("a", nil)}, []*corev1.Node{newNode("a-0", "group", "a", medium()), young(newNode("a-1", "group", "a", nil))}, podsOf(8, "", cpu, nil), []Demand{known(2, 8, 0)}},
		"Dead":         {"a dead node counts, but takes nothing", []Group{groupOf("a", nil)}, []*corev1.Node{newNode("a-0", "group", "a", medium()), unready(newNode("a-1", "group", "a", medium()))}, podsOf(8, "", cpu, nil), []Demand{known(3, 8, 0)}},
		"Cordoned":     {"so does a cordoned one", []Group{groupOf("a", nil)}, []*corev1.Node{newNode("a-0", "group", "a", medium()), cordoned(newNode("a-1", "group", "a", medium()))}, podsOf(8, "", cpu, nil), []Demand{known(3, 8, 0)}},
		"Promised":     {"what the provider promised is not asked for again", []Group{groupOf("a", counted(3))}, nodesOf("a", 1), podsOf(12, "", cpu, nil), []Demand{known(3, 12, 0)}},
		"PromisedFull": {"more is", []Group{groupOf("a", counted(3))}, nodesOf("a", 1), podsOf(13, "", cpu, nil), []Demand{known(4, 13, 0)}},
		"ProviderUnits": {"the value counts in the provider's units, dead ones included", []Group{groupOf("a", counted(5))},
			append(nodesOf("a", 2), unready(newNode("a-7", "group", "a", medium())), unready(newNode("a-8", "group", "a", medium())), unready(newNode("a-9", "group", "a", medium()))), podsOf(9, "", cpu, nil), []Demand{known(6, 9, 0)}},
		"NoCount": {"without the provider's count there is no value", []Group{groupOf("a", func(g *Group) { g.Policy.NodeGroup, g.Code = "a", observation.NotFound })}, nodesOf("a", 1), podsOf(9, "", cpu, nil), []Demand{{Hold: NoCount}}},

		"FromZero":       {"the template says what a node offers", []Group{groupOf("a", templated(medium()))}, nil, podsOf(9, "", cpu, nil), []Demand{known(3, 9, 0)}},
		"NoTemplate":     {"nothing to go by: held", []Group{groupOf("a", nil)}, nil, podsOf(9, "", cpu, nil), []Demand{{Known: true, Hold: NoShape, UnschedulablePods: 9}}},
		"NoTemplateYet":  {"held at what the provider has", []Group{groupOf("a", counted(2))}, nil, podsOf(9, "", cpu, nil), []Demand{{Known: true, Hold: NoShape, Replicas: 2, UnschedulablePods: 9}}},
		"DeadCopied":     {"a dead node can be copied", []Group{groupOf("a", nil)}, []*corev1.Node{unready(newNode("a-0", "group", "a", medium()))}, podsOf(1, "", cpu, nil), []Demand{known(2, 1, 0)}},
		"Override":       {"a template overrides the copy", []Group{groupOf("a", templated(amounts("cpu", "8")))}, []*corev1.Node{cordoned(newNode("a-0", "group", "a", medium()))}, podsOf(9, "", cpu, nil), []Demand{known(3, 9, 0)}},
		"DaemonSets":     {"they take their part of new nodes too", []Group{groupOf("a", nil)}, nodesOf("a", 1), append(podsOf(6, "", cpu, nil), changed(newPod("d", "a-0", cpu), controlledBy("DaemonSet"))), []Demand{known(2, 6, 0)}},
		"DaemonSetsSaid": {"a template has left them out", []Group{groupOf("a", templated(amounts("cpu", "4")))}, nodesOf("a", 1), append(podsOf(7, "", cpu, nil), changed(newPod("d", "a-0", cpu), controlledBy("DaemonSet"))), []Demand{known(2, 7, 0)}},
		"DaemonSetPod":   {"a pending pod of a DaemonSet waits for its node", []Group{groupOf("a", nil)}, nodesOf("a", 1), podsOf(1, "", amounts("cpu", "40"), controlledBy("DaemonSet")), []Demand{known(0, 0, 0)}},
		"Gated": {"a pod with a gate is not pending yet, nor is one on its way out", []Group{groupOf("a", templated(medium()))}, nil,
			append(podsOf(1, "", cpu, func(p *corev1.Pod) { p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "g"}} }), changed(newPod("x", "", cpu), func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now.Time()} })), []Demand{known(0, 0, 0)}},

		"Selector":    {"a node selector", []Group{groupOf("a", templated(medium())), groupOf("b", templated(medium()))}, nil, podsOf(5, "", cpu, selecting("group", "b")), []Demand{known(0, 0, 0), known(2, 5, 0)}},
		"SelectorNot": {"that no group fulfils", []Group{groupOf("a", templated(medium()))}, nil, podsOf(5, "", cpu, selecting("zone", "x")), []Demand{known(0, 0, 5)}},
		"Hostname":    {"no new node has a wanted name", []Group{groupOf("a", nil)}, nodesOf("a", 1), podsOf(5, "", cpu, selecting(corev1.LabelHostname, "a-0")), []Demand{known(1, 4, 1)}},
		"Affinity":    {"required node affinity", []Group{groupOf("a", templated(medium())), groupOf("b", templated(medium()))}, nil, podsOf(5, "", cpu, affine(corev1.NodeSelectorOpNotIn, "a")), []Demand{known(0, 0, 0), known(2, 5, 0)}},
		"AffinityBad": {"what cannot be parsed matches nothing", []Group{groupOf("a", templated(medium()))}, nil, podsOf(5, "", cpu, affine("Near", "a")), []Demand{known(0, 0, 5)}},
		"Taint":       {"a taint keeps pods off", []Group{groupOf("a", templated(medium(), taint)), groupOf("b", templated(amounts("cpu", "64", "memory", "64Gi", "pods", "10")))}, nil, podsOf(1, "", cpu, nil), []Demand{known(0, 0, 0), known(1, 1, 0)}},
		"Tolerated":   {"unless they tolerate it", []Group{groupOf("a", templated(medium(), taint)), groupOf("b", templated(amounts("cpu", "64", "memory", "64Gi", "pods", "10")))}, nil, podsOf(1, "", cpu, tolerate), []Demand{known(1, 1, 0), known(0, 0, 0)}},
		"SoftTaint":   {"a preference keeps nobody off", []Group{groupOf("a", templated(medium(), corev1.Taint{Key: "k", Effect: corev1.TaintEffectPreferNoSchedule}))}, nil, podsOf(1, "", cpu, nil), []Demand{known(1, 1, 0)}},

		"OneWinner":   {"only one of two like groups grows, the first by name", []Group{groupOf("b", templated(medium())), groupOf("a", templated(medium()))}, nil, podsOf(9, "", cpu, nil), []Demand{known(0, 0, 0), known(3, 9, 0)}},
		"LeastWaste":  {"memory fits the second better", []Group{groupOf("a", templated(medium())), groupOf("b", templated(amounts("cpu", "4", "memory", "4Gi", "pods", "10")))}, nil, podsOf(4, "", amounts("cpu", "1", "memory", "1Gi"), nil), []Demand{known(0, 0, 0), known(1, 4, 0)}},
		"SpareGPU":    {"an unused GPU is waste", []Group{groupOf("a", templated(amounts("cpu", "4", "memory", "16Gi", "pods", "10", "nvidia.com/gpu", "1"))), groupOf("b", templated(medium()))}, nil, podsOf(4, "", cpu, nil), []Demand{known(0, 0, 0), known(1, 4, 0)}},
		"SharedNode":  {"pods of other classes fill up a new node", []Group{groupOf("a", templated(medium()))}, nil, append(podsOf(1, "", amounts("cpu", "3"), nil), newPod("z", "", cpu)), []Demand{known(1, 2, 0)}},
		"OtherNodes":  {"a node of no group takes pods as well", []Group{groupOf("a", templated(medium()))}, nodesOf("other", 1), podsOf(5, "", cpu, nil), []Demand{known(1, 1, 0)}},
		"Overlapping": {"a node of two groups: its pods count for the first, it itself for both", []Group{groupOf("b", nil), groupOf("a", func(g *Group) { g.Policy.Selector = map[string]string{"group": "b"} })}, nodesOf("b", 1), podsOf(4, "", cpu, nil), []Demand{known(1, 0, 0), known(1, 4, 0)}},

		"HostPort": {"not modelled: unschedulable, whatever room there is", []Group{groupOf("a", templated(medium()))}, nil, podsOf(1, "", cpu, func(p *corev1.Pod) { p.Spec.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 80}} }), []Demand{known(0, 0, 1)}},
		"Spread": {"not modelled", []Group{groupOf("a", templated(medium()))}, nil, podsOf(1, "", cpu, func(p *corev1.Pod) {
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{WhenUnsatisfiable: corev1.DoNotSchedule}}
		}), []Demand{known(0, 0, 1)}},
		"SoftSpread": {"a preference does not matter", []Group{groupOf("a", templated(medium()))}, nil, podsOf(1, "", cpu, func(p *corev1.Pod) {
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{WhenUnsatisfiable: corev1.ScheduleAnyway}}
		}), []Demand{known(1, 1, 0)}},
		"AntiAffinity": {"not modelled", []Group{groupOf("a", templated(medium()))}, nil, podsOf(1, "", cpu, func(p *corev1.Pod) {
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{}}}}
		}), []Demand{known(0, 0, 1)}},
		"Claim": {"not modelled", []Group{groupOf("a", templated(medium()))}, nil, podsOf(1, "", cpu, func(p *corev1.Pod) { p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "c"}} }), []Demand{known(0, 0, 1)}},

		"Absurd":        {"a huge request fits nowhere, a negative one is none", []Group{groupOf("a", templated(medium()))}, nil, []*corev1.Pod{newPod("x", "", amounts("cpu", "9223372036854775807")), newPod("y", "", amounts("memory", "-5"))}, []Demand{known(1, 1, 1)}},
		"NoAllocatable": {"a node that offers nothing takes nothing", []Group{groupOf("a", templated(medium()))}, []*corev1.Node{newNode("a-0", "group", "a", nil)}, podsOf(1, "", cpu, nil), []Demand{known(2, 1, 0)}},
		"PodsDefault":   {"a template that does not say how many pods: the kubelet's default", []Group{groupOf("a", templated(amounts("cpu", "400")))}, nil, podsOf(111, "", cpu, nil), []Demand{known(2, 111, 0)}},
		"NoRoom":        {"a template without room for a pod", []Group{groupOf("a", templated(amounts("cpu", "4", "pods", "0")))}, nil, podsOf(1, "", cpu, nil), []Demand{known(0, 0, 1)}},
		"HugeCount":     {"a provider's rubbish costs nothing", []Group{groupOf("a", both(counted(1<<31-1), templated(medium())))}, nil, podsOf(3, "", cpu, nil), []Demand{known(1<<31-1, 3, 0)}},
		"NegativeCount": {"nor is it believed", []Group{groupOf("a", both(counted(-1), templated(medium())))}, nil, podsOf(3, "", cpu, nil), []Demand{{Hold: NoCount}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Evaluate(now, NewSnapshot(c.nodes, c.pods), c.groups)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// TestRelease holds what a group can do without while nothing is pending.
func TestRelease(t *testing.T) {
	cpu := amounts("cpu", "1")
	partial := func(g *Group) { g.Policy.ReleasePartial = true }
	daemon := func(n string) *corev1.Pod { return changed(newPod("d-"+n, n, cpu), controlledBy("DaemonSet")) }
	owned := controlledBy("ReplicaSet")
	cases := map[string]struct {
		reason string
		change func(*Group)
		nodes  []*corev1.Node
		pods   []*corev1.Pod
		want   int32
	}{
		"Whole":        {"an empty group is released, DaemonSets and mirrors or not", nil, nodesOf("a", 2), []*corev1.Pod{daemon("a-0"), changed(newPod("m", "a-1", cpu), func(p *corev1.Pod) { p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"} })}, 0},
		"OneBusy":      {"one busy node keeps them all: the provider would choose the one to end", nil, nodesOf("a", 3), podsOf(1, "a-0", cpu, owned), 3},
		"Pending":      {"a pod that is about to run keeps them all", nil, nodesOf("a", 3), podsOf(1, "", cpu, owned), 3},
		"Dead":         {"what ran on a dead node is not known", nil, append(nodesOf("a", 2), unready(newNode("a-9", "group", "a", medium()))), nil, 3},
		"AllDead":      {"nodes that are lost all at once release nothing", nil, []*corev1.Node{unready(newNode("a-0", "group", "a", medium())), unready(newNode("a-1", "group", "a", medium()))}, nil, 2},
		"Vanished":     {"nor do node objects that vanish while the provider counts on", counted(50), nil, nil, 50},
		"VanishedTo":   {"not even with a template", both(counted(50), templated(medium()), partial), nodesOf("a", 3), nil, 50},
		"Coming":       {"what has not joined may be wanted by somebody", counted(3), nodesOf("a", 2), nil, 3},
		"Counted":      {"an empty group in the provider's own count", counted(2), nodesOf("a", 2), nil, 0},
		"Partial":      {"opted in: empty nodes go, one by one", partial, nodesOf("a", 3), podsOf(4, "a-0", cpu, owned), 1},
		"PartialMoves": {"and nodes whose pods fit on the others", partial, nodesOf("a", 3), append(append(podsOf(2, "a-0", cpu, owned), podsOf(1, "a-1", cpu, owned)...), podsOf(4, "a-2", cpu, owned)...), 2},
		"PartialBare":  {"a pod without a controller would not come back", partial, nodesOf("a", 2), append(podsOf(1, "a-0", cpu, nil), podsOf(1, "a-1", cpu, nil)...), 2},
		"PartialTight": {"pods that do not fit stay", partial, nodesOf("a", 2), append(podsOf(3, "a-0", cpu, owned), podsOf(2, "a-1", cpu, owned)...), 2},
		"PartialAffinity": {"so do pods that only their node suits", partial, nodesOf("a", 2), append(podsOf(1, "a-0", cpu, func(p *corev1.Pod) { owned(p); p.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "a-0"} }),
			podsOf(1, "a-1", cpu, func(p *corev1.Pod) { owned(p); p.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "a-1"} })...), 2},
		"PartialDead":    {"a dead node holds a partial release too", partial, append(nodesOf("a", 2), unready(newNode("a-9", "group", "a", medium()))), podsOf(1, "a-0", cpu, owned), 3},
		"PartialPending": {"the node that a pod is about to run on stays", partial, nodesOf("a", 3), podsOf(1, "", cpu, owned), 1},
		"Held":           {"a held group is not released", nil, []*corev1.Node{newNode("a-0", "group", "a", nil)}, nil, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := Evaluate(now, NewSnapshot(c.nodes, c.pods), []Group{groupOf("a", c.change)})
			if got[0].Replicas != c.want || !got[0].Known {
				t.Errorf("%s: %+v, want %d", c.reason, got[0], c.want)
			}
		})
	}
}
