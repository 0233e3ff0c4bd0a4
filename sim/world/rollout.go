package world

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/intstr"
)

// A Rollout says how a new version replaces the replicas of an object.
type Rollout struct {
	// Batch, unless 0, is how many are replaced at a time: they go, and the next
	// batch goes once no replica is missing or starting.
	Batch int32
	// Surge and Unavailable are a Deployment's maxSurge and maxUnavailable, where
	// there is no Batch: a number of replicas, or a percentage of spec.replicas.
	Surge, Unavailable intstr.IntOrString
}

// bounds are how many replicas may be there besides spec, and how many of spec may
// be missing. As in Kubernetes a percentage is rounded up of the first and down of
// the second, and one of them is at least 1, else nothing could move.
func (r *Rollout) bounds(spec int32) (surge, unavailable int32) {
	scaled := func(v intstr.IntOrString, up bool) int32 {
		n, _ := intstr.GetScaledValueFromIntOrPercent(&v, int(spec), up) // scenarios validate it
		return int32(n)
	}
	surge, unavailable = scaled(r.Surge, true), scaled(r.Unavailable, false)
	if surge == 0 && unavailable == 0 {
		unavailable = 1
	}
	return surge, unavailable
}

// A fleet counts the replicas of an object while a rollout goes on.
type fleet struct {
	spec                 int32
	oldReady, oldUnready int32
	newReady, newUnready int32
}

// A rolloutStep says what a rollout does next.
type rolloutStep struct {
	// surplus new replicas, unready old ones and ready old ones go.
	surplus, unready, ready int32
	// create is how many new ones start.
	create int32
}

// next is the step that a rollout can make now, zero while it waits. With maxSurge
// and maxUnavailable it is that of Kubernetes' Deployment controller
// (pkg/controller/deployment/rolling.go): new replicas while there is room for them,
// else old ones go as far as enough replicas serve.
func (r *Rollout) next(f fleet) rolloutStep {
	old, fresh := f.oldReady+f.oldUnready, f.newReady+f.newUnready
	if r.Batch > 0 {
		if f.oldUnready+f.newUnready > 0 {
			return rolloutStep{}
		}
		count := min(r.Batch, old)
		return rolloutStep{ready: count, create: count}
	}
	surge, unavailable := r.bounds(f.spec)
	if fresh > f.spec {
		return rolloutStep{surplus: fresh - f.spec}
	}
	if create := min(f.spec+surge-old-fresh, f.spec-fresh); create > 0 {
		return rolloutStep{create: create}
	}
	least := f.spec - unavailable
	room := max(0, old+fresh-least-f.newUnready)
	return rolloutStep{
		unready: min(f.oldUnready, room),
		ready:   max(0, min(f.oldReady, f.oldReady+f.newReady-least)),
	}
}

// over says whether nothing is left to replace.
func (r *Rollout) over(f fleet) bool {
	return f.oldReady+f.oldUnready == 0 && (r.Batch > 0 || f.newReady+f.newUnready == f.spec)
}

// Rollout replaces all pods that there are now.
func (w *Workload) Rollout(r Rollout) {
	w.advance(w.world.timeline.Now().UnixMilli())
	w.names.revise()
	for _, p := range w.pods {
		p.old = true
	}
	w.rolling = &r
	w.roll()
}

// roll moves a rollout on as far as it can go now. A pod that is ready at once does
// not move it on before its own step is complete.
func (w *Workload) roll() {
	for w.rolling != nil && !w.moving {
		step := w.rolling.next(w.fleet())
		if step != (rolloutStep{}) {
			w.moving = true
			w.remove(int(step.surplus), func(p *Pod) bool { return !p.old })
			w.replace(step.unready, false)
			w.replace(step.ready, true)
			for range step.create {
				w.start(w.create())
			}
			w.count()
			w.world.reschedule()
			w.moving = false
		}
		if w.rolling.over(w.fleet()) {
			w.rolling = nil
		}
		if step == (rolloutStep{}) {
			return
		}
	}
}

// replace deletes old pods: of those that are ready the first, of the others the
// youngest.
func (w *Workload) replace(count int32, ready bool) {
	for range count {
		old := func(p *Pod) bool { return p.old && p.Ready == ready }
		i := slices.IndexFunc(w.pods, old)
		for k := range w.pods {
			if !ready && old(w.pods[k]) {
				i = k
			}
		}
		w.delete(i)
	}
}

// fleet counts the pods.
func (w *Workload) fleet() fleet {
	f := fleet{spec: w.Target.Spec}
	for _, p := range w.pods {
		switch {
		case p.old && p.Ready:
			f.oldReady++
		case p.old:
			f.oldUnready++
		case p.Ready:
			f.newReady++
		default:
			f.newUnready++
		}
	}
	return f
}

// Rollout replaces all replicas that a target without pods has now.
func (w *Targets) Rollout(t *Target, r Rollout) {
	t.rolling, t.old = &r, t.Status
	for i := range t.starting {
		t.starting[i].old = true
	}
	w.roll(t)
}

// roll moves a rollout on as far as it can go now.
func (w *Targets) roll(t *Target) {
	for t.rolling != nil {
		f := t.fleet()
		step := t.rolling.next(f)
		if t.rolling.over(f) {
			t.rolling, t.old = nil, 0
		}
		if step == (rolloutStep{}) {
			return
		}
		t.cancel(step.surplus, func(b *batch) bool { return !b.old })
		t.cancel(step.unready, func(b *batch) bool { return b.old })
		t.Status -= step.surplus + step.unready + step.ready
		t.old -= step.unready + step.ready
		w.add(t, step.create)
		t.changed()
	}
}

// fleet counts the replicas.
func (t *Target) fleet() fleet {
	f := fleet{spec: t.Spec}
	for _, b := range t.starting {
		if b.old {
			f.oldUnready += b.count
		} else {
			f.newUnready += b.count
		}
	}
	f.oldReady = t.old - f.oldUnready
	f.newReady = t.Status - t.old - f.newUnready
	return f
}
