package recording

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// blocks reads one or more blocks of a Prometheus TSDB. They are memory-mapped
// and never written to; a tsdb.DB, even a read-only one, would make files.
type blocks struct {
	path   string
	blocks []*tsdb.Block

	mu   sync.Mutex
	open map[*blockFeed]struct{}
}

// everything matches all series of a block.
var everything = [][]*labels.Matcher{{labels.MustNewMatcher(labels.MatchEqual, "", "")}}

func (r *Recording) openBlocks(dir string) error {
	b, err := openBlocks(dir)
	if err != nil {
		return err
	}
	if err := r.describeBlocks(b); err != nil {
		return errors.Join(err, b.close())
	}
	r.source = b
	return nil
}

// openBlocks opens a block, or all blocks in a directory.
func openBlocks(dir string) (*blocks, error) {
	dirs, err := blockDirs(dir)
	if err != nil {
		return nil, err
	}
	b := &blocks{path: dir, open: map[*blockFeed]struct{}{}}
	for _, d := range dirs {
		block, err := tsdb.OpenBlock(nil, d, nil, nil)
		if err != nil {
			err = fmt.Errorf("%s: damaged block: %w; copy it again, or leave it out", d, flat(err))
			return nil, errors.Join(err, b.close())
		}
		b.blocks = append(b.blocks, block)
	}
	slices.SortFunc(b.blocks, func(x, y *tsdb.Block) int {
		return cmp.Or(cmp.Compare(x.MinTime(), y.MinTime()), strings.Compare(x.Dir(), y.Dir()))
	})
	return b, nil
}

// blockDirs finds the blocks at dir: itself, or its subdirectories.
func blockDirs(dir string) ([]string, error) {
	if isBlock(dir) {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, pathError(dir, err)
	}
	var dirs []string
	snapshots := false
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch entry.Name() {
		case "wal", "wbl", "chunks_head":
			if hasContent(path) {
				return nil, fmt.Errorf("%s: a write-ahead log cannot be read; take a snapshot (POST /api/v1/admin/tsdb/snapshot, with --web.enable-admin-api) and give its directory", path)
			}
		case "snapshots":
			snapshots = true
		default:
			if isBlock(path) {
				dirs = append(dirs, path)
			}
		}
	}
	switch {
	case len(dirs) > 0:
		return dirs, nil
	case snapshots:
		return nil, fmt.Errorf("%s: no blocks in this directory; give one of the directories in %s", dir, filepath.Join(dir, "snapshots"))
	}
	return nil, fmt.Errorf("%s: no blocks in this directory; a block has a meta.json, a snapshot has blocks", dir)
}

func isBlock(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "meta.json"))
	return err == nil && info.Mode().IsRegular() && !strings.HasSuffix(dir, ".tmp-for-creation") && !strings.HasSuffix(dir, ".tmp-for-deletion")
}

// hasContent tells whether there is a file with content below dir.
func hasContent(dir string) bool {
	found := false
	// An unreadable log is one too.
	if err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() > 0 {
			found = true
			return filepath.SkipAll
		}
		return nil
	}); err != nil {
		return true
	}
	return found
}

// flat makes one line of an error.
func flat(err error) error {
	if !strings.Contains(err.Error(), "\n") {
		return err
	}
	return errors.New(strings.Join(strings.Fields(err.Error()), " "))
}

func (b *blocks) series(matchers [][]*labels.Matcher) ([]labels.Labels, error) {
	if len(b.blocks) == 0 {
		return nil, nil
	}
	hints := &storage.SelectHints{Start: math.MinInt64, End: math.MaxInt64, Func: "series"}
	set, queriers, err := b.selectSeries(matchers, math.MinInt64, math.MaxInt64, hints)
	if err != nil {
		return nil, err
	}
	defer closeQueriers(queriers)
	var series []labels.Labels
	for set.Next() {
		series = append(series, set.At().Labels())
	}
	if err := set.Err(); err != nil {
		return nil, b.damaged(err)
	}
	return series, nil
}

// selectSeries selects from all blocks that overlap [from, to], merged: a
// sample that several blocks or several sets of matchers have comes once.
func (b *blocks) selectSeries(matchers [][]*labels.Matcher, from, to int64, hints *storage.SelectHints) (storage.SeriesSet, []storage.Querier, error) {
	if matchers == nil {
		matchers = everything
	}
	var queriers []storage.Querier
	var sets []storage.SeriesSet
	for _, block := range b.blocks {
		if !block.OverlapsClosedInterval(from, to) {
			continue
		}
		querier, err := tsdb.NewBlockQuerier(block, from, to)
		if err != nil {
			closeQueriers(queriers)
			return nil, nil, b.damaged(err)
		}
		queriers = append(queriers, querier)
		for _, set := range matchers {
			sets = append(sets, querier.Select(context.Background(), true, hints, set...))
		}
	}
	switch len(sets) {
	case 0:
		return storage.EmptySeriesSet(), queriers, nil
	case 1:
		return sets[0], queriers, nil
	}
	return storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge), queriers, nil
}

// closeQueriers lets go of the blocks; for blocks on disk that cannot fail.
func closeQueriers(queriers []storage.Querier) {
	for _, q := range queriers {
		_ = q.Close()
	}
}

func (b *blocks) damaged(err error) error {
	return fmt.Errorf("%s: reading blocks: %w; copy the block again, or leave it out", b.path, flat(err))
}

func (b *blocks) feed(matchers [][]*labels.Matcher, from, to int64) (fake.Feed, error) {
	series, err := b.series(matchers)
	if err != nil {
		return nil, err
	}
	if err := b.readable(len(series)); matchers != nil && err != nil {
		return nil, err
	}
	f := &blockFeed{blocks: b, matchers: matchers, series: series, next: from, to: to, slice: sliceMin / 2}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open[f] = struct{}{}
	return f, nil
}

// readable refuses to read more series at once than memory is promised for.
func (b *blocks) readable(series int) error {
	if series <= limit.Series {
		return nil
	}
	return fmt.Errorf("%s: the queries read %d series of it; at most %d are read: select fewer, in the queries or by --label", b.path, series, limit.Series)
}

// close ends the feeds first: a block waits for its readers.
func (b *blocks) close() error {
	b.mu.Lock()
	feeds := b.open
	b.open = map[*blockFeed]struct{}{}
	b.mu.Unlock()
	for f := range feeds {
		f.release()
	}
	var errs []error
	for _, block := range b.blocks {
		errs = append(errs, block.Close())
	}
	return errors.Join(errs...)
}

// sample makes a sample of an iterator's current value. Histograms of integers
// become histograms of floats, as they do in the PromQL engine.
func sample(series int, it chunkenc.Iterator, kind chunkenc.ValueType) fake.Sample {
	if kind == chunkenc.ValFloat {
		t, v := it.At()
		return fake.Sample{Series: series, T: t, F: v}
	}
	t, h := it.AtFloatHistogram(nil)
	return fake.Sample{Series: series, T: t, H: h}
}
