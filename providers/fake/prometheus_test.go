package fake

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

const testStart = int64(1_700_000_040_000)

// feedOf parses promtool notation for tests.
func feedOf(t testing.TB, start int64, interval time.Duration, specs ...InputSpec) Feed {
	t.Helper()
	feed, err := InputSeries(start, interval, specs)
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

func at(offset time.Duration) int64 { return testStart + offset.Milliseconds() }

func TestQuery(t *testing.T) {
	specs := []InputSpec{
		{Series: `requests_total{pod="a"}`, Values: "0+10x40"},
		{Series: `requests_total{pod="b"}`, Values: "0+20x40"},
		{Series: `queue_length`, Values: "5x10 stale 7x30"},
		{Series: `native`, Values: "{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x40"},
		{Series: `broken`, Values: "NaN Inf -Inf"},
	}
	cases := []struct {
		reason string
		query  string
		at     time.Duration
		want   cycle.Result
		err    error
	}{
		{reason: "one series", query: "queue_length", at: 0, want: cycle.Result{Samples: 1, Value: 5}},
		{reason: "a stale marker ends a series at once", query: "queue_length", at: 11 * 15 * time.Second, want: cycle.Result{}},
		{reason: "after the marker it goes on", query: "queue_length", at: 12 * 15 * time.Second, want: cycle.Result{Samples: 1, Value: 7}},
		{reason: "many series are only counted", query: "requests_total", at: time.Minute, want: cycle.Result{Samples: 2}},
		{reason: "no series is no error", query: "nothing", at: time.Minute, want: cycle.Result{}},
		{reason: "a scalar is one sample", query: "scalar(sum(requests_total))", at: time.Minute, want: cycle.Result{Samples: 1, Value: 120}},
		{reason: "a literal is a scalar", query: "42", at: time.Minute, want: cycle.Result{Samples: 1, Value: 42}},
		{reason: "a rate over a range", query: "sum(rate(requests_total[1m]))", at: 2 * time.Minute, want: cycle.Result{Samples: 1, Value: 2}},
		{reason: "a negative offset sees nothing of the future", query: "requests_total{pod='a'} offset -1m", at: time.Minute, want: cycle.Result{Samples: 1, Value: 40}},
		{reason: "@ sees nothing of the future", query: "requests_total{pod='a'} @ 1700000300", at: time.Minute, want: cycle.Result{Samples: 1, Value: 40}},
		{reason: "start() is the instant", query: "requests_total{pod='a'} @ start()", at: 30 * time.Second, want: cycle.Result{Samples: 1, Value: 20}},
		{reason: "a histogram through a function", query: "histogram_count(native)", at: time.Minute, want: cycle.Result{Samples: 1, Value: 4}},
		{reason: "a histogram is no number", query: "native", at: time.Minute, err: cycle.ErrWrongType},
		{reason: "a string", query: `"text"`, at: time.Minute, err: cycle.ErrWrongType},
		{reason: "a range vector", query: "queue_length[1m]", at: time.Minute, err: cycle.ErrWrongType},
		{reason: "a syntax error", query: "sum(", at: time.Minute, err: cycle.ErrBadQuery},
		{reason: "an unknown function", query: "nope(queue_length)", at: time.Minute, err: cycle.ErrBadQuery},
		{reason: "what the engine refuses at run time", query: "requests_total + on() group_left requests_total", at: time.Minute, err: cycle.ErrUnavailable},
		{reason: "infinity is passed on", query: "broken", at: 15 * time.Second, want: cycle.Result{Samples: 1, Value: math.Inf(1)}},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			p := NewPrometheus(Options{})
			p.Attach(feedOf(t, testStart, 15*time.Second, specs...))
			// Twice: the second time the plan is reused.
			for i := range 2 {
				if err := p.Advance(at(c.at)); err != nil {
					t.Fatal(err)
				}
				got, err := p.Query(context.Background(), c.query, time.UnixMilli(at(c.at)))
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Fatalf("round %d: got error %v, want %v", i, err, c.err)
				}
				got.Warnings = nil
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("round %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestQueryAlongTime(t *testing.T) {
	p := NewPrometheus(Options{})
	p.Attach(feedOf(t, testStart, 15*time.Second, InputSpec{Series: "x", Values: "0+1x100"}))
	for _, query := range []string{"max_over_time(x[1m:15s])", "sum(max_over_time(x[1m:15s]))", "max_over_time(avg(x * 1)[1m:15s])"} {
		for i := range 20 {
			now := at(time.Duration(i) * 15 * time.Second)
			if err := p.Advance(max(now, p.Now())); err != nil {
				t.Fatal(err)
			}
			got, err := p.Query(context.Background(), query, time.UnixMilli(now))
			if err != nil {
				t.Fatal(err)
			}
			if want := (cycle.Result{Samples: 1, Value: float64(i)}); !cmp.Equal(got, want) {
				t.Errorf("%s at %d: got %v, want %v", query, i, got, want)
			}
		}
	}
}
