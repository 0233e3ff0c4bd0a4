package world

import (
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A Workload serves a demand with the pods of a target.
type Workload struct {
	Target *Target
	// Demand is units a second.
	Demand Demand
	// Capacity is the amount that one replica serves a second at full use of its request;
	// it can serve Saturation times that.
	Capacity, Saturation float64
	// Startup is how long a pod with a place takes to become ready.
	Startup Delay
	// Limit is how much may wait, 0 for nothing, +Inf for anything; Timeout how long, 0 for ever.
	Limit   float64
	Timeout time.Duration
	// ServiceP50 and ServiceP95 are percentiles of the time that serving takes.
	ServiceP50, ServiceP95 time.Duration
	// Requests has the resources that each pod requests.
	Requests corev1.ResourceList
	// NodeSelector are the labels of the nodes that can run the pods.
	NodeSelector map[string]string
	// Labels are added to the series of the service.
	Labels map[string]string
	// Names draws the names of pods; nil draws the same ones for every seed.
	Names *rand.Rand
	// Waiting is the amount that already waits at the start.
	Waiting float64
	// Needed, if set, is told the replicas that the demand needs, from an
	// instant in Unix seconds on.
	Needed func(at int64, replicas float64)
	// Pending, if set, is told how many pods have no node to run on, from an
	// instant in Unix seconds on. Where pods need none it is not called.
	Pending func(at int64, pods float64)

	// cores are the cpu that a pod requests, room is all it requests.
	cores   float64
	room    room
	world   *Workloads
	backlog backlog
	latency histogram
	pods    []*Pod
	// unready counts the pods that are not ready. waiting are those without a node
	// where they need one, in the order of the pods.
	unready int32
	waiting []*Pod
	// containers stand in each pod, once they were asked for.
	containers []corev1.Container
	// names has the names of the pods.
	names *naming
	// at is the instant up to which demand has been served, in Unix milliseconds.
	at int64
	// share is the work that one ready replica has served since the start.
	share  float64
	gauges []serviceGauge
	// rolling replaces the old pods, nil while nothing does; moving says that a step
	// of it is being made.
	rolling *Rollout
	moving  bool
}

// A Pod is one replica of a workload.
type Pod struct {
	Name     string
	Workload *Workload
	// OwnerKind and OwnerName are what it belongs to: a Deployment's to a ReplicaSet.
	OwnerKind, OwnerName string
	// Node is where it runs, nil while it is pending.
	Node  *Node
	Ready bool

	created time.Time
	gone    bool
	// old says that a rollout is to replace it.
	old bool
	// ordinal is that of a StatefulSet's pod.
	ordinal int
	// cut says that the pod would be ready if its node were.
	cut bool
	// since is the workload's share at which the pod became ready, used what it
	// had served before.
	since, used float64
	gauges      []podGauge
	// api is the pod as an API server has it, nil until it is asked for.
	api *corev1.Pod
}

// Workloads are all workloads of a world.
type Workloads struct {
	timeline Timeline
	sorted   []*Workload
	// scheduler places pods on nodes; nil where nodes are not simulated.
	scheduler Scheduler
	// started says that the run has begun: until then, pods are ready at once.
	started bool
}

// A Scheduler finds places for pods.
type Scheduler interface {
	// Schedule places what can be placed.
	Schedule()
	// Free is told that a pod has left its node.
	Free(p *Pod)
}

// NewWorkloads returns an empty set whose pods need no nodes.
func NewWorkloads(timeline Timeline) *Workloads { return &Workloads{timeline: timeline} }

// Add adds a workload, whose target then belongs to it.
func (ws *Workloads) Add(w *Workload) {
	w.world = ws
	w.Target.owner = w
	w.backlog = backlog{limit: w.Limit, timeout: w.Timeout.Milliseconds()}
	w.latency = newHistogram(newLogNormal(w.ServiceP50, w.ServiceP95))
	w.cores = float64(w.Requests.Cpu().MilliValue()) / 1000
	w.room = roomOf(w.Requests)
	w.room.pods = 1
	if w.Names == nil {
		w.Names = Random(0, w.Target.Ref.Kind+"/"+w.Target.Ref.Namespace+"/"+w.Target.Ref.Name)
	}
	w.names = newNaming(w.Target.Ref.Kind, w.Target.Ref.Name, w.Names)
	w.gauges = serviceGauges(w)
	ws.sorted = append(ws.sorted, w)
	slices.SortFunc(ws.sorted, func(a, b *Workload) int { return compareRefs(a.Target.Ref, b.Target.Ref) })
}

// Start puts the pods of every target's spec into the world, ready unless they
// have to find a node.
func (ws *Workloads) Start() {
	now := ws.timeline.Now().UnixMilli()
	for _, w := range ws.sorted {
		w.at = now
		if w.Waiting > 0 {
			w.backlog.arrive(now, w.Waiting)
		}
		for range w.Target.Spec {
			w.start(w.create())
		}
		w.count()
	}
	ws.reschedule()
	ws.started = true
}

// Advance serves the demand of all workloads up to an instant in Unix milliseconds.
func (ws *Workloads) Advance(now int64) {
	for _, w := range ws.sorted {
		w.advance(now)
	}
}

// stride is the longest step of the integration, in milliseconds. Steps end at
// whole strides, so that the result does not depend on who asks when.
const stride = 1000

func (w *Workload) advance(now int64) {
	for w.at < now {
		next := min(now, (w.at/stride+1)*stride)
		w.serve(next)
		w.at = next
	}
}

// serve integrates from w.at to an instant.
func (w *Workload) serve(until int64) {
	seconds := float64(until-w.at) / 1000
	rate := w.Demand(w.at)
	if w.Needed != nil && w.at%1000 == 0 {
		w.Needed(w.at/1000, rate/w.Capacity)
	}
	w.backlog.arrive(w.at, rate*seconds)
	ready := float64(w.Target.Serving())
	most := ready * w.Capacity * w.Saturation * seconds
	served := w.backlog.serve(w.at, most, w.latency.observe)
	if ready > 0 {
		w.share += served / ready
	}
	w.backlog.turnAway(until)
}

// scaled follows a new spec: pods are created, or those deleted that are the
// least loss, not ready and young ones first.
func (w *Workload) scaled() {
	w.advance(w.world.timeline.Now().UnixMilli())
	if w.rolling == nil || w.rolling.Batch > 0 { // else the rollout follows
		for range int(w.Target.Spec) - len(w.pods) {
			w.start(w.create())
		}
		w.remove(len(w.pods)-int(w.Target.Spec), func(*Pod) bool { return true })
	}
	w.count()
	w.world.reschedule()
	w.roll()
}

func (ws *Workloads) reschedule() {
	if ws.scheduler != nil {
		ws.scheduler.Schedule()
	}
}

func (w *Workload) create() *Pod {
	p := &Pod{Workload: w, created: w.world.timeline.Now()}
	p.Name, p.ordinal = w.names.next(w.pods)
	p.OwnerKind, p.OwnerName = w.names.owner()
	p.gauges = podGauges(p)
	w.pods = insert(w.pods, p)
	w.unready++
	if w.world.scheduler != nil {
		w.waiting = insert(w.waiting, p)
	}
	return p
}

// start starts a pod where no node is needed; else the scheduler will.
func (w *Workload) start(p *Pod) {
	if w.world.scheduler == nil {
		w.boot(p)
	}
}

// place has a pod run on a node from now on.
func (p *Pod) place(n *Node) {
	p.Node, p.api = n, nil
	p.gauges = podGauges(p)
	p.Workload.boot(p)
	p.Workload.notePending()
}

// notePending tells how many pods have no node.
func (w *Workload) notePending() {
	if w.Pending == nil || w.world.scheduler == nil {
		return
	}
	w.Pending(w.world.timeline.Now().Unix(), float64(len(w.waiting)))
}

// Evict takes a pod off its node, which is gone; another one replaces it.
func (p *Pod) Evict() {
	w := p.Workload
	if p.gone {
		return
	}
	w.advance(w.world.timeline.Now().UnixMilli())
	p.Node = nil
	w.drop(slices.Index(w.pods, p))
	w.start(w.create())
	w.count()
}

// reach says that the pod's node has lost the cluster, or found it again.
func (p *Pod) reach(found bool) {
	w := p.Workload
	w.advance(w.world.timeline.Now().UnixMilli())
	switch {
	case found && p.cut:
		p.cut = false
		w.ready(p)
	case !found && p.Ready:
		p.used += (w.share - p.since)
		p.cut, p.Ready = true, false
		w.unready++
		w.count()
	}
}

// boot makes a pod ready after its start-up delay.
func (w *Workload) boot(p *Pod) {
	delay := time.Duration(0)
	if w.world.started {
		delay = w.Startup()
	}
	if delay <= 0 {
		w.ready(p)
		return
	}
	w.world.timeline.At(w.world.timeline.Now().Add(delay), "pod/"+w.Target.Ref.Namespace+"/"+p.Name, func() { w.ready(p) })
}

func (w *Workload) ready(p *Pod) {
	if p.gone {
		return
	}
	if p.Node != nil && !p.Node.ready {
		p.cut = true
		return
	}
	w.advance(w.world.timeline.Now().UnixMilli())
	p.Ready, p.since = true, w.share
	w.unready--
	w.count()
	w.roll()
}

// remove deletes some of the pods: those that are not ready, then the others, the
// youngest first; of a StatefulSet those with the highest ordinals.
func (w *Workload) remove(count int, of func(*Pod) bool) {
	for w.names.kind == "StatefulSet" && count > 0 {
		w.delete(len(w.pods) - 1)
		count--
	}
	for _, ready := range []bool{false, true} {
		for i := len(w.pods) - 1; i >= 0 && count > 0; i-- {
			if p := w.pods[i]; p.Ready == ready && of(p) {
				w.delete(i)
				count--
			}
		}
	}
}

func (w *Workload) delete(i int) {
	p := w.pods[i]
	switch {
	case p.Node != nil:
		w.world.scheduler.Free(p)
	case w.world.scheduler != nil:
		// The youngest go first, so that it is among the last that wait.
		at := len(w.waiting) - 1
		for w.waiting[at] != p {
			at--
		}
		w.waiting = slices.Delete(w.waiting, at, at+1)
	}
	w.drop(i)
}

// drop takes a pod out of the world.
func (w *Workload) drop(i int) {
	p := w.pods[i]
	p.gone = true
	w.pods = slices.Delete(w.pods, i, i+1)
	if !p.Ready {
		w.unready--
	}
}

// count brings the target's counts in line with the pods.
func (w *Workload) count() {
	w.notePending()
	t := w.Target
	status := int32(len(w.pods))
	if t.Status == status && t.unready == w.unready {
		return
	}
	t.Status, t.unready = status, w.unready
	t.changed()
}

// Of is the workload of a target, or nil.
func (ws *Workloads) Of(t *Target) *Workload {
	if t == nil {
		return nil
	}
	return t.owner
}
