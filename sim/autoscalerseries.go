package sim

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// The autoscalers' own series, as the controller exposes them.
const (
	desiredReplicas = "karpenter_horizontalautoscaler_desired_replicas"
	currentReplicas = "karpenter_horizontalautoscaler_current_replicas"
)

// autoscalerNames are the names of the series that the controller exports about a
// HorizontalAutoscaler.
func autoscalerNames() []string {
	return append(journal.AutoscalerSeries(), desiredReplicas, currentReplicas)
}

// autoscalerSeries holds what the controller exports about an autoscaler.
type autoscalerSeries struct {
	shown journal.Shown
	// labels are made once for each series.
	labels map[seriesName]labels.Labels
}

// seriesName is a series of one autoscaler: label is the value of journal.GaugeLabel.
type seriesName struct{ name, label string }

// begin has a process begin that knows of the autoscaler what is stored.
func (s *autoscalerSeries) begin(stored *v1alpha1.HorizontalAutoscaler) {
	s.shown = journal.Shown{}
	if at := stored.Status.LastScaleTime; at != nil {
		s.shown.LastScale = slot.At(at.Time)
	}
}

// autoscalerJournal takes what the controller exports about an autoscaler from its
// records and outcomes, and passes these on.
type autoscalerJournal struct {
	cycle.Journal
	series *autoscalerSeries
}

// Record implements cycle.Journal.
func (j autoscalerJournal) Record(r *journal.Record) {
	j.series.shown.Record(r)
	j.Journal.Record(r)
}

// Outcome implements cycle.Journal.
func (j autoscalerJournal) Outcome(o *journal.Outcome) {
	if o.Result == cycle.Applied {
		j.series.shown.LastScale = o.Slot
	}
	j.Journal.Outcome(o)
}

// emit emits what the controller exports about an autoscaler with a status now.
func (s *autoscalerSeries) emit(name types.NamespacedName, status *v1alpha1.HorizontalAutoscalerStatus, emit world.Emit) {
	show := func(series, label string, value float64) { emit(s.of(name, series, label), value) }
	if status.DesiredReplicas != nil {
		show(currentReplicas, "", float64(*status.CurrentReplicas))
		show(desiredReplicas, "", float64(*status.DesiredReplicas))
	}
	if len(s.shown.Gauges) == 0 {
		return // nothing has been decided yet
	}
	for _, g := range s.shown.Gauges {
		show(g.Name, g.Label, g.Value)
	}
	if status.Reason != "" {
		for _, reason := range cycle.Reasons() {
			value := 0.0
			if reason == status.Reason {
				value = 1
			}
			show(journal.AutoscalerReason, reason, value)
		}
	}
	show(journal.MissedCounter, "", float64(s.shown.MissedSlots))
	show(journal.HeldCounter, "", float64(s.shown.HeldSeconds))
	if s.shown.LastScale != 0 {
		show(journal.LastScaleGauge, "", float64(s.shown.LastScale))
	}
}

// of returns the labels of a series.
func (s *autoscalerSeries) of(name types.NamespacedName, series, label string) labels.Labels {
	key := seriesName{series, label}
	l, made := s.labels[key]
	if made {
		return l
	}
	pairs := []string{labels.MetricName, series, "namespace", name.Namespace, "name", name.Name}
	if label != "" {
		pairs = append(pairs, journal.GaugeLabel(series), label)
	}
	if s.labels == nil {
		s.labels = map[seriesName]labels.Labels{}
	}
	l = labels.FromStrings(pairs...)
	s.labels[key] = l
	return l
}

// ownsAutoscaler says whether a series is one that the controller exports about an
// autoscaler of the run, whatever other labels it has.
func (r *run) ownsAutoscaler(l labels.Labels) bool {
	if !slices.Contains(autoscalerNames(), l.Get(labels.MetricName)) {
		return false
	}
	return slices.ContainsFunc(r.played, func(p *autoscalerRun) bool {
		return p.Name() == types.NamespacedName{Namespace: l.Get("namespace"), Name: l.Get("name")}
	})
}
