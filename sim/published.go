package sim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Labels that tell published series apart: of which run, and of which of its columns.
// RecordedColumn has what the run read, as it was recorded.
const (
	RunLabel       = "run"
	ColumnLabel    = "column"
	RecordedColumn = "recorded"
)

// A Published is a Prometheus that has the series of runs.
type Published struct {
	*fake.Prometheus
	inputs     []*Input
	recordings []*recording.Recording
	temporary  string
}

// Publish returns the series that runs wrote below a directory by Play, and those that
// they read, of the runs of these names: what was recorded as the column recorded. What
// a run read is left out where its recordings are gone. The instant reached is the end of
// the last run. Close it after the last query.
func Publish(ctx context.Context, dir string, runs []string) (*Published, error) {
	p := &Published{}
	if err := p.read(ctx, dir, runs); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// read opens what the runs wrote and read, and reads it.
func (p *Published) read(ctx context.Context, dir string, runs []string) error {
	options := fake.Options{Features: fake.EveryFeature, Start: math.MaxInt64}
	var feeds []fake.Feed
	end := int64(math.MinInt64)
	for _, name := range runs {
		file, err := scenario.Load(filepath.Join(dir, name, ScenarioFile), scenario.Options{})
		if err != nil {
			return err
		}
		start := file.Spec.Start.UnixMilli()
		options.Start = min(options.Start, start)
		end = max(end, start+time.Duration(file.Spec.Duration).Milliseconds())
		input, err := Open(ctx, file)
		switch {
		case err == nil:
			p.inputs = append(p.inputs, input)
			options.Lookback = max(options.Lookback, input.Lookback)
			feed, err := input.feed(nil, nil)
			if err != nil {
				return err
			}
			feeds = append(feeds, &publishedFeed{feed, name, RecordedColumn})
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
		columns, err := publishedColumns(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		for _, column := range columns {
			feed, err := p.open(ctx, filepath.Join(dir, name, columnDir(column), SeriesFile))
			if err != nil {
				return err
			}
			feeds = append(feeds, &publishedFeed{feed, name, column})
		}
	}
	p.Prometheus = fake.NewPrometheus(options)
	p.Attach(&counted{Feed: fake.MergeFeeds(feeds...)})
	if len(runs) == 0 {
		return nil
	}
	return p.Advance(end)
}

// publishedColumns are the columns of a run that wrote series.
func publishedColumns(dir string) ([]string, error) {
	columns := []string{result.Current}
	entries, err := os.ReadDir(filepath.Join(dir, variantsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		columns = append(columns, entry.Name())
	}
	return slices.DeleteFunc(columns, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, columnDir(name), SeriesFile))
		return err != nil
	}), nil
}

// open returns the samples of a file of series.
func (p *Published) open(ctx context.Context, path string) (fake.Feed, error) {
	r, err := recording.Open(ctx, recording.Spec{Path: path}, p.directory)
	if err != nil {
		return nil, err
	}
	p.recordings = append(p.recordings, r)
	return r.Feed(nil, math.MinInt64, math.MaxInt64)
}

func (p *Published) directory() (string, error) {
	if p.temporary == "" {
		dir, err := os.MkdirTemp("", "karpenter-")
		if err != nil {
			return "", err
		}
		p.temporary = dir
	}
	return os.MkdirTemp(p.temporary, "series-")
}

// Close closes what is open and removes what was converted.
func (p *Published) Close() error {
	var errs []error
	if p.Prometheus != nil {
		errs = append(errs, p.Prometheus.Close())
	}
	for _, r := range p.recordings {
		errs = append(errs, r.Close())
	}
	for _, in := range p.inputs {
		errs = append(errs, in.Close())
	}
	if p.temporary != "" {
		errs = append(errs, os.RemoveAll(p.temporary))
	}
	return errors.Join(errs...)
}

// A publishedFeed adds the labels of a run and a column. Series that have labels of these
// names keep them with exported_ in front, as those of a scrape do.
type publishedFeed struct {
	fake.Feed
	run, column string
}

// Labels implements fake.Feed.
func (f *publishedFeed) Labels(series int) labels.Labels {
	own := f.Feed.Labels(series)
	b := labels.NewBuilder(own)
	for name, value := range map[string]string{RunLabel: f.run, ColumnLabel: f.column} {
		if old := own.Get(name); old != "" {
			b.Set("exported_"+name, old)
		}
		b.Set(name, value)
	}
	return b.Labels()
}

// A counted feed ends in an error behind as many samples as memory has room for.
type counted struct {
	fake.Feed
	samples int
}

// Next implements fake.Feed.
func (f *counted) Next() (fake.Sample, error) {
	if f.samples++; f.samples > limit.PublishedSamples {
		return fake.Sample{}, fmt.Errorf("the runs have more than %d samples, the most that are served; serve one of them", limit.PublishedSamples)
	}
	return f.Feed.Next()
}

// Runs are the names of the runs of which files are listed, each a path relative to the
// directory of all runs.
func Runs(files []string) []string {
	var names []string
	for _, file := range files {
		if name, ok := strings.CutSuffix(filepath.ToSlash(file), "/"+ScenarioFile); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
