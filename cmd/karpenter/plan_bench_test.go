package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var (
	fleetDays     = flag.Int("fleet.days", 7, "days of the recording of the fleet benchmarks")
	fleetServices = flag.Int("fleet.services", 300, "services of the fleet benchmarks")
)

// A benchFleet is a fleet of HPAs with a metric each, and a recording of a value every
// 15 s of every one: a wave a day and noise.
type benchFleet struct{ services, days int }

func (f benchFleet) recording() string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("time")
	phase, size := make([]float64, f.services), make([]float64, f.services)
	for i := range f.services {
		fmt.Fprintf(&b, ",s%d_rps", i)
		phase[i], size[i] = random.Float64()*2*math.Pi, 20+380*random.Float64()
	}
	const day = 5760
	for row := range f.days * day {
		fmt.Fprintf(&b, "\n%d", 1764201600+15*row)
		for i := range f.services {
			fmt.Fprintf(&b, ",%.1f", size[i]*(1.1+math.Sin(phase[i]+2*math.Pi*float64(row)/day))*(1+0.03*random.NormFloat64()))
		}
	}
	return b.String() + "\n"
}

// manifests of the fleet, with another target for the first so many services.
func (f benchFleet) manifests(changed int) string {
	var b strings.Builder
	for i := range f.services {
		target := 20
		if i < changed {
			target = 19
		}
		fmt.Fprintf(&b, `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: s%[1]d, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: s%[1]d}
  minReplicas: 2
  maxReplicas: 100
  metrics: [{type: External, external: {metric: {name: rps%[1]d}, target: {type: AverageValue, averageValue: "%[2]d"}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 300}}
`, i, target)
	}
	return b.String()
}

func (f benchFleet) arguments() []string {
	var args []string
	for i := range f.services {
		args = append(args, fmt.Sprintf("--metric=rps%[1]d=s%[1]d_rps", i))
	}
	return args
}

// BenchmarkPlan plans a change of one service and of all of a fleet of 300 over
// seven days, a value every 15 s.
func BenchmarkPlan(b *testing.B) {
	fleet := benchFleet{*fleetServices, *fleetDays}
	b.Chdir(b.TempDir())
	for name, text := range map[string]string{
		"week.csv": fleet.recording(), "base.yaml": fleet.manifests(0), "one.yaml": fleet.manifests(1), "all.yaml": fleet.manifests(fleet.services),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, head := range []string{"one", "all"} {
		b.Run(head, func(b *testing.B) {
			for b.Loop() {
				var stderr bytes.Buffer
				a := &app{stdout: &bytes.Buffer{}, stderr: &stderr}
				args := append([]string{"plan", "base.yaml", head + ".yaml", "--recording", "week.csv", "--yes"}, fleet.arguments()...)
				if code := a.run(context.Background(), args); code > exitFailed {
					b.Fatalf("code %d: %s", code, stderr.String())
				}
			}
		})
	}
}
