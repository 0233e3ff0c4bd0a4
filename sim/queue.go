package sim

import (
	"container/heap"
	"time"
)

// A class orders what happens at one instant.
type class uint8

const (
	transition class = iota
	fail             // faults
	rules
	produce // decisions of metrics producers
	decide  // decisions of autoscalers
	resize  // decisions of node groups
	scrape
	measure // of demand
	expect
)

// An event is something that happens at an instant.
type event struct {
	at    int64 // Unix milliseconds
	class class
	key   string
	// seq keeps events of the same instant, class and key in the order in
	// which they were scheduled.
	seq uint64
	// run does it and returns when it happens again, 0 for never.
	run func() (next int64, err error)
}

// A queue holds the events to come. It implements world.Timeline.
type queue struct {
	clock  Clock
	events eventHeap
	seq    uint64
}

// schedule adds an event.
func (q *queue) schedule(at int64, c class, key string, run func() (int64, error)) {
	q.seq++
	heap.Push(&q.events, &event{at: at, class: c, key: key, seq: q.seq, run: run})
}

// Now is the instant reached.
func (q *queue) Now() time.Time { return q.clock.Now() }

// At schedules a transition of the world.
func (q *queue) At(at time.Time, key string, f func()) {
	q.schedule(at.UnixMilli(), transition, key, func() (int64, error) {
		f()
		return 0, nil
	})
}

// play runs all events up to and including end, and calls enter at each new
// instant before its first event. It stops at the first error.
func (q *queue) play(end int64, enter func(now int64) error) error {
	last := int64(-1)
	for len(q.events) > 0 && q.events[0].at <= end {
		e := q.events[0]
		if e.at != last {
			last = e.at
			q.clock.now = time.UnixMilli(e.at).UTC()
			if err := enter(e.at); err != nil {
				return err
			}
		}
		next, err := e.run()
		if err != nil {
			return err
		}
		q.again(e, next)
	}
	return nil
}

// again puts an event that has run back for its next instant, or drops it. It
// may have scheduled others that now come before it.
func (q *queue) again(e *event, next int64) {
	at := 0
	for q.events[at] != e {
		at++
	}
	if next == 0 {
		heap.Remove(&q.events, at)
		return
	}
	q.seq++
	e.at, e.seq = next, q.seq
	heap.Fix(&q.events, at)
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.at != b.at:
		return a.at < b.at
	case a.class != b.class:
		return a.class < b.class
	case a.key != b.key:
		return a.key < b.key
	}
	return a.seq < b.seq
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(x any) { *h = append(*h, x.(*event)) }

func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
