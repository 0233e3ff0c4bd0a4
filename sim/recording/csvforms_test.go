package recording

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// utf16 writes a text as Windows programs do.
func utf16(text string, big bool) string {
	var b strings.Builder
	for _, c := range "\ufeff" + text {
		high, low := byte(c>>8), byte(c)
		if big {
			b.Write([]byte{high, low})
		} else {
			b.Write([]byte{low, high})
		}
	}
	return b.String()
}

// TestCSVForms has tables as tools and people write them. Where nothing else is
// said, the first row is at 10:00 on 2026-01-05 in UTC and the second a minute later.
func TestCSVForms(t *testing.T) {
	first, second := ms("2026-01-05T10:00:00Z"), ms("2026-01-05T10:01:00Z")
	at := func(series string, values ...float64) []point {
		var points []point
		for i, v := range values {
			points = append(points, point{series, first + int64(i)*(second-first), v})
		}
		return points
	}
	const x = `{__name__="x"}`
	tests := map[string]struct {
		reason, text string
		spec         Spec
		want         []point
		notes        []string
	}{
		"SelectorHeader": {
			reason: "Grafana without a legend",
			text:   "\"Time\",\"cpu{pod=\"\"a\"\"}\",\"cpu{pod=\"\"b\"\"}\"\n2026-01-05 10:00:00,4,6\n",
			want:   append(at(`{__name__="cpu", pod="a"}`, 4), at(`{__name__="cpu", pod="b"}`, 6)...),
		},
		"LabelsHeader": {
			reason: "Grafana's Explore of an expression",
			text:   "Time,\"{pod=\"\"a\"\"}\"\n2026-01-05 10:00:00,4\n",
			want:   at(`{pod="a"}`, 4),
		},
		"LabelsHeaderNamed": {
			reason: "one flag names them all",
			text:   "Time,\"{pod=\"\"a\"\"}\",y\n2026-01-05 10:00:00,4,5\n",
			spec:   Spec{Series: map[string]string{"*": "cpu"}},
			want:   append(at(`{__name__="cpu", pod="a"}`, 4), at(`{__name__="y"}`, 5)...),
		},
		"TagsHeader": {
			reason: "Datadog's names and tags",
			text:   "timestamp,\"avg:system.cpu.user{host:web-1,env:prod}\",sum:jobs{*}\n1767607200000,4,6\n",
			want:   append(at(`{__name__="system_cpu_user", env="prod", host="web-1"}`, 4), at(`{__name__="jobs"}`, 6)...),
		},
		"SameHeaders": {
			reason: "columns of one name are told apart by their number",
			text:   "time,a,a\n2026-01-05T10:00:00Z,1,2\n",
			spec:   Spec{Series: map[string]string{"#3": `a{n="2"}`}},
			want:   append(at(`{__name__="a"}`, 1), at(`{__name__="a", n="2"}`, 2)...),
		},
		"Percent": {
			reason: "formatted data, with the unit percent",
			text:   "Time,x\n2026-01-05 10:00:00,45.0%\n2026-01-05 10:01:00,46 %\n",
			want:   at(x, 45, 46),
			notes:  []string{`FILE: reads "45.0%" in column "x" as 45 (percent)`},
		},
		"Thousands": {
			reason: "quoted where commas divide cells",
			text:   "Time,x\n2026-01-05 10:00:00,900\n2026-01-05 10:01:00,\"1,234\"\n",
			want:   at(x, 900, 1234),
			notes:  []string{`FILE: reads "1,234" in column "x" as 1234`},
		},
		"Millions": {
			reason: "two marks of thousands and a decimal one",
			text:   "Time,x\n2026-01-05 10:00:00,\"1,234,567.5\"\n2026-01-05 10:01:00,\"-1,234\"\n",
			want:   at(x, 1234567.5, -1234),
			notes:  []string{`FILE: reads "1,234,567.5" in column "x" as 1.2345675e+06`},
		},
		"Counts": {
			reason: "Grafana's unit short; prefixes come and go",
			text:   "Time,x\n2026-01-05 10:00:00,950\n2026-01-05 10:01:00,1.2 k\n2026-01-05 10:02:00,1.5 Mil\n",
			want:   at(x, 950, 1200, 1.5e6),
			notes:  []string{`FILE: reads "1.2 k" in column "x" as 1200`},
		},
		"Durations": {
			reason: "units that change within a column have one base",
			text:   "Time,x\n2026-01-05 10:00:00,350 ms\n2026-01-05 10:01:00,1.2 s\n2026-01-05 10:02:00,2 mins\n",
			want:   at(x, 0.35, 1.2, 120),
			notes:  []string{`FILE: reads "350 ms" in column "x" as 0.35 (seconds)`},
		},
		"Bytes": {
			reason: "powers of two and of ten",
			text:   "Time,x,y\n2026-01-05 10:00:00,1.5 KiB,2 MB/s\n",
			want:   append(at(x, 1536), at(`{__name__="y"}`, 2e6)...),
			notes:  []string{`FILE: reads "1.5 KiB" in column "x" as 1536 (bytes), "2 MB/s" in column "y" as 2e+06 (bytes a second)`},
		},
		"Rates": {
			reason: "a word of somebody's own",
			text:   "Time,x\n2026-01-05 10:00:00,1.2 K req/s\n2026-01-05 10:01:00,800 req/s\n",
			want:   at(x, 1200, 800),
			notes:  []string{`FILE: reads "1.2 K req/s" in column "x" as 1200 (req/s)`},
		},
		"DecimalCommas": {
			reason: "with semicolons the comma is the decimal mark",
			text:   "Zeit;x\n2026-01-05 10:00:00;12,5\n2026-01-05 10:01:00;1.234,5\n",
			want:   at(x, 12.5, 1234.5),
			notes:  []string{`FILE: reads "12,5" in column "x" as 12.5`},
		},
		"DecimalCommaOfThree": {
			reason: "three decimals are decimals there",
			text:   "Zeit;x\n2026-01-05 10:00:00;1,234\n2026-01-05 10:01:00;2\n",
			want:   at(x, 1.234, 2),
			notes:  []string{`FILE: reads "1,234" in column "x" as 1.234`},
		},
		"SemicolonsAndPoints": {
			reason: "unless the column has decimal points",
			text:   "time;x\n2026-01-05 10:00:00;1,234.5\n2026-01-05 10:01:00;1,234\n",
			want:   at(x, 1234.5, 1234),
			notes:  []string{`FILE: reads "1,234.5" in column "x" as 1234.5`},
		},
		"DotsAreThousandsThen": {
			reason: "one number with a decimal comma settles the column",
			text:   "Zeit;x\n2026-01-05 10:00:00;1.234\n2026-01-05 10:01:00;0,5\n",
			want:   at(x, 1234, 0.5),
			notes:  []string{`FILE: reads "0,5" in column "x" as 0.5`},
		},
		"FrenchExcel": {
			reason: "narrow blanks divide thousands, slashes the date",
			text:   "Date;x\n13/01/2026 10:00;1\u202f234,5\n13/01/2026 10:01;2\n",
			want:   []point{{x, ms("2026-01-13T10:00:00Z"), 1234.5}, {x, ms("2026-01-13T10:01:00Z"), 2}},
			notes:  []string{"FILE: reads \"1\\u202f234,5\" in column \"x\" as 1234.5"},
		},
		"GermanExcel": {
			reason: "UTF-16, tabs, dots in the date, an umlaut in the header",
			text:   utf16("Datum\tGröße\r\n05.01.2026 10:00\t1,5\r\n05.01.2026 10:01\t2\r\n", false),
			want:   at(`{__name__="Gr__e"}`, 1.5, 2),
			notes:  []string{`FILE: column "Größe" becomes the series Gr__e`, `FILE: reads "1,5" in column "Größe" as 1.5`},
		},
		"BigEndian": {
			reason: "the other order of bytes",
			text:   utf16("time,x\n2026-01-05 10:00:00,1\n", true),
			want:   at(x, 1),
		},
		"WindowsCodePage": {
			reason: "a header in Windows' own code page",
			text:   "Datum;x\xe4\n2026-01-05 10:00;1\n",
			want:   at(`{__name__="x_"}`, 1),
			notes:  []string{`FILE: column "xä" becomes the series x_`},
		},
		"SeparatorLine": {
			reason: "Grafana's download for Excel",
			text:   "sep=;\nTime;x\n2026-01-05 10:00:00;1\n",
			want:   at(x, 1),
		},
		"SeparatorLineQuoted": {
			reason: "some quote it",
			text:   "\"sep=,\"\r\nTime,x\r\n2026-01-05 10:00:00,1\r\n",
			want:   at(x, 1),
		},
		"TitleLines": {
			reason: "what stands above the table is said",
			text:   "Requests of checkout\n\nExported,by me\nTime,x\n2026-01-05 10:00:00,1\n",
			want:   at(x, 1),
			notes:  []string{"FILE: the names of the columns are taken from row 3; passed over are 2 above it and 0 below it"},
		},
		"UnitsLine": {
			reason: "so is a line of units below the names",
			text:   "Time,x\n,req/s\n2026-01-05 10:00:00,1\n",
			want:   at(x, 1),
			notes:  []string{"FILE: the names of the columns are taken from row 1; passed over are 0 above it and 1 below it"},
		},
		"Comments": {
			reason: "gnuplot and InfluxDB",
			text:   "# made by a script\n#time,x\n2026-01-05 10:00:00,1\n2026-01-05 10:01:00,2\n",
			want:   at(x, 1, 2),
		},
		"TrailingCommas": {
			reason: "empty columns at the end, in the header or not",
			text:   "Time,x,,\n2026-01-05 10:00:00,1,,\n",
			want:   at(x, 1),
		},
		"TrailingCommasBelow": {
			reason: "or in the rows alone; blank rows are none",
			text:   "Time,x\n2026-01-05 10:00:00,1,,\n,,\n2026-01-05 10:01:00,2,\n",
			want:   at(x, 1, 2),
		},
		"Gaps": {
			reason: "words for nothing",
			text:   "Time,x,y\n2026-01-05 10:00:00,null,1\n2026-01-05 10:01:00,3,-\n2026-01-05 10:02:00,N/A,\\N\n2026-01-05 10:03:00,undefined,\n2026-01-05 10:04:00,5,6\n",
			want: []point{
				{`{__name__="y"}`, first, 1}, {x, second, 3}, {x, first + 240_000, 5}, {`{__name__="y"}`, first + 240_000, 6},
			},
			notes: []string{`FILE: takes "null", "-", "\\N", "N/A", "undefined" for gaps`},
		},
		"LongFormat": {
			reason: "text that varies tells series apart",
			text:   "time,service,x\n2026-01-05 10:00:00,web,10\n2026-01-05 10:01:00,api,99\n",
			want:   []point{{`{__name__="x", service="web"}`, first, 10}, {`{__name__="x", service="api"}`, second, 99}},
			notes:  []string{`FILE: columns of text become labels, which tell series apart: service ("web", "api", ...)`},
		},
		"SeriesBelowEachOther": {
			reason: "series are divided before their order is judged",
			text:   "Series,Time,Value\na,2026-01-05 10:00:00,1\na,2026-01-05 10:01:00,2\nb,2026-01-05 10:00:00,3\nb,2026-01-05 10:01:00,4\n",
			want: []point{
				{`{Series="a", __name__="Value"}`, first, 1}, {`{Series="b", __name__="Value"}`, first, 3},
				{`{Series="a", __name__="Value"}`, second, 2}, {`{Series="b", __name__="Value"}`, second, 4},
			},
			notes: []string{`FILE: columns of text become labels, which tell series apart: Series ("a", "b", ...)`},
		},
		"LateLabel": {
			reason: "text that varies late, and a gap in it",
			text:   "time,zone,x\n2026-01-05 10:00:00,,1\n2026-01-05 10:01:00,eu,2\n2026-01-05 10:02:00,us,3\n",
			want:   []point{{x, first, 1}, {`{__name__="x", zone="eu"}`, second, 2}, {`{__name__="x", zone="us"}`, first + 120_000, 3}},
			notes:  []string{`FILE: columns of text become labels, which tell series apart: zone ("eu", "us", ...)`},
		},
		"NewestFirst": {
			reason: "the order of many consoles",
			text:   "time,x\n2026-01-05 10:01:00,2\n2026-01-05 10:00:00,1\n",
			want:   at(x, 1, 2),
			notes:  []string{"FILE: the newest row comes first; they are read from the last to the first"},
		},
		"RowNumbersFirst": {
			reason: "the only column in which every cell is a time",
			text:   "id,seen_at,x\n0,2026-01-05 10:00:00,1\n1,2026-01-05 10:01:00,2\n",
			want:   []point{{`{__name__="id"}`, first, 0}, {x, first, 1}, {`{__name__="id"}`, second, 1}, {x, second, 2}},
			notes:  []string{`FILE: the times are read from column "seen_at" (--time-column, or time.column of a scenario, names another)`},
		},
		"NamedColumn": {
			reason: "a name beats a guess",
			text:   "start,end,x\n2026-01-05 09:00:00,2026-01-05 10:00:00,1\n",
			spec:   Spec{TimeColumn: "end"},
			want:   at(x, 1),
			notes:  []string{`FILE: columns ignored, as they hold further times: "start"`},
		},
		"DateAndClock": {
			reason: "date and time of day apart",
			text:   "Date,Time,x\n05.01.2026,10:00,1\n05.01.2026,10:01,2\n",
			want:   at(x, 1, 2),
		},
		"StrftimeLayout": {
			reason: "a layout as most languages have it",
			text:   "when,x\n26-005 10:00,1\n",
			spec:   Spec{TimeLayout: "%y-%j %H:%M"},
			want:   at(x, 1),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Path, tc.spec.Format = write(t, "in.csv", tc.text), CSV
			r := open(t, tc.spec)
			got := all(t, r)
			// In a block series are sorted by labels, in a table by column.
			slices.SortStableFunc(got, func(a, b point) int { return int(a.T - b.T) })
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateApprox(0, 1e-12), cmpopts.SortSlices(func(a, b point) bool {
				return a.T < b.T || a.T == b.T && a.Series < b.Series
			})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			var notes []string
			for _, note := range r.Info().Notes {
				notes = append(notes, strings.ReplaceAll(note, tc.spec.Path, "FILE"))
			}
			if diff := cmp.Diff(tc.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			from, to := int64(math.MaxInt64), int64(math.MinInt64)
			for _, p := range got {
				from, to = min(from, p.T), max(to, p.T)
			}
			if info := r.Info(); info.First != from || info.Last != to || info.Samples != int64(len(got)) {
				t.Errorf("info: from %d to %d, %d samples", info.First, info.Last, info.Samples)
			}
		})
	}
}

// TestCSVTimes has times as tools write them, all of one instant where nothing
// else is said.
func TestCSVTimes(t *testing.T) {
	const instant = "2026-01-05T10:00:00Z"
	day := "2026-01-05T00:00:00Z"
	tests := map[string]struct{ cell, want, note string }{
		"RFC3339":       {"2026-01-05T11:00:00+01:00", instant, ""},
		"NoColon":       {"2026-01-05T11:00:00+0100", instant, ""},
		"HoursOnly":     {"2026-01-05 11:00:00+01", instant, ""},
		"Fraction":      {"2026-01-05T10:00:00.25Z", "2026-01-05T10:00:00.25Z", ""},
		"Nanoseconds":   {"2026-01-05T10:00:00.000000001Z", instant, ""},
		"CommaFraction": {"\"2026-01-05 10:00:00,250\"", "2026-01-05T10:00:00.25Z", ""},
		"BigQuery":      {"2026-01-05 10:00:00 UTC", instant, ""},
		"Python":        {"2026-01-05T10:00:00", instant, ""},
		"CloudWatch":    {"2026/01/05 10:00:00", instant, ""},
		"Azure":         {"2026-01-05T10:00Z", instant, ""},
		"NoSeconds":     {"2026-01-05 10:00", instant, ""},
		"AM":            {"2026-01-05 10:00:00 AM", instant, ""},
		"PM":            {"2026-01-05 10:00:00 pm", "2026-01-05T22:00:00Z", ""},
		"Noon":          {"2026-01-05 12:00 AM", day, ""},
		"Day":           {"2026-01-05", day, ""},
		"German":        {"05.01.2026 10:00:00", instant, ""},
		"OneDigit":      {"5.1.2026 10:00", instant, ""},
		"American":      {"01/25/2026 10:00 AM", "2026-01-25T10:00:00Z", ""},
		"British":       {"25/01/2026 10:00", "2026-01-25T10:00:00Z", ""},
		"Named":         {"\"Jan 5, 2026 10:00 AM\"", instant, ""},
		"Oracle":        {"05-Jan-2026 10:00:00", instant, ""},
		"HTTP":          {"\"Mon, 05 Jan 2026 10:00:00 GMT\"", instant, ""},
		"Unix":          {"Mon Jan  5 10:00:00 UTC 2026", instant, ""},
		"Seconds":       {"1767607200", instant, ""},
		"Fractions":     {"1767607200.250", "2026-01-05T10:00:00.25Z", ""},
		"Milliseconds":  {"1767607200000", instant, ""},
		"Microseconds":  {"1767607200000000", instant, "Unix microseconds"},
		"Nanos":         {"1767607200000000000", instant, "Unix nanoseconds"},
		"EightDigits":   {"20260105", day, "dates without separators"},
		"TwelveDigits":  {"202601051000", instant, "dates without separators"},
		"FourteenDigit": {"20260105100000", instant, "dates without separators"},
		"Excel":         {"46027", day, "days since 1899-12-30"},
		"ExcelHours":    {"46027.4166666667", instant, "days since 1899-12-30"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := open(t, Spec{Format: CSV, Path: write(t, "in.csv", "date,x\n"+tc.cell+",1\n")})
			want, err := time.Parse(time.RFC3339Nano, tc.want)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Info().First; got != want.UnixMilli() {
				t.Errorf("%s is read as %s, want %s", tc.cell, time.UnixMilli(got).UTC().Format(time.RFC3339Nano), tc.want)
			}
			if notes := strings.Join(r.Info().Notes, "\n"); !strings.Contains(notes, tc.note) || tc.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

// TestCSVRefusals has what cannot be known, with a way out that exists.
func TestCSVRefusals(t *testing.T) {
	tests := map[string]struct {
		reason, text string
		spec         Spec
		want         string
	}{
		"DayOrMonth":     {"no row tells", "when,x\n01/05/2026 10:00,1\n01/06/2026 10:00,1\n", Spec{}, `FILE:2:1: "01/05/2026 10:00" in time column "when": day and month cannot be told apart, here or in any other row; say how it is written: --time-layout '01/02/2006 15:04' for the month first, '02/01/2006 15:04' for the day`},
		"InScenario":     {"there the cure is a field", "when,x\n01/05/2026,1\n", Spec{InScenario: true}, `FILE:2:1: "01/05/2026" in time column "when": day and month cannot be told apart, here or in any other row; say how it is written: time.layout '01/02/2006' for the month first, '02/01/2006' for the day`},
		"RowNumbers":     {"never 1970", "n,x\n12,1\n13,1\n", Spec{TimeLayout: "%Y"}, `FILE:2:1: "12" in time column "n": not a time of the form 2006; columns are "n", "x", name the time column with --time-column if it is another`},
		"ExcelElsewhere": {"a number that Excel might have written, in a column called otherwise", "id,x\n45658,1\n", Spec{}, `FILE:2:1: "45658" in time column "id": as Unix seconds that would be 1970-01-01 12:40:58, before 2000, so it is taken for no time; columns are "id", "x", name the time column with --time-column if it is another`},
		"BadAmongGood":   {"an implausible time is not taken for a title", "ts,x\n100000000000,1\n1767600000000,2\n", Spec{}, `FILE:2:1: "100000000000" in time column "ts": no number that is a time from 2000 on, in seconds, milli-, micro- or nanoseconds; columns are "ts", "x", name the time column with --time-column if it is another`},
		"CET":            {"abbreviations of zones are many", "ts,x\n\"Mon, 05 Jan 2026 10:00:00 CET\",1\n", Spec{}, `FILE:2:1: "Mon, 05 Jan 2026 10:00:00 CET" in time column "ts": not a time; read are RFC 3339 and its relatives, dates with dots, slashes or names, Unix seconds to nanoseconds and more; say how others are written, e.g. --time-layout '%d.%m.%y %H:%M'; columns are "ts", "x", name the time column with --time-column if it is another`},
		"MixedUnits":     {"kinds of units do not mix", "time,x\n2026-01-05,1 ms\n2026-01-06,1 KiB\n", Spec{}, `FILE:3:12: "1 KiB" in column "x", which has one of another kind: seconds at FILE:2:12; export plain numbers (in Grafana, switch off formatted data)`},
		"UnitAndNone":    {"nor do they with bare numbers", "time,x\n2026-01-05,45%\n2026-01-06,46\n", Spec{}, `FILE:3:12: "46" in column "x", which has one of another kind: percent at FILE:2:12; export plain numbers (in Grafana, switch off formatted data)`},
		"MinutesOrMilli": {"m is two things", "time,x\n2026-01-05,1\n2026-01-06,5 m\n", Spec{}, `FILE:3:12: "5 m" is not a number (unit m may be minutes or thousandths) in column "x"; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data`},
		"TwoDecimals":    {"commas and points for decimals", "time;x\n2026-01-05;1,5\n2026-01-06;1.25\n", Spec{}, `FILE:2:12: a number with a decimal comma in column "x", which has one with a decimal point at FILE:3:12; export plain numbers`},
		"Ungrouped":      {"no style has such groups", "time;x\n2026-01-05;1\n2026-01-06;1,23,4\n", Spec{}, `FILE:3:12: "1,23,4" is not a number in column "x"; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data`},
		"SameHeaders":    {"the way out names a column by number", "time,a,a\n2026-01-05,1,2\n", Spec{}, `FILE:1: columns "a" and "a" (#2 and #3) both become the series a; give one another name with --series '#3=NAME{label="value"}'`},
		"NearNames":      {"of many columns the nearest are listed", "time," + manyNames(1000) + "\n2026-01-05," + strings.Repeat(",", 999) + "1\n", Spec{TimeColumn: "c77"}, `FILE:1: no column "c77"; there are "c77x", "c770x", "c771x", "c772x", "c773x", "c774x", "c775x", "c776x", "c777x", "c778x" and 991 more`},
		"NearlyUnique":   {"a text that every row has anew", "time,id,x\n" + uniqueRows(200), Spec{}, `FILE: 200 series in 200 rows: a column of text ("id") has another one in nearly every row and tells no series apart; leave it out`},
		"Zeros":          {"a line that never ends", strings.Repeat("\x00", 3<<20), Spec{}, "FILE:1:1: a cell longer than 1 MiB"},
		"OpenQuote":      {"a quote that never ends", "time,x\n2026-01-05,\"" + strings.Repeat("1\n", 1<<20), Spec{}, "FILE:2:1: a cell longer than 1 MiB"},
		"Columns":        {"a table that may be transposed", "time," + strings.Repeat("a,", 200_000) + "b\n2026-01-05," + strings.Repeat("1,", 200_000) + "1\n", Spec{}, "FILE:1:1: 200002 columns, more than 200000; is the table transposed?"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Path = write(t, "table", tc.text)
			tc.spec.Format = CSV
			if diff := cmp.Diff(tc.want, openError(t, tc.spec)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%dx", i)
	}
	return strings.Join(names, ",")
}

func uniqueRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "2026-01-05 10:%02d:%02d,id%d,1\n", i/60, i%60, i)
	}
	return b.String()
}

// TestHostileColumns has a hundred thousand of them: what is said stays short, and
// nothing is quadratic.
func TestHostileColumns(t *testing.T) {
	const n = 100_000
	text := "timestamp," + strings.ReplaceAll(manyNames(n), "x", " x") + "\n2026-01-05T08:00:00Z" + strings.Repeat(",1", n) + "\n2026-01-05T08:01:00Z" + strings.Repeat(",1", n) + "\n"
	r := open(t, Spec{Path: write(t, "wide.csv", text)})
	if got := r.Info().Samples; got != 2*n {
		t.Errorf("%d samples, want %d", got, 2*n)
	}
	for _, note := range r.Info().Notes {
		if len(note) > 1000 || !strings.Contains(note, "and 99990 more") {
			t.Errorf("a note of %d bytes", len(note))
		}
	}
}
