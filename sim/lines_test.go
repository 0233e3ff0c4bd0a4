package sim

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// TestLines keeps lines of all kinds with every field set, among them numbers at their
// limits, and reads them back.
func TestLines(t *testing.T) {
	command := int32(-3)
	object := journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "shop", Name: "web"}
	first := &journal.Record{
		Object: object, Generation: 7, Slot: 1_767_600_000, Policy: "p1", PolicyBody: "{}",
		Scale:        autoscaler.Scale{Spec: 4, Status: 5, Ready: 3, Counted: true, Fewer: 1, More: 2, Code: "Forbidden"},
		Metrics:      []journal.Metric{{Source: "s", Query: "q", At: 5, Value: 0.1, Code: "NoData", Recommendation: 9, Fallback: true}, {Query: "r", Value: math.MaxFloat64}},
		Recommending: true, Known: true, Recommended: math.MaxInt32, Stabilized: 2, Limited: 3, Desired: math.MinInt32,
		Reason: "Bounded", LimitedBy: behavior.Limit{Stage: "rate", Direction: "up", Policy: -1, Used: 1, Left: 2, Until: 3}, DryRun: true,
		Paused: autoscaler.Pause{Down: true, Up: true, Fixed: true, Replicas: 6, Until: 8, Unreadable: true}, Missed: 2,
	}
	plain := &journal.Record{Object: object, Slot: 1_767_600_010, Policy: "p1", PolicyBody: "{}"}
	other := &journal.Record{
		Object: journal.Object{Kind: journal.ScalableNodeGroup, Name: "n"}, Policy: "p2", PolicyBody: "[]", Command: &command,
		Observed: []journal.Field{{Name: "ready", Value: 3, Code: "Throttled"}}, Value: []journal.Field{},
	}
	outcome := &journal.Outcome{Object: object, Slot: 4, Result: "Conflict", At: 5, Lateness: 6}

	var lines Lines
	lines.Record(first)
	lines.Record(plain)
	lines.Outcome(&journal.Outcome{Result: applied})
	lines.Outcome(outcome)
	lines.Record(other)
	repeated := *plain
	repeated.PolicyBody = "" // it stands in the first record
	want := []journal.Line{{Record: first}, {Record: &repeated}, {Outcome: outcome}, {Record: other}}
	var got []journal.Line
	if err := lines.Each(func(l *journal.Line) error { got = append(got, *l); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable()); diff != "" {
		t.Error(diff)
	}
}

// TestLinesHaveALimit stops keeping lines that take too much, and says so.
func TestLinesHaveALimit(t *testing.T) {
	lines := Lines{most: 1000}
	for i := range 100 {
		if lines.full {
			if i < 5 {
				t.Errorf("%d records take more than 1000 bytes", i)
			}
			break
		}
		lines.Record(&journal.Record{Missed: int64(i)})
	}
	if lines.Record(&journal.Record{}); !lines.full || len(lines.blocks) > 0 {
		t.Errorf("full %t with %d blocks, want it full and nothing kept", lines.full, len(lines.blocks))
	}
}
