package recording

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// An Estimate holds what a recording will come to.
type Estimate struct {
	// From and To bound the samples, Unix milliseconds, inclusive.
	From, To int64
	// Series counts the series seen in the samples taken.
	Series int64
	// Samples and Bytes are extrapolated from them.
	Samples, Bytes int64
	// StaleMarkers tells whether the source keeps stale markers.
	StaleMarkers bool
}

const (
	// probeLength is the length of a stretch that EstimatePlan reads.
	probeLength = 5 * time.Minute
	// sampleBytes and seriesBytes are typical of a block: a compressed sample
	// and an index entry.
	sampleBytes, seriesBytes = 2, 300
)

// EstimatePlan reads five minutes at the start, the middle and the end of the
// time that Record would save, and extrapolates.
func EstimatePlan(ctx context.Context, source Source, plan Plan) (Estimate, error) {
	if err := plan.check(); err != nil {
		return Estimate{}, err
	}
	from, to := plan.bounds()
	e := Estimate{From: from, To: to, StaleMarkers: source.StaleMarkers()}
	var read, samples int64
	seen := map[uint64]struct{}{}
	for _, span := range probes(from, to) {
		b := newBuilder()
		if err := collect(ctx, source, plan.Selectors, span, b); err != nil {
			return Estimate{}, fmt.Errorf("estimating: %w", err)
		}
		for _, s := range b.list {
			seen[labels.StableHash(s.labels)] = struct{}{}
		}
		read += span.to - span.from + 1
		samples += b.samples
	}
	e.Series = int64(len(seen))
	e.Samples = int64(float64(samples) / float64(read) * float64(to-from+1))
	e.Bytes = e.Samples*sampleBytes + e.Series*seriesBytes
	return e, nil
}

// probes are three stretches, or the whole if it is not longer than they are.
func probes(from, to int64) []span {
	length := probeLength.Milliseconds()
	if to-from < 3*length {
		return []span{{from, to}}
	}
	middle := from + (to-from-length)/2
	return []span{{from, from + length - 1}, {middle, middle + length - 1}, {to - length + 1, to}}
}
