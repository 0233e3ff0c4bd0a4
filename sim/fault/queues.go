package fault

import (
	"context"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Queues puts the faults of queues before a provider of queues. readers returns
// the objects that read a queue of the provider.
func (s *Set) Queues(inner cycle.Queues, readers func(cycle.QueueRef) []scenario.Reference) cycle.Queues {
	return &queues{inner, s, readers}
}

type queues struct {
	cycle.Queues
	set     *Set
	readers func(cycle.QueueRef) []scenario.Reference
}

// refusedReads has the errors that reads of a queue fail with.
var refusedReads = map[scenario.QueuesFault]error{
	scenario.QueuesThrottled: cycle.ErrThrottled,
	scenario.QueuesDown:      cycle.ErrUnavailable,
}

// Observe implements cycle.Queues.
func (q *queues) Observe(ctx context.Context, ref cycle.QueueRef) (cycle.Queue, error) {
	for _, reader := range q.readers(ref) {
		if err := q.set.read(reader, "observe", func(f *Fault) error { return refusedReads[f.Queues] }); err != nil {
			return cycle.Queue{}, err
		}
	}
	return q.Queues.Observe(ctx, ref)
}
