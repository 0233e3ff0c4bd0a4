package reports

import (
	"math"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A metricSeries is one metric of a policy as its autoscaler read it, over time.
type metricSeries struct {
	source, query string
	kind          policy.MetricType
	// value is the number that kubectl shows of the metric of an HPA: a total for each replica
	// of status.replicas, a utilization in percent. It is NaN while it is not known.
	value Steps
	// target is the value that it should have; from low to high the tolerance
	// ignores the distance.
	target, low, high Steps
}

// A watch collects the metrics and the bounds of an autoscaler from its records.
type watch struct {
	metrics []metricSeries
	// stretch is the time in seconds of which only the largest value is kept.
	stretch int64
	// least and most are the policy's minReplicas and maxReplicas.
	least, most Steps
}

// The values kept of the metrics of a column: mostValues in all, of each metric
// at most mostOfMetric.
const (
	mostValues   = 2_000_000
	mostOfMetric = maxLineChanges
)

// newWatch is that of one of several metrics over a run of some seconds.
func newWatch(metrics int, seconds int64) *watch {
	values := int64(min(mostOfMetric, max(500, mostValues/max(1, metrics))))
	return &watch{stretch: max(1, (seconds+values-1)/values)}
}

// metricsOf counts the metrics of a column's policies.
func metricsOf(c *Column) int {
	n := 0
	for i := range c.Objects {
		if p := c.Objects[i].Policy; p != nil {
			n += len(p.Metrics)
		}
	}
	return n
}

// record takes what a decision under a policy read. last is the slot of the decision
// before it, 0 for none.
func (w *watch) record(r *journal.Record, p *policy.Autoscaler, last int64) {
	t := int64(r.Slot)
	w.silent(p, last, t)
	w.least.Append(t, float64(p.Min))
	w.most.Append(t, float64(p.Max))
	read := make([]bool, len(w.metrics), len(w.metrics)+len(p.Metrics))
	for i := range p.Metrics {
		m := &p.Metrics[i]
		k := slices.IndexFunc(w.metrics, func(s metricSeries) bool { return s.query == m.Query && s.source == m.Source && s.kind == m.Type })
		if k < 0 {
			k = len(w.metrics)
			w.metrics, read = append(w.metrics, metricSeries{source: m.Source, query: m.Query, kind: m.Type}), append(read, false)
		}
		read[k] = true
		value := math.NaN()
		if j := slices.IndexFunc(r.Metrics, func(o journal.Metric) bool { return o.Query == m.Query && o.Source == m.Source }); j >= 0 && r.Metrics[j].Code == observation.OK {
			value = shownValue(m, r.Metrics[j].Value, r.Scale.Status)
		}
		w.metrics[k].take(t, value, m, p, w.stretch)
	}
	for k := range read {
		if !read[k] { // an edit took it out of the policy
			w.metrics[k].end(t)
		}
	}
}

// silent ends the values where decisions are missing: t is the next one, or the end.
func (w *watch) silent(p *policy.Autoscaler, last, t int64) {
	if next := last + int64(p.Interval); last != 0 && next < t {
		for i := range w.metrics {
			w.metrics[i].value.Append(next, math.NaN())
		}
	}
}

// shownValue is a value as kubectl shows that of an HPA.
func shownValue(m *policy.Metric, value float64, replicas int32) float64 {
	switch m.Type {
	case policy.AverageValue:
		if replicas == 0 {
			return math.NaN()
		}
		return value / float64(replicas)
	case policy.Utilization:
		return 100 * value
	}
	return value
}

// take adds a value read at t; of those within one stretch the largest counts.
func (s *metricSeries) take(t int64, value float64, m *policy.Metric, p *policy.Autoscaler, stretch int64) {
	if n := len(s.value.T); n > 0 && t/stretch == s.value.T[n-1]/stretch && stretch > 1 {
		if kept := s.value.V[n-1]; kept >= value || math.IsNaN(value) {
			value = kept
		}
		s.value.Append(s.value.T[n-1], value)
	} else {
		s.value.Append(t, value)
	}
	s.target.Append(t, m.Target)
	s.low.Append(t, m.Target*(1-p.Down.Tolerance))
	s.high.Append(t, m.Target*(1+p.Up.Tolerance))
}

// end says that the metric is not read any more.
func (s *metricSeries) end(t int64) {
	for _, steps := range []*Steps{&s.value, &s.target, &s.low, &s.high} {
		steps.Append(t, math.NaN())
	}
}

// known says whether the metric ever had a value within a run.
func (s *metricSeries) known(start, end int64) bool {
	for i, t := range s.value.T {
		if t < end && !math.IsNaN(s.value.V[i]) && (i+1 == len(s.value.T) || s.value.T[i+1] > start) {
			return true
		}
	}
	return false
}

// unit says what a value is of.
func (s *metricSeries) unit() string {
	switch s.kind {
	case policy.AverageValue:
		return "per replica"
	case policy.Utilization:
		return "in %"
	}
	return ""
}

// name is the metric's, in one line of text.
func (s *metricSeries) name() string {
	text := oneLine(s.query)
	if s.source != "" {
		text = s.source + ": " + text
	}
	return text
}

// describe says in words what a panel shows, with the target at an instant.
func (s *metricSeries) describe(at int64) string {
	text := s.name() + s.about(at)
	if target := s.target.At(at); !math.IsNaN(target) {
		text += ", target " + prefixed(target)
	}
	return text
}

// watched are the metrics that a figure of the object shows.
func (o *ObjectReport) watched(run *Run) []metricSeries {
	var list []metricSeries
	for _, m := range o.watch.metrics {
		if m.known(run.Start, run.End) {
			list = append(list, m)
		}
	}
	return list
}
