package autoscaler

import (
	"slices"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A Failure is a metric with a fallback that has no value: Metric is its
// policy.Metric.Key, Since the first slot that was decided without it.
type Failure struct {
	Metric uint32
	Since  slot.Slot
}

// fallback notes which metrics with a fallback fail, and since when, and says whether
// that changed the state. Those that have failed for long enough are marked in the
// decision. That no replica is ready is no failure of a metric, nor is a slot at
// which the target could not be read an end of one.
func (d *Decision) fallback(p *policy.Autoscaler, s *State, in *Input) bool {
	var failing [policy.MaxMetrics]Failure
	n := 0
	for i := range p.Metrics {
		m := &p.Metrics[i]
		if m.Fallback == nil || !in.Metrics[i].failed() {
			continue
		}
		f := Failure{Metric: m.Key(), Since: in.Slot}
		for _, before := range s.Failures {
			if before.Metric == f.Metric {
				f.Since = before.Since
			}
		}
		failing[n] = f
		n++
		d.Metrics[i].Fallback = in.Slot-f.Since >= slot.Slot(m.Fallback.After)
	}
	if slices.Equal(s.Failures, failing[:n]) {
		return false
	}
	s.Failures = append(s.Failures[:0], failing[:n]...)
	return true
}

// failed says whether there is no usable value, whatever the replicas.
func (s *Sample) failed() bool {
	return s.Code != observation.OK || algorithm.Usable(s.Value) != observation.OK
}

// fallbackReplicas returns what a fallback asks for at the current count.
func fallbackReplicas(f *policy.Fallback, current int32) int32 {
	if f.AllowScaleDown {
		return f.Replicas
	}
	return max(f.Replicas, current)
}
