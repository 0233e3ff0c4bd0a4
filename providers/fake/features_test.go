package fake_test

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// TestFeatures parses what each feature allows with and without it: Prometheus' own
// names, of which the parser's refusal must tell.
func TestFeatures(t *testing.T) {
	tests := map[string]struct{ reason, query, feature string }{
		"Function":   {"an experimental function", "mad_over_time(lag[10m])", "promql-experimental-functions"},
		"Aggregator": {"an experimental aggregation", "limitk(3, lag)", "promql-experimental-functions"},
		"Fill":       {"a value for what the other side lacks", "lag + fill(0) rate", "promql-binop-fill-modifiers"},
		"Names":      {"a dot in a name", "http.requests", "promql-unquoted-utf8-names"},
		"Durations":  {"arithmetic in a range needs none", "rate(lag[2*1m])", ""},
		"Smoothed":   {"nor does an extended range", "rate(lag[10m] smoothed)", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := fake.Features{}.Parser().ParseExpr(tc.query)
			if tc.feature == "" {
				if err != nil {
					t.Errorf("%s: %v", tc.reason, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "experimental") || !strings.Contains(err.Error(), "--enable-feature="+tc.feature) {
				t.Errorf("%s: %v, want the word experimental and --enable-feature=%s", tc.reason, err, tc.feature)
			}
			// As one of a list that was copied from Prometheus' command line.
			features, err := fake.ParseFeatures("exemplar-storage, "+tc.feature, "native-histograms")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := features.Parser().ParseExpr(tc.query); err != nil {
				t.Errorf("%s, with %s: %v", tc.reason, tc.feature, err)
			}
		})
	}
	// What no feature mends does not name one.
	if _, err := (fake.Features{}).Parser().ParseExpr("sum(("); err == nil || strings.Contains(err.Error(), "enable-feature") {
		t.Errorf("a typo: %v", err)
	}
	_, err := fake.ParseFeatures("promql-experimental-function")
	if err == nil || !strings.Contains(err.Error(), `did you mean "promql-experimental-functions"?`) {
		t.Errorf("a misspelt feature: %v", err)
	}
}
