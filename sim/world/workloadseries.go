package world

import (
	"maps"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"
)

// buckets are the upper bounds of the histogram of request durations, in seconds.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// A histogram counts served units by the time they took, waiting included.
type histogram struct {
	service logNormal
	mean    float64
	// atOnce are the buckets' shares of what did not wait.
	atOnce []float64
	below  []float64
	sum    float64
	total  float64
}

func newHistogram(service logNormal) histogram {
	h := histogram{service: service, mean: service.mean(), below: make([]float64, len(buckets)), atOnce: make([]float64, len(buckets))}
	for i, b := range buckets {
		h.atOnce[i] = service.below(b)
	}
	return h
}

// observe takes an amount that waited some milliseconds before it was served.
func (h *histogram) observe(waited int64, amount float64) {
	seconds := float64(waited) / 1000
	for i, b := range buckets {
		share := h.atOnce[i]
		if waited > 0 {
			share = h.service.below(b - seconds)
		}
		h.below[i] += float64(share * amount)
	}
	h.sum += float64(amount * (seconds + h.mean))
	h.total += amount
}

// A serviceGauge is one series of a workload.
type serviceGauge struct {
	labels labels.Labels
	value  func(w *Workload) float64
}

// Names of the series of workloads and pods.
const (
	requestsTotal   = "http_requests_total"
	requestDuration = "http_request_duration_seconds"
	queueLength     = "queue_length"
	queueOldest     = "queue_oldest_age_seconds"
	containerCPU    = "container_cpu_usage_seconds_total"
	containerAsks   = "kube_pod_container_resource_requests"
	podReady        = "kube_pod_status_ready"
	podPhase        = "kube_pod_status_phase"
	podInfo         = "kube_pod_info"
	podOwner        = "kube_pod_owner"
	replicaSetOwner = "kube_replicaset_owner"
	demandRate      = "simulation_demand"
	neededReplicas  = "simulation_needed_replicas"
)

// WorkloadNames are the names of all series that workloads and their pods can publish.
func WorkloadNames() []string {
	return []string{
		requestsTotal, requestDuration + "_bucket", requestDuration + "_sum", requestDuration + "_count",
		queueLength, queueOldest, containerCPU, containerAsks, podReady, podPhase, podInfo, podOwner, replicaSetOwner, demandRate, neededReplicas,
	}
}

// serviceGauges are the series of a workload as a whole, in a fixed order.
func serviceGauges(w *Workload) []serviceGauge {
	ref := w.Target.Ref
	var list []serviceGauge
	add := func(name string, extra []string, value func(*Workload) float64) {
		identity := []string{labels.MetricName, name, "namespace", ref.Namespace}
		for _, k := range sortedKeys(w.Labels) {
			identity = append(identity, k, w.Labels[k])
		}
		list = append(list, serviceGauge{labels.FromStrings(append(identity, extra...)...), value})
	}
	service := []string{"service", ref.Name}
	code := func(c string) []string { return append([]string{"code", c}, service...) }
	add(requestsTotal, code("200"), func(w *Workload) float64 { return w.backlog.served })
	add(requestsTotal, code("503"), func(w *Workload) float64 { return w.backlog.refused })
	add(requestsTotal, code("504"), func(w *Workload) float64 { return w.backlog.expired })
	for i, b := range buckets {
		le := append([]string{"le", strconv.FormatFloat(b, 'g', -1, 64)}, service...)
		add(requestDuration+"_bucket", le, func(w *Workload) float64 { return w.latency.below[i] })
	}
	add(requestDuration+"_bucket", append([]string{"le", "+Inf"}, service...), func(w *Workload) float64 { return w.latency.total })
	add(requestDuration+"_sum", service, func(w *Workload) float64 { return w.latency.sum })
	add(requestDuration+"_count", service, func(w *Workload) float64 { return w.latency.total })
	if w.Limit > 0 {
		queue := []string{"queue", ref.Name}
		add(queueLength, queue, func(w *Workload) float64 { return w.backlog.waiting })
		add(queueOldest, queue, func(w *Workload) float64 { return w.backlog.oldest(w.at) })
	}
	object := []string{"kind", ref.Kind, "name", ref.Name}
	add(demandRate, object, func(w *Workload) float64 { return w.Demand(w.at) })
	add(neededReplicas, object, func(w *Workload) float64 { return w.Demand(w.at) / w.Capacity })
	return list
}

// A podGauge is one series of a pod.
type podGauge struct {
	labels labels.Labels
	value  func(p *Pod) float64
}

// podGauges are the series of a pod where it is now, in a fixed order.
func podGauges(p *Pod) []podGauge {
	w := p.Workload
	ref := w.Target.Ref
	var list []podGauge
	add := func(name string, value func(*Pod) float64, identity ...string) {
		identity = append(identity, labels.MetricName, name, "namespace", ref.Namespace, "pod", p.Name)
		list = append(list, podGauge{labels.FromStrings(identity...), value})
	}
	node := ""
	if p.Node != nil {
		node = p.Node.Name
	}
	add(podReady, func(p *Pod) float64 { return truth(p.Ready) }, "condition", "true")
	add(podPhase, func(p *Pod) float64 { return truth(!p.runs()) }, "phase", "Pending")
	add(podPhase, func(p *Pod) float64 { return truth(p.runs()) }, "phase", "Running")
	add(podInfo, func(*Pod) float64 { return 1 }, "created_by_kind", p.OwnerKind, "created_by_name", p.OwnerName, "node", node)
	add(podOwner, func(*Pod) float64 { return 1 }, "owner_kind", p.OwnerKind, "owner_name", p.OwnerName, "owner_is_controller", "true")
	if w.cores > 0 {
		add(containerAsks, func(*Pod) float64 { return w.cores }, "container", ref.Name, "node", node, "resource", "cpu", "unit", "core")
	}
	if w.room.bytes > 0 {
		add(containerAsks, func(*Pod) float64 { return float64(w.room.bytes) }, "container", ref.Name, "node", node, "resource", "memory", "unit", "byte")
	}
	if p.runs() {
		add(containerCPU, (*Pod).cpuSeconds, "container", ref.Name)
	}
	return list
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// runs says whether the pod has a place, if it needs one.
func (p *Pod) runs() bool { return p.Node != nil || p.Workload.world.scheduler == nil }

// cpuSeconds is the cpu time that the pod has used. At its capacity it uses
// what it requests, or one core where it requests nothing.
func (p *Pod) cpuSeconds() float64 {
	w := p.Workload
	served := p.used
	if p.Ready {
		served += w.share - p.since
	}
	cores := w.cores
	if cores == 0 {
		cores = 1
	}
	return served / w.Capacity * cores
}

// Emit emits the series of all workloads and their pods at an instant in Unix
// milliseconds.
func (ws *Workloads) Emit(now int64, emit Emit) {
	ws.Advance(now)
	for _, w := range ws.sorted {
		for _, g := range w.gauges {
			emit(g.labels, g.value(w))
		}
		for _, p := range w.pods {
			for _, g := range p.gauges {
				emit(g.labels, g.value(p))
			}
		}
		for _, name := range w.replicaSets() {
			emit(labels.FromStrings(labels.MetricName, replicaSetOwner, "namespace", w.Target.Ref.Namespace, "replicaset", name,
				"owner_kind", w.Target.Ref.Kind, "owner_name", w.Target.Ref.Name, "owner_is_controller", "true"), 1)
		}
	}
}

// replicaSets are the names of the ReplicaSets of a Deployment that have pods, and of
// the one that would get the next, sorted.
func (w *Workload) replicaSets() []string {
	if w.names.replicaSet == "" {
		return nil
	}
	sets := []string{w.names.replicaSet}
	for _, p := range w.pods {
		if !slices.Contains(sets, p.OwnerName) {
			sets = append(sets, p.OwnerName)
		}
	}
	slices.Sort(sets)
	return sets
}

// Owns says whether a series is one that a workload publishes itself, whatever
// other labels it has.
func (ws *Workloads) Owns(l labels.Labels) bool {
	name := l.Get(labels.MetricName)
	for _, w := range ws.sorted {
		ref := w.Target.Ref
		if l.Get("namespace") != ref.Namespace {
			continue
		}
		switch name {
		case requestsTotal, requestDuration + "_bucket", requestDuration + "_sum", requestDuration + "_count":
			if l.Get("service") == ref.Name {
				return true
			}
		case queueLength, queueOldest:
			if l.Get("queue") == ref.Name {
				return true
			}
		case containerCPU, containerAsks, podReady, podPhase, podInfo, podOwner:
			if w.names.own.MatchString(l.Get("pod")) {
				return true
			}
		case replicaSetOwner:
			if l.Get("owner_kind") == ref.Kind && l.Get("owner_name") == ref.Name {
				return true
			}
		}
	}
	return false
}
