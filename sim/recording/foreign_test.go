package recording

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestExports has what other programs than Prometheus' query API write as JSON.
func TestExports(t *testing.T) {
	first, second := ms("2026-01-05T10:00:00Z"), ms("2026-01-05T10:01:00Z")
	tests := map[string]struct {
		reason, name, text string
		want               []point
		notes              []string
	}{
		"VictoriaMetrics": {
			reason: "a line a series, times in milliseconds; null is NaN, and ends a series",
			name:   "export.jsonl",
			text:   `{"metric":{"__name__":"up","job":"a"},"values":[1,null],"timestamps":[1767607200000,1767607260000]}` + "\n" + `{"metric":{"__name__":"up","job":"b"},"values":["Infinity",2],"timestamps":[1767607200000,1767607260000]}` + "\n",
			want:   []point{{`{__name__="up", job="a"}`, first, 1}, {`{__name__="up", job="b"}`, first, math.Inf(1)}, {`{__name__="up", job="a"}`, second, math.NaN()}, {`{__name__="up", job="b"}`, second, 2}},
		},
		"VictoriaMetricsInParts": {
			reason: "max_rows_per_line cuts a series into lines",
			name:   "export.json",
			text:   `{"metric":{"__name__":"up"},"values":[1],"timestamps":[1767607200000]}` + "\n" + `{"metric":{"__name__":"up"},"values":[2],"timestamps":[1767607260000]}`,
			want:   []point{{`{__name__="up"}`, first, 1}, {`{__name__="up"}`, second, 2}},
		},
		"Promtool": {
			reason: "promtool query range -o json writes the list alone",
			name:   "range",
			text:   `[{"metric":{"__name__":"up"},"values":[[1767607200,"1"],[1767607260,"0"]]}]`,
			want:   []point{{`{__name__="up"}`, first, 1}, {`{__name__="up"}`, second, 0}},
		},
		"Partial": {
			reason: "a cluster of VictoriaMetrics of which some nodes were silent",
			name:   "range.json",
			text:   `{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1767607200,"1"]]}]},"stats":{"seriesFetched":"1"}}`,
			want:   []point{{`{__name__="up"}`, first, 1}},
			notes:  []string{"FILE: the server warned of its answer, so data may be missing: isPartial: some storage nodes did not answer"},
		},
		"Whole": {
			reason: "and one of which all answered",
			name:   "range.json",
			text:   `{"status":"success","isPartial":false,"data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1767607200,"1"]]}]}}`,
			want:   []point{{`{__name__="up"}`, first, 1}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, tc.name, tc.text)
			r := open(t, Spec{Path: path})
			got := all(t, r)
			slices.SortStableFunc(got, func(a, b point) int { return int(a.T - b.T) })
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			var notes []string
			for _, note := range r.Info().Notes {
				notes = append(notes, strings.ReplaceAll(note, path, "FILE"))
			}
			if diff := cmp.Diff(tc.notes, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestForeignFiles has what people bring besides; the message has the way out.
func TestForeignFiles(t *testing.T) {
	tests := map[string]struct{ reason, name, text, want string }{
		"GetMetricData":       {"aws cloudwatch", "a.json", `{"MetricDataResults":[{"Id":"m1","Label":"cpu","Timestamps":["2026-01-05T10:00:00+00:00"],"Values":[1.5]}]}`, "FILE: an answer of aws cloudwatch get-metric-data; make a CSV of it: jq -r"},
		"GetMetricStatistics": {"aws cloudwatch", "a.json", `{"Label":"cpu","Datapoints":[{"Timestamp":"2026-01-05T10:00:00Z","Average":1.5}]}`, "FILE: an answer of aws cloudwatch get-metric-statistics; make a CSV of it: jq -r"},
		"Azure":               {"az monitor metrics list", "a.json", `{"cost":1,"value":[{"name":{"value":"cpu"},"timeseries":[{"data":[{"timeStamp":"2026-01-05T10:00:00Z","average":1}]}]}]}`, "FILE: an answer of az monitor metrics list; make a CSV of it: jq -r"},
		"Google":              {"Cloud Monitoring", "a.json", `{"timeSeries":[{"metric":{"type":"a"},"points":[]}]}`, "FILE: an answer of Google Cloud Monitoring; make a CSV of it: jq -r"},
		"Datadog":             {"its API", "a.json", `{"status":"ok","series":[{"metric":"a","scope":"host:b","pointlist":[[1767607200000,1.5]]}]}`, "FILE: an answer of Datadog's API; make a CSV of it: jq -r"},
		"Grafana":             {"its own API", "a.json", `{"results":{"A":{"frames":[]}}}`, "FILE: an answer of Grafana's own API; take the CSV of the panel's inspector"},
		"Graphite":            {"format=json", "a.json", `[{"target":"x","datapoints":[[1.5,1767607200]]}]`, "FILE: an answer of Graphite; ask for format=csv"},
		"Uneven":              {"an export that was cut", "a.jsonl", `{"metric":{"__name__":"up"},"values":[1,2],"timestamps":[1767607200000]}`, "FILE:1:72: 2 values and 1 timestamps"},
		"Seconds":             {"timestamps of another unit", "a.jsonl", `{"metric":{"__name__":"up"},"values":[1],"timestamps":[1767607200]}`, "FILE:1:65: 1767607200: a timestamp of an export is in milliseconds, from 2000 on"},
		"Workbook":            {"not saved as CSV", "a.xlsx", "PK\x03\x04rest", "FILE: a workbook or a ZIP archive; save the sheet as CSV"},
		"WorkbookNamedCSV":    {"renamed instead", "a.csv", "PK\x03\x04rest", "FILE: a workbook or a ZIP archive; save the sheet as CSV"},
		"Login":               {"curl got a web page", "a.json", "\n<!DOCTYPE html><html>", "FILE: a web page, e.g. of a login, and no data"},
		"Parquet":             {"of a data lake", "a.parquet", "PAR1\x15", "FILE: a Parquet file; make a CSV of it"},
		"Dump":                {"promtool tsdb dump", "dump.txt", `{__name__="up", job="a"} 1 1767607200000`, "FILE: what promtool tsdb dump writes; use promtool tsdb dump-openmetrics"},
		"QueryRange":          {"promtool query range", "range.txt", "up{job=\"a\"} =>\n1 @[1767607200]\n", "FILE: what promtool query range writes; use promtool query range -o json"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := openError(t, Spec{Path: write(t, tc.name, tc.text)})
			if !strings.HasPrefix(got, tc.want) {
				t.Errorf("%s: %s\nwant %s", tc.reason, got, tc.want)
			}
		})
	}
}
