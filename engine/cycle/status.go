package cycle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// TargetContested is the conditions' reason while somebody else acts on the target.
const TargetContested = "TargetContested"

// MetricsPartial is the reason of MetricsAvailable where some metrics have no
// usable value, and others have one.
const MetricsPartial = "MetricsPartial"

// FallbackActive is the reason of MetricsAvailable where fallbacks stand in for every
// metric that has no usable value.
const FallbackActive = "FallbackActive"

// PauseUnreadable is the reason while an annotation that may pause cannot be read.
const PauseUnreadable = "PauseUnreadable"

// FailedUpdateScale is the reason of AbleToScale after a change that the target
// did not take.
const FailedUpdateScale = "FailedUpdateScale"

// Reasons are all reasons that the status of a HorizontalAutoscaler can show.
func Reasons() []string {
	decided := []autoscaler.Reason{
		autoscaler.ScaledUp, autoscaler.ScaledDown, autoscaler.Unchanged, autoscaler.Stabilized, autoscaler.RateLimited, autoscaler.Bounded,
		autoscaler.Paused, autoscaler.Disabled, autoscaler.MetricsUnavailable, autoscaler.TargetUnavailable, autoscaler.InvalidPolicy,
	}
	all := make([]string, 0, len(decided)+4)
	for _, r := range decided {
		all = append(all, string(r))
	}
	return append(all, TargetContested, FailedUpdateScale, PauseUnreadable, StateReset)
}

// published is the part of the status whose change is worth a write of its own.
type published struct {
	generation       int64
	state            string
	desired, current int32
	reason           autoscaler.Reason
	fault, refused   string
	missing          string // which metrics have no usable value, and why
	paused           string // what annotations hold back, or which one cannot be read
	everPaused       bool   // whether the condition is there
	over             string // that paused-until is over, and which pauses it has ended
	notice           string // what is to be said of sources that answer
}

// publishedOf returns what a stored status says, in the terms of the next comparison.
func publishedOf(status *v1alpha1.HorizontalAutoscalerStatus) published {
	p := published{generation: status.ObservedGeneration, state: status.State, reason: autoscaler.Reason(status.Reason), desired: -1, current: -1}
	if status.DesiredReplicas != nil {
		p.desired = *status.DesiredReplicas
	}
	if status.CurrentReplicas != nil {
		p.current = *status.CurrentReplicas
	}
	if active := meta.FindStatusCondition(status.Conditions, v1alpha1.ActiveCondition); active != nil && active.Status == metav1.ConditionFalse {
		p.fault = active.Message
	}
	if available := meta.FindStatusCondition(status.Conditions, v1alpha1.MetricsAvailableCondition); available != nil && available.Status == metav1.ConditionFalse {
		p.missing = available.Message
	}
	if paused := meta.FindStatusCondition(status.Conditions, v1alpha1.PausedCondition); paused != nil {
		p.everPaused = true
		if paused.Status == metav1.ConditionTrue {
			p.paused = paused.Message
		} else if strings.HasPrefix(paused.Message, v1alpha1.PausedUntilAnnotation) {
			p.over = paused.Message
		}
	}
	if able := meta.FindStatusCondition(status.Conditions, v1alpha1.AbleToScaleCondition); able != nil && able.Reason == FailedUpdateScale {
		p.refused = able.Message
	}
	return p
}

// commit stores the state and the status if a later decision, or a reader,
// could tell the difference.
func (a *Autoscalers) commit(ctx context.Context, m *autoscalerMemory, s slot.Slot, d *autoscaler.Decision) error {
	text, named := m.text, m.named
	if d.Changed {
		b, err := m.state.AppendText(nil)
		if err != nil {
			return err
		}
		text, named = string(b), journal.Digest(b)
	}
	next := m.published
	next.generation, next.state, next.fault, next.refused, next.missing = m.generation, text, m.fault(d), m.refused, m.missing(d)
	next.notice = a.notices(m)
	if !d.Known || d.Desired == m.in.Scale.Spec {
		next.refused = "" // a newer fault holds it back, or nothing waits any more
	}
	next.paused = m.paused()
	next.over = m.pauseOver()
	next.everPaused = next.everPaused || next.paused != "" || next.over != ""
	next.reason = m.reason(d, &next)
	if d.Known {
		next.desired, next.current = d.Desired, m.in.Scale.Status
	}
	if next != m.published || a.stale(m, s) {
		m.publish(s, d, &next)
		version, err := a.Store.Commit(ctx, m.name, m.version, &m.status)
		if err != nil {
			return err
		}
		m.version, m.published = version, next
	}
	m.text, m.named, m.record.State = text, named, named
	return nil
}

// stale says whether the metrics in the status are due for a write of their own.
func (a *Autoscalers) stale(m *autoscalerMemory, s slot.Slot) bool {
	if a.Refresh <= 0 || m.policy == nil || int64(s)%a.Refresh >= int64(m.grid.Interval) {
		return false
	}
	return m.status.Metrics != m.metricsLine()
}

// publish writes the outcome of a slot into the status.
func (m *autoscalerMemory) publish(s slot.Slot, d *autoscaler.Decision, p *published) {
	status := &m.status
	status.ObservedGeneration = m.generation
	status.State = p.state
	status.Reason = string(p.reason)
	if d.Known {
		current, desired := m.in.Scale.Status, d.Desired
		status.CurrentReplicas, status.DesiredReplicas = &current, &desired
		if desired != m.in.Scale.Spec && !m.policy.DryRun && m.refused == "" {
			at := metav1.NewTime(s.Time())
			status.LastScaleTime = &at
		}
	}
	if m.policy != nil {
		status.Metrics = m.metricsLine()
		status.CurrentMetrics = m.currentMetrics()
	}
	dryRun := m.policy != nil && m.policy.DryRun
	from := conditionsSource{d.Reason, d.Limit.Direction, d.Limit.Policy, p.fault, m.rival, p.refused, p.missing, p.notice, p.paused, m.in.Pause, p.over, p.everPaused, dryRun, m.generation}
	if from == m.conditionsFrom {
		return
	}
	m.conditionsFrom = from
	at := metav1.NewTime(s.Time())
	for _, c := range conditions(d, p, &m.in.Pause, dryRun) {
		if m.rival != "" && c.Reason == string(autoscaler.TargetUnavailable) {
			c.Reason = TargetContested
		}
		c.LastTransitionTime, c.ObservedGeneration = at, m.generation
		meta.SetStatusCondition(&status.Conditions, c)
	}
}

// conditionsSource is everything that conditions are made of: while it stays
// the same, so do they.
type conditionsSource struct {
	reason                  autoscaler.Reason
	direction               behavior.Direction
	policy                  int
	fault, rival, refused   string
	missing, notice, paused string
	pause                   autoscaler.Pause
	over                    string
	everPaused, dryRun      bool
	generation              int64
}

// reason returns what the status shows as the reason: that of the decision, unless
// the conditions have another one for not being ready.
func (m *autoscalerMemory) reason(d *autoscaler.Decision, p *published) autoscaler.Reason {
	switch {
	case d.Reason == autoscaler.TargetUnavailable && m.rival != "":
		return TargetContested
	case p.fault == "" && p.refused != "":
		return FailedUpdateScale
	case p.fault == "" && m.in.Pause.Unreadable:
		return PauseUnreadable
	case p.fault == "" && m.in.Pause.Whole():
		return autoscaler.Paused
	}
	return d.Reason
}

// fault says in one line why the slot could not be decided, or is empty. It
// holds no number that changes from slot to slot.
func (m *autoscalerMemory) fault(d *autoscaler.Decision) string {
	switch d.Reason {
	case autoscaler.InvalidPolicy:
		return m.invalid
	case autoscaler.TargetUnavailable:
		if m.rival != "" {
			return fmt.Sprintf("%s %s: %s: %s acts on it too; delete one of them", m.target.Kind, m.target.Name, m.in.Scale.Code, m.rival)
		}
		return explain(fmt.Sprintf("%s %s: %s", m.target.Kind, m.target.Name, m.in.Scale.Code), m.cause, m.in.Scale.Code)
	case autoscaler.MetricsUnavailable:
		return m.missing(d)
	}
	return ""
}

// missing says in one line which metrics have no usable value, and why, or is
// empty. While others have one, the autoscaler still scales up.
func (m *autoscalerMemory) missing(d *autoscaler.Decision) string {
	var failed []string
	for i := range m.record.Metrics {
		if r := &m.record.Metrics[i]; d.Known && r.Code != observation.OK {
			code := string(r.Code)
			if r.Fallback {
				code += fmt.Sprintf(", its fallback to %d replicas is active", m.policy.Metrics[i].Fallback.Replicas)
			}
			failed = append(failed, explain(fmt.Sprintf("spec.metrics[%d]: %s", i, code), Sentence(m.answers[i].Err), r.Code))
		}
	}
	return strings.Join(failed, "; ")
}

// paused says in one line what annotations hold back, or is empty.
func (m *autoscalerMemory) paused() string {
	p := &m.in.Pause
	if p.Unreadable {
		return m.unread + ": nothing is scaled until it can be read, or is removed" + m.later
	}
	text := ""
	switch {
	case p.Fixed:
		text = fmt.Sprintf("the replicas are held at %d", p.Replicas)
	case p.Whole():
		text = "nothing is scaled"
	case p.Down:
		text = "nothing is scaled down"
	case p.Up:
		text = "nothing is scaled up"
	default:
		return ""
	}
	if p.Until != 0 {
		text += " until " + p.Until.String()
	}
	return text + ", by annotation" + m.later
}

// notices returns what is to be said of the sources of the metrics, each once.
func (a *Autoscalers) notices(m *autoscalerMemory) string {
	if a.Notice == nil || m.policy == nil {
		return ""
	}
	var all []string
	for i := range m.policy.Metrics {
		if text := a.Notice(m.policy.Metrics[i].Source); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// refusal says in one line why the target did not take a change, or is empty.
func (m *autoscalerMemory) refusal(o *journal.Outcome) string {
	if o == nil || o.Result == Applied || o.Result == Superseded {
		return ""
	}
	return explain(fmt.Sprintf("%s %s: %s: the last change was not taken", m.target.Kind, m.target.Name, o.Result), m.cause, observation.Code(o.Result))
}

// conditions returns the conditions of a decision. Being bounded or stabilizing is no fault,
// and neither is a metric that is missing beside others, or a pause: what can act, or
// holds back on purpose, is ready.
func conditions(d *autoscaler.Decision, p *published, pause *autoscaler.Pause, dryRun bool) []metav1.Condition {
	fault, refused := p.fault, p.refused
	active := metav1.Condition{Type: v1alpha1.ActiveCondition, Status: metav1.ConditionTrue, Reason: "Decided", Message: "the last slot was decided on usable inputs"}
	ready := metav1.Condition{Type: v1alpha1.ReadyCondition, Status: metav1.ConditionTrue, Reason: "Ready", Message: "the autoscaler works"}
	able := metav1.Condition{Type: v1alpha1.AbleToScaleCondition, Status: metav1.ConditionTrue, Reason: "Able", Message: "nothing holds a change back"}
	unbounded := metav1.Condition{Type: v1alpha1.ScalingUnboundedCondition, Status: metav1.ConditionTrue, Reason: "WithinBounds", Message: "the decision lies within minReplicas and maxReplicas"}
	available := metav1.Condition{Type: v1alpha1.MetricsAvailableCondition, Status: metav1.ConditionTrue, Reason: "Available", Message: "every metric has a usable value"}
	if !d.Known {
		unbounded.Status, unbounded.Reason, unbounded.Message = metav1.ConditionUnknown, string(d.Reason), "there is no decision to compare with the bounds"
	}
	if p.notice != "" {
		available.Message += "; " + p.notice
	}
	switch {
	case p.missing != "" && d.Reason == autoscaler.MetricsUnavailable:
		available.Status, available.Reason, available.Message = metav1.ConditionFalse, string(d.Reason), p.missing
	case p.missing != "" && covered(d):
		available.Status, available.Reason, available.Message = metav1.ConditionFalse, FallbackActive, p.missing
	case p.missing != "":
		available.Status, available.Reason, available.Message = metav1.ConditionFalse, MetricsPartial, p.missing
	case !d.Known:
		available.Status, available.Reason, available.Message = metav1.ConditionUnknown, string(d.Reason), fault
	}
	if fault != "" {
		active.Status, active.Reason, active.Message = metav1.ConditionFalse, string(d.Reason), fault
		ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, string(d.Reason), fault
	}
	if dryRun {
		able.Status, able.Reason, able.Message = metav1.ConditionFalse, "DryRun", "in dry run decisions are recorded, and nothing is changed"
	}
	switch d.Reason {
	case autoscaler.Stabilized, autoscaler.RateLimited, autoscaler.Disabled:
		able.Status, able.Reason = metav1.ConditionFalse, string(d.Reason)
		able.Message = fmt.Sprintf("scaling %s is held back by %s", d.Limit.Direction, limitName(d))
	case autoscaler.Bounded:
		unbounded.Status, unbounded.Reason = metav1.ConditionFalse, string(d.Reason)
		unbounded.Message = "the decision would lie " + map[bool]string{true: "above maxReplicas", false: "below minReplicas"}[d.Limit.Direction == "up"]
	case autoscaler.Paused:
		able.Status, able.Reason, able.Message = metav1.ConditionFalse, string(d.Reason), p.paused
	case autoscaler.InvalidPolicy, autoscaler.TargetUnavailable, autoscaler.MetricsUnavailable:
		able.Status, able.Reason, able.Message = metav1.ConditionFalse, string(d.Reason), fault
	}
	if refused != "" {
		able.Status, able.Reason, able.Message = metav1.ConditionFalse, FailedUpdateScale, refused
		if fault == "" {
			ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, FailedUpdateScale, refused
		}
	}
	if fault == "" && refused == "" && pause.Whole() {
		able.Status, able.Reason, able.Message = metav1.ConditionFalse, string(autoscaler.Paused), p.paused
		if pause.Unreadable {
			able.Reason = PauseUnreadable
			ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, PauseUnreadable, p.paused
		}
	}
	all := []metav1.Condition{ready, active, able, unbounded, available}
	if p.everPaused {
		all = append(all, pausedCondition(p, pause))
	}
	return all
}

// pausedCondition is that of an autoscaler that is, or was, paused.
func pausedCondition(p *published, pause *autoscaler.Pause) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.PausedCondition, Status: metav1.ConditionTrue, Reason: string(autoscaler.Paused), Message: p.paused}
	switch {
	case pause.Unreadable:
		c.Reason = PauseUnreadable
	case p.paused == "":
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, "Resumed", "no annotation pauses it"
		if p.over != "" {
			c.Message = p.over
		}
	}
	return c
}

// covered says whether a fallback stands in for every metric that failed.
func covered(d *autoscaler.Decision) bool {
	for i := range d.Metrics {
		if r := &d.Metrics[i]; r.Code != observation.OK && !r.Fallback {
			return false
		}
	}
	return true
}

func limitName(d *autoscaler.Decision) string {
	switch d.Reason {
	case autoscaler.Stabilized:
		return "its stabilization window"
	case autoscaler.Disabled:
		return "selectPolicy Disabled"
	}
	if d.Limit.Policy < 0 {
		return "HPA's limit without a behavior, twice the replicas or 4"
	}
	return fmt.Sprintf("rate policy %d", d.Limit.Policy)
}

// metricsLine is the observed value of each metric before its target, as
// `kubectl get` shows it: "1834/2000, 8/10 (avg), Empty/60%".
func (m *autoscalerMemory) metricsLine() string {
	var b strings.Builder
	for i := range m.record.Metrics {
		if i > 0 {
			b.WriteString(", ")
		}
		target := &m.policy.Metrics[i]
		shown := string(m.record.Metrics[i].Code)
		if shown == "" {
			shown = shorten(target, m.perReplica(target.Type, m.record.Metrics[i].Value))
		}
		b.WriteString(shown + "/" + shorten(target, targetValue(target)))
		if target.Type == policy.AverageValue {
			b.WriteString(" (avg)")
		}
	}
	return b.String()
}

// perReplica is a metric as its target is meant: of AverageValue, the total is
// shared by the replicas, as HPA shows it.
func (m *autoscalerMemory) perReplica(kind policy.MetricType, value float64) float64 {
	if kind != policy.AverageValue || m.in.Scale.Code != observation.OK {
		return value
	}
	return value / float64(max(m.in.Scale.Status, 1))
}

// targetValue is the target on the scale of the metric's own values.
func targetValue(m *policy.Metric) float64 {
	if m.Type == policy.Utilization {
		return m.Target / 100
	}
	return m.Target
}

func shorten(m *policy.Metric, value float64) string {
	if m.Type == policy.Utilization {
		return strconv.FormatFloat(value*100, 'g', 4, 64) + "%"
	}
	return strconv.FormatFloat(value, 'g', 4, 64)
}

func (m *autoscalerMemory) currentMetrics() []v1alpha1.MetricStatus {
	current := make([]v1alpha1.MetricStatus, 0, len(m.record.Metrics))
	for i := range m.record.Metrics {
		r := &m.record.Metrics[i]
		s := &v1alpha1.PrometheusMetricStatus{Query: r.Query, Error: string(r.Code), FallbackActive: r.Fallback}
		if r.Code == observation.OK {
			kind := m.policy.Metrics[i].Type
			s.Current = currentValue(kind, r.Value, m.perReplica(kind, r.Value))
		}
		current = append(current, v1alpha1.MetricStatus{Prometheus: s})
	}
	return current
}

// currentValue shows a value; of AverageValue that of a replica with the total beside it.
func currentValue(kind policy.MetricType, value, perReplica float64) v1alpha1.MetricValueStatus {
	if kind == policy.Utilization {
		percent := int32(min(value*100, 1<<31-1))
		return v1alpha1.MetricValueStatus{AverageUtilization: &percent}
	}
	q := quantity(value)
	if kind == policy.AverageValue {
		return v1alpha1.MetricValueStatus{Value: q, AverageValue: quantity(perReplica)}
	}
	return v1alpha1.MetricValueStatus{Value: q}
}

// quantity keeps three decimals, as metrics APIs do, where they fit.
func quantity(value float64) *resource.Quantity {
	if value < 1e15 {
		return resource.NewMilliQuantity(int64(value*1000+0.5), resource.DecimalSI)
	}
	return resource.NewQuantity(int64(min(value, 1<<62)), resource.DecimalSI)
}
