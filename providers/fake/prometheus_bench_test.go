package fake

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

const benchmarkQuery = "sum(rate(x[5m]))"

// benchmarkStore has ten counters, scraped every 15 s for an hour.
func benchmarkStore(b *testing.B) *Prometheus {
	b.Helper()
	p := NewPrometheus(Options{})
	var specs []InputSpec
	for _, pod := range "abcdefghij" {
		specs = append(specs, InputSpec{Series: `x{pod="` + string(pod) + `"}`, Values: "0+7x240"})
	}
	p.Attach(feedOf(b, testStart, 15*time.Second, specs...))
	if err := p.Advance(at(time.Hour)); err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkInstant measures an instant query over ten series: the plan reused,
// and the engine asked anew each time.
func BenchmarkInstant(b *testing.B) {
	p := benchmarkStore(b)
	now := time.UnixMilli(p.Now())
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Query(context.Background(), benchmarkQuery, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("engine", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			q, err := p.planner.engine.NewInstantQuery(context.Background(), p.store, nil, benchmarkQuery, now)
			if err != nil {
				b.Fatal(err)
			}
			if r := q.Exec(context.Background()); r.Err != nil {
				b.Fatal(r.Err)
			}
			q.Close()
		}
	})
	b.Run("floor", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Query(context.Background(), "vector(1)", now); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPreevaluated measures one slot of the same query evaluated ahead,
// its share of reading the samples and of the range query included.
func BenchmarkPreevaluated(b *testing.B) {
	b.ReportAllocs()
	step := int64(15_000)
	var q *Preevaluated
	now := int64(0)
	for b.Loop() {
		if now%chunkLength == 0 {
			b.StopTimer()
			var specs []InputSpec
			for _, pod := range "abcdefghij" {
				specs = append(specs, InputSpec{Series: `x{pod="` + string(pod) + `"}`, Values: "0+7x5760"})
			}
			feed := feedOf(b, 0, 15*time.Second, specs...)
			b.StartTimer()
			var err error
			q, err = NewPreevaluated(benchmarkQuery, func() (Feed, error) { return feed, nil }, Grid{Start: 0, Interval: 15 * time.Second}, 0)
			if err != nil {
				b.Fatal(err)
			}
			now = 0
		}
		if _, err := q.At(now); err != nil {
			b.Fatal(err)
		}
		now += step
	}
}

// BenchmarkScrape measures one series of a scrape in the steady case.
func BenchmarkScrape(b *testing.B) {
	p := NewPrometheus(Options{})
	if err := p.Retain("x"); err != nil {
		b.Fatal(err)
	}
	const n = 1000
	all := make([]labels.Labels, n)
	for i := range all {
		all[i] = labels.FromStrings("__name__", "x", "pod", string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	err := p.AddScrape(Scrape{Interval: 15 * time.Second, Collect: func(now int64, emit func(labels.Labels, float64)) {
		for _, l := range all {
			emit(l, float64(now))
		}
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		if err := advance(p, now); err != nil {
			b.Fatal(err)
		}
		now += 15_000
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/series")
}
