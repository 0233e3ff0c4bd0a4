package reports

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/karpenter-sim/karpenter/sim/result"
)

// tuned is a search with an answer, or without a choice.
func tuned(chosen bool) *Tune {
	figures := func(hours, minutes float64) TuneFigures {
		return TuneFigures{ReplicaHours: hours, BreachMinutes: minutes, UnderHours: minutes / 30, Reversals: 3}
	}
	t := &Tune{
		Name: "checkout", Version: "dev", Command: "karpenter tune -f ha.yaml --recording week.csv", Digest: "sha256:0", Verdict: TuneKeep,
		Why: []string{"None is better."}, Loop: result.DemandDriven, Sampler: "random", Seed: 1, Played: 60, Stopped: 2, Invalid: 1,
		Parameters: []TuneParameter{
			{Path: "spec.behavior.scaleDown.stabilizationWindowSeconds", Searched: "0..900:60", Current: "300", Cost: 0.6, Lacking: 0.2},
			{Path: "spec.metrics[0].prometheus.target.value", Searched: "5..12", Current: "10", Cost: 0.2, Lacking: 0.7},
		},
		Current:     TunePoint{In: figures(100, 50), Out: figures(26, 11)},
		Assumptions: []string{"every candidate meets the demand as it was"},
		Maps: []TuneMap{{X: "spec.behavior.scaleDown.stabilizationWindowSeconds", Y: "spec.metrics[0].prometheus.target.value", XLabels: []string{"0", "450"}, YLabels: []string{"5", "8"},
			Best: [][]float64{{0.8, 1.1}, {math.NaN(), 0.9}}, Trials: [][]int{{5, 6}, {0, 4}}, ChoiceX: -1, ChoiceY: -1}},
	}
	for i := range 60 {
		cost := 60 + float64(i)
		lacking := 3000/cost + float64(i*i%17)
		t.Points = append(t.Points, TunePoint{Trial: i + 1, In: figures(cost, lacking), Out: figures(cost/4, lacking/4), Values: []string{"60", "8"}, Pareto: i*i%17 == 0})
	}
	for k := range 3 {
		t.Folds = append(t.Folds, TuneFold{From: 1767571200, Split: 1767571200 + int64(k+1)*172800, To: 1767571200 + int64(k+2)*172800,
			CurrentIn: figures(100, 50), CurrentOut: figures(26, 11), In: figures(100, 50), Out: figures(26, 11)})
	}
	if !chosen {
		return t
	}
	t.Verdict, t.Choice, t.Neighbours, t.Near, t.Plateau = TuneRecommend, 18, 4, 4, true
	for k := range t.Folds {
		f := &t.Folds[k]
		f.Trial, f.Held = 18, true
		f.In, f.Out = figures(77, 39), figures(20, 9.5)
	}
	t.HeldOut, t.CurrentHeldOut = figures(60, 28), figures(78, 33)
	t.Around = []TunePoint{{Trial: 61, Values: []string{"120", "8"}, In: figures(79, 38)}, {Trial: 62, Values: []string{"60", "9"}, Invalid: "no"}}
	return t
}

func TestTuneWords(t *testing.T) {
	best := tuned(true)
	if got, want := best.Headline(), "Use trial 18: in time it was not chosen by, 23.1 % fewer replica-hours and 13.6 % fewer breach minutes than under the current policy."; got != want {
		t.Errorf("headline %q, want %q", got, want)
	}
	text := best.Markdown()
	for _, words := range []string{"| trial 18 | 77 | 20 | 39 | 9.5 |", "best of 60 candidates (sampler random, seed 1)", "2 stopped early against a fixed bound", "`spec.metrics[0].prometheus.target.value`", "✓ yes"} {
		if !strings.Contains(text, words) {
			t.Errorf("summary.md does not say %q\n%s", words, text)
		}
	}
	if got, want := tuned(false).Headline(), "Keep what you have: none of 60 candidates beats the current policy."; got != want {
		t.Errorf("headline %q, want %q", got, want)
	}
	unranked := &Tune{Verdict: TuneUnranked}
	if _, err := unranked.HTML(); err != nil {
		t.Errorf("a page without figures: %v", err)
	}
}

func TestTuneInBrowser(t *testing.T) {
	b := openBrowser(t)
	for name, report := range map[string]*Tune{"chosen": tuned(true), "kept": tuned(false)} {
		dir := t.TempDir()
		if err := report.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		t.Run(name+" answers the pointer", func(t *testing.T) { pointAtCandidates(t, b, report, filepath.Join(dir, tuneHTML)) })
		for _, scheme := range []string{"light", "dark"} {
			b.open(filepath.Join(dir, tuneHTML), phoneWidth, phoneHeight, scheme)
			where := name + " (" + scheme + ")"
			b.Accessible("tune.html, " + where)
			if bad := evaluate[[]string](b, contrastScript); len(bad) > 0 {
				t.Errorf("%s: contrast below 4.5: %s", where, strings.Join(bad, "; "))
			}
			if width := evaluate[float64](b, `document.documentElement.scrollWidth`); width > phoneWidth {
				t.Errorf("%s: %v px wide; a phone has %d", where, width, phoneWidth)
			}
			for _, selector := range []string{"h1", ".badges .strong", "#candidates", "#plot svg.narrow"} {
				if bottom := evaluate[float64](b, "document.querySelector('"+selector+"').getBoundingClientRect().bottom"); bottom > phoneHeight {
					t.Errorf("%s: %s ends at %v px, below the first screen", where, selector, bottom)
				}
			}
		}
	}
	b.quiet()
}

// pointAtCandidates points at where candidates are drawn, and compares what the page says
// with the search.
func pointAtCandidates(t *testing.T, b *browser, report *Tune, page string) {
	b.open(page, 1200, 1000, "light")
	b.Accessible("tune.html, 1200")
	if evaluate[bool](b, `!document.getElementById('readout').hidden`) {
		t.Error("before anybody points, the page tells of a candidate")
	}
	for _, i := range []int{5, 17, 40} {
		p := &report.Points[i]
		at := evaluate[map[string]float64](b, fmt.Sprintf(`(() => {
			const svg = [...document.querySelectorAll('#plot svg')].find(s => s.getClientRects().length), box = svg.getBoundingClientRect();
			const [left, right, top, bottom, minX, maxX, minY, maxY] = JSON.parse(svg.dataset.frame), k = box.width / svg.viewBox.baseVal.width;
			return {x: box.left + k * (left + (right - left) * (%v - minX) / (maxX - minX)), y: box.top + k * (bottom - (bottom - top) * (%v - minY) / (maxY - minY))};
		})()`, p.In.ReplicaHours, p.In.BreachMinutes))
		b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at["x"], at["y"]))
		text := evaluate[string](b, readoutText)
		for _, want := range []string{fmt.Sprintf("trial %d ", p.Trial), "replica-hours " + number(p.In.ReplicaHours) + " in-sample, " + number(p.Out.ReplicaHours) + " held out", "stabilizationWindowSeconds=60"} {
			if !strings.Contains(text, want) {
				t.Errorf("at trial %d the page says %q, not %q", p.Trial, text, want)
			}
		}
	}
	evaluate[any](b, `document.getElementById('plot').focus(); null`)
	before := evaluate[string](b, readoutText)
	b.do(chromedp.KeyEvent(kb.ArrowRight))
	if after := evaluate[string](b, readoutText); after == before || after == "" {
		t.Errorf("the arrow key leaves %q as it was", before)
	}
	b.do(chromedp.KeyEvent(kb.Escape))
	if text := evaluate[string](b, readoutText); text != "" {
		t.Errorf("after Esc the page still says %q", text)
	}
}

// The page offers each candidate as replay takes it, as one argument of a shell.
func TestTuneVariants(t *testing.T) {
	for _, c := range tuned(true).told() {
		want := "--variant '" + strings.ReplaceAll(c.Name, " ", "-") + "=spec.behavior.scaleDown.stabilizationWindowSeconds=60,spec.metrics[0].prometheus.target.value=8'"
		if c.Name == "current" {
			want = ""
		}
		if c.Variant != want {
			t.Errorf("%s: %q, want %q", c.Name, c.Variant, want)
		}
	}
}
