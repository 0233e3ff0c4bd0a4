package recording

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// A staleness finds where series of a recording without stale markers ended. Prometheus
// writes a marker at the first scrape that has a series no more, one interval after
// its last sample. That there was such a scrape show the samples of other series: where
// all series pause, it was the server that did, which leaves no markers.
type staleness struct {
	from int64
	// seconds has a bit for each second from from on in which anything was scraped.
	seconds []uint64
	// intervals has that of each series, in milliseconds.
	intervals []int64
	endings   []ending
}

// An ending is a sample after which a series paused for more than its interval, or
// for good.
type ending struct {
	series         labels.Labels
	last, interval int64 // milliseconds
}

// leastSamples is how many tell the interval of a series.
const leastSamples = 4

// inferMarkers writes a block of the stale markers that the blocks of a growing
// recording lack, and returns how many there are; 0 and no block where none.
func (r *recorder) inferMarkers(ctx context.Context) (block string, markers int64, err error) {
	dir := filepath.Join(r.work, "staleness")
	if err := os.RemoveAll(dir); err != nil {
		return "", 0, pathError(dir, err)
	}
	s := &staleness{from: math.MaxInt64}
	if err := s.read(r.work, r.state.Blocks); err != nil {
		return "", 0, err
	}
	b := newBuilder()
	slices.Sort(s.intervals)
	for _, e := range s.endings {
		if marker := e.last + e.interval; s.scrapedAfter(e) {
			if err := b.add(b.series(e.series), builtSample{t: marker, f: math.Float64frombits(value.StaleNaN)}); err != nil {
				return "", 0, err
			}
		}
	}
	if b.samples == 0 {
		return "", 0, nil
	}
	block, err = b.write(ctx, dir)
	return block, b.samples, err
}

// read goes through all series, one at a time.
func (s *staleness) read(work string, relative []string) (err error) {
	all := &blocks{path: work, open: map[*blockFeed]struct{}{}}
	defer func() {
		if closed := all.close(); err == nil {
			err = closed
		}
	}()
	for _, name := range relative {
		one, err := openBlocks(filepath.Join(work, name))
		if err != nil {
			return err
		}
		all.blocks = append(all.blocks, one.blocks...)
		for _, block := range one.blocks {
			s.from = min(s.from, block.MinTime())
		}
	}
	set, queriers, err := all.selectSeries(nil, math.MinInt64, math.MaxInt64, nil)
	if err != nil {
		return err
	}
	defer closeQueriers(queriers)
	var it chunkenc.Iterator
	var times []int64
	for set.Next() {
		series := set.At()
		it = series.Iterator(it)
		times = times[:0]
		ended := false
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			t := it.AtT()
			if kind == chunkenc.ValFloat {
				_, f := it.At()
				ended = ended || value.IsStaleNaN(f)
			}
			times = append(times, t)
			s.note(t)
		}
		if err := it.Err(); err != nil {
			return all.damaged(err)
		}
		if !ended { // a source that has its own markers has them all
			s.end(series.Labels(), times)
		}
	}
	if err := set.Err(); err != nil {
		return all.damaged(err)
	}
	return nil
}

// note notes that something was scraped.
func (s *staleness) note(t int64) {
	second := (t - s.from) / 1000
	for int(second/64) >= len(s.seconds) {
		s.seconds = append(s.seconds, 0)
	}
	s.seconds[second/64] |= 1 << (second % 64)
}

// end notes where a series that was scraped at an interval paused.
func (s *staleness) end(series labels.Labels, times []int64) {
	if len(times) < leastSamples {
		return
	}
	distances := make([]int64, 0, len(times)-1)
	for i := range times[1:] {
		distances = append(distances, times[i+1]-times[i])
	}
	sorted := slices.Clone(distances)
	slices.Sort(sorted)
	interval := sorted[len(sorted)/2]
	onGrid := 0
	for _, d := range distances {
		if off := math.Abs(float64(d)/float64(interval) - math.Round(float64(d)/float64(interval))); off <= 0.1 {
			onGrid++
		}
	}
	if 10*onGrid < 9*len(distances) {
		return // it is pushed, or has times of its own, of which Prometheus writes no markers
	}
	s.intervals = append(s.intervals, interval)
	name := labels.Labels{}
	for i, t := range times {
		if i == len(times)-1 || 2*distances[i] > 3*interval {
			if name.IsEmpty() {
				name = series.Copy()
			}
			s.endings = append(s.endings, ending{series: name, last: t, interval: interval})
		}
	}
}

// scrapedAfter says whether anything was scraped about when the next sample of a
// series was due. Series with longer intervals than its own may have to tell.
func (s *staleness) scrapedAfter(e ending) bool {
	usual := s.intervals[len(s.intervals)/2]
	from := e.last + e.interval/2
	to := from + max(e.interval, usual)
	for second := (from-s.from)/1000 + 1; second <= (to-s.from)/1000; second++ {
		if int(second/64) < len(s.seconds) && s.seconds[second/64]>>(second%64)&1 == 1 {
			return true
		}
	}
	return false
}

// errDownsampled refuses what Thanos' compactor has made of samples.
func errDownsampled(series labels.Labels, resolution int64) error {
	return fmt.Errorf("the samples of %s are downsampled to %s, of which rates and counts are not those that were scraped: record a time for which raw data are kept",
		shown(series), map[int64]string{300_000: "5m", 3_600_000: "1h"}[resolution])
}

// downsampled is the resolution to which Thanos has downsampled a series, in
// milliseconds, and 0 where it has not: its samples stand at the last millisecond of
// each window, which no scrape loop hits again and again.
func downsampled(times []int64) int64 {
	if len(times) < 3 {
		return 0
	}
	for _, resolution := range []int64{3_600_000, 300_000} {
		hits := 0
		for _, t := range times {
			if mod(t+1, resolution) == 0 {
				hits++
			}
		}
		if hits >= len(times)-1 { // the newest window is not over
			return resolution
		}
	}
	return 0
}
