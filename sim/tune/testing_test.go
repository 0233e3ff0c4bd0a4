package tune

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// waves is a demand that rises and falls, a value every 15 s; what comes after
// the first hours may be another.
func waves(values, period int, later string) string {
	var b strings.Builder
	for i := 0; i < values; i++ {
		level := i % period
		if level > period/2 {
			level = period - level
		}
		fmt.Fprintf(&b, "%d ", 40+level*7+(i*i)%23)
	}
	return b.String() + later
}

// demandScenario is an autoscaler on a demand, at 10 a replica, that scales down
// late and starts its replicas in 90 s.
func demandScenario(duration, values string) string {
	return `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: waves}
spec:
  seed: 1
  start: "2026-01-05T00:00:00Z"
  duration: ` + duration + `
  controller: {phase: aligned}
  replay: {readyAfter: 90s, demand: requests, capacity: 10}
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 5}]
  inputSeries:
  - {series: requests, values: '` + values + `'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 100
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'max(avg_over_time(requests[1m]))', target: {type: AverageValue, value: 10}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 1800}
`
}

// subject opens the scenario of a text.
func subject(t testing.TB, text string) Subject {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := scenario.Load(path, scenario.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in, err := sim.Open(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	in.Precompute()
	return Subject{Name: file.Metadata.Name, Input: in, Set: file.Manifests}
}

// parameters parses what is to be searched.
func parameters(t testing.TB, texts ...string) []Parameter {
	t.Helper()
	var out []Parameter
	for _, text := range texts {
		p, err := ParseParameter(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

// usual is a small space with something better in it.
func usual(t testing.TB) []Parameter {
	return parameters(t,
		"spec.metrics[0].prometheus.target.value=5..12",
		"spec.behavior.scaleDown.stabilizationWindowSeconds=0..1800:60",
		"spec.metrics[0].prometheus.query[1m]=[30s,1m,3m]",
	)
}

// search is a search of the usual space.
func search(t testing.TB, o Options) *Search {
	t.Helper()
	if o.Subjects == nil {
		o.Subjects = []Subject{subject(t, demandScenario("6h", waves(6*240, 160, "")))}
	}
	if o.Parameters == nil {
		o.Parameters = usual(t)
	}
	if o.Folds == 0 {
		o.Folds = 3
	}
	s, err := New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// runAll carries out all units one after the other.
func runAll(t testing.TB, s *Search) []Trial {
	t.Helper()
	var all []Trial
	for unit := 1; unit <= s.Units(); unit++ {
		trials, err := s.Run(context.Background(), unit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trials...)
	}
	return all
}

// finish judges trials.
func finish(t testing.TB, s *Search, trials []Trial) *Outcome {
	t.Helper()
	o, err := s.Finish(context.Background(), trials, func(n int, do func(int) error) error {
		for i := range n {
			if err := do(i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}
