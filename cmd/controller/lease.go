package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A lease is the lock by which replicas elect a leader. It remembers when this
// process last renewed it: one that was held up finds out by its own clock that
// its time is over, before it could write beside its successor.
type lease struct {
	resourcelock.Interface
	clock    clock.PassiveClock
	duration time.Duration

	mu      sync.Mutex
	renewed time.Time // zero while others hold the lease, or nobody
}

// openLease makes no call yet.
func (f *flags) openLease(config *rest.Config, events resourcelock.EventRecorder) (*lease, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	config = rest.CopyConfig(config)
	// One request that hangs must not cost the leadership.
	config.Timeout = max(f.renewDeadline/2, time.Second)
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, f.namespace, leaseName, client.CoreV1(), client.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID()), EventRecorder: events})
	if err != nil {
		return nil, err
	}
	return &lease{Interface: lock, clock: clock.RealClock{}, duration: f.leaseDuration}, nil
}

// Create implements resourcelock.Interface.
func (l *lease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	asked := l.clock.Now()
	err := l.Interface.Create(ctx, record)
	l.note(asked, record.HolderIdentity, err)
	return err
}

// Update implements resourcelock.Interface.
func (l *lease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	asked := l.clock.Now()
	err := l.Interface.Update(ctx, record)
	l.note(asked, record.HolderIdentity, err)
	return err
}

// note remembers a write that began at an instant: others count from when they
// see it, which is later. A renewal that failed changes nothing; a release counts
// even so, because the server may have taken it.
func (l *lease) note(asked time.Time, holder string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case holder != l.Identity():
		l.renewed = time.Time{}
	case err == nil:
		l.renewed = asked
	}
}

// fence is nil while nobody else can hold the lease.
func (l *lease) fence() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.renewed.IsZero() {
		return fmt.Errorf("the lease %s is not held: %w", l.Describe(), cycle.ErrUnavailable)
	}
	now := l.clock.Now()
	// A machine that was asleep sees it in the wall clock alone.
	age := max(now.Sub(l.renewed), now.Round(0).Sub(l.renewed.Round(0)))
	if age >= l.duration {
		return fmt.Errorf("the lease %s was last renewed %s ago: %w", l.Describe(), age.Round(time.Millisecond), cycle.ErrUnavailable)
	}
	return nil
}
