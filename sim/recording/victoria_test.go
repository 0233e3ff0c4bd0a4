package recording_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// imported is what VictoriaMetrics 1.131.0 was given, as its /api/v1/import takes it,
// and what its /api/v1/export wrote of it; first and second are its answers to queries of
// the raw samples, and tooMany that where a query would read more than it allows.
const (
	imported = `{"metric":{"__name__":"http_requests_total","pod":"a"},"values":[75,151.99963,230.996667],"timestamps":[1767607200137,1767607215137,1767607230137]}
{"metric":{"__name__":"http_requests_total","pod":"b"},"values":[1e6,0.1,"Infinity",-5],"timestamps":[1767607200000,1767607215000,1767607330000,1767607345000]}
`
	first   = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"http_requests_total","pod":"a"},"values":[[1767607200.137,"75"],[1767607215.137,"151.99963"],[1767607230.137,"230.996667"]]},{"metric":{"__name__":"http_requests_total","pod":"b"},"values":[[1767607200,"1000000"],[1767607215,"0.1"]]}]}}`
	second  = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"http_requests_total","pod":"b"},"values":[[1767607330,"+Inf"],[1767607345,"-5"]]}]}}`
	tooMany = `{"status":"error","errorType":"422","error":"error when executing query: cannot select more than -search.maxSamplesPerQuery=3 samples"}`
)

// given are the imported samples.
var given = map[string][]string{
	"a": {"1767607200137 75", "1767607215137 151.99963", "1767607230137 230.996667"},
	"b": {"1767607200000 1e+06", "1767607215000 0.1", "1767607330000 +Inf", "1767607345000 -5"},
}

// readBack reads the samples of a server by pod.
func readBack(t *testing.T, address string) map[string][]string {
	t.Helper()
	source, err := recording.NewQueryAPI(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "http_requests_total")}
	err = source.Read(t.Context(), matchers, 1767607200000, 1767607400000, func(s storage.Series) error {
		pod := s.Labels().Get("pod")
		it := s.Iterator(nil)
		for it.Next() != chunkenc.ValNone {
			at, f := it.At()
			got[pod] = append(got[pod], fmt.Sprintf("%d %v", at, f))
		}
		return it.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAnswerOfVictoriaMetrics reads what it answered, also where it first refuses to
// read so much, which is an error of a type of its own.
func TestAnswerOfVictoriaMetrics(t *testing.T) {
	refused := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Server-Hostname", "vm")
		w.Header().Set("Content-Type", "application/stream+json; charset=utf-8")
		switch query := r.FormValue("query"); {
		case strings.HasSuffix(query, "[200001ms]"):
			refused++
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, tooMany)
		case r.FormValue("time") == "1767607300":
			fmt.Fprint(w, first)
		default:
			fmt.Fprint(w, second)
		}
	}))
	defer server.Close()
	if diff := cmp.Diff(given, readBack(t, server.URL)); diff != "" || refused != 1 {
		t.Errorf("refused %d times (-want +got):\n%s", refused, diff)
	}
}

// TestVictoriaMetrics asks a server itself, and reads its export.
func TestVictoriaMetrics(t *testing.T) {
	binary := os.Getenv("VICTORIA_METRICS_BIN")
	if binary == "" {
		t.Skip("VICTORIA_METRICS_BIN is not set")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	server := exec.Command(binary, "-storageDataPath="+t.TempDir(), "-retentionPeriod=100y", "-httpListenAddr="+address)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Kill()
		server.Wait()
	}()
	fetch := func(method, path, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return ""
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.Status + "\n" + string(text)
	}
	for fetch(http.MethodGet, "/health", "") == "" {
		time.Sleep(50 * time.Millisecond)
	}
	fetch(http.MethodPost, "/api/v1/import", imported)
	fetch(http.MethodGet, "/internal/force_flush", "")
	if diff := cmp.Diff(given, readBack(t, "http://"+address)); diff != "" {
		t.Errorf("raw samples (-want +got):\n%s", diff)
	}
	_, export, _ := strings.Cut(fetch(http.MethodGet, "/api/v1/export?match[]=http_requests_total", ""), "\n")
	checkExport(t, export)
}

// TestExportOfVictoriaMetrics reads an export as it was written.
func TestExportOfVictoriaMetrics(t *testing.T) { checkExport(t, imported) }

// checkExport compares an export with what was imported.
func checkExport(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.jsonl")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := recording.Open(t.Context(), recording.Spec{Path: path}, func() (string, error) { return t.TempDir(), nil })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	feed, err := r.Feed(nil, 0, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	got := map[string][]string{}
	for {
		var s fake.Sample
		if s, err = feed.Next(); err != nil {
			break
		}
		pod := feed.Labels(s.Series).Get("pod")
		got[pod] = append(got[pod], fmt.Sprintf("%d %v", s.T, s.F))
	}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
}
