package recording

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/util/teststorage"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

const minute = int64(60_000)

// live are the samples of the Prometheus in these tests: six hours of requests
// that end with a stale marker, and a queue for the last hours.
func live() []given {
	samples := regular(`requests{pod="a"}`, 0, minute, 300)
	samples = append(samples, given{series: `requests{pod="a"}`, t: 300 * minute, f: math.Float64frombits(value.StaleNaN)})
	samples = append(samples, regular(`requests{pod="b"}`, 0, minute, 360)...)
	return append(samples, regular(`queue`, 200*minute, minute, 160)...)
}

// remoteServer serves streamed remote read from Prometheus' own storage.
func remoteServer(t *testing.T, samples []given) *httptest.Server {
	t.Helper()
	store := teststorage.New(t)
	app := store.Appender(context.Background())
	for _, g := range samples {
		l, err := parseSeries(g.series)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := app.Append(0, l, g.t, g.f); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	read := remote.NewReadHandler(promslog.NewNopLogger(), nil, store, func() config.Config { return config.Config{} }, 5e7, 10, 1024)
	mux := http.NewServeMux()
	mux.Handle("/prom/api/v1/read", read)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// queryServer serves the query API only.
func queryServer(t *testing.T, samples []given) *httptest.Server {
	t.Helper()
	r := open(t, Spec{Path: writeBlock(t, t.TempDir(), samples...)})
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	p := fake.NewPrometheus(fake.Options{Keep: 24 * time.Hour})
	p.Attach(feed)
	if err := p.Advance(360 * minute); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	handler := fake.Handler(p)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/read") {
			http.NotFound(w, req)
			return
		}
		handler.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	return server
}

func planFor(t *testing.T, query string, from, to int64) Plan {
	t.Helper()
	selectors, err := Selectors(query)
	if err != nil {
		t.Fatal(err)
	}
	return Plan{Selectors: selectors, Queries: []string{query}, From: from, To: to, Chunk: time.Hour}
}

// points are the given samples in [from, to] as a recording streams them.
func points(t *testing.T, samples []given, from, to int64) []point {
	t.Helper()
	var want []point
	for _, g := range samples {
		l, err := parseSeries(g.series)
		if err != nil {
			t.Fatal(err)
		}
		if from <= g.t && g.t <= to {
			want = append(want, point{l.String(), g.t, g.f})
		}
	}
	slices.SortFunc(want, func(a, b point) int {
		if a.T != b.T {
			return int(a.T - b.T)
		}
		return strings.Compare(a.Series, b.Series)
	})
	return want
}

func TestRecord(t *testing.T) {
	tests := map[string]struct {
		reason string
		server func(*testing.T, []given) *httptest.Server
		path   string
		stale  bool
		want   []given
	}{
		"RemoteRead": {"streamed chunks, with stale markers", remoteServer, "/prom/", true, live()},
		"QueryAPI":   {"range selectors, without: the marker is inferred", queryServer, "", false, live()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			server := tc.server(t, live())
			source, err := Probe(ctx, strings.Replace(server.URL, "://", "://user:secret@", 1)+tc.path, server.Client(), 100*minute)
			if err != nil {
				t.Fatal(err)
			}
			if source.StaleMarkers() != tc.stale || strings.Contains(source.Address(), "secret") {
				t.Fatalf("%s: stale markers %v, address %s", tc.reason, source.StaleMarkers(), source.Address())
			}
			plan := planFor(t, `rate(requests[10m]) / on() queue + requests{pod="a"}`, 100*minute, 310*minute)
			dir := filepath.Join(t.TempDir(), "out")
			var last Progress
			if err := Record(ctx, source, plan, dir+"/", func(p Progress) { last = p }); err != nil {
				t.Fatal(err)
			}
			r := open(t, Spec{Path: dir})
			// Ten minutes of range and five of lookback come before.
			want := points(t, tc.want, 85*minute, 310*minute)
			if diff := cmp.Diff(want, all(t, r), cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			m := r.Info().Manifest
			if m == nil || m.StaleMarkers != tc.stale || m.Inferred > 0 == tc.stale || strings.Contains(m.Source, "secret") || m.From != 85*minute || len(m.Selectors) != 3 {
				t.Fatalf("manifest %+v", m)
			}
			if last.Done != last.Chunks || last.Samples+m.Inferred != int64(len(want)) || last.Series != 3 || last.Bytes == 0 {
				t.Errorf("progress %+v", last)
			}
			if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v %v", entries, err)
			}
			if err := Record(ctx, source, plan, dir, nil); err == nil || !strings.Contains(err.Error(), "holds a recording already") {
				t.Errorf("an existing directory: %v", err)
			}
		})
	}
}

// flaky fails when its patience is used up.
type flaky struct {
	Source
	patience int
	reads    []int64
}

func (f *flaky) Read(ctx context.Context, m []*labels.Matcher, from, to int64, visit func(storage.Series) error) error {
	if f.patience == 0 {
		return errors.New("connection lost")
	}
	f.patience--
	f.reads = append(f.reads, from/minute)
	return f.Source.Read(ctx, m, from, to, visit)
}

func TestRecordResumes(t *testing.T) {
	server := remoteServer(t, live())
	source, err := NewRemoteRead(server.URL+"/prom", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	plan := planFor(t, "queue", 0, 359*minute)
	dir := filepath.Join(t.TempDir(), "out")
	first := &flaky{Source: source, patience: 5}
	if err := Record(context.Background(), first, plan, dir, nil); err == nil || err.Error() != "connection lost" {
		t.Fatalf("error %v", err)
	}
	if _, err := Open(context.Background(), Spec{Path: dir}, nil); err == nil || !Begun(dir) {
		t.Fatalf("half a recording stands in its place, or nothing to go on with: %v, %t", err, Begun(dir))
	}
	other := plan
	other.To++
	if err := Record(context.Background(), source, other, dir, nil); err == nil || !strings.Contains(err.Error(), "left by another recording") {
		t.Errorf("another plan: %v", err)
	}
	second := &flaky{Source: source, patience: 100}
	if err := Record(context.Background(), second, plan, dir, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{-5, 0, 60, 120, 180}, first.reads); diff != "" {
		t.Errorf("first run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{240, 300}, second.reads); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
	if got := len(all(t, open(t, Spec{Path: dir}))); got != 160 {
		t.Errorf("%d samples, want 160", got)
	}
}

func TestRecordErrors(t *testing.T) {
	server := remoteServer(t, live())
	source, err := NewRemoteRead(server.URL+"/prom", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	err = Record(context.Background(), source, planFor(t, "absent_metric", 0, 100*minute), dir, nil)
	if err == nil || !strings.Contains(err.Error(), "no samples of") {
		t.Errorf("nothing matched: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("an empty recording was left behind")
	}
	if err := Record(context.Background(), source, planFor(t, "queue", 10, 5), dir, nil); err == nil || !strings.Contains(err.Error(), "the end is before the start") {
		t.Errorf("backwards: %v", err)
	}
	if _, err := Probe(context.Background(), "prometheus:9090", nil, 0); err == nil || !strings.Contains(err.Error(), "must be a URL") {
		t.Errorf("no URL: %v", err)
	}
	server.Close()
	if _, err := Probe(context.Background(), server.URL, nil, 0); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("unreachable: %v", err)
	}
}

func TestQueryAPIHalvesWhatIsTooLarge(t *testing.T) {
	r := open(t, Spec{Path: writeBlock(t, t.TempDir(), live()...)})
	feed, err := r.Feed(nil, math.MinInt64, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	p := fake.NewPrometheus(fake.Options{Keep: 24 * time.Hour, MaxSamples: 60})
	p.Attach(feed)
	if err := p.Advance(360 * minute); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	server := httptest.NewServer(fake.Handler(p))
	defer server.Close()
	source, err := NewQueryAPI(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	b := newBuilder()
	s, err := ParseSelector("queue")
	if err != nil {
		t.Fatal(err)
	}
	if err := collect(context.Background(), source, []Selector{s}, span{0, 360 * minute}, b); err != nil {
		t.Fatal(err)
	}
	if b.samples != 160 {
		t.Errorf("%d samples, want 160", b.samples)
	}
}

func TestEstimatePlan(t *testing.T) {
	server := remoteServer(t, live())
	source, err := NewRemoteRead(server.URL+"/prom", server.Client())
	if err != nil {
		t.Fatal(err)
	}
	got, err := EstimatePlan(context.Background(), source, planFor(t, `{__name__=~"requests|queue"}`, 5*minute, 299*minute))
	if err != nil {
		t.Fatal(err)
	}
	// 2 series in the first five minutes, 2 in the middle, 3 at the end.
	want := Estimate{From: 0, To: 299 * minute, Series: 3, Samples: 690, Bytes: 690*sampleBytes + 3*seriesBytes, StaleMarkers: true}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Estimate{}, "Samples", "Bytes")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Samples < 600 || got.Samples > 800 {
		t.Errorf("%d samples, want about %d", got.Samples, want.Samples)
	}
}

func TestRecordEvaluated(t *testing.T) {
	server := queryServer(t, live())
	source, err := NewQueryAPI(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new", "out")
	queries := []EvaluatedQuery{
		{Query: "sum(requests)", Start: 0, Step: 10_000, Count: 2160},
		{Query: "queue/0", Start: 0, Step: minute, Count: 361},
		{Query: "requests @ end()", Start: 0, Step: 100 * minute, Count: 3},
	}
	if err := RecordEvaluated(context.Background(), source, queries, dir+"/", nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, evaluatedFile))
	if err != nil || info.Size() > 4096 {
		t.Errorf("%d bytes, %v; small enough for git", info.Size(), err)
	}
	r := open(t, Spec{Path: dir, ShiftTo: ptr(time.UnixMilli(7 * minute))})
	type result struct {
		Samples int
		Value   float64
	}
	tests := map[string]struct {
		reason string
		query  string
		at     int64
		want   result
	}{
		"Sum":      {"a sum of two", "sum (requests)", 200 * minute, result{1, 400}},
		"Between":  {"unchanged since the sample", "sum(requests)", 200*minute + 50_000, result{1, 400}},
		"OneLeft":  {"after the stale marker", "sum(requests)", 301 * minute, result{1, 301}},
		"None":     {"before the first sample", "queue / 0", 100 * minute, result{0, 0}},
		"NaN":      {"zero by zero", "queue / 0", 200 * minute, result{1, math.NaN()}},
		"Infinite": {"one by zero", "queue / 0", 201 * minute, result{1, math.Inf(1)}},
		"Many":     {"two series", "requests @ end()", 200 * minute, result{2, 0}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := r.Evaluated(tc.query)
			if err != nil {
				t.Fatal(err)
			}
			var got result
			if got.Samples, got.Value, err = e.At(tc.at + 7*minute); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
	if _, err := r.Evaluated("sum(requests) + 1"); err == nil || !strings.Contains(err.Error(), "a changed query needs a new recording") {
		t.Errorf("changed query: %v", err)
	}
	e, err := r.Evaluated("sum(requests)")
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{7*minute - 10_000, 7*minute + 5_000, 7*minute + 2160*10_000} {
		if _, _, err := e.At(at); err == nil || !strings.Contains(err.Error(), "was not evaluated at") {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestManifestErrors(t *testing.T) {
	tests := map[string]struct{ reason, text, want string }{
		"Version": {"from a later program", `{"version": 2}`, "recording.json: version 2; this program reads version 1"},
		"Syntax":  {"a slip", "{\n  \"version\" 1}", "recording.json:2:13: invalid character '1' after object key"},
		"Empty":   {"nothing", "", "recording.json: the file is empty"},
		"NoBlock": {"a manifest alone", `{"version": 1}`, "no blocks in this directory; a block has a meta.json, a snapshot has blocks"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, manifestFile, tc.text)
			if got := openError(t, Spec{Path: filepath.Dir(path)}); !strings.HasSuffix(got, tc.want) {
				t.Errorf("%s: %s\nwant: %s", tc.reason, got, tc.want)
			}
		})
	}
}
