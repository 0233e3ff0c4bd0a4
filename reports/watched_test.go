package reports

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// inSeconds makes a step function of pairs of seconds and values.
func inSeconds(pairs ...float64) Steps {
	var s Steps
	for i := 0; i < len(pairs); i += 2 {
		s.Append(int64(pairs[i]), pairs[i+1])
	}
	return s
}

// A metric is shown as kubectl shows that of an HPA, with the target and the band of
// each time; what was not read is a gap.
func TestWatch(t *testing.T) {
	nan := math.NaN()
	with := func(kind policy.MetricType, target, up, down float64) *policy.Autoscaler {
		return &policy.Autoscaler{
			Min: 2, Max: 9, Interval: 10, Metrics: []policy.Metric{{Query: "q", Type: kind, Target: target}},
			Up: policy.Rules{Tolerance: up}, Down: policy.Rules{Tolerance: down},
		}
	}
	read := func(at int64, value float64, code observation.Code) *journal.Record {
		return &journal.Record{Slot: slot.Slot(at), Scale: autoscaler.Scale{Spec: 4, Status: 4}, Metrics: []journal.Metric{{Query: "q", Value: value, Code: code}}}
	}
	type decided struct {
		r *journal.Record
		p *policy.Autoscaler
	}
	for name, c := range map[string]struct {
		reason                   string
		decided                  []decided
		value, target, low, high Steps
	}{
		"Total":       {"400 over four replicas", []decided{{read(10, 400, observation.OK), with(policy.AverageValue, 80, 0.1, 0.2)}}, inSeconds(10, 100, 20, nan), inSeconds(10, 80), inSeconds(10, 64), inSeconds(10, 88)},
		"Value":       {"a value is no total", []decided{{read(10, 400, observation.OK), with(policy.Value, 80, 0, 0)}}, inSeconds(10, 400, 20, nan), inSeconds(10, 80), inSeconds(10, 80), inSeconds(10, 80)},
		"Utilization": {"a ratio is shown in percent, as its target", []decided{{read(10, 0.5, observation.OK), with(policy.Utilization, 60, 0, 0)}}, inSeconds(10, 50, 20, nan), inSeconds(10, 60), inSeconds(10, 60), inSeconds(10, 60)},
		"Error":       {"what fails has no value", []decided{{read(10, 400, observation.OK), with(policy.Value, 80, 0, 0)}, {read(20, 0, observation.Empty), with(policy.Value, 80, 0, 0)}}, inSeconds(10, 400, 20, nan), inSeconds(10, 80), inSeconds(10, 80), inSeconds(10, 80)},
		"Missed":      {"the slots at 20 and 30 were not decided", []decided{{read(10, 400, observation.OK), with(policy.Value, 80, 0, 0)}, {read(40, 400, observation.OK), with(policy.Value, 80, 0, 0)}}, inSeconds(10, 400, 20, nan, 40, 400, 50, nan), inSeconds(10, 80), inSeconds(10, 80), inSeconds(10, 80)},
		"Edit":        {"the target changes at 20", []decided{{read(10, 400, observation.OK), with(policy.Value, 80, 0, 0)}, {read(20, 400, observation.OK), with(policy.Value, 90, 0, 0)}}, inSeconds(10, 400, 30, nan), inSeconds(10, 80, 20, 90), inSeconds(10, 80, 20, 90), inSeconds(10, 80, 20, 90)},
	} {
		t.Run(name, func(t *testing.T) {
			w, last, p := newWatch(1, 100), int64(0), (*policy.Autoscaler)(nil)
			for _, d := range c.decided {
				p = d.p
				w.record(d.r, p, last)
				last = int64(d.r.Slot)
			}
			w.silent(p, last, 100)
			m := w.metrics[0]
			for _, s := range []struct {
				name      string
				got, want Steps
			}{{"value", m.value, c.value}, {"target", m.target, c.target}, {"low", m.low, c.low}, {"high", m.high, c.high}, {"minReplicas", w.least, inSeconds(10, 2)}, {"maxReplicas", w.most, inSeconds(10, 9)}} {
				if diff := cmp.Diff(s.want, s.got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", c.reason, s.name, diff)
				}
			}
		})
	}
	t.Run("Replaced", func(t *testing.T) {
		w, other := newWatch(1, 100), with(policy.Value, 80, 0, 0)
		other.Metrics[0].Query = "other"
		w.record(read(10, 400, observation.OK), with(policy.Value, 80, 0, 0), 0)
		w.record(read(20, 400, observation.OK), other, 10)
		if got, want := w.metrics[0].target, inSeconds(10, 80, 20, nan); len(w.metrics) != 2 || !cmp.Equal(got, want, cmpopts.EquateNaNs()) {
			t.Errorf("a metric that an edit took out goes on: %v in %d metrics", got, len(w.metrics))
		}
	})
	t.Run("Long", func(t *testing.T) {
		w, p := newWatch(4000, 100_000), with(policy.Value, 80, 0, 0)
		for at := int64(10); at < 100_000; at += 10 {
			value := float64(at % 70)
			if at == 50_000 {
				value = 1e6
			}
			w.record(read(at, value, observation.OK), p, at-10)
		}
		if n := len(w.metrics[0].value.T); n > 510 || greatestOf(w.metrics[0].value, 0, 100_000) != 1e6 {
			t.Errorf("%d values are kept, at most 500 and the largest are to be", n)
		}
	})
}

// The bounds of what ran are drawn where they differ from the policy's.
func TestBoundsAreDrawn(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		most   Steps
		drawn  string
	}{
		"Same":    {"they are those of the policy", inSeconds(0, 20), ""},
		"Changed": {"somebody raised the maximum", inSeconds(0, 12, float64(monday+4*day+18*3600), 20), "recorded maxReplicas 12"},
		"Unknown": {"they were not recorded", Steps{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run := evening(t)
			run.Columns[0].Objects[0].MaxReplicas = c.most
			page, err := computed(t, run).HTML()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(page), ">maxReplicas 20</text>") || !strings.Contains(string(page), ">minReplicas 3</text>") {
				t.Errorf("%s: the policy's bounds are not drawn", c.reason)
			}
			if drawn := strings.Contains(string(page), ">recorded maxReplicas"); drawn != (c.drawn != "") || !strings.Contains(string(page), c.drawn) {
				t.Errorf("%s: want %q drawn", c.reason, c.drawn)
			}
		})
	}
}

func TestPrefixed(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 80: "80", 1234: "1234", 1234.5: "1234", 64e6: "64M", 2147483648: "2.15G", 12345: "12.3k", 0.0001234: "0.000123"} {
		if got := prefixed(v); got != want {
			t.Errorf("%v is shown as %q, want %q", v, got, want)
		}
	}
}

// A metric above the replicas, its target and its unit are in the description of the
// drawing, for those who do not see it.
func TestMetricsAreDescribed(t *testing.T) {
	r := computed(t, evening(t))
	text := r.figure(r.focus()).describe(r.focus())
	for want, m := range map[string]metricSeries{
		" in %, tolerance 10 %":            {kind: policy.Utilization, target: inSeconds(0, 60), low: inSeconds(0, 54), high: inSeconds(0, 66)},
		" per replica, tolerance +10 −0 %": {kind: policy.AverageValue, target: inSeconds(0, 60), low: inSeconds(0, 60), high: inSeconds(0, 66)},
		"":                                 {kind: policy.Value, target: inSeconds(0, 60), low: inSeconds(0, 60), high: inSeconds(0, 60)},
	} {
		if got := m.about(0); got != want {
			t.Errorf("about %q, want %q", got, want)
		}
	}
	if want := `Above them sum(rate(http_requests_total{service="checkout"}[2m])) per replica, target 100.`; !strings.Contains(text, want) {
		t.Errorf("want %q in %q", want, text)
	}
}
