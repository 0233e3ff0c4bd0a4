package replay

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// fillRecordings names the recordings and makes the run as long as they are.
func (o *Options) fillRecordings(ctx context.Context, spec *scenario.Spec, set *manifest.Set, location *time.Location) error {
	columns, err := o.Columns()
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "karpenter-")
	if err != nil {
		return sim.Internal(err)
	}
	defer os.RemoveAll(temporary)
	var all []*recording.Recording
	defer func() {
		for _, r := range all {
			r.Close()
		}
	}()
	wanted, err := recording.ParseLabels(o.Labels)
	if err != nil {
		return fmt.Errorf("--label %w", err)
	}
	used := map[string]bool{}
	for i, path := range o.Recordings {
		opened, series, err := o.Open(ctx, path, location, columns, used, func() (string, error) {
			dir := filepath.Join(temporary, strconv.Itoa(i))
			return dir, os.MkdirAll(dir, 0o700)
		})
		if err != nil {
			return err
		}
		all = append(all, opened)
		narrowed, err := wanted.Of(opened)
		if err != nil {
			return err
		}
		info := opened.Info()
		spec.Recordings = append(spec.Recordings, scenario.Recording{
			File: absolute(path), Format: scenario.Format(info.Format), Series: series, Labels: narrowed, Time: o.timeOf(info.Format, path),
		})
	}
	if err := wanted.Check(all); err != nil {
		return fmt.Errorf("--label %w", err)
	}
	if err := recording.CheckDistinct(all); err != nil {
		return err
	}
	if err := recording.CheckGaps(all); err != nil {
		return err
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		switch {
		case used[column]:
		case column == o.TimeColumn:
			return fmt.Errorf("--time-column %s: no recording has this column", escape.Argument(column))
		default:
			return fmt.Errorf("--series %s=...: no recording has this column", column)
		}
	}
	o.fillTimes(spec, set, all)
	return nil
}

// timeOf is how the times of a recording are read, as far as flags say it.
func (o *Options) timeOf(format recording.Format, path string) scenario.RecordingTime {
	if format != recording.CSV {
		return scenario.RecordingTime{}
	}
	t := scenario.RecordingTime{Layout: o.TimeLayout}
	if hasColumn(recording.Spec{Path: path, TimeLayout: o.TimeLayout}, o.TimeColumn) {
		t.Column = o.TimeColumn
	}
	if o.Zone != "UTC" {
		t.Zone = o.Zone
	}
	return t
}

// Columns reads the options that say how a CSV is read: the series of columns, and the
// column with the times, which has none.
func (o *Options) Columns() (map[string]string, error) {
	columns := map[string]string{}
	for _, s := range o.Series {
		column, series, ok := strings.Cut(s, "=")
		if !ok || column == "" || series == "" {
			return nil, fmt.Errorf("--series %s: want COLUMN='name{label=\"x\"}'", s)
		}
		if _, twice := columns[column]; twice {
			return nil, fmt.Errorf("--series %s: column %s is named twice", s, column)
		}
		columns[column] = series
	}
	if o.TimeColumn != "" {
		columns[o.TimeColumn] = ""
	}
	return columns, nil
}

// Open opens one recording with those of the columns that it has, marks these in used,
// and returns their series. What is converted goes to tmp, unless there is a Cache.
func (o *Options) Open(ctx context.Context, path string, location *time.Location, columns map[string]string, used map[string]bool, tmp func() (string, error)) (*recording.Recording, map[string]string, error) {
	spec := recording.Spec{Path: path, Location: location, Format: formatOfPath(path)}
	if spec.Format == recording.CSV {
		spec.TimeLayout = o.TimeLayout
	}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if !hasColumn(spec, column) {
			continue
		}
		used[column] = true
		if column == o.TimeColumn {
			spec.TimeColumn = column
		}
		if series := columns[column]; series != "" {
			if spec.Series == nil {
				spec.Series = map[string]string{}
			}
			spec.Series[column] = series
		}
	}
	opened, err := o.Cache.Open(ctx, spec, tmp)
	return opened, spec.Series, err
}

// formatOfPath is CSV for what is one, else empty.
func formatOfPath(path string) recording.Format {
	if columns, err := recording.Columns(recording.Spec{Path: path}); err == nil && columns != nil {
		return recording.CSV
	}
	return ""
}

// hasColumn says whether a recording is a CSV with a column: by its header in any
// case, by #NUMBER, or * for what has no name of its own. What is wrong with the
// file is for the reader of the recording to say.
func hasColumn(spec recording.Spec, name string) bool {
	if name == "" {
		return false
	}
	columns, err := recording.Columns(spec)
	if err != nil || len(columns) == 0 {
		return false
	}
	number, err := strconv.Atoi(strings.TrimPrefix(name, "#"))
	byNumber := err == nil && strings.HasPrefix(name, "#") && number >= 1 && number <= len(columns)
	return name == "*" || byNumber || slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, name) })
}
