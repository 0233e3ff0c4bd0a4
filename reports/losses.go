package reports

import "math"

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
