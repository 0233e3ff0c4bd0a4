package kubernetes

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Driver decides the slots of the objects of one kind, as those of
// engine/cycle do.
type Driver[T client.Object] interface {
	Reconcile(ctx context.Context, now time.Time, object T) (slot.Slot, error)
	Forget(name types.NamespacedName)
}

// A Reconciler wakes a driver up.
type Reconciler[T client.Object] struct {
	// Kind is the kind of the objects in the journal, Empty makes one.
	Kind  string
	Empty func() T
	// Objects has the specs; it may be a cache.
	Objects client.Reader
	Driver  Driver[T]
	// Reporter is the driver's journal.
	Reporter *Reporter
	Clock    clock.PassiveClock
	// Leads, if set, is called once before the first wake-up: the process is
	// in charge by then.
	Leads func()
	// Fence is that of Options.
	Fence func() error
	// Target names what an object acts on, in all kinds alike: decisions about
	// one target are taken one after the other. Nil means that none are shared.
	Target func(T) string
	// Locks are shared by the reconcilers whose targets may be the same.
	Locks *Locks
	// Turns, if set, share the workers among namespaces.
	Turns *Turns
	// Woken, if set, is told the wake-up that follows a decision, or an attempt at one.
	Woken func(object journal.Object, next cycle.Wake)

	led sync.Once
}

// Reconcile implements reconcile.Reconciler.
func (r *Reconciler[T]) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if r.Turns == nil {
		return r.reconcile(ctx, request)
	}
	if !r.Turns.take(request) {
		return reconcile.Result{}, nil // it is called when it is its turn
	}
	began := r.Clock.Now()
	defer func() { r.Turns.pass(request, r.Clock.Since(began)) }()
	return r.reconcile(ctx, request)
}

func (r *Reconciler[T]) reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if r.Leads != nil {
		r.led.Do(r.Leads)
	}
	if r.Fence != nil {
		if err := r.Fence(); err != nil {
			r.Reporter.failed(err)
			return reconcile.Result{RequeueAfter: cycle.RetryAfter}, nil
		}
	}
	name := journal.Object{Kind: r.Kind, Namespace: request.Namespace, Name: request.Name}
	object := r.Empty()
	err := r.Objects.Get(ctx, request.NamespacedName, object)
	if apierrors.IsNotFound(err) || err == nil && object.GetDeletionTimestamp() != nil {
		r.Driver.Forget(request.NamespacedName)
		r.Reporter.forget(name)
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	if r.Target != nil {
		defer r.Locks.lock(r.Target(object))()
	}
	now := r.Clock.Now()
	r.Reporter.begin(name, now)
	// A stop must not tear a decision apart; each of its calls is bounded.
	next, err := r.Driver.Reconcile(context.WithoutCancel(ctx), now, object)
	switch {
	case errors.Is(err, cycle.ErrNotFound):
		// The object was deleted meanwhile; the next look at it forgets it.
		log.FromContext(ctx).V(1).Info("deleted while its slot was decided")
	case err != nil:
		r.Reporter.failed(err)
		log.FromContext(ctx).Error(errors.New(escape.Excerpt(err.Error())), "slot not decided", "code", cycle.Code(err))
	}
	now = r.Clock.Now()
	wake := cycle.NextWake(now, next, err)
	if r.Woken != nil {
		r.Woken(name, wake)
	}
	return reconcile.Result{RequeueAfter: until(now, wake)}, nil
}

// until is the time from now to a wake-up. It is never 0, which would mean never.
func until(now time.Time, wake cycle.Wake) time.Duration {
	return max(wake.At.Sub(now), time.Millisecond)
}

// Locks are mutexes by name. The zero value is ready for use.
type Locks struct {
	mu   sync.Mutex
	held map[string]*heldLock
}

type heldLock struct {
	sync.Mutex
	users int // who holds it or waits for it
}

// lock returns when nobody else holds the name, with what gives it back.
func (l *Locks) lock(name string) (unlock func()) {
	l.mu.Lock()
	h := l.held[name]
	if h == nil {
		if l.held == nil {
			l.held = map[string]*heldLock{}
		}
		h = &heldLock{}
		l.held[name] = h
	}
	h.users++
	l.mu.Unlock()
	h.Lock()
	return func() {
		h.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if h.users--; h.users == 0 {
			delete(l.held, name)
		}
	}
}
