package main

import (
	"time"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/sim/manifest"
)

// checkLength refuses what would take more than about an hour, unless it is
// wanted: a slip in a duration must not run for days.
func (s *session) checkLength(jobs []*job) error {
	if s.flags.yes {
		return nil
	}
	total, longest := 0.0, (*job)(nil)
	for _, j := range jobs {
		if n := j.evaluations(); longest == nil || n > longest.evaluations() {
			longest = j
		}
		total += j.evaluations()
	}
	if total <= limit.Evaluations {
		return nil
	}
	return manifest.Join(longest.File.Doc.Errorf("spec.duration", "the run lasts %s and evaluates queries %.0f times at its slots, in %s; more than %d, about an hour's work, run only with --yes",
		longest.File.Spec.Duration, total, counted(len(longest.Columns), "column"), limit.Evaluations))
}

// evaluations is how many queries are evaluated at slots, in all columns.
func (j *job) evaluations() float64 {
	seconds := time.Duration(j.File.Spec.Duration).Seconds()
	n := 0.0
	for _, c := range j.Columns {
		for i := range c.Autoscalers {
			p := c.Autoscalers[i].Policy
			n += seconds / float64(p.Interval) * float64(max(1, len(p.Metrics)))
		}
	}
	return n
}
