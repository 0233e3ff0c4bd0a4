package recording

import (
	"strings"
	"time"
)

// A civil time is what a clock on a wall shows, and the offset if it is written.
type civil struct {
	// wall is Unix milliseconds as if the clock were in UTC.
	wall  int64
	zoned bool
	// offset is seconds east of UTC.
	offset int64
	// place is the zone's name where that stands for an offset, such as Europe/Berlin.
	place string
	// date says that there is no time of day.
	date bool
}

// A timeText is a cell while it is read from left to right.
type timeText struct {
	text string
	at   int
}

// digits reads from least to most digits.
func (t *timeText) digits(least, most int) (n int, ok bool) {
	start := t.at
	for t.at < len(t.text) && t.at-start < most && '0' <= t.text[t.at] && t.text[t.at] <= '9' {
		n = 10*n + int(t.text[t.at]-'0')
		t.at++
	}
	return n, t.at-start >= least
}

// take reads one of some characters.
func (t *timeText) take(set string) byte {
	if t.at < len(t.text) && strings.IndexByte(set, t.text[t.at]) >= 0 {
		t.at++
		return t.text[t.at-1]
	}
	return 0
}

func (t *timeText) rest() string { return t.text[t.at:] }

// skip passes over any of some characters.
func (t *timeText) skip(set string) {
	for t.take(set) != 0 {
	}
}

// word reads letters.
func (t *timeText) word() string {
	start := t.at
	for t.at < len(t.text) && ('a' <= t.text[t.at]|0x20 && t.text[t.at]|0x20 <= 'z') {
		t.at++
	}
	return t.text[start:t.at]
}

// parseYearFirst reads 2026-01-05T10:00:00.123+01:00 and its relatives: dashes,
// slashes, dots, or, before a time of day, nothing; a T or blanks; no seconds or no
// time at all; a Z, UTC, GMT or an offset, or none.
func parseYearFirst(cell string) (civil, bool) {
	t := timeText{text: cell}
	year, ok := t.digits(4, 4)
	separator := t.take("-/.")
	if ok && separator == 0 {
		month, _ := t.digits(2, 2)
		day, ok := t.digits(2, 2)
		if !ok || t.rest() == "" {
			return civil{}, false
		}
		return t.timeOfDay(year, month, day)
	}
	if !ok {
		return civil{}, false
	}
	month, ok := t.digits(1, 2)
	if !ok || t.take(string(separator)) == 0 {
		return civil{}, false
	}
	day, ok := t.digits(1, 2)
	if !ok {
		return civil{}, false
	}
	return t.timeOfDay(year, month, day)
}

// parseDayFirst reads 05/01/2026 10:00, or month first where the order says so.
func parseDayFirst(cell string, order dayOrder) (civil, bool) {
	t := timeText{text: cell}
	day, ok := t.digits(1, 2)
	separator := t.take("/.-")
	if !ok || separator == 0 {
		return civil{}, false
	}
	month, ok := t.digits(1, 2)
	if !ok || t.take(string(separator)) == 0 {
		return civil{}, false
	}
	year, ok := t.digits(4, 4)
	if !ok {
		return civil{}, false
	}
	if order == monthFirst {
		day, month = month, day
	}
	return t.timeOfDay(year, month, day)
}

// timeOfDay reads what follows a date.
func (t *timeText) timeOfDay(year, month, day int) (civil, bool) {
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return civil{}, false
	}
	c := civil{wall: dayNumber(year, month, day) * daySeconds * 1000}
	if t.rest() == "" {
		c.date = true
		return c, true
	}
	if !t.beforeClock() {
		return c, false
	}
	millis, ok := t.clock()
	c.wall += millis
	return c, ok && t.zone(&c)
}

// beforeClock reads what stands between a date and a time of day: a T, blanks with
// a comma, at or @, or the colon of web servers' logs.
func (t *timeText) beforeClock() bool {
	if t.take("Tt_:") != 0 {
		return true
	}
	start := t.at
	t.skip(", ")
	if t.take("@") == 0 && strings.HasPrefix(t.rest(), "at ") {
		t.at += len("at")
	}
	t.skip(" ")
	return t.at > start
}

// clock reads a time of day in milliseconds: 10:00:00.250 PM, with points for colons
// or nothing between them, or without seconds. 24:00 is the day's end.
func (t *timeText) clock() (millis int64, ok bool) {
	hour, ok := t.digits(1, 2)
	colon := t.take(":.")
	if !ok {
		return 0, false
	}
	minute, ok := t.digits(2, 2)
	if !ok {
		return 0, false
	}
	second := 0
	if compact := colon == 0 && t.at < len(t.text) && '0' <= t.text[t.at] && t.text[t.at] <= '9'; compact || colon != 0 && t.take(string(colon)) != 0 {
		if second, ok = t.digits(2, 2); !ok {
			return 0, false
		}
		if t.take(".,") != 0 {
			if millis, ok = t.fraction(); !ok {
				return 0, false
			}
		}
	}
	if hour, ok = t.half(hour); !ok || minute > 59 || second > 59 {
		return 0, false
	}
	millis += int64(hour*3600+minute*60+second) * 1000
	return millis, millis <= daySeconds*1000
}

// fraction reads digits as milliseconds; finer ones are cut off.
func (t *timeText) fraction() (millis int64, ok bool) {
	scale := int64(100)
	for ; ; ok = true {
		n, digit := t.digits(1, 1)
		if !digit {
			return millis, ok
		}
		millis += int64(n) * scale
		scale /= 10
	}
}

// halves are the ways to write AM and PM.
var halves = []string{"am", "a.m.", "a. m.", "pm", "p.m.", "p. m."}

// half reads AM or PM.
func (t *timeText) half(hour int) (int, bool) {
	rest := strings.ToLower(strings.TrimSpace(t.rest()))
	for _, half := range halves {
		if !strings.HasPrefix(rest, half) {
			continue
		}
		t.skip(" ")
		t.at += len(half)
		if hour < 1 || hour > 12 {
			return hour, false
		}
		hour %= 12
		if half[0] == 'p' {
			hour += 12
		}
		return hour, true
	}
	return hour, true
}

// zone reads what follows a time of day: nothing; Z, UTC or GMT; an offset, with
// one of these before it or not; the name of a zone such as Europe/Berlin. A comment
// after an offset, such as (Central European Time) or [Europe/Berlin], says no more.
func (t *timeText) zone(c *civil) bool {
	t.skip(" ")
	if t.rest() == "" {
		return true
	}
	if strings.Contains(t.rest(), "/") && !strings.ContainsAny(t.rest(), "[( ") {
		c.zoned, c.place = true, t.rest()
		return true
	}
	hours := 2
	switch strings.ToUpper(t.word()) {
	case "":
	case "Z", "UTC", "GMT":
		c.zoned, hours = true, 1
	default:
		return false // an abbreviation says too little
	}
	if sign := t.take("+-"); sign != 0 {
		if !t.offset(c, hours) {
			return false
		}
		if sign == '-' {
			c.offset = -c.offset
		}
	}
	return c.zoned && t.comment()
}

// offset reads the hours and minutes of an offset.
func (t *timeText) offset(c *civil, least int) bool {
	hours, ok := t.digits(least, 2)
	minutes := 0
	if colon := t.take(":"); ok && (colon != 0 || t.at < len(t.text) && '0' <= t.text[t.at] && t.text[t.at] <= '9') {
		minutes, ok = t.digits(2, 2)
	}
	c.zoned, c.offset = true, int64(hours*3600+minutes*60)
	return ok && hours <= 23 && minutes <= 59
}

// comment reads what repeats an offset in words.
func (t *timeText) comment() bool {
	t.skip(" ")
	rest := t.rest()
	switch {
	case rest == "":
		return true
	case rest[0] == '(':
		return strings.HasSuffix(rest, ")")
	case rest[0] == '[':
		return strings.HasSuffix(rest, "]")
	}
	return strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && len(rest) <= 5
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// dayNumber is the days since 1970-01-01.
func dayNumber(year, month, day int) int64 {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix() / daySeconds
}
