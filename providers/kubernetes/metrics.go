package kubernetes

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// Metrics are the controller's own. Their names share no prefix with those of
// the node autoscaler of the same name, except for the gauges of Karpenter v0.1.
type Metrics struct {
	decisions *prometheus.CounterVec
	outcomes  *prometheus.CounterVec
	errors    *prometheus.CounterVec
	retries   *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	lateness  *prometheus.HistogramVec
	queries   *prometheus.HistogramVec
	warnings  prometheus.Counter
	desired   *prometheus.GaugeVec
	current   *prometheus.GaugeVec
	// groups are the gauges of ScalableNodeGroups by name.
	groups   map[string]*prometheus.GaugeVec
	issue    *prometheus.GaugeVec
	failures *prometheus.CounterVec
	// shown are the gauges of HorizontalAutoscalers by name.
	shown     map[string]*prometheus.GaugeVec
	lastScale *prometheus.GaugeVec
	missed    *prometheus.CounterVec
	held      *prometheus.CounterVec

	mu sync.Mutex
	// issueOf is the code that issue shows of each node group that has one.
	issueOf map[journal.Object]observation.Code
	// reasons has the reason that is shown of each autoscaler.
	reasons map[types.NamespacedName]string
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	seconds := []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_decisions_total", Help: "Decided slots by kind of object and reason of the decision.",
		}, []string{"kind", "reason"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_outcomes_total", Help: "What came of decisions that changed a number: Applied, or why not.",
		}, []string{"kind", "result"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_errors_total", Help: "Failed observations and commits by source (metric, target, provider, store) and code.",
		}, []string{"source", "code"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_retries_total", Help: "Slots that are tried again by kind of object and cause (RetryConflict, RetryStore).",
		}, []string{"kind", "cause"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "karpenter_autoscaling_decision_duration_seconds", Help: "Time from waking up to a decision that is committed and acted on.", Buckets: seconds,
		}, []string{"kind"}),
		lateness: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "karpenter_autoscaling_decision_lateness_seconds", Help: "Time from the slot to a decision that is committed and acted on.", Buckets: seconds,
		}, []string{"kind"}),
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "karpenter_autoscaling_query_duration_seconds", Help: "Time of one query to Prometheus by the code of its result.", Buckets: seconds,
		}, []string{"code"}),
		warnings: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_query_warnings_total", Help: "Warnings that Prometheus attached to results.",
		}),
		desired: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "karpenter_horizontalautoscaler_desired_replicas", Help: "Last decision, as in status.desiredReplicas.",
		}, []string{"namespace", "name"}),
		current: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "karpenter_horizontalautoscaler_current_replicas", Help: "Observed replicas, as in status.currentReplicas.",
		}, []string{"namespace", "name"}),
		groups:  map[string]*prometheus.GaugeVec{},
		issueOf: map[journal.Object]observation.Code{},
		reasons: map[types.NamespacedName]string{},
		issue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: nodegroup.Trouble, Help: nodegroup.Help(nodegroup.Trouble),
		}, []string{"namespace", "name", "code"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: nodegroup.Failures, Help: nodegroup.Help(nodegroup.Failures),
		}, []string{"namespace", "name", "call", "code"}),
	}
	m.lastScale = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: journal.LastScaleGauge, Help: "Slot of the last change that the target of a HorizontalAutoscaler took, in Unix seconds.",
	}, []string{"namespace", "name"})
	m.missed = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: journal.MissedCounter, Help: "Slots of a HorizontalAutoscaler that passed without a decision while this process was in charge.",
	}, []string{"namespace", "name"})
	m.held = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: journal.HeldCounter, Help: "Time that a HorizontalAutoscaler held its replicas for want of metrics, of its target or of a valid spec.",
	}, []string{"namespace", "name"})
	m.shown = map[string]*prometheus.GaugeVec{}
	collectors := []prometheus.Collector{
		m.lastScale, m.missed, m.held,
		m.decisions, m.outcomes, m.errors, m.retries, m.latency, m.lateness, m.queries, m.warnings, m.desired, m.current, m.issue, m.failures,
	}
	for _, name := range nodegroup.GaugeNames() {
		m.groups[name] = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: nodegroup.Help(name)}, []string{"namespace", "name"})
		collectors = append(collectors, m.groups[name])
	}
	for name, help := range journal.GaugeHelp {
		names := []string{"namespace", "name"}
		if label := journal.GaugeLabel(name); label != "" {
			names = append(names, label)
		}
		m.shown[name] = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, names)
		collectors = append(collectors, m.shown[name])
	}
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Query counts one query to Prometheus; code is empty where it succeeded.
func (m *Metrics) Query(code string, duration time.Duration, warnings int) {
	if code == "" {
		code = "OK"
	}
	m.queries.WithLabelValues(code).Observe(duration.Seconds())
	m.warnings.Add(float64(warnings))
}

// woken counts wake-ups that are no slot of their own.
func (m *Metrics) woken(o journal.Object, next cycle.Wake) {
	if next.Cause != cycle.NextSlot {
		m.retries.WithLabelValues(o.Kind, string(next.Cause)).Inc()
	}
}

// replicas shows what a status says.
func (m *Metrics) replicas(name types.NamespacedName, desired, current *int32) {
	if desired != nil {
		m.desired.WithLabelValues(name.Namespace, name.Name).Set(float64(*desired))
	}
	if current != nil {
		m.current.WithLabelValues(name.Namespace, name.Name).Set(float64(*current))
	}
}

// group shows what a node group's record says; what it does not say ends.
func (m *Metrics) group(r *journal.Record) {
	shown, issue := r.GroupGauges()
	for name, gauge := range m.groups {
		if value, known := shown[name]; known {
			gauge.WithLabelValues(r.Namespace, r.Name).Set(value)
		} else {
			gauge.DeleteLabelValues(r.Namespace, r.Name)
		}
	}
	m.show(r.Object, issue)
	m.failed(r.Object, nodegroup.ObserveCall, string(r.Failed()))
}

// show makes a code the only issue of a node group. A series that stays is not
// touched: a scrape in between would end it, and an alert would begin anew.
func (m *Metrics) show(o journal.Object, issue observation.Code) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.issueOf[o]
	if issue == before {
		return
	}
	if before != observation.OK {
		m.issue.DeleteLabelValues(o.Namespace, o.Name, string(before))
		delete(m.issueOf, o)
	}
	if issue != observation.OK {
		m.issue.WithLabelValues(o.Namespace, o.Name, string(issue)).Set(1)
		m.issueOf[o] = issue
	}
}

// failed counts a failed call of a node group's provider; no code is no failure.
func (m *Metrics) failed(o journal.Object, call, code string) {
	if code != "" {
		m.failures.WithLabelValues(o.Namespace, o.Name, call, code).Inc()
	}
}

// forget removes what is shown of an object.
func (m *Metrics) forget(o journal.Object) {
	switch o.Kind {
	case journal.HorizontalAutoscaler:
		m.desired.DeleteLabelValues(o.Namespace, o.Name)
		m.current.DeleteLabelValues(o.Namespace, o.Name)
		m.lastScale.DeleteLabelValues(o.Namespace, o.Name)
		m.missed.DeleteLabelValues(o.Namespace, o.Name)
		m.held.DeleteLabelValues(o.Namespace, o.Name)
		m.reason(types.NamespacedName{Namespace: o.Namespace, Name: o.Name}, "")
		for _, gauge := range m.shown {
			gauge.DeletePartialMatch(labelsOf(o))
		}
	case journal.ScalableNodeGroup:
		for _, gauge := range m.groups {
			gauge.DeleteLabelValues(o.Namespace, o.Name)
		}
		m.show(o, observation.OK)
		m.failures.DeletePartialMatch(labelsOf(o))
	}
}

// labelsOf returns the labels that all series of an object have.
func labelsOf(o journal.Object) prometheus.Labels {
	return prometheus.Labels{"namespace": o.Namespace, "name": o.Name}
}
