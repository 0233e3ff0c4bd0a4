package fault

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// HitsQuery says whether the fault hits a query at an instant, in Unix
// milliseconds, however often that is asked: a controller that meets a conflict
// asks again, one that was restarted since does not, and chance must not fall
// otherwise for it from then on.
func (f *Fault) HitsQuery(now int64, object scenario.Reference, text string) bool {
	if !f.Active(now, object) {
		return false
	}
	if f.Probability == nil || *f.Probability == 1 {
		return true
	}
	return world.Random(f.seed, fmt.Sprintf("%s %s %d %s", f.Name, object, now, text)).Float64() < *f.Probability
}
