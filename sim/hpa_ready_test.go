package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
)

// A hpaReadyCase is a trace of the real HPA while pods were not ready: see
// engine/autoscaler, which plays the same traces through Step.
type hpaReadyCase struct {
	Name                                                     string
	MinReplicas, MaxReplicas, InitialReplicas, PeriodSeconds int32
	Behavior                                                 json.RawMessage
	Metrics                                                  []struct{ Source, TargetType, Target string }
	Deviations                                               []string
	ReadyAfterSeconds                                        []*int32
	CreateAfterSeconds                                       int32
	Values                                                   [][]*float64
	Status, Ready, Expected, Live                            []int32
}

// created says that the pods of the case can be those of a workload: there at
// once, each ready after the same time.
func (c *hpaReadyCase) created() bool {
	return c.CreateAfterSeconds == 0 && len(c.ReadyAfterSeconds) == 1
}

// target is the Deployment as a workload, or as a target whose counts are input.
func (c *hpaReadyCase) target() string {
	if c.created() {
		return fmt.Sprintf("  workloads:\n  - {name: web, replicas: %d, demand: [{constant: 0}], capacityPerReplica: 1, startup: %ds}\n", c.InitialReplicas, *c.ReadyAfterSeconds[0])
	}
	return fmt.Sprintf("  targets:\n  - {kind: Deployment, name: web, replicas: %d, counts: {status: web_status, ready: web_ready}}\n", c.InitialReplicas)
}

// scenario is the case with the HPA itself as its manifest.
func (c *hpaReadyCase) scenario() string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: hpa}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: %ds
  interval: %ds
  controller: {phase: aligned}
  prometheus: {scrapeInterval: 15s}
%s  metrics: {`, c.PeriodSeconds*int32(len(c.Values)), c.PeriodSeconds, c.target())
	for i := range c.Metrics {
		fmt.Fprintf(&b, "m%d: m%d, ", i, i)
	}
	b.WriteString("}\n  inputSeries:\n")
	for i := range c.Metrics {
		values := make([]string, len(c.Values))
		for t := range c.Values {
			values[t] = "stale"
			if v := c.Values[t][i]; v != nil {
				values[t] = strconv.FormatFloat(*v, 'g', -1, 64)
			}
		}
		fmt.Fprintf(&b, "  - {series: m%d, values: '%s'}\n", i, strings.Join(values, " "))
	}
	for name, counts := range map[string][]int32{"web_status": c.Status, "web_ready": c.Ready} {
		fmt.Fprintf(&b, "  - {series: %s, values: '%s'}\n", name, strings.Trim(fmt.Sprint(counts), "[]"))
	}
	fmt.Fprintf(&b, `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: %d
  maxReplicas: %d
  behavior: %s
  metrics:
`, c.MinReplicas, c.MaxReplicas, c.Behavior)
	for i, m := range c.Metrics {
		field := map[string]string{"Value": "value", "AverageValue": "averageValue"}[m.TargetType]
		fmt.Fprintf(&b, "  - {type: External, external: {metric: {name: m%d}, target: {type: %s, %s: \"%s\"}}}\n", i, m.TargetType, field, m.Target)
	}
	return b.String()
}

// TestHPAWhilePodsAreNotReady plays the traces as scenarios: with the pods that
// the world creates and starts, or with recorded counts.
func TestHPAWhilePodsAreNotReady(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "engine", "autoscaler", "testdata", "hpa-ready.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var c hpaReadyCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, `"Resource"`) || c.Live != nil {
			continue // another metric; or counts that follow from one tick later
		}
		played++
		t.Run(c.Name, func(t *testing.T) { c.play(t) })
	}
	if played < 27 {
		t.Errorf("only %d traces were played", played)
	}
}

func (c *hpaReadyCase) play(t *testing.T) {
	file := loadText(t, c.scenario())
	if err := LeftOut(Adopt(file.Manifests, convert.Options{Queries: file.Spec.Metrics})); err != nil {
		t.Fatal(err)
	}
	in, autoscalers := openFile(t, file)
	var decisions bytes.Buffer
	if _, err := in.Play(t.Context(), autoscalers, Options{Journal: &decisions}); err != nil {
		t.Fatal(err)
	}
	r := journal.NewReader(&decisions, "decisions.jsonl")
	for i, want := range c.Expected {
		line, err := r.Next()
		if err != nil {
			t.Fatalf("tick %d: %v", i, err)
		}
		got := line.Record
		if counts := [2]int32{got.Scale.Status, got.Scale.Ready}; got.Scale.Counted && counts != [2]int32{c.Status[i], c.Ready[i]} {
			t.Fatalf("tick %d: %d pods, %d ready; HPA found %d, %d", i, counts[0], counts[1], c.Status[i], c.Ready[i])
		}
		if got.Desired != want {
			t.Fatalf("tick %d: from %d of %d, %d ready: got %d (%s), want %d", i, got.Scale.Spec, got.Scale.Status, got.Scale.Ready, got.Desired, got.Reason, want)
		}
	}
}

// TestRollingUpdateTables plays a rolling update of 100 pods with a surge of 25 as the
// counts of a target, and compares what each kind of metric asks for with what the real
// HPA asks for in the same state. Where we differ on purpose, deviation says by which of
// the differences in package engine.
func TestRollingUpdateTables(t *testing.T) {
	cases := []struct {
		name, reason, kind string
		// of 125 pods so many are ready, unless status says otherwise.
		ready, status []int32
		values        []float64
		hpa, want     []int32
		deviation     string
	}{
		{
			name: "ValueLevel", reason: "a level that more pods do not lower is multiplied by the ready ones, the surge included", kind: "Value",
			ready: []int32{100, 105, 110, 115, 118, 120, 125}, values: []float64{8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5},
			hpa: []int32{85, 90, 94, 98, 101, 102, 107},
		},
		{
			name: "ValueShared", reason: "a load that the ready pods share asks for the same all along", kind: "Value",
			ready:  []int32{100, 105, 110, 115, 118, 120, 125},
			values: []float64{850. / 100, 850. / 105, 850. / 110, 850. / 115, 850. / 118, 850. / 120, 850. / 125},
			hpa:    []int32{85, 85, 85, 85, 85, 85, 85},
		},
		{
			name: "AverageValue", reason: "of a total ready or not is of no concern", kind: "AverageValue",
			ready: []int32{100, 105, 110, 115, 118, 120, 125}, values: []float64{850, 850, 850, 850, 850, 850, 850},
			hpa: []int32{85, 85, 85, 85, 85, 85, 85},
		},
		{
			name: "AverageValueByStatus", reason: "the tolerance of a total is about status.replicas", kind: "AverageValue",
			status: []int32{100, 100, 100, 100, 125, 125, 125, 125, 125, 125, 125}, ready: []int32{100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100},
			values:    []float64{920, 1060, 1120, 1370, 850, 920, 1060, 1130, 1180, 1370, 1380},
			hpa:       []int32{100, 100, 112, 137, 85, 92, 106, 125, 125, 125, 138},
			want:      []int32{100, 100, 112, 137, 85, 92, 106, 100, 100, 100, 138},
			deviation: "average",
		},
		{
			name: "Terminating", reason: "pods that terminate and are still ready count for Value, not in status", kind: "Value",
			status: []int32{125, 115, 100}, ready: []int32{125, 125, 125}, values: []float64{8.5, 8.5, 8.5},
			hpa: []int32{107, 107, 107},
		},
		{
			name: "Utilization", reason: "so does cpu that stays as it is", kind: "Utilization",
			ready: []int32{100, 105, 110, 115, 118, 120, 125}, values: []float64{.68, .68, .68, .68, .68, .68, .68},
			hpa: []int32{85, 90, 94, 98, 101, 102, 107},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			status, want, target := tc.status, tc.want, "10"
			if status == nil {
				status = make([]int32, len(tc.ready))
				for i := range status {
					status[i] = 125
				}
			}
			if want == nil {
				want = tc.hpa
			}
			if tc.kind == "Utilization" {
				target = "80"
			}
			list := func(v any) string { return strings.Trim(fmt.Sprint(v), "[]") }
			text := fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: update}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: %ds
  interval: 15s
  controller: {phase: aligned}
  inputSeries:
  - {series: web_status, values: '%s'}
  - {series: web_ready, values: '%s'}
  - {series: load, values: '%s'}
  targets:
  - {kind: Deployment, name: web, replicas: 100, counts: {status: web_status, ready: web_ready}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 1000
  pollingIntervalSeconds: 15
  dryRun: true
  behavior: {scaleDown: {stabilizationWindowSeconds: 0, tolerance: 0.1}, scaleUp: {tolerance: 0.1}}
  metrics:
  - prometheus:
      query: load
      target: {type: %s, value: %s}
`, 15*len(want), list(status), list(tc.ready), list(tc.values), tc.kind, target)
			var got []int32
			_, decisions := playText(t, text)
			for r := journal.NewReader(strings.NewReader(decisions), "decisions.jsonl"); ; {
				line, err := r.Next()
				if err != nil {
					break
				}
				got = append(got, line.Record.Metrics[0].Recommendation)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: asked for %v, want %v (HPA: %v, deviation %q)", tc.reason, got, want, tc.hpa, tc.deviation)
			}
		})
	}
}
