package fake

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// listFeed is a feed of samples in memory.
type listFeed struct {
	labels  []labels.Labels
	samples []Sample
	next    int
}

func (f *listFeed) Labels(series int) labels.Labels { return f.labels[series] }
func (f *listFeed) Close() error                    { return nil }
func (f *listFeed) Next() (Sample, error) {
	if f.next == len(f.samples) {
		return Sample{}, io.EOF
	}
	f.next++
	return f.samples[f.next-1], nil
}

// wildSamples makes counters with resets, gauges with gaps, stale markers, NaN
// and infinities, and buckets, in a scrape-like rhythm with jitter.
func wildSamples(seed uint64, from, to int64) *listFeed {
	random := rand.New(rand.NewPCG(seed, 1))
	f := &listFeed{}
	var values []float64
	for _, name := range []string{"a_total", "b_total", "g", "h"} {
		for i := range 4 {
			f.labels = append(f.labels, labels.FromStrings("__name__", name, "pod", fmt.Sprint(i), "zone", fmt.Sprint(i%2)))
			values = append(values, 0)
		}
	}
	for _, le := range []string{"0.1", "1", "10", "+Inf"} {
		f.labels = append(f.labels, labels.FromStrings("__name__", "lat_bucket", "le", le))
		values = append(values, 0)
	}
	for t := from; t < to; t += 15_000 {
		for i, l := range f.labels {
			name := l.Get("__name__")
			switch {
			case random.IntN(20) == 0:
				continue
			case random.IntN(60) == 0:
				f.samples = append(f.samples, Sample{Series: i, T: t, F: staleMarker})
				continue
			case name == "a_total" || name == "b_total" || name == "lat_bucket":
				values[i] += random.Float64() * 10
				if random.IntN(50) == 0 {
					values[i] = 0
				}
			default:
				values[i] = math.Round(random.NormFloat64()*10000) / 100
				if random.IntN(100) == 0 {
					values[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}[random.IntN(4)]
				}
			}
			f.samples = append(f.samples, Sample{Series: i, T: t, F: values[i]})
		}
	}
	return f
}

var exogenousQueries = []string{
	"g", `g{pod="1"}`, "sum(g)", "avg(g)", "max(g)", "min(g)", "count(g)", "stddev(g)", "quantile(0.9, g)", "topk(1, g)", "sum by (zone) (g)",
	"sum(rate(a_total[5m]))", "avg(rate(a_total[1m]))", "sum(increase(a_total[90s])) / sum(increase(b_total[90s]))", "sum(irate(a_total[2m])) > 1",
	"g / h", "g * on (pod) group_left h", "sum(g) / count(h)", "-g", "g offset 3m", "avg(g offset 1m) or vector(0)", "absent(g)", `absent(nothing)`,
	"absent_over_time(g[1m])", "count(g > 0)", "group(g * 2)", "scalar(g)", `scalar(g{pod="0"}) * 2`, "vector(1)", "42", "pi()",
	"time()", "time() - 100", "hour()", "minute(vector(time()))", "day_of_week()", "timestamp(g)", "timestamp(g + 0)",
	"max_over_time(g[5m])", "avg(avg_over_time(g[3m]))", "quantile_over_time(0.5, g[5m])", "last_over_time(g[2m])", "present_over_time(g[1m])",
	"max_over_time(sum(rate(a_total[1m]))[10m:1m])", "avg(max_over_time(g[10m:45s]))", "sum_over_time(avg(g)[5m:] offset 1m)", "avg_over_time(rate(a_total[1m])[5m:30s])",
	"histogram_quantile(0.9, sum by (le) (rate(lat_bucket[5m])))", "histogram_quantile(0.5, lat_bucket)",
	"predict_linear(g[10m], 600)", `deriv(g{pod="2"}[5m])`, "clamp_max(sum(g), 10)", "round(avg(g), 0.5)", "changes(g[5m])", "resets(a_total[10m])",
	`label_replace(g, "x", "$1", "pod", "(.*)")`, `label_join(g{pod="1"}, "x", "-", "pod", "zone")`, "sum(g) and sum(h)", "g and h", "g unless h", "g or h",
	"sum(g) >= bool 3", "a_total + on (zone) g",
}

func TestPreevaluatedEqualsInstant(t *testing.T) {
	from := floorDiv(testStart, chunkLength)*chunkLength + 20*60*60*1000
	to := from + 6*60*60*1000
	step := 151 * time.Second
	for _, query := range exogenousQueries {
		if !Exogenous(query, func(string) bool { return false }) {
			t.Errorf("%s: not exogenous", query)
			continue
		}
		ahead, err := NewPreevaluated(query, func() (Feed, error) { return wildSamples(7, from, to), nil },
			Grid{Start: from - 60_000, Interval: step}, time.Minute)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		p := NewPrometheus(Options{Lookback: time.Minute})
		p.Attach(wildSamples(7, from, to))
		for at := from - 60_000; at < to; at += step.Milliseconds() {
			if err := p.Advance(at); err != nil {
				t.Fatal(err)
			}
			want, wantErr := p.Query(context.Background(), query, time.UnixMilli(at))
			got, gotErr := ahead.Query(context.Background(), query, time.UnixMilli(at))
			if (wantErr == nil) != (gotErr == nil) || got.Samples != want.Samples || math.Float64bits(got.Value) != math.Float64bits(want.Value) {
				t.Errorf("%s at %s: ahead %v, %v; instant %v, %v", query, formatTime(at), got, gotErr, want, wantErr)
				break
			}
		}
	}
}

func TestPreevaluatedInstants(t *testing.T) {
	open := func() (Feed, error) {
		return feedOf(t, testStart, time.Minute, InputSpec{Series: "x", Values: "0+1x10000"}), nil
	}
	q, err := NewPreevaluated("x", open, Grid{Start: testStart, Interval: time.Minute}, 0)
	if err != nil {
		t.Fatal(err)
	}
	day := int64(chunkLength)
	cases := []struct {
		reason string
		at     int64
		want   float64
		fails  bool
	}{
		{reason: "the first instant", at: testStart, want: 0},
		{reason: "between two instants", at: testStart + 1, fails: true},
		{reason: "before the grid", at: testStart - 60_000, fails: true},
		{reason: "the next day", at: testStart + day, want: 1440},
		{reason: "the day before is still there", at: testStart + 60_000, want: 1},
		{reason: "two days on", at: testStart + 2*day, want: 2880},
		{reason: "two days back is gone", at: testStart, fails: true},
		{reason: "days may be skipped", at: testStart + 6*day, want: 8640},
	}
	for _, c := range cases {
		got, err := q.At(c.at)
		if (err != nil) != c.fails {
			t.Errorf("%s: error %v", c.reason, err)
		} else if got.Value != c.want {
			t.Errorf("%s: got %v, want %v", c.reason, got.Value, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = q.At(testStart + 6*day) }); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
}

func TestExogenous(t *testing.T) {
	published := func(name string) bool { return name == "kube_deployment_spec_replicas" }
	cases := []struct {
		reason, query string
		want          bool
	}{
		{"recorded input only", "sum(rate(x_total[5m]))", true},
		{"what the run publishes", "sum(x) / kube_deployment_spec_replicas", false},
		{"a name by regular expression may match anything", `{__name__=~"x|y"}`, false},
		{"no name at all", `{pod="a"}`, false},
		{"a negated name", `{__name__!="x"}`, false},
		{"the quoted form of a name", `{"x", pod="a"}`, true},
		{"@ at a fixed instant", "x @ 1700000000", false},
		{"@ start() differs between instant and range", "x @ start()", false},
		{"@ on a subquery", "max_over_time(x[5m:1m] @ end())", false},
		{"an offset into the future", "x offset -5m", false},
		{"an offset into the future of a subquery", "max_over_time(x[5m:1m] offset -5m)", false},
		{"range queries do not sort", "avg(sort(x))", false},
		{"the order after an operator is lost", "avg(x / y)", false},
		{"unless one sample remains", "sum(x) / sum(y)", true},
		{"counting needs no order", "count(x / y)", true},
		{"groups come in another order", "avg(sum by (pod) (x))", false},
		{"an operator within a subquery", "max_over_time(sum(x / y)[5m:1m])", false},
		{"a range vector", "x[5m]", false},
		{"a string", `"x"`, false},
		{"a syntax error", "sum(", false},
	}
	for _, c := range cases {
		if got := Exogenous(c.query, published); got != c.want {
			t.Errorf("%s: Exogenous(%s) = %v", c.reason, c.query, got)
		}
	}
}

func TestRangeEqualsInstant(t *testing.T) {
	to := testStart + 60*60*1000
	p := NewPrometheus(Options{})
	p.Attach(wildSamples(3, testStart, to))
	if err := p.Advance(to); err != nil {
		t.Fatal(err)
	}
	queries := append([]string{"avg(g / h)", "avg(sum by (zone) (g))", "max_over_time(avg(g * h)[5m:1m])", "sum(histogram_quantile(0.9, lat_bucket))", "x @ 1700001000"}, exogenousQueries...)
	for _, query := range queries {
		matrix, err := p.Range(context.Background(), query, testStart, to, time.Minute)
		if err != nil {
			if query == "a_total + on (zone) g" {
				continue
			}
			t.Errorf("%s: %v", query, err)
			continue
		}
		want := 0
		for at := testStart; at <= to; at += 60_000 {
			value, err := p.Instant(query, at)
			if err != nil {
				t.Fatal(err)
			}
			switch v := value.(type) {
			case promql.Vector:
				want += len(v)
			default:
				want++
			}
		}
		if got := matrix.TotalSamples(); got != want {
			t.Errorf("%s: range has %d samples, instants have %d", query, got, want)
		}
	}
}
