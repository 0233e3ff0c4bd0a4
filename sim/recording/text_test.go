package recording

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTextSamples(t *testing.T) {
	tests := map[string]struct {
		reason string
		name   string
		text   string
		want   []point
	}{
		"OpenMetrics": {
			reason: "gauges, counters, exemplars; series in any order of time",
			name:   "in.om",
			text: "# HELP q a queue\n# TYPE q gauge\nq{a=\"1\"} 3 20\nq{a=\"1\"} 2 10\nq{a=\"2\"} NaN 10.5\n" +
				"# TYPE r counter\nr_total 5 10 # {trace=\"x\"} 1\n# EOF\n",
			want: []point{
				{`{__name__="q", a="1"}`, 10_000, 2},
				{`{__name__="r_total"}`, 10_000, 5},
				{`{__name__="q", a="2"}`, 10_500, math.NaN()},
				{`{__name__="q", a="1"}`, 20_000, 3},
			},
		},
		"Histogram": {
			reason: "classic histograms are their series",
			name:   "in.txt",
			text:   "# TYPE h histogram\nh_bucket{le=\"1\"} 1 5\nh_bucket{le=\"+Inf\"} 2 5\nh_sum 3 5\nh_count 2 5\n# EOF\n",
			want: []point{
				{`{__name__="h_bucket", le="+Inf"}`, 5000, 2},
				{`{__name__="h_bucket", le="1.0"}`, 5000, 1},
				{`{__name__="h_count"}`, 5000, 2},
				{`{__name__="h_sum"}`, 5000, 3},
			},
		},
		"Gzipped": {
			reason: "compressed text",
			name:   "in.om.gz",
			text:   zipped(t, "a 1 1\n# EOF\n"),
			want:   []point{{`{__name__="a"}`, 1000, 1}},
		},
		"QueryRange": {
			reason: "an answer of the API",
			name:   "in.json",
			text: `{"status":"success","data":{"resultType":"matrix","result":[
				{"metric":{"__name__":"q","a":"1"},"values":[[1767600000.123,"1"],[1767600015.123,"NaN"]]},
				{"values":[[1767600000,"+Inf"]],"metric":{"__name__":"r"}}]}}`,
			want: []point{
				{`{__name__="r"}`, 1_767_600_000_000, math.Inf(1)},
				{`{__name__="q", a="1"}`, 1_767_600_000_123, 1},
				{`{__name__="q", a="1"}`, 1_767_600_015_123, math.NaN()},
			},
		},
	}
	tests["BareData"] = struct {
		reason string
		name   string
		text   string
		want   []point
	}{"only the data, found by content", "answer", `{"resultType":"matrix","result":[{"metric":{"__name__":"q"},"values":[[10,"5"]]}]}`, []point{{`{__name__="q"}`, 10_000, 5}}}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := open(t, Spec{Path: write(t, tc.name, tc.text)})
			if diff := cmp.Diff(tc.want, all(t, r), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if got := r.Info(); got.First != tc.want[0].T || got.Last != tc.want[len(tc.want)-1].T || got.Samples != int64(len(tc.want)) {
				t.Errorf("info %+v", got)
			}
		})
	}
}

func TestTextErrors(t *testing.T) {
	const header = `{"status":"success","data":{"resultType":"matrix","result":[` + "\n"
	tests := map[string]struct {
		reason, name, text, want string
	}{
		"NoTimestamp":    {"a scrape is no recording", "in.om", "a 1 1\nb{x=\"y\"} 2\n# EOF\n", `FILE:2: b{x="y"} has no timestamp; every sample of a recording needs one, in seconds after its value`},
		"NoEnd":          {"cut off", "in.om", "a 1 1\na 2 2\n", "FILE:2: the text does not end with # EOF; it is truncated, or in Prometheus' older text format, which cannot be told from truncated text"},
		"Syntax":         {"not a value", "in.om", "# TYPE a gauge\na 1 1\na x 2\n# EOF\n", `FILE:3: not OpenMetrics text: strconv.ParseFloat: parsing "x": invalid syntax`},
		"HalfALine":      {"a file cut off in its first line", "in.om", "a 1 17", "FILE:1: the text does not end with # EOF; it is truncated, or in Prometheus' older text format, which cannot be told from truncated text"},
		"BadLine":        {"not a line at all", "in.om", "a 1 1\n\na 2 2\n# EOF\n", `FILE:2: not OpenMetrics text: expected a valid start token, got "\n" ("INVALID")`},
		"Duplicate":      {"an instant twice in a row", "in.om", "a 1 1\nb 1 1\na 2 1\n# EOF\n", `FILE:3: series a has a second sample at 1970-01-01T00:00:01Z; every instant may stand once`},
		"LateDuplicate":  {"an instant again, later in the file", "in.om", "a 1 1\na 1 2\na 2 1\n# EOF\n", `FILE:3: series a has a second sample at 1970-01-01T00:00:01Z; every instant may stand once`},
		"NoSamples":      {"nothing in it", "in.om", "# EOF\n", "FILE: no samples"},
		"Empty":          {"an empty file", "in.om", "", "FILE: the file is empty"},
		"EmptyGzip":      {"an empty file, compressed", "in.om.gz", zipped(t, ""), "FILE: the file is empty"},
		"TruncatedGzip":  {"half a compressed file", "in.om.gz", zipped(t, "a 1 1\n# EOF\n")[:15], "FILE: the gzip data ends too early (unexpected EOF); the file is truncated, copy it again"},
		"EmptyJSON":      {"an empty file", "in.json", "", "FILE: the file is empty"},
		"OneInstant":     {"an instant query", "in.json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"q"},"value":[10,"5"]}]}}`, "FILE: one instant, the answer of /api/v1/query; save the answer of /api/v1/query_range"},
		"ErrorAnswer":    {"the server refused", "in.json", `{"status":"error","errorType":"bad_data","error":"parse error"}`, "FILE: the answer is an error, bad_data: parse error; save a successful query_range"},
		"Scalar":         {"no series in it", "in.json", `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`, "FILE:1:61: a scalar or string has no series; save a query of series"},
		"SeriesAPI":      {"another endpoint", "in.json", `{"status":"success","data":[{"__name__":"up"}]}`, "FILE:1:28: data is not that of a query; save the answer of /api/v1/query_range"},
		"EmptyResult":    {"nothing matched", "in.json", header + `]}}`, "FILE: the result is empty"},
		"NoResult":       {"some other JSON", "in.json", `{"a":1}`, "FILE: no result in it; save the answer of /api/v1/query_range"},
		"TruncatedJSON":  {"cut off", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1,"1"],`, "FILE:2:46: the JSON ends too early; the file is truncated, save it again"},
		"JSONSyntax":     {"a slip", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1 "1"]]}]}}`, "FILE:2:40: not JSON of a query's answer: invalid character '\"' after array element"},
		"BadNumber":      {"a value that is none", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1,"x"]]}]}}`, `FILE:2:43: "x" is not a number`},
		"Unquoted":       {"a value without quotes", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1,2]]}]}}`, "FILE:2:41: expected a string"},
		"DuplicateJSON":  {"an instant twice", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1,"1"],[1,"1"]]}]}}`, `FILE:2:46: series q has a second sample at 1970-01-01T00:00:01Z; every instant may stand once`},
		"NoLabels":       {"nothing to select it by", "in.json", header + `{"metric":{},"values":[[1,"1"]]}]}}`, "FILE:2:1: a series without labels, which no selector finds; save the query's selectors rather than its result"},
		"Histograms":     {"histograms are not complete there", "in.json", header + `{"metric":{"__name__":"q"},"histograms":[]}]}}`, "FILE:2:39: an answer of the API does not hold native histograms completely; use a TSDB snapshot or karpenter record"},
		"Trailing":       {"two answers in a file", "in.json", header + `{"metric":{"__name__":"q"},"values":[[1,"1"]]}]}}` + "\n{}", "FILE:3:1: there is more text after the answer's end"},
		"UnknownContent": {"no format to be seen", "notes", "hello\n", "FILE: cannot tell its format from name or content; name it .csv, .om, .om.gz or .json, or give the format"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, openError(t, Spec{Path: write(t, tc.name, tc.text)})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// TestWarnings keeps what a server says about its own answer.
func TestWarnings(t *testing.T) {
	path := write(t, "in.json", `{"status":"success","data":{"result":[{"metric":{"__name__":"q"},"values":[[1,"1"]]}]},"warnings":["2 of 3 stores did not answer"],"infos":["x"]}`)
	want := []string{path + `: the server warned of its answer, so data may be missing: "2 of 3 stores did not answer"`}
	if diff := cmp.Diff(want, open(t, Spec{Path: path}).Info().Notes); diff != "" {
		t.Error(diff)
	}
}
