package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/sim"
)

// A vector is an answer to an instant query.
type vector struct {
	Status    string
	ErrorType string
	Error     string
	Data      struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
}

// query asks for an instant, the series as "LABELS" of a template by their values.
func query(t *testing.T, h http.Handler, expr, at string) (int, vector) {
	t.Helper()
	code, body := ask(h, "GET", "/api/v1/query?"+url.Values{"query": {expr}, "time": {at}}.Encode(), "")
	var v vector
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s: code %d: %s", expr, code, body)
	}
	return code, v
}

// values has the values of an answer by run and column.
func (v vector) values() map[string]string {
	got := map[string]string{}
	for _, r := range v.Data.Result {
		got[r.Metric["run"]+" "+r.Metric["column"]] = fmt.Sprint(r.Value[1])
	}
	return got
}

const desired = "karpenter_horizontalautoscaler_desired_replicas"

// shows fails unless an expression has these values, by run and column, at 08:20:00,
// when 200 requests a second take 25 replicas.
func shows(t *testing.T, h http.Handler, expr string, want map[string]string) {
	t.Helper()
	code, v := query(t, h, expr, "2026-01-05T08:20:00Z")
	if diff := cmp.Diff(want, v.values()); code != http.StatusOK || diff != "" {
		t.Errorf("%s: code %d, %s (-want +got):\n%s", expr, code, v.Error, diff)
	}
}

// TestWorkbenchAnswersAsAPrometheus asks for what was recorded and decided, before and
// after an edit.
func TestWorkbenchAnswersAsAPrometheus(t *testing.T) {
	h := workbench(t)
	shows(t, h, desired, map[string]string{"load current": "12"})
	shows(t, h, "rps", map[string]string{"load recorded": "200"})
	shows(t, h, `sum by (run, column) (rate(rps{column="recorded"}[5m])) * 0`, map[string]string{"load recorded": "0"})

	_, policy := ask(h, "GET", "/policy.yaml", "")
	decided(t, h, strings.Replace(policy, "maxReplicas: 12", "maxReplicas: 26", 1))
	shows(t, h, desired, map[string]string{"load current": "12", "load " + Edited: "25"})

	for path, want := range map[string]string{
		"/api/v1/label/column/values": `["current","edited","recorded"]`,
		"/api/v1/label/run/values":    `["load"]`,
		"/api/v1/metadata?metric=rps": `{"rps":[{"type":"unknown","help":"","unit":""}]}`,
		"/api/v1/query_range?query=vector(1)&start=1767600000&end=1767600060&step=60": `"resultType":"matrix"`,
		"/api/v1/series?match[]=rps": `[{"__name__":"rps","column":"recorded","run":"load"}]`,
	} {
		if code, body := ask(h, "GET", path, ""); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: code %d, want %s in\n%s", path, code, want, body)
		}
	}
	for path, want := range map[string]int{"/api/v1/query?query=sum(": http.StatusBadRequest, "/api/v1/read": http.StatusNotFound, "/api/v1/admin": http.StatusNotFound} {
		if code, body := ask(h, "GET", path, ""); code != want {
			t.Errorf("%s: code %d, want %d: %s", path, code, want, body)
		}
	}
}

// TestDirectoryAnswersAsAPrometheus has the series of two runs, one of them newer than
// the first question, and says what it cannot read as Prometheus would.
func TestDirectoryAnswersAsAPrometheus(t *testing.T) {
	dir := t.TempDir()
	var files []string
	play := func(name, text string) {
		t.Helper()
		s := simulation(t, strings.Replace(text, "name: load", "name: "+name, 1))
		if _, err := s.Play(context.Background(), sim.PlayOptions{Dir: filepath.Join(dir, name)}); err != nil {
			t.Fatal(err)
		}
		files = append(files, fmt.Sprintf(`{"path":"%s/scenario.yaml","sha256":"00"}`, name))
		marker := `{"version":1,"kind":"Reports","state":"Complete","files":[` + strings.Join(files, ",") + `]}`
		if err := os.WriteFile(filepath.Join(dir, "karpenter-output.json"), []byte(marker), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	varied := strings.Replace(world, "  targets:", "  variants:\n    - {name: larger, set: {spec.maxReplicas: 26}}\n  targets:", 1)
	play("first", varied)
	d, err := NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	h := Guard(d)
	shows(t, h, desired, map[string]string{"first current": "12", "first larger": "25"})
	play("second", strings.Replace(world, "series: rps, values", `series: 'rps{column="x"}', values`, 1))
	shows(t, h, desired, map[string]string{"first current": "12", "first larger": "25", "second current": "12"})
	shows(t, h, `rps{exported_column="x"}`, map[string]string{"second recorded": "200"})

	if err := os.Remove(filepath.Join(dir, "first", "scenario.yaml")); err != nil {
		t.Fatal(err)
	}
	play("second", world)
	if code, v := query(t, h, desired, "2026-01-05T08:20:00Z"); code != http.StatusServiceUnavailable || v.ErrorType != "unavailable" || !strings.Contains(v.Error, "first/scenario.yaml") {
		t.Errorf("a run that cannot be read: code %d, %+v", code, v)
	}
}

// TestDashboard asks what the panels of the dashboard ask.
func TestDashboard(t *testing.T) {
	h := workbench(t)
	code, body := ask(h, "GET", "/grafana.json", "")
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(body), &board); err != nil || code != http.StatusOK || len(board.Panels) == 0 {
		t.Fatalf("code %d, %v: %s", code, err, body)
	}
	fill := strings.NewReplacer("$run", "load", "$column", "current|edited")
	for _, p := range board.Panels {
		found := 0
		for _, target := range p.Targets {
			code, v := query(t, h, fill.Replace(target.Expr), "2026-01-05T08:20:00Z")
			if code != http.StatusOK {
				t.Errorf("%s: %s: %s", p.Title, target.Expr, v.Error)
			}
			found += len(v.Data.Result)
		}
		if found == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
}
