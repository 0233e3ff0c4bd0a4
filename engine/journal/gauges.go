package journal

import (
	"strconv"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// The names of the gauges that show a HorizontalAutoscaler. Their labels are its
// namespace and name; AutoscalerReason has a reason besides, those of a metric its
// index in spec.metrics.
const (
	AutoscalerMin       = "karpenter_horizontalautoscaler_min_replicas"
	AutoscalerMax       = "karpenter_horizontalautoscaler_max_replicas"
	AutoscalerReason    = "karpenter_horizontalautoscaler_reason"
	AutoscalerPaused    = "karpenter_horizontalautoscaler_paused"
	MetricValueGauge    = "karpenter_horizontalautoscaler_metric_value"
	MetricTargetGauge   = "karpenter_horizontalautoscaler_metric_target"
	MetricUsableGauge   = "karpenter_horizontalautoscaler_metric_available"
	MetricFallbackGauge = "karpenter_horizontalautoscaler_metric_fallback_active"
)

// The names of what is counted over the records of a HorizontalAutoscaler, and of when
// its target last took a change. Their labels are its namespace and name.
const (
	LastScaleGauge = "karpenter_horizontalautoscaler_last_scale_time_seconds"
	MissedCounter  = "karpenter_horizontalautoscaler_missed_slots_total"
	HeldCounter    = "karpenter_horizontalautoscaler_held_seconds_total"
)

// AutoscalerSeries are the names of all series that show a HorizontalAutoscaler,
// besides the counts of its status.
func AutoscalerSeries() []string {
	return []string{AutoscalerMin, AutoscalerMax, AutoscalerReason, AutoscalerPaused, MetricValueGauge, MetricTargetGauge,
		MetricUsableGauge, MetricFallbackGauge, LastScaleGauge, MissedCounter, HeldCounter}
}

// GaugeHelp are the help texts of the gauges by name.
var GaugeHelp = map[string]string{
	AutoscalerMin:       "Fewest replicas of a HorizontalAutoscaler, as decided by: spec.minReplicas, at least 1 with spec.zero.",
	AutoscalerMax:       "Most replicas of a HorizontalAutoscaler, as in spec.maxReplicas.",
	AutoscalerReason:    "1 for the reason of a HorizontalAutoscaler, as in status.reason, and 0 for every other one.",
	AutoscalerPaused:    "1 while an annotation pauses a HorizontalAutoscaler, else 0.",
	MetricValueGauge:    "Last value of a metric's query by its index in spec.metrics; ends while there is none.",
	MetricTargetGauge:   "Target of a metric by its index in spec.metrics: of the value, of its share a replica (AverageValue), or in percent (Utilization).",
	MetricUsableGauge:   "1 while a metric has a usable value, else 0, by its index in spec.metrics.",
	MetricFallbackGauge: "1 while its fallback stands in for a metric, else 0, by its index in spec.metrics.",
}

// GaugeLabel is the label that a gauge has besides namespace and name; empty for none.
func GaugeLabel(name string) string {
	switch name {
	case AutoscalerReason:
		return "reason"
	case MetricValueGauge, MetricTargetGauge, MetricUsableGauge, MetricFallbackGauge:
		return "metric"
	}
	return ""
}

// A Gauge is one series of an autoscaler. Label is the value of GaugeLabel.
type Gauge struct {
	Name, Label string
	Value       float64
}

// Gauges appends what an autoscaler's record shows besides its status, decided under a policy, which is
// nil where the spec is invalid. What is not known is not there, so that a series ends
// rather than freezes.
func (r *Record) Gauges(list []Gauge, p *policy.Autoscaler) []Gauge {
	list = append(list, Gauge{AutoscalerPaused, "", flag(r.Paused != autoscaler.Pause{})})
	if p == nil {
		return list
	}
	list = append(list, Gauge{AutoscalerMin, "", float64(p.Min)}, Gauge{AutoscalerMax, "", float64(p.Max)})
	for i := range min(len(r.Metrics), len(p.Metrics)) {
		m, index := &r.Metrics[i], strconv.Itoa(i)
		list = append(list, Gauge{MetricTargetGauge, index, p.Metrics[i].Target}, Gauge{MetricUsableGauge, index, flag(m.Code == observation.OK)})
		if m.Code == observation.OK {
			list = append(list, Gauge{MetricValueGauge, index, m.Value})
		}
		if p.Metrics[i].Fallback != nil {
			list = append(list, Gauge{MetricFallbackGauge, index, flag(m.Fallback)})
		}
	}
	return list
}

// Held says whether an autoscaler's decision had nothing to go by.
func (r *Record) Held() bool {
	switch r.Reason {
	case autoscaler.MetricsUnavailable, autoscaler.TargetUnavailable, autoscaler.InvalidPolicy:
		return true
	}
	return false
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
