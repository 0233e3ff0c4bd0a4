package fault

import (
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// late is metrics: late: samples arrive Delay after they were taken. When the
// fault ends, what is on its way arrives at once.
func late(f *Fault, run fake.Run, now int64) []fake.Run {
	i, j := f.during(run)
	delay := time.Duration(f.Delay).Milliseconds()
	arrived := i
	for arrived < j && min(run.T[arrived]+delay, f.To) <= now {
		arrived++
	}
	return []fake.Run{and(part(run, 0, arrived), run, j, len(run.T))}
}
