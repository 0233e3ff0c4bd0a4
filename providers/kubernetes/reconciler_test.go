package kubernetes

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/slot"
)

func TestWait(t *testing.T) {
	next := slot.Slot(1767600010)
	cases := []struct {
		reason string
		before time.Duration
		err    error
		want   time.Duration
	}{
		{reason: "the next slot", before: 9700 * time.Millisecond, want: 9700 * time.Millisecond},
		{reason: "a failed slot is tried again", before: 9 * time.Second, err: errors.New("no"), want: retryAfter},
		{reason: "unless the next one comes first", before: 300 * time.Millisecond, err: errors.New("no"), want: 300 * time.Millisecond},
		{reason: "a decision that took longer than the interval", before: -3 * time.Second, want: time.Millisecond},
		{reason: "at once, which must not be never", before: 0, want: time.Millisecond},
	}
	for _, c := range cases {
		if got := wait(next.Time().Add(-c.before), next, c.err); got != c.want {
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
