package sim

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"testing"
)

// fleet is a scenario whose nodes and pods double, and go back again, in ten minutes.
func fleet(n int) string {
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: fleet}
spec:
  seed: 4
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  controller: {phase: aligned}
  nodeGroups:
  - {name: nodes, nodes: %[1]d, max: %[2]d, boot: {min: 1m, max: 3m}, labels: {pool: general}, allocatable: {cpu: "1", memory: 4Gi}}
  workloads:
  - name: web
    replicas: %[1]d
    demand: [{constant: %[3]d}, {step: {by: %[3]d, at: 2m, for: 4m}}]
    capacityPerReplica: 100
    requests: {cpu: "1"}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: %[1]d
  maxReplicas: %[2]d
  metrics:
  - prometheus: {query: 'sum(rate(http_requests_total{service="web"}[1m]))', target: {type: AverageValue, value: 100}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: nodes}
spec:
  pendingCapacity: {nodeSelector: {pool: general}, nodeGroupRef: {name: nodes}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: nodes}
spec:
  scaleTargetRef: {apiVersion: autoscaling.karpenter.sh/v1alpha1, kind: ScalableNodeGroup, name: nodes}
  minReplicas: 1
  maxReplicas: %[2]d
  metrics:
  - prometheus: {query: 'karpenter_pending_capacity_replicas_value{name="nodes"}', target: {type: AverageValue, value: 1}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: nodes}
spec: {type: AWSEC2AutoScalingGroup, id: nodes, replicas: %[1]d}
`, n/2, n, n/2*100)
}

// BenchmarkFleet plays as many nodes and pods as there can be, and a tenth: time is
// to grow with them, not with their square.
func BenchmarkFleet(b *testing.B) {
	for _, n := range []int{3_000, 30_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in, autoscalers := openFile(b, loadText(b, fleet(n)))
			for b.Loop() {
				if _, err := in.Play(context.Background(), autoscalers, Options{Journal: io.Discard, Series: io.Discard}); err != nil {
					b.Fatal(err)
				}
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/node")
		})
	}
}
