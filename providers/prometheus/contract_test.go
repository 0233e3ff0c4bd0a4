package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
	"github.com/karpenter-sim/karpenter/providers/prometheus"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

// A breakable forwards to a server, unless it is told to answer itself or not at all.
type breakable struct {
	http.Handler
	class atomic.Pointer[error]
	hangs atomic.Bool
	// ended is closed when nobody needs to hang any more.
	ended chan struct{}
}

func (b *breakable) fail(class error) {
	if class == nil {
		b.class.Store(nil)
		return
	}
	b.class.Store(&class)
}

// refusals are what servers and what stands before them answer for a class.
var refusals = map[error]struct {
	status int
	body   string
}{
	cycle.ErrUnavailable: {http.StatusBadGateway, "<html>no upstream</html>"},
	cycle.ErrThrottled:   {http.StatusTooManyRequests, "too many requests"},
	cycle.ErrForbidden:   {http.StatusForbidden, "forbidden"},
	cycle.ErrTimedOut:    {http.StatusServiceUnavailable, `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`},
}

// ServeHTTP implements http.Handler.
func (b *breakable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.hangs.Load() {
		<-b.ended
		return
	}
	if class := b.class.Load(); class != nil {
		refusal := refusals[*class]
		w.WriteHeader(refusal.status)
		fmt.Fprint(w, refusal.body)
		return
	}
	b.Handler.ServeHTTP(w, r)
}

// harness is that of a client of a server that has the samples at an instant.
func harness(t *testing.T, server http.Handler, at time.Time) providertest.MetricHarness {
	t.Helper()
	b := &breakable{Handler: server, ended: make(chan struct{})}
	front := httptest.NewServer(b)
	t.Cleanup(func() {
		close(b.ended)
		front.Close()
	})
	source, err := prometheus.New(prometheus.Options{URL: front.URL})
	if err != nil {
		t.Fatal(err)
	}
	return providertest.MetricHarness{
		Source: source, At: at, Fail: b.fail, Hang: func() { b.hangs.Store(true) },
		Classes: []error{cycle.ErrUnavailable, cycle.ErrThrottled, cycle.ErrForbidden, cycle.ErrTimedOut},
	}
}

// TestContractOverFake holds the client to the contract with the simulator's
// Prometheus behind HTTP, as the tests of parity use it.
func TestContractOverFake(t *testing.T) {
	providertest.MetricSource(t, func(t *testing.T) providertest.MetricHarness {
		var specs []fake.InputSpec
		for line := range strings.Lines(providertest.MetricSamples) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			specs = append(specs, fake.InputSpec{Series: name, Values: strings.TrimSpace(strings.Repeat(strings.TrimPrefix(value, "+")+" ", 60))})
		}
		feed, err := fake.InputSeries(start, 15*time.Second, specs)
		if err != nil {
			t.Fatal(err)
		}
		served := fake.NewPrometheus(fake.Options{})
		served.Attach(feed)
		at := time.UnixMilli(start).Add(5 * time.Minute)
		if err := served.Advance(at.Add(time.Minute).UnixMilli()); err != nil {
			t.Fatal(err)
		}
		return harness(t, fake.Handler(served), at)
	})
}

// TestContractOverPrometheus holds the client to the contract with a real server.
func TestContractOverPrometheus(t *testing.T) {
	server, at := startPrometheus(t)
	providertest.MetricSource(t, func(t *testing.T) providertest.MetricHarness {
		return harness(t, httputil.NewSingleHostReverseProxy(server), at)
	})
}

// startPrometheus starts a server, has it scrape the samples, and returns an instant
// at which it has them.
func startPrometheus(t *testing.T) (*url.URL, time.Time) {
	t.Helper()
	binary, directory := servertest.Prometheus(t), t.TempDir()
	if testing.Short() {
		t.Skip("a real Prometheus takes longer than -short allows")
	}
	samples := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, providertest.MetricSamples)
	}))
	t.Cleanup(samples.Close)
	listening := httptest.NewServer(nil) // for a port that is free
	own := strings.TrimPrefix(listening.URL, "http://")
	listening.Close()
	config := fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs: [{job_name: app, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(samples.URL, "http://"))
	file := filepath.Join(directory, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, "--config.file", file, "--storage.tsdb.path", filepath.Join(directory, "data"), "--web.listen-address", own)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	source, err := prometheus.New(prometheus.Options{URL: "http://" + own})
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		// Past the last sample, which lookback bridges.
		at := time.Now().Add(time.Minute).Truncate(time.Second)
		answers := make([]cycle.Answer, 1)
		source.QueryAll(t.Context(), []cycle.Query{{Text: `count({job="app"})`}}, at, time.Minute, answers)
		if answers[0].Err == nil && answers[0].Result.Value > 0 {
			return &url.URL{Scheme: "http", Host: own}, at
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("Prometheus has no sample after a minute: %+v", answers[0])
		}
	}
}
