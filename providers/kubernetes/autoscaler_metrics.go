package kubernetes

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// autoscaler shows what an autoscaler's record says; what it does not say ends.
func (m *Metrics) autoscaler(s *journal.Shown, r *journal.Record) {
	missed, held := s.MissedSlots, s.HeldSeconds
	for _, g := range s.Record(r) {
		m.shown[g.Name].DeleteLabelValues(gaugeLabels(r.Object, g)...)
	}
	// A series that stays is not touched: a scrape in between would end it.
	for _, g := range s.Gauges {
		m.shown[g.Name].WithLabelValues(gaugeLabels(r.Object, g)...).Set(g.Value)
	}
	m.missed.WithLabelValues(r.Namespace, r.Name).Add(float64(s.MissedSlots - missed))
	m.held.WithLabelValues(r.Namespace, r.Name).Add(float64(s.HeldSeconds - held))
}

// reason makes a reason the only one of an autoscaler that is 1; without one they end.
func (m *Metrics) reason(name types.NamespacedName, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, told := m.reasons[name]
	gauge := m.shown[journal.AutoscalerReason]
	switch {
	case reason == before && told:
	case reason == "":
		gauge.DeletePartialMatch(labelsOf(journal.Object{Namespace: name.Namespace, Name: name.Name}))
		delete(m.reasons, name)
	case !told:
		for _, r := range cycle.Reasons() {
			gauge.WithLabelValues(name.Namespace, name.Name, r).Set(0)
		}
		fallthrough
	default:
		if told {
			gauge.WithLabelValues(name.Namespace, name.Name, before).Set(0)
		}
		gauge.WithLabelValues(name.Namespace, name.Name, reason).Set(1)
		m.reasons[name] = reason
	}
}

// scaled shows when the target of an autoscaler last took a change.
func (m *Metrics) scaled(o *journal.Outcome) {
	if o.Kind == journal.HorizontalAutoscaler && o.Result == cycle.Applied {
		m.lastScaled(o.Object, o.Slot)
	}
}

func (m *Metrics) lastScaled(o journal.Object, at slot.Slot) {
	m.lastScale.WithLabelValues(o.Namespace, o.Name).Set(float64(at))
}

// gaugeLabels are the values of a gauge's labels.
func gaugeLabels(o journal.Object, g journal.Gauge) []string {
	if g.Label == "" {
		return []string{o.Namespace, o.Name}
	}
	return []string{o.Namespace, o.Name, g.Label}
}
