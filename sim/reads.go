package sim

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// Reads says whether a query of an autoscaler selects gauges of a producer: those
// that are told apart by a name, which is the producer's.
func Reads(a *v1alpha1.HorizontalAutoscaler, producer *v1alpha1.MetricsProducer) bool {
	return slices.ContainsFunc(a.Spec.Metrics, func(m v1alpha1.Metric) bool {
		if m.Prometheus == nil {
			return false
		}
		selectors, _ := recording.Selectors(m.Prometheus.Query) // what cannot be parsed reads nothing
		return slices.ContainsFunc(selectors, func(s recording.Selector) bool { return selects(s.Matchers, producer) })
	})
}

func selects(matchers []*labels.Matcher, producer *v1alpha1.MetricsProducer) bool {
	named := false
	for _, m := range matchers {
		switch m.Name {
		case "name":
			named = true
			if !m.Matches(producer.Name) {
				return false
			}
		case "namespace":
			if !m.Matches(producer.Namespace) {
				return false
			}
		}
	}
	return named
}
