package producer

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// v01 is the cluster of Karpenter v0.1's suite.
func v01() *Snapshot {
	size := func() corev1.ResourceList { return amounts("cpu", "16300m", "memory", "128500Mi", "pods", "50") }
	return NewSnapshot(
		[]*corev1.Node{
			newNode("n5", "k", "v", size()), newNode("n1", "k", "v", size()), newNode("n3", "k", "v", size()), newNode("n2", "k", "other", size()),
			unready(newNode("n4", "k", "v", size())), cordoned(newNode("n0", "k", "v", size())),
		},
		[]*corev1.Pod{
			newPod("a", "n5", amounts("cpu", "1100m", "memory", "1Gi")), newPod("b", "n5", amounts("cpu", "2100m", "memory", "25Gi")),
			newPod("c", "n5", amounts("cpu", "3300m", "memory", "50Gi")), newPod("d", "n1", amounts("cpu", "1100m", "memory", "1Gi")),
			newPod("e", "n2", amounts("cpu", "99", "memory", "99Gi")),
		})
}

// one is a cluster of one node with the given pods on it.
func one(allocatable corev1.ResourceList, pods ...*corev1.Pod) *Snapshot {
	return NewSnapshot([]*corev1.Node{newNode("n", "k", "v", allocatable)}, pods)
}

func TestReserved(t *testing.T) {
	four := func() corev1.ResourceList { return amounts("cpu", "4", "memory", "8Gi", "pods", "10") }
	always := corev1.ContainerRestartPolicyAlways
	cases := map[string]struct {
		reason   string
		snapshot *Snapshot
		exclude  bool
		want     map[string]string
	}{
		"V01":   {"v0.1's own table", v01(), false, map[string]string{"cpu": "15.54%, 7600m/48900m", "memory": "20.45%, 77Gi/385500Mi", "pods": "2.67%, 4/150"}},
		"Empty": {"v0.1: no matching nodes", NewSnapshot(nil, nil), false, map[string]string{"cpu": "NaN%, 0/0", "memory": "NaN%, 0/0", "pods": "NaN%, 0/0"}},
		"NoAllocatable": {"a node that offers nothing yet", one(nil, newPod("a", "n", amounts("cpu", "1"))), false,
			map[string]string{"cpu": "NaN%, 1/0", "memory": "NaN%, 0/0", "pods": "NaN%, 1/0"}},
		"Finished": {"finished pods hold nothing; v0.1 counted them", one(four(),
			newPod("a", "n", amounts("cpu", "1")),
			changed(newPod("b", "n", amounts("cpu", "1")), func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }),
			changed(newPod("c", "n", amounts("cpu", "1")), func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })), false,
			map[string]string{"cpu": "25.00%, 1/4", "memory": "0.00%, 0/8Gi", "pods": "10.00%, 1/10"}},
		"Init": {"an init container counts where it is the larger; a sidecar always", one(four(),
			changed(newPod("a", "n", amounts("cpu", "1")), func(p *corev1.Pod) {
				p.Spec.InitContainers = []corev1.Container{{Name: "i", Resources: corev1.ResourceRequirements{Requests: amounts("cpu", "2")}}}
			}),
			changed(newPod("b", "n", amounts("cpu", "1")), func(p *corev1.Pod) {
				p.Spec.InitContainers = []corev1.Container{{Name: "i", RestartPolicy: &always, Resources: corev1.ResourceRequirements{Requests: amounts("cpu", "500m")}}}
			})), false,
			map[string]string{"cpu": "87.50%, 3500m/4", "memory": "0.00%, 0/8Gi", "pods": "20.00%, 2/10"}},
		"PodLevel": {"overhead, and requests of the pod in place of its containers'", one(four(),
			changed(newPod("a", "n", amounts("cpu", "1")), func(p *corev1.Pod) {
				p.Spec.Overhead = amounts("memory", "1Gi")
				p.Spec.Resources = &corev1.ResourceRequirements{Requests: amounts("cpu", "2")}
			})), false,
			map[string]string{"cpu": "50.00%, 2/4", "memory": "12.50%, 1Gi/8Gi", "pods": "10.00%, 1/10"}},
		"Extended": {"a GPU, but neither disks nor what Kubernetes itself names", one(amounts("cpu", "4", "memory", "8Gi", "pods", "10", "nvidia.com/gpu", "8", "ephemeral-storage", "1Gi", "node.kubernetes.io/x", "1"),
			newPod("a", "n", amounts("nvidia.com/gpu", "2"))), false,
			map[string]string{"cpu": "0.00%, 0/4", "memory": "0.00%, 0/8Gi", "pods": "10.00%, 1/10", "nvidia.com/gpu": "25.00%, 2/8"}},
		"DaemonSets": {"counted, as in v0.1", one(four(), changed(newPod("a", "n", amounts("cpu", "1")), controlledBy("DaemonSet")), changed(newPod("b", "n", amounts("cpu", "1")), controlledBy("ReplicaSet"))), false,
			map[string]string{"cpu": "50.00%, 2/4", "memory": "0.00%, 0/8Gi", "pods": "20.00%, 2/10"}},
		"NoDaemonSets": {"unless left out", one(four(), changed(newPod("a", "n", amounts("cpu", "1")), controlledBy("DaemonSet")), changed(newPod("b", "n", amounts("cpu", "1")), controlledBy("ReplicaSet"))), true,
			map[string]string{"cpu": "25.00%, 1/4", "memory": "0.00%, 0/8Gi", "pods": "10.00%, 1/10"}},
		"Absurd": {"negative requests are none, huge ones are what they are", one(four(), newPod("a", "n", amounts("cpu", "-5", "memory", "9223372036854775807")), newPod("b", "n", amounts("memory", "9223372036854775807"))), false,
			map[string]string{"cpu": "0.00%, 0/4", "memory": "214748364800.00%, 18446744073709551614/8Gi", "pods": "20.00%, 2/10"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sums := Reserved(&policy.Reserved{Selector: map[string]string{"k": "v"}, ExcludeDaemonSets: c.exclude}, c.snapshot)
			got := map[string]string{}
			for i := range sums {
				got[string(sums[i].Resource)] = sums[i].String()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestReservedGauges(t *testing.T) {
	p := &policy.Reserved{Selector: map[string]string{"k": "v"}}
	got := ReservedGauges(Reserved(p, one(amounts("cpu", "4", "pods", "10", "x.io/a-b", "2", "x.io/a_b", "4"), newPod("a", "n", amounts("cpu", "1500m", "x.io/a-b", "1")))))
	want := []Gauge{
		{"karpenter_reserved_capacity_cpu_reserved", 1.5}, {"karpenter_reserved_capacity_cpu_capacity", 4}, {"karpenter_reserved_capacity_cpu_utilization", 0.375},
		{"karpenter_reserved_capacity_memory_reserved", 0}, {"karpenter_reserved_capacity_memory_capacity", 0}, {"karpenter_reserved_capacity_memory_utilization", math.NaN()},
		{"karpenter_reserved_capacity_pods_reserved", 1}, {"karpenter_reserved_capacity_pods_capacity", 10}, {"karpenter_reserved_capacity_pods_utilization", 0.1},
		{"karpenter_reserved_capacity_x_io_a_b_reserved", 1}, {"karpenter_reserved_capacity_x_io_a_b_capacity", 2}, {"karpenter_reserved_capacity_x_io_a_b_utilization", 0.5},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("no series twice (-want +got):\n%s", diff)
	}
}

// drawAmounts are quantities as absurd as the API lets them be.
func drawAmounts(t *rapid.T, label string) corev1.ResourceList {
	list := corev1.ResourceList{}
	names := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"cpu", "memory", "pods", "nvidia.com/gpu", "hugepages-2Mi"}), rapid.ID).Draw(t, label)
	for _, name := range names {
		text := rapid.SampledFrom([]string{"0", "1", "3", "100m", "1n", "-1", "-9223372036854775807", "9223372036854775807", "1e30", "64Gi", "0.1"}).Draw(t, label+name)
		list[corev1.ResourceName(name)] = resource.MustParse(text)
	}
	return list
}

// No quantity panics, turns a sum negative, or depends on the order of the input.
func TestReservedSurvivesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var nodes []*corev1.Node
		var pods []*corev1.Pod
		for i := range rapid.IntRange(0, 4).Draw(t, "nodes") {
			name := string(rune('a' + i))
			nodes = append(nodes, newNode(name, "k", "v", drawAmounts(t, "allocatable")))
			for j := range rapid.IntRange(0, 4).Draw(t, "pods") {
				pods = append(pods, newPod(name+string(rune('a'+j)), name, drawAmounts(t, "requests")))
			}
		}
		p := &policy.Reserved{Selector: map[string]string{"k": "v"}}
		sums := Reserved(p, NewSnapshot(nodes, pods))
		for i := range sums {
			if sums[i].Reserved.Sign() < 0 || sums[i].Capacity.Sign() < 0 || sums[i].Utilization() < 0 {
				t.Fatalf("%s: %s", sums[i].Resource, sums[i].String())
			}
		}
		shuffled := NewSnapshot(rapid.Permutation(nodes).Draw(t, "order of nodes"), rapid.Permutation(pods).Draw(t, "order of pods"))
		if diff := cmp.Diff(ReservedGauges(sums), ReservedGauges(Reserved(p, shuffled)), cmpopts.EquateNaNs()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestQueue(t *testing.T) {
	cases := map[string]struct {
		reason   string
		inFlight bool
		reading  Reading
		code     observation.Code
		want     []Gauge
	}{
		"Visible":  {"waiting messages, as in v0.1", false, Reading{Visible: 42, InFlight: 8, OldestAge: 17}, "", []Gauge{{QueueLength, 42}, {QueueOldestAge, 17}}},
		"InFlight": {"with those being worked on, so that capacity stays while they are", true, Reading{Visible: 42, InFlight: 8, OldestAge: 0}, "", []Gauge{{QueueLength, 50}, {QueueOldestAge, 0}}},
		"NoAge":    {"an unknown age is no age of 0", false, Reading{OldestAge: -1}, "", []Gauge{{QueueLength, 0}}},
		"Huge":     {"sums saturate", true, Reading{Visible: math.MaxInt64, InFlight: 1, OldestAge: -1}, "", []Gauge{{QueueLength, math.MaxInt64}}},
		"Negative": {"no queue holds -1 messages", false, Reading{Visible: -1}, observation.Negative, nil},
		"Rubbish":  {"nor -1 in flight", false, Reading{InFlight: -1}, observation.Negative, nil},
		"Failed":   {"a failed reading has its own code", false, Reading{Visible: -1, Code: observation.Throttled}, observation.Throttled, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := &policy.Queue{InFlight: c.inFlight}
			if got := c.reading.Usable(); got != c.code {
				t.Fatalf("%s: %q, want %q", c.reason, got, c.code)
			}
			if c.code != observation.OK {
				return
			}
			if diff := cmp.Diff(c.want, QueueGauges(p, &c.reading)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
