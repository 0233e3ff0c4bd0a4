package recording

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

func stream(b *testing.B, r *Recording) (samples int) {
	b.Helper()
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		b.Fatal(err)
	}
	defer feed.Close()
	for {
		if _, err := feed.Next(); err == io.EOF {
			return samples
		} else if err != nil {
			b.Fatal(err)
		}
		samples++
	}
}

func benchmarkFile(b *testing.B, name, text string) {
	path := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(context.Background(), Spec{Path: path}, func() (string, error) { return b.TempDir(), nil })
		if err != nil {
			b.Fatal(err)
		}
		stream(b, r)
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCSV checks and streams a CSV of 50,000 rows: it is read twice.
func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("timestamp,requests,cpu\n")
	for i := range 50_000 {
		fmt.Fprintf(&text, "2026-01-%02d %02d:%02d:%02d,%d,%.3f\n", 1+i/5760, i/240%24, i/4%60, i%4*15, i%977, float64(i%100)/7)
	}
	benchmarkFile(b, "in.csv", text.String())
}

// BenchmarkOpenMetrics converts and streams 50,000 samples of 50 series.
func BenchmarkOpenMetrics(b *testing.B) {
	var text strings.Builder
	text.WriteString("# TYPE requests gauge\n")
	for i := range 50_000 {
		fmt.Fprintf(&text, "requests{pod=\"web-%d\"} %d %d\n", i%50, i%977, 1_767_600_000+i/50*15)
	}
	text.WriteString("# EOF\n")
	benchmarkFile(b, "in.om", text.String())
}

// BenchmarkBlock streams 1,000 series of 1,000 samples; bytes are those of the
// block's chunks.
func BenchmarkBlock(b *testing.B) {
	build := newBuilder()
	for s := range 1000 {
		series := build.series(labels.FromStrings("__name__", "requests", "pod", fmt.Sprintf("web-%d", s)))
		for i := range int64(1000) {
			if err := build.add(series, builtSample{t: i * 15_000, f: float64(i % 77)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	block, err := build.write(context.Background(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(block, "chunks", "000001"))
	if err != nil {
		b.Fatal(err)
	}
	r, err := Open(context.Background(), Spec{Path: block}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	b.SetBytes(info.Size())
	b.ReportAllocs()
	samples := 0
	for b.Loop() {
		samples += stream(b, r)
	}
	b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
}
