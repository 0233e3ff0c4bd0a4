package convert

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"

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

// TestUsageQueries evaluates the queries over two pods that are ready, and over those
// that do not count: one that is pending (requests only), one that just ended (usage
// only), one that is not ready, one that has been so for less than the range, and
// strangers, of which a Job's is named like a Deployment's.
func TestUsageQueries(t *testing.T) {
	c := &converter{namespace: "shop", target: scaleTarget{"Deployment", "web"}}
	all := usageQuery{resource: cpu, pods: c.podMatchers(), owner: podOwner("Deployment"), rateWindow: "2m"}
	one := usageQuery{resource: memory, container: "app", pods: c.podMatchers(), owner: podOwner("Deployment")}
	evaluate(t, fmt.Sprintf(`
load 30s
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="app"} 0+9x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="proxy"} 0+3x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container=""} 0+12x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="POD"} 0+1x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-aaaa2",container="app"} 0+6x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-ended",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-start",container="app"} 0+40x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-7f9c5d6b8f-fresh",container="app"} 0+50x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-worker-7f9c5d6b8f-aaaa1",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="shop",pod="webber-7f9c5d6b8f-aaaa1",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="shop",pod="web-migrate-aaaa1",container="app"} 0+30x10
  container_cpu_usage_seconds_total{namespace="other",pod="web-7f9c5d6b8f-aaaa1",container="app"} 0+30x10
  container_memory_working_set_bytes{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="app"} 300x10
  container_memory_working_set_bytes{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="proxy"} 1000x10
  container_memory_working_set_bytes{namespace="shop",pod="web-7f9c5d6b8f-start",container="app"} 9000x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="proxy",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",container="app",resource="memory"} 400x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-aaaa2",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-start",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-start",container="app",resource="memory"} 400x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-fresh",container="app",resource="cpu"} 0.5x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-7f9c5d6b8f-pends",container="app",resource="cpu"} 8x10
  kube_pod_container_resource_requests{namespace="shop",pod="web-migrate-aaaa1",container="app",resource="cpu"} 0.5x10
  kube_pod_status_ready{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",condition="true"} 1x10
  kube_pod_status_ready{namespace="shop",pod="web-7f9c5d6b8f-ended",condition="true"} 0x10
  kube_pod_status_ready{namespace="shop",pod="web-7f9c5d6b8f-start",condition="true"} 0x10
  kube_pod_status_ready{namespace="shop",pod="web-7f9c5d6b8f-start",condition="false"} 1x10
  kube_pod_status_ready{namespace="shop",pod="web-7f9c5d6b8f-fresh",condition="true"} 0x7 1x10
  kube_pod_owner{namespace="shop",pod="web-7f9c5d6b8f-aaaa1",owner_kind="ReplicaSet",owner_name="web-7f9c5d6b8f"} 1x10
  kube_pod_owner{namespace="shop",pod="web-migrate-aaaa1",owner_kind="Job",owner_name="web-migrate"} 1x10

eval instant at 5m %s
  {} 0.4

eval instant at 5m %s
  {} 0.6

eval instant at 5m %s
  {} 0.75
`, all.utilization(), all.total(), one.utilization()))
}

func TestPodNamesOfStrangers(t *testing.T) {
	for _, tc := range []struct{ kind, own, other string }{
		{"Deployment", "cart-7f9c5d6b8f-b4x2k", "cart-import-7f9c5d6b8f-b4x2k"},
		{"StatefulSet", "cart-12", "cart-import-0"},
		{"ReplicaSet", "cart-b4x2k", "cart-import-b4x2k"},
		{"DaemonSet", "cart-b4x2k", "cart-7f9c5d6b8f-b4x2k"},
		{"DeploymentConfig", "cart-3-b4x2k", "cart-import-3-b4x2k"},
	} {
		names, exact := PodNames(tc.kind, "cart")
		pattern := regexp.MustCompile("^(?:" + names + ")$")
		if !exact || !pattern.MatchString(tc.own) || pattern.MatchString(tc.other) {
			t.Errorf("%s: %s must match %s, and not %s", tc.kind, names, tc.own, tc.other)
		}
	}
	if names, exact := PodNames("Worker", "c.art"); exact || names != `c\.art-.*` {
		t.Errorf("of a kind that is not known: %s, exact %t", names, exact)
	}
}

func TestNullAsZero(t *testing.T) {
	c := &converter{}
	q, err := c.nullAsZero(`sum by (job) (m)`, false, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	evaluate(t, fmt.Sprintf(`
load 1m
  m{job="a"} 3 4 stale

eval instant at 0 %[1]s
  {job="a"} 3

eval instant at 2m %[1]s
  {} 0
`, q))
}

// evaluate runs a script in promtool's test language.
func evaluate(t *testing.T, script string) {
	t.Helper()
	promqltest.RunTest(t, script, promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery))
}
