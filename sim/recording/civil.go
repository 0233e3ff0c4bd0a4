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

// parseYearFirst reads 2026-01-05T10:00:00.123+01:00 and its relatives: dashes,
// slashes or dots; a T or blanks; no seconds or no time at all; a Z, UTC, GMT or an
// offset, or none.
func parseYearFirst(cell string) (civil, bool) {
	t := timeText{text: cell}
	year, ok := t.digits(4, 4)
	separator := t.take("-/.")
	if !ok || separator == 0 {
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
	if t.take("Tt_") == 0 {
		t.take(",")
		if t.take(" ") == 0 {
			return c, false
		}
		for t.take(" ") != 0 {
		}
	}
	hour, ok := t.digits(1, 2)
	if !ok || t.take(":") == 0 {
		return c, false
	}
	minute, ok := t.digits(2, 2)
	if !ok {
		return c, false
	}
	second, millis := 0, int64(0)
	if t.take(":") != 0 {
		if second, ok = t.digits(2, 2); !ok {
			return c, false
		}
		if t.take(".,") != 0 {
			if millis, ok = t.fraction(); !ok {
				return c, false
			}
		}
	}
	if hour, ok = t.half(hour); !ok || hour > 23 || minute > 59 || second > 59 {
		return c, false
	}
	c.wall += int64(hour*3600+minute*60+second)*1000 + millis
	return c, t.zone(&c)
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

// half reads AM or PM.
func (t *timeText) half(hour int) (int, bool) {
	rest := strings.ToUpper(strings.TrimSpace(t.rest()))
	if len(rest) < 2 || rest[:2] != "AM" && rest[:2] != "PM" {
		return hour, true
	}
	for t.take(" ") != 0 {
	}
	t.at += 2
	if hour < 1 || hour > 12 {
		return hour, false
	}
	hour %= 12
	if rest[0] == 'P' {
		hour += 12
	}
	return hour, true
}

// zone reads an offset, or nothing.
func (t *timeText) zone(c *civil) bool {
	for t.take(" ") != 0 {
	}
	switch strings.ToUpper(t.rest()) {
	case "":
		return true
	case "Z", "UTC", "GMT", "UTC+0", "+0":
		c.zoned = true
		return true
	}
	sign := t.take("+-")
	hours, ok := t.digits(2, 2)
	if sign == 0 || !ok {
		return false
	}
	minutes := 0
	if t.take(":"); t.rest() != "" {
		if minutes, ok = t.digits(2, 2); !ok || t.rest() != "" {
			return false
		}
	}
	if hours > 23 || minutes > 59 {
		return false
	}
	c.zoned, c.offset = true, int64(hours*3600+minutes*60)
	if sign == '-' {
		c.offset = -c.offset
	}
	return true
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
