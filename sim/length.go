package sim

import (
	"fmt"
	"time"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// Evaluations returns how many queries are evaluated at slots, in all columns.
func (s *Simulation) Evaluations() float64 {
	seconds, n := time.Duration(s.File.Spec.Duration).Seconds(), 0.0
	for _, c := range s.Columns {
		for i := range c.Autoscalers {
			p := c.Autoscalers[i].Policy
			n += seconds / float64(p.Interval) * float64(max(1, len(p.Metrics)))
		}
	}
	return n
}

// long reports whether playing takes more than about an hour.
func (s *Simulation) long() bool { return s.Evaluations() > limit.Evaluations }

// CheckLength refuses simulations that take more than about an hour together, which
// is most often a slip in a duration.
func CheckLength(simulations ...*Simulation) error {
	total, longest := 0.0, (*Simulation)(nil)
	for _, s := range simulations {
		n := s.Evaluations()
		if longest == nil || n > longest.Evaluations() {
			longest = s
		}
		total += n
	}
	if total <= limit.Evaluations {
		return nil
	}
	columns := fmt.Sprintf("%d columns", len(longest.Columns))
	if len(longest.Columns) == 1 {
		columns = "1 column"
	}
	return manifest.Join(longest.File.Doc.Errorf("spec.duration", "the run lasts %s and evaluates queries %.0f times at its slots, in %s; more than %d, about an hour's work, run only with --yes",
		longest.File.Spec.Duration, total, columns, limit.Evaluations))
}
