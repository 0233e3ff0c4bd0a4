package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// meanings say what a code means, after the code itself.
var meanings = map[observation.Code]string{
	observation.Empty:        "no sample; nothing matched, or the series went stale",
	observation.ManySeries:   "more than one sample; aggregate in the query, e.g. sum(...)",
	observation.NaN:          "the value is NaN",
	observation.Infinite:     "the value is infinite",
	observation.Negative:     "the value is negative",
	observation.OutOfRange:   "the value is above 2^63, no count of anything",
	observation.WrongType:    "the result is a string or a range of samples, no number",
	observation.BadQuery:     "Prometheus cannot parse or execute the query",
	observation.Incomplete:   "the server says that a part of its answer is missing",
	observation.NoReplicas:   "no replica is ready, so the metric cannot be related to replicas",
	observation.Contested:    "another autoscaler acts on the same target",
	observation.NotFound:     "it does not exist",
	observation.Forbidden:    "access was denied",
	observation.Invalid:      "the request was rejected as invalid",
	observation.Throttled:    "the server asked to slow down",
	observation.TimedOut:     "no answer in time",
	observation.Unavailable:  "the server did not answer, or not properly",
	observation.Conflict:     "it was changed by somebody else meanwhile",
	observation.InProgress:   "another change is under way",
	observation.LimitReached: "a quota or the capacity is exhausted",
}

// meaning is a code in words.
func meaning(code observation.Code) string {
	if text := meanings[code]; text != "" {
		return fmt.Sprintf("%s, %s", code, text)
	}
	return string(code)
}

// figure writes a number as a reader wants it.
func figure(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// metric is what one metric was and asked for.
func (w *words) metric(i int) stage {
	m := &w.step.Record.Metrics[i]
	s := stage{Name: fmt.Sprintf("metric %d", i), Text: oneLine(m.Query)}
	read := fmt.Sprintf("at %s", w.clock.short(m.At))
	if m.Source != "" {
		read += " from " + oneLine(m.Source)
	}
	if m.Code != observation.OK {
		if m.Value != 0 {
			read += ": " + figure(m.Value)
		}
		s.More = []string{read + ": " + meaning(m.Code)}
		if text := w.fallback(i); text != "" {
			s.More = append(s.More, text)
		}
		if m.Fallback {
			s.Value = &m.Recommendation
		}
		return s
	}
	s.More = append(s.More, fmt.Sprintf("%s: %s%s", read, figure(m.Value), w.target(i)))
	if w.step.Record.Known {
		s.Value = &m.Recommendation
		s.More = append(s.More, w.formula(i))
	}
	return s
}

// fallback is what stands, or is going to stand, in for a metric that failed.
func (w *words) fallback(i int) string {
	m, p := &w.step.Record.Metrics[i], w.policyMetric(i)
	if p == nil || p.Fallback == nil {
		if m.Fallback {
			return fmt.Sprintf("its fallback asks for %d", m.Recommendation)
		}
		return ""
	}
	since := ""
	for _, f := range w.step.After.Failures {
		if f.Metric == p.Key() {
			since = ", since " + w.clock.short(f.Since)
			if !m.Fallback {
				return fmt.Sprintf("fails%s: from %s on its fallback asks for %d", since, w.clock.short(f.Since+slot.Slot(p.Fallback.After)), p.Fallback.Replicas)
			}
		}
	}
	if !m.Fallback {
		return ""
	}
	text := fmt.Sprintf("fails for %d s and more%s: its fallback asks for %d", p.Fallback.After, since, p.Fallback.Replicas)
	if m.Recommendation > p.Fallback.Replicas {
		text += fmt.Sprintf(", or the %d that there are, as allowScaleDown is not set", m.Recommendation)
	}
	return text
}

// target says what the metric's value should be.
func (w *words) target(i int) string {
	m := w.policyMetric(i)
	switch {
	case m == nil:
		return ""
	case m.Type == policy.AverageValue:
		return fmt.Sprintf("; target %s a replica (AverageValue)", figure(m.Target))
	case m.Type == policy.Utilization:
		return fmt.Sprintf("; target %s %% (Utilization)", figure(m.Target))
	}
	return fmt.Sprintf("; target %s (Value)", figure(m.Target))
}

func (w *words) policyMetric(i int) *policy.Metric {
	if p := w.step.Policy; p != nil && i < len(p.Metrics) {
		return &p.Metrics[i]
	}
	return nil
}

// formula is how the metric's value became a number of replicas.
func (w *words) formula(i int) string {
	r := w.step.Record
	m, p := &r.Metrics[i], w.policyMetric(i)
	if m.Fallback {
		return fmt.Sprintf("%s: its fallback asks for %d", m.Code, m.Recommendation)
	}
	if p == nil {
		return fmt.Sprintf("asks for %d", m.Recommendation)
	}
	status, serving, target := float64(r.Scale.Status), r.Scale.Serving(), p.Target
	var ratio, raw float64
	var shares, formula string
	switch p.Type {
	case policy.AverageValue:
		ratio, raw = m.Value/float64(target*status), m.Value/target
		shares = fmt.Sprintf("%s / (%s x %d)", figure(m.Value), figure(target), r.Scale.Status)
		formula = fmt.Sprintf("ceil(%s / %s)", figure(m.Value), figure(target))
	case policy.Utilization:
		target /= 100
		fallthrough
	default:
		ratio = m.Value / target
		raw = ratio * float64(serving)
		shares = fmt.Sprintf("%s / %s", figure(m.Value), figure(target))
		formula = fmt.Sprintf("ceil(%d x %s)", serving, shares)
	}
	running := r.Scale.Spec > 0 && (r.Scale.Status > 0 || p.Type != policy.AverageValue)
	if tolerance := w.step.Policy; running && m.Recommendation == r.Scale.Spec && covered(ratio, tolerance.Up.Tolerance, tolerance.Down.Tolerance) {
		if math.Abs(ratio-1) <= algorithm.Noise {
			return fmt.Sprintf("%s = 1: on target, so %d stays", shares, r.Scale.Spec)
		}
		return fmt.Sprintf("%s = %s: within the tolerance of %s below and %s above, so %d stays", shares, figure(ratio),
			percent(tolerance.Down.Tolerance), percent(tolerance.Up.Tolerance), r.Scale.Spec)
	}
	if p.Type != policy.AverageValue && (r.Scale.Fewer > 0 || r.Scale.More > 0) {
		least, most := serving-r.Scale.Fewer, serving+r.Scale.More
		return fmt.Sprintf("ceil(ready x %s): of what %d to %d ready replicas ask for, which there were since the scrape, the nearest to spec %d: %d",
			shares, least, most, r.Scale.Spec, m.Recommendation)
	}
	result := fmt.Sprintf("%s = %d", formula, m.Recommendation)
	ready := int32(max(1, min(algorithm.Ceil(raw), math.MaxInt32)))
	switch {
	case w.step.Policy.Target.CountsNodes() && p.Type != policy.AverageValue && ready < m.Recommendation:
		return fmt.Sprintf("%s = %d, and %d nodes wanted that are not ready are kept: %d", formula, ready, r.Scale.Spec-serving, m.Recommendation)
	case p.Type != policy.AverageValue && m.Recommendation == 1 && algorithm.Ceil(raw) < 1:
		return fmt.Sprintf("%s = %s, at least 1", formula, figure(algorithm.Ceil(raw)))
	case algorithm.Ceil(raw) > math.MaxInt32:
		return result + ", the largest count there is"
	}
	return result
}

func covered(ratio, up, down float64) bool {
	return ratio >= 1-down-algorithm.Noise && ratio <= 1+up+algorithm.Noise
}

func percent(share float64) string { return figure(100*share) + " %" }

// recommended is how the metrics' answers became one.
func (w *words) recommended() stage {
	r := w.step.Record
	s := stage{Name: "recommended"}
	var asked, failed []string
	largest := int32(-1)
	for i := range r.Metrics {
		if !r.Metrics[i].Asks() {
			failed = append(failed, strconv.Itoa(i))
			continue
		}
		asked = append(asked, strconv.Itoa(int(r.Metrics[i].Recommendation)))
		largest = max(largest, r.Metrics[i].Recommendation)
	}
	if r.Recommending {
		s.Value = &r.Recommended
	}
	switch {
	case w.slept():
		s.Text = w.sleep()
	case len(r.Metrics) == 0:
		s.Text = "there are no metrics: the count as it is"
	case !r.Recommending && largest < 0:
		s.Text = fmt.Sprintf("no metric is usable, so nothing is recommended and %d is held: missing data never scales down", r.Scale.Spec)
	case !r.Recommending:
		s.Text = fmt.Sprintf("metric %s failed and might ask for more than %d, so %d is held: beside a failed metric there is no scale-down",
			strings.Join(failed, ", "), largest, r.Scale.Spec)
	case len(failed) > 0:
		s.Text = fmt.Sprintf("the largest answer; metric %s failed, so there could only be a scale-up", strings.Join(failed, ", "))
	case len(asked) == 1 && r.Metrics[0].Fallback:
		s.Text = "what the fallback asks for"
	case len(asked) == 1:
		s.Text = "what the metric asks for"
	default:
		s.Text = "the largest of " + strings.Join(asked, ", ")
	}
	return s
}

// slept says whether the slot took a step to or from the idle count, or stayed at it,
// before a pause may have held it back.
func (w *words) slept() bool {
	r, p := w.step.Record, w.step.Policy
	if p == nil || p.Zero == nil || r.Recommending || !r.Known {
		return false
	}
	to := r.Desired
	if r.Reason == autoscaler.Paused {
		to = r.Limited
	}
	if to < r.Scale.Spec {
		return to == p.Zero.Idle // else it is a bound
	}
	return to != r.Scale.Spec || r.Scale.Spec == p.Zero.Idle || r.Scale.Spec == 0
}

// sleep says which of these it was.
func (w *words) sleep() string {
	r, p := w.step.Record, w.step.Policy
	switch {
	case r.Limited > r.Scale.Spec:
		return "a metric is above its activation: the target wakes, with its minimum"
	case r.Limited < r.Scale.Spec:
		return fmt.Sprintf("no metric has been above its activation for %d s, or ever: the target sleeps, past windows and policies", p.Zero.Cooldown)
	case r.Reason == autoscaler.MetricsUnavailable:
		return "asleep: no metric is above its activation, and one that might be failed"
	}
	return "asleep: no metric is above its activation"
}

// rulesOf is a direction with its name in the spec.
func (w *words) rulesOf(up bool) (*policy.Rules, string) {
	switch {
	case w.step.Policy == nil:
		return nil, ""
	case up:
		return &w.step.Policy.Up, "scaleUp"
	}
	return &w.step.Policy.Down, "scaleDown"
}

// stabilized is what the stabilization window made of the recommendation.
func (w *words) stabilized() stage {
	r := w.step.Record
	s := stage{Name: "stabilized", Value: &r.Stabilized}
	rules, name := w.rulesOf(r.Recommended > r.Scale.Spec)
	switch {
	case w.step.Policy != nil && w.step.Policy.Algorithm == policy.HPAWithoutBehavior:
		s.Text = fmt.Sprintf("HPA without a behavior takes the highest recommendation of %d s, upwards too", w.step.Policy.Down.Window)
		if r.Stabilized != r.Recommended {
			s.Text += fmt.Sprintf(": %d", r.Stabilized)
		}
	case r.Recommended == r.Scale.Spec:
		s.Text = "no change is wanted"
	case rules == nil:
		s.Text = "as the record says"
	case rules.Window == 0:
		s.Text = name + " has no stabilization window"
	case r.Stabilized == r.Recommended && r.Recommended > r.Scale.Spec:
		s.Text = fmt.Sprintf("nothing lower was recommended in the %d s that %s looks back", rules.Window, name)
	case r.Stabilized == r.Recommended:
		s.Text = fmt.Sprintf("nothing higher was recommended in the %d s that %s looks back", rules.Window, name)
	default:
		s.Text = fmt.Sprintf("%s looks back %d s: %s", name, rules.Window, w.holder())
	}
	return s
}

// holder names the recommendation that held the number.
func (w *words) holder() string {
	r := w.step.Record
	p := w.step.Policy
	stabilized, limit := behavior.Stabilize(&p.Up, &p.Down, w.runs, w.previous, r.Slot, r.Scale.Spec, r.Recommended)
	if stabilized != r.Stabilized || limit.Until == 0 {
		return "an earlier recommendation holds it"
	}
	window := p.Down.Window
	if limit.Direction == behavior.Up {
		window = p.Up.Window
	}
	for i, run := range w.runs {
		last := run.Last
		if i == len(w.runs)-1 {
			last = w.previous
		}
		higher := run.Value >= stabilized && limit.Direction == behavior.Down
		lower := run.Value <= stabilized && limit.Direction == behavior.Up
		if int64(limit.Until-last) == int64(window) && (higher || lower) {
			return fmt.Sprintf("%d was recommended until %s, which holds until %s", run.Value, w.clock.short(last), w.clock.short(limit.Until))
		}
	}
	return fmt.Sprintf("an earlier recommendation holds it until %s", w.clock.short(limit.Until))
}

// limited is what the rate policies made of the number.
func (w *words) limited() stage {
	r := w.step.Record
	s := stage{Name: "limited", Value: &r.Limited}
	up := r.Stabilized > r.Scale.Spec
	rules, name := w.rulesOf(up)
	switch {
	case r.Stabilized == r.Scale.Spec:
		s.Text = "no change is left to limit"
	case w.step.Policy != nil && w.step.Policy.Algorithm == policy.HPAWithoutBehavior:
		s.Text = withoutBehaviorLimit
	case rules == nil:
		s.Text = "as the record says"
	case rules.Select == policy.Disabled:
		s.Text = name + " is disabled (selectPolicy)"
	case len(rules.Policies) == 0:
		s.Text = name + " has no rate limit"
	default:
		s.Text = w.budget(rules, name, up)
	}
	return s
}

// withoutBehaviorLimit is the only limit of HPA's older algorithm.
const withoutBehaviorLimit = "at most twice the replicas, or 4, at a time"

// budget is what the deciding rate policy has used and left.
func (w *words) budget(rules *policy.Rules, name string, up bool) string {
	r, p := w.step.Record, w.step.Policy
	furthest := int32(math.MinInt32) // past 0, which 100 % allows
	if up {
		furthest = math.MaxInt32
	}
	_, limit := behavior.RateLimit(&p.Up, &p.Down, w.events, r.Slot, r.Scale.Spec, furthest)
	if limit.Stage == "" || limit.Policy < 0 || limit.Policy >= len(rules.Policies) {
		return name + " allows it"
	}
	text := fmt.Sprintf("%s policy %d, %s", name, limit.Policy, rate(&rules.Policies[limit.Policy]))
	if len(rules.Policies) > 1 {
		text += fmt.Sprintf(" (selectPolicy %s)", rules.Select)
	}
	text += fmt.Sprintf(": %d used, %d left", max(limit.Used, 0), limit.Left)
	if r.Limited != r.Stabilized {
		return text + fmt.Sprintf("; more from %s", w.clock.short(limit.Until))
	}
	return text
}

// rate is a rate policy in words: "4 replicas in 60 s".
func rate(p *policy.Rate) string {
	if p.Type == policy.Percent {
		return fmt.Sprintf("%d %% in %d s", p.Value, p.Period)
	}
	return fmt.Sprintf("%s in %d s", counted(int(p.Value), "replica"), p.Period)
}

// desired is what the bounds made of the number, and what came of it.
func (w *words) desired() stage {
	r := w.step.Record
	s := stage{Name: "desired", Value: &r.Desired}
	p := w.step.Policy
	switch {
	case r.Reason == autoscaler.Paused:
		s.Text = w.paused()
	case r.Desired < r.Limited && p != nil:
		s.Text = fmt.Sprintf("maxReplicas %d", p.Max)
	case r.Desired > r.Limited && p != nil:
		s.Text = fmt.Sprintf("minReplicas %d", p.Min)
	case r.Desired != r.Limited:
		s.Text = "bounded"
	case p != nil:
		s.Text = fmt.Sprintf("within minReplicas %d and maxReplicas %d", p.Min, p.Max)
	}
	if r.Reason != autoscaler.Paused && r.Paused != (autoscaler.Pause{}) {
		s.More = append(s.More, w.paused()+", which changes nothing here")
	}
	switch {
	case r.DryRun:
		s.More = append(s.More, fmt.Sprintf("dry run: nothing is written, spec.replicas stays %d", r.Scale.Spec))
	case r.Desired != r.Scale.Spec:
		s.More = append(s.More, fmt.Sprintf("spec.replicas is set from %d to %d", r.Scale.Spec, r.Desired))
	}
	return s
}

// paused is the pause in effect: what it holds, in place of what, and until when.
func (w *words) paused() string {
	r := w.step.Record
	p := &r.Paused
	text := "paused by annotation"
	switch {
	case p.Unreadable:
		text += ", one of which could not be read, so that nothing is scaled"
	case p.Fixed:
		text += fmt.Sprintf(" at %d", p.Replicas)
	case p.Whole():
		text += ": nothing is scaled"
	case p.Down:
		text += ": nothing is scaled down"
	default:
		text += ": nothing is scaled up"
	}
	if r.Reason == autoscaler.Paused {
		text += fmt.Sprintf("; else %d", w.unpaused())
	}
	if p.Until != 0 {
		text += ", until " + w.clock.short(p.Until)
	}
	return text
}

// unpaused is what would have been decided without the pause.
func (w *words) unpaused() int32 {
	r, p := w.step.Record, w.step.Policy
	if p == nil || w.slept() {
		return r.Limited
	}
	bounded, _ := behavior.Bound(r.Limited, p.Min, p.Max)
	return bounded
}

// why is the reason in a few words.
func (w *words) why() string {
	r := w.step.Record
	switch r.Kind {
	case journal.ScalableNodeGroup:
		return w.groupWhy()
	case journal.MetricsProducer:
		return w.recordedWhy()
	}
	switch r.Reason {
	case autoscaler.InvalidPolicy:
		return "the spec is invalid"
	case autoscaler.TargetUnavailable:
		return "target: " + string(r.Scale.Code)
	case autoscaler.MetricsUnavailable:
		return w.failures() + "; held"
	case autoscaler.Disabled:
		if p := w.step.Policy; p != nil && p.Algorithm == policy.HPAWithoutBehavior {
			return "0 replicas switch an HPA off"
		}
		return fmt.Sprintf("%d wanted; %s is disabled", r.Stabilized, w.direction())
	case autoscaler.Paused:
		return w.paused()
	case autoscaler.Bounded:
		if r.Desired < r.Limited {
			return fmt.Sprintf("%d wanted; maxReplicas %d", r.Limited, r.Desired)
		}
		return fmt.Sprintf("%d wanted; minReplicas %d", r.Limited, r.Desired)
	case autoscaler.Stabilized:
		return fmt.Sprintf("%d wanted; the window holds until %s", r.Recommended, w.clock.short(r.LimitedBy.Until))
	case autoscaler.RateLimited:
		text := fmt.Sprintf("%d wanted; ", r.Stabilized)
		if p := w.step.Policy; p != nil {
			rules, _ := w.rulesOf(r.LimitedBy.Direction == behavior.Up)
			if p.Algorithm == policy.HPAWithoutBehavior {
				return text + withoutBehaviorLimit
			}
			if i := r.LimitedBy.Policy; i >= 0 && i < len(rules.Policies) {
				text += rate(&rules.Policies[i]) + ", "
			}
		}
		return text + "more from " + w.clock.short(r.LimitedBy.Until)
	}
	return w.decisive()
}

func (w *words) direction() string {
	if w.step.Record.LimitedBy.Direction == behavior.Up {
		return "scaleUp"
	}
	return "scaleDown"
}

// failures names the metrics that could not be used.
func (w *words) failures() string {
	var list []string
	for i := range w.step.Record.Metrics {
		if m := &w.step.Record.Metrics[i]; !m.Asks() {
			list = append(list, fmt.Sprintf("metric %d: %s", i, m.Code))
		}
	}
	return strings.Join(list, ", ")
}

// decisive is the formula of the metric that decided.
func (w *words) decisive() string {
	r := w.step.Record
	for i := range r.Metrics {
		if !r.Metrics[i].Asks() || r.Metrics[i].Recommendation != r.Recommended {
			continue
		}
		if len(r.Metrics) > 1 {
			return fmt.Sprintf("metric %d: %s", i, w.formula(i))
		}
		return w.formula(i)
	}
	return ""
}

// oneLine is a query without line breaks.
func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }
