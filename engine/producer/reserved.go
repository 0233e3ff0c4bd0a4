package producer

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Reservation holds what pods reserve of one resource.
type Reservation struct {
	Resource corev1.ResourceName
	// Reserved and Capacity are cores, bytes or a count.
	Reserved, Capacity resource.Quantity
}

// Utilization is the reserved share; NaN where there is no capacity.
func (r *Reservation) Utilization() float64 {
	if r.Capacity.Sign() <= 0 {
		return math.NaN()
	}
	return policy.Number(&r.Reserved) / policy.Number(&r.Capacity)
}

// String is the percentage and the amounts, as the status shows them:
// "15.54%, 7600m/48900m".
func (r *Reservation) String() string {
	return fmt.Sprintf("%.2f%%, %s/%s", r.Utilization()*100, r.Reserved.String(), r.Capacity.String())
}

// Reserved sums what pods reserve on the selected nodes: of cpu, memory and
// pods, and then of the extended resources that any of the nodes has, by name.
func Reserved(p *policy.Reserved, s *Snapshot) []Reservation {
	sums := []Reservation{{Resource: corev1.ResourceCPU}, {Resource: corev1.ResourceMemory}, {Resource: corev1.ResourcePods}}
	var nodes []*corev1.Node
	for _, node := range s.nodes {
		if selects(p.Selector, node) && ready(node) && !node.Spec.Unschedulable {
			nodes = append(nodes, node)
		}
	}
	for _, name := range extended(nodes) {
		sums = append(sums, Reservation{Resource: name})
	}
	for _, node := range nodes {
		for i := range sums {
			sums[i].Capacity.Add(offered(node, sums[i].Resource))
		}
		for _, pod := range s.running[node.Name] {
			if p.ExcludeDaemonSets && ofDaemonSet(pod) {
				continue
			}
			list := requests(pod, nil)
			list[corev1.ResourcePods] = *resource.NewQuantity(1, resource.DecimalSI)
			for i := range sums {
				sums[i].Reserved.Add(list[sums[i].Resource])
			}
		}
	}
	return sums
}

// Selects says whether the producer's selector matches any node, ready or not.
func Selects(p *policy.Reserved, s *Snapshot) bool {
	return slices.ContainsFunc(s.nodes, func(node *corev1.Node) bool { return selects(p.Selector, node) })
}

// extended are the extended resources of any of the nodes, sorted.
func extended(nodes []*corev1.Node) []corev1.ResourceName {
	found := map[corev1.ResourceName]bool{}
	for _, node := range nodes {
		for name := range node.Status.Allocatable {
			domain, _, qualified := strings.Cut(string(name), "/")
			if qualified && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io") {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// ReservedGauges are the series of the sums. Of two resources whose names
// differ only in what a metric's name cannot hold, the first one has them.
func ReservedGauges(sums []Reservation) []Gauge {
	var gauges []Gauge
	taken := map[string]bool{}
	for i := range sums {
		r := &sums[i]
		if name := metricName(string(r.Resource)); taken[name] {
			continue
		} else {
			taken[name] = true
		}
		gauges = append(gauges,
			Gauge{reservedName(r.Resource, "reserved"), policy.Number(&r.Reserved)},
			Gauge{reservedName(r.Resource, "capacity"), policy.Number(&r.Capacity)},
			Gauge{reservedName(r.Resource, "utilization"), r.Utilization()})
	}
	return gauges
}
