package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// specOf reads a spec whose target and bounds are given unless the text says otherwise.
func specOf(t *testing.T, text string) *v1alpha1.HorizontalAutoscalerSpec {
	t.Helper()
	spec := &v1alpha1.HorizontalAutoscalerSpec{
		ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		MinReplicas:    1, MaxReplicas: 10,
	}
	if err := yaml.UnmarshalStrict([]byte(text), spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func compile(t *testing.T, text string) (*Autoscaler, field.ErrorList) {
	t.Helper()
	return CompileAutoscaler(specOf(t, text), field.NewPath("spec"))
}

// defaults is what a spec without optional fields means.
func defaults(change func(*Autoscaler)) *Autoscaler {
	p := &Autoscaler{
		Target: Target{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
		Min:    1, Max: 10, Interval: 10, Metrics: []Metric{},
		Up:   Rules{Window: 0, Select: SelectMax, Policies: []Rate{}},
		Down: Rules{Window: 300, Select: SelectMax, Policies: []Rate{}},
	}
	change(p)
	return p
}

// TestDefaults sets one field at a time: every other keeps its default.
func TestDefaults(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   string
		want   func(*Autoscaler)
	}{
		"Nothing": {"all defaults", ``, func(*Autoscaler) {}},
		"Interval": {"the interval leaves the windows alone", `pollingIntervalSeconds: 30`,
			func(p *Autoscaler) { p.Interval = 30 }},
		"DryRun": {"off unless said", `dryRun: true`, func(p *Autoscaler) { p.DryRun = true }},
		"Zero":   {"0 is a bound, not an absent field", `{minReplicas: 0, maxReplicas: 0}`, func(p *Autoscaler) { p.Min, p.Max = 0, 0 }},
		"EmptyRules": {"empty rules are defaults", `behavior: {scaleUp: {}, scaleDown: {}}`,
			func(*Autoscaler) {}},
		"DownPolicies": {"policies without a window keep its 300 s; Karpenter v0.1 lost them", `
behavior: {scaleDown: {policies: [{type: Percent, value: 10, periodSeconds: 60}]}}`,
			func(p *Autoscaler) { p.Down.Policies = []Rate{{Percent, 10, 60}} }},
		"DownWindowZero": {"0 is a window, not an absent field", `behavior: {scaleDown: {stabilizationWindowSeconds: 0}}`,
			func(p *Autoscaler) { p.Down.Window = 0 }},
		"DownSelect": {"selectPolicy alone", `behavior: {scaleDown: {selectPolicy: Disabled}}`,
			func(p *Autoscaler) { p.Down.Select = Disabled }},
		"DownTolerance": {"a tolerance alone, of one direction", `behavior: {scaleDown: {tolerance: 100m}}`,
			func(p *Autoscaler) { p.Down.Tolerance = 0.1 }},
		"UpWindow": {"the other direction's window stays", `behavior: {scaleUp: {stabilizationWindowSeconds: 60}}`,
			func(p *Autoscaler) { p.Up.Window = 60 }},
		"UpSelect": {"Min chooses among policies", `behavior: {scaleUp: {selectPolicy: Min}}`,
			func(p *Autoscaler) { p.Up.Select = SelectMin }},
		"UpTolerance": {"a tolerance as a number", `behavior: {scaleUp: {tolerance: 0.05}}`,
			func(p *Autoscaler) { p.Up.Tolerance = 0.05 }},
		"Pods": {"Pods is HPA's word for Count", `
behavior: {scaleUp: {policies: [{type: Pods, value: 4, periodSeconds: 15}, {type: Count, value: 4, periodSeconds: 15}]}}`,
			func(p *Autoscaler) { p.Up.Policies = []Rate{{Count, 4, 15}, {Count, 4, 15}} }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, errs := compile(t, c.spec)
			if errs != nil {
				t.Fatalf("%s: %v", c.reason, errs)
			}
			if diff := cmp.Diff(defaults(c.want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// TestDefaultsAreNotShared proves that an edit of one policy reaches no other,
// as it did through Karpenter v0.1's package-level defaults.
func TestDefaultsAreNotShared(t *testing.T) {
	one, _ := compile(t, `behavior: {scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Min}}`)
	one.Up.Policies = append(one.Up.Policies, Rate{Count, 1, 1})
	two, _ := compile(t, ``)
	if diff := cmp.Diff(defaults(func(*Autoscaler) {}), two); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestTargets holds which field says the target, and in what number.
func TestTargets(t *testing.T) {
	cases := map[string]struct {
		reason string
		target string
		want   Metric
	}{
		"Value":               {"its own field", `{type: Value, value: 100}`, Metric{Query: "m", Type: Value, Target: 100}},
		"ValueFraction":       {"fractions are kept; Karpenter v0.1 rounded 500m up to 1", `{type: Value, value: 500m}`, Metric{Query: "m", Type: Value, Target: 0.5}},
		"ValueDecimal":        {"a decimal number", `{type: Value, value: 0.25}`, Metric{Query: "m", Type: Value, Target: 0.25}},
		"ValueSuffix":         {"a binary suffix", `{type: Value, value: 1Ki}`, Metric{Query: "m", Type: Value, Target: 1024}},
		"ValueNano":           {"the smallest quantity", `{type: Value, value: 1n}`, Metric{Query: "m", Type: Value, Target: 1e-9}},
		"AverageValue":        {"its own field", `{type: AverageValue, averageValue: 4}`, Metric{Query: "m", Type: AverageValue, Target: 4}},
		"AverageFallback":     {"value serves where averageValue is absent, as in v0.1", `{type: AverageValue, value: 4}`, Metric{Query: "m", Type: AverageValue, Target: 4}},
		"AverageBoth":         {"its own field goes first", `{type: AverageValue, averageValue: 4, value: 9}`, Metric{Query: "m", Type: AverageValue, Target: 4}},
		"Utilization":         {"its own field", `{type: Utilization, averageUtilization: 60}`, Metric{Query: "m", Type: Utilization, Target: 60}},
		"UtilizationFallback": {"value serves where averageUtilization is absent", `{type: Utilization, value: 60}`, Metric{Query: "m", Type: Utilization, Target: 60}},
		"UtilizationFraction": {"a fractional percentage through value", `{type: Utilization, value: 62500m}`, Metric{Query: "m", Type: Utilization, Target: 62.5}},
		"UtilizationBoth":     {"its own field goes first", `{type: Utilization, averageUtilization: 60, value: 9}`, Metric{Query: "m", Type: Utilization, Target: 60}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, errs := compile(t, "metrics: [{prometheus: {query: m, target: "+c.target+"}}]")
			if errs != nil {
				t.Fatalf("%s: %v", c.reason, errs)
			}
			if diff := cmp.Diff([]Metric{c.want}, p.Metrics); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// TestAtTheLimits compiles what is just allowed.
func TestAtTheLimits(t *testing.T) {
	metric := `{prometheus: {query: m, target: {type: Value, value: 1}}}`
	rate := `{type: Count, value: 1, periodSeconds: 1800}`
	for _, c := range []struct{ reason, spec string }{
		{"16 metrics", "metrics: [" + strings.Repeat(metric+",", 16) + "]"},
		{"16 policies a direction", "behavior: {scaleUp: {policies: [" + strings.Repeat(rate+",", 16) + "]}, scaleDown: {policies: [" + strings.Repeat(rate+",", 16) + "]}}"},
		{"a query of 8192 bytes", "metrics: [{prometheus: {query: " + strings.Repeat("m", 8192) + ", target: {type: Value, value: 1}}}]"},
		{"a window of 360 intervals", "{pollingIntervalSeconds: 2, behavior: {scaleDown: {stabilizationWindowSeconds: 720}}}"},
		{"a period of 360 intervals", "{pollingIntervalSeconds: 1, behavior: {scaleUp: {policies: [{type: Count, value: 1, periodSeconds: 360}]}}}"},
		{"the default window at an interval of one second", "pollingIntervalSeconds: 1"},
		{"the longest window at the default interval", "behavior: {scaleUp: {stabilizationWindowSeconds: 3600}}"},
		{"the longest interval", "pollingIntervalSeconds: 300"},
		{"min equal to max", "{minReplicas: 7, maxReplicas: 7}"},
		{"the largest values of int32", "{maxReplicas: 2147483647, behavior: {scaleUp: {policies: [{type: Percent, value: 2147483647, periodSeconds: 1}]}}}"},
	} {
		if _, errs := compile(t, c.spec); errs != nil {
			t.Errorf("%s: %v", c.reason, errs)
		}
	}
}

// The digest names the policy, not the manifest.
func TestDigest(t *testing.T) {
	digest := func(spec string) string {
		p, errs := compile(t, spec)
		if errs != nil {
			t.Fatal(errs)
		}
		return Digest(p.Encode())
	}
	plain := digest(``)
	for _, same := range []string{`pollingIntervalSeconds: 10`, `metrics: []`, `behavior: {scaleDown: {stabilizationWindowSeconds: 300, selectPolicy: Max, tolerance: 0}}`} {
		if digest(same) != plain {
			t.Errorf("%s: a default that is said is the same policy", same)
		}
	}
	for _, other := range []string{`pollingIntervalSeconds: 11`, `dryRun: true`, `maxReplicas: 11`, `behavior: {scaleDown: {tolerance: 1n}}`} {
		if digest(other) == plain {
			t.Errorf("%s: another policy has the same digest", other)
		}
	}
	// The figure stands in every journal: another one unmatches them all.
	if want := "19df09e107f93637c72b4ef9e33bf79c"; plain != want {
		t.Errorf("the digest of the default policy is %s, want %s", plain, want)
	}
}

// TestReach holds how far back a policy looks.
func TestReach(t *testing.T) {
	p, _ := compile(t, `behavior: {scaleUp: {stabilizationWindowSeconds: 600, policies: [{type: Count, value: 1, periodSeconds: 90}]}, scaleDown: {policies: [{type: Count, value: 1, periodSeconds: 60}]}}`)
	if p.Window() != 600 || p.Period() != 90 {
		t.Errorf("window %d and period %d, want the longest: 600 and 90", p.Window(), p.Period())
	}
	p, _ = compile(t, ``)
	if p.Window() != 300 || p.Period() != 0 {
		t.Errorf("window %d and period %d, want 300 and none", p.Window(), p.Period())
	}
}

func TestValid(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*Autoscaler)
		want   string
	}{
		{"a compiled policy", func(*Autoscaler) {}, ""},
		{"no interval to lay a grid with", func(p *Autoscaler) { p.Interval = 0 }, "policy: interval 0 is not between 1 and 300 seconds"},
		{"too long an interval", func(p *Autoscaler) { p.Interval = 301 }, "policy: interval 301 is not between 1 and 300 seconds"},
		{"more metrics than a decision holds", func(p *Autoscaler) { p.Metrics = make([]Metric, 17) }, "policy: 17 metrics, at most 16 are allowed"},
	} {
		got := ""
		if err := defaults(c.change).Valid(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.reason, got, c.want)
		}
	}
}

// FuzzCompile feeds specs as JSON: no panic, and a policy is its own encoding.
func FuzzCompile(f *testing.F) {
	f.Add(`{}`)
	f.Add(`{"scaleTargetRef":{"kind":"Deployment","name":"web"},"maxReplicas":5,"metrics":[{"prometheus":{"query":"up","target":{"type":"AverageValue","averageValue":"1500m"}}}]}`)
	f.Add(`{"scaleTargetRef":{"kind":"a","name":"<&\u2028"},"maxReplicas":1,"behavior":{"scaleUp":{"tolerance":"1E3","policies":[{"type":"Pods","value":1,"periodSeconds":1}]}},"pollingIntervalSeconds":1}`)
	f.Fuzz(func(t *testing.T, text string) {
		var spec v1alpha1.HorizontalAutoscalerSpec
		if yaml.Unmarshal([]byte(text), &spec) != nil {
			return
		}
		p, errs := CompileAutoscaler(&spec, field.NewPath("spec"))
		if (p == nil) == (len(errs) == 0) {
			t.Fatalf("policy %v with errors %v", p, errs)
		}
		for _, err := range errs {
			if line := err.Error(); strings.ContainsAny(line, "\n\r") {
				t.Fatalf("more than one line: %q", line)
			}
		}
		if p == nil {
			return
		}
		if err := p.Valid(); err != nil {
			t.Fatal(err)
		}
		encoded := p.Encode()
		var again Autoscaler
		if err := yaml.UnmarshalStrict(encoded, &again); err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if got, want := Digest(again.Encode()), Digest(encoded); got != want {
			t.Fatalf("%s read back is %s", encoded, again.Encode())
		}
	})
}

// TestSource holds that a metric's source is part of the policy where there is one,
// that the digest of a policy without is what it always was, and that a name must be one.
func TestSource(t *testing.T) {
	ten := resource.MustParse("10")
	spec := v1alpha1.HorizontalAutoscalerSpec{
		ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}, MinReplicas: 1, MaxReplicas: 2,
		Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{Query: "q", Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten}}}},
	}
	keys := map[uint32]string{}
	for source, want := range map[string]string{
		"":   `"metrics":[{"query":"q","type":"AverageValue","target":10}]`,
		"eu": `"metrics":[{"source":"eu","query":"q","type":"AverageValue","target":10}]`,
		"us": `"metrics":[{"source":"us","query":"q","type":"AverageValue","target":10}]`,
	} {
		spec.Metrics[0].Prometheus.Source = source
		p, errs := CompileAutoscaler(&spec, field.NewPath("spec"))
		if len(errs) > 0 || !strings.Contains(string(p.Encode()), want) {
			t.Fatalf("%q: %v, %s", source, errs, p.Encode())
		}
		if other, twice := keys[p.Metrics[0].Key()]; twice {
			t.Errorf("a failure of %q is one of %q", source, other)
		}
		keys[p.Metrics[0].Key()] = source
	}
	spec.Metrics[0].Prometheus.Source = "EU west"
	if _, errs := CompileAutoscaler(&spec, field.NewPath("spec")); len(errs) != 1 || errs[0].Field != "spec.metrics[0].prometheus.source" {
		t.Errorf("%v", errs)
	}
}
