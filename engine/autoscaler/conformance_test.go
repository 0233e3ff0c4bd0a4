package autoscaler

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

var update = flag.Bool("update", false, "rewrite testdata/conformance.jsonl from the naive twin; read the diff first")

// A hpaCase is a trace recorded from Kubernetes' own autoscaler, with the
// replicas that this engine must decide.
type hpaCase struct {
	Name            string
	MinReplicas     int32
	MaxReplicas     int32
	InitialReplicas int32
	PeriodSeconds   int32
	Behavior        *hpaBehavior
	GlobalTolerance float64
	Metrics         []struct{ TargetType, Target string }
	Steps           []struct {
		T      int64
		Values []*float64
	}
	Expected []int32
}

type hpaBehavior struct{ ScaleUp, ScaleDown *v1alpha1.ScalingRules }

// TestRecordedHPA replays every recorded trace through Step, closed loop.
func TestRecordedHPA(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "spec", "hpa-cases.jsonl")
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the recorded HPA traces are not here: %v", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c hpaCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.Name, func(t *testing.T) { c.run(t) })
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func (c *hpaCase) run(t *testing.T) {
	p, errs := policy.CompileAutoscaler(c.spec(), field.NewPath("spec"))
	if errs != nil {
		t.Fatal(errs.ToAggregate())
	}
	var state State
	replicas := c.InitialReplicas
	for i, step := range c.Steps {
		in := Input{Slot: slot.Slot(step.T), Scale: Scale{Spec: replicas, Status: replicas}}
		for _, v := range step.Values {
			sample := Sample{Code: observation.Empty}
			if v != nil {
				sample = Sample{Value: *v}
			}
			in.Metrics = append(in.Metrics, sample)
		}
		var d Decision
		state, d = Step(p, state, &in)
		if d.Desired != c.Expected[i] {
			t.Fatalf("step %d at %d s from %d: got %d (%s %+v), want %d", i, step.T, replicas, d.Desired, d.Reason, d.Limit, c.Expected[i])
		}
		replicas = d.Desired
	}
}

// spec fills in what the API server would: see engine/convert.
func (c *hpaCase) spec() *v1alpha1.HorizontalAutoscalerSpec {
	spec := &v1alpha1.HorizontalAutoscalerSpec{
		ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		MinReplicas:    c.MinReplicas, MaxReplicas: c.MaxReplicas, PollingIntervalSeconds: &c.PeriodSeconds,
	}
	for i, m := range c.Metrics {
		target := resource.MustParse(m.Target)
		spec.Metrics = append(spec.Metrics, v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
			Query:  fmt.Sprintf("m%d", i),
			Target: v1alpha1.MetricTarget{Type: v1alpha1.MetricTargetType(m.TargetType), Value: &target},
		}})
	}
	if c.Behavior == nil {
		return spec
	}
	percent := v1alpha1.ScalingPolicy{Type: v1alpha1.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}
	pods := v1alpha1.ScalingPolicy{Type: v1alpha1.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}
	spec.Behavior.ScaleUp = c.filled(c.Behavior.ScaleUp, 0, pods, percent)
	spec.Behavior.ScaleDown = c.filled(c.Behavior.ScaleDown, 300, percent)
	return spec
}

func (c *hpaCase) filled(given *v1alpha1.ScalingRules, window int32, policies ...v1alpha1.ScalingPolicy) *v1alpha1.ScalingRules {
	r := &v1alpha1.ScalingRules{}
	if given != nil {
		r = given.DeepCopy()
	}
	if r.StabilizationWindowSeconds == nil {
		r.StabilizationWindowSeconds = &window
	}
	if r.Policies == nil {
		r.Policies = policies
	}
	if r.Tolerance == nil {
		tolerance := resource.MustParse(fmt.Sprint(c.GlobalTolerance))
		r.Tolerance = &tolerance
	}
	return r
}

// TestConformanceTable runs the project's own table, generated from the naive
// twin, so that a clone without the recorded traces is tested too.
func TestConformanceTable(t *testing.T) {
	path := filepath.Join("testdata", "conformance.jsonl")
	if *update {
		if err := os.WriteFile(path, []byte(generateTable(240)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	table, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(lines) < 200 {
		t.Fatalf("the table has only %d cases", len(lines))
	}
	for i, line := range lines {
		var c walk
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%s:%d: %v", path, i+1, err)
		}
		t.Run(c.Name, func(t *testing.T) {
			if got := c.decide(); !equal(got, c.Desired) {
				t.Errorf("%s:%d: %s\ngot  %v\nwant %v", path, i+1, c.Name, got, c.Desired)
			}
		})
	}
}
