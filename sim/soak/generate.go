package soak

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A generator draws one case.
type generator struct {
	*rand.Rand
	c    *Case
	spec *scenario.Spec
}

// start is that of every case; what the date is must not matter.
var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// calmFor is how long a case stays calm: longer than every window, period and
// lookback together.
const calmFor = 16 * time.Minute

// Generate draws the case of a seed.
func Generate(seed uint64) *Case {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x5eed)), c: &Case{Seed: seed}}
	g.c.Scenario = scenario.Scenario{APIVersion: scenario.APIVersion, Kind: scenario.Kind}
	g.c.Scenario.Metadata.Name = fmt.Sprintf("soak-%d", seed)
	g.spec = &g.c.Scenario.Spec
	g.c.Calm = minutes(4 + g.IntN(15))
	g.spec.Description = "Drawn by the soak test."
	g.spec.Seed = int64(seed >> 1)
	g.spec.Start = scenario.Time{Time: start}
	g.spec.Duration = g.c.Calm + scenario.Duration(calmFor)
	g.spec.Interval = seconds(15)
	g.spec.Controller.Phase = pick(g, scenario.Aligned, scenario.Hashed)
	g.spec.Controller.QueryOffset = pick(g, 0, 0, seconds(15))
	g.spec.Prometheus.ScrapeInterval = pick(g, seconds(15), seconds(15), seconds(30), seconds(5))
	g.spec.Prometheus.IngestDelay = pick(g, 0, 0, seconds(7))
	if g.chance(0.2) {
		lookback := minutes(1)
		g.spec.Prometheus.LookbackDelta = &lookback
	}
	for i := range 1 + g.IntN(3) {
		switch g.IntN(4) {
		case 0:
			g.nodeGroup(i)
		case 1:
			g.workload(i)
		default:
			g.target(i)
		}
	}
	for range g.IntN(3) {
		g.edit()
	}
	for i := range g.IntN(5) {
		g.fault(i)
	}
	g.fallbacks()
	if g.chance(0.3) {
		g.pause()
	}
	return g.c
}

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) chance(p float64) bool { return g.Float64() < p }

func seconds(n int) scenario.Duration { return scenario.Duration(time.Duration(n) * time.Second) }

func minutes(n int) scenario.Duration { return seconds(60 * n) }

// busy is an instant at which something may still happen.
func (g *generator) busy() scenario.Duration {
	return seconds(1 + g.IntN(int(time.Duration(g.c.Calm).Seconds())-1))
}

// load adds a series that ends up constant, and is a query of it.
func (g *generator) load(i, k int) string {
	name := fmt.Sprintf("load_%d_%d", i, k)
	odd := pick(g, 0, 0.05, 0.3)
	level := float64(g.IntN(400))
	values := []string{fmt.Sprint(level)}
	for at := g.spec.Interval; at < g.c.Calm; at += g.spec.Interval {
		switch {
		case g.chance(0.1):
			level = float64(g.IntN(400))
		case g.chance(0.3):
			level = max(0, level+float64(g.IntN(41)-20))
		}
		value := fmt.Sprint(level)
		if g.chance(odd) {
			value = pick(g, "_", "stale", "NaN", "-5", "Inf", "1e30")
		}
		values = append(values, value)
	}
	last := fmt.Sprint(g.IntN(400))
	for at := scenario.Duration(0); at <= scenario.Duration(calmFor)+g.spec.Interval; at += g.spec.Interval {
		values = append(values, last)
	}
	g.spec.InputSeries = append(g.spec.InputSeries, scenario.InputSeries{Series: name, Values: strings.Join(values, " ")})
	return pick(g, "sum("+name+")", "sum("+name+")", "sum(max_over_time("+name+"[2m]))", "avg_over_time("+name+"[1m])")
}

// target adds an object whose load does not depend on it.
func (g *generator) target(i int) {
	name := fmt.Sprintf("target-%d", i)
	replicas := int32(g.IntN(30))
	g.spec.Targets = append(g.spec.Targets, scenario.Target{
		APIVersion: "apps/v1", Kind: pick(g, "Deployment", "StatefulSet"), Namespace: "default", Name: name,
		Replicas: &replicas, ReadyAfter: pick[*scenario.StartUp](g, nil, nil, &scenario.StartUp{Fixed: seconds(20)}, &scenario.StartUp{Fixed: seconds(60)}),
	})
	kind := g.spec.Targets[len(g.spec.Targets)-1].Kind
	a := g.autoscaler(name, "apps/v1", kind)
	for k := range 1 + g.IntN(2) {
		g.metric(a, g.load(i, k), pick(g, v1alpha1.AverageValueMetricType, v1alpha1.AverageValueMetricType, v1alpha1.ValueMetricType), 3+g.IntN(20))
	}
}

// workload adds an object that serves a demand, and hears of it.
func (g *generator) workload(i int) {
	name := fmt.Sprintf("work-%d", i)
	replicas := int32(1 + g.IntN(10))
	cpu := resource.MustParse("500m")
	level := float64(50 + g.IntN(500))
	w := scenario.Workload{Name: name, Namespace: "default", Kind: "Deployment", APIVersion: "apps/v1", Replicas: &replicas, CapacityPerReplica: 50,
		Demand: []scenario.Term{{Constant: &level}}, Requests: scenario.Requests{CPU: &cpu},
		Startup: pick(g, scenario.Delay{}, scenario.Delay{Fixed: seconds(20)}, scenario.Delay{P50: seconds(15), P95: seconds(60)}, scenario.Delay{Min: seconds(5), Max: seconds(40)})}
	for range g.IntN(3) {
		by, at := float64(g.IntN(400)), g.busy()
		w.Demand = append(w.Demand, pick(g,
			scenario.Term{Step: &scenario.Step{By: by, At: at}},
			scenario.Term{Ramp: &scenario.Ramp{By: by, At: at, Over: seconds(1 + g.IntN(120))}},
			scenario.Term{Spike: &scenario.Spike{By: by, At: at, Rise: seconds(10), For: minutes(1), Fall: seconds(10)}},
		))
	}
	if g.chance(0.3) {
		w.Demand = append(w.Demand, scenario.Term{Noise: &scenario.Noise{Percent: 5}})
	}
	if g.chance(0.4) {
		limit := 5000.0
		w.Queue = &scenario.Backlog{Limit: &limit, Initial: float64(g.IntN(1000))}
	}
	if g.chance(0.2) {
		w.Rollouts = []scenario.Rollout{{At: g.busy(), Batch: int32(1 + g.IntN(3))}}
	}
	g.spec.Workloads = append(g.spec.Workloads, w)
	a := g.autoscaler(name, "apps/v1", "Deployment")
	switch g.IntN(3) {
	case 0:
		g.metric(a, fmt.Sprintf("sum(rate(http_requests_total{service=%q}[2m]))", name), v1alpha1.AverageValueMetricType, 30+g.IntN(20))
	case 1:
		g.metric(a, fmt.Sprintf(`sum(rate(container_cpu_usage_seconds_total{pod=~"%s-.*"}[1m])) / sum(kube_pod_container_resource_requests{pod=~"%[1]s-.*",resource="cpu"})`, name), v1alpha1.UtilizationMetricType, 40+g.IntN(50))
	default:
		g.metric(a, fmt.Sprintf("sum(queue_length{queue=%q})", name), v1alpha1.AverageValueMetricType, 20+g.IntN(100))
		g.metric(a, fmt.Sprintf("sum(rate(http_requests_total{service=%q}[1m]))", name), v1alpha1.AverageValueMetricType, 40)
	}
}

// nodeGroup adds a provider's node group and an autoscaler of its size.
func (g *generator) nodeGroup(i int) {
	name := fmt.Sprintf("nodes-%d", i)
	nodes := int32(1 + g.IntN(10))
	group := &v1alpha1.ScalableNodeGroup{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ScalableNodeGroup"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       v1alpha1.ScalableNodeGroupSpec{Replicas: &nodes, Type: v1alpha1.AWSEC2AutoScalingGroupType, ID: name},
	}
	g.c.NodeGroups = append(g.c.NodeGroups, group)
	g.spec.NodeGroups = append(g.spec.NodeGroups, scenario.NodeGroup{
		Namespace: "default", Name: name, Nodes: &nodes,
		Boot:        pick(g, scenario.Delay{}, scenario.Delay{Fixed: seconds(60)}, scenario.Delay{P50: seconds(40), P95: seconds(120)}),
		BootFailure: pick(g, 0, 0, 0.2), ObserveLag: pick(g, 0, 0, seconds(20)),
	})
	a := g.autoscaler(name, v1alpha1.GroupVersion.String(), "ScalableNodeGroup")
	g.metric(a, g.load(i, 0), v1alpha1.AverageValueMetricType, 5+g.IntN(20))
}
