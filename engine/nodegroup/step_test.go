package nodegroup

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// start is 2026-01-05T08:00:00Z.
const start = slot.Slot(1767600000)

func replicas(n int32) *int32 { return &n }

// unbounded is a group without bounds or trouble.
func unbounded(desired, ready int32) Group { return Group{Desired: desired, Ready: ready, Max: -1} }

func inputAt(seconds int, spec *int32, group Group) *Input {
	return &Input{Name: "default/workers", Generation: 1, Slot: start + slot.Slot(seconds), Spec: spec, Group: group}
}

// TestStep holds the first decision about a group.
func TestStep(t *testing.T) {
	cases := map[string]struct {
		reason string
		dryRun bool
		spec   *int32
		group  Group
		want   Decision
	}{
		// Karpenter v0.1's table: desired 3.
		"V01Equal":    {"observed as wanted: left alone", false, replicas(3), unbounded(3, 3), Decision{Reason: autoscaler.Unchanged, Known: true, Wanted: 3, Stabilized: true}},
		"V01FromZero": {"observed 0: set to 3", false, replicas(3), unbounded(0, 0), Decision{Reason: autoscaler.ScaledUp, Known: true, Wanted: 3, Command: true, Changed: true}},
		"V01FromTen":  {"observed 10: set to 3", false, replicas(3), unbounded(10, 10), Decision{Reason: autoscaler.ScaledDown, Known: true, Wanted: 3, Command: true, Changed: true}},
		"V01Unstable": {"trouble is no gate: still set to 3", false, replicas(3), Group{Desired: 0, Max: -1, Issue: observation.InProgress},
			Decision{Reason: autoscaler.ScaledUp, Known: true, Wanted: 3, Command: true, Changed: true}},
		"V01Retryable": {"a group that cannot be read stays", false, replicas(3), Group{Code: observation.Throttled},
			Decision{Reason: autoscaler.TargetUnavailable, Code: observation.Throttled}},

		"Booting":      {"v0.1 set the size again while nodes boot", false, replicas(5), unbounded(5, 2), Decision{Reason: autoscaler.Unchanged, Known: true, Wanted: 5}},
		"AllVanished":  {"no ready node at all shrinks nothing", false, replicas(50), unbounded(50, 0), Decision{Reason: autoscaler.Unchanged, Known: true, Wanted: 50}},
		"Terminating":  {"nodes on their way out: not yet stable", false, replicas(3), unbounded(3, 5), Decision{Reason: autoscaler.Unchanged, Known: true, Wanted: 3}},
		"Trouble":      {"enough nodes, but the provider complains", false, replicas(3), Group{Desired: 3, Ready: 3, Max: -1, Issue: observation.LimitReached}, Decision{Reason: autoscaler.Unchanged, Known: true, Wanted: 3}},
		"Adopt":        {"an absent spec takes the desired size, not the ready nodes", false, nil, unbounded(4, 1), Decision{Reason: autoscaler.Unchanged, Known: true, Adopt: true, Wanted: 4}},
		"AdoptOutside": {"what is adopted is what is there, whatever the bounds", false, nil, Group{Desired: 4, Ready: 4, Min: 5, Max: 9}, Decision{Reason: autoscaler.Unchanged, Known: true, Adopt: true, Wanted: 4, Stabilized: true}},
		"ClippedMax":   {"the provider's maximum clips", false, replicas(12), Group{Desired: 5, Ready: 5, Max: 8}, Decision{Reason: autoscaler.Bounded, Known: true, Wanted: 8, Clipped: AtMax, Command: true, Changed: true}},
		"ClippedMin":   {"the provider's minimum clips", false, replicas(0), Group{Desired: 5, Ready: 5, Min: 2, Max: 8}, Decision{Reason: autoscaler.Bounded, Known: true, Wanted: 2, Clipped: AtMin, Command: true, Changed: true}},
		"ClippedThere": {"clipped and reached: nothing to set, and still said", false, replicas(12), Group{Desired: 8, Ready: 8, Max: 8}, Decision{Reason: autoscaler.Bounded, Known: true, Wanted: 8, Clipped: AtMax, Stabilized: true}},
		"MaxZero":      {"a maximum of 0 is a maximum", false, replicas(2), Group{Desired: 0, Max: 0}, Decision{Reason: autoscaler.Bounded, Known: true, Clipped: AtMax, Stabilized: true}},
		"DryRun":       {"says what it would set, remembers nothing", true, replicas(3), unbounded(5, 5), Decision{Reason: autoscaler.ScaledDown, Known: true, Wanted: 3, Command: true}},

		"RubbishDesired": {"no group has -1 nodes", false, replicas(3), unbounded(-1, 3), Decision{Reason: autoscaler.TargetUnavailable, Code: observation.Negative}},
		"RubbishReady":   {"nor -1 ready ones", false, replicas(3), unbounded(9, -1), Decision{Reason: autoscaler.TargetUnavailable, Code: observation.Negative}},
		"RubbishBounds":  {"a minimum above the maximum clips to anything", false, replicas(3), Group{Desired: 9, Min: 5, Max: 2}, Decision{Reason: autoscaler.TargetUnavailable, Code: observation.OutOfRange}},
		"RubbishAdopted": {"rubbish is not adopted", false, nil, unbounded(-7, 0), Decision{Reason: autoscaler.TargetUnavailable, Code: observation.Negative}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, got := Step(&policy.NodeGroup{DryRun: c.dryRun}, State{}, inputAt(0, c.spec, c.group))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// A moment is one slot of a story: what is wanted, what the provider aims for,
// what it answers to a command, and whether one is due.
type moment struct {
	at         int
	wanted     int32
	desired    int32
	generation int64
	answer     observation.Code // to the command, if one is sent
	sent       bool
}

// TestRetries tells what becomes of commands that fail or do not land. Delays
// lie between half of their length and all of it, so the slots are chosen clear of that.
func TestRetries(t *testing.T) {
	cases := map[string]struct {
		reason  string
		moments []moment
	}{
		"Landed": {"once is enough", []moment{
			{0, 5, 3, 1, "", true}, {10, 5, 5, 1, "", false}, {20, 5, 5, 1, "", false}}},
		"Stale": {"a provider that answers late is told again at once, then more slowly", []moment{
			{0, 5, 3, 1, "", true}, {10, 5, 3, 1, "", true}, {14, 5, 3, 1, "", false}, {20, 5, 3, 1, "", true}, {29, 5, 3, 1, "", false}, {40, 5, 3, 1, "", true}, {50, 5, 5, 1, "", false}}},
		"StaleMoving": {"a new size is no repetition", []moment{
			{0, 5, 3, 1, "", true}, {10, 6, 3, 1, "", true}, {20, 7, 5, 1, "", true}, {30, 8, 6, 1, "", true}}},
		"Throttled": {"10 s, 20 s, 40 s", []moment{
			{0, 5, 3, 1, observation.Throttled, true}, {4, 5, 3, 1, "", false},
			{10, 5, 3, 1, observation.Throttled, true}, {19, 5, 3, 1, "", false},
			{30, 5, 3, 1, observation.Throttled, true}, {49, 5, 3, 1, "", false},
			{70, 5, 3, 1, "", true}, {80, 5, 5, 1, "", false}}},
		"ThrottledOther": {"another size spares a throttled provider nothing", []moment{
			{0, 5, 3, 1, observation.Throttled, true}, {4, 6, 3, 2, "", false}, {10, 6, 3, 2, "", true}}},
		"ThrottledBack": {"nor does a moment of contentment", []moment{
			{0, 5, 3, 1, observation.Throttled, true}, {2, 3, 3, 2, "", false}, {4, 5, 3, 3, "", false}, {10, 5, 3, 3, "", true}}},
		"Limit": {"a stock-out: 60 s, 120 s", []moment{
			{0, 50, 3, 1, observation.LimitReached, true}, {29, 50, 3, 1, "", false},
			{60, 50, 3, 1, observation.LimitReached, true}, {119, 50, 3, 1, "", false}, {180, 50, 3, 1, "", true}}},
		"LimitMore": {"more cannot be had either", []moment{
			{0, 50, 3, 1, observation.LimitReached, true}, {10, 60, 3, 2, "", false}}},
		"LimitLess": {"less may be had at once", []moment{
			{0, 50, 3, 1, observation.LimitReached, true}, {10, 20, 3, 2, "", true}}},
		"LimitShrink": {"and shrinking needs no stock", []moment{
			{0, 50, 3, 1, observation.LimitReached, true}, {10, 1, 3, 2, "", true}}},
		"Forbidden": {"only ten minutes help, a little less by jitter", []moment{
			{0, 5, 3, 1, observation.Forbidden, true}, {10, 5, 3, 1, "", false}, {290, 5, 3, 1, "", false}, {600, 5, 3, 1, "", true}}},
		"ForbiddenEdited": {"or another spec, e.g. another id", []moment{
			{0, 5, 3, 1, observation.NotFound, true}, {10, 5, 3, 1, "", false}, {20, 5, 3, 2, "", true}}},
		"InvalidThere": {"a size refused for good is forgotten where it is no longer wanted", []moment{
			{0, 5, 3, 1, observation.Invalid, true}, {10, 3, 3, 2, "", false}, {20, 5, 3, 3, "", true}}},
		"Others": {"somebody sets it back: not a fight at full speed", []moment{
			{0, 5, 3, 1, "", true}, {10, 5, 5, 1, "", false}, {20, 5, 3, 1, "", true}, {30, 5, 3, 1, "", true}, {34, 5, 3, 1, "", false}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var s State
			for _, m := range c.moments {
				in := inputAt(m.at, replicas(m.wanted), unbounded(m.desired, m.desired))
				in.Generation = m.generation
				next, d := Step(&policy.NodeGroup{}, s, in)
				if d.Command != m.sent {
					t.Fatalf("%s: %d s: command %t, want %t (state %+v)", c.reason, m.at, d.Command, m.sent, s)
				}
				if held := m.wanted != m.desired && !m.sent; held != (d.Reason == autoscaler.RateLimited) {
					t.Errorf("%s: %d s: reason %s", c.reason, m.at, d.Reason)
				}
				if d.Command && m.answer != "" {
					next = next.Failed(in.Name, m.answer)
				}
				s = next
			}
		})
	}
}

// What is unreadable for a while changes nothing of what is remembered.
func TestUnreadableKeepsState(t *testing.T) {
	s, _ := Step(&policy.NodeGroup{}, State{}, inputAt(0, replicas(5), unbounded(3, 3)))
	s = s.Failed("default/workers", observation.Throttled)
	next, d := Step(&policy.NodeGroup{}, s, inputAt(10, replicas(5), Group{Code: observation.Unavailable}))
	if next != s || d.Changed || d.Command || d.Known {
		t.Errorf("state %+v, decision %+v", next, d)
	}
}
