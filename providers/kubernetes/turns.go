package kubernetes

import (
	"container/list"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// slowAfter is how long a decision takes that is slow: what decides by memory and
// a healthy Prometheus takes a few hundredths of it.
const slowAfter = time.Second

// Turns share the workers of a reconciler among namespaces, so that one tenant
// whose queries hang cannot starve the others: a namespace has at most a quarter
// of the workers. Objects whose last decision was slow have at most half of
// that, and of all workers together half, so that objects that keep timing out
// take no worker from those that do not, in their own namespace or in any.
//
// Who must wait is parked. The end of a turn calls the two that were parked first
// of those that have a worker at that moment, each judged alone; so of one
// namespace's requests that are slow alike the earlier is called first, and who has
// no worker is passed over. A call is no turn: it puts the request on the queue of
// work, and one whose worker is taken by then is parked again, behind all others.
type Turns struct {
	workers int
	call    func(reconcile.Request)

	mu   sync.Mutex
	slow map[types.NamespacedName]bool
	// busy are the workers of each namespace, slowBusy those with slow objects.
	busy, slowBusy map[string]int
	allSlowBusy    int
	// waiting are requests in the order in which they were parked; parked says which.
	waiting list.List
	parked  map[types.NamespacedName]bool
}

// NewTurns returns the turns of a number of workers. call puts a request on the
// queue of work.
func NewTurns(workers int, call func(reconcile.Request)) *Turns {
	return &Turns{
		workers: workers, call: call, slow: map[types.NamespacedName]bool{},
		busy: map[string]int{}, slowBusy: map[string]int{}, parked: map[types.NamespacedName]bool{},
	}
}

// take gives a request its turn, or parks it. Whoever has a turn must pass it on.
func (t *Turns) take(request reconcile.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	name := request.NamespacedName
	if !t.free(name) {
		if !t.parked[name] {
			t.parked[name] = true
			t.waiting.PushBack(request)
		}
		return false
	}
	t.count(name, 1)
	return true
}

// free says whether there is a worker for an object now.
func (t *Turns) free(name types.NamespacedName) bool {
	share := func(part int) int { return max(1, t.workers/part) }
	if t.busy[name.Namespace] >= share(4) {
		return false
	}
	return !t.slow[name] || t.slowBusy[name.Namespace] < share(8) && t.allSlowBusy < share(2)
}

// count adds an object's worker to those that are busy, or takes it off.
func (t *Turns) count(name types.NamespacedName, one int) {
	add := func(counts map[string]int) {
		if counts[name.Namespace] += one; counts[name.Namespace] == 0 {
			delete(counts, name.Namespace)
		}
	}
	add(t.busy)
	if t.slow[name] {
		add(t.slowBusy)
		t.allSlowBusy += one
	}
}

// pass ends a turn that took a while, and calls who can have the next one.
func (t *Turns) pass(request reconcile.Request, took time.Duration) {
	t.mu.Lock()
	t.count(request.NamespacedName, -1)
	if took >= slowAfter {
		t.slow[request.NamespacedName] = true
	} else {
		delete(t.slow, request.NamespacedName)
	}
	next := t.unpark()
	t.mu.Unlock()
	for _, r := range next {
		t.call(r)
	}
}

// unpark takes those off the waiting list that have become free by the end of a
// turn: one of its namespace, and one where it had the last worker for slow objects.
func (t *Turns) unpark() []reconcile.Request {
	var next []reconcile.Request
	for e := t.waiting.Front(); e != nil && len(next) < 2; {
		r, following := e.Value.(reconcile.Request), e.Next()
		if t.free(r.NamespacedName) {
			t.waiting.Remove(e)
			delete(t.parked, r.NamespacedName)
			next = append(next, r)
		}
		e = following
	}
	return next
}
