package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// scheduleNodes schedules a fault of the provider that happens by itself.
func (r *run) scheduleNodes(f *fault) {
	each := func(at int64, do func(s *storedGroup)) {
		r.queue.schedule(at, fail, f.Name, func() (int64, error) {
			for _, s := range r.groups.all {
				if f.object == nil || *f.object == s.reference() {
					do(s)
				}
			}
			return 0, nil
		})
	}
	// A fault that ends leaves another one of its kind that goes on.
	toggle := func(set func(s *storedGroup, f *fault)) {
		again := func(s *storedGroup) { set(s, r.striking(f.Nodes, s)) }
		each(f.from, again)
		each(f.to, again)
	}
	switch f.Nodes {
	case scenario.NodesStockOut:
		toggle(func(s *storedGroup, _ *fault) {
			r.cloud.SetStockOut(s.pool, slices.ContainsFunc(r.groups.all, func(other *storedGroup) bool {
				return other.pool == s.pool && r.striking(f.Nodes, other) != nil
			}))
		})
	case scenario.NodesSlowBoot:
		toggle(r.slowBoot)
	case scenario.NodesLying:
		toggle(func(s *storedGroup, f *fault) { s.group.Freeze(f != nil) })
	case scenario.NodesFailedBoot:
		toggle(func(s *storedGroup, f *fault) {
			share := s.bootFailure
			if f != nil {
				share = 1
				if f.Probability != nil {
					share = *f.Probability
				}
			}
			s.group.SetBootFailure(share)
		})
	case scenario.NodesLost:
		each(f.from, func(s *storedGroup) { s.group.Lose(int(f.Count)) })
	case scenario.NodesIsolated:
		length := time.Duration(f.to-f.from) * time.Millisecond
		each(f.from, func(s *storedGroup) { s.group.Isolate(int(f.Count), length) })
	}
}

// striking is the last fault of a kind that strikes a group now, or nil.
func (r *run) striking(kind scenario.NodesFault, s *storedGroup) *fault {
	for _, f := range slices.Backward(r.faults) {
		if f.Nodes == kind && f.active(r.queue.clock.now.UnixMilli(), s.reference()) {
			return f
		}
	}
	return nil
}

// slowBoot begins or, without a fault, ends that a group's new nodes boot slowly.
func (r *run) slowBoot(s *storedGroup, f *fault) {
	if f == nil {
		s.group.SlowBoot(fake.Delay{}, nil)
		return
	}
	delay := cloudDelay(f.Boot)
	if f.Factor != nil {
		delay = s.boot.Times(*f.Factor)
	}
	s.group.SlowBoot(delay, func() bool { return f.hits(r.queue.clock.now.UnixMilli(), s.reference()) })
}

func (s *storedGroup) reference() scenario.Reference {
	return scenario.Reference{Namespace: s.object.Namespace, Kind: journal.ScalableNodeGroup, Name: s.object.Name}
}

// faultyNodeGroups are the provider's groups with what goes wrong on the way to
// them.
type faultyNodeGroups struct{ run *run }

// Observe implements cycle.NodeGroups.
func (n *faultyNodeGroups) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	if err := n.hit(ref, scenario.ObserveCall); err != nil {
		return cycle.NodeGroup{}, err
	}
	return n.run.cloud.NodeGroups().Observe(ctx, ref)
}

// Resize implements cycle.NodeGroups.
func (n *faultyNodeGroups) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	if err := n.hit(ref, scenario.ResizeCall); err != nil {
		return err
	}
	return n.run.cloud.NodeGroups().Resize(ctx, ref, desired)
}

// refusals are what calls of a provider fail with under faults of them.
var refusals = map[scenario.NodesFault]error{
	scenario.NodesThrottled: cycle.ErrThrottled,
	scenario.NodesDown:      cycle.ErrUnavailable,
	scenario.NodesForbidden: cycle.ErrForbidden,
}

// hit is the error of the first fault that hits a call about a group now.
func (n *faultyNodeGroups) hit(ref cycle.NodeGroupRef, call scenario.NodesCall) error {
	now := n.run.queue.clock.now.UnixMilli()
	for _, s := range n.run.groups.all {
		if s.ref != ref {
			continue
		}
		for _, f := range n.run.faults {
			if kind := refusals[f.Nodes]; kind != nil && (f.Call == "" || f.Call == call) && f.hits(now, s.reference()) {
				return fmt.Errorf("fault %s: %w", f.Name, kind)
			}
		}
	}
	return nil
}

// faultyQueues are the provider's queues with what goes wrong on the way to them.
type faultyQueues struct{ run *run }

// Observe implements cycle.Queues.
func (q faultyQueues) Observe(ctx context.Context, ref cycle.QueueRef) (cycle.Queue, error) {
	now := q.run.queue.clock.now.UnixMilli()
	for _, s := range q.run.producers.all {
		if spec := s.object.Spec.Queue; spec == nil || string(spec.Type) != ref.Type || spec.ID != ref.ID {
			continue
		}
		for _, f := range q.run.faults {
			kind := map[scenario.QueuesFault]error{scenario.QueuesThrottled: cycle.ErrThrottled, scenario.QueuesDown: cycle.ErrUnavailable}[f.Queues]
			if kind != nil && f.hits(now, s.reference()) {
				return cycle.Queue{}, fmt.Errorf("fault %s: %w", f.Name, kind)
			}
		}
	}
	return q.run.cloud.Queues().Observe(ctx, ref)
}
