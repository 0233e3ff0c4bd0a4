package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// recommended is how the metrics' answers became one.
func (e *Explanation) recommended() Stage {
	r := e.step.Record
	s := Stage{Name: "recommended"}
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
	case e.slept():
		s.Text = e.sleep()
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
func (e *Explanation) slept() bool {
	r, p := e.step.Record, e.step.Policy
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
func (e *Explanation) sleep() string {
	r, p := e.step.Record, e.step.Policy
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
func (e *Explanation) rulesOf(up bool) (*policy.Rules, string) {
	switch {
	case e.step.Policy == nil:
		return nil, ""
	case up:
		return &e.step.Policy.Up, "scaleUp"
	}
	return &e.step.Policy.Down, "scaleDown"
}

// stabilized returns what the stabilization window made of the recommendation.
func (e *Explanation) stabilized() Stage {
	r := e.step.Record
	s := Stage{Name: "stabilized", Value: &r.Stabilized}
	rules, name := e.rulesOf(r.Recommended > r.Scale.Spec)
	switch {
	case e.step.Policy != nil && e.step.Policy.Algorithm == policy.HPAWithoutBehavior:
		s.Text = fmt.Sprintf("HPA without a behavior takes the highest recommendation of %d s, upwards too", e.step.Policy.Down.Window)
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
		s.Text = fmt.Sprintf("%s looks back %d s: %s", name, rules.Window, e.holder())
	}
	return s
}

// holder names the recommendation that held the number.
func (e *Explanation) holder() string {
	r := e.step.Record
	p := e.step.Policy
	stabilized, limit := behavior.Stabilize(&p.Up, &p.Down, e.Runs, e.Previous, r.Slot, r.Scale.Spec, r.Recommended)
	if stabilized != r.Stabilized || limit.Until == 0 {
		return "an earlier recommendation holds it"
	}
	window := p.Down.Window
	if limit.Direction == behavior.Up {
		window = p.Up.Window
	}
	for i, run := range e.Runs {
		last := run.Last
		if i == len(e.Runs)-1 {
			last = e.Previous
		}
		higher := run.Value >= stabilized && limit.Direction == behavior.Down
		lower := run.Value <= stabilized && limit.Direction == behavior.Up
		if int64(limit.Until-last) == int64(window) && (higher || lower) {
			return fmt.Sprintf("%d was recommended until %s, which holds until %s", run.Value, e.short(last), e.short(limit.Until))
		}
	}
	return fmt.Sprintf("an earlier recommendation holds it until %s", e.short(limit.Until))
}

// limited returns what the rate policies made of the number.
func (e *Explanation) limited() Stage {
	r := e.step.Record
	s := Stage{Name: "limited", Value: &r.Limited}
	up := r.Stabilized > r.Scale.Spec
	rules, name := e.rulesOf(up)
	switch {
	case r.Stabilized == r.Scale.Spec:
		s.Text = "no change is left to limit"
	case e.step.Policy != nil && e.step.Policy.Algorithm == policy.HPAWithoutBehavior:
		s.Text = withoutBehaviorLimit
	case rules == nil:
		s.Text = "as the record says"
	case rules.Select == policy.Disabled:
		s.Text = name + " is disabled (selectPolicy)"
	case len(rules.Policies) == 0:
		s.Text = name + " has no rate limit"
	default:
		s.Text = e.budget(rules, name, up)
	}
	return s
}

// withoutBehaviorLimit is the only limit of HPA's older algorithm.
const withoutBehaviorLimit = "at most twice the replicas, or 4, at a time"

// budget returns what the deciding rate policy has used and left.
func (e *Explanation) budget(rules *policy.Rules, name string, up bool) string {
	r, p := e.step.Record, e.step.Policy
	furthest := int32(math.MinInt32) // past 0, which 100 % allows
	if up {
		furthest = math.MaxInt32
	}
	_, limit := behavior.RateLimit(&p.Up, &p.Down, e.Events, r.Slot, r.Scale.Spec, furthest)
	if limit.Stage == "" || limit.Policy < 0 || limit.Policy >= len(rules.Policies) {
		return name + " allows it"
	}
	text := fmt.Sprintf("%s policy %d, %s", name, limit.Policy, rate(&rules.Policies[limit.Policy]))
	if len(rules.Policies) > 1 {
		text += fmt.Sprintf(" (selectPolicy %s)", rules.Select)
	}
	text += fmt.Sprintf(": %d used, %d left", max(limit.Used, 0), limit.Left)
	if r.Limited != r.Stabilized {
		return text + fmt.Sprintf("; more from %s", e.short(limit.Until))
	}
	return text
}

// rate is a rate policy in words: "4 replicas in 60 s".
func rate(p *policy.Rate) string {
	if p.Type == policy.Percent {
		return fmt.Sprintf("%d %% in %d s", p.Value, p.Period)
	}
	return fmt.Sprintf("%s in %d s", replicas(p.Value), p.Period)
}

// desired returns what the bounds made of the number, and what came of it.
func (e *Explanation) desired() Stage {
	r := e.step.Record
	s := Stage{Name: "desired", Value: &r.Desired}
	p := e.step.Policy
	switch {
	case r.Reason == autoscaler.Paused:
		s.Text = e.paused()
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
		s.More = append(s.More, e.paused()+", which changes nothing here")
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
func (e *Explanation) paused() string {
	r := e.step.Record
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
		text += fmt.Sprintf("; else %d", e.unpaused())
	}
	if p.Until != 0 {
		text += ", until " + e.short(p.Until)
	}
	return text
}

// unpaused returns what would have been decided without the pause.
func (e *Explanation) unpaused() int32 {
	r, p := e.step.Record, e.step.Policy
	if p == nil || e.slept() {
		return r.Limited
	}
	bounded, _ := behavior.Bound(r.Limited, p.Min, p.Max)
	return bounded
}

// Why returns the reason in a few words.
func (e *Explanation) Why() string {
	r := e.step.Record
	switch r.Kind {
	case journal.ScalableNodeGroup:
		return e.groupWhy()
	case journal.MetricsProducer:
		return e.recordedWhy()
	}
	switch r.Reason {
	case autoscaler.InvalidPolicy:
		return "the spec is invalid"
	case autoscaler.TargetUnavailable:
		return "target: " + string(r.Scale.Code)
	case autoscaler.MetricsUnavailable:
		return e.failures() + "; held"
	case autoscaler.Disabled:
		if p := e.step.Policy; p != nil && p.Algorithm == policy.HPAWithoutBehavior {
			return "0 replicas switch an HPA off"
		}
		return fmt.Sprintf("%d wanted; %s is disabled", r.Stabilized, e.direction())
	case autoscaler.Paused:
		return e.paused()
	case autoscaler.Bounded:
		if r.Desired < r.Limited {
			return fmt.Sprintf("%d wanted; maxReplicas %d", r.Limited, r.Desired)
		}
		return fmt.Sprintf("%d wanted; minReplicas %d", r.Limited, r.Desired)
	case autoscaler.Stabilized:
		return fmt.Sprintf("%d wanted; the window holds until %s", r.Recommended, e.short(r.LimitedBy.Until))
	case autoscaler.RateLimited:
		text := fmt.Sprintf("%d wanted; ", r.Stabilized)
		if p := e.step.Policy; p != nil {
			rules, _ := e.rulesOf(r.LimitedBy.Direction == behavior.Up)
			if p.Algorithm == policy.HPAWithoutBehavior {
				return text + withoutBehaviorLimit
			}
			if i := r.LimitedBy.Policy; i >= 0 && i < len(rules.Policies) {
				text += rate(&rules.Policies[i]) + ", "
			}
		}
		return text + "more from " + e.short(r.LimitedBy.Until)
	}
	return e.decisive()
}

func (e *Explanation) direction() string {
	if e.step.Record.LimitedBy.Direction == behavior.Up {
		return "scaleUp"
	}
	return "scaleDown"
}

// failures names the metrics that could not be used.
func (e *Explanation) failures() string {
	var list []string
	for i := range e.step.Record.Metrics {
		if m := &e.step.Record.Metrics[i]; !m.Asks() {
			list = append(list, fmt.Sprintf("metric %d: %s", i, m.Code))
		}
	}
	return strings.Join(list, ", ")
}

// decisive is the formula of the metric that decided.
func (e *Explanation) decisive() string {
	r := e.step.Record
	for i := range r.Metrics {
		if !r.Metrics[i].Asks() || r.Metrics[i].Recommendation != r.Recommended {
			continue
		}
		if len(r.Metrics) > 1 {
			return fmt.Sprintf("metric %d: %s", i, e.formula(i))
		}
		return e.formula(i)
	}
	return ""
}

// replicas counts replicas.
func replicas(n int32) string {
	if n == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// oneLine is a query without line breaks.
func oneLine(query string) string { return strings.Join(strings.Fields(query), " ") }
