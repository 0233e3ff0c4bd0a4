package sim

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A cloudQueue is a provider's queue with what is sent to it and taken from it.
type cloudQueue struct {
	run      *run
	queue    *fake.Queue
	arrivals world.Demand
	// consumer is the target whose replicas handle capacity messages a second
	// each; nil if nobody does.
	consumer *world.Target
	capacity float64
	// sent and handled are the fractions of messages that are left over.
	sent, handled float64
}

// queueStep is how often messages are sent and received, in milliseconds.
const queueStep = 1000

// addQueues puts the provider's queues into the run.
func (r *run) addQueues() error {
	spec := &r.in.File.Spec
	for i := range spec.Queues {
		d := &spec.Queues[i]
		path := fmt.Sprintf("spec.queues[%d]", i)
		queue, err := r.cloud.AddQueue(cycle.QueueRef{Type: d.Type, ID: d.ID})
		if err != nil {
			return r.in.File.Doc.Errorf(path, "%v", err)
		}
		q := &cloudQueue{run: r, queue: queue, capacity: d.CapacityPerReplica}
		if q.arrivals, err = r.demand(path+".arrivals", d.Arrivals, d.Type+" "+d.ID, d.CapacityPerReplica); err != nil {
			return err
		}
		if d.Consumer != "" {
			ref, _ := scenario.ParseReference(d.Consumer) // validated
			if q.consumer = r.targetOf(ref); q.consumer == nil {
				return r.in.File.Doc.Errorf(path+".consumer", "no part of the world owns %s", ref)
			}
		}
		queue.Send(int64(d.Initial))
		r.consumed = append(r.consumed, q)
		r.queue.schedule(r.in.start+queueStep, transition, "queue/"+d.Type+"/"+d.ID, q.step)
	}
	return nil
}

// targetOf is the target that a reference names, whatever its API version.
func (r *run) targetOf(ref scenario.Reference) *world.Target {
	return r.targets.Find(cycle.TargetRef{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name})
}

// step sends and handles the messages of the second that has passed. What was
// received a second ago has been handled.
func (q *cloudQueue) step() (int64, error) {
	now := q.run.queue.clock.now.UnixMilli()
	rate := q.arrivals(now - queueStep)
	q.sent += rate * queueStep / 1000
	q.queue.Send(whole(&q.sent))
	q.queue.Delete(q.queue.Now().InFlight)
	if q.consumer != nil {
		q.handled += float64(q.run.serving(q.consumer)) * q.capacity * queueStep / 1000
		q.queue.Receive(whole(&q.handled))
		for _, p := range q.run.played {
			if p.target == q.consumer {
				p.object.Needed.Append((now-queueStep)/1000, rate/q.capacity)
			}
		}
	}
	return now + queueStep, nil
}

// whole takes the whole part of an amount off it.
func whole(amount *float64) int64 {
	n := int64(*amount)
	*amount -= float64(n)
	return n
}

// serving is how many replicas of a target work now; of a node group, the ready
// nodes, whatever its status says yet.
func (r *run) serving(t *world.Target) int32 {
	for _, s := range r.groups.all {
		if s.target == t {
			return s.ready()
		}
	}
	return t.Serving()
}

// queues are the providers of queues by type.
func (r *run) queues() map[string]cycle.Queues {
	if r.cloud == nil {
		return nil // a replay reads recorded series
	}
	queues := r.faults.Queues(r.cloud.Queues(), func(ref cycle.QueueRef) []scenario.Reference {
		var readers []scenario.Reference
		for _, s := range r.producers.all {
			if spec := s.object.Spec.Queue; spec != nil && string(spec.Type) == ref.Type && spec.ID == ref.ID {
				readers = append(readers, s.reference())
			}
		}
		return readers
	})
	providers := map[string]cycle.Queues{string(v1alpha1.AWSSQSQueueType): queues}
	for i := range r.in.File.Spec.Queues {
		providers[r.in.File.Spec.Queues[i].Type] = queues
	}
	return providers
}
