package recording

import (
	"context"
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// spacingSeries is how many series of a block are looked at, spread over all,
// to estimate the spacing of samples.
const spacingSeries = 500

// describeBlocks fills in what the indexes and the first chunks tell.
func (r *Recording) describeBlocks(b *blocks) error {
	r.info.First, r.info.Last = math.MaxInt64, math.MinInt64
	var distances spacings
	for _, block := range b.blocks {
		r.info.Samples += int64(block.Meta().Stats.NumSamples)
		// A block's bounds may be wider than its samples, so the edges are
		// looked up, but only in the blocks that may have them.
		edge := block.MinTime() < r.info.First || block.MaxTime()-1 > r.info.Last
		scan := blockScan{edge: edge, first: &r.info.First, last: &r.info.Last, spacings: &distances}
		if err := scan.read(block); err != nil {
			return fmt.Errorf("%s: damaged block: %w; copy it again, or leave it out", block.Dir(), flat(err))
		}
	}
	if r.info.First > r.info.Last {
		return fmt.Errorf("%s: the blocks have no samples", b.path)
	}
	r.info.MedianSpacing = distances.median()
	return nil
}

// A blockScan reads the index of a block, and the first chunk of some series.
type blockScan struct {
	edge        bool
	first, last *int64
	spacings    *spacings

	index   tsdb.IndexReader
	chunks  tsdb.ChunkReader
	builder labels.ScratchBuilder
	metas   []chunks.Meta
}

func (s *blockScan) read(block *tsdb.Block) error {
	var err error
	if s.index, err = block.Index(); err != nil {
		return err
	}
	defer s.index.Close()
	if s.chunks, err = block.Chunks(); err != nil {
		return err
	}
	defer s.chunks.Close()
	name, value := index.AllPostingsKey()
	postings, err := s.index.Postings(context.Background(), name, value)
	if err != nil {
		return err
	}
	stride := max(1, int(block.Meta().Stats.NumSeries/spacingSeries))
	for i := 0; postings.Next(); i++ {
		sampled := i%stride == 0
		if !sampled && !s.edge {
			continue
		}
		if err := s.readSeries(postings.At(), sampled); err != nil {
			return err
		}
	}
	return postings.Err()
}

func (s *blockScan) readSeries(ref storage.SeriesRef, sampled bool) error {
	if err := s.index.Series(ref, &s.builder, &s.metas); err != nil {
		return err
	}
	if len(s.metas) == 0 {
		return nil
	}
	*s.first = min(*s.first, s.metas[0].MinTime)
	for _, meta := range s.metas {
		*s.last = max(*s.last, meta.MaxTime)
	}
	if !sampled {
		return nil
	}
	return s.readSpacing(s.metas[0])
}

func (s *blockScan) readSpacing(meta chunks.Meta) error {
	chunk, iterable, err := s.chunks.ChunkOrIterable(meta)
	if err != nil {
		return err
	}
	if iterable == nil {
		iterable = chunk
	}
	it := iterable.Iterator(nil)
	if it.Next() == chunkenc.ValNone {
		return it.Err()
	}
	for previous := it.AtT(); it.Next() != chunkenc.ValNone; previous = it.AtT() {
		s.spacings.add(it.AtT() - previous)
	}
	return it.Err()
}
