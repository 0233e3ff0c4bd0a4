package fault

import (
	"math"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// notANumber is metrics: nan: the exporter says NaN, of native histograms, too.
func notANumber(f *Fault, run fake.Run, _ int64) []fake.Run {
	i, j := f.during(run)
	changed := part(run, 0, len(run.T))
	for ; i < j; i++ {
		if isStale(run, i) {
			continue
		}
		changed.F[i] = math.NaN()
		if changed.H != nil {
			changed.H[i] = nil
		}
	}
	return []fake.Run{changed}
}
