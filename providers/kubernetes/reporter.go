package kubernetes

import (
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// A Reporter tells metrics, events and a journal what was decided. It is a
// cycle.Journal, and hears from the stores what was loaded and committed.
type Reporter struct {
	sink    cycle.Journal
	metrics *Metrics
	events  record.EventRecorder
	clock   clock.PassiveClock

	mu      sync.Mutex
	objects map[journal.Object]*reported
}

var _ cycle.Journal = (*Reporter)(nil)

// reported holds what the next report of an object needs. Calls for one object
// come one after the other.
type reported struct {
	// involved is the object as events name it, zero until it was loaded.
	involved corev1.ObjectReference
	// conditions has the conditions whose changes are events.
	conditions map[string]metav1.Condition
	// began is when the object's reconciler last woke up.
	began time.Time
	// change is the change that the last record decided, if any; failing is the result
	// that the last one failed with, empty if it did not.
	change  *change
	failing string
	// refused says that the conditions tell of a change that was not taken.
	refused bool
	shown   journal.Shown
}

// NewReporter returns a reporter in front of a journal.
func NewReporter(sink cycle.Journal, metrics *Metrics, events record.EventRecorder, clock clock.PassiveClock) *Reporter {
	return &Reporter{sink: sink, metrics: metrics, events: events, clock: clock, objects: map[journal.Object]*reported{}}
}

// of returns what is known of an object.
func (r *Reporter) of(o journal.Object) *reported {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.objects[o]
	if known == nil {
		known = &reported{}
		r.objects[o] = known
	}
	return known
}

// begin notes that the object's reconciler woke up.
func (r *Reporter) begin(o journal.Object, now time.Time) { r.of(o).began = now }

// forget drops an object that is gone.
func (r *Reporter) forget(o journal.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, o)
	r.metrics.forget(o)
}

// Record implements cycle.Journal.
func (r *Reporter) Record(record *journal.Record) {
	known, now := r.of(record.Object), r.clock.Now()
	r.metrics.decisions.WithLabelValues(record.Kind, string(record.Reason)).Inc()
	r.metrics.latency.WithLabelValues(record.Kind).Observe(now.Sub(known.began).Seconds())
	r.metrics.lateness.WithLabelValues(record.Kind).Observe(now.Sub(record.Slot.Time()).Seconds())
	if code := record.Scale.Code; code != observation.OK {
		r.metrics.errors.WithLabelValues("target", string(code)).Inc()
	}
	for i := range record.Metrics {
		if code := record.Metrics[i].Code; code != observation.OK {
			r.metrics.errors.WithLabelValues("metric", string(code)).Inc()
		}
	}
	if code := record.Failed(); code != observation.OK {
		r.metrics.errors.WithLabelValues("provider", string(code)).Inc()
	}
	switch record.Kind {
	case journal.ScalableNodeGroup:
		r.metrics.group(record)
	case journal.HorizontalAutoscaler:
		r.metrics.autoscaler(&known.shown, record)
	}
	known.change = changeOf(record)
	r.sink.Record(record)
}

// Outcome implements cycle.Journal. It adds the time, which the driver does not know.
func (r *Reporter) Outcome(outcome *journal.Outcome) {
	known, now := r.of(outcome.Object), r.clock.Now()
	timed := *outcome
	timed.At, timed.Lateness = now.UnixMilli(), now.Sub(outcome.Slot.Time()).Milliseconds()
	r.metrics.outcomes.WithLabelValues(outcome.Kind, outcome.Result).Inc()
	r.metrics.scaled(outcome)
	if outcome.Result == cycle.StateReset {
		// Its event is that of the condition, which says from when the state was.
		log.Log.Error(nil, "the state lay ahead of the clock and was set aside", "kind", outcome.Kind, "namespace", outcome.Namespace, "name", outcome.Name)
		r.sink.Outcome(&timed)
		return
	}
	if outcome.Kind == journal.ScalableNodeGroup && outcome.Result != cycle.Applied {
		r.metrics.failed(outcome.Object, nodegroup.ResizeCall, outcome.Result)
	}
	r.scaled(known, &timed)
	r.sink.Outcome(&timed)
}

// failed counts a failure of the store itself.
func (r *Reporter) failed(err error) {
	r.metrics.errors.WithLabelValues("store", string(cycle.Code(err))).Inc()
}

// scaled makes an event of an outcome.
func (r *Reporter) scaled(known *reported, o *journal.Outcome) {
	if known.involved.Name == "" {
		return
	}
	change := known.change
	if change != nil && change.slot != o.Slot {
		change = nil
	}
	failing := known.failing
	known.failing = ""
	switch {
	case o.Result == cycle.Superseded:
		r.events.Event(&known.involved, corev1.EventTypeNormal, "Superseded", change.superseded(o))
	case o.Result != cycle.Applied:
		if known.failing = o.Result; failing != o.Result { // once, though each slot tries again
			r.events.Event(&known.involved, corev1.EventTypeWarning, "FailedScale", change.failed(o))
		}
	default:
		r.events.Event(&known.involved, corev1.EventTypeNormal, change.reason(), change.applied(o))
	}
}

// reportedConditions are the conditions whose changes are events. The others
// come and go with every spike.
var reportedConditions = []string{v1alpha1.ReadyCondition, v1alpha1.ActiveCondition, v1alpha1.MetricsAvailableCondition, v1alpha1.ScalingUnboundedCondition, v1alpha1.PausedCondition}

// loaded notes what an object is called, and its conditions.
func (r *Reporter) loaded(name journal.Object, o client.Object, conditions []metav1.Condition) {
	known := r.of(name)
	known.involved = corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: name.Kind,
		Namespace: name.Namespace, Name: name.Name, UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
	}
	known.conditions = map[string]metav1.Condition{}
	for _, c := range conditions {
		known.conditions[c.Type] = c
	}
	known.refused = refused(conditions)
}

// committed makes events of conditions that are others than before.
func (r *Reporter) committed(name journal.Object, conditions []metav1.Condition) {
	known := r.of(name)
	for _, kind := range reportedConditions {
		now := meta.FindStatusCondition(conditions, kind)
		if now == nil || known.conditions == nil {
			continue
		}
		before, told := known.conditions[kind]
		known.conditions[kind] = *now
		if kind == v1alpha1.MetricsAvailableCondition && !apart(now) && !apart(&before) {
			continue // Active says it already
		}
		if kind == v1alpha1.ReadyCondition {
			was := known.refused
			known.refused = refused(conditions)
			if !known.refused && (!was || now.Status == metav1.ConditionFalse) {
				continue // Active or Paused says it already
			}
		}
		if kind == v1alpha1.ScalingUnboundedCondition && (now.Status == metav1.ConditionUnknown || before.Status == metav1.ConditionUnknown) {
			continue // there was no decision, which Active says
		}
		if kind == v1alpha1.PausedCondition {
			r.paused(name, known, &before, now)
			continue
		}
		if told && (before.Status != now.Status || before.Reason != now.Reason) || !told && now.Status != metav1.ConditionTrue {
			log.Log.Info("condition", "kind", name.Kind, "namespace", name.Namespace, "name", name.Name, "type", kind, "status", now.Status, "reason", now.Reason, "message", now.Message)
		}
		switch {
		case !told && now.Status == metav1.ConditionTrue, before.Status == now.Status && before.Reason == now.Reason:
			// As it should be from the start, or as it was.
		case now.Status == metav1.ConditionTrue:
			r.events.Event(&known.involved, corev1.EventTypeNormal, now.Reason, now.Message)
		default:
			r.events.Event(&known.involved, corev1.EventTypeWarning, now.Reason, now.Message)
		}
	}
}

// apart says whether MetricsAvailable says what no other condition does: an
// autoscaler that is active lacks metrics.
func apart(c *metav1.Condition) bool {
	return c.Reason == cycle.MetricsPartial || c.Reason == cycle.FallbackActive
}

// refused says whether Ready says what no other condition does: that what was decided
// is not taken.
func refused(conditions []metav1.Condition) bool {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
	return ready != nil && ready.Status == metav1.ConditionFalse && ready.Reason != cycle.PauseUnreadable &&
		meta.IsStatusConditionTrue(conditions, v1alpha1.ActiveCondition)
}

// paused makes an event of a pause that begins, ends or is another than before. It is
// meant, unless an annotation cannot be read.
func (r *Reporter) paused(name journal.Object, known *reported, before, now *metav1.Condition) {
	if before.Status == now.Status && before.Message == now.Message || before.Status == "" && now.Status != metav1.ConditionTrue {
		return
	}
	kind := corev1.EventTypeNormal
	if now.Reason == cycle.PauseUnreadable {
		kind = corev1.EventTypeWarning
	}
	log.Log.Info("condition", "kind", name.Kind, "namespace", name.Namespace, "name", name.Name, "type", now.Type, "status", now.Status, "reason", now.Reason, "message", now.Message)
	r.events.Event(&known.involved, kind, now.Reason, now.Message)
}
