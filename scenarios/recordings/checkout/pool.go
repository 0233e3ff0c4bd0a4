package main

import (
	"context"
	"errors"
	"sync"
)

// maxQueue is how many requests may wait for a worker; more are refused.
const maxQueue = 256

// errQueueFull is what a request gets when maxQueue others are waiting.
var errQueueFull = errors.New("queue full")

// pool hands workers to requests, first come first served. The number of
// workers may change at any time; a shrinking pool lets busy workers finish.
type pool struct {
	mu      sync.Mutex
	workers int
	busy    int
	waiting []chan struct{}
}

// resize sets the number of workers.
func (p *pool) resize(workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = workers
	p.wake()
}

// acquire waits for a worker until ctx is done.
func (p *pool) acquire(ctx context.Context) error {
	turn, err := p.enter()
	if err != nil {
		return err
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		p.leave(turn)
		return ctx.Err()
	}
}

// release gives the worker back.
func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.wake()
}

// depth returns the number of waiting requests.
func (p *pool) depth() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

func (p *pool) enter() (chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= maxQueue {
		return nil, errQueueFull
	}
	turn := make(chan struct{})
	p.waiting = append(p.waiting, turn)
	p.wake()
	return turn, nil
}

// leave takes a request that gave up out of the queue. Its turn may have come
// in the same moment; then the worker goes back.
func (p *pool) leave(turn chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiting {
		if w == turn {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
	p.busy--
	p.wake()
}

// wake starts as many waiting requests as there are free workers.
func (p *pool) wake() {
	for p.busy < p.workers && len(p.waiting) > 0 {
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
		p.busy++
	}
}
