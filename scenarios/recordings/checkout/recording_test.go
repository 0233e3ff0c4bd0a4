package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// maxBytes is how large the recording may be in git.
const maxBytes = 2 << 20

// TestRecording reads the recording with Prometheus's own parser: every sample
// has a time, every series goes forward, and what ../README.md lists is there.
func TestRecording(t *testing.T) {
	packed, err := os.ReadFile("../checkout.om.gz")
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > maxBytes {
		t.Errorf("%d bytes, want at most %d", len(packed), maxBytes)
	}

	last, names := parseAll(t, unpack(t, packed))
	want := map[string]bool{
		"http_requests_total": true, "http_requests_in_flight": true, "http_queue_depth": true,
		"http_request_duration_seconds_bucket": true, "http_request_duration_seconds_count": true, "http_request_duration_seconds_sum": true,
		"kube_deployment_spec_replicas": true, "kube_deployment_status_replicas": true, "kube_deployment_status_replicas_ready": true,
		"kube_pod_created": true, "kube_pod_status_ready_time": true,
		"process_cpu_seconds_total": true, "process_resident_memory_bytes": true, "up": true,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	t.Logf("%d series", len(last))
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// parseAll returns the last time of each series and the names of all.
func parseAll(t *testing.T, text []byte) (map[string]int64, map[string]bool) {
	t.Helper()
	last, names := map[string]int64{}, map[string]bool{}
	parser := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return last, names
		}
		if err != nil {
			t.Fatal(err)
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, at, _ := parser.Series()
		var series labels.Labels
		parser.Labels(&series)
		key := series.String()
		if at == nil || *at <= last[key] {
			t.Fatalf("%s: sample at %v after %d", key, at, last[key])
		}
		last[key] = *at
		names[series.Get(model.MetricNameLabel)] = true
	}
}
