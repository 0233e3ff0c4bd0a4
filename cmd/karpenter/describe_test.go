package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecordings shows a table with a column of each fate: times, a text that tells
// series apart, one that does not, further times, nothing, and numbers with units.
func TestRecordings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "export.csv")
	write(t, path, `time,service,team,seen_at,empty,latency,errors
2026-01-05 10:00:00,web,shop,2026-01-05 09:59:00,,350 ms,1
2026-01-05 10:01:00,web,shop,2026-01-05 09:59:00,,400 ms,2
2026-01-05 10:02:00,web,shop,2026-01-05 09:59:00,,1 s,4
2026-01-05 10:10:00,web,shop,2026-01-05 09:59:00,,450 ms,
2026-01-05 10:11:00,web,shop,2026-01-05 09:59:00,,450 ms,NaN
2026-01-05 10:00:00,api,shop,2026-01-05 09:59:00,,50 ms,
`)
	got := call(t, "", "recordings", path, "--tz", "Europe/Berlin")
	got.want(t, exitOK, "")
	want := path + `: csv, 3 series, 10 samples, 2026-01-05T10:00:00+01:00 to 2026-01-05T10:11:00+01:00

COLUMN   BECAME   DETAIL                      UNIT
time     time     -                           -
service  label    service                     -
team     ignored  the same text in every row  -
seen_at  ignored  further times               -
empty    ignored  no value in any row         -
latency  series   latency                     seconds
errors   series   errors                      -

SERIES                  SAMPLES  SPACING  GAPS         FIRST                      LAST                       UNIT     VALUES
errors{service="web"}   4        1m       1, up to 9m  2026-01-05T10:00:00+01:00  2026-01-05T10:11:00+01:00  -        1 to 4
latency{service="api"}  1        -        none         2026-01-05T10:00:00+01:00  2026-01-05T10:00:00+01:00  seconds  0.05 to 0.05
latency{service="web"}  5        1m       1, up to 8m  2026-01-05T10:00:00+01:00  2026-01-05T10:11:00+01:00  seconds  0.35 to 1
`
	if got.stdout != want {
		t.Errorf("stdout:\n%s\nwant\n%s", got.stdout, want)
	}
	var views []recordingView
	if got = call(t, "", "recordings", path, path, "-o", "json"); json.Unmarshal([]byte(got.stdout), &views) != nil || len(views) != 2 {
		t.Fatalf("-o json:\n%s%s", got.stdout, got.stderr)
	}
	if s := views[1].Series[2]; s.Series != `latency{service="web"}` || s.Gaps != 1 || s.LongestGap != 480 || s.Spacing != 60 || *s.Max != 1 || s.First != "2026-01-05T10:00:00Z" {
		t.Errorf("-o json: %+v", s)
	}
}

// TestRecordingsOfOtherFormats has units by name, a single sample, and a stale marker,
// which is no sample.
func TestRecordingsOfOtherFormats(t *testing.T) {
	om := filepath.Join(t.TempDir(), "scrape.om")
	write(t, om, "# TYPE queue_wait_seconds gauge\nqueue_wait_seconds 2 1767607200\nqueue_wait_seconds NaN 1767607230\nqueue_wait_seconds +Inf 1767607260\n# EOF\n")
	got := call(t, "", "recordings", om)
	got.want(t, exitOK, "")
	if !strings.Contains(got.stdout, "queue_wait_seconds  3        30s      none  2026-01-05T10:00:00Z  2026-01-05T10:01:00Z  seconds  2 to 2\n") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
	tests := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"Nothing": {"no file", nil, "nothing given: want a recording"},
		"NoFile":  {"a file that is not there", []string{"no.csv"}, "no.csv: no such file"},
		"Format":  {"an unknown format", []string{om, "-o", "xml"}, "-o xml: want table, json or yaml"},
		"Column":  {"a column of nothing", []string{om, "--series", "x=y"}, "x: no recording has this column"},
		"Label":   {"a label without a value", []string{om, "--label", "cluster"}, "--label"},
		"NoLabel": {"a label that no recording has", []string{om, "--label", "shard=1", "--label", "cluster=eu"}, "--label cluster=eu: no recorded series has a label cluster"},
		"Zone":    {"an unknown zone", []string{om, "--tz", "Atlantis"}, "Atlantis"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			call(t, "", append([]string{"recordings"}, tc.args...)...).refused(t, tc.want)
		})
	}
	if _, err := os.Stat("converted"); err == nil {
		t.Error("something was written beside the data")
	}
}

// TestRecordingsOfALabel lists the series with a label, of the recordings that have it.
func TestRecordingsOfALabel(t *testing.T) {
	dir := t.TempDir()
	clusters, plain := filepath.Join(dir, "clusters.om"), filepath.Join(dir, "plain.om")
	write(t, clusters, "# TYPE jobs gauge\njobs{cluster=\"eu\"} 2 1767607200\njobs{cluster=\"us\"} 3 1767607200\n# EOF\n")
	write(t, plain, "# TYPE orders gauge\norders 4 1767607200\n# EOF\n")
	got := call(t, "", "recordings", clusters, plain, "--label", "cluster=eu")
	got.want(t, exitOK, "")
	for text, want := range map[string]bool{`jobs{cluster="eu"}`: true, `jobs{cluster="us"}`: false, "orders": true} {
		if strings.Contains(got.stdout, text) != want {
			t.Errorf("%s listed: %t, want %t:\n%s", text, !want, want, got.stdout)
		}
	}
}
