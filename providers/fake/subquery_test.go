package fake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func TestBoundsOfSubqueries(t *testing.T) {
	tests := map[string]struct {
		reason, query, want string
	}{
		"Within":       {"half a year by the second", "max_over_time(x[180d:1s])", ""},
		"Century":      {"a slip of the finger", "max_over_time(x[100y:1ms])", "PromQL, character 15: the subquery over 100y would be evaluated at 3153600000001 instants and have more than 50,000,000 samples, the limit of one evaluation (as in Prometheus); shorten its range or widen its step"},
		"Nested":       {"instants multiply", "max_over_time(sum_over_time(x[1d:1s])[1d:1s])", "PromQL, character 29: the subquery over 1d would be evaluated at 7465132801 instants and have more than 50,000,000 samples, the limit of one evaluation (as in Prometheus); shorten its range or widen its step"},
		"DefaultStep":  {"a step that is not given is a minute", "max_over_time(x[100y:])", "PromQL, character 15: the subquery over 100y would be evaluated at 52560001 instants and have more than 50,000,000 samples, the limit of one evaluation (as in Prometheus); shorten its range or widen its step"},
		"Overflowing":  {"no product may wrap around", "max_over_time(max_over_time(max_over_time(x[100y:1ms])[100y:1ms])[100y:1ms])", "PromQL, character 15: "},
		"PlainRange":   {"a range has the samples that there are", "max_over_time(x[100y])", ""},
		"TwoOfThemAdd": {"beside each other they do not multiply", "max_over_time(x[180d:1s]) + max_over_time(x[180d:1s])", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := CheckSubqueries(expr); err != nil {
				got = err.Error()
			}
			if tc.want == "" && got != "" || !strings.HasPrefix(got, strings.TrimSuffix(tc.want, "15: ")) {
				t.Errorf("%s\nwant %q\n got %q", tc.reason, tc.want, got)
			}
			_, err = NewPrometheus(Options{}).Instant(tc.query, 0)
			if bad := errors.Is(err, cycle.ErrBadQuery); bad != (tc.want != "") {
				t.Errorf("evaluated: %v", err)
			}
		})
	}
}

// TestBoundsOfParts has a subquery that is evaluated apart from its expression,
// for the order of its series.
func TestBoundsOfParts(t *testing.T) {
	p := NewPrometheus(Options{MaxSamples: 100})
	feed, err := InputSeries(0, time.Second, []InputSpec{{Series: "x", Values: "1x2000"}})
	if err != nil {
		t.Fatal(err)
	}
	p.Attach(feed)
	if err := p.Advance(1_000_000); err != nil {
		t.Fatal(err)
	}
	_, err = p.Instant("sum(sum_over_time(sum by (a) (x)[1000s:1s]))", 1_000_000)
	if err == nil || !strings.Contains(err.Error(), "too many samples") {
		t.Errorf("got %v", err)
	}
}
