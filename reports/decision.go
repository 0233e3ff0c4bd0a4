package reports

import (
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// A decision holds what causes, runs and counts need of the record in force.
type decision struct {
	known, recommending bool
	recommended         float64
	stabilized, limited float64
	desired             float64
	reason              autoscaler.Reason
	limit               behavior.Limit
	dryRun, metricError bool
	// contested says that another autoscaler acts on the same target.
	contested bool
	// code is that of the first metric that failed, else that of the target.
	code observation.Code
	// refused is the answer to the command, empty if it was carried out.
	refused string
}

// decide copies what is needed of a record. Node groups and producers have a
// command instead of stages.
func decide(r *journal.Record) decision {
	d := decision{
		known: r.Known, recommending: r.Recommending,
		recommended: float64(r.Recommended), stabilized: float64(r.Stabilized),
		limited: float64(r.Limited), desired: float64(r.Desired),
		reason: r.Reason, limit: r.LimitedBy, dryRun: r.DryRun,
		contested: r.Scale.Code == observation.Contested,
	}
	if r.Command != nil {
		n := float64(*r.Command)
		d.known, d.recommending = true, true
		d.recommended, d.stabilized, d.limited, d.desired = n, n, n, n
	}
	for i := range r.Metrics {
		d.metricError = d.metricError || r.Metrics[i].Code != observation.OK
		if d.code == observation.OK {
			d.code = r.Metrics[i].Code
		}
	}
	switch {
	case d.code != observation.OK:
	case d.reason == autoscaler.InvalidPolicy:
		d.code = invalidPolicy
	default:
		d.code = r.Scale.Code
	}
	return d
}

// held reports whether the decision had nothing to go by.
func (d *decision) held() bool {
	switch d.reason {
	case autoscaler.MetricsUnavailable, autoscaler.TargetUnavailable, autoscaler.InvalidPolicy:
		return true
	}
	return false
}

// informed reports whether the decision had the target's counts and a value of
// every metric to go by.
func (d *decision) informed() bool { return d.known && !d.metricError && !d.held() }
