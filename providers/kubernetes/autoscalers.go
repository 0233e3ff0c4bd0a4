package kubernetes

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// retryAfter is how soon a slot is tried again that could not be committed.
const retryAfter = time.Second

// Autoscalers reconciles HorizontalAutoscalers.
type Autoscalers struct {
	// Objects has the specs; it may be a cache.
	Objects client.Reader
	// Driver decides. Its Since is set at the first wake-up, from Since.
	Driver *cycle.Autoscalers
	// Reporter is the driver's journal.
	Reporter *Reporter
	Clock    clock.PassiveClock
	// Since returns the last instant before this process was in charge; nil
	// leaves the driver's own.
	Since func() slot.Slot

	charged sync.Once
}

var _ reconcile.Reconciler = (*Autoscalers)(nil)

// Reconcile implements reconcile.Reconciler.
func (a *Autoscalers) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	a.charged.Do(func() {
		if a.Since != nil {
			a.Driver.Since = a.Since()
		}
	})
	object := &v1alpha1.HorizontalAutoscaler{}
	err := a.Objects.Get(ctx, request.NamespacedName, object)
	if apierrors.IsNotFound(err) || err == nil && object.DeletionTimestamp != nil {
		a.Driver.Forget(request.NamespacedName)
		a.Reporter.forget(keyOf(request.NamespacedName))
		return reconcile.Result{}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	now := a.Clock.Now()
	a.Reporter.begin(keyOf(request.NamespacedName), now)
	// A stop must not tear a decision apart; each of its calls is bounded.
	next, err := a.Driver.Reconcile(context.WithoutCancel(ctx), now, object)
	if err != nil {
		a.Reporter.Failed(err)
		log.FromContext(ctx).Error(err, "slot not decided", "code", cycle.Code(err))
	}
	return reconcile.Result{RequeueAfter: wait(a.Clock.Now(), next, err)}, nil
}

// wait is the time until the next wake-up. It is never 0, which would mean never.
func wait(now time.Time, next slot.Slot, err error) time.Duration {
	until := next.Time().Sub(now)
	if err != nil {
		until = min(until, retryAfter)
	}
	return max(until, time.Millisecond)
}
