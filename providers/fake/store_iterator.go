package fake

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// unixMillis is a time in Unix milliseconds. The alias also tells go vet that
// Seek is not meant to be io.Seeker's.
type unixMillis = int64

// An iterator walks over some of a series' samples. It implements
// chunkenc.Iterator.
type iterator struct {
	times      []int64
	floats     []float64
	histograms []*histogram.FloatHistogram
	// at is the index of the current sample, -1 before the first.
	at int
}

func (it *iterator) reset(d *samples, mint, maxt int64) {
	from, to := d.between(mint, maxt)
	it.times, it.floats, it.histograms, it.at = d.times[from:to], d.floats[from:to], nil, -1
	if d.histograms != nil {
		it.histograms = d.histograms[from:to]
	}
}

// Next implements chunkenc.Iterator.
func (it *iterator) Next() chunkenc.ValueType {
	if it.at < len(it.times) {
		it.at++
	}
	return it.kind()
}

// Seek implements chunkenc.Iterator. Queries mostly look for a sample close to
// the current one or for the last one, so it widens its steps before it bisects.
func (it *iterator) Seek(t unixMillis) chunkenc.ValueType {
	low := max(it.at, 0)
	if low < len(it.times) && it.times[low] < t {
		step := 1
		for low+step < len(it.times) && it.times[low+step] < t {
			low += step
			step *= 2
		}
		high := min(low+step, len(it.times))
		low += search(it.times[low:high], t)
	}
	it.at = low
	return it.kind()
}

// kind is the type of the current sample.
func (it *iterator) kind() chunkenc.ValueType {
	switch {
	case it.at >= len(it.times):
		return chunkenc.ValNone
	case it.histograms != nil && it.histograms[it.at] != nil:
		return chunkenc.ValFloatHistogram
	default:
		return chunkenc.ValFloat
	}
}

// At implements chunkenc.Iterator.
func (it *iterator) At() (int64, float64) { return it.times[it.at], it.floats[it.at] }

// AtHistogram implements chunkenc.Iterator. All histograms here are float
// histograms, so no caller that heeds the value types gets here.
func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.times[it.at], nil
}

// AtFloatHistogram implements chunkenc.Iterator. The engine may change what it
// gets, hence the copy.
func (it *iterator) AtFloatHistogram(h *histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	stored := it.histograms[it.at]
	if h == nil {
		return it.times[it.at], stored.Copy()
	}
	stored.CopyTo(h)
	return it.times[it.at], h
}

// AtT implements chunkenc.Iterator.
func (it *iterator) AtT() int64 { return it.times[it.at] }

// AtST implements chunkenc.Iterator; start timestamps are not kept.
func (it *iterator) AtST() int64 { return 0 }

// Err implements chunkenc.Iterator.
func (it *iterator) Err() error { return nil }
