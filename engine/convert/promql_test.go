package convert

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

func TestQueriesParse(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := parser.NewParser(parser.Options{})
	for _, input := range inputs {
		result, err := JSON(readJSON(t, input), Options{AllowLoss: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, metric := range result.Objects[0].(*v1alpha1.HorizontalAutoscaler).Spec.Metrics {
			expr, err := p.ParseExpr(metric.Prometheus.Query)
			if err != nil {
				t.Errorf("%s: metric %d: %v in %s", input, i, err, metric.Prometheus.Query)
			} else if expr.Type() != parser.ValueTypeVector {
				t.Errorf("%s: metric %d: %s is a %s, want a vector", input, i, metric.Prometheus.Query, expr.Type())
			}
		}
	}
}

// TestUtilizationQuery evaluates the query over two running pods, a pending one
// (requests only), one that just ended (usage only) and strangers.
func TestUtilizationQuery(t *testing.T) {
	c := &converter{namespace: "shop", target: scaleTarget{"Deployment", "web"}}
	all := usageQuery{resource: cpu, pods: c.podMatchers(), rateWindow: "2m"}
	one := usageQuery{resource: memory, container: "app", pods: c.podMatchers()}
	evaluate(t, fmt.Sprintf(`
load 30s
  container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="app"} 0+9x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="proxy"} 0+3x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container=""} 0+12x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-1",container="POD"} 0+1x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-2",container="app"} 0+6x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-ended",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="shop",pod="webber-1",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="other",pod="web-1",container="app"} 0+30x10
  container_memory_working_set_bytes{namespace="shop",pod="web-1",container="app"} 300x10
  container_memory_working_set_bytes{namespace="shop",pod="web-1",container="proxy"} 1000x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-1",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-1",container="proxy",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-1",container="app",resource="memory"} 400x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-2",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-pending",container="app",resource="cpu"} 8x10

eval instant at 5m %s
  {} 0.4

eval instant at 5m %s
  {} 1.6

eval instant at 5m %s
  {} 0.75
`, all.utilization(), all.total(), one.utilization()))
}

func TestNullAsZeroAndActivation(t *testing.T) {
	c := &converter{}
	query := func(minReplicas int32, activation string) string {
		metadata := map[string]string{"activationThreshold": activation}
		q, err := c.nullAsZero(`sum by (job) (m)`, false, metadata, nil)
		if err != nil {
			t.Fatal(err)
		}
		if q, err = c.activation(q, metadata, "activationThreshold", minReplicas, nil); err != nil {
			t.Fatal(err)
		}
		return q
	}
	evaluate(t, fmt.Sprintf(`
load 1m
  m{job="a"} 3 4 stale

eval instant at 0 %[1]s
  {job="a"} 3

eval instant at 2m %[1]s
  {} 0

eval instant at 0 %[2]s
  {job="a"} 0

eval instant at 1m %[2]s
  {job="a"} 4

eval instant at 2m %[2]s
  {} 0
`, query(0, ""), query(0, "3")))
	if diff := cmp.Diff(query(1, ""), query(1, "3")); diff != "" {
		t.Errorf("activation does not matter above 0: -without, +with:\n%s", diff)
	}
}

// evaluate runs a script in promtool's test language.
func evaluate(t *testing.T, script string) {
	t.Helper()
	promqltest.RunTest(t, script, promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery))
}
