package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientprometheus "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

// export serves a series demand{app} for each name, whose values move up and
// down until the test ends.
func export(t *testing.T, names []string, random *rand.Rand) (address string) {
	t.Helper()
	demand := clientprometheus.NewGaugeVec(clientprometheus.GaugeOpts{Name: "demand", Help: "Things to do."}, []string{"app"})
	registry := clientprometheus.NewRegistry()
	registry.MustRegister(demand)
	for _, name := range names {
		demand.WithLabelValues(name).Set(50)
	}
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go wait.UntilWithContext(ctx, func(context.Context) {
		if name := names[random.IntN(len(names))]; random.IntN(3) == 0 {
			demand.WithLabelValues(name).Set(float64(random.IntN(200)))
		}
	}, 100*time.Millisecond)
	return strings.TrimPrefix(server.URL, "http://")
}

// startPrometheus runs a real one that scrapes the address every second.
func startPrometheus(t *testing.T, address string) (url string) {
	t.Helper()
	binary := servertest.Prometheus(t)
	directory := t.TempDir()
	config := filepath.Join(directory, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- {job_name: app, static_configs: [{targets: [%q]}]}\n", address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := listener.Addr().String()
	listener.Close()
	log, err := os.Create(filepath.Join(directory, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(binary, "--config.file", config, "--storage.tsdb.path", filepath.Join(directory, "data"), "--web.listen-address", own)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	url = "http://" + own
	err = wait.PollUntilContextTimeout(context.Background(), poll, timeout, true, func(context.Context) (bool, error) {
		response, err := http.Get(url + "/-/ready")
		if err != nil {
			return false, nil
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("Prometheus does not become ready: %v\n%s", err, said)
	}
	return url
}
