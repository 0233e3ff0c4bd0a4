package explain

import (
	"fmt"
	"math"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// metric returns what one metric was and asked for.
func (e *Explanation) metric(i int) Stage {
	m := &e.step.Record.Metrics[i]
	s := Stage{Name: fmt.Sprintf("metric %d", i), Text: oneLine(m.Query)}
	read := fmt.Sprintf("at %s", e.short(m.At))
	if m.Source != "" {
		read += " from " + oneLine(m.Source)
	}
	if m.Code != observation.OK {
		if m.Value != 0 {
			read += ": " + Figure(m.Value)
		}
		s.More = []string{read + ": " + Meaning(m.Code)}
		if text := e.fallback(i); text != "" {
			s.More = append(s.More, text)
		}
		if m.Fallback {
			s.Value = &m.Recommendation
		}
		return s
	}
	s.More = append(s.More, fmt.Sprintf("%s: %s%s", read, Figure(m.Value), e.target(i)))
	if e.step.Record.Known {
		s.Value = &m.Recommendation
		s.More = append(s.More, e.formula(i))
	}
	return s
}

// fallback returns what stands, or is going to stand, in for a metric that failed.
func (e *Explanation) fallback(i int) string {
	m, p := &e.step.Record.Metrics[i], e.policyMetric(i)
	if p == nil || p.Fallback == nil {
		if m.Fallback {
			return fmt.Sprintf("its fallback asks for %d", m.Recommendation)
		}
		return ""
	}
	since := ""
	for _, f := range e.step.After.Failures {
		if f.Metric == p.Key() {
			since = ", since " + e.short(f.Since)
			if !m.Fallback {
				return fmt.Sprintf("fails%s: from %s on its fallback asks for %d", since, e.short(f.Since+slot.Slot(p.Fallback.After)), p.Fallback.Replicas)
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
func (e *Explanation) target(i int) string {
	m := e.policyMetric(i)
	switch {
	case m == nil:
		return ""
	case m.Type == policy.AverageValue:
		return fmt.Sprintf("; target %s a replica (AverageValue)", Figure(m.Target))
	case m.Type == policy.Utilization:
		return fmt.Sprintf("; target %s %% (Utilization)", Figure(m.Target))
	}
	return fmt.Sprintf("; target %s (Value)", Figure(m.Target))
}

func (e *Explanation) policyMetric(i int) *policy.Metric {
	if p := e.step.Policy; p != nil && i < len(p.Metrics) {
		return &p.Metrics[i]
	}
	return nil
}

// formula is how the metric's value became a number of replicas.
func (e *Explanation) formula(i int) string {
	r := e.step.Record
	m, p := &r.Metrics[i], e.policyMetric(i)
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
		shares = fmt.Sprintf("%s / (%s x %d)", Figure(m.Value), Figure(target), r.Scale.Status)
		formula = fmt.Sprintf("ceil(%s / %s)", Figure(m.Value), Figure(target))
	case policy.Utilization:
		target /= 100
		fallthrough
	default:
		ratio = m.Value / target
		raw = ratio * float64(serving)
		shares = fmt.Sprintf("%s / %s", Figure(m.Value), Figure(target))
		formula = fmt.Sprintf("ceil(%d x %s)", serving, shares)
	}
	running := r.Scale.Spec > 0 && (r.Scale.Status > 0 || p.Type != policy.AverageValue)
	if tolerance := e.step.Policy; running && m.Recommendation == r.Scale.Spec && covered(ratio, tolerance.Up.Tolerance, tolerance.Down.Tolerance) {
		if math.Abs(ratio-1) <= algorithm.Noise {
			return fmt.Sprintf("%s = 1: on target, so %d stays", shares, r.Scale.Spec)
		}
		return fmt.Sprintf("%s = %s: within the tolerance of %s below and %s above, so %d stays", shares, Figure(ratio),
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
	case e.step.Policy.Target.CountsNodes() && p.Type != policy.AverageValue && ready < m.Recommendation:
		return fmt.Sprintf("%s = %d, and %d nodes wanted that are not ready are kept: %d", formula, ready, r.Scale.Spec-serving, m.Recommendation)
	case p.Type != policy.AverageValue && m.Recommendation == 1 && algorithm.Ceil(raw) < 1:
		return fmt.Sprintf("%s = %s, at least 1", formula, Figure(algorithm.Ceil(raw)))
	case algorithm.Ceil(raw) > math.MaxInt32:
		return result + ", the largest count there is"
	}
	return result
}

func covered(ratio, up, down float64) bool {
	return ratio >= 1-down-algorithm.Noise && ratio <= 1+up+algorithm.Noise
}

func percent(share float64) string { return Figure(100*share) + " %" }
