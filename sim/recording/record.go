package recording

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/karpenter-sim/karpenter/sim/output"
)

// Progress is how far a recording has come.
type Progress struct {
	// Done and Chunks count stretches of time.
	Done, Chunks int
	// Series is the largest number of series in a chunk so far.
	Series int64
	// Samples and Bytes are what has been written.
	Samples, Bytes int64
}

// workDir is the directory in which a recording grows, inside its own: that may be
// all that outlives the process.
const workDir = ".karpenter-recording"

// Output is the kind of directory that Record and RecordEvaluated write.
var Output = output.Options{Kind: output.Recording, Work: workDir}

// stateFile is in a growing recording and says what is there already.
const stateFile = "state.json"

// A recordState holds what a resumed recording starts from.
type recordState struct {
	Plan     string   `json:"plan"`
	Progress Progress `json:"progress"`
	// Blocks are the finished blocks, relative to the directory.
	Blocks []string `json:"blocks"`
}

// Record saves the raw samples that plan asks for to the directory dir, new or
// empty. It works in a directory in it chunk by chunk: if it is interrupted, a
// second call with the same plan goes on where it stopped. report, if not nil, is
// called after each chunk.
func Record(ctx context.Context, source Source, plan Plan, dir string, report func(Progress)) error {
	if err := plan.check(); err != nil {
		return err
	}
	out, err := openOutput(dir)
	if err != nil {
		return err
	}
	defer out.Close()
	rec := &recorder{source: source, plan: plan, work: out.Path(workDir), report: report}
	if err := rec.resume(); err != nil {
		return err
	}
	spans := plan.chunks()
	rec.state.Progress.Chunks = len(spans)
	for _, span := range spans[min(rec.state.Progress.Done, len(spans)):] {
		if err := rec.record(ctx, span); err != nil {
			return err
		}
	}
	if len(rec.state.Blocks) == 0 {
		var selectors []string
		for _, s := range plan.Selectors {
			selectors = append(selectors, s.Text())
		}
		return errors.Join(&NoSamplesError{fmt.Sprintf("%s: no samples of %s from %s to %s; check the selectors and the time",
			source.Address(), strings.Join(selectors, ", "), instant(plan.From), instant(plan.To))}, os.RemoveAll(rec.work))
	}
	return rec.finish(ctx, dir, out)
}

// A NoSamplesError is that of a source that answered, and has nothing of what a plan asks
// for.
type NoSamplesError struct{ message string }

func (e *NoSamplesError) Error() string { return e.message }

func openOutput(dir string) (*output.Dir, error) {
	out, err := output.Open(dir, Output)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return out, nil
}

// Begun says whether a directory holds a recording that a second call can go on with.
func Begun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, workDir, stateFile))
	return err == nil
}

// A recorder is a recording in progress.
type recorder struct {
	source Source
	plan   Plan
	work   string
	report func(Progress)
	state  recordState
}

// resume takes over what an earlier call with the same plan has left.
func (r *recorder) resume() error {
	key, err := r.plan.key(r.source.Address())
	if err != nil {
		return fmt.Errorf("encoding the plan: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(r.work, stateFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.state = recordState{Plan: key}
		if err := os.MkdirAll(r.work, 0o755); err != nil {
			return pathError(r.work, err)
		}
		return r.save()
	case err != nil:
		return pathError(r.work, err)
	}
	if err := json.Unmarshal(text, &r.state); err != nil || r.state.Plan != key {
		return fmt.Errorf("%s: left by another recording; remove it, or give that recording's source, queries and times to go on with it", r.work)
	}
	return nil
}

// save replaces the state in one step, so that an interruption leaves the old
// one or the new one.
func (r *recorder) save() error {
	text, err := json.Marshal(r.state)
	if err != nil {
		return fmt.Errorf("encoding the state: %w", err)
	}
	path := filepath.Join(r.work, stateFile)
	if err := os.WriteFile(path+".tmp", text, 0o644); err != nil {
		return pathError(path, err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return pathError(path, err)
	}
	return nil
}

// record reads and writes one chunk.
func (r *recorder) record(ctx context.Context, chunk span) error {
	if err := r.recordSpan(ctx, chunk, fmt.Sprintf("chunk-%06d", r.state.Progress.Done)); err != nil {
		return err
	}
	r.state.Progress.Done++
	if err := r.save(); err != nil {
		return err
	}
	if r.report != nil {
		r.report(r.state.Progress)
	}
	return nil
}

// recordSpan reads and writes a stretch of time as one block, or as two or more
// where one would take too much memory.
func (r *recorder) recordSpan(ctx context.Context, stretch span, name string) error {
	b := newBuilder()
	err := collect(ctx, r.source, r.plan.Selectors, stretch, b)
	if tooMuch := (*tooMuch)(nil); errors.As(err, &tooMuch) && stretch.to-stretch.from > shortestRead {
		middle := stretch.from + (stretch.to-stretch.from)/2
		b = nil // not both at a time
		if err := r.recordSpan(ctx, span{stretch.from, middle}, name+"a"); err != nil {
			return err
		}
		return r.recordSpan(ctx, span{middle + 1, stretch.to}, name+"b")
	}
	if err != nil || b.samples == 0 {
		return err
	}
	block, err := b.write(ctx, filepath.Join(r.work, name))
	if err != nil {
		return err
	}
	relative, err := filepath.Rel(r.work, block)
	if err != nil {
		return pathError(block, err)
	}
	size, err := dirSize(block)
	if err != nil {
		return err
	}
	r.state.Blocks = append(r.state.Blocks, relative)
	r.state.Progress.Bytes += size
	r.state.Progress.Series = max(r.state.Progress.Series, int64(len(b.list)))
	r.state.Progress.Samples += b.samples
	return nil
}

// collect reads what any of the selectors matches, every series once.
func collect(ctx context.Context, source Source, selectors []Selector, span span, b *builder) error {
	type origin struct {
		selector int
		last     int64
	}
	origins := map[*builtSeries]*origin{}
	var it chunkenc.Iterator
	for i, selector := range selectors {
		err := source.Read(ctx, selector.Matchers, span.from, span.to, func(series storage.Series) error {
			built := b.series(series.Labels())
			from := origins[built]
			if from == nil {
				from = &origin{selector: i, last: math.MinInt64}
				origins[built] = from
			}
			if from.selector != i {
				return nil
			}
			it = series.Iterator(it)
			for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
				x := builtFrom(it, kind)
				if x.t <= from.last || x.t < span.from || x.t > span.to {
					continue
				}
				from.last = x.t
				if err := b.add(built, x); err != nil {
					return err
				}
			}
			return it.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func builtFrom(it chunkenc.Iterator, kind chunkenc.ValueType) builtSample {
	switch kind {
	case chunkenc.ValHistogram:
		t, h := it.AtHistogram(nil)
		return builtSample{t: t, h: h}
	case chunkenc.ValFloatHistogram:
		t, h := it.AtFloatHistogram(nil)
		return builtSample{t: t, fh: h}
	}
	t, f := it.At()
	return builtSample{t: t, f: f}
}

func dirSize(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, pathError(dir, err)
	}
	return size, nil
}
