package browsertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/chromedp/chromedp"
)

// A violation holds what axe-core found, as far as a message needs it.
type violation struct {
	ID    string
	Help  string
	Nodes []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	}
}

// Accessible fails the test where axe-core finds something on the page that is shown that
// keeps people from using it: the rules of WCAG 2.2, levels A and AA. AXE_JS names the
// file axe.min.js; without it nothing is looked at. KARPENTER_PICTURES names a directory
// that keeps a picture of each state, for people to look at.
func (b *Browser) Accessible(state string) {
	b.t.Helper()
	b.keep(state)
	name := os.Getenv("AXE_JS")
	if name == "" {
		return
	}
	source, err := os.ReadFile(name)
	if err != nil {
		b.t.Fatal(err)
	}
	Evaluate[bool](b, string(source)+"; true")
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](
		`axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: axe-core: %v", state, err)
	}
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		var places []string
		for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
			places = append(places, n.HTML+"\n      "+strings.ReplaceAll(n.FailureSummary, "\n", "\n      "))
		}
		b.t.Errorf("%s: %s: %s, at %d places:\n    %s", state, v.ID, v.Help, len(v.Nodes), strings.Join(places, "\n    "))
	}
}

// keep keeps a picture of the whole page.
func (b *Browser) keep(state string) {
	b.t.Helper()
	dir := os.Getenv("KARPENTER_PICTURES")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("%s: a picture: %v", state, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(state), "-")
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
