package recording

import (
	"fmt"
	"io"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A csvFile is a CSV that has been scanned once from beginning to end, and whose
// rows come in order of time.
type csvFile struct {
	spec    Spec
	table   *csvTable
	times   timeReader
	columns []*csvColumn
}

func (c *csvFile) series(matchers [][]*labels.Matcher) ([]labels.Labels, error) {
	var series []labels.Labels
	for _, column := range c.matching(matchers) {
		series = append(series, column.labels)
	}
	return series, nil
}

func (c *csvFile) matching(matchers [][]*labels.Matcher) []*csvColumn {
	var columns []*csvColumn
	for _, column := range c.columns {
		if matchesAny(column.labels, matchers) {
			columns = append(columns, column)
		}
	}
	return columns
}

// matchesAny tells whether one of the sets matches; no set at all matches.
func matchesAny(series labels.Labels, matchers [][]*labels.Matcher) bool {
	for _, set := range matchers {
		if labels.Selector(set).Matches(series) {
			return true
		}
	}
	return matchers == nil
}

func (c *csvFile) close() error { return nil }

func (c *csvFile) feed(matchers [][]*labels.Matcher, from, to int64) (fake.Feed, error) {
	columns := c.matching(matchers)
	if len(columns) == 0 {
		return fake.MergeFeeds(), nil // many ask for series that no CSV has
	}
	rows, err := c.table.open(c.spec.Path)
	if err != nil {
		return nil, err
	}
	return &csvFeed{
		rows:    rows,
		table:   c.table,
		times:   c.times,
		columns: columns,
		from:    from,
		to:      to,
	}, nil
}

// A csvFeed streams the values of some columns, row by row.
type csvFeed struct {
	rows     *csvRows
	table    *csvTable
	times    timeReader
	columns  []*csvColumn
	from, to int64
	// now is the current row's instant, next the first of the columns that has
	// not been looked at in it.
	now  int64
	next int
	live bool
}

// Labels returns the labels of a series of the feed.
func (f *csvFeed) Labels(series int) labels.Labels { return f.columns[series].labels }

// Close closes the file.
func (f *csvFeed) Close() error { return f.rows.file.Close() }

// Next returns the next value, or io.EOF.
func (f *csvFeed) Next() (fake.Sample, error) {
	for {
		for f.live && f.next < len(f.columns) {
			series := f.next
			f.next++
			v, ok, err := f.columns[series].value(f.rows)
			if err != nil {
				return fake.Sample{}, err
			}
			if ok {
				return fake.Sample{Series: series, T: f.now, F: v}, nil
			}
		}
		if err := f.nextRow(); err != nil {
			return fake.Sample{}, err
		}
	}
}

func (f *csvFeed) nextRow() error {
	f.live = false
	if _, err := f.rows.next(); err != nil {
		return err
	}
	cell := f.table.cell(f.rows)
	t, err := f.times.parse(cell)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.rows.at(f.table.time), quoted(cell), err)
	}
	if t > f.to {
		return io.EOF
	}
	f.now, f.next, f.live = t, 0, t >= f.from
	return nil
}
