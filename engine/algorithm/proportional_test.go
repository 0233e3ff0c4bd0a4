package algorithm

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

const maxReplicas = math.MaxInt32

// same is a target whose pods are all there and ready.
func same(n int32) Replicas { return Replicas{Spec: n, Status: n, Ready: n} }

func metric(kind policy.MetricType, target float64) *policy.Metric {
	return &policy.Metric{Query: "m", Type: kind, Target: target}
}

// tenth is the tolerance that HPA has where nobody says otherwise.
var tenth = Tolerance{Up: 0.1, Down: 0.1}

// TestKarpenterTable holds the recommendations of Karpenter v0.1. Its row for an
// unknown metric type is an error of the compiler here (engine/policy).
func TestKarpenterTable(t *testing.T) {
	cases := map[string]struct {
		reason   string
		metric   *policy.Metric
		value    float64
		replicas Replicas
		want     int32
	}{
		"Value": {
			"in proportion to the replicas that produced it", metric(policy.Value, 3), 50, same(8), 134},
		"ValueFromZero": {
			"Value floors at one", metric(policy.Value, 3), 50, same(0), 1},
		"AverageValue": {
			"a total is shared out", metric(policy.AverageValue, 50), 304, same(1), 7},
		"AverageValueAtZero": {
			"a total does not depend on the replicas", metric(policy.AverageValue, 50), 304, same(0), 7},
		"AverageValueToZero": {
			"nothing to share needs nobody", metric(policy.AverageValue, 50), 0, same(7), 0},
		"Utilization": {
			"a ratio against a percentage", metric(policy.Utilization, 50), 0.6, same(2), 3},
		"UtilizationFromZero": {
			"Utilization floors at one", metric(policy.Utilization, 50), 0.6, same(0), 1},
		"ReservedCapacityExample": {
			"0.85 at 60 % of 5 nodes", metric(policy.Utilization, 60), 0.85, same(5), 8},
		"QueueLengthExample": {
			"41 messages at 4 a node", metric(policy.AverageValue, 4), 41, same(1), 11},
		"ValueToZero": {
			"Value never asks for less than one", metric(policy.Value, 3), 0, same(8), 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, code := Proportional(c.metric, Tolerance{}, c.value, c.replicas)
			if got != c.want || code != observation.OK {
				t.Errorf("%s: got %d %q, want %d", c.reason, got, code, c.want)
			}
		})
	}
}

// TestHPACases holds the black-box cases of Kubernetes' autoscaler that concern
// one metric without pods behind it, by their numbers in the project's survey.
// Its cases 1 to 30 are about samples per pod, which Prometheus metrics have
// not. 37 and 39 start or end at 0, where this
// engine deviates on purpose: Value floors at one.
func TestHPACases(t *testing.T) {
	cases := map[string]struct {
		reason    string
		metric    *policy.Metric
		tolerance Tolerance
		value     float64
		replicas  Replicas
		want      int32
	}{
		"31": {"a third too much", metric(policy.Value, 15000), tenth, 20000, same(3), 4},
		"32": {"one of three produced it", metric(policy.Value, 10000), tenth, 50000, Replicas{3, 3, 1}, 5},
		"33": {"one of three produced it: below spec although above target", metric(policy.Value, 4400), tenth, 8600, Replicas{3, 3, 1}, 2},
		"34": {"40 % too little", metric(policy.Value, 20000), tenth, 12000, same(5), 3},
		"35": {"3.3 % is tolerated", metric(policy.Value, 20000), tenth, 20666, same(3), 3},
		"36": {"3.3 % is more than 1 %", metric(policy.Value, 20000), Tolerance{Up: 0.01, Down: 0.1}, 20666, same(3), 4},
		"37": {"HPA says 2: from 0 the ratio itself", metric(policy.Value, 15000), tenth, 20000, same(0), 1},
		"38": {"from 0, on target: one", metric(policy.Value, 1000), tenth, 1000, same(0), 1},
		"39": {"HPA says 0: nothing measured", metric(policy.Value, 20000), tenth, 0, same(5), 1},
		"40": {"a total for four", metric(policy.AverageValue, 5000), tenth, 20000, same(3), 4},
		"41": {"a total for three", metric(policy.AverageValue, 2000), tenth, 6000, same(5), 3},
		"42": {"0.8 % is tolerated", metric(policy.AverageValue, 5000), tenth, 20166, same(4), 4},
		"43": {"1.04 % is more than 1 %", metric(policy.AverageValue, 5000), Tolerance{Up: 0.01, Down: 0.1}, 20208, same(4), 5},
		"44": {"a third too much", metric(policy.AverageValue, 2150), tenth, 8600, same(3), 4},
		"45": {"rounded up to three", metric(policy.AverageValue, 2867), tenth, 8600, same(5), 3},
		"46": {"1.1 % below is tolerated", metric(policy.AverageValue, 2900), tenth, 8600, same(3), 3},
		"47": {"more than any count", metric(policy.AverageValue, 1), tenth, math.MaxInt64, same(1), maxReplicas},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, code := Proportional(c.metric, c.tolerance, c.value, c.replicas)
			if got != c.want || code != observation.OK {
				t.Errorf("%s: got %d %q, want %d", c.reason, got, code, c.want)
			}
		})
	}
}

// Karpenter v0.1 added a spurious node for 11,040 of these pairs.
func TestExactlyOnTargetAddsNothing(t *testing.T) {
	for percent := 1; percent <= 100; percent++ {
		target := metric(policy.Utilization, float64(percent))
		for n := int32(1); n <= 1000; n++ {
			got, code := Proportional(target, Tolerance{}, float64(percent)/100, same(n))
			if got != n || code != observation.OK {
				t.Fatalf("%d replicas at exactly %d %%: got %d %q", n, percent, got, code)
			}
		}
	}
}

// The metric is what a division gave, so it is on target only to the last bits.
func TestDividedOnTargetAddsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		percent := rapid.IntRange(1, 100).Draw(t, "percent")
		n := rapid.Int32Range(1, 1_000_000).Draw(t, "replicas")
		each := rapid.Float64Range(1e-3, 1e6).Draw(t, "capacity of one")
		capacity := each * float64(n)
		used := capacity * (float64(percent) / 100)
		if got, _ := Proportional(metric(policy.Utilization, float64(percent)), Tolerance{}, used/capacity, same(n)); got != n {
			t.Fatalf("Utilization: got %d", got)
		}
		if got, _ := Proportional(metric(policy.Value, each), Tolerance{}, capacity/float64(n), same(n)); got != n {
			t.Fatalf("Value: got %d", got)
		}
		if got, _ := Proportional(metric(policy.AverageValue, each), Tolerance{}, capacity, same(n)); got != n {
			t.Fatalf("AverageValue: got %d", got)
		}
	})
}

func TestNumbers(t *testing.T) {
	cases := map[string]struct {
		reason   string
		metric   *policy.Metric
		value    float64
		replicas Replicas
		want     int32
		code     observation.Code
	}{
		"FloatNoise":    {"29/7 x 7 is 29.000000000000004 in floats; HPA says 30", metric(policy.Value, 7), 29, same(7), 29, ""},
		"JustAbove":     {"a millionth is no noise", metric(policy.AverageValue, 1), 29.000001, same(7), 30, ""},
		"BelowNoise":    {"5e-10 is noise", metric(policy.AverageValue, 1), 29 + 5e-10, same(7), 29, ""},
		"Tiny":          {"any load at all needs one", metric(policy.AverageValue, 1), 1e-3, same(1), 1, ""},
		"NegativeZero":  {"-0 is 0", metric(policy.AverageValue, 1), math.Copysign(0, -1), same(1), 0, ""},
		"Subnormal":     {"less than noise is nothing", metric(policy.AverageValue, 1), 5e-324, same(1), 0, ""},
		"Saturated":     {"2^31 replicas do not wrap", metric(policy.AverageValue, 1), 1 << 31, same(1), maxReplicas, ""},
		"LastCount":     {"the largest count is itself", metric(policy.AverageValue, 1), maxReplicas, same(1), maxReplicas, ""},
		"ValueProduct":  {"the product saturates too", metric(policy.Value, 1), 1e9, same(1000), maxReplicas, ""},
		"SmallTarget":   {"a target of one billionth", metric(policy.Value, 1e-9), 1e18, same(maxReplicas), maxReplicas, ""},
		"LargestValue":  {"2^63 is still a total", metric(policy.AverageValue, 1), 1 << 63, same(1), maxReplicas, ""},
		"OutOfRange":    {"a count of nothing there is", metric(policy.AverageValue, 1), 1e300, same(1), 0, observation.OutOfRange},
		"NaN":           {"0/0 chooses no direction", metric(policy.Utilization, 60), math.NaN(), same(5), 0, observation.NaN},
		"Infinite":      {"x/0 chooses no direction", metric(policy.Utilization, 60), math.Inf(1), same(5), 0, observation.Infinite},
		"MinusInfinite": {"nor does -x/0", metric(policy.Value, 60), math.Inf(-1), same(5), 0, observation.Infinite},
		"Negative":      {"a negative total is no total", metric(policy.AverageValue, 1), -1, same(5), 0, observation.Negative},
		"TinyNegative":  {"however small", metric(policy.Value, 1), -5e-324, same(5), 0, observation.Negative},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, code := Proportional(c.metric, Tolerance{}, c.value, c.replicas)
			if got != c.want || code != c.code {
				t.Errorf("%s: got %d %q, want %d %q", c.reason, got, code, c.want, c.code)
			}
		})
	}
}

// Spec is what is asked for, ready is what produced a value, status is what
// shares a total.
func TestThreeCounts(t *testing.T) {
	cases := map[string]struct {
		reason   string
		metric   *policy.Metric
		value    float64
		replicas Replicas
		want     int32
		code     observation.Code
	}{
		"ValueStarting":        {"four serve at twice the target while four start: eight, not sixteen", metric(policy.Value, 10), 20, Replicas{8, 8, 4}, 8, ""},
		"ValueMissing":         {"three are asked for, two carried twice the target", metric(policy.Value, 10), 20, Replicas{3, 2, 2}, 4, ""},
		"ValueStopping":        {"six still carry what three should", metric(policy.Value, 10), 5, Replicas{3, 6, 6}, 3, ""},
		"ValueTerminating":     {"ready ones that terminate are no more in status", metric(policy.Value, 100), 85, Replicas{100, 115, 125}, 107, ""},
		"ValueOnTarget":        {"on target the wanted count stays, whoever carries it", metric(policy.Value, 10), 10, Replicas{4, 6, 6}, 4, ""},
		"ValueTolerated":       {"within tolerance too", metric(policy.Value, 10), 10.9, Replicas{4, 6, 1}, 4, ""},
		"UtilizationStarting":  {"a busy half asks for the whole", metric(policy.Utilization, 50), 1, Replicas{10, 10, 5}, 10, ""},
		"AverageIndependent":   {"a total does not ask who ran", metric(policy.AverageValue, 10), 95, Replicas{3, 100, 1}, 10, ""},
		"AverageOnTarget":      {"6 run for 6 while 4 are wanted: the wanted stay, HPA writes 6", metric(policy.AverageValue, 1), 6, Replicas{4, 6, 6}, 4, ""},
		"AverageOfAll":         {"those that are not ready share it too", metric(policy.AverageValue, 1), 6, Replicas{4, 6, 3}, 4, ""},
		"AverageNoneRuns":      {"no division by the missing", metric(policy.AverageValue, 1), 6, Replicas{4, 0, 0}, 6, ""},
		"AverageNoneReady":     {"nobody is ready, the total is all the same", metric(policy.AverageValue, 1), 9, Replicas{4, 4, 0}, 9, ""},
		"ValueNoneReady":       {"nobody produced the metric: HPA goes to 0", metric(policy.Value, 1), 50, Replicas{4, 4, 0}, 0, observation.NoReplicas},
		"UtilizationNoneReady": {"all nodes not ready", metric(policy.Utilization, 60), 0, Replicas{4, 0, 0}, 0, observation.NoReplicas},
		"ValueStillRunning":    {"0 wanted, the last two still produce", metric(policy.Value, 10), 20, Replicas{0, 2, 2}, 4, ""},
		"ValueNegativeReady":   {"a count below zero is none", metric(policy.Value, 10), 20, Replicas{4, 4, -1}, 0, observation.NoReplicas},
		"AverageNegativeStats": {"and does not divide", metric(policy.AverageValue, 10), 20, Replicas{4, -1, 4}, 2, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, code := Proportional(c.metric, tenth, c.value, c.replicas)
			if got != c.want || code != c.code {
				t.Errorf("%s: got %d %q, want %d %q", c.reason, got, code, c.want, c.code)
			}
		})
	}
}

func TestToleranceEdges(t *testing.T) {
	cases := map[string]struct {
		reason    string
		tolerance Tolerance
		value     float64
		want      int32
	}{
		"UpEdge":       {"1.1 of the target is inside", tenth, 11, 10},
		"DownEdge":     {"0.9 of the target is inside", tenth, 9, 10},
		"UpOutside":    {"a millionth further is not", tenth, 11.00001, 12},
		"DownOutside":  {"a millionth further is not, but rounds up to the edge", tenth, 8.99999, 9},
		"OnlyUp":       {"the other direction has none", Tolerance{Up: 0.5}, 9, 9},
		"OnlyDown":     {"nor has this one", Tolerance{Down: 0.5}, 11, 11},
		"Everything":   {"a tolerance of 1 never shrinks", Tolerance{Down: 1}, 0, 10},
		"LargerThan1":  {"nor does a larger one", Tolerance{Down: 7}, 0, 10},
		"None":         {"without tolerance any distance counts", Tolerance{}, 10.001, 11},
		"NoneOnTarget": {"on target nothing happens", Tolerance{}, 10, 10},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// Value of one per replica: 10 replicas on a target of 10.
			got, code := Proportional(metric(policy.Value, 10), c.tolerance, c.value, same(10))
			if got != c.want || code != observation.OK {
				t.Errorf("%s: got %d %q, want %d", c.reason, got, code, c.want)
			}
		})
	}
}

// More load never asks for fewer, and any finite load has an answer in range.
func TestMonotonous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]policy.MetricType{policy.Value, policy.AverageValue, policy.Utilization}).Draw(t, "type")
		m := metric(kind, rapid.Float64Range(1e-6, 1e12).Draw(t, "target"))
		n := same(rapid.Int32Range(1, maxReplicas).Draw(t, "replicas"))
		value := rapid.Float64Range(0, 1<<62).Draw(t, "value")
		less, code := Proportional(m, Tolerance{}, value, n)
		more, code2 := Proportional(m, Tolerance{}, value*(1+rapid.Float64Range(0, 1).Draw(t, "growth")), n)
		if code != observation.OK || code2 != observation.OK || less < 0 || more < less {
			t.Fatalf("got %d %q, then %d %q", less, code, more, code2)
		}
	})
}

func TestRounding(t *testing.T) {
	for _, c := range []struct {
		reason                   string
		x, whole, ceiling, floor float64
	}{
		{"integers are themselves", 7, 7, 7, 7},
		{"noise above", 7.000000000000001, 7, 7, 7},
		{"noise below", 6.999999999999999, 7, 7, 7},
		{"noise grows with the number", 1e6 + 1e-4, 1e6, 1e6, 1e6},
		{"a half is no noise", 7.5, 15, 8, 7},
		{"a part is measured against its whole", 0.9999999, 1000, 1, 1},
		{"zero", 0, 0, 0, 0},
	} {
		if got := Ceil(c.x); got != c.ceiling {
			t.Errorf("%s: Ceil(%v) = %v, want %v", c.reason, c.x, got, c.ceiling)
		}
		if got := Floor(c.x, c.whole); got != c.floor {
			t.Errorf("%s: Floor(%v, %v) = %v, want %v", c.reason, c.x, c.whole, got, c.floor)
		}
	}
}

func BenchmarkProportional(b *testing.B) {
	m := metric(policy.Utilization, 60)
	b.ReportAllocs()
	for b.Loop() {
		Proportional(m, tenth, 0.85, same(5))
	}
}
