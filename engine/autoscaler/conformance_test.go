package autoscaler

import (
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
	Metrics         []hpaMetric
	// Values are those of the metrics at each tick, from 0 s on; nil is missing.
	Values   [][]*float64
	Expected []int32
	// Live and Deviating are of cases without behavior.
	Live      []int32
	Deviating []string
}

type hpaMetric struct{ Source, TargetType, Target string }

type hpaBehavior struct{ ScaleUp, ScaleDown *v1alpha1.ScalingRules }

// traces reads a file of recorded traces, one a line.
func traces[C any](t *testing.T, name string) []C {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []C
	for d := json.NewDecoder(f); d.More(); {
		var c C
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// TestRecordedHPA plays every recorded trace through Step, closed loop.
func TestRecordedHPA(t *testing.T) {
	for _, c := range traces[hpaCase](t, "hpa.jsonl") {
		t.Run(c.Name, func(t *testing.T) { c.run(t, c.spec()) })
	}
}

// TestRecordedHPAWithoutBehavior plays the traces of HPAs without a behavior by
// their algorithm. Live is what a live controller decides: the traces but for one
// tick, since an entry exactly 300 s old is out. Deviating says how this engine
// differs from it on purpose.
func TestRecordedHPAWithoutBehavior(t *testing.T) {
	played, deviating := 0, 0
	for _, c := range traces[hpaCase](t, "hpa.jsonl") {
		if c.Behavior != nil {
			continue
		}
		played++
		if len(c.Deviating) > 0 {
			deviating++
		}
		t.Run(c.Name, func(t *testing.T) {
			c.Expected = c.Live
			c.run(t, c.withoutBehavior())
		})
	}
	if played != 75 || deviating > 3 {
		t.Errorf("%d traces, %d of them deviate; want 75, at most 3", played, deviating)
	}
}

// withoutBehavior is what such an HPA converts to.
func (c *hpaCase) withoutBehavior() *v1alpha1.HorizontalAutoscalerSpec {
	spec := c.spec()
	tolerance := resource.MustParse(fmt.Sprint(c.GlobalTolerance))
	rules := &v1alpha1.ScalingRules{Tolerance: &tolerance}
	spec.Behavior = v1alpha1.Behavior{Algorithm: v1alpha1.HPAWithoutBehavior, ScaleUp: rules, ScaleDown: rules}
	return spec
}

func (c *hpaCase) run(t *testing.T, spec *v1alpha1.HorizontalAutoscalerSpec) {
	p, errs := policy.CompileAutoscaler(spec, field.NewPath("spec"))
	if errs != nil {
		t.Fatal(errs.ToAggregate())
	}
	var state State
	replicas := c.InitialReplicas
	for i := range c.Values {
		in := c.input(i, Scale{Spec: replicas, Status: replicas})
		var d Decision
		state, d = Step(p, state, in)
		if d.Desired != c.Expected[i] {
			t.Fatalf("at %d s from %d: got %d (%s %+v), want %d", in.Slot, replicas, d.Desired, d.Reason, d.Limit, c.Expected[i])
		}
		replicas = d.Desired
	}
}

// input is what tick i observes.
func (c *hpaCase) input(i int, scale Scale) *Input {
	in := &Input{Slot: slot.Slot(i) * slot.Slot(c.PeriodSeconds), Scale: scale}
	for j, v := range c.Values[i] {
		sample := Sample{Code: observation.Empty}
		switch {
		case v == nil:
		case c.Metrics[j].TargetType == string(policy.Utilization):
			sample = Sample{Value: *v / 100}
		default:
			sample = Sample{Value: *v}
		}
		in.Metrics = append(in.Metrics, sample)
	}
	return in
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
