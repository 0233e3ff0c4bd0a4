package recording

import (
	"strconv"
	"strings"
	"time"
)

// parseNamed reads times with the English name of a month: 5 Jan 2026 10:00,
// January 5th, 2026 at 10:00 AM, Mon Jan 5 10:00:00 UTC 2026, 05-JAN-26 and their
// relatives.
func parseNamed(cell string) (civil, bool) {
	t := timeText{text: cell}
	month, day := t.monthName(), 0
	if month == 0 { // a day of the week, or of the month
		t.at = 0
		if t.weekday() {
			month = t.monthName()
		}
	}
	if month > 0 {
		t.skip(" ")
		var ok bool
		if day, ok = t.digits(1, 2); !ok {
			return civil{}, false
		}
		t.ordinal()
		t.skip(", ")
		return t.yearOrClock(month, day)
	}
	day, ok := t.digits(1, 2)
	t.ordinal()
	separator := t.take(" -/.")
	t.skip(" ")
	month = t.monthName()
	t.skip(string(separator) + ",")
	if !ok || separator == 0 || month == 0 {
		return civil{}, false
	}
	year, ok := t.digits(4, 4)
	if !ok {
		t.at -= len(strconv.Itoa(year))
		if year, ok = t.digits(2, 2); !ok || separator != '-' {
			return civil{}, false
		}
		year += 2000 // a database's DD-MON-RR
	}
	return t.timeOfDay(year, month, day)
}

// monthName reads the name of a month, or its first three letters; 0 for none.
func (t *timeText) monthName() int {
	start := t.at
	word := t.word()
	t.take(".")
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(word, m.String()) || strings.EqualFold(word, m.String()[:3]) || m == time.September && strings.EqualFold(word, "Sept") {
			return int(m)
		}
	}
	t.at = start
	return 0
}

// weekday passes over the name of a day.
func (t *timeText) weekday() bool {
	start := t.at
	word := t.word()
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(word, d.String()) || strings.EqualFold(word, d.String()[:3]) {
			t.skip(", .")
			return true
		}
	}
	t.at = start
	return false
}

// ordinal passes over the letters of 1st, 2nd, 3rd and 4th.
func (t *timeText) ordinal() {
	for _, end := range []string{"st", "nd", "rd", "th"} {
		if strings.HasPrefix(t.rest(), end) {
			t.at += len(end)
			return
		}
	}
}

// yearOrClock reads what follows a month and a day: the year and the time of day, or
// the time of day with the year at its end.
func (t *timeText) yearOrClock(month, day int) (civil, bool) {
	start := t.at
	year, ok := t.digits(4, 4)
	if ok && !strings.HasPrefix(t.rest(), ":") {
		return t.timeOfDay(year, month, day)
	}
	t.at = start
	text := strings.TrimSpace(t.text)
	if len(text)-t.at < len("0:00 2026") || text[len(text)-5] != ' ' {
		return civil{}, false
	}
	year, err := strconv.Atoi(text[len(text)-4:])
	if err != nil || year < 1000 {
		return civil{}, false
	}
	t.text = text[:len(text)-5]
	t.at-- // the blank before the time of day
	return t.timeOfDay(year, month, day)
}
