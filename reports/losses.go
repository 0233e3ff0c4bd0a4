package reports

import (
	"math"
	"slices"
)

// losses are the replicas that served, stopped without having been told to, and
// are still not replaced: nodes that vanished or lost the cluster, pods that a
// rollout takes away. Replicas that come up make good for lost ones first.
func losses(spec, ready Steps) Steps {
	var lost Steps
	asked, serving := cursor{steps: spec}, cursor{steps: ready}
	missing, before := 0.0, math.NaN()
	for t := min(asked.next(), serving.next()); t != math.MaxInt64; t = min(asked.next(), serving.next()) {
		a, r := asked.to(t), serving.to(t)
		if math.IsNaN(a) || math.IsNaN(r) || math.IsNaN(before) {
			missing = 0
		} else {
			// What goes because fewer are asked for is not lost.
			missing = max(0, min(missing+before-r, a-r))
		}
		before = r
		lost.Append(t, missing)
	}
	return lost
}

// reconsidered is how long, in seconds, a scale-down counts as too early where
// what was given up is missing.
const reconsidered = 15 * 60

// givenUp returns how many replicas fewer serve than did within the last
// reconsidered seconds, as far as that many were scaled down in that time and not
// needed then: what is needed while it goes was not given up too early, but wrongly.
func givenUp(spec, ready, needed Steps) Steps {
	type step struct {
		at   int64
		down float64
	}
	var steps []step
	for i := 1; i < len(spec.T); i++ {
		if down := spec.V[i-1] - math.Max(spec.V[i], orZero(needed.At(spec.T[i]))); down > 0 {
			steps = append(steps, step{spec.T[i], down})
		}
	}
	if len(steps) == 0 {
		return Steps{}
	}
	most := slide(ready, reconsidered, 0, func(a, b float64) bool { return a > b })
	times := slices.Concat(ready.T, most.T)
	for _, s := range steps {
		times = append(times, s.at, s.at+reconsidered)
	}
	slices.Sort(times)
	serving, peak := cursor{steps: ready}, cursor{steps: most}
	var out Steps
	down, entered, left := 0.0, 0, 0
	for _, t := range slices.Compact(times) {
		for ; entered < len(steps) && steps[entered].at <= t; entered++ {
			down += steps[entered].down
		}
		for ; left < len(steps) && steps[left].at+reconsidered <= t; left++ {
			down -= steps[left].down
		}
		fewer := peak.to(t) - serving.to(t)
		if math.IsNaN(fewer) {
			fewer = 0
		}
		out.Append(t, max(0, min(down, fewer)))
	}
	return out
}
