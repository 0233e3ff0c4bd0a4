package serve

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/reports/browsertest"
	"github.com/karpenter-sim/karpenter/reports/fleet"
)

func ranking() *fleet.Audit {
	a := &fleet.Audit{Schema: 1, From: "2026-01-05T08:00:00Z", To: "2026-01-05T09:00:00Z", Command: "karpenter audit -f all.yaml --recording rec"}
	for i := range maxOpen + 2 {
		a.Rows = append(a.Rows, fleet.Finding{
			Object: fmt.Sprintf("shop/hpa/web-%d", i), Figures: map[string]float64{"breach_minutes": float64(10 - i), "replica_hours": 8},
			Doubts: []string{"no replicas were recorded"},
			Advice: &fleet.Advice{Change: "maxReplicas 28", BreachMinutes: 1, ReplayedMinutes: 9, MoreReplicaHours: 2, Patch: `kubectl patch hpa web -p '{"spec":{"maxReplicas":28}}'`},
		})
	}
	return a
}

// TestAuditOpensRows opens what rows have, once each, and keeps a bounded number open.
func TestAuditOpensRows(t *testing.T) {
	var begun, ended atomic.Int64
	openings := map[int]Opening{1: func() (http.Handler, func(), error) { return nil, nil, errors.New("no metric") }}
	for row := 2; row < maxOpen+2; row++ {
		openings[row] = func() (http.Handler, func(), error) {
			begun.Add(1)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, row, r.URL.Path) }), func() { ended.Add(1) }, nil
		}
	}
	openings[maxOpen+1+1] = openings[2] // one more than are kept
	a, err := NewAudit(ranking(), openings)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		reason, path string
		code         int
		want         string
	}{
		{"the ranking, with a link where something opens", "/", 200, `<a href="open/2/"`},
		{"a row that opens nothing", "/open/0/", 404, "not found"},
		{"a row that there is none of", "/open/99/", 404, "not found"},
		{"no row", "/open/x/", 404, "not found"},
		{"a row whose opening fails says why", "/open/1/", 422, "no metric"},
		{"a row", "/open/2/", 200, "2/"},
		{"what lies below it", "/open/2/report/3", 200, "2/report/3"},
		{"the page needs the slash", "/open/2", 307, ""},
	}
	for _, tc := range cases {
		if code, body := ask(a, "GET", tc.path, ""); code != tc.code || !strings.Contains(body, tc.want) {
			t.Errorf("%s: %s: code %d, want %d and %q:\n%.200s", tc.reason, tc.path, code, tc.code, tc.want, body)
		}
	}
	if _, body := ask(a, "GET", "/", ""); strings.Contains(body, `href="open/0/"`) {
		t.Error("a row that opens nothing has a link")
	}
	if n := begun.Load(); n != 1 {
		t.Errorf("two requests for one row opened it %d times", n)
	}
	for row := 3; row <= maxOpen+2; row++ {
		ask(a, "GET", fmt.Sprintf("/open/%d/", row), "")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(10 * time.Second); ended.Load() < begun.Load() && time.Now().Before(until); time.Sleep(time.Millisecond) {
	}
	if b, e := begun.Load(), ended.Load(); b != maxOpen+1 || e != b {
		t.Errorf("%d were opened and %d closed, want %d of each", b, e, maxOpen+1)
	}
}

// TestAuditInBrowser opens a workbench from a row.
func TestAuditInBrowser(t *testing.T) {
	a, err := NewAudit(ranking(), map[int]Opening{0: func() (http.Handler, func(), error) { return workbench(t), func() {}, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	server := httptest.NewServer(Guard(a))
	t.Cleanup(server.Close)
	b := browsertest.Open(t)
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1440, "light"}, {1024, "dark"}, {390, "light"}, {390, "dark"}} {
		b.Show(server.URL, look.width, 844, look.scheme)
		b.Accessible(fmt.Sprintf("audit, %d, %s", look.width, look.scheme))
		if width := browsertest.Evaluate[float64](b, `document.documentElement.scrollWidth`); width > float64(look.width) {
			t.Errorf("the page is %v wide, the screen %d", width, look.width)
		}
	}
	browsertest.Evaluate[any](b, `document.querySelector('tbody a').click(); null`)
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if browsertest.Evaluate[bool](b, `location.pathname === '/open/0/' && (document.getElementById('state') || {textContent: ''}).textContent.startsWith('decided')`) {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("at %s the page says %q", browsertest.Evaluate[string](b, `location.href`), browsertest.Evaluate[string](b, `document.body.innerText`))
		}
	}
	b.Quiet(server.URL)
}
