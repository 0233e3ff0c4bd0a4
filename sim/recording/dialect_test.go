package recording_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/karpenter-sim/karpenter/sim/recording"
)

// TestDialects reads answers in the shapes that VictoriaMetrics, Thanos and Mimir
// document: what is not whole is refused, and everything is asked for as it is stored.
func TestDialects(t *testing.T) {
	const matrix = `"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1767607200,"1"]]}]}`
	tests := map[string]struct {
		reason string
		status int
		body   string
		want   string
	}{
		"Prometheus":      {"a whole answer", 200, `{` + matrix + `}`, ""},
		"Victoria":        {"VictoriaMetrics' cluster, whole", 200, `{"isPartial":false,` + matrix + `,"stats":{"seriesFetched":"1"}}`, ""},
		"VictoriaPartial": {"a vmstorage is away", 200, `{"isPartial":true,` + matrix + `}`, "the answer says isPartial"},
		"Thanos":          {"a store is away, and the querier answers all the same", 200, `{` + matrix + `,"warnings":["receive series from Addr: store-1:10901 LabelSets: {} MinTime: 0 MaxTime: 1: rpc error: code = Unavailable"]}`, "the answer has a warning, so something may be missing: receive series from Addr: store-1:10901"},
		"PromQL":          {"a warning about the expression is none about the data", 200, `{` + matrix + `,"warnings":["PromQL warning: bucket label le is missing"]}`, ""},
		"Mimir":           {"no tenant", 401, "no org id\n", "name it with --header X-Scope-OrgID=TENANT"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var asked url.Values
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				asked = r.Form
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			}))
			defer server.Close()
			source, err := recording.NewQueryAPI(server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "up")}
			n := 0
			read := source.Read(t.Context(), matchers, 1767607200000, 1767607260000, func(storage.Series) error { n++; return nil })
			_, evaluated := source.Evaluate(t.Context(), "up", 1767607200000, 60000, 2)
			for what, err := range map[string]error{"samples": read, "results": evaluated} {
				if (err != nil) != (tc.want != "") || err != nil && !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%s, %s: %v, want %q", tc.reason, what, err, tc.want)
				}
			}
			if tc.want == "" && n != 1 {
				t.Errorf("%s: %d series", tc.reason, n)
			}
			for name, want := range map[string]string{"nocache": "1", "partial_response": "false", "max_source_resolution": "0s"} {
				if asked.Get(name) != want {
					t.Errorf("%s: asked with %s=%s, want %s", tc.reason, name, asked.Get(name), want)
				}
			}
		})
	}
}

// TestStaleMarkersOfVictoriaMetrics reads NaN among raw samples as the end of a series
// from VictoriaMetrics, which names itself in a header, and as a value from others.
func TestStaleMarkersOfVictoriaMetrics(t *testing.T) {
	for _, header := range []string{"X-Server-Hostname", "X-Other"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(header, "vmselect-0")
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up"},"values":[[1767607200,"1"],[1767607230,"NaN"]]}]}}`)
		}))
		source, err := recording.NewQueryAPI(server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, "up")}
		err = source.Read(t.Context(), matchers, 1767607200000, 1767607260000, func(s storage.Series) error {
			it := s.Iterator(nil)
			it.Next()
			it.Next()
			if _, f := it.At(); value.IsStaleNaN(f) != (header == "X-Server-Hostname") {
				t.Errorf("with %s: stale marker %v", header, value.IsStaleNaN(f))
			}
			return it.Err()
		})
		if err != nil {
			t.Error(err)
		}
		server.Close()
	}
}
