package cycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// attempts bounds how often one slot is decided again after a conflict.
const attempts = 3

// objectMemory holds what a driver knows of an object of any kind. Between two calls it
// agrees with the store.
type objectMemory struct {
	name types.NamespacedName

	// Of the spec.
	uid        types.UID
	generation int64
	compiled   bool
	invalid    string // why there is no policy
	encoded    string // the policy's canonical JSON
	digest     string // its digest
	grid       slot.Grid
	created    slot.Slot

	// annotations are read at each slot: no generation changes with them.
	annotations map[string]string

	// Of the store.
	loaded  bool
	version string
	text    string // the state's text form
	named   string // its digest

	// Of the grid.
	last    slot.Slot // last decided slot
	decided bool      // whether there is one in this process

	record journal.Record // reused from slot to slot
}

func (l *objectMemory) is() *objectMemory { return l }

// A memory holds what a driver knows of an object of its kind.
type memory interface{ is() *objectMemory }

// memories holds what the driver knows of each object of a kind.
type memories[M memory] struct {
	mu     sync.Mutex
	byName map[types.NamespacedName]M
}

// of returns what is known of an object, at first nothing but its name.
func (all *memories[M]) of(kind string, o metav1.Object, empty func() M) M {
	all.mu.Lock()
	defer all.mu.Unlock()
	name := types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
	m, known := all.byName[name]
	if !known {
		if all.byName == nil {
			all.byName = map[types.NamespacedName]M{}
		}
		m = empty()
		l := m.is()
		l.name = name
		l.record.Object = journal.Object{Kind: kind, Namespace: name.Namespace, Name: name.Name}
		l.restore("")
		all.byName[name] = m
	}
	return m
}

func (all *memories[M]) forget(name types.NamespacedName) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.byName, name)
}

// steps is the part of a decision that differs from kind to kind.
type steps[O metav1.Object, M memory] interface {
	// compile turns the spec into a policy, and places the object on its grid.
	compile(m M, object O)
	// load takes the status, and the state in it, from the store.
	load(ctx context.Context, m M, object O, now slot.Slot)
	// latest returns the last slot that the state shows as decided, 0 for none.
	latest(m M) slot.Slot
	// begin sets the state aside, in the store, too, and says why in the status.
	begin(ctx context.Context, m M, s slot.Slot, why string) error
	// journal is where what happens is written down.
	journal() Journal
	// decide takes one slot from observation to actuation.
	decide(ctx context.Context, m M, s slot.Slot) error
}

// A loader reads an object itself, past any cache.
type loader[O any] interface {
	Load(ctx context.Context, name types.NamespacedName) (Stored[O], error)
}

// reconcile decides the slot that now falls on, if it is due, and returns the
// next one. Slots up to since are not this driver's. An error means that the
// slot was not decided for want of the store.
func reconcile[O metav1.Object, M memory](ctx context.Context, now time.Time, since slot.Slot, object O, m M, store loader[O], kind steps[O, M]) (slot.Slot, error) {
	l := m.is()
	at := slot.At(now)
	for range attempts {
		compile(m, object, kind)
		if err := load(ctx, at, m, store, kind); err != nil {
			return l.grid.Next(at), err
		}
		due := l.grid.Of(at)
		latest := kind.latest(m)
		if since-at > clockStep {
			since = 0 // the clock has been set back since
		}
		var err error
		switch {
		case l.ahead(latest, at):
			err = beginAnew(ctx, m, max(latest, l.last), due, kind)
		case due <= since || !l.due(due) || due <= latest:
			return l.grid.Next(at), nil
		default:
			err = kind.decide(ctx, m, due)
		}
		if !errors.Is(err, ErrConflict) {
			return l.grid.Next(at), err
		}
		// Somebody else wrote the object: what they wrote may change the decision.
		stored, err := store.Load(ctx, l.name)
		if err != nil {
			return l.grid.Next(at), err
		}
		object = stored.Object
	}
	return l.grid.Next(at), ErrConflict
}

// compile compiles the spec, once a generation. An older generation comes from a
// cache that lags behind a load.
func compile[O metav1.Object, M memory](m M, object O, kind steps[O, M]) {
	l := m.is()
	if !l.compiled || l.uid != object.GetUID() || object.GetGeneration() >= l.generation {
		l.annotations = object.GetAnnotations()
	}
	if l.compiled && l.uid == object.GetUID() && object.GetGeneration() <= l.generation {
		return
	}
	if l.uid != object.GetUID() {
		l.loaded, l.decided = false, false
	}
	l.compiled, l.uid, l.generation = true, object.GetUID(), object.GetGeneration()
	l.created = slot.At(object.GetCreationTimestamp().Time)
	l.invalid, l.encoded, l.digest = "", "", ""
	kind.compile(m, object)
}

// load reads the state once; from then on the driver's memory is the truth.
func load[O metav1.Object, M memory](ctx context.Context, now slot.Slot, m M, store loader[O], kind steps[O, M]) error {
	l := m.is()
	if l.loaded {
		return nil
	}
	stored, err := store.Load(ctx, l.name)
	if err != nil {
		return err
	}
	compile(m, stored.Object, kind)
	l.loaded, l.version = true, stored.Version
	kind.load(ctx, m, stored.Object, now)
	return nil
}

// Slots of the past cannot lie ahead, unless a clock was wrong or a hand wrote
// them. clockSkew is by how many seconds the clocks of two processes may differ,
// which is how long a lease lasts; clockStep is how far a clock may be set back
// for its past to be waited for.
const (
	clockSkew slot.Slot = 15
	clockStep slot.Slot = 300
)

// ahead says whether the latest slot of the state, or the last one that this
// process decided, lies too far ahead of now to be waited for: until it came,
// nothing would be decided.
func (l *objectMemory) ahead(latest, now slot.Slot) bool {
	if l.decided {
		return max(latest, l.last)-now > max(clockStep, slot.Slot(l.grid.Interval))
	}
	return latest-now > max(clockSkew, slot.Slot(l.grid.Interval))
}

// StateReset is the reason of conditions, and the result of an outcome, where a
// state was set aside that lay ahead of the clock.
const StateReset = "StateReset"

// beginAnew sets a state aside that lies ahead of the clock. The next slot is
// decided as at first sight, which no window lets scale down at once; to a target
// that may sleep it counts as activity.
func beginAnew[O metav1.Object, M memory](ctx context.Context, m M, latest, due slot.Slot, kind steps[O, M]) error {
	l := m.is()
	why := fmt.Sprintf("the last decided slot in status.state is %s, which lies ahead of the clock: the state was set aside, and the next slot is decided as at first sight", latest)
	l.restore("")
	if err := kind.begin(ctx, m, due, why); err != nil {
		l.loaded = false
		return err
	}
	l.last, l.decided = due, true
	kind.journal().Outcome(&journal.Outcome{Object: l.record.Object, Slot: due, Result: StateReset})
	return nil
}

// due says whether a slot has come that this process has not decided.
func (l *objectMemory) due(s slot.Slot) bool {
	return s >= l.created && !(l.decided && s <= l.last)
}

// setPolicy makes a policy, in its canonical JSON, the one that is decided by.
func (l *objectMemory) setPolicy(encoded []byte) {
	l.encoded, l.digest = string(encoded), policy.Digest(encoded)
}

// restore makes a text the state that the store has.
func (l *objectMemory) restore(text string) {
	l.text, l.named = text, journal.Digest([]byte(text))
}

// open begins the record of a slot, with the state as it is before.
func (l *objectMemory) open(s slot.Slot) {
	r := &l.record
	r.Generation, r.Slot = l.generation, s
	r.Policy, r.PolicyBody = l.digest, l.encoded
	r.Prev, r.StateBody, r.State = l.named, l.text, l.named
}

// pass notes that a slot is decided: what it decided is committed.
func (l *objectMemory) pass(s slot.Slot) {
	l.record.Missed = 0
	if l.decided {
		l.record.Missed = l.grid.Between(l.last, s)
	}
	l.last, l.decided = s, true
}

// phase places an object on the grid of its interval.
func phase(given func(types.NamespacedName, int32) int32, kind string, name types.NamespacedName, interval int32) int32 {
	if given != nil {
		return given(name, interval)
	}
	return slot.Phase(kind, name.Namespace, name.Name, interval)
}
