package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim"
)

// A recordedCase is a trace of Kubernetes' own autoscaler, annotated with what
// this engine must decide.
type recordedCase struct {
	Name            string
	MinReplicas     int32
	MaxReplicas     int32
	InitialReplicas int32
	PeriodSeconds   int32
	Behavior        *struct{ ScaleUp, ScaleDown map[string]any }
	GlobalTolerance float64
	Metrics         []struct{ TargetType, Target string }
	Values          [][]*float64
	Expected        []int32
}

// TestSimulateRecordedHPA runs every recorded trace as a scenario file.
func TestSimulateRecordedHPA(t *testing.T) {
	source, err := os.Open(filepath.Join("..", "..", "engine", "autoscaler", "testdata", "hpa.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	dir := t.TempDir()
	cases := map[string]*recordedCase{}
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c := &recordedCase{}
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			t.Fatal(err)
		}
		name := strings.ReplaceAll(c.Name, "/", "-")
		cases[name] = c
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(c.scenario(t, name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr}
	if code := a.run(context.Background(), []string{"simulate", dir, "--out", out}); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, stderr.String())
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { c.compare(t, filepath.Join(out, name, sim.DecisionsFile)) })
	}
}

// scenario is the case as a scenario file: one Deployment, one inputSeries a
// metric, and the manifest that converting the HPA gives.
func (c *recordedCase) scenario(t *testing.T, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: %s}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: %ds
  controller: {phase: aligned}
  interval: %ds
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: %d}]
  inputSeries:
`, name, int64(c.PeriodSeconds)*int64(len(c.Values)), c.PeriodSeconds, c.InitialReplicas)
	for i := range c.Metrics {
		var texts []string
		for _, values := range c.Values {
			value := "stale"
			if values[i] != nil {
				value = fmt.Sprintf("%g", *values[i])
			}
			texts = append(texts, value)
		}
		fmt.Fprintf(&b, "  - {series: m%d, values: %q}\n", i, strings.Join(texts, " "))
	}
	manifest, err := json.Marshal(c.manifest())
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + "---\n" + string(manifest) + "\n"
}

func (c *recordedCase) manifest() map[string]any {
	var metrics []any
	for i, m := range c.Metrics {
		metrics = append(metrics, map[string]any{"prometheus": map[string]any{
			"query": fmt.Sprintf("m%d", i), "target": map[string]any{"type": m.TargetType, "value": m.Target}}})
	}
	spec := map[string]any{
		"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
		"minReplicas":    c.MinReplicas, "maxReplicas": c.MaxReplicas, "pollingIntervalSeconds": c.PeriodSeconds, "metrics": metrics,
	}
	if c.Behavior != nil {
		percent := map[string]any{"type": "Percent", "value": 100, "periodSeconds": 15}
		pods := map[string]any{"type": "Pods", "value": 4, "periodSeconds": 15}
		spec["behavior"] = map[string]any{
			"scaleUp":   c.filled(c.Behavior.ScaleUp, 0, pods, percent),
			"scaleDown": c.filled(c.Behavior.ScaleDown, 300, percent),
		}
	}
	return map[string]any{
		"apiVersion": "autoscaling.karpenter.sh/v1alpha1", "kind": "HorizontalAutoscaler",
		"metadata": map[string]any{"name": "web"}, "spec": spec,
	}
}

// filled adds what the API server fills in.
func (c *recordedCase) filled(given map[string]any, window int, policies ...any) map[string]any {
	rules := map[string]any{
		"stabilizationWindowSeconds": window, "policies": policies, "tolerance": fmt.Sprint(c.GlobalTolerance),
	}
	for k, v := range given {
		if v != nil {
			rules[k] = v
		}
	}
	return rules
}

func (c *recordedCase) compare(t *testing.T, journal string) {
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != len(c.Expected) {
		t.Fatalf("%d decisions, want %d", len(lines), len(c.Expected))
	}
	for i, line := range lines {
		var r struct{ Desired *int32 }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Desired == nil || *r.Desired != c.Expected[i] {
			t.Fatalf("step %d: want %d\n%s", i, c.Expected[i], line)
		}
	}
}
