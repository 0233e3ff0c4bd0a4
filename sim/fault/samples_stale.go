package fault

import (
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// stale is metrics: stale: the exporter hangs, and every scrape gets what it said
// before. A gauge keeps its value and a counter stands still; what begins
// meanwhile is not seen.
func stale(f *Fault, run fake.Run, _ int64) []fake.Run {
	i, j := f.during(run)
	changed := part(run, 0, i)
	if f.alive(run, i) {
		for ; i < j; i++ {
			last := len(changed.T) - 1
			changed = with(changed, run.T[i], changed.F[last])
			if changed.H != nil {
				changed.H[last+1] = histogramAt(changed, last)
			}
		}
	}
	return []fake.Run{and(changed, run, j, len(run.T))}
}
