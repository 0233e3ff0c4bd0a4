package convert

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// apiServerUp returns what the API server fills into a scaleUp that is absent from a behavior.
func (c *converter) apiServerUp() v1alpha1.ScalingRules {
	rules := c.apiServerRules(0)
	rules.Policies = []v1alpha1.ScalingPolicy{
		{Type: v1alpha1.CountScalingPolicy, Value: 4, PeriodSeconds: 15},
		{Type: v1alpha1.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
	}
	return rules
}

// apiServerDown returns what the API server fills into an absent scaleDown; its
// window is the controller manager's default.
func (c *converter) apiServerDown() v1alpha1.ScalingRules {
	rules := c.apiServerRules(or(c.options.DownscaleStabilizationSeconds, downscaleStabilization))
	rules.Policies = []v1alpha1.ScalingPolicy{{Type: v1alpha1.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}
	return rules
}

// downscaleStabilization is the default of the controller manager, in seconds.
const downscaleStabilization = 300

func (c *converter) apiServerRules(window int32) v1alpha1.ScalingRules {
	selectPolicy := v1alpha1.MaxPolicySelect
	tolerance := resource.MustParse("0.1")
	if c.options.Tolerance != nil {
		tolerance = c.options.Tolerance.DeepCopy()
	}
	return v1alpha1.ScalingRules{
		StabilizationWindowSeconds: &window,
		SelectPolicy:               &selectPolicy,
		Tolerance:                  &tolerance,
	}
}

// behavior is complete: what is absent is filled in as the API server does. Where
// all of it is absent, the API server fills in nothing, and HPA decides by its
// older algorithm.
func (c *converter) behavior(given *autoscalingv2.HorizontalPodAutoscalerBehavior, path *field.Path) v1alpha1.Behavior {
	if given == nil {
		return c.withoutBehavior(path)
	}
	up, down := rules(given.ScaleUp, c.apiServerUp()), rules(given.ScaleDown, c.apiServerDown())
	return v1alpha1.Behavior{ScaleUp: &up, ScaleDown: &down}
}

// withoutBehavior is how an HPA decides that has no behavior. Its tolerance and
// its window are flags of the controller, here as there, unless the options say
// what they were.
func (c *converter) withoutBehavior(path *field.Path) v1alpha1.Behavior {
	c.changed(path, "absent: HPA then decides by an older algorithm (the highest recommendation of %d s counts, upwards too; at most double or 4 replicas at a time), and so does algorithm %s", or(c.options.DownscaleStabilizationSeconds, downscaleStabilization), v1alpha1.HPAWithoutBehavior)
	b := v1alpha1.Behavior{Algorithm: v1alpha1.HPAWithoutBehavior}
	if t := c.options.Tolerance; t != nil {
		up, down := t.DeepCopy(), t.DeepCopy()
		b.ScaleUp, b.ScaleDown = &v1alpha1.ScalingRules{Tolerance: &up}, &v1alpha1.ScalingRules{Tolerance: &down}
	}
	if window := c.options.DownscaleStabilizationSeconds; window != nil {
		if b.ScaleDown == nil {
			b.ScaleDown = &v1alpha1.ScalingRules{}
		}
		b.ScaleDown.StabilizationWindowSeconds = window
	}
	return b
}

// rules are given, with out where a field is absent.
func rules(given *autoscalingv2.HPAScalingRules, out v1alpha1.ScalingRules) v1alpha1.ScalingRules {
	if given == nil {
		return out
	}
	if given.StabilizationWindowSeconds != nil {
		window := *given.StabilizationWindowSeconds
		out.StabilizationWindowSeconds = &window
	}
	if given.SelectPolicy != nil {
		selectPolicy := v1alpha1.ScalingPolicySelect(*given.SelectPolicy)
		out.SelectPolicy = &selectPolicy
	}
	if given.Tolerance != nil {
		tolerance := given.Tolerance.DeepCopy()
		out.Tolerance = &tolerance
	}
	if len(given.Policies) > 0 {
		out.Policies = nil
		for _, p := range given.Policies {
			out.Policies = append(out.Policies, ratePolicy(p))
		}
	}
	return out
}

func ratePolicy(p autoscalingv2.HPAScalingPolicy) v1alpha1.ScalingPolicy {
	unit := v1alpha1.ScalingPolicyType(p.Type)
	if unit == v1alpha1.PodsScalingPolicy {
		unit = v1alpha1.CountScalingPolicy
	}
	return v1alpha1.ScalingPolicy{Type: unit, Value: p.Value, PeriodSeconds: p.PeriodSeconds}
}
