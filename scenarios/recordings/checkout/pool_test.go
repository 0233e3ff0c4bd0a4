package main

import (
	"context"
	"errors"
	"testing"
)

func TestPoolServesInOrder(t *testing.T) {
	p := &pool{workers: 1}
	if err := p.acquire(context.Background()); err != nil {
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

	p.release()
	if !begun(second) || begun(third) {
		t.Error("the worker goes to the request that came first")
	}
	p.resize(2)
	if !begun(third) {
		t.Error("a new worker takes the next request")
	}
	p.resize(0)
	p.release()
	p.release()
	if p.busy != 0 || p.depth() != 0 {
		t.Errorf("busy %d, waiting %d, want none", p.busy, p.depth())
	}
}

func TestPoolGivesUp(t *testing.T) {
	p := &pool{}
	late, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.acquire(late); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire without a worker: %v, want %v", err, context.Canceled)
	}
	if p.depth() != 0 {
		t.Error("a request that gave up waits no longer")
	}

	turn, err := p.enter()
	if err != nil {
		t.Fatal(err)
	}
	p.resize(1)
	p.leave(turn)
	if p.busy != 0 {
		t.Error("a request that gives up when its turn comes returns the worker")
	}
}

func TestPoolRefuses(t *testing.T) {
	p := &pool{}
	for range maxQueue {
		if _, err := p.enter(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.enter(); !errors.Is(err, errQueueFull) {
		t.Errorf("enter a full queue: %v, want %v", err, errQueueFull)
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
