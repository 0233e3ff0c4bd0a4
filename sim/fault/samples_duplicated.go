package fault

import (
	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// replicaLabel tells the Prometheus servers of a pair apart, as the Prometheus
// operator names it.
const replicaLabel = "prometheus_replica"

// duplicated is metrics: duplicated: a second Prometheus scrapes the same, and
// nothing removes the duplicates. Its series begin with what it knows when the
// fault begins, and end with it.
func duplicated(f *Fault, run fake.Run, now int64) []fake.Run {
	i, j := f.during(run)
	if f.alive(run, i) {
		i--
	}
	if i >= j {
		return []fake.Run{run}
	}
	second := part(run, i, j)
	if now >= f.To && !isStale(run, j-1) {
		second = with(second, f.To, staleMarker)
	}
	b := labels.NewBuilder(run.Labels)
	second.Labels = b.Set(replicaLabel, run.Labels.Get(replicaLabel)+"b").Labels()
	return []fake.Run{run, second}
}
