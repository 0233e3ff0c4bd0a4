package convert

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// TestFormula makes one metric of the triggers that scalingModifiers combine, or says
// that it does not.
func TestFormula(t *testing.T) {
	const twice = `(scalar((lag) or on() vector(0)) + scalar((rate(done[1m])) or on() vector(0))) / 2`
	tests := map[string]struct {
		reason, formula, more string
		query                 string
		metrics               int
		want                  string
	}{
		"Sum":        {"arithmetic over names", "(a + b) / 2", "", twice, 1, "the formula is one query"},
		"Compact":    {"without spaces", "(a+b)/2", "", twice, 1, "the formula is one query"},
		"BesideCPU":  {"cpu stays a metric of its own", "a", `, {type: cpu, metricType: Utilization, metadata: {value: "50"}}`, `scalar((lag) or on() vector(0))`, 2, "the formula is one query"},
		"NamedCPU":   {"cpu has no value that KEDA knows", "a + c", `, {type: cpu, name: c, metricType: Utilization, metadata: {value: "50"}}`, `(lag) or on() vector(0)`, 3, `the formula "a + c"`},
		"Unknown":    {"a name that no trigger has", "a + z", "", `(lag) or on() vector(0)`, 2, `the formula "a + z"`},
		"Condition":  {"a condition is more than arithmetic", "a > 2 ? a : b", "", `(lag) or on() vector(0)`, 2, "is dropped"},
		"Function":   {"as is a function", "max(a, b)", "", `(lag) or on() vector(0)`, 2, "is dropped"},
		"Unbalanced": {"and what is no expression", "(a + b", "", `(lag) or on() vector(0)`, 2, "is dropped"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			text, err := yaml.YAMLToJSON([]byte(`{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}, spec: {scaleTargetRef: {name: web},
  advanced: {scalingModifiers: {formula: "` + tc.formula + `", target: "7", activationTarget: "3", metricType: Value}},
  triggers: [{type: prometheus, name: a, metadata: {query: lag, threshold: "1", activationThreshold: "9"}}, {type: prometheus, name: b, metadata: {query: "rate(done[1m])", threshold: "1"}}` + tc.more + `]}}`))
			if err != nil {
				t.Fatal(err)
			}
			result, err := JSON(text, Options{Parse: parseQuery, AllowLoss: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := JSON(text, Options{Parse: parseQuery}); (err == nil) != (tc.want == "the formula is one query") || err != nil && !strings.Contains(err.Error(), "spec.advanced.scalingModifiers: the formula") {
				t.Errorf("%s: without a loss allowed: %v", tc.reason, err)
			}
			ha := result.Objects[0].(*v1alpha1.HorizontalAutoscaler)
			if got := ha.Spec.Metrics[0].Prometheus.Query; got != tc.query || len(ha.Spec.Metrics) != tc.metrics {
				t.Errorf("%s: %d metrics, the first %s, want %d, %s", tc.reason, len(ha.Spec.Metrics), got, tc.metrics, tc.query)
			}
			if m := ha.Spec.Metrics[0]; tc.want == "the formula is one query" &&
				(m.Prometheus.Target.Value.String() != "7" || m.Activation.String() != "3" || result.Source(ha, "spec.metrics[0].prometheus.query") != "spec.advanced.scalingModifiers") {
				t.Errorf("%s: %+v of %s", tc.reason, m, result.Source(ha, "spec.metrics[0].prometheus.query"))
			}
			var notes strings.Builder
			for _, n := range result.Notes {
				notes.WriteString(n.String() + "\n")
			}
			if !strings.Contains(notes.String(), tc.want) {
				t.Errorf("%s: notes without %q:\n%s", tc.reason, tc.want, notes.String())
			}
		})
	}
	text, err := yaml.YAMLToJSON([]byte(`{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: web}, spec: {scaleTargetRef: {name: web},
  advanced: {scalingModifiers: {formula: a, target: many}}, triggers: [{type: prometheus, name: a, metadata: {query: lag, threshold: "1"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JSON(text, Options{Parse: parseQuery}); err == nil || !strings.Contains(err.Error(), "spec.advanced.scalingModifiers.target: ") {
		t.Errorf("a target that is no number: %v", err)
	}
}

// parseQuery reads PromQL and tells whether it yields a scalar.
func parseQuery(query string) (scalar bool, err error) {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return false, err
	}
	return expr.Type() == parser.ValueTypeScalar, nil
}
