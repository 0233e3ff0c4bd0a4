package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
)

// world is a scenario of a week's kind in an hour: a demand given by samples, and a
// policy that reads it.
const world = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: load}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  controller: {phase: aligned}
  inputSeries:
    - {series: rps, values: '40x39 200x59 80x139'}
  targets:
    - {kind: Deployment, name: web, replicas: 5, readyAfter: 30s}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 12
  pollingIntervalSeconds: 15
  metrics:
    - prometheus: {query: rps, target: {type: AverageValue, averageValue: "8"}}
`

func simulation(t testing.TB, text string) *sim.Simulation {
	t.Helper()
	path := filepath.Join(t.TempDir(), "load.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := sim.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.Check(context.Background(), file, sim.CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func workbench(t testing.TB) http.Handler {
	t.Helper()
	w, err := NewWorkbench(context.Background(), simulation(t, world), "v0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return Guard(w)
}

// ask sends a request as curl would, and returns the answer's code and body.
func ask(h http.Handler, method, path, body string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	content, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(content)
}

func decided(t *testing.T, h http.Handler, policy string) verdict {
	t.Helper()
	code, body := ask(h, "POST", "/decide", policy)
	var v verdict
	if err := json.Unmarshal([]byte(body), &v); err != nil || code != http.StatusOK {
		t.Fatalf("code %d: %s", code, body)
	}
	return v
}

// TestWorkbenchDecidesAsSimulateDoes compares what the page shows with a run of the
// scenario that it offers.
func TestWorkbenchDecidesAsSimulateDoes(t *testing.T) {
	h := workbench(t)
	_, policy := ask(h, "GET", "/policy.yaml", "")
	if v := decided(t, h, policy); len(v.Figures) == 0 || v.Figures[0].Columns[Edited] != nil {
		t.Errorf("an unchanged policy gives %+v", v)
	}
	edited := strings.Replace(policy, "maxReplicas: 12", "maxReplicas: 26", 1)
	v := decided(t, h, edited)
	code, text := ask(h, "POST", "/scenario.yaml", edited)
	if code != http.StatusOK || !strings.Contains(text, "maxReplicas: 26") {
		t.Fatalf("code %d, scenario\n%s", code, text)
	}
	run, err := simulation(t, text).Play(context.Background(), sim.PlayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := reports.Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Figures {
		want := report.Column(reports.Current).Figures.Get(strings.ReplaceAll(f.Name, " ", "_"))
		if got := f.Columns[Edited]; got == nil || *got != want {
			t.Errorf("%s: the page shows %v, simulate gives %v", f.Name, got, want)
		}
		if f.Name == "breach minutes" && (*f.Columns[Edited] >= *f.Columns[reports.Current] || *f.Columns[reports.Current] < 5) {
			t.Errorf("raising maxReplicas takes %v to %v breach minutes", *f.Columns[reports.Current], *f.Columns[Edited])
		}
	}
	if code, page := ask(h, "GET", v.Report, ""); code != http.StatusOK || !strings.Contains(page, Edited) {
		t.Errorf("%s: code %d", v.Report, code)
	}
}

func TestWorkbenchMistakes(t *testing.T) {
	h := workbench(t)
	_, policy := ask(h, "GET", "/policy.yaml", "")
	replace := func(old, new string) string { return strings.Replace(policy, old, new, 1) }
	cases := []struct {
		reason, policy string
		line           bool
		want           string
	}{
		{"a word that YAML cannot read", replace("spec:", "spec: ]"), true, ""},
		{"an unknown field", replace("maxReplicas", "maxReplica"), true, "maxReplica"},
		{"bounds the wrong way round", replace("maxReplicas: 12", "maxReplicas: 1"), true, "maxReplicas"},
		{"PromQL that does not parse", replace("query: rps", "query: sum(rps"), true, "query"},
		{"another object", replace("name: web\n  namespace", "name: other\n  namespace"), true, "the run has no HorizontalAutoscaler default/other"},
		{"nothing", "", false, "want HorizontalAutoscalers of the run"},
	}
	for _, tc := range cases {
		code, body := ask(h, "POST", "/decide", tc.policy)
		var v verdict
		if err := json.Unmarshal([]byte(body), &v); err != nil || code != http.StatusUnprocessableEntity || len(v.Mistakes) == 0 {
			t.Errorf("%s: code %d: %s", tc.reason, code, body)
			continue
		}
		if m := v.Mistakes[0]; (m.Line > 0) != tc.line || !strings.Contains(m.Message, tc.want) {
			t.Errorf("%s: line %d, %q", tc.reason, m.Line, m.Message)
		}
	}
}

func TestWorkbenchKeepsTheLastReports(t *testing.T) {
	h := workbench(t)
	_, policy := ask(h, "GET", "/policy.yaml", "")
	for range keptReports + 1 {
		decided(t, h, policy)
	}
	for number, want := range map[int]int{1: http.StatusNotFound, 2: http.StatusOK, keptReports + 1: http.StatusOK, keptReports + 2: http.StatusNotFound} {
		if code, _ := ask(h, "GET", fmt.Sprintf("/report/%d", number), ""); code != want {
			t.Errorf("report %d: code %d, want %d", number, code, want)
		}
	}
}

func TestGuard(t *testing.T) {
	h := Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }), "box.lan")
	cases := []struct {
		reason, method string
		headers        []string
		want           int
	}{
		{"an address", "GET", nil, 200},
		{"an IPv6 address", "GET", []string{"Host", "[::1]:8080"}, 200},
		{"localhost", "GET", []string{"Host", "localhost:8080"}, 200},
		{"a name that --host gave", "GET", []string{"Host", "BOX.lan:8080"}, 200},
		{"a name that another site points here", "GET", []string{"Host", "evil.example:8080"}, 421},
		{"a name that begins like an address", "GET", []string{"Host", "127.0.0.1.evil.example"}, 421},
		{"no page", "POST", nil, 200},
		{"the page itself", "POST", []string{"Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "same-origin"}, 200},
		{"a page of another site", "POST", []string{"Origin", "http://evil.example"}, 403},
		{"a page of another port", "POST", []string{"Origin", "http://127.0.0.1:9090", "Sec-Fetch-Site", "same-site"}, 403},
		{"a form without an origin", "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another method", "DELETE", nil, 405},
	}
	for _, tc := range cases {
		if code, body := ask(h, tc.method, "/", "x", tc.headers...); code != tc.want {
			t.Errorf("%s: code %d, want %d: %s", tc.reason, code, tc.want, body)
		}
	}
	large := strings.Repeat("x", maxBody+1)
	if _, body := ask(h, "POST", "/", large); len(body) > maxBody {
		t.Errorf("%d bytes of a body pass", len(body))
	}
}

func TestDirectoryShowsWhatItsMarkerLists(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("karpenter-output.json", `{"version":1,"kind":"Reports","state":"Complete","files":[{"path":"index.html","sha256":"00"}]}`)
	write("index.html", "<title>runs</title>")
	write("secret.txt", "mine")
	h, err := NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	got := map[string]int{}
	for _, path := range []string{"/", "/index.html", "/secret.txt", "/karpenter-output.json", "/../etc/passwd"} {
		got[path], _ = ask(h, "GET", path, "")
	}
	want := map[string]int{"/": 200, "/index.html": 301, "/secret.txt": 404, "/karpenter-output.json": 404, "/../etc/passwd": 404}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// BenchmarkDecide plays a change of policy over seven days at 15 s.
func BenchmarkDecide(b *testing.B) {
	var values strings.Builder
	for day := range 7 {
		for hour := range 24 {
			fmt.Fprintf(&values, " %d+%dx239", 60+5*hour+day, 1)
		}
	}
	text := strings.NewReplacer("duration: 1h", "duration: 7d", "'40x39 200x59 80x139'", "'"+strings.TrimSpace(values.String())+"'").Replace(world)
	w, err := NewWorkbench(context.Background(), simulation(b, text), "v0.0.0")
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		policy := strings.Replace(w.manifests, "maxReplicas: 12", fmt.Sprintf("maxReplicas: %d", 13+i%50), 1)
		if code, body := ask(w, "POST", "/decide", policy); code != http.StatusOK {
			b.Fatalf("code %d: %s", code, body)
		}
	}
}
