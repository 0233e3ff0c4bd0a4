package fake_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

// A timeline is the simplest that fulfils fake.Timeline: a sorted list.
type timeline struct {
	now    time.Time
	events []event
}

type event struct {
	at  time.Time
	key string
	f   func()
}

func newTimeline() *timeline { return &timeline{now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)} }

func (l *timeline) Now() time.Time { return l.now }

func (l *timeline) At(at time.Time, key string, f func()) {
	l.events = append(l.events, event{at, key, f})
	slices.SortStableFunc(l.events, func(a, b event) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key, b.key))
	})
}

// run lets time pass.
func (l *timeline) run(d time.Duration) {
	end := l.now.Add(d)
	for len(l.events) > 0 && !l.events[0].at.After(end) {
		next := l.events[0]
		l.events = l.events[1:]
		l.now = next.at
		next.f()
	}
	l.now = end
}

var groupRef = cycle.NodeGroupRef{Type: "Fake", ID: "web"}

func newGroup(t *testing.T, config fake.NodeGroupConfig) (*timeline, *fake.Cloud, *fake.NodeGroup) {
	t.Helper()
	line := newTimeline()
	cloud := fake.NewCloud(line)
	config.Ref = groupRef
	group, err := cloud.AddNodeGroup(config)
	if err != nil {
		t.Fatal(err)
	}
	return line, cloud, group
}

func TestCloudNodeGroupContract(t *testing.T) {
	classes := []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrTimedOut, cycle.ErrInvalid}
	providertest.NodeGroups(t, func(t *testing.T) providertest.NodeGroupHarness {
		line, cloud, group := newGroup(t, fake.NodeGroupConfig{Initial: 3, Min: 1, Max: 9, Boot: fake.FixedDelay(time.Hour)})
		if err := cloud.NodeGroups().Resize(t.Context(), groupRef, 5); err != nil {
			t.Fatal(err)
		}
		before := group.Now().Desired
		return providertest.NodeGroupHarness{
			Groups:    cloud.NodeGroups(),
			Ref:       groupRef,
			Want:      cycle.NodeGroup{Desired: 5, Ready: 3, Min: 1, Max: 9},
			Missing:   cycle.NodeGroupRef{Type: "Fake", ID: "gone"},
			Malformed: []cycle.NodeGroupRef{{Type: "Fake"}, {ID: "web"}},
			Stored:    func() int32 { return group.Now().Desired },
			Writes: func() int {
				if group.Now().Desired != before {
					return 1
				}
				return 0
			},
			Elapse:  func() { line.run(time.Minute) },
			Fail:    cloud.Fail,
			Observe: classes,
			Resize:  append([]error{cycle.ErrInProgress, cycle.ErrLimit}, classes...),
		}
	})
}

func TestCloudQueueContract(t *testing.T) {
	ref := func(id string) cycle.QueueRef { return cycle.QueueRef{Type: "Fake", ID: id} }
	providertest.Queues(t, func(t *testing.T) providertest.QueueHarness {
		line := newTimeline()
		cloud := fake.NewCloud(line)
		queue, err := cloud.AddQueue(ref("jobs"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cloud.AddQueue(ref("idle")); err != nil {
			t.Fatal(err)
		}
		queue.Send(49)
		line.run(90 * time.Second)
		queue.Receive(7)
		return providertest.QueueHarness{
			Queues:    cloud.Queues(),
			Ref:       ref("jobs"),
			Want:      cycle.Queue{Length: 42, InFlight: 7, OldestAge: 90},
			Empty:     ref("idle"),
			Missing:   ref("gone"),
			Malformed: []cycle.QueueRef{{Type: "Fake"}, {ID: "jobs"}},
			Writes:    func() int { return 0 },
			Elapse:    func() {},
			Fail:      cloud.Fail,
			Classes:   []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrTimedOut},
		}
	})
}

// A step is something that happens to a group and how it then looks.
type step struct {
	do            func(*fake.Cloud, *fake.NodeGroup)
	after         time.Duration
	desired, seen int32 // seen is the ready nodes that Observe reports
	machines      int
	code          observation.Code
}

func resize(n int32) func(*fake.Cloud, *fake.NodeGroup) {
	return func(c *fake.Cloud, _ *fake.NodeGroup) {
		if err := c.NodeGroups().Resize(context.Background(), groupRef, n); err != nil {
			panic(err)
		}
	}
}

func nothing(*fake.Cloud, *fake.NodeGroup) {}

func TestCloudNodeGroup(t *testing.T) {
	cases := map[string]struct {
		reason string
		config fake.NodeGroupConfig
		steps  []step
	}{
		"Boot": {
			"nodes become ready after the boot delay, not before",
			fake.NodeGroupConfig{Initial: 2, Max: 9, Boot: fake.FixedDelay(2 * time.Minute)},
			[]step{{resize(5), 119 * time.Second, 5, 2, 5, ""}, {nothing, time.Second, 5, 5, 5, ""}},
		},
		"Terminate": {
			"a node that ends is not ready at once, but its machine stays a while",
			fake.NodeGroupConfig{Initial: 5, Max: 9, Terminate: fake.FixedDelay(time.Minute)},
			[]step{{resize(2), 0, 2, 2, 5, ""}, {nothing, time.Minute, 2, 2, 2, ""}},
		},
		"CancelBoot": {
			"nodes that are not ready go first",
			fake.NodeGroupConfig{Initial: 3, Max: 9, Boot: fake.FixedDelay(time.Hour)},
			[]step{{resize(6), time.Minute, 6, 3, 6, ""}, {resize(4), 0, 4, 3, 4, ""}, {nothing, time.Hour, 4, 4, 4, ""}},
		},
		"Quota": {
			"a resize succeeds although the quota is short, and is served when it grows",
			fake.NodeGroupConfig{Initial: 2, Max: 9, Pool: "m5", Units: 4},
			[]step{
				{func(c *fake.Cloud, g *fake.NodeGroup) { c.SetQuota("m5", 17); resize(6)(c, g) }, 0, 6, 4, 4, observation.LimitReached},
				{func(c *fake.Cloud, _ *fake.NodeGroup) { c.SetQuota("m5", -1) }, 0, 6, 6, 6, ""},
			},
		},
		"StockOut": {
			"nothing is launched during a stock-out, not even a replacement; nothing is lost either",
			fake.NodeGroupConfig{Initial: 3, Max: 9},
			[]step{
				{func(c *fake.Cloud, g *fake.NodeGroup) { c.SetStockOut("", true); resize(5)(c, g) }, time.Hour, 5, 3, 3, observation.LimitReached},
				{func(_ *fake.Cloud, g *fake.NodeGroup) { g.Lose(1) }, time.Hour, 5, 2, 2, observation.LimitReached},
				{func(c *fake.Cloud, _ *fake.NodeGroup) { c.SetStockOut("", false) }, 0, 5, 5, 5, ""},
			},
		},
		"GivingUp": {
			"a group that wants no more than it has lacks nothing",
			fake.NodeGroupConfig{Initial: 3, Max: 9},
			[]step{
				{func(c *fake.Cloud, g *fake.NodeGroup) { c.SetStockOut("", true); resize(5)(c, g) }, 0, 5, 3, 3, observation.LimitReached},
				{resize(3), 0, 3, 3, 3, ""},
			},
		},
		"BootFailure": {
			"a node that never becomes ready is replaced after a while",
			fake.NodeGroupConfig{Initial: 0, Max: 9, BootFailure: 1, ReplaceAfter: 15 * time.Minute, Boot: fake.FixedDelay(time.Minute)},
			[]step{
				{resize(2), 10 * time.Minute, 2, 0, 2, ""},
				{func(_ *fake.Cloud, g *fake.NodeGroup) { g.SetBootFailure(0) }, 5 * time.Minute, 2, 0, 2, ""},
				{nothing, time.Minute, 2, 2, 2, ""},
			},
		},
		"Lost": {
			"lost nodes are replaced, desired stays",
			fake.NodeGroupConfig{Initial: 4, Max: 9, Boot: fake.FixedDelay(time.Minute)},
			[]step{{func(_ *fake.Cloud, g *fake.NodeGroup) { g.Lose(3) }, 0, 4, 1, 4, ""}, {nothing, time.Minute, 4, 4, 4, ""}},
		},
		"Isolated": {
			"nodes that lose the cluster come back by themselves",
			fake.NodeGroupConfig{Initial: 4, Max: 9},
			[]step{{func(_ *fake.Cloud, g *fake.NodeGroup) { g.Isolate(4, time.Minute) }, 0, 4, 0, 4, ""}, {nothing, time.Minute, 4, 4, 4, ""}},
		},
		"Lag": {
			"what is observed is as old as the lag",
			fake.NodeGroupConfig{Initial: 2, Max: 9, ObserveLag: 30 * time.Second},
			[]step{{nothing, time.Minute, 2, 2, 2, ""}, {resize(5), 29 * time.Second, 2, 2, 5, ""}, {nothing, time.Second, 5, 5, 5, ""}},
		},
		"Frozen": {
			"a frozen group looks as it did",
			fake.NodeGroupConfig{Initial: 2, Max: 9},
			[]step{
				{func(c *fake.Cloud, g *fake.NodeGroup) { g.Freeze(true); resize(5)(c, g) }, time.Hour, 2, 2, 5, ""},
				{func(_ *fake.Cloud, g *fake.NodeGroup) { g.Freeze(false) }, 0, 5, 5, 5, ""},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			line, cloud, group := newGroup(t, c.config)
			for i, s := range c.steps {
				s.do(cloud, group)
				line.run(s.after)
				got, err := cloud.NodeGroups().Observe(t.Context(), groupRef)
				if err != nil {
					t.Fatal(err)
				}
				if got.Desired != s.desired || got.Ready != s.seen || got.Code != s.code || len(group.Nodes()) != s.machines {
					t.Errorf("%s: after step %d: got %+v with %d machines, want %+v", c.reason, i, got, len(group.Nodes()), s)
				}
			}
		})
	}
}

func TestCloudNodes(t *testing.T) {
	line, cloud, group := newGroup(t, fake.NodeGroupConfig{Initial: 1, Max: 9, Boot: fake.FixedDelay(time.Minute)})
	line.run(time.Minute)
	resize(2)(cloud, group)
	var got []string
	for _, node := range group.Nodes() {
		got = append(got, fmt.Sprintf("%s %s %s %t", node.Name, node.Created.Format(time.TimeOnly), node.ReadyAt.Format(time.TimeOnly), node.Ready()))
	}
	want := []string{"web-00001 08:00:00 08:00:00 true", "web-00002 08:01:00 08:02:00 false"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A slow boot is that of the nodes launched meanwhile, each with its own chance.
func TestCloudSlowBoot(t *testing.T) {
	line, cloud, group := newGroup(t, fake.NodeGroupConfig{Max: 9, Boot: fake.FixedDelay(time.Minute)})
	ready := func() int32 { return group.Now().Ready }
	resize(1)(cloud, group)
	unlucky := 0
	group.SlowBoot(fake.FixedDelay(time.Minute).Times(5), func() bool { unlucky++; return unlucky%2 == 1 })
	resize(4)(cloud, group)
	line.run(time.Minute)
	if got := ready(); got != 2 {
		t.Errorf("%d nodes ready after 1m, want that from before and the one of three that was spared", got)
	}
	group.SlowBoot(fake.Delay{}, nil)
	resize(5)(cloud, group)
	line.run(time.Minute)
	if got := ready(); got != 3 {
		t.Errorf("%d nodes ready after 2m, want the one from after the fault as well", got)
	}
	line.run(3 * time.Minute)
	if got := ready(); got != 5 {
		t.Errorf("%d nodes ready after 5m, want all", got)
	}
}

func TestCloudRateLimit(t *testing.T) {
	line, cloud, _ := newGroup(t, fake.NodeGroupConfig{Initial: 1, Max: 9})
	cloud.LimitCalls(2, time.Second)
	var got []bool
	for range 4 {
		for range 2 {
			_, err := cloud.NodeGroups().Observe(t.Context(), groupRef)
			got = append(got, errors.Is(err, cycle.ErrThrottled))
		}
		line.run(500 * time.Millisecond)
	}
	want := []bool{false, false, true, true, false, false, true, true}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCloudBadConfig(t *testing.T) {
	for reason, config := range map[string]fake.NodeGroupConfig{
		"a negative size":         {Initial: -1},
		"crossed bounds":          {Min: 3, Max: 2},
		"an initial size outside": {Initial: 3, Max: 2},
		"a share above 1":         {BootFailure: 1.5},
		"a negative delay":        {Boot: fake.FixedDelay(-1)},
		"crossed delays":          {Boot: fake.UniformDelay(2, 1)},
		"a log-normal from 0":     {Boot: fake.LogNormalDelay(0, 1)},
		"a negative time to live": {MeanLifetime: -1},
	} {
		config.Ref = groupRef
		if _, err := fake.NewCloud(newTimeline()).AddNodeGroup(config); err == nil {
			t.Errorf("%s was accepted", reason)
		}
	}
}

func TestCloudDelays(t *testing.T) {
	const nodes = 4000
	cases := map[string]struct {
		reason   string
		delay    fake.Delay
		p50, p95 time.Duration
	}{
		"Fixed":     {"always the same", fake.FixedDelay(time.Minute), time.Minute, time.Minute},
		"Uniform":   {"evenly between two", fake.UniformDelay(0, 100*time.Second), 50 * time.Second, 95 * time.Second},
		"LogNormal": {"by its two percentiles", fake.LogNormalDelay(40*time.Second, 100*time.Second), 40 * time.Second, 100 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, cloud, group := newGroup(t, fake.NodeGroupConfig{Max: nodes, Boot: c.delay, Random: rand.NewPCG(1, 2)})
			resize(nodes)(cloud, group)
			var delays []time.Duration
			for _, node := range group.Nodes() {
				delays = append(delays, node.ReadyAt.Sub(node.Created))
			}
			slices.Sort(delays)
			for share, want := range map[float64]time.Duration{0.5: c.p50, 0.95: c.p95} {
				got := delays[int(share*nodes)]
				if diff := (got - want).Abs(); diff > want/20 {
					t.Errorf("%s: %v of all delays are below %v, want %v", c.reason, share, got, want)
				}
			}
		})
	}
}

func TestCloudChanceBelongsToNodes(t *testing.T) {
	config := fake.NodeGroupConfig{Max: 9, Boot: fake.LogNormalDelay(time.Minute, 3*time.Minute), BootFailure: 0.2}
	boots := func(sizes ...int32) []time.Duration {
		config.Random = rand.NewPCG(7, 7)
		line, cloud, group := newGroup(t, config)
		var got []time.Duration
		for _, size := range sizes {
			resize(size)(cloud, group)
			line.run(time.Second)
		}
		for _, node := range group.Nodes() {
			got = append(got, max(node.ReadyAt.Sub(node.Created), 0))
		}
		return got
	}
	if diff := gocmp.Diff(boots(6), boots(1, 2, 5, 6)); diff != "" {
		t.Errorf("the nth node must have the same fate under every policy (-at once +in steps):\n%s", diff)
	}
}

// TestCloudInvariants drives a group at random.
func TestCloudInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := newTimeline()
		cloud := fake.NewCloud(line)
		group, err := cloud.AddNodeGroup(fake.NodeGroupConfig{
			Ref: groupRef, Initial: 3, Max: 20, Random: rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0),
			Boot: fake.UniformDelay(0, time.Minute), Terminate: fake.UniformDelay(0, time.Minute),
			BootFailure: 0.2, ReplaceAfter: 5 * time.Minute, MeanLifetime: 20 * time.Minute, Pool: "p",
		})
		if err != nil {
			rt.Fatal(err)
		}
		quota := 1 << 30
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				resize(int32(rapid.IntRange(0, 20).Draw(rt, "size")))(cloud, group)
			case 1:
				quota = rapid.IntRange(0, 25).Draw(rt, "quota")
				cloud.SetQuota("p", int64(quota))
			case 2:
				group.Lose(rapid.IntRange(0, 5).Draw(rt, "lost"))
			case 3:
				group.Isolate(rapid.IntRange(0, 5).Draw(rt, "isolated"), time.Minute)
			}
			line.run(time.Duration(rapid.IntRange(0, 600).Draw(rt, "seconds")) * time.Second)
			now, active := group.Now(), int32(0)
			for _, node := range group.Nodes() {
				if node.Terminating.IsZero() {
					active++
				}
			}
			switch {
			case active > now.Desired || now.Ready > active:
				rt.Fatalf("%d desired, %d active, %d ready", now.Desired, active, now.Ready)
			case active < now.Desired != (now.Code == observation.LimitReached):
				rt.Fatalf("%d of %d nodes, code %q", active, now.Desired, now.Code)
			}
		}
	})
}
