package main

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// TestExport stores samples as a Prometheus server does, stops before any block
// is written, and exports them.
func TestExport(t *testing.T) {
	dir := t.TempDir()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	store(t, db, 1000, map[string]float64{
		`http_requests_total{code="200"}`: 7,
		`http_seconds_bucket{le="+Inf"}`:  3,
		`http_seconds_bucket{le="0.5"}`:   2,
		`http_seconds_count`:              3,
		`http_seconds_sum`:                1.25,
		`kube_pod_created{pod="a"}`:       1,
		`go_threads`:                      9,
	})
	store(t, db, 6042, map[string]float64{
		`http_requests_total{code="200"}`: 1e6,
		`http_seconds_bucket{le="+Inf"}`:  4,
		`http_seconds_bucket{le="0.5"}`:   2,
		`http_seconds_count`:              4,
		`http_seconds_sum`:                3,
		`kube_pod_created{pod="a"}`:       math.Float64frombits(value.StaleNaN),
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	samples, err := read(context.Background(), dir, wanted)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := write(&got, samples); err != nil {
		t.Fatal(err)
	}

	want := `# TYPE http_requests counter
http_requests_total{code="200"} 7 1.000
http_requests_total{code="200"} 1e+06 6.042
# TYPE http_seconds histogram
http_seconds_bucket{le="0.5"} 2 1.000
http_seconds_bucket{le="+Inf"} 3 1.000
http_seconds_count{} 3 1.000
http_seconds_sum{} 1.25 1.000
http_seconds_bucket{le="0.5"} 2 6.042
http_seconds_bucket{le="+Inf"} 4 6.042
http_seconds_count{} 4 6.042
http_seconds_sum{} 3 6.042
# TYPE kube_pod_created gauge
kube_pod_created{pod="a"} 1 1.000
# EOF
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("names not asked for and stale markers are left out (-want +got):\n%s", diff)
	}
}

func store(t *testing.T, db storage.Appendable, at int64, values map[string]float64) {
	t.Helper()
	app := db.Appender(context.Background())
	for series, v := range values {
		if _, err := app.Append(0, parse(t, series), at, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// parse reads name{label="value"} with at most one label.
func parse(t *testing.T, series string) labels.Labels {
	t.Helper()
	name, rest, found := strings.Cut(series, "{")
	if !found {
		return labels.FromStrings("__name__", name)
	}
	label, v, _ := strings.Cut(strings.TrimSuffix(rest, "}"), "=")
	return labels.FromStrings("__name__", name, label, strings.Trim(v, `"`))
}
