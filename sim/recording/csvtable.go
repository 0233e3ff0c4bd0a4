package recording

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

// A csvTable is where a CSV's table stands in its file, and which of its columns
// has the times.
type csvTable struct {
	comma rune
	// skip is how many records stand above the header, below how many between it
	// and the first row: titles, and lines of units.
	skip, below int
	// commented says that the header is in the comment above the first row.
	commented bool
	header    []string
	// time is the column of the times, clock that of the times of day where time
	// has only dates, zone that of the zones of local times; -1 for none.
	time, clock, zone int
	// zoneText is the zone that the header of the times names, such as UTC.
	zoneText string
	// rows is how many there are, without lines of totals below them; 0 before they
	// are counted.
	rows int64
	// found says that the cells showed where the table is.
	found bool
	// headless says that the first row is data, lying that it has the times of all columns.
	headless, lying bool
}

// headRows is how many records are looked at to find the table.
const headRows = 40

// timeColumns are the headers by which a time column is found, best first.
var timeColumns = []string{
	"timestamp", "time", "date", "ts", "period", "datetime", "date/time", "date time", "@timestamp", "_time", "timestamps", "time (utc)",
	"zeit", "zeitpunkt", "zeitstempel", "datum", "heure", "horodatage", "fecha", "hora", "data", "czas",
}

// findTable looks for a separator with which there are times in the first records.
func findTable(spec Spec) (*csvTable, error) {
	named, err := namedSeparator(spec.Path)
	if err != nil {
		return nil, err
	}
	separators := []rune{',', ';', '\t', '|'}
	if named != 0 {
		separators = []rune{named}
	}
	var best *csvTable
	var first error
	for _, comma := range separators {
		records, comment, err := headRecords(spec.Path, comma)
		if err != nil && len(records) == 0 {
			first = cmp.Or(first, err)
			continue // cells in quotes are none for another separator
		}
		t := tableIn(records, comment, comma, spec)
		if t.found {
			return t, nil
		}
		if best == nil || len(t.header) > len(best.header) {
			best = t
		}
	}
	if best == nil {
		return nil, first
	}
	return best, nil
}

// namedSeparator returns what a line such as sep=; says, 0 without one.
func namedSeparator(path string) (rune, error) {
	file, text, err := openCSVText(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	head, _ := text.Peek(16)
	line, _, _ := strings.Cut(string(head), "\n")
	return separatorLine(line), nil
}

// headRecords are the first records of a file, and the comment above them.
func headRecords(path string, comma rune) (records [][]string, comment string, err error) {
	rows, err := openCSVRows(path, comma)
	if err != nil {
		return nil, "", err
	}
	defer rows.file.Close()
	rows.reader.FieldsPerRecord = -1
	for len(records) < headRows {
		row, err := rows.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return records, rows.comment, err
		}
		record := make([]string, len(row))
		for i := range row {
			record[i] = strings.TrimSpace(row[i])
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, "", errEmpty(path)
	}
	return records, rows.comment, nil
}

// tableIn finds the table in the first records.
func tableIn(records [][]string, comment string, comma rune, spec Spec) *csvTable {
	first := slices.IndexFunc(records, func(r []string) bool { return len(r) > 1 && hasTime(r, spec) })
	if first < 0 {
		t := &csvTable{comma: comma, clock: -1, zone: -1, header: readable(records[0])}
		t.findTime(records[1:], spec)
		return t
	}
	t := &csvTable{comma: comma, clock: -1, zone: -1, found: true}
	at, ok := findNames(records, first, spec)
	if !ok {
		t.header, t.found = readable(records[0]), false
		t.findTime(records[1:], spec)
		return t
	}
	switch own := strings.Split(comment, string(comma)); {
	case at >= 0:
		t.header, t.skip, t.below = records[at], at, first-at-1
	case comment != "" && len(own) == len(records[first]):
		t.header, t.commented = own, true
	default:
		t.header, t.headless = records[first], true
		t.lying = first == 0 && countTimes(records[first], spec) > 1 && len(records) > 1 && countTimes(records[1], spec) == 0
	}
	t.header = readable(t.header)
	var rows [][]string
	for _, r := range records[first:] {
		if len(r) >= len(t.header) {
			rows = append(rows, r)
		}
	}
	t.findTime(rows, spec)
	return t
}

// findNames finds the record with the names of the columns above the first row, -1 if
// there is none; false if that would pass over data whose time is none.
func findNames(records [][]string, first int, spec Spec) (at int, ok bool) {
	width := len(trimmed(records[first]))
	time := max(0, slices.IndexFunc(records[first], func(cell string) bool { return hasTime([]string{cell}, spec) }))
	fits := func(r []string) bool { n := len(trimmed(r)); return n >= 2 && n >= width-1 && len(r) >= width }
	at = first - 1
	for at >= 0 && !fits(records[at]) {
		at--
	}
	top := at
	for top > 0 && fits(records[top-1]) {
		top--
	}
	if before := first - 1; at < 0 && before >= 0 && len(records[before]) > 1 {
		at, top = before, before // the row has too many cells
	}
	if at < 0 {
		return at, true
	}
	// Consoles write several rows of names, ids and units: that of the times' name
	// counts, else the first in which no two columns are called the same.
	if names := records[at]; top < at && (time >= len(names) || !isTimeName(names[time]) || !distinct(names)) {
		for i := top; i < at; i++ {
			if distinct(records[i]) && !hasNumber(records[i]) {
				at = i
				break
			}
		}
	}
	words := 0
	for _, r := range records[top:first] {
		if fits(r) && !hasNumber(r) {
			words++
		}
	}
	for i, r := range records[:first] {
		passed := hasNumber(r) && (i > at || len(r) >= width) && i != at && (len(r) <= time || !isWord(r[time]) || words < 2) && !isFooter(r)
		if passed || i == at && isData(r) {
			return at, false
		}
	}
	return at, true
}

// isTimeName says whether a header is one that times are known by.
func isTimeName(header string) bool {
	header, _, _ = strings.Cut(header, " (")
	header, _, _ = strings.Cut(header, " [")
	return slices.ContainsFunc(timeColumns, func(name string) bool { return strings.EqualFold(name, header) })
}

// distinct says whether no two cells of a record are the same.
func distinct(record []string) bool {
	seen := map[string]bool{}
	for _, cell := range trimmed(record) {
		if seen[cell] {
			return false
		}
		seen[cell] = true
	}
	return true
}

// isWord says whether a cell has letters and no digits.
func isWord(cell string) bool {
	return strings.ContainsFunc(cell, unicode.IsLetter) && !strings.ContainsAny(cell, "0123456789")
}

// summaries are the names of lines that sum a table up.
var summaries = []string{
	"total", "totals", "grand total", "subtotal", "sum", "average", "avg", "mean", "median", "min", "minimum", "max", "maximum", "count", "last", "current", "stddev",
	"summe", "gesamt", "gesamtergebnis", "gesamtsumme", "mittelwert", "durchschnitt", "anzahl", "somme", "moyenne", "suma", "totaal", "promedio", "media", "totale",
}

// rowCount is the line with which databases' shells end a table.
var rowCount = regexp.MustCompile(`^\([0-9]+ (rows?|zeilen?)\)$`)

// isFooter says whether a record is a line of totals: the first cell with anything in
// it says so.
func isFooter(record []string) bool {
	for _, cell := range record {
		if cell = strings.Trim(cell, " :"); cell != "" {
			if '0' <= cell[0] && cell[0] <= '9' {
				return false // most rows are none
			}
			cell = strings.ToLower(cell)
			return slices.Contains(summaries, cell) || rowCount.MatchString(cell)
		}
	}
	return false
}

func countTimes(record []string, spec Spec) int {
	n := 0
	for _, cell := range record {
		if hasTime([]string{cell}, spec) {
			n++
		}
	}
	return n
}

func hasNumber(record []string) bool { return slices.ContainsFunc(record, isDecimal) }

// isData says whether all cells of a record that have something are numbers.
func isData(record []string) bool {
	return hasNumber(record) && !slices.ContainsFunc(record, func(cell string) bool { return cell != "" && !isDecimal(cell) })
}

// readable is a record in UTF-8, without blanks around its cells.
func readable(record []string) []string {
	out := make([]string, len(record))
	for i, cell := range record {
		out[i] = strings.TrimSpace(utf8Cell(cell))
	}
	return out
}

// trimmed is a record without the empty cells at its end.
func trimmed(record []string) []string {
	n := len(record)
	for n > 0 && record[n-1] == "" {
		n--
	}
	return record[:n]
}

func hasTime(record []string, spec Spec) bool {
	return slices.ContainsFunc(record, func(cell string) bool {
		if spec.TimeLayout == "" && !resemblesTime(cell) {
			return false
		}
		_, err := newTimeReader(spec.TimeLayout, nil).parse(cell)
		return cell != "" && (err == nil || err == errOrder)
	})
}

// resemblesTime spares cells of other kinds the attempts to read them: a time has
// eight characters or more, the first a digit or the capital of a month or weekday.
func resemblesTime(cell string) bool {
	return len(cell) >= len("20260105") && ('0' <= cell[0] && cell[0] <= '9' || 'A' <= cell[0] && cell[0] <= 'Z')
}

// findTime takes the column that is named, else the one that is called like one
// of times and has them, else the first, else any other whose cells are all times.
func (t *csvTable) findTime(rows [][]string, spec Spec) {
	defer func() { t.findZone(rows) }()
	if spec.TimeColumn != "" { // an error comes later if there is none
		t.time = max(0, slices.IndexFunc(t.header, func(header string) bool { return strings.EqualFold(header, spec.TimeColumn) }))
		return
	}
	named := -1
	for _, name := range timeColumns {
		for field, header := range t.header {
			if !strings.EqualFold(header, name) {
				continue
			}
			if named < 0 {
				named = field
			}
			if len(rows) > 0 && allTimes(rows, field, spec, true, true) {
				t.time = field
				t.findClock(rows)
				return
			}
		}
	}
	for field := range min(len(t.header), limit.Columns) {
		if len(rows) > 0 && allTimes(rows, field, spec, field == 0, false) {
			t.time = field
			t.findClock(rows)
			return
		}
	}
	t.time = max(named, 0)
}

// allTimes says whether all cells of a column are times of one form. Numbers count
// where the column may have some, days of Excel where it is called so.
func allTimes(rows [][]string, field int, spec Spec, numbers, serials bool) bool {
	r := newTimeReader(spec.TimeLayout, nil)
	r.serials = r.serials || serials
	some := false
	for _, row := range rows {
		if field >= len(row) {
			return false
		}
		cell := row[field]
		if isDecimal(cell) && !numbers {
			return false
		}
		if _, err := r.parse(cell); err != nil && err != errOrder {
			return false
		}
		some = true
	}
	return some
}

// findClock finds the time of day that stands beside a date.
func (t *csvTable) findClock(rows [][]string) {
	for _, row := range rows {
		c, first := parseYearFirst(row[t.time])
		if d, ok := parseDayFirst(row[t.time], dayFirst); ok {
			c, first = d, true
		} else if d, ok := parseDayFirst(row[t.time], monthFirst); ok {
			c, first = d, true
		}
		if !first || !c.date {
			return
		}
	}
	for field := range t.header {
		if field != t.time && !slices.ContainsFunc(rows, func(row []string) bool { return !isClock(row[field]) }) {
			t.clock = field
			return
		}
	}
}

// zoneColumns are the headers of columns with zones.
var zoneColumns = []string{"tz", "timezone", "time zone", "time_zone", "zone", "utc offset", "utc_offset", "offset", "zeitzone"}

// perfmonBias is how many minutes the times of Windows' Performance Monitor are behind UTC.
var perfmonBias = regexp.MustCompile(`^\(PDH-CSV 4\.0\) \(.*\)\((-?)([0-9]{1,3})\)$`)

// findZone finds the zone that stands beside local times, in a column or in the
// header of the times.
func (t *csvTable) findZone(rows [][]string) {
	zoned := func(cell, zone string) bool {
		alone, together := newTimeReader("", nil), newTimeReader("", nil)
		_, err := alone.parse(cell)
		_, errZone := together.parse(cell + " " + zone)
		return (err == nil && alone.local() && !alone.zoned || err == errOrder) && (errZone == nil && together.zoned || errZone == errOrder)
	}
	if _, text, ok := strings.Cut(strings.TrimRight(t.header[t.time], ")]"), " "); ok && len(rows) > 0 && len(rows[0]) > t.time {
		if text = strings.TrimLeft(text, "(["); zoned(t.base(rows[0]), text) {
			t.zoneText = text
		}
	}
	if m := perfmonBias.FindStringSubmatch(t.header[t.time]); m != nil {
		minutes, _ := strconv.Atoi(m[2])
		t.zoneText = fmt.Sprintf("%s%02d:%02d", map[bool]string{true: "+", false: "-"}[m[1] == "-"], minutes/60, minutes%60)
	}
	for field, header := range t.header {
		if field != t.time && len(rows) > 0 && slices.ContainsFunc(zoneColumns, func(name string) bool { return strings.EqualFold(name, header) }) &&
			!slices.ContainsFunc(rows, func(row []string) bool {
				return len(row) <= max(field, t.time, t.clock) || !zoned(t.base(row), row[field])
			}) {
			t.zone = field
			return
		}
	}
}

// isClock says whether a cell is a time of day.
func isClock(cell string) bool {
	_, ok := parseYearFirst("2000-01-01 " + cell)
	return ok && strings.Contains(cell, ":") && !strings.Contains(cell, "/")
}

// open opens the table at its first row.
func (t *csvTable) open(path string) (*csvRows, error) {
	rows, err := openCSVRows(path, t.comma)
	if err != nil {
		return nil, err
	}
	rows.reader.FieldsPerRecord = -1
	for range t.skip + t.below + 1 {
		if t.commented {
			break
		}
		if _, err := rows.next(); err != nil {
			rows.file.Close()
			return nil, err
		}
	}
	rows.reader.FieldsPerRecord = len(t.header)
	rows.header, rows.read, rows.most = t.header, 0, t.rows
	return rows, nil
}

// cell is the text of a row's time.
func (t *csvTable) cell(rows *csvRows) string {
	text := t.base(rows.row)
	switch {
	case t.zone >= 0:
		text += " " + rows.cell(t.zone)
	case t.zoneText != "":
		text += " " + t.zoneText
	}
	return text
}

// base is the text of a row's time without its zone.
func (t *csvTable) base(row []string) string {
	text := strings.TrimSpace(row[t.time])
	if t.clock >= 0 {
		text += " " + strings.TrimSpace(row[t.clock])
	}
	return text
}
