package recording

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// timeColumns are the headers by which a time column is found, best first.
var timeColumns = []string{"timestamp", "time", "date", "ts", "period"}

// openCSV reads the file once: only then is it known which columns are
// numbers, and that all rows can be used.
func (r *Recording) openCSV(ctx context.Context, spec Spec) error {
	rows, err := openCSVRows(spec.Path)
	if err != nil {
		return err
	}
	defer rows.file.Close()
	scan := &csvScan{rows: rows, spec: spec, times: newTimeReader(spec.TimeLayout, spec.Location)}
	if err := scan.readHeader(); err != nil {
		return err
	}
	if err := scan.readRows(ctx); err != nil {
		return err
	}
	file, err := scan.finish()
	if err != nil {
		return err
	}
	r.source = file
	r.info.First, r.info.Last = scan.first, scan.last
	r.info.Samples = scan.samples
	r.info.MedianSpacing = scan.spacings.median()
	r.info.Notes = scan.notes
	r.jump = scan.jump
	return nil
}

// A csvScan is the state of the first reading of a CSV.
type csvScan struct {
	rows  *csvRows
	spec  Spec
	times *timeReader
	time  int
	// undecided columns had only empty cells so far; columns are numbers;
	// skipped are something else.
	undecided []int
	columns   []*csvColumn
	skipped   []int

	read         int64
	previous     int64
	previousLine int
	jump         error
	first, last  int64
	samples      int64
	spacings     spacings
	notes        []string
	mapped       map[int]labels.Labels
}

func (s *csvScan) readHeader() error {
	var err error
	if s.time, err = s.findTime(); err != nil {
		return err
	}
	if err := s.readMapping(); err != nil {
		return err
	}
	for field := range s.rows.header {
		if field != s.time {
			s.undecided = append(s.undecided, field)
		}
	}
	return nil
}

func (s *csvScan) findTime() (int, error) {
	if s.spec.TimeColumn != "" {
		return s.column(s.spec.TimeColumn)
	}
	for _, name := range timeColumns {
		for field, header := range s.rows.header {
			if strings.EqualFold(header, name) {
				return field, nil
			}
		}
	}
	if _, err := newTimeReader(s.spec.TimeLayout, s.spec.Location).parse(s.rows.header[0]); err == nil {
		return 0, fmt.Errorf("%s:1:1: the first row is data (%s); add a header row such as timestamp,value", s.spec.Path, quoted(s.rows.header[0]))
	}
	return 0, nil
}

// column finds a column by its header: exactly, else in any case.
func (s *csvScan) column(name string) (int, error) {
	if field := slices.Index(s.rows.header, name); field >= 0 {
		if slices.Contains(s.rows.header[field+1:], name) {
			return 0, fmt.Errorf("%s:1: several columns are called %s; rename one", s.spec.Path, quoted(name))
		}
		return field, nil
	}
	found := -1
	for field, header := range s.rows.header {
		if strings.EqualFold(header, name) {
			if found >= 0 {
				return 0, fmt.Errorf("%s:1: several columns are called %s in some case; give the exact one", s.spec.Path, quoted(name))
			}
			found = field
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("%s:1: no column %s; there are %s", s.spec.Path, quoted(name), listed(s.rows.header))
	}
	return found, nil
}

func (s *csvScan) readMapping() error {
	s.mapped = map[int]labels.Labels{}
	columns := make([]string, 0, len(s.spec.Series))
	for column := range s.spec.Series {
		columns = append(columns, column)
	}
	slices.Sort(columns)
	for _, column := range columns {
		field, err := s.column(column)
		if err != nil {
			return err
		}
		if field == s.time {
			return fmt.Errorf("%s:1: column %s has the times; it cannot be a series", s.spec.Path, quoted(column))
		}
		series, err := parseSeries(s.spec.Series[column])
		if err != nil {
			return fmt.Errorf("%s: series of column %s: %w", s.spec.Path, quoted(column), err)
		}
		s.mapped[field] = series
	}
	return nil
}

// parseSeries reads name{label="x"}.
func parseSeries(text string) (labels.Labels, error) {
	series, err := newParser().ParseMetric(text)
	if err != nil {
		return labels.EmptyLabels(), fmt.Errorf("%s: %w; allowed: name or name{label=\"value\"}", quoted(text), err)
	}
	if series.Get(labels.MetricName) == "" {
		return labels.EmptyLabels(), fmt.Errorf("%s has no metric name; allowed: name or name{label=\"value\"}", quoted(text))
	}
	return series, nil
}

func (s *csvScan) readRows(ctx context.Context) error {
	for {
		row, err := s.rows.next()
		if err == io.EOF {
			return nil
		}
		if err == nil && s.read%4096 == 0 {
			err = ctx.Err()
		}
		if err == nil {
			err = s.readRow(row)
		}
		if err != nil {
			return err
		}
	}
}

func (s *csvScan) readRow(row []string) error {
	t, err := s.readTime(strings.TrimSpace(row[s.time]))
	if err != nil {
		return err
	}
	s.decide(row)
	for _, column := range s.columns {
		_, ok, err := s.rows.number(column.field)
		if err != nil {
			return err
		}
		if ok {
			s.count(column, t)
		}
	}
	return nil
}

func (s *csvScan) count(column *csvColumn, t int64) {
	if column.values > 0 {
		s.spacings.add(t - column.last)
	}
	column.last = t
	column.values++
	if s.samples == 0 {
		s.first = t
	}
	s.last = t
	s.samples++
}

// decide makes series of those columns whose first value stands in this row.
func (s *csvScan) decide(row []string) {
	undecided := s.undecided[:0]
	for _, field := range s.undecided {
		cell := strings.TrimSpace(row[field])
		if cell == "" {
			undecided = append(undecided, field)
			continue
		}
		series, mapped := s.mapped[field]
		if _, err := parseNumber(cell); err != nil && !mapped {
			s.skipped = append(s.skipped, field)
			continue
		}
		s.columns = append(s.columns, &csvColumn{field: field, header: s.rows.header[field], labels: series})
	}
	s.undecided = undecided
}

func (s *csvScan) readTime(cell string) (int64, error) {
	t, err := s.times.parse(cell)
	if err != nil {
		return 0, s.timeError(cell, err)
	}
	if s.read > 0 && t <= s.previous {
		return 0, s.orderError(cell, t)
	}
	if s.jump == nil && s.read > 0 && t-s.previous > maxGap.Milliseconds() {
		s.jump = fmt.Errorf("%s: %s comes %d days after line %d; %s",
			s.rows.at(s.time), cell, days(t-s.previous), s.previousLine, wrongTime)
	}
	s.read++
	s.previous, s.previousLine = t, s.rows.line()
	return t, nil
}

func (s *csvScan) timeError(cell string, err error) error {
	if cell == "" {
		return fmt.Errorf("%s: no time in column %q; every row needs one", s.rows.at(s.time), s.rows.header[s.time])
	}
	if s.read == 0 && s.spec.TimeColumn == "" {
		return fmt.Errorf("%s: %s in time column %q: %w; columns are %s, name the time column if it is another",
			s.rows.at(s.time), quoted(cell), s.rows.header[s.time], err, listed(s.rows.header))
	}
	return fmt.Errorf("%s: %s in time column %q: %w", s.rows.at(s.time), quoted(cell), s.rows.header[s.time], err)
}

func (s *csvScan) orderError(cell string, t int64) error {
	if s.times.twice(t) {
		return fmt.Errorf("%s: %s is not later than line %d: this local time occurs twice in %s and counts as its first occurrence; write times in UTC or with an offset",
			s.rows.at(s.time), cell, s.previousLine, s.times.wall.location)
	}
	if t < s.previous {
		return fmt.Errorf("%s: %s is earlier than line %d; sort the rows by time", s.rows.at(s.time), cell, s.previousLine)
	}
	hint := "every instant may stand once"
	if len(s.skipped) > 0 {
		hint += "; series told apart by another column need a column each"
	}
	return fmt.Errorf("%s: %s has the same time as line %d; %s", s.rows.at(s.time), cell, s.previousLine, hint)
}

// finish gives the columns their names.
func (s *csvScan) finish() (*csvFile, error) {
	if s.read == 0 {
		return nil, fmt.Errorf("%s: no rows below the header", s.spec.Path)
	}
	if len(s.columns) == 0 {
		return nil, fmt.Errorf("%s: no column with numbers; columns are %s, times are in %q",
			s.spec.Path, listed(s.rows.header), s.rows.header[s.time])
	}
	slices.SortFunc(s.columns, func(a, b *csvColumn) int { return a.field - b.field })
	for _, column := range s.columns {
		s.name(column)
	}
	for i, column := range s.columns {
		for _, other := range s.columns[:i] {
			if labels.Equal(column.labels, other.labels) {
				return nil, fmt.Errorf("%s:1: columns %q and %q both become the series %s; give one another name with --series '%s=NAME{label=\"value\"}'",
					s.spec.Path, other.header, column.header, shown(column.labels), column.header)
			}
		}
	}
	s.noteSkipped("hold no numbers", s.skipped)
	s.noteSkipped("are empty", s.undecided)
	return &csvFile{spec: s.spec, time: s.time, columns: s.columns}, nil
}

func (s *csvScan) name(column *csvColumn) {
	if column.labels.Len() > 0 {
		return
	}
	name := metricName(column.header, column.field)
	if name != column.header {
		s.notes = append(s.notes, fmt.Sprintf("%s: column %q becomes the series %s", s.spec.Path, column.header, name))
	}
	column.labels = labels.FromStrings(labels.MetricName, name)
}

func (s *csvScan) noteSkipped(what string, fields []int) {
	if len(fields) == 0 {
		return
	}
	slices.Sort(fields)
	var headers []string
	for _, field := range fields {
		headers = append(headers, s.rows.header[field])
	}
	s.notes = append(s.notes, fmt.Sprintf("%s: columns ignored, as they %s: %s", s.spec.Path, what, listed(headers)))
}

// metricName makes a valid metric name of a header; field numbers a column
// without one.
func metricName(header string, field int) string {
	if header == "" {
		return fmt.Sprintf("column_%d", field+1)
	}
	var name strings.Builder
	for i, c := range header {
		letter := c == '_' || c == ':' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if digit && i == 0 {
			name.WriteByte('_')
		}
		if letter || digit {
			name.WriteRune(c)
		} else {
			name.WriteByte('_')
		}
	}
	return name.String()
}

// listed quotes names for a message, the first twenty of them.
func listed(names []string) string {
	const most = 20
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	list := strings.Join(quoted, ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}
