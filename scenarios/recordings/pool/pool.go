// Package pool hands the workers of a service to the requests that arrive.
package pool

import (
	"context"
	"errors"
	"sync"
)

// MaxQueue is how many requests may wait for a worker; more are refused.
const MaxQueue = 256

// ErrQueueFull is the error of a request that comes when MaxQueue others are waiting.
var ErrQueueFull = errors.New("queue full")

// A Pool hands workers to requests, first come first served. The number of
// workers may change at any time; a shrinking pool lets busy workers finish.
type Pool struct {
	mu      sync.Mutex
	workers int
	busy    int
	waiting []chan struct{}
}

// Resize sets the number of workers.
func (p *Pool) Resize(workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers = workers
	p.wake()
}

// Acquire waits for a worker until ctx is done.
func (p *Pool) Acquire(ctx context.Context) error {
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

// Release gives the worker back.
func (p *Pool) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.wake()
}

// Depth returns the number of waiting requests.
func (p *Pool) Depth() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

func (p *Pool) enter() (chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) >= MaxQueue {
		return nil, ErrQueueFull
	}
	turn := make(chan struct{})
	p.waiting = append(p.waiting, turn)
	p.wake()
	return turn, nil
}

// leave takes a request that gave up out of the queue. Its turn may have come
// in the same moment; then the worker goes back.
func (p *Pool) leave(turn chan struct{}) {
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
func (p *Pool) wake() {
	for p.busy < p.workers && len(p.waiting) > 0 {
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
		p.busy++
	}
}
