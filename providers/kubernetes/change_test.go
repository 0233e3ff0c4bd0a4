package kubernetes

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

func TestChange(t *testing.T) {
	p := policy.Autoscaler{
		Target: policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}, Min: 2, Max: 20, Interval: 10,
		Metrics: []policy.Metric{{Query: "a", Type: policy.AverageValue, Target: 100}, {Query: "sum(\n  b\n)", Type: policy.Utilization, Target: 60}},
	}
	record := func(from, to int32, change func(*journal.Record)) *journal.Record {
		r := &journal.Record{
			Object: journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "default", Name: "web"},
			Slot:   1767600000, PolicyBody: string(p.Encode()), Scale: autoscaler.Scale{Spec: from, Status: from},
			Known: true, Recommending: true, Recommended: to, Stabilized: to, Limited: to, Desired: to,
			Metrics: []journal.Metric{{Query: "a", Value: 400, Recommendation: 4}, {Query: "sum(\n  b\n)", Value: 0.9, Recommendation: to}},
		}
		if change != nil {
			change(r)
		}
		return r
	}
	wanted := int32(5)
	cases := []struct {
		reason string
		record *journal.Record
		kind   string
		text   string // empty for no change
	}{
		{reason: "up", record: record(5, 8, nil), kind: "ScaledUp", text: "scaled Deployment web from 5 to 8 replicas: sum( b ) is 0.9, target Utilization 60, which asks for 8"},
		{reason: "down", record: record(5, 4, nil), kind: "ScaledDown", text: "scaled Deployment web from 5 to 4 replicas: a is 400, target AverageValue 100, which asks for 4"},
		{reason: "nothing", record: record(5, 5, nil)},
		{reason: "dry run", record: record(5, 8, func(r *journal.Record) { r.DryRun = true })},
		{reason: "not known", record: record(5, 8, func(r *journal.Record) { r.Known = false })},
		{reason: "bounded", kind: "ScaledUp", text: "scaled Deployment web from 5 to 20 replicas: sum( b ) is 0.9, target Utilization 60, which asks for 30; bounded by maxReplicas 20",
			record: record(5, 30, func(r *journal.Record) { r.Desired, r.LimitedBy = 20, behavior.Limit{Stage: behavior.Bounds} })},
		{reason: "bounded below", kind: "ScaledDown", text: "scaled Deployment web from 5 to 2 replicas: sum( b ) is 0.9, target Utilization 60, which asks for 1; bounded by minReplicas 2",
			record: record(5, 1, func(r *journal.Record) { r.Desired, r.LimitedBy = 2, behavior.Limit{Stage: behavior.Bounds} })},
		{reason: "limited", kind: "ScaledUp", text: "scaled Deployment web from 5 to 7 replicas: sum( b ) is 0.9, target Utilization 60, which asks for 9; held at 7 by rate policy 1",
			record: record(5, 9, func(r *journal.Record) { r.Desired, r.LimitedBy = 7, behavior.Limit{Stage: behavior.Rate, Policy: 1} })},
		{reason: "stabilized", kind: "ScaledDown", text: "scaled Deployment web from 9 to 6 replicas: a is 400, target AverageValue 100, which asks for 4; held at 6 by the stabilization window",
			record: record(9, 4, func(r *journal.Record) { r.Desired, r.LimitedBy = 6, behavior.Limit{Stage: behavior.Stabilization} })},
		{reason: "an edit of the bounds while metrics fail", kind: "ScaledUp", text: "scaled Deployment web from 1 to 2 replicas: bounded by minReplicas 2",
			record: record(1, 2, func(r *journal.Record) {
				r.Recommending, r.LimitedBy = false, behavior.Limit{Stage: behavior.Bounds}
				for i := range r.Metrics {
					r.Metrics[i].Code = observation.TimedOut
				}
			})},
		{reason: "a node group", kind: "ScaledUp", text: "scaled node group pool from 3 to 5 nodes",
			record: &journal.Record{Object: journal.Object{Kind: journal.ScalableNodeGroup, Name: "pool"}, Observed: []journal.Field{{Name: "desired", Value: 3}}, Command: &wanted}},
		{reason: "a node group as it should be", record: &journal.Record{Object: journal.Object{Kind: journal.ScalableNodeGroup, Name: "pool"}}},
	}
	for _, c := range cases {
		got := changeOf(c.record)
		switch {
		case c.text == "":
			if got != nil {
				t.Errorf("%s: %s", c.reason, got)
			}
		case got == nil:
			t.Errorf("%s: no change", c.reason)
		case got.applied(nil) != c.text || got.reason() != c.kind:
			t.Errorf("%s: %s %s, want %s %s", c.reason, got.reason(), got.applied(nil), c.kind, c.text)
		}
	}
}

func TestShorten(t *testing.T) {
	long := shorten(strings.Repeat("é", shownQuery))
	if !strings.HasSuffix(long, "é...") || len(long) > shownQuery+3 {
		t.Errorf("%q", long)
	}
}
