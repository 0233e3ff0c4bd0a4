package fault

import (
	"math"

	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/world"
)

var staleMarker = math.Float64frombits(value.StaleNaN)

// empty is metrics: empty: the series are gone. They end with a stale marker, as
// after a failed scrape.
func empty(f *Fault, run fake.Run, _ int64) []fake.Run {
	i, j := f.during(run)
	left := part(run, 0, i)
	if i > 0 && !isStale(run, i-1) {
		left = with(left, f.From, staleMarker)
	}
	return []fake.Run{and(left, run, j, len(run.T))}
}

// partial is metrics: partial: a share of the series is gone. Those of a pod go
// together.
func partial(f *Fault, run fake.Run, now int64) []fake.Run {
	key := run.Labels.Get("pod")
	if key == "" {
		key = run.Labels.String()
	}
	f.mu.Lock()
	chosen, known := f.chosen[key]
	if !known {
		chosen = world.Random(f.seed, f.Name+" "+key).Float64() < *f.Fraction
		f.chosen[key] = chosen
	}
	f.mu.Unlock()
	if chosen {
		return empty(f, run, now)
	}
	return []fake.Run{run}
}
