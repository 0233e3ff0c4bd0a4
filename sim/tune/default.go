package tune

import (
	"fmt"
	"strconv"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim"
)

// Defaults of a search.
const (
	DefaultTrials = 300
	DefaultFolds  = 4
)

// DefaultParameters is the space that is searched where none is declared: the
// metrics' targets from half to one and a quarter of what they are, both
// tolerances, both stabilization windows, and how fast replicas may go. Of a
// converted HPA without a behavior, whose algorithm has neither a window up nor
// rates, these give way to the choice between its algorithm and a behavior. Bounds
// and interval are promises to others and are left alone.
func DefaultParameters(subjects []Subject) ([]Parameter, error) {
	var all []sim.Autoscaler
	for i := range subjects {
		autoscalers, err := subjects[i].resolve(subjects[i].Set)
		if err != nil {
			return nil, err
		}
		all = append(all, autoscalers...)
	}
	first := all[0].Policy
	longest := int32(policy.MaxWindowSeconds)
	rates := [2]int{len(first.Up.Policies), len(first.Down.Policies)}
	shared, without := true, 0
	for i := range all {
		p := all[i].Policy
		if p.Algorithm == policy.HPAWithoutBehavior {
			without++
		}
		longest = min(longest, policy.MaxIntervals*p.Interval)
		shared = shared && sameMetrics(p, first)
		for k, rules := range []*policy.Rules{&p.Up, &p.Down} {
			rates[k] = min(rates[k], len(rules.Policies))
		}
	}
	var out []Parameter
	if shared {
		out = append(out, targets(&all[0])...)
	}
	out = append(out,
		ranged("spec.behavior.scaleUp.tolerance", 0, 0.3, 0.05),
		ranged("spec.behavior.scaleDown.tolerance", 0, 0.3, 0.05),
	)
	down := windowUpTo("spec.behavior.scaleDown.stabilizationWindowSeconds", min(1800, longest), 60)
	switch without {
	case 0:
		out = append(out, windowUpTo("spec.behavior.scaleUp.stabilizationWindowSeconds", min(300, longest), 30), down)
	case len(all):
		return append(out, down, Parameter{Path: "spec.behavior.algorithm", Values: []string{string(policy.HPAWithoutBehavior), "null"}}), nil
	default: // what both have
		return append(out, down), nil
	}
	for k, direction := range []string{"scaleUp", "scaleDown"} {
		rules := &first.Up
		if k == 1 {
			rules = &first.Down
		}
		for i := range rates[k] {
			v := rules.Policies[i].Value
			p := ranged(fmt.Sprintf("spec.behavior.%s.policies[%d].value", direction, i), float64(max(1, v/4)), float64(v*4), 0)
			p.Log = true
			out = append(out, p)
		}
	}
	if rates[1] == 0 && len(first.Down.Policies) == 0 {
		p := ranged("spec.behavior.scaleDown.policies[0].value", 10, 100, 10)
		p.With = []string{"spec.behavior.scaleDown.policies[0].type=Percent", "spec.behavior.scaleDown.policies[0].periodSeconds=" + strconv.Itoa(int(min(60, policy.MaxIntervals*first.Interval)))}
		out = append(out, p)
	}
	return out, nil
}

func sameMetrics(a, b *policy.Autoscaler) bool {
	if len(a.Metrics) != len(b.Metrics) {
		return false
	}
	for i := range a.Metrics {
		if a.Metrics[i].Type != b.Metrics[i].Type || a.Metrics[i].Target != b.Metrics[i].Target {
			return false
		}
	}
	return true
}

// targets are the fields of the metrics' targets, as they are written.
func targets(a *sim.Autoscaler) []Parameter {
	var out []Parameter
	for i := range a.Policy.Metrics {
		field := a.TargetField(i)
		now := a.Policy.Metrics[i].Target
		low, high := 0.5*now, 1.25*now
		if field == "averageUtilization" {
			low, high = float64(int(low+1)), float64(int(high))
		}
		if low < high {
			out = append(out, ranged(fmt.Sprintf("spec.metrics[%d].prometheus.target.%s", i, field), low, high, 0))
		}
	}
	return out
}

func ranged(path string, low, high, step float64) Parameter {
	return Parameter{Path: path, Low: low, High: high, Step: step}
}

// windowUpTo is a stabilization window from 0 to at most the longest, in steps.
func windowUpTo(path string, longest int32, step float64) Parameter {
	return ranged(path, 0, float64(longest), min(step, float64(longest)))
}
