package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// sleep takes the steps to and from the idle count, as KEDA does beside its HPA:
//
//   - active and below minReplicas: to minReplicas in one step;
//   - not active, no metric in error but of the replicas themselves (as cpu is), and
//     the cooldown over, or without activity ever the initial one: to the idle count
//     in one step;
//   - not active at the idle count or 0: stay.
//
// It says whether it decided, and whether the state changed. What it decides
// leaves nothing in the window.
func (d *Decision) sleep(p *policy.Autoscaler, s *State, in *Input, previous slot.Slot) (decided, changed bool) {
	active, failed := d.activity(p, in)
	changed = s.Activity.note(active, previous, in.Slot)
	current := in.Scale.Spec
	over := s.Activity == Activity{} || in.Slot-s.Activity.Last >= slot.Slot(p.Zero.Cooldown)
	to := current
	switch {
	case active && current < p.Min:
		to = p.Min
	case active:
		return false, changed
	case over && !failed:
		to = p.Zero.Idle
	case current != p.Zero.Idle && current != 0:
		return false, changed
	}
	d.recommend(p, in) // for the record
	d.hold("", to)
	switch {
	case to > current:
		d.Reason = ScaledUp
	case to < current:
		d.Reason = ScaledDown
	case failed:
		d.Reason = MetricsUnavailable
	default:
		d.Reason = Unchanged
	}
	return true, s.record(behavior.Nothing, previous, in.Slot) || changed
}

// activity says whether any metric is above its activation, and whether any failed
// that bears on sleep. Where none has an activation, all is activity. A fallback in
// force counts as activity of a metric with an activation, and never as a failure.
func (d *Decision) activity(p *policy.Autoscaler, in *Input) (active, failed bool) {
	active = true
	for i := range p.Metrics {
		active = active && p.Metrics[i].Activation == nil
	}
	for i := range p.Metrics {
		metric, sample := &p.Metrics[i], &in.Metrics[i]
		switch {
		case d.Metrics[i].Fallback:
			active = active || metric.Activation != nil
		case sample.failed():
			failed = failed || !ofReplicas(metric)
		case metric.Activation != nil && sample.Value > *metric.Activation:
			active = true
		}
	}
	return active, failed
}

// ofReplicas says whether a metric is how busy the replicas are, as cpu is, and no
// demand on them: a percentage without an activation. It never keeps a target awake,
// and fails wherever there are no replicas to measure, so its failure does not
// either. Any other metric that fails might have shown demand.
func ofReplicas(m *policy.Metric) bool {
	return m.Activation == nil && m.Type == policy.Utilization
}
