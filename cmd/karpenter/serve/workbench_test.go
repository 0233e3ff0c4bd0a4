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
	"github.com/karpenter-sim/karpenter/sim/result"
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
	return workbenchOf(t, simulation(t, world))
}

// workbenchOf has two fixes: one that a field of the policy makes, and one that none does.
func workbenchOf(t testing.TB, s *sim.Simulation) http.Handler {
	t.Helper()
	w, err := NewWorkbench(context.Background(), s, Options{Version: "v0.0.0", Fixes: func(_ context.Context, r *reports.Report) error {
		r.SetFixes(&r.Column(reports.Current).Objects[0], []result.Fix{
			{Limit: result.MaxReplicas, Value: 18, Set: []string{"spec.maxReplicas=18"}, Alone: result.Left{Seconds: 90, MoreHours: 2}, Turn: 1, Then: &result.Left{Seconds: 90, MoreHours: 2}},
			{Limit: result.StartUp, Alone: result.Left{Seconds: 600}},
		})
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return Guard(w)
}

// TestFixes makes a fix in the text of a policy as somebody left it, and refuses those
// that no field makes.
func TestFixes(t *testing.T) {
	h := workbench(t)
	code, body := ask(h, "GET", "/fixes", "")
	var got advice
	if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK {
		t.Fatalf("code %d: %s", code, body)
	}
	lacked := got.Fixes[0].Lacked
	want := []fix{{Name: "maxReplicas 18", Minutes: 1.5, Lacked: lacked, Hours: 2, Possible: true}, {Name: "replicas that are ready at once", Minutes: 10, Lacked: lacked}}
	if diff := cmp.Diff(want, got.Fixes, cmp.AllowUnexported(fix{})); diff != "" {
		t.Errorf("fixes (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Headline, "maxReplicas 18 alone would have left") {
		t.Errorf("the headline %q does not say what the best fix would have left", got.Headline)
	}
	_, policy := ask(h, "GET", "/policy.yaml", "")
	edited := strings.Replace(policy, "minReplicas: 2", "minReplicas: 4", 1)
	if _, body := ask(h, "POST", "/fixes/0", edited); body != strings.Replace(edited, "maxReplicas: 12", "maxReplicas: 18", 1) {
		t.Errorf("the fix should change one line of the text as it is, and gives\n%s", body)
	}
	for path, want := range map[string]int{"/fixes/1": http.StatusNotFound, "/fixes/2": http.StatusNotFound, "/fixes/x": http.StatusNotFound, "/fixes/-1": http.StatusNotFound} {
		if code, body := ask(h, "POST", path, policy); code != want {
			t.Errorf("%s: code %d, want %d: %s", path, code, want, body)
		}
	}
	if code, body := ask(h, "POST", "/fixes/0", "spec: ]"); code != http.StatusUnprocessableEntity {
		t.Errorf("a text that is no YAML: code %d: %s", code, body)
	}
}

// TestPatch offers a patch of the HPA that a policy was converted from, and none of an
// autoscaler of our own.
func TestPatch(t *testing.T) {
	const hpa = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 12
  metrics:
    - type: External
      external: {metric: {name: rps}, target: {type: AverageValue, averageValue: "8"}}
`
	converted := strings.Replace(world[:strings.Index(world, "---")], "spec:\n", "spec:\n  metrics: {rps: rps}\n", 1) + "---\n" + hpa
	h := workbenchOf(t, simulation(t, converted))
	_, policy := ask(h, "GET", "/policy.yaml", "")
	if !decided(t, h, policy).Patch {
		t.Error("no patch is offered of an HPA")
	}
	code, body := ask(h, "POST", "/patch.yaml", strings.Replace(policy, "maxReplicas: 12", "maxReplicas: 18", 1))
	if want := "spec:\n  maxReplicas: 18\n"; code != http.StatusOK || !strings.HasSuffix(body, want) || !strings.HasPrefix(body, "# kubectl patch horizontalpodautoscaler web -n default") {
		t.Errorf("code %d, want a command and %q:\n%s", code, want, body)
	}
	if _, body := ask(h, "POST", "/patch.yaml", policy); !strings.HasPrefix(body, "# HorizontalPodAutoscaler default/web: nothing changes") {
		t.Errorf("nothing changed, and the patch is\n%s", body)
	}
	if h := workbench(t); decided(t, h, func() string { _, p := ask(h, "GET", "/policy.yaml", ""); return p }()).Patch {
		t.Error("a patch is offered where there is no HPA")
	}
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
	if code, page := ask(h, "GET", "/"+v.Report, ""); code != http.StatusOK || !strings.Contains(page, Edited) {
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

// week is the same world over seven days at 15 s.
func week() string {
	var values strings.Builder
	for day := range 7 {
		for hour := range 24 {
			fmt.Fprintf(&values, " %d+%dx239", 60+5*hour+day, 1)
		}
	}
	return strings.NewReplacer("duration: 1h", "duration: 7d", "'40x39 200x59 80x139'", "'"+strings.TrimSpace(values.String())+"'").Replace(world)
}

// BenchmarkDecide plays a change of policy over seven days at 15 s.
func BenchmarkDecide(b *testing.B) {
	w, err := NewWorkbench(context.Background(), simulation(b, week()), Options{})
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
