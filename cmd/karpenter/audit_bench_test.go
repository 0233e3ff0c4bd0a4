package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
)

// block writes the samples of the fleet as a TSDB block, as record does.
func (f benchFleet) block(b *testing.B, dir string) {
	const start, step, day = 1764201600_000, 15_000, 5760
	w, err := tsdb.NewBlockWriter(promslog.NewNopLogger(), dir, int64(2*f.days+2)*86_400_000)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range f.services {
		appender := w.Appender(context.Background())
		series := labels.FromStrings(labels.MetricName, fmt.Sprintf("s%d_rps", i))
		phase, size := random.Float64()*2*math.Pi, 20+380*random.Float64()
		for row := range f.days * day {
			v := size * (1.1 + math.Sin(phase+2*math.Pi*float64(row)/day)) * (1 + 0.03*random.NormFloat64())
			if _, err := appender.Append(0, series, start+step*int64(row), math.Round(v*10)/10); err != nil {
				b.Fatal(err)
			}
		}
		if err := appender.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// mixed are the manifests of the fleet: HPAs, ScaledObjects and our own, a third each, of
// which every second one may have too few replicas at its peak.
func (f benchFleet) mixed() string {
	var b strings.Builder
	for i := range f.services {
		most := 100 - 75*(i/3%2)
		target := fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, name: s%d}", i)
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: s%[1]d, namespace: shop}
spec:
  scaleTargetRef: %[2]s
  minReplicas: 2
  maxReplicas: %[3]d
  metrics: [{type: External, external: {metric: {name: rps%[1]d}, target: {type: AverageValue, averageValue: "20"}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}
`, i, target, most)
		case 1:
			fmt.Fprintf(&b, `---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: s%[1]d, namespace: shop}
spec:
  scaleTargetRef: %[2]s
  minReplicaCount: 2
  maxReplicaCount: %[3]d
  triggers: [{type: prometheus, metadata: {serverAddress: "http://p", query: s%[1]d_rps, threshold: "20"}}]
`, i, target, most)
		default:
			fmt.Fprintf(&b, `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: s%[1]d, namespace: shop}
spec:
  scaleTargetRef: %[2]s
  minReplicas: 2
  maxReplicas: %[3]d
  metrics: [{prometheus: {query: s%[1]d_rps, target: {type: AverageValue, averageValue: 20}}}]
  behavior: {scaleUp: {policies: [{type: Pods, value: 4, periodSeconds: 60}]}}
`, i, target, most)
		}
	}
	return b.String()
}

// BenchmarkAudit audits a fleet of 300 over -fleet.days, a value every 15 s, with the one
// change that would help each most.
func BenchmarkAudit(b *testing.B) {
	fleet := benchFleet{*fleetServices, *fleetDays}
	b.Chdir(b.TempDir())
	fleet.block(b, "recording")
	if err := os.WriteFile("fleet.yaml", []byte(fleet.mixed()), 0o644); err != nil {
		b.Fatal(err)
	}
	args := []string{"audit", "-f", "fleet.yaml", "--recording", "recording", "-o", "csv"}
	for i := 0; i < fleet.services; i += 3 {
		args = append(args, fmt.Sprintf("--metric=rps%[1]d=s%[1]d_rps", i))
	}
	for b.Loop() {
		var stdout, stderr bytes.Buffer
		a := &app{stdout: &stdout, stderr: &stderr}
		if code := a.run(context.Background(), args); code != exitOK || strings.Count(stdout.String(), "\n") != fleet.services+1 {
			b.Fatalf("code %d: %s", code, stderr.String())
		}
		if strings.Count(stdout.String(), "kubectl") < fleet.services/3 {
			b.Fatalf("hardly any advice: %s", stdout.String()[:2000])
		}
	}
}
