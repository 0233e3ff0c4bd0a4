package reports

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// refusals are the codes with which the last commands of node groups were refused,
// while it is waited for the next one.
type refusals map[journal.Object]observation.Code

// issue returns what keeps a node group from what it should be as of its next record,
// empty for nothing: the provider cannot be asked, refuses the size or has refused
// it, has no machines or a maximum.
func (all refusals) issue(r *journal.Record) string {
	in, resize := r.GroupInput()
	switch {
	case resize != observation.OK:
		all[r.Object] = resize
	case r.Reason != autoscaler.RateLimited && r.Reason != autoscaler.TargetUnavailable:
		delete(all, r.Object)
	}
	for _, code := range []observation.Code{in.Group.Code, all[r.Object], in.Group.Issue} {
		if code != observation.OK {
			return string(code)
		}
	}
	if most := in.Group.Max; in.Spec != nil && most >= 0 && *in.Spec > most {
		return fmt.Sprintf("the provider's maximum %d", most)
	}
	return ""
}

// A groupState holds what a record of a node group says to those who wait for nodes.
type groupState struct {
	// issue keeps the group from what it should be; empty where nothing does.
	issue string
	// spec nodes are asked for and ready ones run; known says that both were read.
	spec, ready int32
	known       bool
	// dryRun says that the provider is told nothing, on purpose.
	dryRun bool
}

func (all refusals) state(r *journal.Record) groupState {
	in, _ := r.GroupInput()
	s := groupState{issue: all.issue(r), dryRun: r.DryRun}
	if in.Spec != nil && in.Group.Code == observation.OK {
		s.spec, s.ready, s.known = *in.Spec, in.Group.Ready, true
	}
	return s
}

// wait says why pods have no node although the group exists, given the policy of
// the autoscaler that scales it, nil where none does.
func (g *groupState) wait(name string, scaledBy *policy.Autoscaler) string {
	switch {
	case g.issue != "":
		return name + ": " + g.issue
	case !g.known:
		return name
	case g.dryRun:
		return name + ": in a dry run"
	case g.ready < g.spec:
		return name + ": nodes are booting"
	case scaledBy == nil:
		return fmt.Sprintf("%s: %d %s, scaled by nobody", name, g.spec, plural(int64(g.spec), "node"))
	case g.spec >= scaledBy.Max:
		return fmt.Sprintf("%s: maxReplicas %d", name, scaledBy.Max)
	}
	return fmt.Sprintf("%s: %d %s, no more asked for", name, g.spec, plural(int64(g.spec), "node"))
}
