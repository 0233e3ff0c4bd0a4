package recording

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
)

// openRecorded opens a directory that Record or RecordEvaluated wrote.
func (r *Recording) openRecorded(ctx context.Context, dir string, tmp func() (string, error)) error {
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	r.info.Manifest = m
	if !m.Evaluated {
		return r.openBlocks(dir)
	}
	if err := r.openOpenMetrics(ctx, filepath.Join(dir, evaluatedFile), tmp); err != nil {
		return err
	}
	if err := r.readEvaluated(); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// readEvaluated loads the results of all queries; they are small.
func (r *Recording) readEvaluated() error {
	r.evaluated = map[string]*Evaluated{}
	for _, q := range r.info.Manifest.Queries {
		r.evaluated[q.Digest] = &Evaluated{query: q, recording: r}
	}
	feed, err := r.source.feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		return err
	}
	defer feed.Close()
	return eachSample(feed, func(s sampleOf) error {
		e := r.evaluated[s.labels.Get(queryLabel)]
		if e == nil {
			return fmt.Errorf("%s has results of query %s, which is not in %s", evaluatedFile, s.labels.Get(queryLabel), manifestFile)
		}
		e.add(s.labels.Get("__name__"), s.T, s.F)
		return nil
	})
}
