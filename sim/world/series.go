package world

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
)

// Emit takes one scraped sample.
type Emit func(l labels.Labels, v float64)

// A published series of a kind of scale target: what kube-state-metrics calls
// it, and which count it shows.
type published struct {
	name  string
	shows count
}

// A count is one of a target's numbers.
type count uint8

const (
	specCount count = iota
	statusCount
	readyCount
)

func (t *Target) shows(c count) int32 {
	switch c {
	case specCount:
		return t.Spec
	case statusCount:
		return t.Status
	}
	return t.Serving()
}

// stateMetrics are kube-state-metrics' series of the workload kinds, with the
// label that carries the object's name.
var stateMetrics = map[string]struct {
	label  string
	series []published
}{
	"Deployment": {"deployment", []published{
		{"kube_deployment_spec_replicas", specCount},
		{"kube_deployment_status_replicas", statusCount},
		{"kube_deployment_status_replicas_available", readyCount},
		{"kube_deployment_status_replicas_ready", readyCount},
	}},
	"StatefulSet": {"statefulset", []published{
		{"kube_statefulset_replicas", specCount},
		{"kube_statefulset_status_replicas", statusCount},
		{"kube_statefulset_status_replicas_available", readyCount},
		{"kube_statefulset_status_replicas_ready", readyCount},
	}},
	"ReplicaSet": {"replicaset", []published{
		{"kube_replicaset_spec_replicas", specCount},
		{"kube_replicaset_status_replicas", statusCount},
		{"kube_replicaset_status_ready_replicas", readyCount},
	}},
	"ReplicationController": {"replicationcontroller", []published{
		{"kube_replicationcontroller_spec_replicas", specCount},
		{"kube_replicationcontroller_status_replicas", statusCount},
		{"kube_replicationcontroller_status_ready_replicas", readyCount},
	}},
}

// anyTarget are the series of every other kind with a scale subresource.
var anyTarget = []published{
	{"karpenter_scale_target_spec_replicas", specCount},
	{"karpenter_scale_target_status_replicas", statusCount},
	{"karpenter_scale_target_status_ready_replicas", readyCount},
}

// PublishedNames are the names of all series that targets can publish, sorted
// by kind.
func PublishedNames() []string {
	var names []string
	for _, kind := range []string{"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"} {
		for _, p := range stateMetrics[kind].series {
			names = append(names, p.name)
		}
	}
	for _, p := range anyTarget {
		names = append(names, p.name)
	}
	return names
}

// A gauge is one series of one target.
type gauge struct {
	labels labels.Labels
	shows  count
}

// gauges are a target's series, in a fixed order.
func gauges(ref cycle.TargetRef) []gauge {
	metrics, known := stateMetrics[ref.Kind]
	list := metrics.series
	identity := []string{metrics.label, ref.Name, "namespace", ref.Namespace}
	if !known {
		list = anyTarget
		identity = []string{"kind", ref.Kind, "name", ref.Name, "namespace", ref.Namespace}
	}
	out := make([]gauge, len(list))
	for i, p := range list {
		out[i] = gauge{labels: labels.FromStrings(append([]string{labels.MetricName, p.name}, identity...)...), shows: p.shows}
	}
	return out
}

// Collector returns a function that emits the series of all targets there are now.
func (w *Targets) Collector() func(now int64, emit Emit) {
	byTarget := make([][]gauge, len(w.sorted))
	for i, t := range w.sorted {
		byTarget[i] = gauges(t.Ref)
	}
	return func(_ int64, emit Emit) {
		for i, t := range w.sorted {
			for _, g := range byTarget[i] {
				emit(g.labels, float64(t.shows(g.shows)))
			}
		}
	}
}

// Owns says whether a series is one that the targets publish themselves: it
// has the name and names the object, whatever other labels it has. Recordings
// of the same series must not stand beside it.
func (w *Targets) Owns(l labels.Labels) bool {
	name := l.Get(labels.MetricName)
	for _, t := range w.sorted {
		metrics, known := stateMetrics[t.Ref.Kind]
		if !known || l.Get(metrics.label) != t.Ref.Name || l.Get("namespace") != t.Ref.Namespace {
			continue
		}
		for _, p := range metrics.series {
			if p.name == name {
				return true
			}
		}
	}
	return false
}

// RecordedSelectors are the PromQL selectors of a target's recorded counts, the
// best first: of the ready replicas and of the wanted ones. Those of a node group are
// the controller's own. Other kinds without series of their own have none.
func RecordedSelectors(ref cycle.TargetRef) (ready, spec []string) {
	if ref.Kind == journal.ScalableNodeGroup {
		selector := func(name string) []string {
			return []string{fmt.Sprintf("%s{name=%q,namespace=%q}", name, ref.Name, ref.Namespace)}
		}
		return selector(nodegroup.ReadyReplicas), selector(nodegroup.SpecReplicas)
	}
	metrics := stateMetrics[ref.Kind]
	for _, p := range slices.Backward(metrics.series) {
		selector := fmt.Sprintf("%s{%s=%q,namespace=%q}", p.name, metrics.label, ref.Name, ref.Namespace)
		if p.shows == specCount {
			spec = append(spec, selector)
		} else {
			ready = append(ready, selector)
		}
	}
	return ready, spec
}
