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
		"CloudWatchConsole": {
			reason: "the console writes several rows of names, ids and periods; the first with distinct names counts",
			text:   "Full label,cpu i-1,cpu i-2\nLabel,i-1,i-2\nId,m1,m2\nMetric name,cpu,cpu\nPeriod,300,300\n2026/01/05 10:00:00,1,2\n",
			want:   append(at(`{__name__="cpu_i_1"}`, 1), at(`{__name__="cpu_i_2"}`, 2)...),
			notes:  []string{"FILE: the names of the columns are taken from row 1; passed over are 0 above it and 4 below it", `FILE: column "cpu i-1" becomes the series cpu_i_1, "cpu i-2" becomes the series cpu_i_2`},
		},
		"GoogleConsole": {
			reason: "Cloud Monitoring has a row for each label, and JavaScript's dates",
			text:   "TimeSeries ID,cpu a,cpu b\ninstance_id,17,18\nzone,z,z\n\"Mon Jan 05 2026 11:00:00 GMT+0100 (Central European Standard Time)\",0.1,0.2\n",
			want:   append(at(`{__name__="cpu_a"}`, 0.1), at(`{__name__="cpu_b"}`, 0.2)...),
			notes:  []string{"FILE: the names of the columns are taken from row 1; passed over are 0 above it and 2 below it", `FILE: column "cpu a" becomes the series cpu_a, "cpu b" becomes the series cpu_b`},
		},
		"AzureTitles": {
			reason: "titles as wide as the table do not name its columns",
			text:   "Name,vm1\nAggregation,Avg\nTimestamp (UTC),x\n1/5/2026 10:00 AM,1\n1/13/2026 10:00 AM,2\n",
			spec:   Spec{Location: time.FixedZone("elsewhere", 3600)},
			want:   []point{{x, first, 1}, {x, ms("2026-01-13T10:00:00Z"), 2}},
			notes: []string{
				`FILE: the names of the columns are taken from row 3; passed over are 2 above it and 0 below it`,
				`FILE: times are of the zone in the header "Timestamp (UTC)", and not of elsewhere`,
				`FILE: in column "Timestamp (UTC)" the month stands before the day, as line 5 shows`,
			},
		},
		"NewRelic": {
			reason: "the end of each interval is no metric, as a number or in words",
			text:   "Begin time (ms),End time (ms),Begin time,x\n1767607200000,1767607260000,\"January 5, 2026 10:00:00\",1\n1767607260000,1767607320000,\"January 5, 2026 10:01:00\",2\n",
			want:   at(x, 1, 2),
			notes:  []string{`FILE: columns ignored, as they hold further times: "End time (ms)", "Begin time"`},
		},
		"TimesThatAreAMetric": {
			reason: "a Unix time that is not the row's is a value, and so is one of a metric's name",
			text:   "time,end,process_start_time_seconds\n2026-01-05 10:00:00,1700000000,1767607000\n",
			want:   append(at(`{__name__="end"}`, 1.7e9), at(`{__name__="process_start_time_seconds"}`, 1767607000)...),
		},
		"Totals": {
			reason: "lines of totals end a table, with all cells or fewer",
			text:   "Time,x,y\n2026-01-05 10:00:00,1,2\n2026-01-05 10:01:00,3,4\n\nTotal:,4,6\nAverage,2\n",
			want:   []point{{x, first, 1}, {`{__name__="y"}`, first, 2}, {x, second, 3}, {`{__name__="y"}`, second, 4}},
			notes:  []string{`FILE: the table ends above lines of totals: "Total:", "Average"`},
		},
		"TotalsInAnotherColumn": {
			reason: "the column of times is empty there",
			text:   "Time,host,x\n2026-01-05 10:00:00,a,1\n2026-01-05 10:01:00,a,2\n,Total,3\n",
			want:   at(x, 1, 2),
			notes:  []string{`FILE: the table ends above lines of totals: "Total"`, `FILE: columns ignored, as they hold the same text in every row: "host"`},
		},
		"TotalsFirst": {
			reason: "some sum up below the header",
			text:   "Time,x\nTotal,3\n2026-01-05 10:00:00,1\n2026-01-05 10:01:00,2\n",
			want:   at(x, 1, 2),
			notes:  []string{"FILE: the names of the columns are taken from row 1; passed over are 0 above it and 1 below it"},
		},
		"JoinedFiles": {
			reason: "each with its header",
			text:   "Time,x\n2026-01-05 10:00:00,1\nTime,x\n2026-01-05 10:01:00,2\n",
			want:   at(x, 1, 2),
			notes:  []string{"FILE: passed over is the header where it is repeated, 1 times"},
		},
		"Flux": {
			reason: "InfluxDB's annotated CSV, tables below each other; the tables' numbers are no metric",
			text: "#datatype,string,long,dateTime:RFC3339,double,string\n#group,false,false,false,false,true\n#default,_result,,,,\n,result,table,_time,_value,host\n,,0,2026-01-05T10:00:00Z,1,a\n" +
				"\n#datatype,string,long,dateTime:RFC3339,double,string\n#group,false,false,false,false,true\n#default,_result,,,,\n,result,table,_time,_value,host\n,,1,2026-01-05T10:00:00Z,2,b\n",
			want: append(at(`{__name__="_value", host="a"}`, 1), at(`{__name__="_value", host="b"}`, 2)...),
			notes: []string{
				"FILE: passed over is the header where it is repeated, 4 times", `FILE: columns ignored, as they are empty: "result"`,
				`FILE: columns ignored, as they number InfluxDB's tables: "table"`, `FILE: columns of text become labels, which tell series apart: host ("a", "b", ...)`,
			},
		},
		"ZoneColumn": {
			reason: "a zone beside local times is an offset, and beats --tz",
			text:   "time,tz,x\n2026-01-05 11:00:00,Europe/Berlin,1\n2026-01-05 11:01:00,+01:00,2\n",
			spec:   Spec{Location: time.FixedZone("elsewhere", 7200)},
			want:   at(x, 1, 2),
			notes:  []string{`FILE: times are local ones of the zones in column "tz"`},
		},
		"ZonesThatArePlaces": {
			reason: "a column called zone may hold anything",
			text:   "time,zone,x\n2026-01-05 10:00:00,eu-1a,1\n2026-01-05 10:00:00,eu-1b,2\n",
			want:   append(at(`{__name__="x", zone="eu-1a"}`, 1), at(`{__name__="x", zone="eu-1b"}`, 2)...),
			notes:  []string{`FILE: columns of text become labels, which tell series apart: zone ("eu-1a", "eu-1b", ...)`},
		},
		"Kibana": {
			reason: "an at sign between date and time",
			text:   "@timestamp,Count\n\"Jan 5, 2026 @ 10:00:00.000\",\"1,234\"\n\"Jan 5, 2026 @ 10:01:00.000\",900\n",
			want:   at(`{__name__="Count"}`, 1234, 900),
			notes:  []string{`FILE: reads "1,234" in column "Count" as 1234`},
		},
		"SheetErrors": {
			reason: "formulas that failed are gaps, in any language",
			text:   "Time,x\n2026-01-05 10:00:00,#DIV/0!\n2026-01-05 10:01:00,2\n2026-01-05 10:02:00,#NAME?\n2026-01-05 10:03:00,#NV\n2026-01-05 10:04:00,Err:502\n",
			want:   []point{{x, second, 2}},
			notes:  []string{`FILE: takes "#DIV/0!", "#NAME?", "#NV", "Err:502" for gaps`},
		},
		"IndianGroups": {
			reason: "lakhs and crores",
			text:   "Time,x\n2026-01-05 10:00:00,\"12,34,567\"\n2026-01-05 10:01:00,\"1,00,000.5\"\n",
			want:   at(x, 1234567, 100000.5),
			notes:  []string{`FILE: reads "12,34,567" in column "x" as 1.234567e+06`},
		},
		"Currency": {
			reason: "before the amount, with its sign or without",
			text:   "Time,x\n2026-01-05 10:00:00,$1.50\n2026-01-05 10:01:00,\"-$1,234.50\"\n2026-01-05 10:02:00,($2.00)\n",
			want:   at(x, 1.5, -1234.5, -2),
			notes:  []string{`FILE: reads "$1.50" in column "x" as 1.5 ($)`},
		},
		"CurrencyBehind": {
			reason: "as on the continent",
			text:   "Time;x\n2026-01-05 10:00:00;1,50 €\n2026-01-05 10:01:00;1.234,50 €\n",
			want:   at(x, 1.5, 1234.5),
			notes:  []string{`FILE: reads "1,50 €" in column "x" as 1.5 (€)`},
		},
		"Accounting": {
			reason: "parentheses are a minus, and so is a sign at the end",
			text:   "Time,x,y\n2026-01-05 10:00:00,(123),5\n2026-01-05 10:01:00,\"(1,234.50)\",7-\n",
			want:   []point{{x, first, -123}, {`{__name__="y"}`, first, 5}, {x, second, -1234.5}, {`{__name__="y"}`, second, -7}},
			notes:  []string{`FILE: reads "(123)" in column "x" as -123, "7-" in column "y" as -7`},
		},
		"Booleans": {
			reason: "true is 1",
			text:   "Time,up,x\n2026-01-05 10:00:00,TRUE,5\n2026-01-05 10:01:00,false,6\n",
			want:   []point{{`{__name__="up"}`, first, 1}, {x, first, 5}, {`{__name__="up"}`, second, 0}, {x, second, 6}},
			notes:  []string{`FILE: reads "TRUE" in column "up" as 1`},
		},
		"BooleansThatTellApart": {
			reason: "unless an instant would stand twice without them",
			text:   "Time,cached,x\n2026-01-05 10:00:00,true,5\n2026-01-05 10:00:00,false,6\n2026-01-05 10:01:00,true,7\n",
			want:   []point{{`{__name__="x", cached="false"}`, first, 6}, {`{__name__="x", cached="true"}`, first, 5}, {`{__name__="x", cached="true"}`, second, 7}},
			notes:  []string{`FILE: columns of text become labels, which tell series apart: cached ("true", "false", ...)`},
		},
		"BooleansBesideLabels": {
			reason: "the same in a long table",
			text:   "Time,host,cached,x\n2026-01-05 10:00:00,a,true,5\n2026-01-05 10:00:00,a,false,6\n2026-01-05 10:00:00,b,true,7\n",
			want:   []point{{`{__name__="x", cached="false", host="a"}`, first, 6}, {`{__name__="x", cached="true", host="a"}`, first, 5}, {`{__name__="x", cached="true", host="b"}`, first, 7}},
			notes: []string{
				`FILE: reads "true" in column "cached" as 1`, `FILE: columns of text become labels, which tell series apart: host ("a", "b", ...)`,
				"FILE: columns of booleans become labels, as they tell series apart",
			},
		},
		"BareBytes": {
			reason: "Grafana's B is bytes, beside larger units or alone",
			text:   "Time,x,y\n2026-01-05 10:00:00,100 B,7 B\n2026-01-05 10:01:00,1.5 KiB,8 B\n",
			want:   []point{{x, first, 100}, {`{__name__="y"}`, first, 7}, {x, second, 1536}, {`{__name__="y"}`, second, 8}},
			notes:  []string{`FILE: reads "100 B" in column "x" as 100 (bytes), "7 B" in column "y" as 7 (bytes)`},
		},
		"AttachedBytes": {
			reason: "docker's as well, where a larger unit tells",
			text:   "Time,x\n2026-01-05 10:00:00,512B\n2026-01-05 10:01:00,1.5KiB\n",
			want:   at(x, 512, 1536),
			notes:  []string{`FILE: reads "512B" in column "x" as 512 (bytes)`},
		},
		"Billions": {
			reason: "among counts B is one of them",
			text:   "Time,x\n2026-01-05 10:00:00,950M\n2026-01-05 10:01:00,1.2B\n",
			want:   at(x, 950e6, 1.2e9),
			notes:  []string{`FILE: reads "950M" in column "x" as 9.5e+08`},
		},
		"Cores": {
			reason: "kubectl top's thousandths, where the header speaks of cpu",
			text:   "Time,cpu\n2026-01-05 10:00:00,250m\n2026-01-05 10:01:00,1\n",
			want:   at(`{__name__="cpu"}`, 0.25, 1),
			notes:  []string{`FILE: reads "250m" in column "cpu" as 0.25`},
		},
		"ComposedDurations": {
			reason: "as Go and Grafana's clocks write them",
			text:   "Time,x\n2026-01-05 10:00:00,1m30s\n2026-01-05 10:01:00,2 h 5 min\n2026-01-05 10:02:00,250ms\n",
			want:   at(x, 90, 7500, 0.25),
			notes:  []string{`FILE: reads "1m30s" in column "x" as 90 (seconds)`},
		},
		"AttachedPrefix": {
			reason: "Grafana attaches the prefix to newer units",
			text:   "Time,x\n2026-01-05 10:00:00,1.20K req/s\n2026-01-05 10:01:00,800 req/s\n",
			want:   at(x, 1200, 800),
			notes:  []string{`FILE: reads "1.20K req/s" in column "x" as 1200 (req/s)`},
		},
		"DecimalCommaSerials": {
			reason: "Excel's days in a locale with decimal commas",
			text:   "Zeit;x\n46027,4166666667;1\n46027,4173611111;2\n",
			want:   at(x, 1, 2),
			notes:  []string{"FILE: times are read as days since 1899-12-30, as Excel counts them"},
		},
		"GrafanaBefore7": {
			reason: "quoted cells between semicolons, a row for each sample, legends as Prometheus names series",
			text:   "\"Series\";\"Time\";\"Value\"\n\"cpu{pod=\"\"a\"\"}\";\"2026-01-05T10:00:00+00:00\";1\n\"cpu{pod=\"\"b\"\"}\";\"2026-01-05T10:00:00+00:00\";2\n\"cpu{pod=\"\"b\"\"}\";\"2026-01-05T10:01:00+00:00\";null\n",
			want:   append(at(`{__name__="cpu", pod="a"}`, 1), at(`{__name__="cpu", pod="b"}`, 2)...),
			notes:  []string{`FILE: takes "null" for gaps`, `FILE: the series of each row are those that column "Series" selects, such as "cpu{pod=\"a\"}"`},
		},
		"OneLegend": {
			reason: "a selector that is the same in every row names the series as well",
			text:   "Series,Time,Value\n\"{pod=\"\"a\"\"}\",2026-01-05 10:00:00,1\n\"{pod=\"\"a\"\"}\",2026-01-05 10:01:00,2\n",
			want:   at(`{__name__="Value", pod="a"}`, 1, 2),
			notes:  []string{`FILE: the series of each row are those that column "Series" selects, such as "{pod=\"a\"}"`},
		},
		"LegendsAndWords": {
			reason: "a column that holds other texts, too, is one label",
			text:   "Series,Time,Value\n\"{pod=\"\"a\"\"}\",2026-01-05 10:00:00,1\nall,2026-01-05 10:00:00,2\n",
			want:   append(at(`{Series="all", __name__="Value"}`, 2), at(`{Series="{pod=\"a\"}", __name__="Value"}`, 1)...),
			notes:  []string{`FILE: columns of text become labels, which tell series apart: Series ("{pod=\"a\"}", "all", ...)`},
		},
		"NameColumn": {
			reason: "a column called __name__ names series, also where there is one only",
			text:   "timestamp,value,__name__\n2026-01-05 10:00:00,1,up\n2026-01-05 10:01:00,2,up\n",
			want:   at(`{__name__="up"}`, 1, 2),
			notes:  []string{`FILE: columns of text become labels, which tell series apart: __name__ ("up", "", ...)`},
		},
		"RowNumbers": {
			reason: "pandas and R write the number of each row, without a header",
			text:   ",time,x\n0,2026-01-05 10:00:00,1\n1,2026-01-05 10:01:00,2\n",
			want:   at(x, 1, 2),
		},
		"NoRowNumbers": {
			reason: "other numbers in such a column are values",
			text:   ",time,x\n0,2026-01-05 10:00:00,1\n2,2026-01-05 10:01:00,2\n",
			want:   []point{{`{__name__="column_1"}`, first, 0}, {x, first, 1}, {`{__name__="column_1"}`, second, 2}, {x, second, 2}},
			notes:  []string{`FILE: column "" becomes the series column_1`},
		},
		"Psql": {
			reason: "a line of dashes below the names, and the count of rows at the end",
			text:   "        bucket          |  x\n------------------------+-----\n 2026-01-05 10:00:00+00 | 1.5\n 2026-01-05 10:01:00+00 | 1.6\n(2 rows)\n",
			want:   at(x, 1.5, 1.6),
			notes:  []string{"FILE: the names of the columns are taken from row 1; passed over are 0 above it and 1 below it", `FILE: the table ends above lines of totals: "(2 rows)"`},
		},
		"PerformanceMonitor": {
			reason: "Windows writes how many minutes UTC is ahead into the header",
			text:   "\"(PDH-CSV 4.0) (W. Europe Standard Time)(-60)\",\"x\"\n\"01/05/2026 11:00:00.000\",\"1\"\n\"01/13/2026 11:00:00.000\",\"2\"\n",
			want:   []point{{x, first, 1}, {x, ms("2026-01-13T10:00:00Z"), 2}},
			notes:  []string{`FILE: in column "(PDH-CSV 4.0) (W. Europe Standard Time)(-60)" the month stands before the day, as line 3 shows`},
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
		"RFC3339":        {"2026-01-05T11:00:00+01:00", instant, ""},
		"NoColon":        {"2026-01-05T11:00:00+0100", instant, ""},
		"HoursOnly":      {"2026-01-05 11:00:00+01", instant, ""},
		"Fraction":       {"2026-01-05T10:00:00.25Z", "2026-01-05T10:00:00.25Z", ""},
		"Nanoseconds":    {"2026-01-05T10:00:00.000000001Z", instant, ""},
		"CommaFraction":  {"\"2026-01-05 10:00:00,250\"", "2026-01-05T10:00:00.25Z", ""},
		"BigQuery":       {"2026-01-05 10:00:00 UTC", instant, ""},
		"Python":         {"2026-01-05T10:00:00", instant, ""},
		"CloudWatch":     {"2026/01/05 10:00:00", instant, ""},
		"Azure":          {"2026-01-05T10:00Z", instant, ""},
		"NoSeconds":      {"2026-01-05 10:00", instant, ""},
		"AM":             {"2026-01-05 10:00:00 AM", instant, ""},
		"PM":             {"2026-01-05 10:00:00 pm", "2026-01-05T22:00:00Z", ""},
		"Noon":           {"2026-01-05 12:00 AM", day, ""},
		"Day":            {"2026-01-05", day, ""},
		"German":         {"05.01.2026 10:00:00", instant, ""},
		"OneDigit":       {"5.1.2026 10:00", instant, ""},
		"American":       {"01/25/2026 10:00 AM", "2026-01-25T10:00:00Z", ""},
		"British":        {"25/01/2026 10:00", "2026-01-25T10:00:00Z", ""},
		"Named":          {"\"Jan 5, 2026 10:00 AM\"", instant, ""},
		"Oracle":         {"05-Jan-2026 10:00:00", instant, ""},
		"HTTP":           {"\"Mon, 05 Jan 2026 10:00:00 GMT\"", instant, ""},
		"Unix":           {"Mon Jan  5 10:00:00 UTC 2026", instant, ""},
		"JavaScript":     {"Mon Jan 05 2026 11:00:00 GMT+0100 (Central European Standard Time)", instant, ""},
		"JavaScriptUTC":  {"Mon Jan 05 2026 10:00:00 GMT+0000", instant, ""},
		"LocaleString":   {"\"13/1/2026, 10:00:00\u202fa.\u00a0m.\"", "2026-01-13T10:00:00Z", ""},
		"Java":           {"2026-01-05T11:00:00+01:00[Europe/Berlin]", instant, ""},
		"GoString":       {"2026-01-05 11:00:00.25 +0100 CET", "2026-01-05T10:00:00.25Z", ""},
		"UTCOffset":      {"2026-01-05 11:00:00 UTC+01:00", instant, ""},
		"GMTHours":       {"2026-01-05 11:00:00 GMT+1", instant, ""},
		"Place":          {"2026-01-05 11:00:00 Europe/Berlin", instant, ""},
		"BasicISO":       {"20260105T100000Z", instant, ""},
		"BasicISOLocal":  {"20260105T1000", instant, ""},
		"LongMonth":      {"\"January 5, 2026 10:00:00\"", instant, ""},
		"Spoken":         {"\"Monday, January 5th, 2026 at 10:00 AM\"", instant, ""},
		"DayLongMonth":   {"5 January 2026 10:00", instant, ""},
		"KibanaTime":     {"\"Jan 5, 2026 @ 10:00:00.000\"", instant, ""},
		"Database":       {"05-JAN-26 10.00.00.000000 AM", instant, ""},
		"AccessLog":      {"05/Jan/2026:11:00:00 +0100", instant, ""},
		"OffsetInMiddle": {"Mon Jan 05 10:00:00 +0000 2026", instant, ""},
		"Points":         {"15.01.2026 10.00.00", "2026-01-15T10:00:00Z", ""},
		"EndOfDay":       {"2026-01-04 24:00", day, ""},
		"Grouped":        {"\"1,767,607,200,000\"", instant, ""},
		"ExcelComma":     {"\"46027,4166666667\"", instant, "days since 1899-12-30"},
		"UnixComma":      {"\"1767607200,25\"", "2026-01-05T10:00:00.25Z", ""},
		"Seconds":        {"1767607200", instant, ""},
		"Fractions":      {"1767607200.250", "2026-01-05T10:00:00.25Z", ""},
		"Milliseconds":   {"1767607200000", instant, ""},
		"Microseconds":   {"1767607200000000", instant, "Unix microseconds"},
		"Nanos":          {"1767607200000000000", instant, "Unix nanoseconds"},
		"EightDigits":    {"20260105", day, "dates without separators"},
		"TwelveDigits":   {"202601051000", instant, "dates without separators"},
		"FourteenDigit":  {"20260105100000", instant, "dates without separators"},
		"Excel":          {"46027", day, "days since 1899-12-30"},
		"ExcelHours":     {"46027.4166666667", instant, "days since 1899-12-30"},
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
		"CET":            {"abbreviations of zones are many", "ts,x\n\"Mon, 05 Jan 2026 10:00:00 CET\",1\n", Spec{}, `FILE:2:1: "Mon, 05 Jan 2026 10:00:00 CET" in time column "ts": the abbreviation CET of a zone says too little; write an offset, or leave it out and give the zone's name (--tz); columns are "ts", "x", name the time column with --time-column if it is another`},
		"ShortYear":      {"each number may be the year", "Date,x\n1/5/26 10:00,1\n", Spec{}, `FILE:2:1: "1/5/26 10:00" in time column "Date": with a year of two digits each of the three numbers may be the year; say how it is written: --time-layout '%m/%d/%y %H:%M', '%d/%m/%y %H:%M' or '%y/%m/%d %H:%M' (with the cells' own marks); columns are "Date", "x", name the time column with --time-column if it is another`},
		"NoDate":         {"a chart of today", "time,x\n10:00,1\n", Spec{}, `FILE:2:1: "10:00" in time column "time": a time of day without its date; columns are "time", "x", name the time column with --time-column if it is another`},
		"Exponent":       {"a spreadsheet has rounded the times", "time,x\n1.76761E+12,1\n", Spec{}, `FILE:2:1: "1.76761E+12" in time column "time": the exponent has cost digits; export it as a whole number; columns are "time", "x", name the time column with --time-column if it is another`},
		"UnknownPlace":   {"a zone that does not exist", "time,x\n2026-01-05 10:00 Europe/Berlim,1\n", Spec{}, `FILE:2:1: "2026-01-05 10:00 Europe/Berlim" in time column "time": unknown time zone "Europe/Berlim"; columns are "time", "x", name the time column with --time-column if it is another`},
		"OnItsSide":      {"a table that is transposed", "metric,2026-01-05 10:00,2026-01-05 10:01\ncpu,1,2\n", Spec{}, "FILE:1: the times stand in the first row, so the table lies on its side; transpose it, so that each row has a time"},
		"Headless":       {"Graphite has no header", "web.cpu,2026-01-05 10:00,1.5\n", Spec{}, `FILE:1:1: the first row is data ("2026-01-05 10:00"); add a header row such as series,timestamp,value`},
		"SecondTable":    {"one below the other", "time,x\n2026-01-05 10:00,1\n\ntime,y\n2026-01-05 10:00,1\n", Spec{}, `FILE:4:1: "time" in time column "time": another table begins here; save each table as a file of its own`},
		"WiderTable":     {"with more columns", "time,x\n2026-01-05 10:00,1\n\ntime,y,z\n2026-01-05 10:00,1,2\n", Spec{}, `FILE:4:1: the row has 3 cells, but the header has 2 columns; if another table begins here, save each as a file of its own`},
		"TotalsBetween":  {"totals are no reason to lose rows", "time,x\n2026-01-05 10:00,1\nTotal,1\n2026-01-05 10:01,1\n", Spec{}, `FILE:3:1: "Total" in time column "time": a line of totals among the rows; take it out`},
		"LostRow":        {"a row whose time is none is not the header", "time,x\nyesterday,5\n2026-01-05 10:01,1\n", Spec{}, `FILE:2:1: "yesterday" in time column "time": not a time; read are RFC 3339 and its relatives, dates with dots, slashes or names, Unix seconds to nanoseconds and more; say how others are written, e.g. --time-layout '%d.%m.%y %H:%M'; columns are "time", "x", name the time column with --time-column if it is another`},
		"BytesOrBillion": {"no cell tells", "time,x\n2026-01-05,5B\n2026-01-06,6B\n", Spec{}, `FILE:2:12: "5B" in column "x": B may be bytes or billions, and no other cell tells; export plain numbers (in Grafana, switch off formatted data)`},
		"TwoCurrencies":  {"they do not add up", "time,x\n2026-01-05,$5\n2026-01-06,€6\n", Spec{}, `FILE:3:12: "€6" in column "x", which has one of another kind: $ at FILE:2:12; export plain numbers (in Grafana, switch off formatted data)`},
		"OddGroups":      {"nobody divides thousands so", "time,x\n2026-01-05,1\n2026-01-06,\"1,2,3.4\"\n", Spec{}, `FILE:3:12: "1,2,3.4" is not a number in column "x"; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data`},
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
