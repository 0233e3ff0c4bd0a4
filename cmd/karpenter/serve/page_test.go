package serve

import (
	"fmt"
	"net/http/httptest"
	"slices"
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

	wait("the fixes", `document.querySelectorAll('#fixes tbody tr').length === 2`)
	if headline := browsertest.Evaluate[string](b, `document.getElementById('headline').textContent`); !strings.Contains(headline, "maxReplicas 18 alone") {
		t.Errorf("above everything stands %q", headline)
	}
	b.Accessible("workbench with fixes")
	browsertest.Evaluate[any](b, `document.querySelector('#fixes button').click(); null`)
	wait("a fix, by one click", `document.getElementById('text').value.includes('maxReplicas: 18') && `+done)
	if got := browsertest.Evaluate[string](b, `document.querySelector('[data-name="maxReplicas"] input').value`); got != "18" {
		t.Errorf("after the fix the field has %s", got)
	}
	set("maxReplicas", "26")
	wait("the number again", `document.getElementById('text').value.includes('maxReplicas: 26') && `+done)

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

	for _, scheme := range []string{"light", "dark"} {
		b.Show(server.URL, 390, 844, scheme)
		wait("a phone", done+` && document.querySelectorAll('#fixes tbody tr').length === 2`)
		b.Accessible("workbench, a phone, " + scheme)
		if width := browsertest.Evaluate[float64](b, `document.documentElement.scrollWidth`); width > 390 {
			t.Errorf("a phone has 390 pixels, the page %v", width)
		}
	}
	b.Show(server.URL, 1024, 768, "dark")
	wait("a tablet", done)
	server.Close()
	browsertest.Evaluate[any](b, `(() => { const t = document.getElementById('text'); t.value += '\n'; t.dispatchEvent(new Event('input', {bubbles: true})); })(); null`)
	wait("a server that has gone", `document.getElementById('state').textContent.startsWith('the server does not answer')`)
	b.Accessible("workbench without a server")
}

// BenchmarkPicture changes maxReplicas on the page of a run of seven days at 15 s, and
// measures the time from the input to the drawn picture.
func BenchmarkPicture(b *testing.B) {
	server := httptest.NewServer(workbenchOf(b, simulation(b, week())))
	b.Cleanup(server.Close)
	page := browsertest.Open(b)
	page.Show(server.URL, 1440, 900, "light")
	for !browsertest.Evaluate[bool](page, `document.getElementById('state').textContent.startsWith('decided') && !document.getElementById('fixes').hidden`) {
		time.Sleep(20 * time.Millisecond)
	}
	var spent []float64
	for i := 0; b.Loop(); i++ {
		browsertest.Evaluate[any](page, fmt.Sprintf(`(() => {
			const began = performance.now(), said = document.getElementById('state');
			window.took = 0;
			let begun = false;
			new MutationObserver((_, o) => {
				begun = begun || said.textContent.startsWith('deciding');
				if (!begun || !said.textContent.startsWith('decided')) return;
				o.disconnect();
				requestAnimationFrame(() => requestAnimationFrame(() => { window.took = performance.now() - began; }));
			}).observe(said, {childList: true, characterData: true, subtree: true});
			const i = document.querySelector('[data-name="maxReplicas"] input');
			i.value = '%d';
			i.dispatchEvent(new Event('input', {bubbles: true}));
		})(); null`, 13+i%50))
		took := 0.0
		for took == 0 {
			time.Sleep(5 * time.Millisecond)
			took = browsertest.Evaluate[float64](page, `window.took`)
		}
		spent = append(spent, took)
	}
	slices.Sort(spent)
	b.ReportMetric(spent[len(spent)/2], "median-ms")
	b.ReportMetric(spent[len(spent)*95/100], "p95-ms")
}

// shownAs is an expression for a number as the page writes it.
func shownAs(v float64) string {
	return fmt.Sprintf(`(v => Number.isInteger(v) || Math.abs(v) >= 100 ? Math.round(v).toLocaleString('en-US') : (Math.round(v * 10) / 10).toFixed(1))(%v)`, v)
}
