package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Cache keeps what text recordings are converted to, so that one that is opened
// for many runs is read once. It converts CSV too, whose columns each feed would
// parse again. The files must not change meanwhile. It is safe for concurrent use;
// a nil Cache keeps nothing.
type Cache struct {
	dir string

	mu   sync.Mutex
	kept map[string]*conversion
}

// A conversion is a recording as a block, with what is known of it.
type conversion struct {
	info  Info
	jump  error
	block string
}

// NewCache keeps conversions below a directory, which the caller removes after the
// last recording is closed.
func NewCache(dir string) *Cache { return &Cache{dir: dir, kept: map[string]*conversion{}} }

// read opens a recording whose format is known, without labels and shift.
func (c *Cache) read(ctx context.Context, spec Spec, format Format, tmp func() (string, error)) (*Recording, error) {
	if c == nil || !slices.Contains([]Format{CSV, OpenMetrics, JSON}, format) {
		return read(ctx, spec, format, tmp)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := conversionKey(&spec, format)
	if kept := c.kept[key]; kept != nil {
		source, err := openBlocks(kept.block)
		if err != nil {
			return nil, err
		}
		return &Recording{info: kept.info, scale: spec.Scale, jump: kept.jump, source: source}, nil
	}
	dir := filepath.Join(c.dir, fmt.Sprint(len(c.kept)))
	r, err := read(ctx, spec, format, func() (string, error) { return dir, os.MkdirAll(dir, 0o700) })
	if err != nil {
		return nil, err
	}
	source, ok := r.source.(*blocks)
	if !ok {
		if source, err = r.asBlock(ctx, dir); err != nil || source == nil {
			return r, err
		}
		r.source = source
	}
	c.kept[key] = &conversion{info: r.info, jump: r.jump, block: source.path}
	return r, nil
}

// conversionKey tells conversions apart: by everything that says how a file is read.
func conversionKey(s *Spec, format Format) string {
	parts := []string{s.Path, string(format), s.TimeColumn, s.TimeLayout, s.Location.String()}
	for _, column := range slices.Sorted(maps.Keys(s.Series)) {
		parts = append(parts, column, s.Series[column])
	}
	return strings.Join(parts, "\x00")
}

// asBlock writes the samples of a recording as a block below dir; nil without an
// error if they are too many to convert, so that they have to be streamed.
func (r *Recording) asBlock(ctx context.Context, dir string) (*blocks, error) {
	feed, err := r.source.feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	defer feed.Close()
	b := newBuilder()
	var series []*builtSeries
	for {
		s, err := feed.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for s.Series >= len(series) {
			series = append(series, b.series(feed.Labels(len(series))))
		}
		err = b.add(series[s.Series], builtSample{t: s.T, f: s.F, fh: s.H})
		var most *tooMuch
		if errors.As(err, &most) {
			return nil, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.info.Path, err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: a directory for the converted text: %w", r.info.Path, err)
	}
	block, err := b.write(ctx, dir)
	if err != nil {
		return nil, err
	}
	return openBlocks(block)
}
