package fake

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func TestWindow(t *testing.T) {
	cases := []struct {
		reason, query string
		want          time.Duration
		err           error
	}{
		{reason: "lookback", query: "x", want: 5 * time.Minute},
		{reason: "a range has no lookback", query: "rate(x[10m])", want: 10 * time.Minute},
		{reason: "offset adds", query: "rate(x[10m] offset 1h)", want: 70 * time.Minute},
		{reason: "a subquery adds its range and its selector's", query: "max_over_time(rate(x[10m])[1h:1m])", want: 70 * time.Minute},
		{reason: "nested, with offsets", query: "max_over_time(min_over_time(x[1h:1m] offset 1m)[2h:1m] offset 1d)", want: 27*time.Hour + 6*time.Minute},
		{reason: "the longest counts", query: "x + rate(y[1h]) + z offset 10m", want: time.Hour},
		{reason: "a negative offset shortens", query: "x offset -1m", want: 4 * time.Minute},
		{reason: "no selector", query: "vector(1)", want: 0},
		{reason: "start() is the instant itself", query: "rate(x[10m] @ start())", want: 10 * time.Minute},
		{reason: "and inside a subquery as well", query: "max_over_time((x @ end())[1h:1m])", want: 5 * time.Minute},
		{reason: "@ has no length", query: "x @ 1700000000", err: cycle.ErrBadQuery},
		{reason: "a syntax error", query: "x[", err: cycle.ErrBadQuery},
	}
	for _, c := range cases {
		got, err := Window(c.query, 0)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || got != c.want {
			t.Errorf("%s: Window(%s) = %v, %v; want %v, %v", c.reason, c.query, got, err, c.want, c.err)
		}
	}
	if got, err := Window("x", time.Minute); got != time.Minute || err != nil {
		t.Errorf("with another lookback: %v, %v", got, err)
	}
}

// TestRetainChangesNothing compares a Prometheus that forgets with one that does
// not, and both with one that has nothing but the past.
func TestRetainChangesNothing(t *testing.T) {
	queries := []string{
		"avg(g)", "sum(rate(a_total[5m]))", "max_over_time(avg(g / h)[10m:1m])", "sum(g offset 7m)", "avg(g offset -5m)", "sum(g @ 1700000300)", "sum(rate(a_total[4m] @ end()))",
	}
	to := at(2 * time.Hour)
	forgetful, whole := NewPrometheus(Options{Start: testStart}), NewPrometheus(Options{Start: testStart})
	if err := forgetful.Retain(queries[:5]...); err != nil {
		t.Fatal(err)
	}
	if err := forgetful.Retain(queries[6]); err != nil {
		t.Fatal(err)
	}
	forgetful.Attach(wildSamples(9, testStart, to))
	whole.Attach(wildSamples(9, testStart, to))
	for step, now := 0, testStart; now < to; step, now = step+1, now+73_000 {
		past := NewPrometheus(Options{Start: testStart})
		truncated := step%12 == 0
		if truncated {
			past.Attach(wildSamples(9, testStart, now+1))
		}
		for _, p := range []*Prometheus{forgetful, whole, past} {
			if err := p.Advance(now); err != nil {
				t.Fatal(err)
			}
		}
		for i, query := range queries {
			ask := func(p *Prometheus) (cycle.Result, error) {
				return p.Query(context.Background(), query, time.UnixMilli(now))
			}
			want, err := ask(whole)
			if err != nil {
				t.Fatal(err)
			}
			if i != 5 {
				if got, err := ask(forgetful); err != nil || !sameBits(got, want) {
					t.Fatalf("%s at %d: having forgotten %v, %v; want %v", query, now, got, err, want)
				}
			}
			if truncated {
				if got, err := ask(past); err != nil || !sameBits(got, want) {
					t.Fatalf("%s at %d: without a future %v, %v; want %v", query, now, got, err, want)
				}
			}
		}
	}
	kept := 0
	for _, d := range forgetful.store.all.series {
		kept += len(d.times) - d.first
	}
	if all := len(wildSamples(9, testStart, to).samples); kept > all/3 {
		t.Errorf("%d of %d samples are still there", kept, all)
	}
}

func sameBits(a, b cycle.Result) bool {
	return a.Samples == b.Samples && math.Float64bits(a.Value) == math.Float64bits(b.Value)
}

func TestQueryThatComesTooLate(t *testing.T) {
	p := NewPrometheus(Options{})
	if err := p.Retain("x"); err != nil {
		t.Fatal(err)
	}
	p.Attach(feedOf(t, testStart, time.Minute, InputSpec{Series: "x", Values: "0+1x1000"}))
	for now := testStart; now <= at(3*time.Hour); now += 60_000 {
		if err := p.Advance(now); err != nil {
			t.Fatal(err)
		}
	}
	late := "max_over_time(x[1h])"
	_, err := p.Query(context.Background(), late, time.UnixMilli(p.Now()))
	if err == nil || !strings.Contains(err.Error(), "register the query before the run") {
		t.Errorf("got %v", err)
	}
	// From now on its window is kept, so it works an hour later.
	for now := p.Now(); now <= at(5*time.Hour); now += 60_000 {
		if err := p.Advance(now); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.Query(context.Background(), late, time.UnixMilli(p.Now()))
	if err != nil || got.Value != 300 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := p.Retain("x["); !errors.Is(err, cycle.ErrBadQuery) {
		t.Errorf("an invalid query is registered: %v", err)
	}
}

// TestNothingIsAsked holds that samples which no query reads take no room, as
// those of a world whose decisions read only what was recorded.
func TestNothingIsAsked(t *testing.T) {
	for name, queries := range map[string][]string{"None": {}, "One": {"x"}} {
		t.Run(name, func(t *testing.T) {
			p := NewPrometheus(Options{})
			if err := p.Retain(queries...); err != nil {
				t.Fatal(err)
			}
			p.Attach(feedOf(t, testStart, time.Minute, InputSpec{Series: "x", Values: "0+1x1000"}))
			for now := testStart; now <= at(10*time.Hour); now += 60_000 {
				if err := p.Advance(now); err != nil {
					t.Fatal(err)
				}
			}
			kept := 0
			for _, d := range p.store.all.series {
				kept += len(d.times)
			}
			if kept > 10 {
				t.Errorf("%d of 600 samples are still there", kept)
			}
		})
	}
}
