package kubernetes

import (
	"sync"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func TestUntil(t *testing.T) {
	now := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	cases := []struct {
		reason string
		after  time.Duration
		want   time.Duration
	}{
		{reason: "the wake-up lies ahead", after: 9700 * time.Millisecond, want: 9700 * time.Millisecond},
		{reason: "a decision that took longer than the interval", after: -3 * time.Second, want: time.Millisecond},
		{reason: "at once, which must not be never", after: 0, want: time.Millisecond},
	}
	for _, c := range cases {
		if got := until(now, cycle.Wake{At: now.Add(c.after)}); got != c.want {
			t.Errorf("%s: %s, want %s", c.reason, got, c.want)
		}
	}
}

func TestLocks(t *testing.T) {
	var locks Locks
	inside := map[string]int{}
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			name := []string{"a", "b"}[i%2]
			unlock := locks.lock(name)
			defer unlock()
			other := locks.lock(name + "'s own") // holding one does not hold others
			defer other()
			if i%2 == 0 {
				inside["a"]++ // guarded by the lock
			}
		})
	}
	group.Wait()
	if inside["a"] != 50 || len(locks.held) != 0 {
		t.Errorf("%d inside, %d locks left", inside["a"], len(locks.held))
	}
}
