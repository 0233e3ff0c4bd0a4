package sim

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// benchmarkScenario is an autoscaler on a query over ten series, a sample every
// 15 s: counters whose slopes change every few hours, or gauges that change
// every five minutes.
func benchmarkScenario(b testing.TB, days int, query string, gauges bool) *scenario.File {
	b.Helper()
	samples := days*24*3600/15 + 1
	var text strings.Builder
	fmt.Fprintf(&text, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: bench}
spec:
  seed: 1
  start: "2026-01-05T00:00:00Z"
  duration: %dd
  controller: {phase: aligned}
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 5}]
  inputSeries:
`, days)
	for i := range 10 {
		var values []string
		value, left := 0, samples
		for step := 0; left > 0; step++ {
			slope := 30 + 13*((step*7+i*3)%11)
			n := min(997, left)
			if gauges {
				n = min(20, left)
				value, slope = slope, 0
			}
			values = append(values, fmt.Sprintf("%d+%dx%d", value, slope, n-1))
			value += slope * n
			left -= n
		}
		fmt.Fprintf(&text, "  - {series: 'x{i=\"%d\"}', values: '%s'}\n", i, strings.Join(values, " "))
	}
	fmt.Fprintf(&text, `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 100
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: %q, target: {type: AverageValue, value: 5}}
`, query)
	return loadText(b, text.String())
}

func openFile(b testing.TB, f *scenario.File) (*Input, []Autoscaler) {
	b.Helper()
	in, err := Open(context.Background(), f)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close() })
	autoscalers, err := Resolve(f.Manifests, "")
	if err != nil {
		b.Fatal(err)
	}
	return in, autoscalers
}

// bare evaluates the query as the engine alone would: over the same samples, a
// day at a time or at every instant.
func bare(b testing.TB, in *Input, query string, instant bool) time.Duration {
	b.Helper()
	began := time.Now()
	feed, err := in.feed([]string{query}, nil)
	if err != nil {
		b.Fatal(err)
	}
	p := fake.NewPrometheus(fake.Options{Start: in.start})
	p.Attach(feed)
	defer p.Close()
	const day = 24 * 3600 * 1000
	if instant {
		if err := p.Retain(query); err != nil {
			b.Fatal(err)
		}
		for at := in.start; at < in.end; at += 15_000 {
			if err := p.Advance(at); err != nil {
				b.Fatal(err)
			}
			if _, err := p.Query(context.Background(), query, time.UnixMilli(at)); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	for at := in.start; at < in.end; at += day {
		if err := p.Advance(at + day); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Range(context.Background(), query, at, at+day-1, 15*time.Second); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(began)
}

func compareWithBare(b *testing.B, days int, query string, gauges, instant bool) {
	in, autoscalers := openFile(b, benchmarkScenario(b, days, query, gauges))
	var queries, runs time.Duration
	var records int64
	for b.Loop() {
		queries += bare(b, in, query, instant)
		began := time.Now()
		result, err := in.Play(context.Background(), autoscalers, Options{Journal: io.Discard})
		if err != nil {
			b.Fatal(err)
		}
		runs += time.Since(began)
		records += result.Records
	}
	b.ReportMetric(float64(runs)/float64(queries), "x-bare")
	b.ReportMetric(float64(records)/runs.Seconds(), "decisions/s")
}

// BenchmarkReplayOpenLoop compares a whole replay, journal and all, with the
// bare range query; at most 1.5 times its time is the aim.
func BenchmarkReplayOpenLoop(b *testing.B) { compareWithBare(b, 7, "sum(rate(x[5m]))", false, false) }

// BenchmarkReplayInstant does the same for a query that has to be asked slot by
// slot, because it might name a series of the world; at most 1.25 is the aim.
func BenchmarkReplayInstant(b *testing.B) {
	compareWithBare(b, 1, `sum(rate({__name__=~"x"}[5m]))`, false, true)
}

// BenchmarkReplayGauge is the same without rates.
func BenchmarkReplayGauge(b *testing.B) {
	compareWithBare(b, 1, `sum({__name__=~"x"})`, true, true)
}

// BenchmarkReplayRestlessGauge asks for another count at every slot, so that
// every slot has a state to store.
func BenchmarkReplayRestlessGauge(b *testing.B) {
	compareWithBare(b, 1, `sum({__name__=~"x"})`, false, true)
}

// BenchmarkThousandAutoscalers runs 1,000 autoscalers for 24 hours at 15 s over
// simple gauges, open loop, the journal digested but not written.
func BenchmarkThousandAutoscalers(b *testing.B) {
	var text strings.Builder
	text.WriteString(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: thousand}
spec:
  seed: 1
  start: "2026-01-05T00:00:00Z"
  duration: 1d
  targets:
`)
	var manifests strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {apiVersion: apps/v1, kind: Deployment, name: web-%d, replicas: 5}\n", i)
		fmt.Fprintf(&manifests, `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web-%d}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-%d}
  minReplicas: 1
  maxReplicas: 100
  pollingIntervalSeconds: 15
  metrics:
  - prometheus: {query: 'queue_length{queue="%d"}', target: {type: AverageValue, value: 4}}
`, i, i, i)
	}
	text.WriteString("  inputSeries:\n")
	for i := range 1000 {
		fmt.Fprintf(&text, "  - {series: 'queue_length{queue=\"%d\"}', values: '%d+1x%d %d-1x2879 40x%d'}\n", i, i%50, 2879, 3000, 0)
	}
	in, autoscalers := openFile(b, loadText(b, text.String()+manifests.String()))
	var records int64
	for b.Loop() {
		result, err := in.Play(context.Background(), autoscalers, Options{})
		if err != nil {
			b.Fatal(err)
		}
		records += result.Records
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "decisions/s")
}
