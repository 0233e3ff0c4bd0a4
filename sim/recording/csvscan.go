package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// openCSV reads the file once: only then is it known which columns are numbers and
// how they are written, and that all rows can be used. A table whose rows are in
// order of time, and of which each column is one series, is streamed from then on;
// another one is converted to a block.
func (r *Recording) openCSV(ctx context.Context, spec Spec, tmp func() (string, error)) error {
	table, err := findTable(spec)
	if err != nil {
		return err
	}
	s, err := scanCSV(ctx, spec, table)
	if err != nil {
		return err
	}
	r.jump = s.jump
	if s.converts() {
		if err := s.convert(ctx, r, tmp); err != nil {
			return err
		}
	} else {
		r.source = &csvFile{spec: spec, table: table, times: *s.times, columns: s.columns}
		r.info.First, r.info.Last = s.first, s.last
		r.info.Samples = s.samples
		r.info.MedianSpacing = s.spacings.median()
	}
	r.info.Notes = s.notes
	r.info.Columns = s.columnUses()
	return nil
}

// Columns lists the columns of a CSV by their headers; nil for other formats.
func Columns(spec Spec) ([]string, error) {
	format, err := formatOf(spec)
	if err != nil || format != CSV {
		return nil, err
	}
	table, err := findTable(spec)
	if err != nil {
		return nil, err
	}
	return table.header, nil
}

// A csvScan is the state of the first reading of a CSV.
type csvScan struct {
	rows  *csvRows
	spec  Spec
	table *csvTable
	times *timeReader
	// undecided columns had only empty cells so far; columns are numbers; texts
	// tell series apart where they vary; moments are other times.
	undecided []int
	columns   []*csvColumn
	texts     []*csvText
	moments   []int
	// tables are InfluxDB's numbers of tables, which are no metric.
	tables []int
	// indexes number the rows.
	indexes []int
	// truths are columns of booleans: values, or text where that is needed to tell series apart.
	truths []*csvText
	// footers are the names of the lines below the last row, footer the error of the
	// first, should a row follow.
	footers []string
	footer  error
	// gaps are the words that stand for nothing, examples of each.
	gaps []string

	read         int64
	previous     int64
	previousLine int
	// unsorted is the error of the first row that is not later than the one before
	// it, repeated that of the first that repeats a local hour. rising counts rows
	// that are later than the one before.
	unsorted, repeated error
	rising             int64
	jump               error
	days               map[int64]struct{}
	first, last        int64
	samples            int64
	spacings           spacings
	notes              []string
	mapped             map[int]labels.Labels
	// unnamed is the name of every column without a metric name.
	unnamed labels.Labels
}

// A csvText is a column of text.
type csvText struct {
	field  int
	header string
	first  string
	second string
	// selects says that the cells are selectors, and not the values of one label.
	selects bool
}

func scanCSV(ctx context.Context, spec Spec, table *csvTable) (*csvScan, error) {
	s := &csvScan{spec: spec, table: table, times: newTimeReader(spec.TimeLayout, spec.Location), days: map[int64]struct{}{}, first: math.MaxInt64, last: math.MinInt64}
	if err := s.readHeader(); err != nil {
		return nil, err
	}
	rows, err := table.open(spec.Path)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if err == io.EOF {
		return nil, fmt.Errorf("%s: no rows below the header", spec.Path)
	}
	defer rows.file.Close()
	s.rows = rows
	if err := s.readRows(ctx); err != nil {
		return nil, err
	}
	return s, s.finish()
}

func (s *csvScan) readHeader() error {
	if n := len(s.table.header); n > limit.Columns {
		return fmt.Errorf("%s:1:1: %d columns, more than %d; is the table transposed?", s.spec.Path, n, limit.Columns)
	}
	if s.table.lying {
		return fmt.Errorf("%s:1: the times stand in the first row, so the table lies on its side; transpose it, so that each row has a time", s.spec.Path)
	}
	if s.table.headless {
		return fmt.Errorf("%s:1:1: the first row is data (%s); add a header row such as %s", s.spec.Path, quoted(s.table.header[s.table.time]), s.possibleHeader())
	}
	if s.spec.TimeColumn != "" {
		var err error
		if s.table.time, err = s.column(s.spec.TimeColumn); err != nil {
			return err
		}
	}
	header := s.table.header[s.table.time]
	s.times.serials = s.times.serials || s.spec.TimeColumn != "" || slices.ContainsFunc(timeColumns, func(name string) bool { return strings.EqualFold(name, header) })
	if known := s.times.serials; !known && s.table.time > 0 {
		s.note("the times are read from column %q (--time-column, or time.column of a scenario, names another)", header)
	}
	if s.table.skip+s.table.below > 0 {
		s.note("the names of the columns are taken from row %d; passed over are %d above it and %d below it", s.table.skip+1, s.table.skip, s.table.below)
	}
	if err := s.readMapping(); err != nil {
		return err
	}
	if s.table.zone >= 0 {
		s.note("times are local ones of the zones in column %q", s.table.header[s.table.zone])
	}
	if s.table.zoneText != "" && s.times.wall.location != time.UTC {
		s.note("times are of the zone in the header %q, and not of %s", header, s.times.wall.location)
	}
	flux := slices.Contains(s.table.header, "result") && slices.Contains(s.table.header, "_time")
	for field, name := range s.table.header {
		switch {
		case flux && name == "table":
			s.tables = append(s.tables, field)
		case field != s.table.time && field != s.table.clock && field != s.table.zone:
			s.undecided = append(s.undecided, field)
		}
	}
	return nil
}

// possibleHeader is a header that would fit a first row of data.
func (s *csvScan) possibleHeader() string {
	names := make([]string, len(s.table.header))
	for field, cell := range s.table.header {
		_, err := parseNumber(cell)
		switch {
		case field == s.table.time:
			names[field] = "timestamp"
		case err == nil:
			names[field] = "value"
		default:
			names[field] = "series"
		}
	}
	return strings.Join(names, string(s.table.comma))
}

func (s *csvScan) note(format string, args ...any) {
	s.notes = append(s.notes, s.spec.Path+": "+fmt.Sprintf(format, args...))
}

// column finds a column by its header: exactly, else in any case, else by #NUMBER.
func (s *csvScan) column(name string) (int, error) {
	header := s.table.header
	if field := slices.Index(header, name); field >= 0 {
		if other := slices.Index(header[field+1:], name); other >= 0 {
			return 0, fmt.Errorf("%s:1: several columns are called %s; say #%d or #%d", s.spec.Path, quoted(name), field+1, field+other+2)
		}
		return field, nil
	}
	found := -1
	for field, header := range header {
		if strings.EqualFold(header, name) {
			if found >= 0 {
				return 0, fmt.Errorf("%s:1: several columns are called %s in some case; give the exact one", s.spec.Path, quoted(name))
			}
			found = field
		}
	}
	if number, ok := strings.CutPrefix(name, "#"); ok && found < 0 {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(header) {
			return n - 1, nil
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("%s:1: no column %s; there are %s", s.spec.Path, quoted(name), listed(nearest(name, header)))
	}
	return found, nil
}

// everyUnnamed stands in a mapping for all columns whose headers are labels only.
const everyUnnamed = "*"

func (s *csvScan) readMapping() error {
	s.mapped = map[int]labels.Labels{}
	columns := make([]string, 0, len(s.spec.Series))
	for column := range s.spec.Series {
		columns = append(columns, column)
	}
	slices.Sort(columns)
	for _, column := range columns {
		series, err := parseSeries(s.spec.Series[column])
		if err != nil {
			return fmt.Errorf("%s: series of column %s: %w", s.spec.Path, quoted(column), err)
		}
		if column == everyUnnamed && !slices.Contains(s.table.header, column) {
			s.unnamed = series
			continue
		}
		field, err := s.column(column)
		if err != nil {
			return err
		}
		if field == s.table.time {
			return fmt.Errorf("%s:1: column %s has the times; it cannot be a series", s.spec.Path, quoted(column))
		}
		s.mapped[field] = series
	}
	return nil
}

// parseSeries reads name{label="x"}.
func parseSeries(text string) (labels.Labels, error) {
	series, err := (fake.Features{}).Parser().ParseMetric(text)
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
		if s.read > 0 && s.closes(row, err) {
			continue
		}
		if err == nil && s.footer != nil {
			return s.footer
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

// closes says whether a row is a line of totals.
func (s *csvScan) closes(row []string, err error) bool {
	var count *fieldCount
	if err != nil && !errors.As(err, &count) || !isFooter(row) {
		return false
	}
	if s.footer == nil {
		s.footer = err
		if err == nil {
			s.footer = s.timeError(s.table.base(row), errors.New("a line of totals among the rows; take it out"))
		}
	}
	name := row[slices.IndexFunc(row, func(cell string) bool { return strings.TrimSpace(cell) != "" })]
	s.footers = append(s.footers, strings.TrimSpace(name))
	return true
}

func (s *csvScan) readRow(row []string) error {
	t, err := s.readTime()
	if err != nil {
		return err
	}
	if len(s.undecided) > 0 {
		if err := s.decide(row); err != nil {
			return err
		}
	}
	for _, text := range s.texts {
		text.look(row)
	}
	for _, text := range s.truths {
		text.look(row)
	}
	for _, column := range slices.Clone(s.columns) {
		ok, err := column.look(s.rows)
		if err != nil && column.truths {
			s.asText(column.field)
			continue
		}
		if err != nil {
			return err
		}
		if column.index && ok {
			column.index = s.rows.cell(column.field) == strconv.FormatInt(s.read-1+column.from, 10)
		}
		if column.moment && ok {
			column.moment = isMoment(s.rows.cell(column.field), t)
		}
		if ok {
			s.count(column, t)
		} else if cell := s.rows.cell(column.field); cell != "" {
			s.gap(cell)
		}
	}
	return nil
}

// look keeps the first text that differs.
func (c *csvText) look(row []string) {
	if c.selects && strings.TrimSpace(row[c.field]) != c.second && strings.TrimSpace(row[c.field]) != c.first {
		_, c.selects = headerSeries(strings.TrimSpace(row[c.field]))
	}
	if cell := strings.TrimSpace(row[c.field]); cell != c.first && cell != "" && c.second == "" {
		c.second = cell
	}
}

// asText makes a label of a column of booleans.
func (s *csvScan) asText(field int) {
	s.columns = slices.DeleteFunc(s.columns, func(c *csvColumn) bool { return c.field == field })
	for _, text := range s.truths {
		if text.field == field {
			s.texts = append(s.texts, text)
		}
	}
	s.truths = slices.DeleteFunc(s.truths, func(c *csvText) bool { return c.field == field })
}

// truthsAsText makes labels of all columns of booleans; false if there are none.
func (s *csvScan) truthsAsText() bool {
	some := len(s.truths) > 0
	for _, text := range slices.Clone(s.truths) {
		s.asText(text.field)
	}
	return some
}

// momentWords are in the headers of further times.
var momentWords = regexp.MustCompile(`(?i)^(begin|start|end|stop|from|to|until|date|time|timestamp)(|[ _]?(time|date|timestamp|at))(|[ _]?\(?(ms|s|sec|seconds|millis|milliseconds|epoch|utc)\)?)$`)

// isMoment says whether a cell is a Unix time within a day of a row's.
func isMoment(cell string, t int64) bool {
	other, err := parseUnix(cell)
	return err == nil && max(other-t, t-other) <= daySeconds*1000
}

// gap notes a word that stands for nothing.
func (s *csvScan) gap(cell string) {
	if len(s.gaps) < limit.Listed && !slices.Contains(s.gaps, cell) {
		s.gaps = append(s.gaps, cell)
	}
}

func (s *csvScan) count(column *csvColumn, t int64) {
	if column.values > 0 {
		s.spacings.add(t - column.last)
	}
	column.last = t
	column.values++
	s.first, s.last = min(s.first, t), max(s.last, t)
	s.samples++
}

// decide makes series of those columns whose first value stands in this row, and
// labels of those with text.
func (s *csvScan) decide(row []string) error {
	undecided := s.undecided[:0]
	for _, field := range s.undecided {
		cell := strings.TrimSpace(row[field])
		if isNothing(cell) {
			if cell != "" {
				s.gap(cell)
			}
			undecided = append(undecided, field)
			continue
		}
		column := &csvColumn{field: field, header: s.table.header[field]}
		_, err := column.look(s.rows)
		series, mapped := s.mapped[field]
		if column.truths && !mapped {
			s.truths = append(s.truths, &csvText{field: field, header: column.header, first: cell})
		}
		switch moment := isTime(cell); {
		case err != nil && mapped:
			return err
		case err != nil && moment:
			s.moments = append(s.moments, field)
		case err != nil:
			_, selects := headerSeries(cell)
			s.texts = append(s.texts, &csvText{field: field, header: column.header, first: cell, selects: selects})
		default:
			s.columns = append(s.columns, &csvColumn{field: field, header: column.header, labels: series, moment: !mapped && momentWords.MatchString(column.header),
				index: !mapped && s.read == 1 && (cell == "0" || cell == "1") && (column.header == "" || column.header == "Unnamed: 0"), from: int64(cell[0] - '0')})
		}
	}
	s.undecided = undecided
	return nil
}

// isTime says whether a cell is a time and no number.
func isTime(cell string) bool {
	_, err := newTimeReader("", nil).parse(cell)
	return (err == nil || err == errOrder) && !isDecimal(plainNumber(cell))
}

func (s *csvScan) readTime() (int64, error) {
	cell := s.table.cell(s.rows)
	t, err := s.times.parse(cell)
	if errors.Is(err, errOrder) {
		if err = s.settleOrder(); err == nil {
			t, err = s.times.parse(cell)
		}
	}
	if err != nil && s.read > 0 && !hasNumber(s.rows.row) && len(trimmed(s.rows.row)) > 1 {
		return 0, fmt.Errorf("%s: %s in time column %q: another table begins here; save each table as a file of its own", s.rows.at(s.table.time), quoted(cell), s.table.header[s.table.time])
	}
	if err != nil {
		return 0, s.timeError(cell, err)
	}
	if s.read > 0 && t <= s.previous {
		if s.unsorted == nil {
			s.unsorted = s.orderError(cell, t)
		}
		if s.repeated == nil && s.times.twice(t) {
			s.repeated = s.orderError(cell, t)
		}
	}
	if s.read > 0 && t >= s.previous {
		s.rising++
	}
	if s.jump == nil && s.read > 0 && s.unsorted == nil && t-s.previous > maxGap.Milliseconds() {
		s.jump = fmt.Errorf("%s: %s comes %d days after line %d; %s",
			s.rows.at(s.table.time), cell, days(t-s.previous), s.previousLine, wrongTime)
	}
	if day := floorDiv(t, daySeconds*1000); s.read == 0 || day != floorDiv(s.previous, daySeconds*1000) {
		s.days[day] = struct{}{}
	}
	s.read++
	s.previous, s.previousLine = t, s.rows.line()
	return t, nil
}

// settleOrder reads on to find a cell that tells day from month.
func (s *csvScan) settleOrder() error {
	rows, err := s.table.open(s.spec.Path)
	if err != nil {
		return err
	}
	defer rows.file.Close()
	for s.times.order == orderUnknown {
		if _, err := rows.next(); err == io.EOF {
			return errOrder
		} else if err != nil {
			return err
		}
		s.times.settleOrder(s.table.cell(rows))
	}
	order := "the day stands before the month"
	if s.times.order == monthFirst {
		order = "the month stands before the day"
	}
	s.note("in column %q %s, as line %d shows", s.table.header[s.table.time], order, rows.line())
	return nil
}

func (s *csvScan) timeError(cell string, err error) error {
	place := s.rows.at(s.table.time)
	header := s.table.header[s.table.time]
	layout := s.spec.cure("time.layout", "--time-layout")
	switch {
	case cell == "":
		return fmt.Errorf("%s: no time in column %q; every row needs one", place, header)
	case errors.Is(err, errOrder):
		clock := ""
		if c, _ := parseDayFirst(cell, dayFirst); !c.date {
			clock = " 15:04"
			if strings.Count(cell, ":") > 1 {
				clock += ":05"
			}
		}
		return fmt.Errorf("%s: %s in time column %q: %w, here or in any other row; say how it is written: %s '01/02/2006%s' for the month first, '02/01/2006%s' for the day",
			place, quoted(cell), header, err, layout, clock, clock)
	case errors.Is(err, errShortYear):
		clock := ""
		if strings.Contains(cell, ":") {
			clock = " %H:%M"
			if strings.Count(cell, ":") > 1 {
				clock += ":%S"
			}
		}
		err = fmt.Errorf("%w; say how it is written: %s '%%m/%%d/%%y%s', '%%d/%%m/%%y%s' or '%%y/%%m/%%d%s' (with the cells' own marks)", err, layout, clock, clock, clock)
	case errors.Is(err, errTimeForm):
		err = fmt.Errorf("%w; read are RFC 3339 and its relatives, dates with dots, slashes or names, Unix seconds to nanoseconds and more; say how others are written, e.g. %s '%%d.%%m.%%y %%H:%%M'", err, layout)
	}
	if s.read == 0 && s.spec.TimeColumn == "" {
		return fmt.Errorf("%s: %s in time column %q: %w; columns are %s, name the time column with %s if it is another",
			place, quoted(cell), header, err, listed(s.table.header), s.spec.cure("time.column", "--time-column"))
	}
	return fmt.Errorf("%s: %s in time column %q: %w", place, quoted(cell), header, err)
}

func (s *csvScan) orderError(cell string, t int64) error {
	switch {
	case s.times.twice(t):
		return fmt.Errorf("%s: %s is not later than line %d: this local time occurs twice in %s and counts as its first occurrence; write times in UTC or with an offset",
			s.rows.at(s.table.time), cell, s.previousLine, s.times.wall.location)
	case t < s.previous:
		return fmt.Errorf("%s: %s is earlier than line %d; sort the rows by time", s.rows.at(s.table.time), cell, s.previousLine)
	}
	return fmt.Errorf("%s: %s has the same time as line %d; every instant may stand once", s.rows.at(s.table.time), cell, s.previousLine)
}

// finish gives the columns their names, and says what was made of them.
func (s *csvScan) finish() error {
	if s.read == 0 {
		return fmt.Errorf("%s: no rows below the header", s.spec.Path)
	}
	if len(s.columns) == 0 {
		return s.noNumbers()
	}
	s.table.rows = s.read
	s.dropMoments()
	varies := slices.ContainsFunc(s.texts, func(c *csvText) bool { return c.second != "" })
	if s.unsorted != nil && s.rising > 0 && s.repeated == nil && !varies {
		s.truthsAsText() // without them a time would stand twice
	}
	slices.SortFunc(s.columns, func(a, b *csvColumn) int { return a.field - b.field })
	var renamed, read []string
	for _, column := range s.columns {
		if err := column.settle(s.table.comma); err != nil {
			return err
		}
		if text := s.name(column); text != "" {
			renamed = append(renamed, text)
		}
		if text := column.reads(); text != "" {
			read = append(read, text)
		}
	}
	if err := s.checkDistinct(); err != nil {
		return err
	}
	if form := s.times.assumed(); form != "" {
		s.note("times are read as %s", form)
	}
	s.noteEach("column ", renamed)
	s.noteEach("reads ", read)
	if len(s.gaps) > 0 {
		s.note("takes %s for gaps", listed(s.gaps))
	}
	if len(s.footers) > 0 {
		s.note("the table ends above lines of totals: %s", listed(s.footers))
	}
	if s.rows.repeated > 0 {
		s.note("passed over is the header where it is repeated, %d times", s.rows.repeated)
	}
	s.noteFields("are empty", s.undecided)
	s.noteFields("number InfluxDB's tables", s.tables)
	s.noteFields("hold further times", s.moments)
	return s.settleTexts()
}

// dropMoments takes columns of further times and of row numbers out of the series.
func (s *csvScan) dropMoments() {
	for _, c := range slices.Clone(s.columns) {
		if (c.moment || c.index && s.read > 1) && len(s.columns) > 1 {
			if c.moment {
				s.moments = append(s.moments, c.field)
			} else {
				s.indexes = append(s.indexes, c.field)
			}
			s.samples -= c.values
			s.columns = slices.DeleteFunc(s.columns, func(other *csvColumn) bool { return other == c })
		}
	}
}

// settleTexts divides columns of text into those that tell series apart and those
// that say the same in every row.
func (s *csvScan) settleTexts() error {
	var constant []int
	var varying []*csvText
	for _, text := range s.texts {
		if text.second == "" && text.header != labels.MetricName && !text.selects {
			constant = append(constant, text.field)
		} else {
			varying = append(varying, text)
		}
	}
	s.texts = varying
	s.noteFields("hold the same text in every row", constant)
	var names []string
	for _, text := range varying {
		if text.selects {
			s.note("the series of each row are those that column %q selects, such as %s", text.header, quoted(text.first))
			continue
		}
		names = append(names, fmt.Sprintf("%s (%s, %s, ...)", labelName(text.header), quoted(text.first), quoted(text.second)))
	}
	if len(names) > 0 {
		s.note("columns of text become labels, which tell series apart: %s", joined(names))
	}
	if len(varying) > 0 {
		s.repeated = nil // it is for each series to repeat an hour
		return nil
	}
	if s.repeated != nil && s.rising > 0 {
		return s.repeated
	}
	if s.unsorted != nil && s.rising > 0 {
		return s.unsorted // one row out of order has a wrong time
	}
	if s.unsorted != nil {
		s.note("the newest row comes first; they are read from the last to the first")
		s.jump = s.leap()
	}
	return nil
}

// leap refuses more than a year without a row, in whatever order rows come.
func (s *csvScan) leap() error {
	sorted := make([]int64, 0, len(s.days))
	for day := range s.days {
		sorted = append(sorted, day)
	}
	slices.Sort(sorted)
	for i, day := range sorted[1:] {
		if gap := day - sorted[i]; gap > days(maxGap.Milliseconds()) {
			return fmt.Errorf("%s: no row for %d days from %s on; %s", s.spec.Path, gap, instant(sorted[i]*daySeconds*1000), wrongTime)
		}
	}
	return nil
}

func (s *csvScan) noNumbers() error {
	hint := ""
	if len(s.texts) > 0 {
		hint = fmt.Sprintf("; column %q begins with %s", s.texts[0].header, quoted(s.texts[0].first))
	}
	return fmt.Errorf("%s: no column with numbers; columns are %s, times are in %q%s",
		s.spec.Path, listed(s.table.header), s.table.header[s.table.time], hint)
}

// checkDistinct refuses columns that become one series.
func (s *csvScan) checkDistinct() error {
	seen := make(map[string]*csvColumn, len(s.columns))
	for _, column := range s.columns {
		key := column.labels.String()
		other := seen[key]
		if other == nil {
			seen[key] = column
			continue
		}
		name := column.header
		if other.header == column.header || name == "" {
			name = fmt.Sprintf("#%d", column.field+1)
		}
		return fmt.Errorf("%s:1: columns %q and %q (#%d and #%d) both become the series %s; give one another name with %s",
			s.spec.Path, other.header, column.header, other.field+1, column.field+1, shown(column.labels), s.spec.cureSeries(name))
	}
	return nil
}

// name gives a column its series, and says so where it is another than its header.
func (s *csvScan) name(column *csvColumn) string {
	if column.labels.Len() > 0 {
		return ""
	}
	if series, ok := headerSeries(column.header); ok {
		if series.Get(labels.MetricName) == "" && s.unnamed.Len() > 0 {
			builder := labels.NewBuilder(series)
			s.unnamed.Range(func(l labels.Label) { builder.Set(l.Name, l.Value) })
			series = builder.Labels()
		}
		column.labels = series
		return ""
	}
	name := metricName(column.header, column.field)
	column.labels = labels.FromStrings(labels.MetricName, name)
	if name == column.header {
		return ""
	}
	return fmt.Sprintf("%q becomes the series %s", column.header, name)
}

// noteEach notes the first of some texts, and how many more there are.
func (s *csvScan) noteEach(what string, texts []string) {
	if len(texts) > 0 {
		s.note("%s%s", what, joined(texts))
	}
}

func (s *csvScan) noteFields(what string, fields []int) {
	slices.Sort(fields)
	var headers []string
	for _, field := range fields {
		if header := s.table.header[field]; header != "" {
			headers = append(headers, header)
		}
	}
	if len(headers) > 0 {
		s.note("columns ignored, as they %s: %s", what, listed(headers))
	}
}
