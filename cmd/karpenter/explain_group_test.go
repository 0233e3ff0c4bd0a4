package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A groupSlot is what one slot of a node group meets.
type groupSlot struct {
	spec   int32 // negative: absent
	group  nodegroup.Group
	resize observation.Code // what a command is refused with
	dryRun bool
}

// groupJournal is the journal of a node group from 08:00:00 on, a slot every ten
// seconds, and of a producer beside it.
func groupJournal(t *testing.T, slots []groupSlot) []byte {
	t.Helper()
	var file bytes.Buffer
	w := journal.NewWriter(&file)
	group := journal.Object{Kind: journal.ScalableNodeGroup, Namespace: "default", Name: "workers"}
	hours := journal.Object{Kind: journal.MetricsProducer, Namespace: "default", Name: "hours"}
	var state nodegroup.State
	for i, at := range slots {
		p := &policy.NodeGroup{Type: "FakeGroup", ID: "workers", DryRun: at.dryRun}
		text, _ := state.MarshalText()
		r := &journal.Record{Object: group, Generation: 1, Slot: 1767600000 + 10*slot.Slot(i), PolicyBody: string(p.Encode()), Prev: journal.Digest(text), StateBody: string(text)}
		r.Policy = policy.Digest([]byte(r.PolicyBody))
		in := &nodegroup.Input{Name: "default/workers", Generation: 1, Slot: r.Slot, Group: at.group}
		if at.spec >= 0 {
			in.Spec = &at.spec
		}
		var d nodegroup.Decision
		state, d = nodegroup.Step(p, state, in)
		if at.resize != observation.OK {
			state = state.Failed(in.Name, at.resize)
		}
		r.DecideGroup(p, in, &d, at.resize)
		text, _ = state.MarshalText()
		r.State = journal.Digest(text)
		produced := &journal.Record{Object: hours, Generation: 1, Slot: r.Slot, Reason: autoscaler.Unchanged, Prev: journal.Digest(nil), State: journal.Digest(nil),
			Observed: []journal.Field{}, Value: []journal.Field{{Name: "replicas", Value: float64(2 + i/3)}}}
		for _, record := range []*journal.Record{r, produced} {
			if err := w.Record(record); err != nil {
				t.Fatal(err)
			}
		}
	}
	return file.Bytes()
}

// shows fails unless the call succeeded, with that text on stdout.
func (c called) shows(t *testing.T, text string) {
	t.Helper()
	if c.code != exitOK || !strings.Contains(c.stdout, text) {
		t.Errorf("code %d, got\n%s%swant in it\n%s", c.code, c.stdout, c.stderr, text)
	}
}

// groupStory has every kind of slot that a node group knows.
func groupStory() []groupSlot {
	five := nodegroup.Group{Desired: 5, Ready: 5, Min: 1, Max: 6}
	three := nodegroup.Group{Desired: 3, Ready: 3, Max: -1}
	return []groupSlot{
		{spec: -1, group: three},
		{spec: 3, group: three},
		{spec: 4, group: three, resize: observation.Forbidden},
		{spec: 4, group: three},
		{spec: 4, group: nodegroup.Group{Code: observation.Throttled}},
		{spec: 8, group: five},
		{spec: 0, group: five, dryRun: true},
		{spec: 5, group: nodegroup.Group{Desired: 5, Ready: 2, Min: 1, Max: 6, Issue: observation.LimitReached}},
		{spec: 6, group: five},
		{spec: 6, group: five},
		{spec: 6, group: five, resize: observation.LimitReached},
		{spec: 6, group: five},
	}
}

func TestExplainNodeGroups(t *testing.T) {
	text := string(groupJournal(t, groupStory()))
	for name, c := range map[string]struct {
		reason string
		at     string
		want   string
	}{
		"Adopted": {"an absent count is taken over", "08:00:00", `Unchanged: 3 wanted; 3 ready

  observed           spec.replicas is absent
                     the provider works towards 3, 3 ready; minimum 0
  wanted          3  what the provider works towards; spec.replicas is set to it
  command            nothing: the provider works towards it
`},
		"Refused": {"a command, what came of it, and when the next one goes", "08:00:20", `ScaledUp: 4 wanted; the provider works towards 3; refused: Forbidden

  observed        4  spec.replicas
                     the provider works towards 3, 3 ready; minimum 0
  wanted          4  within the provider's bounds
  command         4  is what the provider is told
                     refused: Forbidden, access was denied
                     another attempt is made from 08:07:23, and for another spec
                     at once
`},
		"Waiting": {"why nothing is sent", "08:00:30", `RateLimited: 4 wanted; the provider works towards 3; Forbidden at 08:00:20,
again from 08:07:23

  observed        4  spec.replicas
                     the provider works towards 3, 3 ready; minimum 0
  earlier            at 08:00:20 the provider was told 4; refused: Forbidden,
                     access was denied
  wanted          4  within the provider's bounds
  command            nothing yet: another attempt is made from 08:07:23, and for
                     another spec at once
`},
		"Unreadable": {"a group that cannot be read is left alone", "08:00:40", `TargetUnavailable: provider: Throttled

  observed        4  spec.replicas
                     the provider's group could not be used: Throttled, the
                     server asked to slow down
  earlier            at 08:00:20 the provider was told 4; refused: Forbidden,
                     access was denied
  command            nothing: a group that cannot be read is left as it is
`},
		"Clipped": {"the provider's bounds come last", "08:00:50", `RateLimited: 8 wanted, the provider's maximum is 6; the provider works towards
5; Forbidden at 08:00:20`},
		"DryRun": {"a dry run tells nobody", "08:01:00", `Bounded: 0 wanted, the provider's minimum is 1; the provider works towards 5

  observed        0  spec.replicas
                     the provider works towards 5, 5 ready; minimum 1, maximum 6
  earlier            at 08:00:20 the provider was told 4; refused: Forbidden,
                     access was denied
  wanted          1  the provider's minimum 1
  command         1  dry run: the provider is not told
`},
		"Trouble": {"the provider's own words", "08:01:10", `Unchanged: 5 wanted; 2 ready; issue: LimitReached

  observed        5  spec.replicas
                     the provider works towards 5, 2 ready; minimum 1, maximum 6
                     its issue with the group: LimitReached, a quota or the
                     capacity is exhausted
`},
		"Again": {"what was taken and is not seen to land is repeated", "08:01:30", `  earlier            at 08:01:20 the provider was told 6; it was taken
  wanted          6  within the provider's bounds
  command         6  is what the provider is told
`},
		"Limit": {"a quota leaves the way down open", "08:01:50", `another attempt is made from 08:03:55, and for
                     a smaller size at once
`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Log(c.reason)
			call(t, text, "explain", "-", "sng/workers", "--at", c.at).shows(t, c.want)
		})
	}
	call(t, text, "explain", "-", "sng/workers", "--from", "08:00", "--to", "08:00:40").shows(t, `FROM      TO        DESIRED  REASON             WHY
08:00:00  08:00:10  -        Unchanged          3 wanted; 3 ready
08:00:20  08:00:20  4        ScaledUp           4 wanted; the provider works
                                                towards 3; refused: Forbidden
08:00:30  08:00:30  -        RateLimited        4 wanted; the provider works
                                                towards 3; Forbidden at
                                                08:00:20, again from 08:07:23
08:00:40  08:00:40  -        TargetUnavailable  provider: Throttled
`)
	call(t, text, "compare", "-").refused(t, "<stdin>: no HorizontalAutoscaler's decisions in it")
}

// After a lost line the record itself is all that is known.
func TestExplainNodeGroupAfterALostLine(t *testing.T) {
	lines := strings.SplitAfter(string(groupJournal(t, groupStory())), "\n")
	text := strings.Join(append(lines[:4:4], lines[6:]...), "")
	call(t, text, "explain", "-", "sng/workers", "--at", "08:00:30").shows(t, `RateLimited: spec = 4, desired = 3, ready = 3, min = 0

  observed           spec = 4
  observed           desired = 3
  observed           ready = 3
  observed           min = 0
  command            nothing: the provider is left as it is
`)
}

func TestExplainProducers(t *testing.T) {
	text := string(groupJournal(t, groupStory()[:6]))
	call(t, text, "explain", "-", "mp/hours").shows(t, `AT        UNTIL     DESIRED  REASON     WHY
08:00:00  08:00:20  -        Unchanged  replicas = 2
08:00:30  08:00:50  -        Unchanged  replicas = 3
`)
}
