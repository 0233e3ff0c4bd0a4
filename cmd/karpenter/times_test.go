package main

import (
	"strings"
	"testing"
	"time"
)

func utc(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	// Monday 08:00 to Monday 09:00; to Thursday 12:00; to the next Tuesday.
	hour := [2]time.Time{utc("2026-01-05T08:00:00Z"), utc("2026-01-05T09:00:00Z")}
	days := [2]time.Time{hour[0], utc("2026-01-08T12:00:00Z")}
	week := [2]time.Time{hour[0], utc("2026-01-13T12:00:00Z")}
	spring := [2]time.Time{utc("2026-03-28T12:00:00Z"), utc("2026-03-29T12:00:00Z")}
	cases := map[string]struct {
		reason   string
		text     string
		data     [2]time.Time
		location *time.Location
		want     string // RFC 3339, or a part of the error
	}{
		"RFC3339":       {"an instant with its offset", "2026-01-05T09:30:00+01:00", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"Fraction":      {"fractions are kept; slots round down", "2026-01-05T08:30:00.5Z", hour, time.UTC, "2026-01-05T08:30:00.5Z"},
		"Date":          {"as people write it", "2026-01-05 08:30", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"DateSeconds":   {"with seconds", "2026-01-05 08:30:10", hour, time.UTC, "2026-01-05T08:30:10Z"},
		"DateZone":      {"in the zone of --tz", "2026-01-05 09:30", hour, berlin, "2026-01-05T08:30:00Z"},
		"Day":           {"a day is its beginning", "2026-01-06", days, time.UTC, "2026-01-06T00:00:00Z"},
		"Outside":       {"a date says where it is, data or not", "2025-01-06", days, time.UTC, "2025-01-06T00:00:00Z"},
		"Unix":          {"Unix seconds", "1767601800", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"UnixMillis":    {"from 1e11 milliseconds", "1767601800000", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"Before":        {"a negative duration counts from the end", "-36h", days, time.UTC, "2026-01-07T00:00:00Z"},
		"BeforeMixed":   {"in Prometheus' notation", "-1d12h", days, time.UTC, "2026-01-07T00:00:00Z"},
		"Clock":         {"once within the data", "08:30", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"ClockSeconds":  {"with seconds", "8:30:10", hour, time.UTC, "2026-01-05T08:30:10Z"},
		"ClockFirst":    {"the minute in which the data begins starts with it", "08:00", [2]time.Time{utc("2026-01-05T08:00:05Z"), hour[1]}, time.UTC, "2026-01-05T08:00:05Z"},
		"ClockBefore":   {"a second before the data is not in it", "08:00:04", [2]time.Time{utc("2026-01-05T08:00:05Z"), hour[1]}, time.UTC, "not within the data"},
		"ClockZone":     {"in the zone of --tz", "09:30", hour, berlin, "2026-01-05T08:30:00Z"},
		"ClockEnd":      {"the end belongs to the data", "09:00", hour, time.UTC, "2026-01-05T09:00:00Z"},
		"ClockOnce":     {"13:00 is on three days, not on the fourth", "07:59", [2]time.Time{days[0], days[0].Add(24 * time.Hour)}, time.UTC, "2026-01-06T07:59:00Z"},
		"ClockMany":     {"the candidates are listed", "08:30", days, time.UTC, "candidates: 2026-01-05 08:30, 2026-01-06 08:30, 2026-01-07 08:30, 2026-01-08 08:30"},
		"ClockTooMany":  {"but not all of them", "08:30", week, time.UTC, "2026-01-09 08:30, 4 more"},
		"ClockOutside":  {"a time of day that the data does not have", "10:00", hour, time.UTC, "not within the data, which covers 2026-01-05 08:00:00 UTC to 2026-01-05 09:00:00 UTC"},
		"ClockSkipped":  {"02:30 did not exist that night", "02:30", spring, berlin, "not within the data"},
		"Weekday":       {"a day is its beginning", "Tuesday", days, time.UTC, "2026-01-06T00:00:00Z"},
		"WeekdayShort":  {"short, in any case", "tue", days, time.UTC, "2026-01-06T00:00:00Z"},
		"WeekdayFirst":  {"the day in which the data begins starts with it", "Mon", days, time.UTC, "2026-01-05T08:00:00Z"},
		"WeekdayTwice":  {"two Mondays", "Mon", week, time.UTC, "candidates: 2026-01-05 08:00, 2026-01-12 00:00"},
		"WeekdayNone":   {"no Sunday", "Sun", days, time.UTC, "not within the data"},
		"WeekdayClock":  {"both", "Wed 18:04", days, time.UTC, "2026-01-07T18:04:00Z"},
		"WeekdayZone":   {"both, in the zone", "Wed 00:30", days, berlin, "2026-01-06T23:30:00Z"},
		"Empty":         {"nothing is no time", "", days, time.UTC, `"" is no time; want RFC 3339`},
		"Words":         {"words are no time", "yesterday", days, time.UTC, `"yesterday" is no time`},
		"TwoWords":      {"a weekday and a word", "Wed noon", days, time.UTC, "is no time"},
		"Hour25":        {"no such hour", "25:00", days, time.UTC, "is no time"},
		"Minute":        {"no such minute", "08:61", days, time.UTC, "is no time"},
		"BadDuration":   {"no unit", "-36", days, time.UTC, "no duration after the minus sign; want e.g. -36h"},
		"February30":    {"no such day", "2026-02-30 08:00", days, time.UTC, "is no time"},
		"SpacesAround":  {"spaces do not matter", " 08:30 ", hour, time.UTC, "2026-01-05T08:30:00Z"},
		"WeekdaySpaces": {"nor between", "Wed  18:04", days, time.UTC, "2026-01-07T18:04:00Z"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parseTime(c.text, c.location, c.data[0], c.data[1])
			if err != nil {
				if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: got error %q, want one line with %q", c.reason, err, c.want)
				}
				return
			}
			if s := got.UTC().Format(time.RFC3339Nano); s != c.want {
				t.Errorf("%s: got %s, want %s", c.reason, s, c.want)
			}
		})
	}
}

func TestParseZone(t *testing.T) {
	for _, name := range []string{"Middle/Earth", "", "../../etc/passwd"} {
		if _, err := parseZone(name); err == nil || !strings.Contains(err.Error(), "unknown time zone") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
