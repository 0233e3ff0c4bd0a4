package reports

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/karpenter-sim/karpenter/reports/browsertest"
)

// A browser shows files.
type browser struct {
	*browsertest.Browser
	t *testing.T
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	return &browser{browsertest.Open(t), t}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.Do(steps...)
}

func (b *browser) open(file string, width, height int64, scheme string) {
	b.t.Helper()
	b.Show(file, width, height, scheme)
}

func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	return browsertest.Evaluate[T](b.Browser, expression)
}

// quiet fails the test where a page complained or asked for more than itself.
func (b *browser) quiet() {
	b.t.Helper()
	b.Quiet("file://")
	for _, url := range b.Requests() {
		if !strings.HasSuffix(url, ".html") {
			b.t.Errorf("request to %s", url)
		}
	}
}
