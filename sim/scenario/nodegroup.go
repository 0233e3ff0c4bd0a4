package scenario

import (
	"math"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// A NodeGroup is a provider's node group and what its nodes are like. It is the
// group of the ScalableNodeGroup of the same namespace and name.
type NodeGroup struct {
	// Namespace is default if absent.
	Namespace string `json:"namespace,omitempty"`
	// Name is that of the ScalableNodeGroup. Required.
	Name string `json:"name"`
	// Nodes is the provider's size at the start, all ready; if absent, the
	// ScalableNodeGroup's spec.replicas, else Min.
	Nodes *int32 `json:"nodes,omitempty"`
	// Min and Max are the provider's own bounds; 0 and none if absent.
	Min int32  `json:"min,omitempty"`
	Max *int32 `json:"max,omitempty"`
	// Boot is how long a new node takes to become ready; 0s if absent.
	Boot Delay `json:"boot,omitzero"`
	// Terminate is how long a node's machine is there, and paid for, after it
	// stopped running pods; 0s if absent.
	Terminate Delay `json:"terminate,omitzero"`
	// BootFailure is the share of new nodes that never become ready; the provider
	// replaces them after ReplaceAfter, 10m if absent.
	BootFailure  float64   `json:"bootFailure,omitempty"`
	ReplaceAfter *Duration `json:"replaceAfter,omitempty"`
	// MeanLifetime is how long a ready node lives on average until the provider
	// takes it back, as with spot machines; for ever if absent.
	MeanLifetime Duration `json:"meanLifetime,omitzero"`
	// Pool names the capacity that groups share; each has its own if absent.
	// Quota is how many nodes of the pool there can be; no limit if absent.
	Pool  string `json:"pool,omitempty"`
	Quota *int64 `json:"quota,omitempty"`
	// ObserveLag is how old what the provider reports is; 0s if absent.
	ObserveLag Duration `json:"observeLag,omitzero"`
	// Labels, Taints and Allocatable are those of each node. Without
	// allocatable cpu or memory no pod that requests any fits.
	Labels      map[string]string                         `json:"labels,omitempty"`
	Taints      []corev1.Taint                            `json:"taints,omitempty"`
	Allocatable map[corev1.ResourceName]resource.Quantity `json:"allocatable,omitempty"`
	// PricePerHour is that of a node, in any currency.
	PricePerHour float64 `json:"pricePerHour,omitempty"`
	// Billing says which time of a node is paid, from launch until its machine
	// is gone; exactly that if absent.
	Billing Billing `json:"billing,omitzero"`
}

// A Queue is a provider's queue, which the replicas of an object work off.
type Queue struct {
	// Type names the provider; AWSSQSQueue if absent.
	Type string `json:"type,omitempty"`
	// ID is spec.queue.id of the MetricsProducer. Required.
	ID string `json:"id"`
	// Arrivals are the sum of their terms, in messages a second. Required.
	Arrivals []Term `json:"arrivals"`
	// Initial messages wait already at the start.
	Initial float64 `json:"initial,omitempty"`
	// Consumer is the object whose ready replicas take messages, as
	// [NAMESPACE/]KIND/NAME; nobody does if absent.
	Consumer string `json:"consumer,omitempty"`
	// CapacityPerReplica is how many messages one replica handles a second.
	CapacityPerReplica float64 `json:"capacityPerReplica,omitempty"`
}

func (v *validation) checkNodeGroups() {
	seen := map[Reference]string{}
	for i, t := range v.spec.Targets {
		seen[t.Reference()] = index("spec.targets", i)
	}
	for i := range v.spec.NodeGroups {
		g := &v.spec.NodeGroups[i]
		at := index("spec.nodeGroups", i)
		if g.Name == "" {
			v.fail(at+".name", "required: the name of a ScalableNodeGroup")
		}
		v.checkOwner(at, g.Reference(), seen)
		v.checkSizes(at, g)
		if !(g.BootFailure >= 0 && g.BootFailure <= 1) {
			v.fail(at+".bootFailure", "want a share from 0 to 1, got %v", g.BootFailure)
		}
		v.checkPrice(at, g.PricePerHour, g.Billing)
		for _, name := range sortedKeys(g.Allocatable) {
			path, q := keyPath(at+".allocatable", string(name)), g.Allocatable[name]
			switch needed := name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourcePods; {
			case q.Sign() < 0 || q.AsApproximateFloat64() > mostMemory:
				v.fail(path, "want 0 or more, at most %.0f, got %s", mostMemory, q.String())
			case needed && q.Sign() == 0:
				v.fail(path, "must be more than 0: no pod can run on such a node")
			}
		}
		for k, t := range g.Taints {
			if t.Key == "" || !strings.Contains(" NoSchedule PreferNoSchedule NoExecute ", " "+string(t.Effect)+" ") {
				v.fail(index(at+".taints", k), "want a key and an effect: NoSchedule, PreferNoSchedule or NoExecute")
			}
		}
	}
}

func (v *validation) checkSizes(at string, g *NodeGroup) {
	upper := int32(limit.Nodes)
	if g.Max != nil {
		upper = *g.Max
		if upper < g.Min || upper > limit.Nodes {
			v.fail(at+".max", "want min (%d) or more, at most %d, got %d", g.Min, limit.Nodes, upper)
		}
	}
	if g.Min < 0 || g.Min > limit.Nodes {
		v.fail(at+".min", "want 0 or more, at most %d, got %d", limit.Nodes, g.Min)
	}
	if g.Nodes != nil && (*g.Nodes < g.Min || *g.Nodes > upper) {
		v.fail(at+".nodes", "want a size from %d to %d, got %d", g.Min, upper, *g.Nodes)
	}
	if g.Quota != nil && *g.Quota < 0 {
		v.fail(at+".quota", "want 0 or more, got %d", *g.Quota)
	}
}

// Reference is the ScalableNodeGroup's namespace, kind and name.
func (g *NodeGroup) Reference() Reference {
	return Target{Namespace: g.Namespace, Kind: "ScalableNodeGroup", Name: g.Name}.Reference()
}

func (v *validation) checkQueues() {
	seen := map[[2]string]string{}
	// What an object needs and has time for is reckoned by one demand.
	busy := map[Reference]string{}
	for i := range v.spec.Workloads {
		busy[v.spec.Workloads[i].Reference()] = index("spec.workloads", i)
	}
	for i := range v.spec.Queues {
		q := &v.spec.Queues[i]
		at := index("spec.queues", i)
		if q.ID == "" {
			v.fail(at+".id", "required: spec.queue.id of a MetricsProducer")
		}
		key := [2]string{q.Type, q.ID}
		if first, twice := seen[key]; twice && q.ID != "" {
			v.fail(at+".id", "%s has this queue already", first)
		}
		seen[key] = at
		if len(q.Arrivals) == 0 {
			v.fail(at+".arrivals", "required: a list of terms such as {constant: 10}")
		}
		for k := range q.Arrivals {
			v.checkTerm(index(at+".arrivals", k), &q.Arrivals[k])
			if q.Arrivals[k].Recorded != nil {
				v.fail(index(at+".arrivals", k)+".recorded", "is for the demand of workloads only")
			}
		}
		if !(q.Initial >= 0 && q.Initial <= math.MaxInt64) {
			v.fail(at+".initial", "want 0 or more, got %v", q.Initial)
		}
		switch {
		case q.Consumer == "" && q.CapacityPerReplica != 0:
			v.fail(at+".consumer", "required with capacityPerReplica: who takes the messages")
		case q.Consumer != "":
			ref, err := ParseReference(q.Consumer)
			if err != nil {
				v.fail(at+".consumer", "%v", err)
			} else if first, taken := busy[ref]; taken {
				v.fail(at+".consumer", "%s serves %s already; an object serves one demand or one queue", ref, first)
			} else {
				busy[ref] = at
			}
			v.checkFactor(at+".capacityPerReplica", &q.CapacityPerReplica)
		}
	}
}
