package recording

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A timeForm is a way to write times. The first cell of a column settles it; all
// others must have the same.
type timeForm int

const (
	formUnknown  timeForm = iota
	formYear              // year first: RFC 3339 and its relatives, zoned or not
	formDay               // day or month first
	formNamed             // with the name of a month
	formUnix              // seconds, milli-, micro- or nanoseconds, told by the size
	formDigits            // 20260105, 202601051000, 20260105100000
	formExcel             // days since 1899-12-30
	formLayout            // as the user says
	formUnixUnit          // in one unit, as the user says, however small
)

// A timeReader reads the cells of a time column.
type timeReader struct {
	form  timeForm
	zoned bool
	// layout is that of formLayout.
	layout string
	// unit is how many of formUnixUnit are a second.
	unit float64
	// fine says that a number of formUnix was finer than milliseconds.
	fine string
	// serials says that Excel's numbers of days count as times, as they do in a
	// column that is called so.
	serials bool
	// order of formDay.
	order dayOrder
	wall  wallClock
	// places are the clocks of the zones that cells name.
	places map[string]*wallClock
}

type dayOrder int

const (
	orderUnknown dayOrder = iota
	dayFirst
	monthFirst
)

// errOrder says that a cell alone does not tell day from month.
var errOrder = errors.New("day and month cannot be told apart")

var errTimeForm = errors.New("not a time")

// errShortYear says that a date has three numbers of two digits.
var errShortYear = errors.New("with a year of two digits each of the three numbers may be the year")

// unixUnits are the layouts that name a unit, and how many are a second.
var unixUnits = map[string]float64{"unix": 1, "unixms": 1e3, "unixus": 1e6, "unixns": 1e9}

// newTimeReader reads times of a layout: in the notation of package time, in
// strftime's, one of unix, unixms, unixus, unixns and excel, or empty for what the
// cells look like.
func newTimeReader(layout string, location *time.Location) *timeReader {
	if location == nil {
		location = time.UTC
	}
	r := &timeReader{wall: wallClock{location: location}}
	switch unit := unixUnits[strings.ToLower(layout)]; {
	case layout == "":
	case unit > 0:
		r.form, r.unit = formUnixUnit, unit
	case strings.EqualFold(layout, "excel"):
		r.form, r.serials = formExcel, true
	default:
		r.form, r.layout = formLayout, goLayout(layout)
		r.zoned = strings.Contains(r.layout, "Z07") || strings.Contains(r.layout, "-07") || strings.Contains(r.layout, "MST")
	}
	return r
}

// directives are strftime's in the notation of package time.
var directives = strings.NewReplacer("%Y", "2006", "%y", "06", "%m", "01", "%d", "02", "%e", "_2", "%H", "15", "%I", "03", "%M", "04", "%S", "05",
	"%p", "PM", "%b", "Jan", "%B", "January", "%a", "Mon", "%A", "Monday", "%z", "-0700", "%Z", "MST", "%f", "000000", "%F", "2006-01-02", "%T", "15:04:05", "%j", "002", "%%", "%")

func goLayout(layout string) string {
	if strings.Contains(layout, "%") {
		return directives.Replace(layout)
	}
	return layout
}

// parse returns the instant of a cell in Unix milliseconds.
func (r *timeReader) parse(cell string) (int64, error) {
	if strings.IndexByte(cell, '\xc2') >= 0 || strings.IndexByte(cell, '\xe2') >= 0 {
		cell = narrowBlanks.Replace(cell)
	}
	switch r.form {
	case formYear:
		return r.parseCivil(parseYearFirst(cell))
	case formNamed:
		return r.parseCivil(parseNamed(cell))
	case formDay:
		return r.parseDay(cell)
	case formUnix:
		return parseUnix(plainNumber(cell))
	case formDigits:
		return r.parseDigits(cell)
	case formExcel:
		return r.parseExcel(plainNumber(cell))
	case formUnixUnit:
		return r.parseUnit(cell)
	case formLayout:
		return r.parseLayout(cell)
	}
	return r.parseFirst(cell)
}

func (r *timeReader) parseCivil(c civil, ok bool) (int64, error) {
	if !ok || c.zoned != r.zoned {
		return 0, errors.New("not written as the first row's time")
	}
	return r.instant(c)
}

func (r *timeReader) instant(c civil) (int64, error) {
	switch {
	case c.place != "":
		return r.inPlace(c)
	case c.zoned:
		return c.wall - c.offset*1000, nil
	}
	return r.wall.at(c.wall)
}

// inPlace reads a local time of a zone that stands beside it.
func (r *timeReader) inPlace(c civil) (int64, error) {
	clock := r.places[c.place]
	if clock == nil {
		location, err := time.LoadLocation(c.place)
		if err != nil || location == time.Local {
			return 0, fmt.Errorf("unknown time zone %s", quoted(c.place))
		}
		if r.places == nil {
			r.places = map[string]*wallClock{}
		}
		clock = &wallClock{location: location}
		r.places[c.place] = clock
	}
	return clock.at(c.wall)
}

func (r *timeReader) parseFirst(cell string) (int64, error) {
	if c, ok := parseYearFirst(cell); ok {
		r.form, r.zoned = formYear, c.zoned
		return r.instant(c)
	}
	if plain := plainNumber(cell); isDecimal(plain) {
		return r.parseFirstNumber(plain)
	}
	for _, order := range []dayOrder{dayFirst, monthFirst} {
		if _, ok := parseDayFirst(cell, order); ok {
			r.form = formDay
			return r.parseDay(cell)
		}
	}
	if c, ok := parseNamed(cell); ok {
		r.form, r.zoned = formNamed, c.zoned
		return r.instant(c)
	}
	return 0, noTime(cell)
}

// narrowBlanks stand before AM and PM in browsers.
var narrowBlanks = strings.NewReplacer("\u202f", " ", "\u00a0", " ")

// noTime says why a cell is no time, where its looks tell.
func noTime(cell string) error {
	_, year := parseDayFirst(shortYear.ReplaceAllString(cell, "${1}20$2"), dayFirst)
	_, month := parseDayFirst(shortYear.ReplaceAllString(cell, "${1}20$2"), monthFirst)
	cut := strings.LastIndexByte(cell, ' ')
	_, exponent := strconv.ParseFloat(cell, 64)
	switch {
	case year || month:
		return errShortYear
	case isClock(cell):
		return errors.New("a time of day without its date")
	case exponent == nil && strings.ContainsAny(cell, "eE"):
		return errors.New("the exponent has cost digits; export it as a whole number")
	case cut > 0 && strings.Trim(cell[cut+1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "":
		if _, err := newTimeReader("", nil).parse(cell[:cut]); err == nil || err == errOrder {
			return fmt.Errorf("the abbreviation %s of a zone says too little; write an offset, or leave it out and give the zone's name (--tz)", cell[cut+1:])
		}
	}
	return errTimeForm
}

// shortYear finds the year of a date with three numbers of two digits.
var shortYear = regexp.MustCompile(`^([0-9]{1,2}[-/.][0-9]{1,2}[-/.])([0-9]{2}\b)`)

// plainNumber is a number without marks of thousands, and with a point for a decimal
// comma; any other cell stays as it is.
func plainNumber(cell string) string {
	if strings.IndexByte(cell, ',') < 0 || strings.Trim(cell, "0123456789,.") != "" {
		return cell
	}
	if m := marksOf(cell); m.grouped && m.dots == 0 {
		return strings.ReplaceAll(cell, ",", "")
	}
	return strings.Replace(cell, ",", ".", 1)
}

// earliest and latest bound the instants that a number can mean, in Unix seconds:
// from 2000 to lastYear. Metrics are not older, and counters and row numbers are
// not times.
const (
	earliest = 946_684_800
	latest   = 7_258_118_400
)

// parseFirstNumber tells by its size what a number means.
func (r *timeReader) parseFirstNumber(cell string) (int64, error) {
	if t, err := parseUnix(cell); err == nil {
		r.form = formUnix
		switch digits := len(strings.SplitN(cell, ".", 2)[0]); {
		case digits > 16:
			r.fine = "Unix nanoseconds"
		case digits > 13:
			r.fine = "Unix microseconds"
		}
		return t, nil
	}
	if t, err := r.parseDigits(cell); err == nil {
		r.form = formDigits
		return t, nil
	}
	if t, err := r.parseExcel(cell); err == nil && r.serials {
		r.form = formExcel
		return t, nil
	}
	seconds, _ := strconv.ParseFloat(cell, 64)
	if seconds >= 0 && seconds < earliest {
		return 0, fmt.Errorf("as Unix seconds that would be %s, before 2000, so it is taken for no time", time.Unix(int64(seconds), 0).UTC().Format("2006-01-02 15:04:05"))
	}
	return 0, errors.New("no number that is a time from 2000 on, in seconds, milli-, micro- or nanoseconds")
}

// isDecimal says whether a cell is a number in decimal notation: exponents have
// lost digits already.
func isDecimal(cell string) bool {
	return cell != "" && strings.Trim(cell, "0123456789.-") == "" && strings.LastIndexByte(cell, '-') <= 0 && strings.Count(cell, ".") <= 1
}

// parseUnix tells the unit by the size: the ranges from 2000 to lastYear are apart.
func parseUnix(cell string) (int64, error) {
	if !isDecimal(cell) {
		return 0, errors.New("not a Unix time, as the first row's is")
	}
	if n, err := strconv.ParseInt(cell, 10, 64); err == nil {
		switch {
		case earliest <= n && n < latest:
			return n * 1000, nil
		case earliest*1_000 <= n && n < latest*1_000:
			return n, nil
		case earliest*1_000_000 <= n && n < latest*1_000_000:
			return n / 1_000, nil
		case earliest*1_000_000_000 <= n:
			return n / 1_000_000, nil
		}
	} else if v, err := strconv.ParseFloat(cell, 64); err == nil {
		for _, scale := range []float64{1000, 1, 1e-3, 1e-6} {
			if ms := v * scale; earliest*1000 <= ms && ms < latest*1000 {
				return int64(ms + 0.5), nil
			}
		}
	}
	return 0, errors.New("not a Unix time from 2000 on, as the first row's is")
}

// parseUnit reads numbers of one unit.
func (r *timeReader) parseUnit(cell string) (int64, error) {
	v, err := strconv.ParseFloat(cell, 64)
	if ms := v / r.unit * 1000; err == nil && isDecimal(cell) && ms > -latest*1000 && ms < latest*1000 {
		if n, err := strconv.ParseInt(cell, 10, 64); err == nil && r.unit >= 1000 {
			return floorDiv(n, int64(r.unit/1000)), nil
		}
		return int64(ms + 0.5), nil
	}
	return 0, fmt.Errorf("not a Unix time in the unit given, until %d", lastYear)
}

// parseDigits reads 20260105, with hour and minute or second behind it or not.
func (r *timeReader) parseDigits(cell string) (int64, error) {
	layout := map[int]string{8: "20060102", 10: "2006010215", 12: "200601021504", 14: "20060102150405"}[len(cell)]
	t, err := time.Parse(layout, cell)
	if layout == "" || err != nil || t.Year() < 2000 || t.Year() >= lastYear {
		return 0, errors.New("not a date of digits, as the first row's is")
	}
	return r.wall.at(t.UnixMilli())
}

// parseExcel reads days since 1899-12-30, to the second.
func (r *timeReader) parseExcel(cell string) (int64, error) {
	days, err := strconv.ParseFloat(cell, 64)
	const epoch = -25569 // 1899-12-30 in days since 1970
	seconds := int64((days+epoch)*daySeconds + 0.5)
	if err != nil || seconds < earliest || seconds >= latest {
		return 0, errors.New("not a number of days since 1900, as the first row's is")
	}
	return r.wall.at(seconds * 1000)
}

func (r *timeReader) parseDay(cell string) (int64, error) {
	order := r.order
	if c, ok := parseDayFirst(cell, dayFirst); ok && strings.IndexByte(cell, '.') > 0 && strings.IndexByte(cell, '.') <= 2 {
		return r.instant(c) // with dots the day comes first
	}
	day, first := parseDayFirst(cell, dayFirst)
	month, second := parseDayFirst(cell, monthFirst)
	switch {
	case first && (order == dayFirst || !second && order == orderUnknown):
		r.order = dayFirst
		return r.instant(day)
	case second && (order == monthFirst || !first && order == orderUnknown):
		r.order = monthFirst
		return r.instant(month)
	case first && second:
		return 0, errOrder
	}
	return 0, errors.New("not written as the times before it")
}

func (r *timeReader) parseLayout(cell string) (int64, error) {
	if !r.zoned {
		t, err := time.Parse(r.layout, cell)
		if err != nil {
			return 0, fmt.Errorf("not a time of the form %s", r.layout)
		}
		return r.wall.at(t.UnixMilli())
	}
	t, err := time.ParseInLocation(r.layout, cell, r.wall.location)
	if err != nil {
		return 0, fmt.Errorf("not a time of layout %q", r.layout)
	}
	return t.UnixMilli(), nil
}

// local says whether cells are local times, without an offset.
func (r *timeReader) local() bool {
	switch r.form {
	case formUnix, formUnixUnit, formUnknown:
		return false
	}
	return !r.zoned
}

// twice tells whether the instant was read from a local time that occurs twice.
func (r *timeReader) twice(ms int64) bool {
	if !r.local() {
		return false
	}
	unix := floorDiv(ms, 1000)
	return r.wall.ambiguous(unix + r.wall.offsetAt(unix))
}

// settleOrder takes the order of day and month from the cells that allow one only.
func (r *timeReader) settleOrder(cell string) {
	_, first := parseDayFirst(cell, dayFirst)
	_, second := parseDayFirst(cell, monthFirst)
	switch {
	case r.order != orderUnknown || first == second:
	case first:
		r.order = dayFirst
	case second:
		r.order = monthFirst
	}
}

// assumed says how times are read where their cells look like other numbers; empty
// for the usual forms, and for those that the user names.
func (r *timeReader) assumed() string {
	switch {
	case r.form == formUnix:
		return r.fine
	case r.form == formDigits:
		return "dates without separators, YYYYMMDD with hour and minute behind it or not"
	case r.form == formExcel:
		return "days since 1899-12-30, as Excel counts them"
	}
	return ""
}
