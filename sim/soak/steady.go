package soak

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A steadyCase is a constant demand, seen through a metric that shows at once
// what each ready replica has of it, while new replicas start.
type steadyCase struct {
	*Case
	// need is the demand in replicas.
	need int32
}

// steady is the case's first autoscaler on such a metric: a recorded value that
// a replay divides among the replicas ready at the last scrape. Start-up, demand and
// the scrape interval are drawn from the case's seed.
func (c *Case) steady() *steadyCase {
	draw := rand.New(rand.NewPCG(c.Seed, 3))
	recorded, value, target := 1+draw.IntN(20), 1+draw.IntN(500), int64(5+draw.IntN(60))
	startup := seconds(draw.IntN(400))
	s := &steadyCase{Case: c.clone(), need: int32(math.Ceil(float64(recorded*value)/float64(target) - 1e-9))}
	s.NodeGroups, s.Autoscalers = nil, s.Autoscalers[:1]
	a := s.Autoscalers[0]
	a.Spec.ScaleTargetRef = v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "steady"}
	quantity := resource.NewQuantity(target, resource.DecimalSI)
	a.Spec.Metrics = []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
		Query: "max(load)", Target: v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: quantity},
	}}}
	spec := &s.Scenario.Spec
	s.Scenario.Spec = scenario.Spec{
		Seed: spec.Seed, Start: spec.Start, Duration: spec.Duration, Controller: scenario.Controller{Phase: spec.Controller.Phase}, Prometheus: scenario.Prometheus{ScrapeInterval: seconds(1 + draw.IntN(60))},
		Interval: minutes(1), Replay: &scenario.Replay{ReadyAfter: &scenario.StartUp{Fixed: startup}},
	}
	steps := int(spec.Duration/minutes(1)) + 1
	s.Scenario.Spec.InputSeries = []scenario.InputSeries{
		{Series: "load", Values: fmt.Sprintf("%dx%d", value, steps)},
		{Series: `kube_deployment_status_replicas_ready{namespace="default",deployment="steady"}`, Values: fmt.Sprintf("%dx%d", recorded, steps)},
	}
	return s
}

// neverOvershoots wants a steady demand to be met, however long replicas take to
// start, with no more than one too many.
func neverOvershoots(ctx context.Context, c *Case, _ *Run, play PlayFunc) error {
	if len(c.Autoscalers) == 0 {
		return nil
	}
	s := c.steady()
	run, err := play(ctx, s.Case, false)
	if err != nil {
		return err
	}
	first := true
	most := s.need + 1
	for _, step := range run.Steps {
		r, p := step.Record, step.Policy
		if r.Kind != journal.HorizontalAutoscaler || !r.Known || p == nil {
			continue
		}
		if first {
			first, most = false, max(most, r.Scale.Spec)
		}
		if r.Desired > max(most, p.Min) {
			return violation(r, "desired %d with %d of %d ready; the demand takes %d", r.Desired, r.Scale.Ready, r.Scale.Status, s.need)
		}
	}
	return nil
}
