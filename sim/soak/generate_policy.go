package soak

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// autoscaler adds a policy without metrics.
func (g *generator) autoscaler(name, version, kind string) *v1alpha1.HorizontalAutoscaler {
	interval := pick(g, int32(5), 10, 15, 15, 30, 60)
	a := &v1alpha1.HorizontalAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HorizontalAutoscaler"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
	}
	a.Spec.ScaleTargetRef = v1alpha1.CrossVersionObjectReference{APIVersion: version, Kind: kind, Name: name}
	a.Spec.MinReplicas, a.Spec.MaxReplicas = int32(g.IntN(4)), int32(4+g.IntN(50))
	a.Spec.PollingIntervalSeconds = &interval
	a.Spec.DryRun = g.chance(0.05)
	a.Spec.Behavior.ScaleUp, a.Spec.Behavior.ScaleDown = g.rules(), g.rules()
	g.c.Autoscalers = append(g.c.Autoscalers, a)
	return a
}

// rules returns scaling rules for one direction, nil for the defaults.
func (g *generator) rules() *v1alpha1.ScalingRules {
	if g.chance(0.2) {
		return nil
	}
	r := &v1alpha1.ScalingRules{}
	if g.chance(0.8) {
		window := pick(g, int32(0), 0, 30, 60, 90, 300)
		r.StabilizationWindowSeconds = &window
	}
	for range g.IntN(4) {
		p := v1alpha1.ScalingPolicy{Type: pick(g, v1alpha1.CountScalingPolicy, v1alpha1.PodsScalingPolicy, v1alpha1.PercentScalingPolicy), PeriodSeconds: pick(g, int32(15), 30, 60, 60, 180)}
		p.Value = int32(1 + g.IntN(6))
		if p.Type == v1alpha1.PercentScalingPolicy {
			p.Value = pick(g, int32(5), 10, 50, 100)
		}
		r.Policies = append(r.Policies, p)
	}
	selected := v1alpha1.MaxPolicySelect
	switch {
	case g.chance(0.05):
		selected = v1alpha1.DisabledPolicySelect
	case g.chance(0.3):
		selected = v1alpha1.MinPolicySelect
	}
	r.SelectPolicy = &selected
	if g.chance(0.3) {
		tolerance := resource.MustParse(pick(g, "0.05", "0.1", "0.25"))
		r.Tolerance = &tolerance
	}
	return r
}

// metric adds a query with its target.
func (g *generator) metric(a *v1alpha1.HorizontalAutoscaler, query string, kind v1alpha1.MetricTargetType, target int) {
	value := resource.MustParse(fmt.Sprint(target))
	a.Spec.Metrics = append(a.Spec.Metrics, v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
		Query: query, Target: v1alpha1.MetricTarget{Type: kind, Value: &value},
	}})
}

// fallbacks give some metrics one, after all else is drawn. Edits may move the
// bounds, so only bounds that no edit leaves will do.
func (g *generator) fallbacks() {
	for _, a := range g.c.Autoscalers {
		for i := range a.Spec.Metrics {
			if len(g.spec.Edits) > 0 || g.chance(0.6) {
				continue
			}
			after := time.Duration(*a.Spec.PollingIntervalSeconds) * time.Second * time.Duration(1+g.IntN(6))
			a.Spec.Metrics[i].Fallback = &v1alpha1.Fallback{
				Replicas:       a.Spec.MinReplicas + int32(g.IntN(int(a.Spec.MaxReplicas-a.Spec.MinReplicas)+1)),
				After:          metav1.Duration{Duration: after},
				AllowScaleDown: g.chance(0.5),
			}
		}
	}
}

// edit changes the bounds of one autoscaler, or of all.
func (g *generator) edit() {
	at := g.busy()
	low := g.IntN(5)
	e := scenario.Edit{At: &at, Set: scenario.Assignments{fmt.Sprintf("spec.minReplicas=%d,spec.maxReplicas=%d", low, low+g.IntN(40))}}
	if g.chance(0.5) {
		e.Object = "HorizontalAutoscaler/" + pick(g, g.c.Autoscalers...).Name
	}
	g.spec.Edits = append(g.spec.Edits, e)
}

// pause pauses one autoscaler for a while that is over once the case is calm.
func (g *generator) pause() {
	object := "HorizontalAutoscaler/" + pick(g, g.c.Autoscalers...).Name
	at, end := g.busy(), g.busy()
	if at > end {
		at, end = end, at
	}
	key := pick(g, "paused=true", fmt.Sprintf("paused=%d", g.IntN(20)), "paused-scale-in=true", "paused-scale-out=true", "paused=maybe")
	name, value, _ := strings.Cut(key, "=")
	path := `metadata.annotations.autoscaling\.karpenter\.sh/` + name
	g.spec.Edits = append(g.spec.Edits,
		scenario.Edit{At: &at, Object: object, Set: scenario.Assignments{path + "=" + value}},
		scenario.Edit{At: &end, Object: object, Set: scenario.Assignments{path + "=null"}})
}

// fault adds one that is over once the case is calm.
func (g *generator) fault(i int) {
	at := g.busy()
	length := min(seconds(5+g.IntN(300)), g.c.Calm-at+seconds(1))
	f := scenario.Fault{Name: fmt.Sprintf("fault %d", i), At: &at, For: &length}
	a := pick(g, g.c.Autoscalers...)
	switch g.IntN(4) {
	case 0:
		f.Controller = pick(g, scenario.ControllerRestart, scenario.ControllerLeaderChange, scenario.ControllerConflicts, scenario.ControllerSkipped)
	case 1:
		f.Target = pick(g, scenario.TargetForbidden, scenario.TargetConflict, scenario.TargetTimeout, scenario.TargetUnreadable)
		if g.chance(0.5) {
			f.Object = a.Spec.ScaleTargetRef.Kind + "/" + a.Spec.ScaleTargetRef.Name
		}
	default:
		f.Metrics = pick(g, scenario.MetricsDown, scenario.MetricsSlow, scenario.MetricsEmpty, scenario.MetricsNaN, scenario.MetricsStale, scenario.MetricsPartial, scenario.MetricsDuplicated, scenario.MetricsLate)
	}
	if len(g.c.NodeGroups) > 0 && g.chance(0.3) {
		f = scenario.Fault{Name: f.Name, At: f.At, For: f.For}
		f.Nodes = pick(g, scenario.NodesThrottled, scenario.NodesDown, scenario.NodesStockOut, scenario.NodesSlowBoot, scenario.NodesFailedBoot, scenario.NodesLost, scenario.NodesIsolated, scenario.NodesLying, scenario.NodesUpdating, scenario.NodesSuspended)
		if f.Nodes == scenario.NodesThrottled || f.Nodes == scenario.NodesDown {
			f.Call = pick(g, "", scenario.ObserveCall, scenario.ResizeCall)
		}
		if f.Nodes == scenario.NodesLost {
			f.For = nil
		}
		if f.Nodes == scenario.NodesSlowBoot {
			f.Boot = scenario.Delay{P50: seconds(60), P95: seconds(180)}
		}
	}
	if f.Nodes == "" {
		if g.chance(0.4) && (f.Metrics == "" || f.Metrics == scenario.MetricsDown || f.Metrics == scenario.MetricsSlow) {
			p := pick(g, 0.1, 0.5, 0.9)
			f.Probability = &p
		}
		if f.Object == "" && f.Target == "" && g.chance(0.3) {
			f.Object = "HorizontalAutoscaler/" + a.Name
		}
	}
	if f.Metrics != "" && g.chance(0.3) {
		f.Query, _, _ = strings.Cut(a.Spec.Metrics[0].Prometheus.Query, "[")
	}
	g.spec.Faults = append(g.spec.Faults, f)
}
