package recording

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/karpenter-sim/karpenter/engine/limit"
)

func TestBoundsOfText(t *testing.T) {
	long := strings.Repeat("x", limit.Line+10)
	labels := strings.Repeat("y", limit.LabelBytes)
	tests := map[string]struct {
		reason, file, text, want string
	}{
		"OpenMetricsLine":   {"a line must not fill the memory", "in.om", "a 1 1\na{b=\"" + long + "\"} 1 1\n# EOF\n", "FILE:2:1: a line longer than 1 MiB"},
		"OpenMetricsZeros":  {"what has no lines at all", "in.om", strings.Repeat("\x00", limit.Line+10), "FILE:1:1: a line longer than 1 MiB"},
		"OpenMetricsLabels": {"no database takes such labels", "in.om", "# TYPE a gauge\na{b=\"" + labels + "\"} 1 1\n# EOF\n", "FILE:2: the labels of a{b=\"" + labels[:195] + "... take 65553 bytes; a series may have 65536"},
		"JSONString":        {"a decoder keeps a whole string in memory", "in.json", `{"status":"` + long + `"}`, "FILE:1:11: not JSON of a query's answer: a string or number is longer than 1 MiB"},
		"JSONNumber":        {"or a whole number", "in.json", `{"status":` + strings.Repeat("1", limit.Line+10) + `}`, "FILE:1:11: not JSON of a query's answer: a string or number is longer than 1 MiB"},
		"JSONEscapes":       {"escaped quotation marks are no ends", "in.json", `{"status":"` + strings.Repeat(`\"`, limit.Line) + `"}`, "FILE:1:11: not JSON of a query's answer: a string or number is longer than 1 MiB"},
		"JSONLabels":        {"labels as a whole", "in.json", `{"data":{"result":[{"metric":{"a":"` + labels + `"}}]}}`, "FILE:1:65572: the labels of a series take more than 65536 bytes"},
		"OpenMetricsMillis": {"milliseconds are told by the year they would be", "in.om", "# TYPE orders gauge\norders 20 1767607200000\n# EOF\n", "FILE:2: the time of orders lies beyond the year 2200: a time in milliseconds, but OpenMetrics has seconds; divide the times, or save a CSV, whose times may be in milliseconds"},
		"JSONMicros":        {"so are microseconds", "in.json", `{"data":{"result":[{"metric":{"a":"b"},"values":[[1767607200000000,"1"]]}]}}`, "FILE:1:66: 1767607200000000 lies beyond the year 2200: a time in microseconds, but answers of the query API have seconds; divide the times"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, openError(t, Spec{Path: write(t, tc.file, tc.text)})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestBoundsOfFiles(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no pipes here: ", err)
	}
	if diff := cmp.Diff("FILE: a pipe, but a recording is read more than once; save it to a file first", openError(t, Spec{Path: pipe})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("FILE: not a regular file; give a file or a directory", openError(t, Spec{Path: "/dev/zero"})); diff != "" {
		t.Error(diff)
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBoundsOfUnpacking(t *testing.T) {
	n, err := io.Copy(io.Discard, newUnpacked(zeros{}, 1<<10))
	want := "the gzip data unpacks to more than 256 MiB, the limit for a file of 1 KiB (256 MiB, or 200 times its size); unpack it yourself, or make a TSDB block of it"
	if err == nil || err.Error() != want || n > limit.Unpacked {
		t.Errorf("%d bytes, then %v\nwant %s", n, err, want)
	}
	if got := newUnpacked(zeros{}, 10<<20).left; got != 2000<<20 {
		t.Errorf("a large file may unpack in proportion: %d bytes", got)
	}
}

// many is a source whose series have long labels, as many as a span has seconds.
type many struct{ reads *[]span }

func (many) Address() string    { return "http://many" }
func (many) StaleMarkers() bool { return true }

func (m many) Read(_ context.Context, _ []*labels.Matcher, from, to int64, visit func(storage.Series) error) error {
	*m.reads = append(*m.reads, span{from, to})
	for at := (from + 999) / 1000 * 1000; at <= to; at += 1000 {
		l := labels.FromStrings("__name__", "x", "a", fmt.Sprintf("%060000d", at))
		if err := visit(storage.NewListSeries(l, []chunks.Sample{builtSample{t: at, f: 1}})); err != nil {
			return err
		}
	}
	return nil
}

func TestBoundsOfRecording(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a hundred megabytes")
	}
	var reads []span
	plan := Plan{From: 3_600_000, To: 4_800_000, Lookback: 1, Selectors: []Selector{{Matchers: selector(t, "x")[0]}}}
	dir := filepath.Join(t.TempDir(), "out")
	if err := Record(context.Background(), many{&reads}, plan, dir, nil); err != nil {
		t.Fatal(err)
	}
	if len(reads) != 3 || reads[1].to+1 != reads[2].from {
		t.Errorf("what takes too much memory is read in halves: %v", reads)
	}
	r := open(t, Spec{Path: dir})
	if got := r.Info().Samples; got != 1201 {
		t.Errorf("%d samples in all, want 1201", got)
	}
}

func TestBoundsOfConversion(t *testing.T) {
	b := newBuilder()
	s := b.series(labels.FromStrings("a", "b"))
	b.memory = limit.Converted + 1
	var tooMuch *tooMuch
	if err := b.add(s, builtSample{t: 1}); !errors.As(err, &tooMuch) {
		t.Errorf("got %v", err)
	}
	// What the builder reckons must follow what it gets.
	before := b.memory
	b.memory = 0
	for i := range int64(10 * chunkSamples) {
		if err := b.add(s, builtSample{t: i, f: float64(i * i % 977)}); err != nil {
			t.Fatal(err)
		}
	}
	if b.memory < 10*chunkSamples || b.memory > before {
		t.Errorf("1,200 samples are reckoned as %d bytes", b.memory)
	}
}

func TestBoundsOfAnswers(t *testing.T) {
	asked := 0
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	q, err := NewQueryAPI(endless.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(storage.Series) error { return nil }
	err = q.Read(context.Background(), selector(t, "x")[0], 0, 2*shortestRead-1, nothing)
	if err == nil || !strings.HasSuffix(err.Error(), "the answer is longer than 64 MiB") {
		t.Errorf("got %v", err)
	}
	if asked != 2 {
		t.Errorf("a long answer is asked for in halves first; asked %d times", asked)
	}
}

func TestSeriesOfARun(t *testing.T) {
	b := &blocks{path: "week"}
	if err := b.readable(limit.Series); err != nil {
		t.Error(err)
	}
	want := "week: the queries read 150001 series of it; at most 150000 are read: select fewer, in the queries or by --label"
	if err := b.readable(limit.Series + 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
