package producer

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	scheduling "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// A constraint holds what pods demand of a node beside room on it. Pods with equal
// constraints share one.
type constraint struct {
	affinity    nodeaffinity.RequiredNodeAffinity
	tolerations []corev1.Toleration
	// allowed remembers the answer for each bin so far: 1 yes, -1 no.
	allowed []int8
}

// constraint is the one shared by all pods of equal constraints.
func (e *evaluation) constraint(key []byte, pod *corev1.Pod) *constraint {
	c := e.constraints[string(key)]
	if c == nil {
		c = &constraint{affinity: nodeaffinity.GetRequiredNodeAffinity(pod), tolerations: pod.Spec.Tolerations}
		e.constraints[string(key)] = c
	}
	return c
}

// allows says whether a bin's node fulfils the constraint.
func (c *constraint) allows(b *bin) bool {
	for len(c.allowed) <= b.index {
		c.allowed = append(c.allowed, 0)
	}
	if c.allowed[b.index] == 0 {
		c.allowed[b.index] = -1
		if c.matches(b.node) {
			c.allowed[b.index] = 1
		}
	}
	return c.allowed[b.index] > 0
}

// matches judges by node selector, required node affinity and taints. What
// cannot be parsed matches nothing, as in the scheduler.
func (c *constraint) matches(node *corev1.Node) bool {
	if ok, err := c.affinity.Match(node); err != nil || !ok {
		return false
	}
	return tolerated(scheduling.TolerationsTolerateTaint, c.tolerations, node.Spec.Taints)
}

// tolerated says whether every taint that keeps pods off a node is tolerated. The
// helper takes a logger, which this package has none of: the zero one is silent.
func tolerated[L any](tolerates func(L, []corev1.Toleration, *corev1.Taint, bool) bool, tolerations []corev1.Toleration, taints []corev1.Taint) bool {
	var silent L
	for i := range taints {
		if taints[i].Effect != corev1.TaintEffectPreferNoSchedule && !tolerates(silent, tolerations, &taints[i], true) {
			return false
		}
	}
	return true
}

// modelled says whether the evaluation understands all that the pod demands.
func modelled(pod *corev1.Pod) bool {
	if a := pod.Spec.Affinity; a != nil {
		if a.PodAffinity != nil && len(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 ||
			a.PodAntiAffinity != nil && len(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0 {
			return false
		}
	}
	for i := range pod.Spec.TopologySpreadConstraints {
		if pod.Spec.TopologySpreadConstraints[i].WhenUnsatisfiable != corev1.ScheduleAnyway {
			return false
		}
	}
	return len(pod.Spec.ResourceClaims) == 0 && !hostPorts(pod.Spec.Containers) && !hostPorts(pod.Spec.InitContainers)
}

func hostPorts(containers []corev1.Container) bool {
	for i := range containers {
		for j := range containers[i].Ports {
			if containers[i].Ports[j].HostPort != 0 {
				return true
			}
		}
	}
	return false
}

// constraintKey is equal for pods of equal constraints.
func constraintKey(b []byte, pod *corev1.Pod) []byte {
	for _, key := range sorted(slices.Collect(maps.Keys(pod.Spec.NodeSelector))) {
		b = strconv.AppendQuote(b, key)
		b = strconv.AppendQuote(b, pod.Spec.NodeSelector[key])
	}
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		text, _ := json.Marshal(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution) // strings always marshal
		b = append(append(b, '|'), text...)
	}
	for i := range pod.Spec.Tolerations {
		t := &pod.Spec.Tolerations[i]
		b = append(b, '!')
		b = strconv.AppendQuote(b, t.Key)
		b = strconv.AppendQuote(b, string(t.Operator))
		b = strconv.AppendQuote(b, t.Value)
		b = strconv.AppendQuote(b, string(t.Effect))
	}
	return b
}

// requestKey is equal for pods of equal requests.
func requestKey(b []byte, request vector) []byte {
	for i, amount := range request {
		if amount != 0 {
			b = strconv.AppendInt(append(b, '#'), int64(i), 10)
			b = strconv.AppendInt(append(b, '='), amount, 10)
		}
	}
	return b
}

// sorted is the list itself, sorted.
func sorted[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return list
}
