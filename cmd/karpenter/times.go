package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// timeForms names the forms that --at, --from and --to take, for messages.
const timeForms = "want RFC 3339, 2006-01-02 15:04, 15:04, Fri 15:04, Friday, Unix seconds, or -36h (before the end)"

// calendarLayouts are read in the location of --tz.
var calendarLayouts = []string{
	"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02",
}

var clockForm = regexp.MustCompile(`^(\d{1,2}):(\d{2})(?::(\d{2}))?$`)

// errAmbiguous says that a time of day or weekday falls into the data more than once.
var errAmbiguous = errors.New("ambiguous")

// parseTime reads an instant as people write it. A time of day or a weekday
// stands for the one instant between first and last that it fits; a negative
// duration counts back from last. The error names the candidates where there
// are several.
func parseTime(text string, location *time.Location, first, last time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, layout := range calendarLayouts {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t, nil
		}
	}
	if before, ok := strings.CutPrefix(text, "-"); ok {
		d, err := model.ParseDuration(before)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q: no duration after the minus sign; want e.g. -36h or -1d12h", text)
		}
		return last.Add(-time.Duration(d)), nil
	}
	if t, ok := parseUnix(text); ok {
		return t, nil
	}
	d, ok := parseDaytime(text)
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time; %s", text, timeForms)
	}
	return d.within(text, location, first, last)
}

// parseUnix reads Unix seconds, or milliseconds from 1e11.
func parseUnix(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || n < 0:
		return time.Time{}, false
	case n >= 1e11:
		return time.UnixMilli(n), true
	}
	return time.Unix(n, 0), true
}

// A daytime is a time that recurs: every day, or every week. Without a clock
// it is the beginning of its day.
type daytime struct {
	weekday              time.Weekday
	weekly, clocked      bool
	exact                bool // seconds are written
	hour, minute, second int
}

func parseDaytime(text string) (daytime, bool) {
	var d daytime
	fields := strings.Fields(text)
	if len(fields) > 0 {
		if d.weekday, d.weekly = parseWeekday(fields[0]); d.weekly {
			fields = fields[1:]
		}
	}
	switch {
	case len(fields) == 0:
		return d, d.weekly
	case len(fields) > 1:
		return d, false
	}
	m := clockForm.FindStringSubmatch(fields[0])
	if m == nil {
		return d, false
	}
	d.clocked = true
	// The pattern admits digits only.
	d.hour, _ = strconv.Atoi(m[1])
	d.minute, _ = strconv.Atoi(m[2])
	if m[3] != "" {
		d.second, _ = strconv.Atoi(m[3])
		d.exact = true
	}
	return d, d.hour < 24 && d.minute < 60 && d.second < 60
}

// parseWeekday takes English names and their first three letters.
func parseWeekday(text string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		name := day.String()
		if strings.EqualFold(text, name) || strings.EqualFold(text, name[:3]) {
			return day, true
		}
	}
	return 0, false
}

// within finds the one instant of [first, last] that the time means.
func (d daytime) within(text string, location *time.Location, first, last time.Time) (time.Time, error) {
	candidates := d.candidates(location, first, last)
	switch len(candidates) {
	case 1:
		return candidates[0], nil
	case 0:
		return time.Time{}, fmt.Errorf("%q: not within the data, which covers %s to %s", text, stamp(first, location), stamp(last, location))
	}
	const shown = 5
	var list []string
	for _, c := range candidates[:min(shown, len(candidates))] {
		list = append(list, c.Format("2006-01-02 15:04"))
	}
	if more := len(candidates) - shown; more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return time.Time{}, fmt.Errorf("%q is %w within the data; candidates: %s", text, errAmbiguous, strings.Join(list, ", "))
}

// length is how long the time lasts as it was written: a day, a minute or a
// second.
func (d daytime) length() time.Duration {
	switch {
	case !d.clocked:
		return 25 * time.Hour // the longest one
	case d.exact:
		return time.Second
	}
	return time.Minute
}

// candidates are the instants of [first, last] that fit. A day or a minute that
// began before the data stands for the data's beginning.
func (d daytime) candidates(location *time.Location, first, last time.Time) []time.Time {
	from, to := first.In(location), last.In(location)
	var found []time.Time
	for i := 0; ; i++ {
		midnight := time.Date(from.Year(), from.Month(), from.Day()+i, 0, 0, 0, 0, location)
		if midnight.After(to) {
			return found
		}
		if d.weekly && midnight.Weekday() != d.weekday {
			continue
		}
		t := time.Date(midnight.Year(), midnight.Month(), midnight.Day(), d.hour, d.minute, d.second, 0, location)
		switch {
		case t.Before(from) && from.Before(t.Add(d.length())):
			t = from
		case t.Before(from) || t.After(to):
			continue
		case t.Hour() != d.hour || t.Minute() != d.minute:
			continue // skipped when the clocks were put forward
		}
		found = append(found, t)
	}
}

func stamp(t time.Time, location *time.Location) string {
	return t.In(location).Format("2006-01-02 15:04:05 MST")
}

// parseZone reads --tz.
func parseZone(name string) (*time.Location, error) {
	location, err := scenario.ParseZone(name)
	if err != nil {
		return nil, fmt.Errorf("--tz %w", err)
	}
	return location, nil
}
