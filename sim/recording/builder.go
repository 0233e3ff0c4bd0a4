package recording

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// chunkSamples is the number of samples in a chunk, as in Prometheus.
const chunkSamples = 120

// A builder collects samples in any order and writes them as a block. Samples
// in order are compressed at once; tsdb's own block writer refuses what is
// older than half a block.
type builder struct {
	list        []*builtSeries
	byHash      map[uint64][]*builtSeries
	samples     int64
	histograms  int64
	first, last int64
	spacings    spacings
	// memory is about what series and samples take.
	memory int64
}

const (
	// seriesMemory and chunkMemory are what a series and a chunk take besides
	// labels and samples, sampleMemory a sample that came out of order.
	seriesMemory, chunkMemory, sampleMemory = 640, 160, 96
)

// builtSeries are the samples of one series so far.
type builtSeries struct {
	labels labels.Labels
	// chunks have the samples that came in order, up to last.
	chunks []chunks.Meta
	last   int64
	count  int
	app    chunkenc.Appender
	// others are samples that came out of order, and histograms.
	others []builtSample
}

// A builtSample is a sample with the place it was read from. It implements
// chunks.Sample.
type builtSample struct {
	t     int64
	f     float64
	h     *histogram.Histogram
	fh    *histogram.FloatHistogram
	where int64
}

// A duplicate is the error of a second sample of a series at one instant.
type duplicate struct {
	series labels.Labels
	t      int64
	where  int64
}

func (d *duplicate) Error() string {
	return fmt.Sprintf("series %s has a second sample at %s; every instant may stand once",
		shown(d.series), instant(d.t))
}

func newBuilder() *builder {
	return &builder{byHash: map[uint64][]*builtSeries{}, first: math.MaxInt64, last: math.MinInt64}
}

// series returns the series with these labels, which the builder keeps.
func (b *builder) series(l labels.Labels) *builtSeries {
	hash := l.Hash()
	for _, s := range b.byHash[hash] {
		if labels.Equal(s.labels, l) {
			return s
		}
	}
	s := &builtSeries{labels: l, last: math.MinInt64}
	b.byHash[hash] = append(b.byHash[hash], s)
	b.list = append(b.list, s)
	b.memory += seriesMemory + 2*int64(l.ByteSize())
	return s
}

// add adds a sample; where it was read from comes back in a *duplicate error,
// here or from write.
func (b *builder) add(s *builtSeries, x builtSample) error {
	b.samples++
	b.first, b.last = min(b.first, x.t), max(b.last, x.t)
	if b.memory > limit.Converted {
		return &tooMuch{int64(len(b.list)), b.samples}
	}
	switch {
	case x.h != nil || x.fh != nil:
		b.histograms++
		b.memory += sampleMemory + histogramMemory(x)
		s.others = append(s.others, x)
		return nil
	case s.app != nil && x.t == s.last:
		return &duplicate{s.labels, x.t, x.where}
	case s.app != nil && x.t < s.last:
		b.memory += sampleMemory
		s.others = append(s.others, x)
		return nil
	case s.app != nil:
		b.spacings.add(x.t - s.last)
	}
	if s.count == chunkSamples {
		b.memory += chunkMemory + int64(len(s.chunks[len(s.chunks)-1].Chunk.Bytes()))
	}
	return s.append(x.t, x.f)
}

// histogramMemory is about what a histogram takes.
func histogramMemory(x builtSample) int64 {
	if x.h != nil {
		return int64(200 + 8*(len(x.h.PositiveBuckets)+len(x.h.NegativeBuckets)+len(x.h.PositiveSpans)+len(x.h.NegativeSpans)))
	}
	return int64(200 + 8*(len(x.fh.PositiveBuckets)+len(x.fh.NegativeBuckets)+len(x.fh.PositiveSpans)+len(x.fh.NegativeSpans)))
}

func (s *builtSeries) append(t int64, f float64) error {
	if s.app == nil || s.count == chunkSamples {
		chunk := chunkenc.NewXORChunk()
		app, err := chunk.Appender()
		if err != nil {
			return fmt.Errorf("starting a chunk: %w", err)
		}
		s.compact()
		s.chunks = append(s.chunks, chunks.Meta{Chunk: chunk, MinTime: t})
		s.app, s.count = app, 0
	}
	s.app.Append(0, t, f)
	s.chunks[len(s.chunks)-1].MaxTime = t
	s.last = t
	s.count++
	return nil
}

// compact frees what the last chunk has reserved but does not need.
func (s *builtSeries) compact() {
	if n := len(s.chunks); n > 0 {
		s.chunks[n-1].Chunk.Compact()
	}
}

// finish returns the chunks of the series in order of time.
func (s *builtSeries) finish() ([]chunks.Meta, error) {
	if len(s.others) == 0 {
		return s.chunks, nil
	}
	samples, err := s.sorted()
	if err != nil {
		return nil, err
	}
	encoder := storage.NewSeriesToChunkEncoder(storage.NewListSeries(s.labels, samples))
	it := encoder.Iterator(nil)
	var metas []chunks.Meta
	for it.Next() {
		metas = append(metas, it.At())
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("series %s: %w", shown(s.labels), err)
	}
	return metas, nil
}

// sorted merges the samples that came in order with the others.
func (s *builtSeries) sorted() ([]chunks.Sample, error) {
	all := s.others
	for _, meta := range s.chunks {
		it := meta.Chunk.Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			t, f := it.At()
			all = append(all, builtSample{t: t, f: f})
		}
		if err := it.Err(); err != nil {
			return nil, fmt.Errorf("series %s: %w", shown(s.labels), err)
		}
	}
	slices.SortFunc(all, func(a, b builtSample) int {
		return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.where, b.where))
	})
	samples := make([]chunks.Sample, len(all))
	for i, x := range all {
		if i > 0 && x.t == all[i-1].t {
			return nil, &duplicate{s.labels, x.t, x.where}
		}
		samples[i] = x
	}
	return samples, nil
}

// T returns the instant.
func (x builtSample) T() int64 { return x.t }

// ST returns 0: start timestamps are not kept.
func (x builtSample) ST() int64 { return 0 }

// F returns the value of a float sample.
func (x builtSample) F() float64 { return x.f }

// H returns the integer histogram, if it is one.
func (x builtSample) H() *histogram.Histogram { return x.h }

// FH returns the float histogram, if it is one.
func (x builtSample) FH() *histogram.FloatHistogram { return x.fh }

// Type returns the kind of sample.
func (x builtSample) Type() chunkenc.ValueType {
	switch {
	case x.h != nil:
		return chunkenc.ValHistogram
	case x.fh != nil:
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

// Copy returns a deep copy.
func (x builtSample) Copy() chunks.Sample {
	if x.h != nil {
		x.h = x.h.Copy()
	}
	if x.fh != nil {
		x.fh = x.fh.Copy()
	}
	return x
}
