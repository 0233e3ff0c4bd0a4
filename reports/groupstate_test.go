package reports

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A refusal holds until the provider takes a size: between two attempts nothing
// is on its way.
func TestGroupStates(t *testing.T) {
	group := nodegroup.Group{Desired: 3, Ready: 3, Max: -1}
	slots := []struct {
		reason  string
		group   nodegroup.Group
		decided autoscaler.Reason
		refused observation.Code
		want    string
	}{
		{"all is well", group, autoscaler.Unchanged, "", ""},
		{"a command is refused", group, autoscaler.ScaledUp, observation.Forbidden, "Forbidden"},
		{"the next one waits", group, autoscaler.RateLimited, "", "Forbidden"},
		{"and cannot be sent", nodegroup.Group{Code: observation.Throttled}, autoscaler.TargetUnavailable, "", "Throttled"},
		{"and waits still", group, autoscaler.RateLimited, "", "Forbidden"},
		{"it is taken", group, autoscaler.ScaledUp, "", ""},
		{"and has not landed", group, autoscaler.RateLimited, "", ""},
		{"there are no machines", nodegroup.Group{Desired: 8, Ready: 3, Max: -1, Issue: observation.LimitReached}, autoscaler.Unchanged, "", "LimitReached"},
		{"there is a maximum", nodegroup.Group{Desired: 5, Ready: 5, Max: 5}, autoscaler.Bounded, "", "the provider's maximum 5"},
	}
	eight, all := int32(8), refusals{}
	for _, c := range slots {
		r := &journal.Record{Object: journal.Object{Kind: journal.ScalableNodeGroup, Namespace: "default", Name: "workers"}}
		r.DecideGroup(&policy.NodeGroup{}, &nodegroup.Input{Spec: &eight, Group: c.group}, &nodegroup.Decision{Reason: c.decided}, c.refused)
		if diff := cmp.Diff(c.want, all.issue(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}
