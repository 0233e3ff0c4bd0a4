package recording

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A point is a sample with its series written out.
type point struct {
	Series string
	T      int64
	F      float64
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// small has times of a few seconds since 1970 read as such, which must be asked
// for: tests are easier to read with them.
func small(t *testing.T, spec Spec) Spec {
	t.Helper()
	file, err := openText(spec.Path)
	if err != nil || spec.TimeLayout != "" || !strings.HasSuffix(spec.Path, ".csv") || spec.Format != "" {
		return spec
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if match, _ := regexp.Match(`(?m)\A[^\n]*\n([0-9]{1,6}(\.5)?,|5,100)`, text); match && !strings.Contains(string(text), "DATE") || err != nil {
		spec.TimeLayout = "unix"
	}
	return spec
}

func open(t *testing.T, spec Spec) *Recording {
	t.Helper()
	spec = small(t, spec)
	r, err := Open(context.Background(), spec, func() (string, error) { return t.TempDir(), nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// openError opens what must be refused and returns the message, with the path
// replaced by FILE.
func openError(t *testing.T, spec Spec) string {
	t.Helper()
	spec = small(t, spec)
	r, err := Open(context.Background(), spec, func() (string, error) { return t.TempDir(), nil })
	if err == nil {
		r.Close()
		t.Fatal("opened without an error")
	}
	return strings.ReplaceAll(err.Error(), spec.Path, "FILE")
}

func drain(t *testing.T, feed fake.Feed) []point {
	t.Helper()
	defer feed.Close()
	var points []point
	previous := fake.Sample{T: math.MinInt64}
	for {
		s, err := feed.Next()
		if err == io.EOF {
			return points
		}
		if err != nil {
			t.Fatal(err)
		}
		if s.T < previous.T || s.T == previous.T && s.Series <= previous.Series {
			t.Fatalf("sample (%d, series %d) follows (%d, series %d)", s.T, s.Series, previous.T, previous.Series)
		}
		previous = s
		points = append(points, point{feed.Labels(s.Series).String(), s.T, s.F})
	}
}

func all(t *testing.T, r *Recording) []point {
	t.Helper()
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	return drain(t, feed)
}

func selector(t *testing.T, texts ...string) [][]*labels.Matcher {
	t.Helper()
	var sets [][]*labels.Matcher
	for _, text := range texts {
		s, err := ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, s.Matchers)
	}
	return sets
}

func ms(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func TestCSVSamples(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	tests := map[string]struct {
		reason string
		text   string
		spec   Spec
		want   []point
		notes  []string
	}{
		"WallTimes": {
			reason: "the plain form is read as UTC",
			text:   "timestamp,value\n2026-01-05 08:00:00,1\n2026-01-05 08:05:00,2.5\n",
			want: []point{
				{`{__name__="value"}`, ms("2026-01-05T08:00:00Z"), 1},
				{`{__name__="value"}`, ms("2026-01-05T08:05:00Z"), 2.5},
			},
		},
		"TimeColumnAnywhere": {
			reason: "the time column is found case-insensitively, columns keep their order",
			text:   "b,DATE,a\n1,2026-01-05T08:00:00Z,2\n3,2026-01-05T08:00:01+00:00,4\n",
			want: []point{
				{`{__name__="b"}`, ms("2026-01-05T08:00:00Z"), 1},
				{`{__name__="a"}`, ms("2026-01-05T08:00:00Z"), 2},
				{`{__name__="b"}`, ms("2026-01-05T08:00:01Z"), 3},
				{`{__name__="a"}`, ms("2026-01-05T08:00:01Z"), 4},
			},
		},
		"TimestampBeforePeriod": {
			reason: "the list of names has an order",
			text:   "period,ts\n5,100\n6,200\n",
			want:   []point{{`{__name__="period"}`, 100_000, 5}, {`{__name__="period"}`, 200_000, 6}},
		},
		"FirstColumn": {
			reason: "without a known name the first column has the times",
			text:   "when,x\n100,1\n",
			want:   []point{{`{__name__="x"}`, 100_000, 1}},
		},
		"UnixForms": {
			reason: "the unit follows from the size",
			text:   "ts,x\n1767607200.5,1\n1767607201,2\n1767607202000,3\n1767607203000000,4\n1767607204000000000,5\n",
			want:   []point{{`{__name__="x"}`, 1767607200500, 1}, {`{__name__="x"}`, 1767607201000, 2}, {`{__name__="x"}`, 1767607202000, 3}, {`{__name__="x"}`, 1767607203000, 4}, {`{__name__="x"}`, 1767607204000, 5}},
		},
		"GapsAndObservations": {
			reason: "an empty cell is a gap; NaN and Inf are observations",
			text:   "ts,a,b\n1,,NaN\n2,5,\n3,+Inf,-inf\n",
			want: []point{
				{`{__name__="b"}`, 1000, math.NaN()},
				{`{__name__="a"}`, 2000, 5},
				{`{__name__="a"}`, 3000, math.Inf(1)},
				{`{__name__="b"}`, 3000, math.Inf(-1)},
			},
		},
		"ByteOrderMarkAndQuotes": {
			reason: "what spreadsheets write: BOM, CRLF, quotes, padding",
			text:   "\xef\xbb\xbf\"Time\", \"CPU %\",host\r\n\"2026-01-05 08:00:00\", 7 ,\"a,\"\"b\"\r\n",
			want:   []point{{`{__name__="CPU__"}`, ms("2026-01-05T08:00:00Z"), 7}},
			notes:  []string{`FILE: column "CPU %" becomes the series CPU__`, `FILE: columns ignored, as they hold the same text in every row: "host"`},
		},
		"LeadingDigitAndNoName": {
			reason: "names are made valid and that is said",
			text:   "ts,5xx,\n1,2,3\n",
			want:   []point{{`{__name__="_5xx"}`, 1000, 2}, {`{__name__="column_3"}`, 1000, 3}},
			notes:  []string{`FILE: column "5xx" becomes the series _5xx, "" becomes the series column_3`},
		},
		"Mapping": {
			reason: "a column becomes the series it is mapped to, the others keep their names",
			text:   "ts,value,other\n1,2,3\n",
			spec:   Spec{Series: map[string]string{"Value": `requests{lb="x"}`}},
			want:   []point{{`{__name__="requests", lb="x"}`, 1000, 2}, {`{__name__="other"}`, 1000, 3}},
		},
		"ShiftAndScale": {
			reason: "the first sample lands on the instant, values are multiplied, NaN stays",
			text:   "ts,a\n50,\n100,1\n110,NaN\n",
			spec:   Spec{ShiftTo: ptr(time.Unix(1000, 0)), Scale: 3},
			want:   []point{{`{__name__="a"}`, 1_000_000, 3}, {`{__name__="a"}`, 1_010_000, math.NaN()}},
		},
		"Layout": {
			reason: "a layout of its own, in a zone",
			text:   "day,a\n05.01.2026 08:00,1\n",
			spec:   Spec{TimeLayout: "02.01.2006 15:04", Location: berlin},
			want:   []point{{`{__name__="a"}`, ms("2026-01-05T07:00:00Z"), 1}},
		},
		"AcrossClockChanges": {
			reason: "a local time that occurs twice is its first occurrence; the hour that was skipped has no rows",
			text: "time,a\n2026-03-29 01:59:59,1\n2026-03-29 03:00:00,2\n" +
				"2026-10-25 01:30:00,3\n2026-10-25 02:30:00,4\n2026-10-25 03:00:00,5\n2026-12-01 00:00:00,6\n",
			spec: Spec{Location: berlin},
			want: []point{
				{`{__name__="a"}`, ms("2026-03-29T00:59:59Z"), 1},
				{`{__name__="a"}`, ms("2026-03-29T01:00:00Z"), 2},
				{`{__name__="a"}`, ms("2026-10-24T23:30:00Z"), 3},
				{`{__name__="a"}`, ms("2026-10-25T00:30:00Z"), 4},
				{`{__name__="a"}`, ms("2026-10-25T02:00:00Z"), 5},
				{`{__name__="a"}`, ms("2026-11-30T23:00:00Z"), 6},
			},
		},
		"NewestFirstAcrossClockChange": {
			reason: "in a table that runs backwards a local time that is earlier repeats nothing",
			text:   "time,a\n2026-10-25 03:00,4\n2026-10-25 02:30,3\n2026-10-25 02:00,2\n2026-10-25 01:30,1\n",
			spec:   Spec{Location: berlin},
			want: []point{
				{`{__name__="a"}`, ms("2026-10-24T23:30:00Z"), 1},
				{`{__name__="a"}`, ms("2026-10-25T00:00:00Z"), 2},
				{`{__name__="a"}`, ms("2026-10-25T00:30:00Z"), 3},
				{`{__name__="a"}`, ms("2026-10-25T02:00:00Z"), 4},
			},
			notes: []string{"FILE: the newest row comes first; they are read from the last to the first"},
		},
		"Gzipped": {
			reason: "compression is seen in the content",
			text:   zipped(t, "ts,a\n1,1\n"),
			want:   []point{{`{__name__="a"}`, 1000, 1}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Path = write(t, "in.csv", tc.text)
			r := open(t, tc.spec)
			if diff := cmp.Diff(tc.want, all(t, r), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			var notes []string
			for _, note := range r.Info().Notes {
				notes = append(notes, strings.ReplaceAll(note, tc.spec.Path, "FILE"))
			}
			if diff := cmp.Diff(tc.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if got := r.Info(); got.First != tc.want[0].T || got.Last != tc.want[len(tc.want)-1].T || got.Samples != int64(len(tc.want)) {
				t.Errorf("info: first %d, last %d, %d samples", got.First, got.Last, got.Samples)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

func TestCSVErrors(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zone data: ", err)
	}
	tests := map[string]struct {
		reason string
		text   string
		spec   Spec
		want   string
	}{
		"Empty":         {"an empty file", "", Spec{}, "FILE: the file is empty"},
		"HeaderOnly":    {"nothing below the header", "ts,a\n", Spec{}, "FILE: no rows below the header"},
		"NoHeader":      {"data in the first row", "2026-01-05 08:00:00,1\n2026-01-05 08:01:00,1\n", Spec{}, `FILE:1:1: the first row is data ("2026-01-05 08:00:00"); add a header row such as timestamp,value`},
		"Misfit":        {"a word among numbers", "ts,a,b\n1,2,3\n2,3,\"n/b\"\n", Spec{}, `FILE:3:5: "n/b" is not a number in column "b"; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data`},
		"Range":         {"a number beyond float64", "ts,a\n1,1\n2,1e999\n", Spec{}, `FILE:3:3: number "1e999" is out of range in column "a"`},
		"MappedWord":    {"a mapped column must be numbers", "ts,a,b\n1,x,1\n", Spec{Series: map[string]string{"a": "a"}}, `FILE:2:3: "x" is not a number in column "a"; allowed: a number, with thousands or a unit or not, NaN, Inf, or nothing, null or - for a gap; in Grafana, switch off formatted data`},
		"Duplicate":     {"an instant twice", "ts,a\n5,1\n5,2\n", Spec{}, "FILE:3:1: 5 has the same time as line 2; every instant may stand once"},
		"Unsorted":      {"time goes back", "ts,a\n5,1\n7,1\n6,1\n", Spec{}, "FILE:4:1: 6 is earlier than line 3; sort the rows by time"},
		"LongDuplicate": {"a series twice at an instant", "ts,host,a\n5,x,1\n5,y,1\n5,y,1\n", Spec{}, "FILE:4: series a{host=\"y\"} has a second sample at 1970-01-01T00:00:05Z; every instant may stand once; series are told apart by the columns \"host\""},
		"RowTooLong":    {"more cells than columns", "ts,a\n5,1,2\n", Spec{}, "FILE:2:1: the row has 3 cells, but the header has 2 columns"},
		"OpenQuote":     {"a quote that never ends", "ts,a\n5,\"1\n", Spec{}, `FILE:2:6: extraneous or missing " in quoted-field`},
		"NoTime":        {"a row without time", "ts,a\n5,1\n,2\n", Spec{}, `FILE:3:1: no time in column "ts"; every row needs one`},
		"OtherForm":     {"a time of another form", "ts,a\n2026-01-05 08:00:00,1\n5,2\n", Spec{}, `FILE:3:1: "5" in time column "ts": not written as the first row's time`},
		"NotATime":      {"no times at all", "a,b\nx,1\n", Spec{}, `FILE:2:1: "x" in time column "a": not a time; read are RFC 3339 and its relatives, dates with dots, slashes or names, Unix seconds to nanoseconds and more; say how others are written, e.g. --time-layout '%d.%m.%y %H:%M'; columns are "a", "b", name the time column with --time-column if it is another`},
		"AbsentTime":    {"a time column that is not there", "a,b\n1,1\n", Spec{TimeColumn: "when"}, `FILE:1: no column "when"; there are "a", "b"`},
		"AbsentColumn":  {"a mapped column that is not there", "a,b\n1,1\n", Spec{Series: map[string]string{"c": "x"}}, `FILE:1: no column "c"; there are "a", "b"`},
		"NoNumbers":     {"words only", "ts,a\n1,x\n", Spec{}, `FILE: no column with numbers; columns are "ts", "a", times are in "ts"; column "a" begins with "x"`},
		"Collision":     {"two columns become one name", "ts,a b,a_b\n1,1,1\n", Spec{}, `FILE:1: columns "a b" and "a_b" (#2 and #3) both become the series a_b; give one another name with --series 'a_b=NAME{label="value"}'`},
		"SkippedHour":   {"a local time that never was", "time,a\n2026-03-29 02:30:00,1\n", Spec{Location: berlin}, `FILE:2:1: "2026-03-29 02:30:00" in time column "time": no such local time in Europe/Berlin, where clocks were put forward then; give the zone it was taken in (--tz); columns are "time", "a", name the time column with --time-column if it is another`},
		"RepeatedHour":  {"the second pass of an hour is no silent disorder", "time,a\n2026-10-25 02:30:00,1\n2026-10-25 02:45:00,1\n2026-10-25 02:00:00,1\n", Spec{Location: berlin}, "FILE:4:1: 2026-10-25 02:00:00 is not later than line 3: this local time occurs twice in Europe/Berlin and counts as its first occurrence; write times in UTC or with an offset"},
		"BadSeries":     {"a series without a name", "ts,a\n1,1\n", Spec{Series: map[string]string{"a": `{x="y"}`}}, `FILE: series of column "a": "{x=\"y\"}" has no metric name; allowed: name or name{label="value"}`},
		"TruncatedGzip": {"half a compressed file", zipped(t, "ts,a\n1,1\n")[:20], Spec{}, "FILE: the gzip data ends too early (unexpected EOF); the file is truncated, copy it again"},
		"NegativeScale": {"a scale must be positive", "ts,a\n1,1\n", Spec{Scale: -1}, "FILE: scale -1: must be a positive number"},
		"WrongFormat":   {"CSV options on a directory format", "ts,a\n1,1\n", Spec{Format: TSDB}, "FILE: a file, but format tsdb is a directory"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Path = write(t, "in.csv", tc.text)
			if diff := cmp.Diff(tc.want, openError(t, tc.spec)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCSVFeedSelects(t *testing.T) {
	r := open(t, Spec{Path: write(t, "in.csv", "ts,a,b,c\n1,1,2,3\n2,4,5,6\n3,7,8,9\n")})
	feed, err := r.Feed(selector(t, "b", `{__name__=~"c|x"}`), 2000, 2999)
	if err != nil {
		t.Fatal(err)
	}
	want := []point{{`{__name__="b"}`, 2000, 5}, {`{__name__="c"}`, 2000, 6}}
	if diff := cmp.Diff(want, drain(t, feed)); diff != "" {
		t.Errorf("selected series in the range only (-want +got):\n%s", diff)
	}
}

func TestMedianSpacing(t *testing.T) {
	r := open(t, Spec{Path: write(t, "in.csv", "ts,a\n0,1\n3600,1\n7200,1\n86400,1\n")})
	if got := r.Info().MedianSpacing; got != time.Hour {
		t.Errorf("median spacing %v, want 1h", got)
	}
	if got := Lookback(r); got != 90*time.Minute {
		t.Errorf("lookback %v, want 1h30m", got)
	}
}

func TestSpacingsStayBounded(t *testing.T) {
	var s spacings
	for i := range int64(100_000) {
		s.add(i)
	}
	got := s.median().Milliseconds()
	if len(s.counts) > distinctSpacings || got < 49_000 || got > 51_000 {
		t.Errorf("%d counts, median %d", len(s.counts), got)
	}
}

func TestUnreadablePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent.csv")
	if diff := cmp.Diff("FILE: no such file or directory", openError(t, Spec{Path: path})); diff != "" {
		t.Error(diff)
	}
}
