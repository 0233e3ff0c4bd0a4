package recording

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
)

// write writes all samples as one block below dir and returns its path. The
// name of the block follows from its index, so that the same samples give the
// same bytes.
func (b *builder) write(ctx context.Context, dir string) (string, error) {
	tmp := filepath.Join(dir, "block.tmp-for-creation")
	if err := os.RemoveAll(tmp); err != nil {
		return "", pathError(tmp, err)
	}
	meta := tsdb.BlockMeta{Version: 1, MinTime: b.first, MaxTime: b.last + 1}
	meta.Compaction.Level = 1
	meta.Stats.NumSamples = uint64(b.samples)
	meta.Stats.NumHistogramSamples = uint64(b.histograms)
	meta.Stats.NumFloatSamples = uint64(b.samples - b.histograms)
	count, err := b.writeData(ctx, tmp)
	if err != nil {
		return "", err
	}
	meta.Stats.NumChunks = uint64(count)
	meta.Stats.NumSeries = uint64(len(b.list))
	digest, err := fileDigest(filepath.Join(tmp, "index"))
	if err != nil {
		return "", err
	}
	copy(meta.ULID[:], digest)
	meta.Compaction.Sources = append(meta.Compaction.Sources, meta.ULID)
	text, err := json.MarshalIndent(meta, "", "\t")
	if err != nil {
		return "", fmt.Errorf("encoding the block's meta.json: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "meta.json"), text, 0o644); err != nil {
		return "", pathError(tmp, err)
	}
	block := filepath.Join(dir, meta.ULID.String())
	if err := os.RemoveAll(block); err != nil {
		return "", pathError(block, err)
	}
	if err := os.Rename(tmp, block); err != nil {
		return "", pathError(block, err)
	}
	return block, nil
}

// writeData writes chunks and index and returns the number of chunks.
func (b *builder) writeData(ctx context.Context, dir string) (count int, err error) {
	chunkWriter, err := chunks.NewWriter(filepath.Join(dir, "chunks"))
	if err != nil {
		return 0, fmt.Errorf("%s: writing chunks: %w", dir, err)
	}
	defer func() {
		if closeErr := chunkWriter.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("%s: writing chunks: %w", dir, closeErr)
		}
	}()
	indexWriter, err := index.NewWriter(ctx, filepath.Join(dir, "index"))
	if err != nil {
		return 0, fmt.Errorf("%s: writing the index: %w", dir, err)
	}
	defer func() {
		if closeErr := indexWriter.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("%s: writing the index: %w", dir, closeErr)
		}
	}()

	// A source may name a series and have no samples of it.
	b.list = slices.DeleteFunc(b.list, func(s *builtSeries) bool { return len(s.chunks) == 0 && len(s.others) == 0 })
	slices.SortFunc(b.list, func(x, y *builtSeries) int { return labels.Compare(x.labels, y.labels) })
	for _, symbol := range b.symbols() {
		if err := indexWriter.AddSymbol(symbol); err != nil {
			return 0, fmt.Errorf("%s: writing the index: %w", dir, err)
		}
	}
	for i, s := range b.list {
		metas, err := s.finish()
		if err != nil {
			return 0, err
		}
		if err := chunkWriter.WriteChunks(metas...); err != nil {
			return 0, fmt.Errorf("%s: writing chunks: %w", dir, err)
		}
		if err := indexWriter.AddSeries(storage.SeriesRef(i+1), s.labels, metas...); err != nil {
			return 0, fmt.Errorf("%s: writing the index: %w", dir, err)
		}
		count += len(metas)
	}
	return count, ctx.Err()
}

// symbols are all label names and values, sorted.
func (b *builder) symbols() []string {
	seen := map[string]struct{}{}
	var symbols []string
	for _, s := range b.list {
		s.labels.Range(func(l labels.Label) {
			for _, symbol := range []string{l.Name, l.Value} {
				if _, ok := seen[symbol]; !ok {
					seen[symbol] = struct{}{}
					symbols = append(symbols, symbol)
				}
			}
		})
	}
	slices.Sort(symbols)
	return symbols
}

func fileDigest(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return nil, pathError(path, err)
	}
	return hash.Sum(nil), nil
}

// openBuilt writes the builder's block below dir and reads from it.
func (r *Recording) openBuilt(ctx context.Context, b *builder, dir string) error {
	block, err := b.write(ctx, dir)
	if err != nil {
		return err
	}
	source, err := openBlocks(block)
	if err != nil {
		return err
	}
	r.source = source
	r.info.First, r.info.Last = b.first, b.last
	r.info.Samples = b.samples
	r.info.MedianSpacing = b.spacings.median()
	return nil
}
