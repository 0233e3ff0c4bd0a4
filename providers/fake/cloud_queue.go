package fake

import (
	"context"
	"fmt"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A Queue is a simulated queue of messages that are alike. Messages wait in the
// order in which they were sent, are received, and then deleted or returned.
type Queue struct {
	timeline Timeline
	ref      cycle.QueueRef
	waiting  []messages
	received []messages
	failure  error
}

// messages are some that were sent at the same instant.
type messages struct {
	sent  time.Time
	count int64
}

// AddQueue adds an empty queue; it is an error if the reference is taken.
func (c *Cloud) AddQueue(ref cycle.QueueRef) (*Queue, error) {
	if c.queues[ref] != nil {
		return nil, fmt.Errorf("two queues %s %s", ref.Type, ref.ID)
	}
	q := &Queue{timeline: c.timeline, ref: ref}
	c.queues[ref] = q
	return q, nil
}

// Send adds messages.
func (q *Queue) Send(count int64) {
	if count > 0 {
		q.waiting = append(q.waiting, messages{q.timeline.Now(), count})
	}
}

// Receive takes up to count of the oldest messages to work on; it returns how many.
func (q *Queue) Receive(count int64) int64 {
	taken := take(&q.waiting, count)
	q.received = append(q.received, taken...)
	return total(taken)
}

// Delete removes up to count received messages, which have been worked on; it
// returns how many.
func (q *Queue) Delete(count int64) int64 { return total(take(&q.received, count)) }

// Return makes up to count received messages, the oldest first, wait again as
// the first ones, as when their worker dies; it returns how many.
func (q *Queue) Return(count int64) int64 {
	back := take(&q.received, count)
	q.waiting = append(back, q.waiting...)
	return total(back)
}

// Fail makes every observation fail with an error until it is called with nil.
func (q *Queue) Fail(err error) { q.failure = err }

// Now is the queue as it is.
func (q *Queue) Now() cycle.Queue {
	now := cycle.Queue{Length: total(q.waiting), InFlight: total(q.received)}
	for _, list := range [][]messages{q.waiting, q.received} {
		for _, m := range list {
			now.OldestAge = max(now.OldestAge, int64(q.timeline.Now().Sub(m.sent)/time.Second))
		}
	}
	return now
}

// take moves up to count messages from the front of a list into a new one.
func take(list *[]messages, count int64) []messages {
	var taken []messages
	for count > 0 && len(*list) > 0 {
		first := &(*list)[0]
		n := min(count, first.count)
		taken = append(taken, messages{first.sent, n})
		count -= n
		if first.count -= n; first.count == 0 {
			*list = (*list)[1:]
		}
	}
	return taken
}

func total(list []messages) int64 {
	sum := int64(0)
	for _, m := range list {
		sum += m.count
	}
	return sum
}

// queuePort is the cloud as its clients see it.
type queuePort struct{ cloud *Cloud }

// Observe implements cycle.Queues.
func (p queuePort) Observe(ctx context.Context, ref cycle.QueueRef) (cycle.Queue, error) {
	if err := ctx.Err(); err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", ref.ID, err)
	}
	if ref.Type == "" || ref.ID == "" {
		return cycle.Queue{}, fmt.Errorf("a queue needs a type and an id: %w", cycle.ErrInvalid)
	}
	if err := p.cloud.admit(); err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", ref.ID, err)
	}
	q := p.cloud.queues[ref]
	if q == nil {
		return cycle.Queue{}, fmt.Errorf("queue %s %s: %w", ref.Type, ref.ID, cycle.ErrNotFound)
	}
	if q.failure != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", ref.ID, q.failure)
	}
	return q.Now(), nil
}
