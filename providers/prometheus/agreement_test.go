package prometheus_test

import (
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
)

// start is 2026-01-05T08:00:00Z.
const start = int64(1767600000000)

// TestAgreesWithFake asks the same Prometheus directly and over HTTP.
func TestAgreesWithFake(t *testing.T) {
	direct := fake.NewPrometheus(fake.Options{})
	feed, err := fake.InputSeries(start, 15*time.Second, []fake.InputSpec{
		{Series: `x_total{pod="a"}`, Values: "0+15x100"},
		{Series: `x_total{pod="b"}`, Values: "0+30x9 stale"},
		{Series: `third`, Values: "0.3333333333333333x100"},
		{Series: `sum_of_tenths`, Values: "0.30000000000000004x100"},
		{Series: `huge`, Values: "1.7976931348623157e308x100"},
		{Series: `tiny`, Values: "5e-324x100"},
		{Series: `negative_zero`, Values: "-0x100"},
		{Series: `endless`, Values: "Inf" + strings.Repeat(" Inf", 100)},
		{Series: `undefined`, Values: "NaN" + strings.Repeat(" NaN", 100)},
		{Series: `native`, Values: "{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x100"},
	})
	if err != nil {
		t.Fatal(err)
	}
	direct.Attach(feed)
	now := start + (10 * time.Minute).Milliseconds()
	if err := direct.Advance(now); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake.Handler(direct))
	defer server.Close()
	live, err := prometheus.New(prometheus.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		reason, query string
		at            int64
		want          error
	}{
		{reason: "one sample", query: `x_total{pod="a"}`},
		{reason: "an aggregate", query: `sum(rate(x_total[2m]))`},
		{reason: "a scalar", query: `1.5`},
		{reason: "a scalar that is no number", query: `0/0`},
		{reason: "the time, which must be exact to the millisecond", query: `time()`, at: now - 1},
		{reason: "a sample on the edge of a range", query: `count_over_time(x_total{pod="a"}[15s])`, at: now - 999},
		{reason: "many samples", query: `{__name__=~"x_total|third"}`, at: start + 60_000},
		{reason: "many samples with a histogram", query: `{__name__=~"native|third"}`},
		{reason: "no sample", query: `nothing`},
		{reason: "a series that ended", query: `x_total{pod="b"}`},
		{reason: "a sample that lookback bridges", query: `x_total{pod="a"} offset 1m`, at: start + 61_500},
		{reason: "a fraction", query: `third`},
		{reason: "a fraction with its last bit", query: `sum_of_tenths`},
		{reason: "the largest number", query: `huge`},
		{reason: "the smallest number", query: `tiny`},
		{reason: "negative zero", query: `negative_zero`},
		{reason: "infinity", query: `endless`},
		{reason: "negative infinity", query: `-endless`},
		{reason: "not a number", query: `undefined`},
		{reason: "of a histogram", query: `histogram_quantile(0.5, native)`},
		{reason: "nothing, as a number", query: `nothing or vector(0)`},
		{reason: "a warning", query: `histogram_quantile(2, native)`},
		{reason: "a native histogram", query: `native`, want: cycle.ErrWrongType},
		{reason: "a string", query: `"text"`, want: cycle.ErrWrongType},
		{reason: "a range vector", query: `x_total[5m]`, want: cycle.ErrWrongType},
		{reason: "a syntax error", query: `sum(`, want: cycle.ErrBadQuery},
		{reason: "an unknown function", query: `total(x_total)`, want: cycle.ErrBadQuery},
		{reason: "a type error", query: `rate(x_total)`, want: cycle.ErrBadQuery},
		{reason: "what only the evaluation finds", query: `x_total + on () group_left x_total`, at: start + 60_000, want: cycle.ErrUnavailable},
	}
	for _, c := range cases {
		at := time.UnixMilli(now)
		if c.at != 0 {
			at = time.UnixMilli(c.at)
		}
		want, wantErr := direct.Query(context.Background(), c.query, at)
		got, gotErr := live.Query(context.Background(), c.query, at)
		if cycle.Code(gotErr) != cycle.Code(wantErr) || !errors.Is(gotErr, c.want) {
			t.Errorf("%s: %s: error %v over HTTP, %v without, want %v", c.reason, c.query, gotErr, wantErr, c.want)
			continue
		}
		if len(got.Warnings) != len(want.Warnings) {
			t.Errorf("%s: %s: warnings %q over HTTP, %q without", c.reason, c.query, got.Warnings, want.Warnings)
		}
		bits := cmp.Comparer(func(a, b float64) bool {
			return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
		})
		if diff := cmp.Diff(want, got, bits, cmpopts.IgnoreFields(cycle.Result{}, "Warnings")); diff != "" {
			t.Errorf("%s: %s: (-fake +HTTP)\n%s", c.reason, c.query, diff)
		}
	}
}
