package cycle

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A cloud is what outlives a node group's driver: its store, one group at one
// provider, and the journal.
type cloud struct {
	t       *testing.T
	object  *v1alpha1.ScalableNodeGroup
	version int
	group   NodeGroup
	// follow says that nodes are there as soon as they are wanted.
	follow bool

	calls   []string
	before  func(call string) error // an error is returned without effect
	file    bytes.Buffer
	writer  *journal.Writer
	records []journal.Record
	commits int
}

// newCloud has a group of 3 nodes of which all are wanted.
func newCloud(t *testing.T) *cloud {
	three := int32(3)
	c := &cloud{
		t: t, follow: true, group: NodeGroup{Desired: 3, Ready: 3, Max: -1},
		object: &v1alpha1.ScalableNodeGroup{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "workers", UID: "u1", Generation: 1, CreationTimestamp: metav1.NewTime(start.Time())},
			Spec:       v1alpha1.ScalableNodeGroupSpec{Replicas: &three, Type: "FakeGroup", ID: "workers"},
		},
	}
	c.writer = journal.NewWriter(&c.file)
	return c
}

func (c *cloud) driver() *ScalableNodeGroups {
	return &ScalableNodeGroups{
		Providers: map[string]NodeGroups{"FakeGroup": c}, Store: c, Journal: c,
		Phase: func(types.NamespacedName, int32) int32 { return 0 },
	}
}

func (c *cloud) edit(change func(*v1alpha1.ScalableNodeGroupSpec)) {
	c.object = c.object.DeepCopy()
	change(&c.object.Spec)
	c.object.Generation++
	c.version++
}

// want is what an autoscaler does through the scale subresource.
func (c *cloud) want(n int32) {
	c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.Replicas = &n })
}

func (c *cloud) at(n *ScalableNodeGroups, seconds int) {
	c.t.Helper()
	if _, err := n.Reconcile(context.Background(), start.Time().Add(time.Duration(seconds)*time.Second), c.object); err != nil {
		c.t.Fatalf("%d s: %v", seconds, err)
	}
}

func (c *cloud) condition(kind string) string {
	found := meta.FindStatusCondition(c.object.Status.Conditions, kind)
	if found == nil {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message), ": ")
}

func (c *cloud) call(name string, effect func() error) error {
	c.calls = append(c.calls, name)
	if c.before != nil {
		if err := c.before(name); err != nil {
			return err
		}
	}
	return effect()
}

func (c *cloud) Observe(_ context.Context, ref NodeGroupRef) (g NodeGroup, err error) {
	err = c.call("Observe", func() error { g = c.group; return nil })
	return g, err
}

func (c *cloud) Resize(_ context.Context, ref NodeGroupRef, desired int32) error {
	return c.call(fmt.Sprintf("Resize %s %d", ref.ID, desired), func() error {
		c.group.Desired = desired
		if c.follow {
			c.group.Ready = desired
		}
		return nil
	})
}

func (c *cloud) Load(context.Context, types.NamespacedName) (s Stored[*v1alpha1.ScalableNodeGroup], err error) {
	err = c.call("Load", func() error {
		s = Stored[*v1alpha1.ScalableNodeGroup]{Object: c.object.DeepCopy(), Version: strconv.Itoa(c.version)}
		return nil
	})
	return s, err
}

func (c *cloud) Commit(_ context.Context, _ types.NamespacedName, version string, status *v1alpha1.ScalableNodeGroupStatus) (next string, err error) {
	err = c.call("Commit", func() error {
		if version != strconv.Itoa(c.version) {
			return ErrConflict
		}
		c.object = c.object.DeepCopy()
		status.DeepCopyInto(&c.object.Status)
		c.version++
		c.commits++
		next = strconv.Itoa(c.version)
		return nil
	})
	return next, err
}

func (c *cloud) Adopt(_ context.Context, _ types.NamespacedName, version string, replicas int32) (s Stored[*v1alpha1.ScalableNodeGroup], err error) {
	err = c.call(fmt.Sprintf("Adopt %d", replicas), func() error {
		if version != strconv.Itoa(c.version) || c.object.Spec.Replicas != nil {
			return ErrConflict
		}
		c.want(replicas)
		s = Stored[*v1alpha1.ScalableNodeGroup]{Object: c.object.DeepCopy(), Version: strconv.Itoa(c.version)}
		return nil
	})
	return s, err
}

func (c *cloud) Record(r *journal.Record) {
	c.calls = append(c.calls, "Record")
	if err := c.writer.Record(r); err != nil {
		c.t.Fatal(err)
	}
	kept := *r
	kept.Observed = append([]journal.Field(nil), r.Observed...)
	c.records = append(c.records, kept)
}

func (c *cloud) Outcome(o *journal.Outcome) { c.calls = append(c.calls, "Outcome "+o.Result) }

// TestNodeGroup holds one slot of a fresh group: calls, conditions, status.
func TestNodeGroup(t *testing.T) {
	const stable = "True Stabilized"
	const able = "True Able: nothing holds a change back"
	const ready = "True Ready: the node group works"
	applied := func(n int) []string {
		return []string{"Load", "Observe", "Commit", fmt.Sprintf("Resize workers %d", n), "Record", "Outcome Applied"}
	}
	quiet := []string{"Load", "Observe", "Commit", "Record"}
	cases := map[string]struct {
		reason     string
		change     func(*cloud)
		calls      []string
		why        autoscaler.Reason
		able       string
		stabilized string
		ready      string
	}{
		"Equal": {"v0.1: observed as wanted", func(*cloud) {}, quiet, autoscaler.Unchanged, able, stable, ready},
		"Zero": {"v0.1: observed 0, set to 3", func(c *cloud) { c.group = NodeGroup{Max: -1} }, applied(3), autoscaler.ScaledUp, able,
			"False Scaling: the provider does not aim for the wanted size yet", ready},
		"Ten": {"v0.1: observed 10, set to 3", func(c *cloud) { c.group = NodeGroup{Desired: 10, Ready: 10, Max: -1} }, applied(3), autoscaler.ScaledDown, able,
			"False Scaling: the provider does not aim for the wanted size yet", ready},
		"Unstable": {"v0.1: still set to 3, with the provider's message", func(c *cloud) {
			c.group = NodeGroup{Max: -1, Code: observation.InProgress, Message: "the group is being updated"}
		}, applied(3), autoscaler.ScaledUp, able, "False InProgress: the group is being updated", ready},
		"Retryable": {"v0.1: no error, replicas unchanged, the message is the code", func(c *cloud) {
			c.before = func(call string) error {
				if call == "Observe" {
					return fmt.Errorf("describe: %w", ErrThrottled)
				}
				return nil
			}
		}, quiet, autoscaler.TargetUnavailable, "False TargetUnavailable: Throttled", "Unknown TargetUnavailable: Throttled", "False TargetUnavailable: Throttled"},
		"RetryableSet": {"the same of a command", func(c *cloud) {
			c.want(5)
			c.before = once("Resize workers 5", func() error { return ErrThrottled })
		}, []string{"Load", "Observe", "Commit", "Resize workers 5", "Commit", "Record", "Outcome Throttled"}, autoscaler.ScaledUp, "False Throttled: Throttled",
			"False Scaling: the provider does not aim for the wanted size yet", ready},
		"Forbidden": {"what only a person can cure is not ready", func(c *cloud) {
			c.want(5)
			c.before = once("Resize workers 5", func() error { return ErrForbidden })
		}, []string{"Load", "Observe", "Commit", "Resize workers 5", "Commit", "Record", "Outcome Forbidden"}, autoscaler.ScaledUp, "False Forbidden: Forbidden",
			"False Scaling: the provider does not aim for the wanted size yet", "False Forbidden: the provider refuses to set the size: access was denied"},
		"Booting": {"nothing is set again while nodes boot", func(c *cloud) { c.group.Ready = 1 }, quiet, autoscaler.Unchanged, able,
			"False NodesDiffer: the ready nodes are not as many as the provider aims for", ready},
		"StockOut": {"seen in the group, visible in the condition", func(c *cloud) { c.group.Ready, c.group.Code = 1, observation.LimitReached }, quiet, autoscaler.Unchanged, able,
			"False LimitReached: LimitReached", ready},
		"Babble": {"no words of a provider may cost the decision", func(c *cloud) {
			c.group.Code, c.group.Message = observation.InProgress, "\xff"+strings.Repeat("ä", 2000)
		}, quiet, autoscaler.Unchanged, able, "False InProgress: ?" + strings.Repeat("ä", 511), ready},
		"Clipped": {"the provider's maximum, in words without numbers", func(c *cloud) { c.want(9); c.group.Max = 5 }, applied(5), autoscaler.Bounded,
			"False AtProviderMaximum: spec.replicas lies above the provider's maximum", "False Scaling: the provider does not aim for the wanted size yet", ready},
		"ClippedMin": {"the provider's minimum", func(c *cloud) { c.want(0); c.group.Min = 3 }, quiet, autoscaler.Bounded,
			"False AtProviderMinimum: spec.replicas lies below the provider's minimum", stable, ready},
		"Adopted": {"an absent spec.replicas is written", func(c *cloud) { c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.Replicas = nil }) },
			append(quiet[:4:4], "Adopt 3"), autoscaler.Unchanged, able, stable, ready},
		"DryRun": {"says what it would set", func(c *cloud) {
			c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.DryRun = true })
			c.group.Desired = 7
		}, quiet, autoscaler.ScaledDown, able,
			"False Scaling: the provider does not aim for the wanted size yet", ready},
		"UnknownType": {"providers register at run time", func(c *cloud) { c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.Type = "Other" }) },
			[]string{"Load", "Commit", "Record"}, autoscaler.InvalidPolicy, `False InvalidPolicy: spec.type: Unsupported value: "Other": supported values: "FakeGroup"`,
			`Unknown InvalidPolicy: spec.type: Unsupported value: "Other": supported values: "FakeGroup"`, `False InvalidPolicy: spec.type: Unsupported value: "Other": supported values: "FakeGroup"`},
		"Rubbish": {"an answer that no provider can mean", func(c *cloud) { c.group.Desired = -3 }, quiet, autoscaler.TargetUnavailable,
			"False TargetUnavailable: Negative", "Unknown TargetUnavailable: Negative", "False TargetUnavailable: Negative"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCloud(t)
			c.change(w)
			w.at(w.driver(), 0)
			if diff := cmp.Diff(c.calls, w.calls); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", c.reason, diff)
			}
			got := []string{string(w.records[0].Reason), w.condition(v1alpha1.AbleToScaleCondition), w.condition(v1alpha1.StabilizedCondition), w.condition(v1alpha1.ReadyCondition)}
			if diff := cmp.Diff([]string{string(c.why), c.able, c.stabilized, c.ready}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			w.verify()
		})
	}
}

// verify decides the journal again.
func (c *cloud) verify() {
	c.t.Helper()
	found, err := journal.Verify(bytes.NewReader(c.file.Bytes()), "j")
	if err != nil || found.Verified != len(c.records) || found.Gaps != 0 {
		c.t.Errorf("%d records: %+v: %v\n%s", len(c.records), found, err, c.file.String())
	}
}

// story scales up under throttling, at a limit, down, through an outage and an
// edit. A restart between any two slots must not show.
func (c *cloud) story(restart bool) {
	n := c.driver()
	for seconds := 0; seconds < 600; seconds += 10 {
		switch seconds {
		case 20:
			c.want(8)
			c.before = func(call string) error {
				if strings.HasPrefix(call, "Resize") {
					return ErrThrottled
				}
				return nil
			}
		case 120:
			c.before = nil
		case 200:
			c.want(50)
			c.before = once("Resize workers 50", func() error { return ErrLimit })
		case 220:
			c.want(2)
		case 300:
			c.before = func(call string) error {
				if call == "Observe" {
					return ErrUnavailable
				}
				return nil
			}
		case 330:
			c.before = nil
			c.group.Ready = 0
		case 400:
			c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.ID = " " })
		case 420:
			c.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.ID = "others" })
			c.before = func(call string) error {
				if call == "Resize others 4" {
					return ErrForbidden
				}
				return nil
			}
		case 440:
			c.want(4)
		}
		if restart {
			n = c.driver()
		}
		c.at(n, seconds)
	}
}

func TestNodeGroupStory(t *testing.T) {
	w := newCloud(t)
	w.story(false)
	w.verify()
	var resizes []string
	for _, call := range w.calls {
		if strings.HasPrefix(call, "Resize") {
			resizes = append(resizes, call)
		}
	}
	if n := len(resizes); n < 6 || n > 10 || resizes[n-2] != "Resize workers 2" || resizes[n-1] != "Resize others 4" {
		t.Errorf("%q", resizes)
	}
	if w.commits > 30 {
		t.Errorf("%d commits in 60 slots", w.commits)
	}

	again := newCloud(t)
	again.story(true)
	again.verify()
	if diff := cmp.Diff(w.file.String(), again.file.String()); diff != "" {
		t.Errorf("restarts show (-without +with):\n%s", diff)
	}
}

// What does not change is not written, although it is decided.
func TestNodeGroupQuiet(t *testing.T) {
	w := newCloud(t)
	n := w.driver()
	for seconds := 0; seconds < 100; seconds += 10 {
		w.at(n, seconds)
		w.at(n, seconds+3) // a second wake-up of the slot
	}
	if w.commits != 1 || len(w.records) != 10 {
		t.Errorf("%d commits, %d records", w.commits, len(w.records))
	}
}

// The scale subresource answers from the first slot on, and what was adopted is
// from then on wanted.
func TestNodeGroupAdopts(t *testing.T) {
	w := newCloud(t)
	w.edit(func(s *v1alpha1.ScalableNodeGroupSpec) { s.Replicas = nil })
	w.before = once("Adopt 3", func() error { return ErrConflict })
	n := w.driver()
	w.at(n, 0)
	if w.object.Spec.Replicas != nil {
		t.Fatal("adopted against a conflict")
	}
	w.at(n, 10)
	if got := w.object.Spec.Replicas; got == nil || *got != 3 {
		t.Fatal("not adopted")
	}
	w.group.Desired, w.group.Ready = 1, 1
	w.at(n, 20)
	if w.group.Desired != 3 {
		t.Errorf("the adopted size is not held: %d", w.group.Desired)
	}
	w.verify()
}

// A conflict is decided again with what the other wrote.
func TestNodeGroupConflict(t *testing.T) {
	w := newCloud(t)
	n := w.driver()
	w.at(n, 0)
	stale := w.object
	w.want(6)
	if _, err := n.Reconcile(context.Background(), start.Time().Add(10*time.Second), stale); err != nil {
		t.Fatal(err)
	}
	w.at(n, 20)
	if w.group.Desired != 6 {
		t.Errorf("%d nodes", w.group.Desired)
	}
	w.verify()
}

// A command that timed out and did land holds nothing back any more.
func TestNodeGroupTimedOut(t *testing.T) {
	w := newCloud(t)
	w.want(5)
	w.before = once("Resize workers 5", func() error {
		w.group.Desired, w.group.Ready = 5, 5
		return ErrTimedOut
	})
	n := w.driver()
	w.at(n, 0)
	w.at(n, 10)
	if got := w.condition(v1alpha1.AbleToScaleCondition); got != "True Able: nothing holds a change back" {
		t.Error(got)
	}
	w.verify()
}

// A command that a crash kept from the provider is sent by the next slot.
func TestNodeGroupCrash(t *testing.T) {
	type crash struct{}
	w := newCloud(t)
	w.want(5)
	w.before = once("Resize workers 5", func() error { panic(crash{}) })
	func() {
		defer func() {
			if r := recover(); r != (crash{}) {
				t.Fatalf("no crash: %v", r)
			}
		}()
		w.at(w.driver(), 0)
	}()
	w.at(w.driver(), 3) // the slot is decided
	if w.group.Desired != 3 {
		t.Error("decided twice")
	}
	w.at(w.driver(), 10)
	if w.group.Desired != 5 {
		t.Errorf("%d nodes", w.group.Desired)
	}
}

// Slots before Since, and before the object's creation, are not decided.
func TestNodeGroupSince(t *testing.T) {
	w := newCloud(t)
	n := w.driver()
	n.Since = start + 10
	w.at(n, -10)
	w.at(n, 10)
	w.at(n, 20)
	w.at(n, 50)
	if len(w.records) != 2 || w.records[0].Slot != start+20 || w.records[1].Missed != 2 {
		t.Errorf("%+v", w.records)
	}
	n.Forget(types.NamespacedName{Namespace: "default", Name: "workers"})
	next, err := n.Reconcile(context.Background(), start.Time().Add(61*time.Second), w.object)
	if err != nil || next != slot.Slot(start+70) {
		t.Errorf("next %s: %v", next, err)
	}
}

// A command from the future is set aside, and the group goes on.
func TestGroupStateFromTheFuture(t *testing.T) {
	c := newCloud(t)
	c.follow = false
	n := c.driver()
	c.at(n, 0)
	c.want(5)
	c.at(n, 10)
	var state nodegroup.State
	if err := state.UnmarshalText([]byte(c.object.Status.State)); err != nil || state.Slot == 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	state.Slot += 10_000_000
	text, err := state.AppendText(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.object.Status.State, c.records = string(text), nil
	n = c.driver()
	c.at(n, 20)
	if ready := meta.FindStatusCondition(c.object.Status.Conditions, v1alpha1.ReadyCondition); len(c.records) != 0 || ready.Reason != StateReset || c.object.Status.Reason != StateReset || c.object.Status.State != "" {
		t.Errorf("%d records, Ready is %+v, state %q", len(c.records), ready, c.object.Status.State)
	}
	c.at(n, 30)
	if len(c.records) != 1 || c.group.Desired != 5 {
		t.Errorf("%d records, %d nodes are wanted, want 1 and 5", len(c.records), c.group.Desired)
	}
}
