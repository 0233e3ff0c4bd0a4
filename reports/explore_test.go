package reports

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A chartBox is where the axes of the page's first chart lie on the screen, in
// CSS pixels.
type chartBox struct{ Left, Right, Top, Bottom, OverLeft, OverRight, OverTop, OverBottom float64 }

const chartBoxScript = `(() => {
  const svg = [...document.querySelectorAll('#plot svg')].find(s => s.getClientRects().length);
  const frames = JSON.parse(svg.dataset.frame), box = svg.getBoundingClientRect(), k = box.width / svg.viewBox.baseVal.width;
  const at = f => [box.left + f[0] * k, box.left + f[1] * k, box.top + f[2] * k, box.top + f[3] * k];
  const [l, r, t, b] = at(frames.large), [ol, or, ot, ob] = at(frames.overview || frames.large);
  return {Left: l, Right: r, Top: t, Bottom: b, OverLeft: ol, OverRight: or, OverTop: ot, OverBottom: ob};
})()`

// drag presses at one point and lets go at another.
func (b *browser) drag(fromX, toX, y float64) {
	b.t.Helper()
	left := func(p *input.DispatchMouseEventParams) {
		p.Button, p.Buttons, p.ClickCount = input.MouseButtonLeft, 1, 1
	}
	b.do(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, fromX, y),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, fromX, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, (fromX+toX)/2, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, toX, y, left),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, toX, y, left),
	)
}

const readoutText = `(document.getElementById('readout').hidden ? '' : document.getElementById('readout').textContent)`

// TestExplore moves the pointer over a page and compares what it says with the
// run that the page is about.
func TestExplore(t *testing.T) {
	r := computed(t, (&synthetic{start: monday, seconds: 2 * day, startUp: 90}).run())
	dir := t.TempDir()
	if err := r.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	o := r.focus()
	main := r.figure(o)
	b := openBrowser(t)
	page := filepath.Join(dir, htmlName)
	b.open(page, 1200, 1000, "light")
	b.Accessible("report.html")
	box := evaluate[chartBox](b, chartBoxScript)
	if text := evaluate[string](b, readoutText); text != "" {
		t.Errorf("before anybody points, the page says %q", text)
	}
	xOf := func(at, from, to int64) float64 {
		return box.Left + (box.Right-box.Left)*float64(at-from)/float64(to-from)
	}

	for _, scheme := range []string{"light", "dark"} {
		b.open(page, 390, 844, scheme)
		b.Accessible("report.html, a phone, " + scheme)
	}
	b.open(page, 1200, 1000, "light")

	t.Run("Crosshair", func(t *testing.T) {
		for _, share := range []int64{1, 3, 5, 7, 9} {
			at := main.from + (main.to-main.from)*share/10
			b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, xOf(at, main.from, main.to), (box.Top+box.Bottom)/2))
			text := evaluate[string](b, readoutText)
			for _, want := range []string{
				clockOf(r.Run).at(at).Format("Mon 2 Jan 15:04"),
				"of 100", "maxReplicas 20", "needed " + number(o.object.Needed.At(at)), "ready " + number(o.object.Ready.At(at)), "decided " + number(o.Decided.At(at)),
			} {
				if !strings.Contains(text, want) {
					t.Errorf("at %d the page says %q, not %q", at, text, want)
				}
			}
		}
		lines := evaluate[float64](b, `document.querySelectorAll('.crosshair').length`)
		if charts := evaluate[float64](b, `document.querySelectorAll('figure[data-chart] svg').length`); lines != charts {
			t.Errorf("%v charts have the line, of %v", lines, charts)
		}
	})

	t.Run("Keys", func(t *testing.T) {
		evaluate[any](b, `document.getElementById('plot').focus(); null`)
		before := evaluate[string](b, readoutText)
		b.do(chromedp.KeyEvent(kb.ArrowRight))
		if after := evaluate[string](b, readoutText); after == before || after == "" {
			t.Errorf("the arrow key leaves %q as it was", before)
		}
	})

	t.Run("Zoom", func(t *testing.T) {
		from, to := main.from+(main.to-main.from)/4, main.from+(main.to-main.from)/2
		b.drag(xOf(from, main.from, main.to), xOf(to, main.from, main.to), (box.Top+box.Bottom)/2)
		hash := evaluate[string](b, `location.hash`)
		var gotFrom, gotTo int64
		if _, err := fmt.Sscanf(hash, "#from=%d&to=%d", &gotFrom, &gotTo); err != nil {
			t.Fatalf("after a drag the address has %q: %v", hash, err)
		}
		pixel := (main.to - main.from) / int64(box.Right-box.Left)
		if max(gotFrom-from, from-gotFrom, gotTo-to, to-gotTo) > 2*pixel+1 {
			t.Errorf("zoomed to %d to %d, dragged from %d to %d", gotFrom, gotTo, from, to)
		}
		at := gotFrom + (gotTo-gotFrom)*3/10
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, xOf(at, gotFrom, gotTo), (box.Top+box.Bottom)/2))
		if text, want := evaluate[string](b, readoutText), "decided "+number(o.Decided.At(at)); !strings.Contains(text, want) {
			t.Errorf("zoomed, at %d the page says %q, not %q", at, text, want)
		}
		b.open(page, 1200, 1000, "light")
		evaluate[any](b, `location.hash = "`+hash+`"; null`)
		evaluate[any](b, `window.dispatchEvent(new Event('hashchange')); null`)
		for _, what := range []string{"--metric)", "--metric-target)"} {
			if n := evaluate[float64](b, `document.querySelectorAll('#plot svg.wide[data-drawn] path[stroke="var(`+what+`"]').length`); n != 1 {
				t.Errorf("zoomed, %v lines have the colour %s", n, what)
			}
		}
		if label := evaluate[string](b, `document.querySelector('#plot svg[data-drawn]').getAttribute('aria-label')`); !strings.Contains(label, clockOf(r.Run).at(gotFrom).Format("15:04:05")) {
			t.Errorf("the link %s shows %q", hash, label)
		}
		b.do(chromedp.MouseClickXY(xOf(at, gotFrom, gotTo), (box.Top+box.Bottom)/2, chromedp.ClickCount(2)))
		if hash := evaluate[string](b, `location.hash`); strings.Contains(hash, "from") {
			t.Errorf("a double click leaves the address %q", hash)
		}
		if drawn := evaluate[float64](b, `document.querySelectorAll('svg[data-drawn]').length`); drawn != 0 {
			t.Errorf("%v charts are still drawn by the script", drawn)
		}
	})

	t.Run("Overview", func(t *testing.T) {
		whole := r.Run.End - r.Run.Start
		x := func(share float64) float64 { return box.OverLeft + (box.OverRight-box.OverLeft)*share }
		b.drag(x(0.25), x(0.75), (box.OverTop+box.OverBottom)/2)
		var from, to int64
		if _, err := fmt.Sscanf(evaluate[string](b, `location.hash`), "#from=%d&to=%d", &from, &to); err != nil {
			t.Fatal(err)
		}
		if got := float64(to-from) / float64(whole); got < 0.48 || got > 0.52 {
			t.Errorf("half of the overview gave %.2f of the run", got)
		}
	})

	t.Run("Lines", func(t *testing.T) {
		count := `document.querySelectorAll('#plot svg.wide[data-drawn] path[stroke="var(--ready)"]').length`
		if n := evaluate[float64](b, count); n != 1 {
			t.Fatalf("%v lines of ready replicas", n)
		}
		evaluate[any](b, `[...document.querySelectorAll('#lines label')].find(l => l.textContent === 'ready').querySelector('input').click(); null`)
		if n := evaluate[float64](b, count); n != 0 {
			t.Errorf("%v lines of ready replicas after they were turned off", n)
		}
		if hash := evaluate[string](b, `location.hash`); !strings.Contains(hash, "off=more%2Cready") {
			t.Errorf("the address %q forgets what is off", hash)
		}
	})

	t.Run("Copy", func(t *testing.T) {
		got := evaluate[string](b, `document.querySelector('.episodes [data-copy]').dataset.copy`)
		want := "karpenter explain decisions.jsonl "
		if r.Run.Columns[r.primary].File != "" && !strings.HasPrefix(got, want) {
			t.Errorf("the episode offers %q, want %q...", got, want)
		}
		evaluate[any](b, `document.querySelector('.episodes .copy').click(); null`)
	})
	b.quiet()
}

// TestExploreTargets points at the charts of targets that are not on the first screen: the
// page tells of the target under the pointer, at the time that its chart shows.
func TestExploreTargets(t *testing.T) {
	r := computed(t, fleet())
	dir := t.TempDir()
	if err := r.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	b.open(filepath.Join(dir, htmlName), 1200, 1000, "light")
	b.Accessible("report of several targets")
	for _, target := range []struct {
		name, reason, want string
	}{
		{"web", "5 are needed from the 10th minute to the 20th", "needed 5"},
		{"cart", "5 are needed up to the 30th minute", "needed 5"},
		{"batch", "2 are needed all the time", "needed 2"},
	} {
		evaluate[any](b, `(() => { const f = [...document.querySelectorAll('section.target')].find(s => s.querySelector('h2').textContent === '`+target.name+`').querySelector('figure'); f.scrollIntoView({block: 'center'}); f.id = 'pointed'; })(); null`)
		box := evaluate[chartBox](b, strings.ReplaceAll(chartBoxScript, "#plot", "#pointed"))
		from, to := evaluate[int64](b, chartOf+".from"), evaluate[int64](b, chartOf+".to")
		x := box.Left + (box.Right-box.Left)*float64(15*60-from)/float64(to-from)
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, (box.Top+box.Bottom)/2))
		text := evaluate[string](b, readoutText)
		for _, want := range []string{"00:15", target.name, target.want} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s; the page says %q, not %q", target.name, target.reason, text, want)
			}
		}
		evaluate[any](b, `document.getElementById('pointed').removeAttribute('id'); null`)
	}
	b.quiet()
}

// chartOf is the data of the chart that is pointed at.
const chartOf = `JSON.parse(document.getElementById('data').textContent).charts[Number(document.getElementById('pointed').dataset.chart)]`

// TestExploreZones shows times of a zone whose offset changes during the run.
func TestExploreZones(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const change = 1774746000 // 29 March 2026, 01:00 UTC: two o'clock is three
	e := newExploration(clock{berlin, change - 3600, change + 3600})
	if want := [][2]int64{{change - 3600, 3600}, {change, 7200}}; !slices.Equal(e.Zone, want) {
		t.Errorf("offsets %v, want %v", e.Zone, want)
	}
}
