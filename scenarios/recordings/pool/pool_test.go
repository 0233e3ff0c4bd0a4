package pool

import (
	"context"
	"errors"
	"testing"
)

func TestPoolServesInOrder(t *testing.T) {
	p := &Pool{workers: 1}
	if err := p.Acquire(context.Background()); err != nil {
		t.Fatal(err)
	}
	second, err := p.enter()
	if err != nil {
		t.Fatal(err)
	}
	third, err := p.enter()
	if err != nil {
		t.Fatal(err)
	}

	p.Release()
	if !begun(second) || begun(third) {
		t.Error("the worker goes to the request that came first")
	}
	p.Resize(2)
	if !begun(third) {
		t.Error("a new worker takes the next request")
	}
	p.Resize(0)
	p.Release()
	p.Release()
	if p.busy != 0 || p.Depth() != 0 {
		t.Errorf("busy %d, waiting %d, want none", p.busy, p.Depth())
	}
}

func TestPoolGivesUp(t *testing.T) {
	p := &Pool{}
	late, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Acquire(late); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire without a worker: %v, want %v", err, context.Canceled)
	}
	if p.Depth() != 0 {
		t.Error("a request that gave up waits no longer")
	}

	turn, err := p.enter()
	if err != nil {
		t.Fatal(err)
	}
	p.Resize(1)
	p.leave(turn)
	if p.busy != 0 {
		t.Error("a request that gives up when its turn comes returns the worker")
	}
}

func TestPoolRefuses(t *testing.T) {
	p := &Pool{}
	for range MaxQueue {
		if _, err := p.enter(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.enter(); !errors.Is(err, ErrQueueFull) {
		t.Errorf("enter a full queue: %v, want %v", err, ErrQueueFull)
	}
}

func begun(turn chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return false
	}
}
