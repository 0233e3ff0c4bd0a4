package sim

import (
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/fault"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// scheduleNodes schedules a fault of the provider that happens by itself.
func (r *run) scheduleNodes(f *fault.Fault) {
	each := func(at int64, do func(s *storedGroup)) {
		r.queue.schedule(at, fail, f.Name, func() (int64, error) {
			for _, s := range r.groups.all {
				if f.Only == nil || *f.Only == s.reference() {
					do(s)
				}
			}
			return 0, nil
		})
	}
	// A fault that ends leaves another one of its kind that goes on.
	toggle := func(set func(s *storedGroup, f *fault.Fault)) {
		again := func(s *storedGroup) { set(s, r.striking(f.Nodes, s)) }
		each(f.From, again)
		each(f.To, again)
	}
	switch f.Nodes {
	case scenario.NodesStockOut:
		toggle(func(s *storedGroup, _ *fault.Fault) {
			r.cloud.SetStockOut(s.pool, slices.ContainsFunc(r.groups.all, func(other *storedGroup) bool {
				return other.pool == s.pool && r.striking(f.Nodes, other) != nil
			}))
		})
	case scenario.NodesSlowBoot:
		toggle(r.slowBoot)
	case scenario.NodesLying:
		toggle(func(s *storedGroup, f *fault.Fault) { s.group.Freeze(f != nil) })
	case scenario.NodesSuspended:
		toggle(func(s *storedGroup, f *fault.Fault) { s.group.Suspend(f != nil) })
	case scenario.NodesFailedBoot:
		toggle(func(s *storedGroup, f *fault.Fault) {
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
		each(f.From, func(s *storedGroup) { s.group.Lose(int(f.Count)) })
	case scenario.NodesIsolated:
		length := time.Duration(f.To-f.From) * time.Millisecond
		each(f.From, func(s *storedGroup) { s.group.Isolate(int(f.Count), length) })
	}
}

// striking is the last fault of a kind that strikes a group now, or nil.
func (r *run) striking(kind scenario.NodesFault, s *storedGroup) *fault.Fault {
	for _, f := range slices.Backward(r.faults.All) {
		if f.Nodes == kind && f.Active(r.queue.clock.now.UnixMilli(), s.reference()) {
			return f
		}
	}
	return nil
}

// slowBoot begins or, without a fault, ends that a group's new nodes boot slowly.
func (r *run) slowBoot(s *storedGroup, f *fault.Fault) {
	if f == nil {
		s.group.SlowBoot(fake.Delay{}, nil)
		return
	}
	delay := cloudDelay(f.Boot)
	if f.Factor != nil {
		delay = s.boot.Times(*f.Factor)
	}
	s.group.SlowBoot(delay, func() bool { return f.HitsBoot(r.queue.clock.now.UnixMilli(), s.reference()) })
}

func (s *storedGroup) reference() scenario.Reference {
	return scenario.Reference{Namespace: s.object.Namespace, Kind: journal.ScalableNodeGroup, Name: s.object.Name}
}

// provider returns the cloud's node groups, with the faults of calls on the way
// to them.
func (r *run) provider() cycle.NodeGroups {
	return r.faults.NodeGroups(r.cloud.NodeGroups(), func(ref cycle.NodeGroupRef) []scenario.Reference {
		var owners []scenario.Reference
		for _, s := range r.groups.all {
			if s.ref == ref {
				owners = append(owners, s.reference())
			}
		}
		return owners
	})
}

// providers returns the providers of node groups by type.
func (r *run) providers() map[string]cycle.NodeGroups {
	providers := map[string]cycle.NodeGroups{}
	for _, s := range r.groupsOf() {
		providers[s.ref.Type] = r.provider()
	}
	return providers
}
