package serve

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/reports/browsertest"
)

// TestWorkbenchInBrowser changes the policy on the page, as a field and as text, and
// compares the figures shown with those of the server.
func TestWorkbenchInBrowser(t *testing.T) {
	h := workbench(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	b := browsertest.Open(t)
	b.Show(server.URL, 1440, 900, "light")
	wait := func(reason, expression string) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); !browsertest.Evaluate[bool](b, expression); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%s: %s; the page says %q", reason, expression, browsertest.Evaluate[string](b, `document.body.innerText`))
			}
		}
	}
	const done = `document.getElementById('state').textContent.startsWith('decided')`
	wait("the run as it is", done+` && document.querySelectorAll('#figures tbody tr').length >= 4`)

	set := func(field, value string) {
		t.Helper()
		browsertest.Evaluate[any](b, fmt.Sprintf(`(() => { const i = document.querySelector('[data-name="%s"] input'); i.value = '%s'; i.dispatchEvent(new Event('input', {bubbles: true})); })(); null`, field, value))
	}
	b.Accessible("workbench")
	set("maxReplicas", "26")
	wait("an edited number", `[...document.querySelectorAll('#figures thead th')].some(h => h.textContent === 'edited') && `+done)
	policy := browsertest.Evaluate[string](b, `document.getElementById('text').value`)
	if !strings.Contains(policy, "maxReplicas: 26\n") {
		t.Errorf("the text does not follow the field:\n%s", policy)
	}
	want := decided(t, h, policy)
	for _, f := range want.Figures {
		row := fmt.Sprintf(`[...document.querySelectorAll('#figures tbody tr')].find(r => r.cells[0].textContent === '%s')`, f.Name)
		for i, column := range []string{"current", Edited} {
			if got, want := browsertest.Evaluate[string](b, fmt.Sprintf("%s.cells[%d].textContent", row, i+1)), browsertest.Evaluate[string](b, shownAs(*f.Columns[column])); got != want {
				t.Errorf("%s of %s: the page shows %s, the server says %s", f.Name, column, got, want)
			}
		}
	}
	wait("the report of the run", `document.getElementById('report').contentDocument.body.textContent.includes('edited')`)
	if marked := browsertest.Evaluate[string](b, `document.querySelector('#marks .changed').textContent`); !strings.Contains(marked, "maxReplicas: 26") {
		t.Errorf("marked as changed is %q", marked)
	}

	figures := browsertest.Evaluate[string](b, `document.getElementById('figures').innerText`)
	browsertest.Evaluate[any](b, `(() => { const t = document.getElementById('text'); t.value = t.value.replace('maxReplicas: 26', 'maxReplicas: 1'); t.dispatchEvent(new Event('input', {bubbles: true})); })(); null`)
	wait("a mistake", `!document.getElementById('mistakes').hidden`)
	if text := browsertest.Evaluate[string](b, `document.getElementById('mistakes').textContent`); !strings.HasPrefix(text, "line ") || !strings.Contains(text, "maxReplicas") {
		t.Errorf("the mistake reads %q", text)
	}
	if got := browsertest.Evaluate[string](b, `document.getElementById('figures').innerText`); got != figures {
		t.Errorf("with a mistake the last figures should stay, not become\n%s", got)
	}
	b.Accessible("workbench with a mistake")
	browsertest.Evaluate[any](b, `document.getElementById('reset').click(); null`)
	wait("the way back", `document.getElementById('mistakes').hidden && document.getElementById('reset').disabled && `+done)
}

// shownAs is an expression for a number as the page writes it.
func shownAs(v float64) string {
	return fmt.Sprintf(`(v => Number.isInteger(v) || Math.abs(v) >= 100 ? Math.round(v).toLocaleString('en-US') : (Math.round(v * 10) / 10).toFixed(1))(%v)`, v)
}
