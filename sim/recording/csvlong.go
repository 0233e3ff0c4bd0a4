package recording

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// converts says whether the rows cannot be streamed: columns of text divide them
// into series, or they are not in order of time.
func (s *csvScan) converts() bool { return len(s.texts) > 0 || s.unsorted != nil }

// convert reads the file again and makes a block of it. Booleans are labels where
// without them a series would have two samples at an instant.
func (s *csvScan) convert(ctx context.Context, r *Recording, tmp func() (string, error)) error {
	var dir string
	once := func() (string, error) {
		if dir != "" {
			return dir, nil
		}
		var err error
		dir, err = tmp()
		return dir, err
	}
	err := s.convertRows(ctx, r, once)
	var twice *duplicate
	if errors.As(err, &twice) && s.truthsAsText() {
		s.note("columns of booleans become labels, as they tell series apart")
		err = s.convertRows(ctx, r, once)
	}
	return err
}

func (s *csvScan) convertRows(ctx context.Context, r *Recording, tmp func() (string, error)) error {
	rows, err := s.table.open(s.spec.Path)
	if err != nil {
		return err
	}
	defer rows.file.Close()
	b := newBuilder()
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := rows.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = s.convertRow(rows, b)
		}
		if err != nil {
			return s.conversionError(rows.line(), err)
		}
	}
	if int64(len(b.list)) > s.read/2 && s.read > 100 && len(s.texts) > 0 {
		return fmt.Errorf("%s: %d series in %d rows: a column of text (%s) has another one in nearly every row and tells no series apart; leave it out", s.spec.Path, len(b.list), s.read, s.textNames())
	}
	dir, err := tmp()
	if err != nil {
		return fmt.Errorf("%s: a directory for the converted samples: %w", s.spec.Path, err)
	}
	return s.conversionError(0, r.openBuilt(ctx, b, dir))
}

func (s *csvScan) conversionError(line int, err error) error {
	var twice *duplicate
	var tooMuch *tooMuch
	switch {
	case errors.As(err, &twice):
		return fmt.Errorf("%s:%d: %w%s", s.spec.Path, twice.where, twice, s.twiceHint())
	case errors.As(err, &tooMuch):
		return fmt.Errorf("%s:%d: %d series and %d samples so far take more than %d MiB of memory to sort; give each series a column of its own and sort the rows by time, or make a TSDB block of it", s.spec.Path, line, tooMuch.series, tooMuch.samples, limit.Converted>>20)
	}
	return err
}

func (s *csvScan) twiceHint() string {
	if len(s.texts) == 0 {
		return ""
	}
	return "; series are told apart by the columns " + s.textNames()
}

func (s *csvScan) textNames() string {
	var names []string
	for _, text := range s.texts {
		names = append(names, text.header)
	}
	return listed(names)
}

// convertRow adds the samples of the current row.
func (s *csvScan) convertRow(rows *csvRows, b *builder) error {
	cell := s.table.cell(rows)
	t, err := s.times.parse(cell)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", rows.at(s.table.time), quoted(cell), err)
	}
	for _, column := range s.columns {
		v, ok, err := column.value(rows)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		series := b.series(s.labelled(column, rows))
		if series.app != nil && t <= series.last && s.rising > 0 && s.times.twice(t) {
			return fmt.Errorf("%s: %s is not later than a row of the same series before: this local time occurs twice in %s and counts as its first occurrence; write times in UTC or with an offset",
				rows.at(s.table.time), cell, s.times.wall.location)
		}
		if err := b.add(series, builtSample{t: t, f: v, where: int64(rows.line())}); err != nil {
			return err
		}
	}
	return nil
}

// labelled is a column's series in the current row.
func (s *csvScan) labelled(column *csvColumn, rows *csvRows) labels.Labels {
	if len(s.texts) == 0 {
		return column.labels
	}
	builder := labels.NewBuilder(column.labels)
	for _, text := range s.texts {
		cell := utf8Cell(rows.cell(text.field))
		if !text.selects {
			builder.Set(labelName(text.header), cell)
			continue
		}
		if series, ok := headerSeries(cell); ok {
			series.Range(func(l labels.Label) { builder.Set(l.Name, l.Value) })
		}
	}
	return builder.Labels()
}
