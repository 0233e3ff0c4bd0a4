package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A slowLock takes some time for a write, which may fail.
type slowLock struct {
	resourcelock.Interface
	clock *clocktesting.FakePassiveClock
	takes time.Duration
	err   error
}

func (l *slowLock) Identity() string { return "me" }
func (l *slowLock) Describe() string { return "namespace/name" }

func (l *slowLock) Update(context.Context, resourcelock.LeaderElectionRecord) error {
	l.clock.SetTime(l.clock.Now().Add(l.takes))
	return l.err
}

func (l *slowLock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.Update(ctx, r)
}

// TestLease renews a lease of 15 s and asks for the fence afterwards.
func TestLease(t *testing.T) {
	mine, nobodys := resourcelock.LeaderElectionRecord{HolderIdentity: "me"}, resourcelock.LeaderElectionRecord{}
	failed := errors.New("conflict")
	cases := []struct {
		reason string
		steps  func(l *lease, lock *slowLock)
		after  time.Duration
		held   bool
	}{
		{reason: "never held", steps: func(*lease, *slowLock) {}},
		{reason: "created", steps: func(l *lease, _ *slowLock) { _ = l.Create(context.Background(), mine) }, after: 14 * time.Second, held: true},
		{reason: "over", steps: func(l *lease, _ *slowLock) { _ = l.Create(context.Background(), mine) }, after: 15 * time.Second},
		{reason: "the time of the write counts", steps: func(l *lease, lock *slowLock) {
			lock.takes = 5 * time.Second
			_ = l.Update(context.Background(), mine)
		}, after: 10 * time.Second},
		{reason: "renewed", steps: func(l *lease, lock *slowLock) {
			_ = l.Create(context.Background(), mine)
			lock.clock.SetTime(lock.clock.Now().Add(10 * time.Second))
			_ = l.Update(context.Background(), mine)
		}, after: 10 * time.Second, held: true},
		{reason: "a renewal that failed is none", steps: func(l *lease, lock *slowLock) {
			_ = l.Create(context.Background(), mine)
			lock.clock.SetTime(lock.clock.Now().Add(10 * time.Second))
			lock.err = failed
			_ = l.Update(context.Background(), mine)
		}, after: 5 * time.Second},
		{reason: "but costs nothing either", steps: func(l *lease, lock *slowLock) {
			_ = l.Create(context.Background(), mine)
			lock.err = failed
			_ = l.Update(context.Background(), mine)
		}, after: 5 * time.Second, held: true},
		{reason: "released", steps: func(l *lease, _ *slowLock) {
			_ = l.Create(context.Background(), mine)
			_ = l.Update(context.Background(), nobodys)
		}},
		{reason: "a release whose answer is lost", steps: func(l *lease, lock *slowLock) {
			_ = l.Create(context.Background(), mine)
			lock.err = failed
			_ = l.Update(context.Background(), nobodys)
		}},
	}
	for _, c := range cases {
		clock := clocktesting.NewFakePassiveClock(time.Unix(1767600000, 0))
		lock := &slowLock{clock: clock}
		l := &lease{Interface: lock, clock: clock, duration: 15 * time.Second}
		c.steps(l, lock)
		clock.SetTime(clock.Now().Add(c.after))
		if err := l.fence(); (err == nil) != c.held || err != nil && !errors.Is(err, cycle.ErrUnavailable) {
			t.Errorf("%s: %v", c.reason, err)
		}
	}
}
