package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// TestRecordAsRulesDo compares what Record adds with what rules of the fake Prometheus
// record of the same samples: values, gaps, stale markers and a NaN.
func TestRecordAsRulesDo(t *testing.T) {
	in, _ := openFile(t, loadText(t, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: recorded}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  interval: 30s
  prometheus: {lookbackDelta: 2m}
  inputSeries:
  - {series: 'v{pod="a"}', values: '_x4 1+2x20 stale _x9 7x3 _x20 5 NaN 6x30'}
  - {series: 'v{pod="b"}', values: '3x10 _x30 9x60'}
`))
	rules := []RecordingRule{
		{Record: "v:mean", Labels: map[string]string{"team": "x"}, Expr: `sum(avg_over_time(v{pod="a"}[2m]))`},
		{Record: "v:rise", Expr: `max(v:mean{team="x"}) - max(v:mean{team="x"} offset 2m)`},
		{Record: "v:some", Expr: `max(v:rise) or sum(v) > 10`},
	}
	text := "groups:\n- name: g\n  interval: 1m\n  rules:\n"
	for _, r := range rules {
		text += fmt.Sprintf("  - {record: %s, expr: %q", r.Record, r.Expr)
		if r.Labels != nil {
			text += ", labels: {team: x}"
		}
		text += "}\n"
	}
	prom := fake.NewPrometheus(fake.Options{Start: in.start, Lookback: in.Lookback})
	defer prom.Close()
	if err := prom.AddRules("rules.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	feed, err := in.feed(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	prom.Attach(feed)
	if err := in.Record(time.Minute, time.Hour, rules...); err != nil {
		t.Fatal(err)
	}

	var queries []string
	for _, r := range rules {
		queries = append(queries, r.Record, "timestamp("+r.Record+")")
	}
	ask, done, err := in.evaluator(queries, grid{in.start, in.end, 15000})
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]int{}
	for at := in.start; at < in.end; at += 15000 {
		if err := prom.Advance(at); err != nil {
			t.Fatal(err)
		}
		prom.EvaluateRules(at)
		for i, query := range queries {
			want, err := prom.Query(context.Background(), query, time.UnixMilli(at))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ask(i, at)
			if err != nil {
				t.Fatal(err)
			}
			found[got.Samples]++
			if diff := cmp.Diff(fmt.Sprint(want.Samples, want.Value), fmt.Sprint(got.Samples, got.Value)); diff != "" {
				t.Errorf("%s at %s (-rule +Record):\n%s", query, instant(at), diff)
			}
		}
	}
	if found[0] < 50 || found[1] < 100 {
		t.Errorf("%d instants without a sample and %d with one say too little", found[0], found[1])
	}
}

// TestRecordRefuses what is more than one series.
func TestRecordRefuses(t *testing.T) {
	in, _ := openFile(t, loadText(t, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: recorded}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  interval: 30s
  inputSeries: [{series: 'v{pod="a"}', values: '1x20'}, {series: 'v{pod="b"}', values: '_x3 1x20'}]
`))
	err := in.Record(time.Minute, 0, RecordingRule{Record: "all", Expr: "v"})
	if want := "rule all: 2 samples at 2026-01-05T08:02:00Z instead of one"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
