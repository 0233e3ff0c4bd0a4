// Package browsertest opens pages in headless Chromium for tests.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// browserNames are looked for in this order.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell", "chrome"}

// A Browser is a tab that notes what pages complain about and ask for.
type Browser struct {
	t        testing.TB
	ctx      context.Context
	lock     sync.Mutex
	console  []string
	requests []string
}

// Open starts headless Chromium; the test is skipped without one unless
// KARPENTER_REQUIRE_BROWSER=1.
func Open(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range browserNames {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		message := "no Chromium found; looked for " + strings.Join(browserNames, ", ")
		if os.Getenv("KARPENTER_REQUIRE_BROWSER") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true))
	deadline, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	allocator, stop := chromedp.NewExecAllocator(deadline, options...)
	t.Cleanup(stop)
	b := &Browser{t: t}
	b.ctx, cancel = chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		return err
	}))
	b.listen()
	return b
}

// Do carries out steps in the tab; one that fails ends the test.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *Browser) listen() {
	requests := chromedp.Events(b.ctx, network.RequestWillBeSent)
	go func() {
		for event, err := range requests {
			if err != nil {
				return
			}
			b.lock.Lock()
			b.requests = append(b.requests, event.Request.URL)
			b.lock.Unlock()
		}
	}()
	messages := chromedp.Console(b.ctx)
	go func() {
		for message, err := range messages {
			if err != nil {
				return
			}
			b.lock.Lock()
			b.console = append(b.console, string(message.Type)+": "+message.Text)
			b.lock.Unlock()
		}
	}()
}

// Show shows a page, by its address or as a file, at a size in CSS pixels, in the light
// or the dark scheme.
func (b *Browser) Show(page string, width, height int64, scheme string) {
	b.t.Helper()
	if !strings.Contains(page, "://") {
		absolute, err := filepath.Abs(page)
		if err != nil {
			b.t.Fatal(err)
		}
		page = "file://" + absolute
	}
	b.Do(
		chromedp.EmulateViewport(width, height, chromedp.EmulateMobile, chromedp.EmulateScale(2)),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}),
		chromedp.Navigate(page),
	)
}

// Evaluate returns the value of a JavaScript expression.
func Evaluate[T any](b *Browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%v in %s", err, expression)
	}
	return value
}

// Quiet fails the test where a page complained, or asked for something whose address
// does not begin with this.
func (b *Browser) Quiet(own string) {
	b.t.Helper()
	b.lock.Lock()
	defer b.lock.Unlock()
	for _, message := range b.console {
		b.t.Errorf("console: %s", message)
	}
	for _, url := range b.requests {
		if !strings.HasPrefix(url, own) {
			b.t.Errorf("request to %s", url)
		}
	}
	if len(b.requests) == 0 {
		b.t.Error("no request was seen, not even that of the page")
	}
}

// Requests returns the addresses that were asked for.
func (b *Browser) Requests() []string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return append([]string{}, b.requests...)
}
