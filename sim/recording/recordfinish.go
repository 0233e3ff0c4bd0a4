package recording

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/karpenter-sim/karpenter/sim/output"
)

// finish makes one block of all chunks, adds the manifest, and puts both in their
// places.
func (r *recorder) finish(ctx context.Context, dir string, out *output.Dir) error {
	blocks := r.state.Blocks
	var markers int64
	if !r.source.StaleMarkers() {
		block, inferred, err := r.inferMarkers(ctx)
		if err != nil {
			return err
		}
		if markers = inferred; markers > 0 {
			relative, err := filepath.Rel(r.work, block)
			if err != nil {
				return pathError(block, err)
			}
			blocks = append(slices.Clone(blocks), relative)
		}
	}
	if err := r.compact(ctx, blocks, out.Set()); err != nil {
		return err
	}
	from, to := r.plan.bounds()
	m := &Manifest{
		Version:      manifestVersion,
		From:         from,
		To:           to,
		Start:        r.plan.From,
		Source:       r.source.Address(),
		StaleMarkers: r.source.StaleMarkers(),
		Inferred:     markers,
		Selectors:    r.plan.selectorTexts(),
	}
	for _, query := range r.plan.Queries {
		m.Queries = append(m.Queries, EvaluatedQuery{Query: query})
	}
	if err := writeManifest(out.Set(), m); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return pathError(dir, err)
	}
	if err := os.RemoveAll(r.work); err != nil {
		return pathError(r.work, err)
	}
	return nil
}

// compact merges the chunks' blocks with Prometheus' own compactor, which
// streams them.
func (r *recorder) compact(ctx context.Context, blocks []string, out string) error {
	compactor, err := tsdb.NewLeveledCompactor(ctx, nil, promslog.NewNopLogger(), []int64{tsdb.DefaultBlockDuration}, nil, nil)
	if err != nil {
		return fmt.Errorf("%s: merging blocks: %w", r.work, err)
	}
	var dirs []string
	for _, block := range blocks {
		dirs = append(dirs, filepath.Join(r.work, block))
	}
	if _, err := compactor.Compact(out, dirs, nil); err != nil {
		return fmt.Errorf("%s: merging blocks: %w; remove it and record again", r.work, flat(err))
	}
	made, err := blockDirs(out)
	if err != nil {
		return err
	}
	for _, block := range made {
		if err := renameBlock(block); err != nil {
			return err
		}
	}
	return nil
}

// renameBlock names a block by its index rather than by the time of day at
// which it was compacted, so that equal recordings are equal files.
func renameBlock(dir string) error {
	path := filepath.Join(dir, "meta.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return pathError(path, err)
	}
	var meta tsdb.BlockMeta
	if err := json.Unmarshal(text, &meta); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	digest, err := fileDigest(filepath.Join(dir, "index"))
	if err != nil {
		return err
	}
	copy(meta.ULID[:], digest)
	meta.Compaction = tsdb.BlockMetaCompaction{Level: 1, Sources: append(meta.Compaction.Sources[:0:0], meta.ULID)}
	if text, err = json.MarshalIndent(meta, "", "\t"); err != nil {
		return fmt.Errorf("encoding the block's meta.json: %w", err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return pathError(path, err)
	}
	if err := os.Rename(dir, filepath.Join(filepath.Dir(dir), meta.ULID.String())); err != nil {
		return pathError(dir, err)
	}
	return nil
}
