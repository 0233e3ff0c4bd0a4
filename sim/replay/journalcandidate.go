package replay

import (
	"errors"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// candidate is the autoscaler as it would act: the last policy of the journal,
// whose queries are the series of the journal.
func (j *Journal) candidate() (*v1alpha1.HorizontalAutoscaler, error) {
	p := j.Policy
	ha := &v1alpha1.HorizontalAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: journal.HorizontalAutoscaler},
		ObjectMeta: metav1.ObjectMeta{Namespace: j.Object.Namespace, Name: j.Object.Name},
		Spec: v1alpha1.HorizontalAutoscalerSpec{
			ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: p.Target.APIVersion, Kind: p.Target.Kind, Name: p.Target.Name},
			MinReplicas:    p.Min, MaxReplicas: p.Max, PollingIntervalSeconds: &p.Interval,
			Behavior: behaviorOf(p),
		},
	}
	if p.Zero != nil {
		ha.Spec.Zero = &v1alpha1.Zero{CooldownSeconds: &p.Zero.Cooldown, InitialCooldownSeconds: p.Zero.InitialCooldown, IdleReplicas: p.Zero.Idle}
	}
	want := *p
	want.DryRun = false
	want.Metrics = nil
	for i := range p.Metrics {
		m := p.Metrics[i]
		value := quantityOf(m.Target)
		m.Query = j.selector(j.metric(m.Query))
		want.Metrics = append(want.Metrics, m)
		metric := v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
			Query: m.Query, Target: v1alpha1.MetricTarget{Type: v1alpha1.MetricTargetType(m.Type), Value: &value},
		}}
		if m.Activation != nil {
			activation := quantityOf(*m.Activation)
			metric.Activation = &activation
		}
		ha.Spec.Metrics = append(ha.Spec.Metrics, metric)
	}
	again, errs := policy.CompileAutoscaler(&ha.Spec, field.NewPath("spec"))
	if len(errs) > 0 {
		return nil, fmt.Errorf("its policy cannot be played: %w", errs.ToAggregate())
	}
	if string(again.Encode()) != string(want.Encode()) {
		return nil, errors.New("its policy has something that no manifest says")
	}
	return ha, nil
}

// behaviorOf is a policy's behavior. That of an HPA without one says no more than
// the tolerances and the window down, which are all it has.
func behaviorOf(p *policy.Autoscaler) v1alpha1.Behavior {
	b := v1alpha1.Behavior{ScaleUp: rulesOf(&p.Up), ScaleDown: rulesOf(&p.Down)}
	if p.Algorithm == policy.HPAWithoutBehavior {
		b.Algorithm = v1alpha1.HPAWithoutBehavior
		b.ScaleUp = &v1alpha1.ScalingRules{Tolerance: b.ScaleUp.Tolerance}
		b.ScaleDown = &v1alpha1.ScalingRules{Tolerance: b.ScaleDown.Tolerance, StabilizationWindowSeconds: b.ScaleDown.StabilizationWindowSeconds}
	}
	return b
}

func rulesOf(r *policy.Rules) *v1alpha1.ScalingRules {
	tolerance, selects := quantityOf(r.Tolerance), v1alpha1.ScalingPolicySelect(r.Select)
	out := &v1alpha1.ScalingRules{StabilizationWindowSeconds: &r.Window, Tolerance: &tolerance, SelectPolicy: &selects}
	for _, rate := range r.Policies {
		out.Policies = append(out.Policies, v1alpha1.ScalingPolicy{Type: v1alpha1.ScalingPolicyType(rate.Type), Value: rate.Value, PeriodSeconds: rate.Period})
	}
	return out
}

// quantityOf is a number that was compiled from a quantity.
func quantityOf(v float64) resource.Quantity {
	return resource.MustParse(strconv.FormatFloat(v, 'f', -1, 64))
}
