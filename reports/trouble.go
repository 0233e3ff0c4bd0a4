package reports

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// refusals are the codes with which the last commands of node groups were refused,
// while it is waited for the next one.
type refusals map[journal.Object]observation.Code

// trouble is what keeps a node group from what it should be as of its next record,
// empty for nothing: the provider cannot be asked, refuses the size or has refused
// it, has no machines or a maximum.
func (all refusals) trouble(r *journal.Record) string {
	in, resize := r.GroupInput()
	switch {
	case resize != observation.OK:
		all[r.Object] = resize
	case r.Reason != autoscaler.RateLimited && r.Reason != autoscaler.TargetUnavailable:
		delete(all, r.Object)
	}
	for _, code := range []observation.Code{in.Group.Code, all[r.Object], in.Group.Trouble} {
		if code != observation.OK {
			return string(code)
		}
	}
	if most := in.Group.Max; in.Spec != nil && most >= 0 && *in.Spec > most {
		return fmt.Sprintf("the provider's maximum %d", most)
	}
	return ""
}
