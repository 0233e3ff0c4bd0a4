package reports

import (
	"path/filepath"
	"strings"
	"testing"
)

// The first screen of a phone, in CSS pixels.
const phoneWidth, phoneHeight = 390, 844

// contrastScript finds texts whose contrast with what is behind them is below
// 4.5, as "text: ratio". Texts in plots stand on the page.
const contrastScript = `(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : m; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c) return c; } return [255, 255, 255]; };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walker.nextNode();) {
    const e = n.parentElement;
    if (!n.data.trim() || e.closest('title') || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const front = parse(e.ownerSVGElement ? style.fill : style.color);
    const a = light(front), b = light(behind(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(n.data.trim() + ': ' + ratio.toFixed(2));
  }
  return bad;
})()`

func TestPageInBrowser(t *testing.T) {
	runs := map[string]*Run{
		"evening": evening(t),
		"week":    (&synthetic{start: monday, seconds: 5 * day, startUp: 90}).run(),
	}
	b := openBrowser(t)
	dir := t.TempDir()
	for name, run := range runs {
		r := computed(t, run)
		if err := r.WriteDir(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := WriteCall(dir, []*Report{r}, Call{Command: "karpenter simulate scenarios"}); err != nil {
			t.Fatal(err)
		}
		for _, scheme := range []string{"light", "dark"} {
			for _, page := range []string{filepath.Join(name, htmlName), indexName} {
				b.open(filepath.Join(dir, page), phoneWidth, phoneHeight, scheme)
				where := page + " (" + scheme + ")"
				if bad := evaluate[[]string](b, contrastScript); len(bad) > 0 {
					t.Errorf("%s: contrast below 4.5: %s", where, strings.Join(bad, "; "))
				}
				if width := evaluate[float64](b, `document.documentElement.scrollWidth`); width > phoneWidth {
					t.Errorf("%s: %v px wide; a phone has %d", where, width, phoneWidth)
				}
			}
			b.open(filepath.Join(dir, name, htmlName), phoneWidth, phoneHeight, scheme)
			for _, selector := range []string{"h1", ".badges .strong", "#columns", "#plot svg.narrow", ".key", ".assumptions", "#command"} {
				box := evaluate[map[string]float64](b, `(() => { const r = document.querySelector(`+"`"+selector+"`"+`).getBoundingClientRect(); return {top: r.top, bottom: r.bottom, left: r.left, right: r.right, height: r.height}; })()`)
				if box["height"] <= 0 || box["top"] < 0 || box["bottom"] > phoneHeight || box["left"] < 0 || box["right"] > phoneWidth {
					t.Errorf("%s (%s): %s is not on the first screen: %v", name, scheme, selector, box)
				}
			}
		}
		if background := evaluate[string](b, `getComputedStyle(document.body).backgroundColor`); background != "rgb(15, 20, 25)" {
			t.Errorf("%s: the dark page is %s", name, background)
		}
		if shown := evaluate[[]string](b, `[...document.querySelectorAll('#plot svg')].filter(s => s.getClientRects().length).map(s => s.getAttribute('class'))`); len(shown) != 1 || shown[0] != narrow.class {
			t.Errorf("%s: a phone shows the plots %v", name, shown)
		}
	}
	b.quiet()
}
