package explain

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// drawPolicy draws windows, rates and bounds that often bind.
func drawPolicy(t *rapid.T) *policy.Autoscaler {
	rules := func(name string) policy.Rules {
		r := policy.Rules{
			Window:    rapid.SampledFrom([]int32{0, 30, 60}).Draw(t, name+" window"),
			Tolerance: rapid.SampledFrom([]float64{0, 0.1}).Draw(t, name+" tolerance"),
			Select:    rapid.SampledFrom([]policy.Select{policy.SelectMax, policy.SelectMin, policy.Disabled}).Draw(t, name+" select"),
			Policies:  []policy.Rate{},
		}
		for range rapid.IntRange(0, 2).Draw(t, name+" policies") {
			r.Policies = append(r.Policies, policy.Rate{
				Type:   rapid.SampledFrom([]policy.RateType{policy.Count, policy.Percent}).Draw(t, "type"),
				Value:  rapid.Int32Range(1, 60).Draw(t, "value"),
				Period: rapid.SampledFrom([]int32{10, 30, 60}).Draw(t, "period"),
			})
		}
		return r
	}
	p := &policy.Autoscaler{
		Target: policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		Min:    rapid.Int32Range(0, 3).Draw(t, "min"), Max: rapid.Int32Range(5, 20).Draw(t, "max"),
		Interval: rapid.SampledFrom([]int32{10, 15}).Draw(t, "interval"), DryRun: rapid.Bool().Draw(t, "dry run"),
		Metrics: []policy.Metric{}, Up: rules("up"), Down: rules("down"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "metrics") {
		p.Metrics = append(p.Metrics, policy.Metric{
			Query:  "q",
			Type:   rapid.SampledFrom([]policy.MetricType{policy.Value, policy.AverageValue, policy.Utilization}).Draw(t, "metric"),
			Target: rapid.Float64Range(0.5, 100).Draw(t, "target"),
		})
		if last := &p.Metrics[len(p.Metrics)-1]; rapid.Bool().Draw(t, "fallback") {
			last.Fallback = &policy.Fallback{Replicas: rapid.Int32Range(3, 5).Draw(t, "replicas"), After: p.Interval * rapid.Int32Range(1, 3).Draw(t, "after"), AllowScaleDown: rapid.Bool().Draw(t, "down")}
		}
	}
	return p
}

// drawJournal writes a journal of random decisions, whose target moves, fails
// and is moved by others, and whose policy is changed once.
func drawJournal(t *rapid.T) []byte {
	var file bytes.Buffer
	w := journal.NewWriter(&file)
	var state autoscaler.State
	text, replicas, now := "", rapid.Int32Range(0, 20).Draw(t, "replicas"), slot.Slot(1767600000)
	p := drawPolicy(t)
	change := rapid.IntRange(0, 30).Draw(t, "change")
	for i := range 30 {
		generation := int64(1)
		if i >= change {
			generation = 2
		}
		if i == change {
			p = drawPolicy(t)
		}
		body := string(p.Encode())
		r := &journal.Record{
			Object:     journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "default", Name: "web"},
			Generation: generation, Slot: now, PolicyBody: body, Policy: policy.Digest([]byte(body)),
			Prev: journal.Digest([]byte(text)), StateBody: text, Scale: autoscaler.Scale{Spec: replicas, Status: rapid.Int32Range(0, replicas).Draw(t, "status")},
		}
		if rapid.IntRange(0, 9).Draw(t, "target") == 0 {
			r.Scale = autoscaler.Scale{Code: observation.Unavailable}
		}
		switch rapid.IntRange(0, 9).Draw(t, "pause") {
		case 0:
			r.Paused = autoscaler.Pause{Down: true, Up: rapid.Bool().Draw(t, "both"), Until: now + 60}
		case 1:
			r.Paused = autoscaler.Pause{Fixed: true, Replicas: rapid.Int32Range(0, 9).Draw(t, "held")}
		}
		in := autoscaler.Input{Slot: now, Scale: r.Scale, Pause: r.Paused}
		for range p.Metrics {
			s := autoscaler.Sample{Value: rapid.SampledFrom([]float64{0, 0.5, 3, 40, 41, 900, -1, 1e300}).Draw(t, "value")}
			if rapid.IntRange(0, 9).Draw(t, "metric fails") == 0 {
				s = autoscaler.Sample{Code: observation.Empty}
			}
			in.Metrics = append(in.Metrics, s)
			r.Metrics = append(r.Metrics, journal.Metric{Query: "q", At: now, Value: s.Value, Code: s.Code})
		}
		var d autoscaler.Decision
		state, d = autoscaler.Step(p, state, &in)
		r.Decide(p, &d)
		after, err := state.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		text = string(after)
		r.State = journal.Digest(after)
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
		switch landed := rapid.IntRange(0, 4).Draw(t, "landed"); {
		case landed == 0:
		case landed == 1:
			replicas = rapid.Int32Range(0, 20).Draw(t, "moved")
		case d.Known && !p.DryRun:
			replicas = d.Desired
		}
		now += slot.Slot(p.Interval) * slot.Slot(rapid.SampledFrom([]int{1, 1, 1, 3}).Draw(t, "slots"))
	}
	return file.Bytes()
}

// TestExplainFollowsTheEngine holds that what explain says the windows saw is
// what the engine decided from: the stages, computed from it, give the record's
// numbers, and what held a number is always named.
func TestExplainFollowsTheEngine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		err := journal.Walk(bytes.NewReader(drawJournal(t)), "j", func(step *journal.Step) error {
			r, p := step.Record, step.Policy
			if !step.Known || !step.Agreed {
				t.Fatalf("%s: known %t, agreed %t", r.Slot, step.Known, step.Agreed)
			}
			d := Of(step, slot.Slot.String)
			text := d.Why()
			for _, s := range d.Stages() {
				text += "\n" + s.Name + ": " + s.Text + "; " + strings.Join(s.More, "; ")
			}
			if strings.Contains(text, "an earlier recommendation") || strings.Contains(text, "Inf") || strings.Contains(text, "NaN") {
				t.Fatalf("%s is not explained:\n%s", r.Slot, text)
			}
			if !r.Recommending {
				return nil
			}
			stabilized, _ := behavior.Stabilize(&p.Up, &p.Down, d.Runs, d.Previous, r.Slot, r.Scale.Spec, r.Recommended)
			limited, _ := behavior.RateLimit(&p.Up, &p.Down, d.Events, r.Slot, r.Scale.Spec, stabilized)
			if stabilized != r.Stabilized || limited != r.Limited {
				t.Fatalf("%s: from what explain shows follow %d and %d, the record says %d and %d\n%s", r.Slot, stabilized, limited, r.Stabilized, r.Limited, text)
			}
			moved := max(r.Limited-r.Scale.Spec, r.Scale.Spec-r.Limited)
			if said := leftForm.FindStringSubmatch(d.limited().Text); said != nil && !enough(said[1], moved) {
				t.Fatalf("%s: moved by %d with %s left\n%s", r.Slot, moved, said[1], text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

var leftForm = regexp.MustCompile(`(\d+) left`)

func enough(left string, moved int32) bool {
	n, err := strconv.ParseInt(left, 10, 64)
	return err == nil && n >= int64(moved)
}

// TestExplainCountsWhatOthersMoved holds that a move by others, seen where a dry run
// ends, uses the rate also in a slot in which the pause fixes another count.
func TestExplainCountsWhatOthersMoved(t *testing.T) {
	var file bytes.Buffer
	w := journal.NewWriter(&file)
	var state autoscaler.State
	text, now := "", slot.Slot(1767600000)
	for i, spec := range []int32{2, 5} {
		p := &policy.Autoscaler{
			Target: policy.Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}, Min: 1, Max: 20, Interval: 10, DryRun: i == 0,
			Metrics: []policy.Metric{{Query: "q", Type: policy.AverageValue, Target: 1}},
			Up:      policy.Rules{Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}}, Select: policy.SelectMax},
			Down:    policy.Rules{Policies: []policy.Rate{}, Select: policy.SelectMax},
		}
		body := string(p.Encode())
		r := &journal.Record{
			Object:     journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: "default", Name: "web"},
			Generation: int64(i + 1), Slot: now, PolicyBody: body, Policy: policy.Digest([]byte(body)),
			Prev: journal.Digest([]byte(text)), StateBody: text, Scale: autoscaler.Scale{Spec: spec, Status: spec},
			Metrics: []journal.Metric{{Query: "q", At: now, Value: 9}},
		}
		if i == 1 {
			r.Paused = autoscaler.Pause{Fixed: true, Replicas: 4}
		}
		var d autoscaler.Decision
		state, d = autoscaler.Step(p, state, &autoscaler.Input{Slot: now, Scale: r.Scale, Pause: r.Paused, Metrics: []autoscaler.Sample{{Value: 9}}})
		r.Decide(p, &d)
		after, err := state.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		text, r.State = string(after), journal.Digest(after)
		if err := w.Record(r); err != nil {
			t.Fatal(err)
		}
		now += 10
	}
	var got string
	err := journal.Walk(&file, "j", func(step *journal.Step) error {
		got = Of(step, slot.Slot.String).limited().Text
		return nil
	})
	if want := "3 used, 1 left"; err != nil || !strings.Contains(got, want) {
		t.Errorf("got %q, %v, want %s", got, err, want)
	}
}

// TestFormula holds how a metric's value becomes a number in words.
func TestFormula(t *testing.T) {
	cases := map[string]struct {
		reason       string
		metric       policy.Metric
		value        float64
		spec, status int32
		asks         int32
		want         string
	}{
		"Average":     {"a total is divided", policy.Metric{Type: policy.AverageValue, Target: 100}, 1834, 10, 10, 19, "ceil(1834 / 100) = 19"},
		"OnTarget":    {"nothing to do", policy.Metric{Type: policy.AverageValue, Target: 100}, 1000, 10, 10, 10, "1000 / (100 x 10) = 1: on target, so 10 stays"},
		"Within":      {"within tolerance", policy.Metric{Type: policy.AverageValue, Target: 100}, 1050, 10, 10, 10, "1050 / (100 x 10) = 1.05: within the tolerance of 20 % below and 10 % above, so 10 stays"},
		"Value":       {"a value multiplies what runs", policy.Metric{Type: policy.Value, Target: 4}, 6, 10, 8, 12, "ceil(8 x 6 / 4) = 12"},
		"Utilization": {"a percentage of 1", policy.Metric{Type: policy.Utilization, Target: 60}, 0.9, 4, 4, 6, "ceil(4 x 0.9 / 0.6) = 6"},
		"AtLeastOne":  {"a value never asks for none", policy.Metric{Type: policy.Value, Target: 4}, 0, 10, 10, 1, "ceil(10 x 0 / 4) = 0, at least 1"},
		"Saturated":   {"no count is larger", policy.Metric{Type: policy.AverageValue, Target: 1}, 1e12, 10, 10, math.MaxInt32, "ceil(1000000000000 / 1) = 2147483647, the largest count there is"},
		"Fraction":    {"the digits that matter", policy.Metric{Type: policy.AverageValue, Target: 0.3}, 0.1 + 0.2, 2, 2, 1, "ceil(0.3 / 0.3) = 1"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := &policy.Autoscaler{Metrics: []policy.Metric{c.metric}, Up: policy.Rules{Tolerance: 0.1}, Down: policy.Rules{Tolerance: 0.2}}
			r := &journal.Record{Known: true, Scale: autoscaler.Scale{Spec: c.spec, Status: c.status}, Metrics: []journal.Metric{{Value: c.value, Recommendation: c.asks}}}
			w := Explanation{step: &journal.Step{Known: true, Record: r, Policy: p}}
			if got := w.formula(0); got != c.want {
				t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
			}
		})
	}
}

// TestFormulaOfNodes says what a node group's missing nodes add.
func TestFormulaOfNodes(t *testing.T) {
	p := &policy.Autoscaler{
		Interval: 10, Target: policy.Target{APIVersion: "autoscaling.karpenter.sh/v1alpha1", Kind: "ScalableNodeGroup", Name: "workers"},
		Metrics: []policy.Metric{{Type: policy.Utilization, Target: 60}},
	}
	in := &autoscaler.Input{Slot: 10, Scale: autoscaler.Scale{Spec: 20, Status: 18}, Metrics: []autoscaler.Sample{{Value: 0.3}}}
	_, d := autoscaler.Step(p, autoscaler.State{}, in)
	r := &journal.Record{Scale: in.Scale, Known: true, Metrics: []journal.Metric{{Value: 0.3, Recommendation: d.Metrics[0].Replicas}}}
	w := &Explanation{step: &journal.Step{Record: r, Policy: p}}
	if got, want := w.formula(0), "ceil(18 x 0.3 / 0.6) = 9, and 2 nodes wanted that are not ready are kept: 11"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
