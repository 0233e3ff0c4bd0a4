package convert

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// apiServerUp is what the API server fills into a scaleUp that is absent from a behavior.
func apiServerUp() v1alpha1.ScalingRules {
	rules := apiServerRules(0)
	rules.Policies = []v1alpha1.ScalingPolicy{
		{Type: v1alpha1.CountScalingPolicy, Value: 4, PeriodSeconds: 15},
		{Type: v1alpha1.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
	}
	return rules
}

// apiServerDown is what the API server fills into an absent scaleDown; its
// window is the controller manager's default.
func apiServerDown() v1alpha1.ScalingRules {
	rules := apiServerRules(300)
	rules.Policies = []v1alpha1.ScalingPolicy{{Type: v1alpha1.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}
	return rules
}

func apiServerRules(window int32) v1alpha1.ScalingRules {
	selectPolicy := v1alpha1.MaxPolicySelect
	tolerance := resource.MustParse("0.1")
	return v1alpha1.ScalingRules{
		StabilizationWindowSeconds: &window,
		SelectPolicy:               &selectPolicy,
		Tolerance:                  &tolerance,
	}
}

// behavior is complete: what is absent is filled in as the API server does.
func (c *converter) behavior(given *autoscalingv2.HorizontalPodAutoscalerBehavior, path *field.Path) v1alpha1.Behavior {
	if given == nil {
		c.lost(path, "absent: HPA then decides by a separate algorithm (at most double or 4 replicas at a time; upwards, too, the highest advice of 300 s), which does not exist here; the API server's defaults for a present behavior are filled in")
		given = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	up, down := rules(given.ScaleUp, apiServerUp()), rules(given.ScaleDown, apiServerDown())
	return v1alpha1.Behavior{ScaleUp: &up, ScaleDown: &down}
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
