package producer

import (
	"cmp"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Group is one pendingCapacity producer in a joint evaluation.
type Group struct {
	// Namespace and Name are the producer's; they break ties.
	Namespace, Name string
	Policy          *policy.Pending
	// Provider is the size that the provider of the named node group aims for;
	// Code says why it could not be read. Neither matters where none is named.
	Provider int32
	Code     observation.Code
}

// A Hold says why a group's value does not follow its pods.
type Hold string

// The holds; the empty one holds nothing.
const (
	// NoShape: there is neither a template nor a node to copy.
	NoShape Hold = "NoTemplate"
	// NoCount: the provider's count of the named node group is unknown.
	NoCount Hold = "NodeGroupUnavailable"
)

// A Demand holds what the evaluation found for a group.
type Demand struct {
	// Known says whether the counts hold numbers: not where the provider's count is unknown.
	Known bool
	Hold  Hold
	// Replicas is the number of nodes the group should have.
	Replicas int32
	// PendingPods is the number of pending pods placed on nodes of the group,
	// there or to come; no pod counts for two.
	PendingPods int32
	// UnschedulablePods is the number of pending pods that were placed nowhere;
	// it is the same for every group.
	UnschedulablePods int32
}

// PendingGauges are the series of a known demand.
func PendingGauges(d *Demand) []Gauge {
	return []Gauge{
		{PendingReplicas, float64(d.Replicas)},
		{PendingPods, float64(d.PendingPods)},
		{UnschedulablePods, float64(d.UnschedulablePods)},
	}
}

// group is a Group during the evaluation.
type group struct {
	Group
	nodes []*corev1.Node // selected, by name
	// base is all its nodes, coming those of them that have not joined.
	base, coming int64
	hold         Hold
	shape        *bin // what a new node offers; nil where that is unknown
	shared       []corev1.ResourceName
	fresh        int64 // new nodes
	pods         int64
}

// A class is a number of pods that differ in nothing that matters here.
type class struct {
	key        string
	request    vector
	constraint *constraint
	count      int64
	size       float64 // of one pod, as a share of the largest node
}

// evaluation is one joint evaluation.
type evaluation struct {
	at          slot.Slot
	snapshot    *Snapshot
	dimensions  *dimensions
	constraints map[string]*constraint
	groups      []*group // by namespace and name
	bins        []*bin
	nodeBins    map[string]*bin // of nodes that are there
	pending     int64
	stranded    int64 // pods that were placed nowhere
}

// Evaluate places the pending pods of a snapshot for all groups at once, and
// returns what each needs, in the order of the groups.
func Evaluate(at slot.Slot, s *Snapshot, groups []Group) []Demand {
	e := &evaluation{at: at, snapshot: s, dimensions: newDimensions(), constraints: map[string]*constraint{}, nodeBins: map[string]*bin{}}
	given := make([]*group, len(groups))
	for i := range groups {
		given[i] = &group{Group: groups[i]}
	}
	e.groups = slices.Clone(given)
	slices.SortStableFunc(e.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	e.count()
	classes := e.classes()
	e.fill()
	e.order(classes)
	for _, c := range classes {
		e.place(c)
	}
	demands := make([]Demand, len(groups))
	for i, g := range given {
		demands[i] = e.demand(g)
	}
	return demands
}

// count finds each group's nodes, and how many more its provider promised.
func (e *evaluation) count() {
	for _, g := range e.groups {
		for _, node := range e.snapshot.nodes {
			if selects(g.Policy.Selector, node) {
				g.nodes = append(g.nodes, node)
			}
		}
		g.base = int64(len(g.nodes))
		if g.Policy.NodeGroup == "" {
			continue
		}
		if g.Code != observation.OK || g.Provider < 0 {
			g.hold = NoCount
			continue
		}
		g.coming = max(int64(g.Provider)-g.base, 0)
		g.base = int64(g.Provider)
	}
}

// classes sorts the pending pods into classes of equal ones, and counts those
// whose demands are not modelled as stranded.
func (e *evaluation) classes() []*class {
	byKey := map[string]*class{}
	var classes []*class
	var key []byte
	for _, pod := range e.snapshot.pods {
		if !waiting(pod) {
			continue
		}
		if !modelled(pod) {
			e.stranded++
			continue
		}
		e.pending++
		request := e.dimensions.request(pod)
		key = constraintKey(key[:0], pod)
		constraint := e.constraint(key, pod)
		key = requestKey(key, request)
		c := byKey[string(key)]
		if c == nil {
			c = &class{key: string(key), request: request, constraint: constraint}
			byKey[c.key] = c
			classes = append(classes, c)
		}
		c.count++
	}
	return classes
}

// waiting says whether the scheduler is looking for a node for the pod. Pods of
// DaemonSets are bound to nodes that are there.
func waiting(pod *corev1.Pod) bool {
	return pod.Spec.NodeName == "" && !finished(pod) && pod.DeletionTimestamp == nil && len(pod.Spec.SchedulingGates) == 0 && !ofDaemonSet(pod)
}

// order sorts the classes, the largest pods first: what is left of a node then
// holds smaller ones.
func (e *evaluation) order(classes []*class) {
	largest := make(vector, len(e.dimensions.names))
	grow := func(v vector) {
		for i := range v {
			largest[i] = max(largest[i], v[i])
		}
	}
	for _, node := range e.snapshot.nodes {
		grow(e.dimensions.offer(node.Status.Allocatable))
	}
	for _, g := range e.groups {
		if g.shape != nil {
			grow(g.shape.free)
		}
	}
	for _, c := range classes {
		for i, amount := range c.request {
			if amount > 0 {
				c.size = max(c.size, float64(amount)/float64(max(largest[i], 1)))
			}
		}
	}
	slices.SortFunc(classes, func(a, b *class) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.key, b.key))
	})
}

// place finds nodes for the pods of a class: on bins that are open first, then
// on new nodes of one group.
func (e *evaluation) place(c *class) {
	left := c.count
	for _, b := range e.bins {
		if left == 0 {
			return
		}
		left -= e.put(c, b, left)
	}
	if left == 0 {
		return
	}
	g := e.thriftiest(c, left)
	if g < 0 {
		e.stranded += left
		return
	}
	for left > 0 {
		e.groups[g].fresh++
		left -= e.put(c, e.newBin(g), left)
	}
}

// put places as many pods of a class on a bin as fit, and returns how many.
func (e *evaluation) put(c *class, b *bin, most int64) int64 {
	n := b.free.fits(c.request, most)
	if n == 0 || !c.constraint.allows(b) {
		return 0
	}
	b.free.take(c.request, n)
	b.used = true
	if b.group >= 0 {
		e.groups[b.group].pods += n
	}
	return n
}

// thriftiest is the group whose new nodes for n pods of a class would be left
// with the least unused, the first one of several, or -1 if none can run them.
func (e *evaluation) thriftiest(c *class, n int64) int {
	best, least := -1, int64(math.MaxInt64)
	for i, g := range e.groups {
		if g.shape == nil || g.hold != "" {
			continue
		}
		each := g.shape.free.fits(c.request, n)
		if each == 0 || !c.constraint.allows(g.shape) {
			continue
		}
		nodes := (n + each - 1) / each
		// Compared in billionths, so that no rounding of a float breaks a tie.
		if waste := int64(e.waste(g, c, n, nodes) * 1e9); waste < least {
			best, least = i, waste
		}
	}
	return best
}

// waste sums, over cpu, memory and the extended resources of a group's nodes,
// the unused share of nodes that hold n pods of a class.
func (e *evaluation) waste(g *group, c *class, n, nodes int64) float64 {
	total := 0.0
	for _, name := range g.shared {
		i, requested := e.dimensions.index[name]
		if !requested || i >= len(c.request) || g.shape.free[i] == 0 {
			total++
			continue
		}
		used := float64(c.request[i]) * float64(n)
		total += 1 - used/(float64(g.shape.free[i])*float64(nodes))
	}
	return total
}

// demand is the outcome for a group.
func (e *evaluation) demand(g *group) Demand {
	d := Demand{Known: g.hold != NoCount, Hold: g.hold}
	if !d.Known {
		return d
	}
	d.Replicas = saturate(g.base + g.fresh - e.released(g))
	d.PendingPods, d.UnschedulablePods = saturate(g.pods), saturate(e.stranded)
	return d
}

func saturate(n int64) int32 { return int32(min(max(n, 0), math.MaxInt32)) }
