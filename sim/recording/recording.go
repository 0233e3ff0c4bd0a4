package recording

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/output"
)

// Info holds what is known of a recording without streaming it.
type Info struct {
	Path   string
	Format Format
	// First and Last are the instants of the first and the last sample, shifted.
	First, Last int64
	// Samples counts all samples; where blocks overlap, duplicates count twice.
	Samples int64
	// MedianSpacing is the median time between consecutive samples of a
	// series; of blocks it is estimated from the beginnings of many series. It
	// is 0 if no series has two samples.
	MedianSpacing time.Duration
	// Notes tell what was done to the data, such as renamed columns, a line each.
	Notes []string
	// Columns has the columns of a CSV, in their order; nil for other formats.
	Columns []Column
	// Manifest is the file that Record wrote beside the samples; nil for other formats.
	Manifest *Manifest
}

// A source is one format's way to the samples. Instants are unshifted.
type source interface {
	// series lists the series that match any of the sets of matchers, or all.
	series(matchers [][]*labels.Matcher) ([]labels.Labels, error)
	// feed streams the samples of those series in [from, to].
	feed(matchers [][]*labels.Matcher, from, to int64) (fake.Feed, error)
	// describe reads all samples and visits the series that match, sorted by labels.
	describe(ctx context.Context, matchers [][]*labels.Matcher, visit func(*described)) error
	close() error
}

// A Recording is an open recording. Its methods are not safe for concurrent
// use; feeds of it are independent of each other.
type Recording struct {
	info      Info
	source    source
	delta     int64
	scale     float64
	evaluated map[string]*Evaluated
	// jump says where a CSV leaps over more than maxGap, if it does.
	jump error
}

// Open opens the recording at spec.Path and checks it: CSV, OpenMetrics and
// JSON completely, blocks as far as their indexes go. tmp makes a directory for
// converted data; it is called at most once, and the caller removes the
// directory after Close. An error is one line that starts with the path and,
// in text, line and column.
func Open(ctx context.Context, spec Spec, tmp func() (string, error)) (*Recording, error) {
	return (*Cache)(nil).Open(ctx, spec, tmp)
}

// Open is the package's Open, which it spares where it has the conversion already.
func (c *Cache) Open(ctx context.Context, spec Spec, tmp func() (string, error)) (*Recording, error) {
	if math.IsNaN(spec.Scale) || math.IsInf(spec.Scale, 0) || spec.Scale < 0 {
		return nil, fmt.Errorf("%s: scale %v: must be a positive number", spec.Path, spec.Scale)
	}
	if err := output.Readable(spec.Path); err != nil {
		return nil, err
	}
	format, err := formatOf(spec)
	if err != nil {
		return nil, err
	}
	if format != CSV && (spec.TimeColumn != "" || spec.TimeLayout != "" || len(spec.Series) > 0) {
		return nil, fmt.Errorf("%s: time column, time layout and series apply to CSV, but the format is %s", spec.Path, format)
	}
	r, err := c.read(ctx, spec, format, tmp)
	if err != nil {
		return nil, err
	}
	if err := r.Narrow(spec.Labels); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.shift(spec.ShiftTo)
	return r, nil
}

// read opens a recording whose format is known, without labels and shift.
func read(ctx context.Context, spec Spec, format Format, tmp func() (string, error)) (*Recording, error) {
	r := &Recording{info: Info{Path: spec.Path, Format: format}, scale: spec.Scale}
	var err error
	switch format {
	case CSV:
		err = r.openCSV(ctx, spec, tmp)
	case OpenMetrics:
		err = r.openOpenMetrics(ctx, spec.Path, tmp)
	case JSON:
		err = r.openJSON(ctx, spec.Path, tmp)
	case TSDB:
		err = r.openBlocks(spec.Path)
	case Recorded:
		err = r.openRecorded(ctx, spec.Path, tmp)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Recording) shift(to *time.Time) {
	if to == nil {
		return
	}
	r.delta = to.UnixMilli() - r.info.First
	r.info.First += r.delta
	r.info.Last += r.delta
}

// Info returns what is known of the recording.
func (r *Recording) Info() Info { return r.info }

// Series lists the labels of the series that match any of the sets of matchers;
// with nil, of all. CSV lists them by column, the others sorted.
func (r *Recording) Series(matchers [][]*labels.Matcher) ([]labels.Labels, error) {
	return r.source.series(matchers)
}

// Feed streams the samples of the series that match any of the sets of
// matchers (nil: all) in [from, to], in order of time and then of series. Each
// call starts a feed of its own.
func (r *Recording) Feed(matchers [][]*labels.Matcher, from, to int64) (fake.Feed, error) {
	feed, err := r.source.feed(matchers, unshift(from, r.delta), unshift(to, r.delta))
	if err != nil {
		return nil, err
	}
	if r.delta == 0 && !r.scales() {
		return feed, nil
	}
	return &adjusted{Feed: feed, delta: r.delta, scale: r.scale, scales: r.scales()}, nil
}

func (r *Recording) scales() bool { return r.scale != 0 && r.scale != 1 }

// Close releases the files of the recording.
func (r *Recording) Close() error { return r.source.close() }

// unshift subtracts without overflow, so that the extreme instants mean "all".
func unshift(t, delta int64) int64 {
	switch d := t - delta; {
	case delta > 0 && d > t:
		return math.MinInt64
	case delta < 0 && d < t:
		return math.MaxInt64
	default:
		return d
	}
}

// Lookback is the lookback that suits recordings: the larger of 5 minutes and
// 1.5 times the median spacing, for the one with the widest spacing.
func Lookback(recordings ...*Recording) time.Duration {
	lookback := 5 * time.Minute
	for _, r := range recordings {
		lookback = max(lookback, r.info.MedianSpacing/2*3)
	}
	return lookback
}
