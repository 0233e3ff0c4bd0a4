package kubernetes

import (
	"encoding/json"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// shownAutoscaler is what the series of an autoscaler show. An autoscaler has ten
// series, and three or four for each of its metrics.
type shownAutoscaler struct {
	digest string // of policy
	policy *policy.Autoscaler
	gauges []journal.Gauge
	spare  []journal.Gauge // of the slot before, reused
	slot   slot.Slot
	held   bool
}

// autoscaler shows what an autoscaler's record says; what it does not say ends.
func (m *Metrics) autoscaler(s *shownAutoscaler, r *journal.Record) {
	if s.digest != r.Policy || s.policy == nil {
		s.digest, s.policy = r.Policy, nil
		var p policy.Autoscaler
		if r.Policy != "" && json.Unmarshal([]byte(r.PolicyBody), &p) == nil { // our own text
			s.policy = &p
		}
	}
	before := s.gauges
	s.gauges, s.spare = r.Gauges(s.spare[:0], s.policy), before
	for _, g := range before {
		if !slices.ContainsFunc(s.gauges, func(now journal.Gauge) bool { return now.Name == g.Name && now.Label == g.Label }) {
			m.shown[g.Name].DeleteLabelValues(gaugeLabels(r.Object, g)...)
		}
	}
	// A series that stays is not touched: a scrape in between would end it.
	for _, g := range s.gauges {
		m.shown[g.Name].WithLabelValues(gaugeLabels(r.Object, g)...).Set(g.Value)
	}
	m.missed.WithLabelValues(r.Namespace, r.Name).Add(float64(r.Missed))
	held := 0.0
	if s.held {
		held = float64(r.Slot - s.slot)
	}
	m.held.WithLabelValues(r.Namespace, r.Name).Add(held)
	s.slot, s.held = r.Slot, r.Held()
}

// scaled shows when the target of an autoscaler last took a change.
func (m *Metrics) scaled(o *journal.Outcome) {
	if o.Kind == journal.HorizontalAutoscaler && o.Result == cycle.Applied {
		m.lastScale.WithLabelValues(o.Namespace, o.Name).Set(float64(o.Slot))
	}
}

// gaugeLabels are the values of a gauge's labels.
func gaugeLabels(o journal.Object, g journal.Gauge) []string {
	if g.Label == "" {
		return []string{o.Namespace, o.Name}
	}
	return []string{o.Namespace, o.Name, g.Label}
}
