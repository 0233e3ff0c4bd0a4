package fake

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A Timeline is the simulated time that a Cloud lives in.
type Timeline interface {
	// Now is the current instant.
	Now() time.Time
	// At has f called at an instant that is not in the past; key orders what
	// happens at the same instant.
	At(at time.Time, key string, f func())
}

// A Cloud has simulated node groups and queues and implements engine/cycle's
// ports for them. It is as deterministic as its timeline and the sources of
// chance that it is given, and like them it belongs to one goroutine.
type Cloud struct {
	timeline Timeline
	groups   map[cycle.NodeGroupRef]*NodeGroup
	sorted   []*NodeGroup
	queues   map[cycle.QueueRef]*Queue
	pools    map[string]*pool
	limit    rateLimit
	failure  error
}

// NewCloud returns an empty cloud on a timeline.
func NewCloud(timeline Timeline) *Cloud {
	return &Cloud{
		timeline: timeline,
		groups:   map[cycle.NodeGroupRef]*NodeGroup{},
		queues:   map[cycle.QueueRef]*Queue{},
		pools:    map[string]*pool{},
	}
}

// AddNodeGroup adds a group with its initial nodes, which are ready at once. It
// is an error if the reference is taken or the configuration makes no sense.
func (c *Cloud) AddNodeGroup(config NodeGroupConfig) (*NodeGroup, error) {
	if c.groups[config.Ref] != nil {
		return nil, fmt.Errorf("two node groups %s %s", config.Ref.Type, config.Ref.ID)
	}
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("node group %s: %w", config.Ref.ID, err)
	}
	g := newNodeGroup(c, config)
	c.groups[config.Ref] = g
	c.sorted = append(c.sorted, g)
	slices.SortFunc(c.sorted, func(a, b *NodeGroup) int {
		return cmp.Or(cmp.Compare(a.config.Ref.Type, b.config.Ref.Type), cmp.Compare(a.config.Ref.ID, b.config.Ref.ID))
	})
	g.start()
	return g, nil
}

// NodeGroup is the group of a reference, or nil.
func (c *Cloud) NodeGroup(ref cycle.NodeGroupRef) *NodeGroup { return c.groups[ref] }

// All are the groups by type and ID.
func (c *Cloud) All() []*NodeGroup { return slices.Clone(c.sorted) }

// NodeGroups is the port of the groups.
func (c *Cloud) NodeGroups() cycle.NodeGroups { return nodeGroupPort{c} }

// Queues is the port of the queues.
func (c *Cloud) Queues() cycle.Queues { return queuePort{c} }

// Fail makes every call of the ports fail with an error until it is called with
// nil. The error should wrap one of engine/cycle's.
func (c *Cloud) Fail(err error) { c.failure = err }

// LimitCalls lets at most calls calls of the ports pass in any span of the
// length per; more are throttled. No calls means no limit.
func (c *Cloud) LimitCalls(calls int, per time.Duration) {
	c.limit = rateLimit{calls: calls, per: per}
}

// admit says whether a call comes through to the cloud.
func (c *Cloud) admit() error {
	if c.failure != nil {
		return c.failure
	}
	if !c.limit.take(c.timeline.Now()) {
		return fmt.Errorf("more than %d calls in %v: %w", c.limit.calls, c.limit.per, cycle.ErrThrottled)
	}
	return nil
}

// A rateLimit admits calls by a sliding window.
type rateLimit struct {
	calls int
	per   time.Duration
	taken []time.Time
}

// take counts a call if it is admitted. A refused one does not count.
func (l *rateLimit) take(now time.Time) bool {
	if l.calls <= 0 {
		return true
	}
	recent := slices.IndexFunc(l.taken, func(at time.Time) bool { return now.Sub(at) < l.per })
	if recent < 0 {
		recent = len(l.taken)
	}
	l.taken = append(l.taken[:0], l.taken[recent:]...)
	if len(l.taken) >= l.calls {
		return false
	}
	l.taken = append(l.taken, now)
	return true
}
