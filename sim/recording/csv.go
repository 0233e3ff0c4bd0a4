package recording

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A csvColumn is a column that has become a series.
type csvColumn struct {
	field  int
	header string
	labels labels.Labels
	// last is the instant of the column's last value while scanning.
	last   int64
	values int64
}

// A csvFile is a CSV that has been scanned once from beginning to end.
type csvFile struct {
	spec    Spec
	time    int
	columns []*csvColumn
}

// csvRows reads the rows of a CSV.
type csvRows struct {
	path   string
	file   *textFile
	reader *csv.Reader
	header []string
	row    []string
}

func openCSVRows(path string) (*csvRows, error) {
	file, err := openText(path)
	if err != nil {
		return nil, err
	}
	r := &csvRows{path: path, file: file}
	if err := r.readHeader(); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

func (r *csvRows) readHeader() error {
	text := bufio.NewReaderSize(r.file, 1<<16)
	mark, _ := text.Peek(3)
	switch {
	case strings.HasPrefix(string(mark), "\xff\xfe"), strings.HasPrefix(string(mark), "\xfe\xff"):
		return fmt.Errorf("%s:1:1: text in UTF-16; save it as UTF-8", r.path)
	case string(mark) == "\xef\xbb\xbf":
		if _, err := text.Discard(3); err != nil {
			return readError(r.path, err)
		}
	}
	r.reader = csv.NewReader(text)
	r.reader.ReuseRecord = true
	r.reader.TrimLeadingSpace = true
	header, err := r.next()
	if err == io.EOF {
		return errEmpty(r.path)
	}
	if err != nil {
		return err
	}
	for _, name := range header {
		r.header = append(r.header, strings.TrimSpace(name))
	}
	if len(header) == 1 && strings.Contains(header[0], ";") {
		return fmt.Errorf("%s:1:1: columns are separated by semicolons; only commas are read, save it with commas (and decimal points)", r.path)
	}
	if len(header) == 1 && strings.Contains(header[0], "\t") {
		return fmt.Errorf("%s:1:1: columns are separated by tabs; only commas are read, save it with commas", r.path)
	}
	return nil
}

// next returns the next row, which is valid until the call after.
func (r *csvRows) next() ([]string, error) {
	row, err := r.reader.Read()
	if err == nil {
		r.row = row
		return row, nil
	}
	var parse *csv.ParseError
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, csv.ErrFieldCount):
		return nil, fmt.Errorf("%s: the row has %d cells, but the header has %d columns", r.at(0), len(row), r.reader.FieldsPerRecord)
	case errors.As(err, &parse):
		return nil, fmt.Errorf("%s:%d:%d: %w", r.path, parse.Line, parse.Column, parse.Err)
	}
	return nil, readError(r.path, err)
}

// at is where a cell of the current row stands.
func (r *csvRows) at(field int) string {
	line, column := r.reader.FieldPos(field)
	return fmt.Sprintf("%s:%d:%d", r.path, line, column)
}

func (r *csvRows) line() int {
	line, _ := r.reader.FieldPos(0)
	return line
}

// number reads a cell of the current row; false if it is empty.
func (r *csvRows) number(field int) (float64, bool, error) {
	cell := strings.TrimSpace(r.row[field])
	if cell == "" {
		return 0, false, nil
	}
	v, err := parseNumber(cell)
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w in column %q; allowed: a number, NaN, Inf, or nothing for a gap", r.at(field), err, r.header[field])
	}
	return v, true, nil
}

// parseNumber takes decimal numbers, NaN and Inf, but not Go's hexadecimal ones.
func parseNumber(cell string) (float64, error) {
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("number %s is out of range", quoted(cell))
	case err != nil, strings.ContainsAny(cell, "xX_"):
		return 0, fmt.Errorf("%s is not a number", quoted(cell))
	}
	return v, nil
}

// quoted quotes what somebody else wrote and keeps it short.
func quoted(s string) string {
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
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
	rows, err := openCSVRows(c.spec.Path)
	if err != nil {
		return nil, err
	}
	return &csvFeed{
		rows:    rows,
		times:   newTimeReader(c.spec.TimeLayout, c.spec.Location),
		time:    c.time,
		columns: c.matching(matchers),
		from:    from,
		to:      to,
	}, nil
}

// A csvFeed streams the values of some columns, row by row.
type csvFeed struct {
	rows     *csvRows
	times    *timeReader
	time     int
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
			v, ok, err := f.rows.number(f.columns[series].field)
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
	row, err := f.rows.next()
	if err != nil {
		return err
	}
	t, err := f.times.parse(strings.TrimSpace(row[f.time]))
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.rows.at(f.time), quoted(row[f.time]), err)
	}
	if t > f.to {
		return io.EOF
	}
	f.now, f.next, f.live = t, 0, t >= f.from
	return nil
}
