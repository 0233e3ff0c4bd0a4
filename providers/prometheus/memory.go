package prometheus

import (
	"sync"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A key is a query and an instant in Unix milliseconds.
type key struct {
	query string
	at    int64
}

// A memory keeps the latest results, the oldest making room for a new one. Time
// moves on, so what came first is asked for no longer.
type memory struct {
	mu      sync.Mutex
	results map[key]cycle.Result
	order   []key // a ring
	next    int   // its oldest entry, once it is full
}

func newMemory(size int) memory {
	return memory{results: make(map[key]cycle.Result, size), order: make([]key, 0, size)}
}

func (m *memory) get(k key) (cycle.Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	result, ok := m.results[k]
	return result, ok
}

func (m *memory) put(k key, result cycle.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.order) < cap(m.order) {
		m.order = append(m.order, k)
	} else {
		delete(m.results, m.order[m.next])
		m.order[m.next] = k
		m.next = (m.next + 1) % len(m.order)
	}
	m.results[k] = result
}
