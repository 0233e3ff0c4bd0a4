package main

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/simtoreal"
)

const (
	// seconds is how long a run is.
	seconds = 220
	// scrapes is how often Prometheus scrapes, which the controller is told.
	scrapes = 2 * time.Second
	// lead is how long a policy waits: a replay begins where every range is covered.
	lead = 12 * time.Second
	// repetitions is how often each run is made.
	repetitions = 2
	// leastStartUp and mostStartUp bound how long pods take to become ready.
	leastStartUp, mostStartUp = "5s", "9s"
)

// shapes are loads in requests a second, by the second. Whoever works on the model
// looks at the first three; three more each time are there to prove it.
var shapes = []struct {
	name string
	rate func(second float64) float64
}{
	{"spike", func(s float64) float64 { return 10 + 35*(ramp(s, 80, 85)-ramp(s, 140, 145)) }},
	{"waves", func(s float64) float64 { return 25 - 15*math.Cos(2*math.Pi*s/80) }},
	{"climb", func(s float64) float64 { return 8 + 36*ramp(s, 75, 155) - 30*ramp(s, 175, 178) }},
	{"stairs", func(s float64) float64 { return 11 + 13*ramp(s, 60, 62) + 15*ramp(s, 105, 107) - 20*ramp(s, 160, 162) }},
	{"surge", func(s float64) float64 {
		return 16 + 6*math.Sin(2*math.Pi*s/50) + 18*(ramp(s, 95, 103)-ramp(s, 165, 185))
	}},
	{"return", func(s float64) float64 { return 10 + 30*ramp(s, 30, 60) - 27*ramp(s, 85, 130) + 24*ramp(s, 150, 156) }},
	{"bursts", func(s float64) float64 {
		return 12 + 26*(ramp(s, 60, 64)-ramp(s, 85, 90)) + 30*(ramp(s, 130, 133)-ramp(s, 165, 175))
	}},
	{"tide", func(s float64) float64 { return 22 - 12*math.Cos(2*math.Pi*s/110) + 5*math.Sin(2*math.Pi*s/37) }},
	{"ebb", func(s float64) float64 {
		return 8 + 40*ramp(s, 25, 50) - 16*ramp(s, 90, 95) - 16*ramp(s, 140, 145) + 20*ramp(s, 185, 190)
	}},
}

// ramp grows from 0 to 1 between two instants.
func ramp(at, from, to float64) float64 { return min(max((at-from)/(to-from), 0), 1) }

// busy is the share of their time that the workers of a namespace spend on requests.
const busy = `sum(rate(worker_busy_seconds_total{namespace=%[1]q}[10s])) / %[2]d / scalar(sum(kube_deployment_status_replicas_ready{namespace=%[1]q}))`

// kinds lists the metrics that policies scale by. The larger its replicas, and the load with them,
// the less chance there is in what a service measures.
var kinds = []struct {
	name, called string
	utilization  bool
	workers      int // of a replica
}{
	{"requests", "requests", false, 1},
	{"utilization", "utilization", true, 1},
	{"large", "utilization of large replicas", true, 4},
}

// A policy holds what differs between the runs of a service.
type policy struct {
	name string
	// perReplica is the target of requests, and percent that of utilization.
	perReplica, percent string
	most                int
	up                  string
	window              int
}

// policies are tried on every service.
var policies = []policy{
	{"base", "4", "80", 20, "", 30},
	{"slow", "4", "80", 20, "[{type: Count, value: 1, periodSeconds: 20}]", 30},
	{"bound", "4", "80", 6, "", 30},
	{"hot", "4.75", "95", 20, "", 30},
	{"generous", "2.5", "50", 20, "", 30},
	{"restless", "4", "80", 20, "", 0},
}

// arrivals are the requests a second of a service.
func arrivals(namespace string) string {
	return fmt.Sprintf(`sum(rate(http_requests_total{namespace=%q}[10s]))`, namespace)
}

// manifest is the policy of a service.
func (p *policy) manifest(namespace string, kind int) string {
	query, target := arrivals(namespace), fmt.Sprintf("{type: AverageValue, averageValue: %q}", p.perReplica)
	if k := &kinds[kind]; k.utilization {
		query, target = fmt.Sprintf(busy, namespace, k.workers), fmt.Sprintf("{type: Utilization, averageUtilization: %s}", p.percent)
	}
	up := ""
	if p.up != "" {
		up = "\n    scaleUp: {policies: " + p.up + "}"
	}
	return fmt.Sprintf(`apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {namespace: %s, name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: %d
  pollingIntervalSeconds: 5
  metrics:
  - prometheus:
      query: '%s'
      target: %s
  behavior:%s
    scaleDown: {stabilizationWindowSeconds: %d}
`, namespace, p.most, query, target, up, p.window)
}

// A played is a service that is recorded under one policy after the other.
type played struct {
	name        string
	shape, kind int
	service     *service
	start       time.Time
}

// recordPredictions runs every service of some shapes and kinds under every policy. The
// seed gives the arrivals.
func recordPredictions(ctx context.Context, p *plane, out string, loads, some []string, count int, seed uint64) error {
	watched, err := watch(ctx, p.config)
	if err != nil {
		return err
	}
	host := &services{}
	address := httptest.NewServer(host)
	defer address.Close()
	source, err := p.startPrometheus(ctx, strings.TrimPrefix(address.URL, "http://"), scrapes)
	if err != nil {
		return err
	}
	if err := p.install(ctx, source.url, scrapes); err != nil {
		return err
	}
	var all []*played
	for shape := range shapes {
		for kind := range kinds {
			if !slices.Contains(loads, shapes[shape].name) || !slices.Contains(some, kinds[kind].name) {
				continue
			}
			for n := range repetitions {
				all = append(all, &played{name: fmt.Sprintf("%s-%s-%d", shapes[shape].name, kinds[kind].name, n+1), shape: shape, kind: kind})
			}
		}
	}
	for i := range policies[:count] {
		of := &policies[i]
		fmt.Fprintf(os.Stderr, "%s: policy %s of %d services for %ds, load average %s\n", time.Now().Format(time.TimeOnly), of.name, len(all), seconds, loadAverage())
		if err := p.playAll(ctx, watched, host, address.URL, of, all, out, seed); err != nil {
			return err
		}
		for _, s := range all {
			if err := s.write(ctx, p, watched, source, of, out); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if err := p.remove(ctx, s.name); err != nil {
				return err
			}
		}
	}
	for _, s := range all {
		k := &kinds[s.kind]
		described := simtoreal.Service{Name: s.name, Kind: k.called, Arrivals: arrivals(s.name), Capacity: capacity * float64(k.workers), Lag: "5s", ScrapeInterval: scrapes.String()}
		for i := range policies[:count] {
			described.Policies = append(described.Policies, policies[i].name)
		}
		if err := writeJSON(filepath.Join(out, s.name, "service.json"), &described); err != nil {
			return err
		}
	}
	return nil
}

// playAll lets load arrive at all services under one policy.
func (p *plane) playAll(ctx context.Context, watched *cluster, host *services, url string, of *policy, all []*played, out string, seed uint64) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(watched)
	for _, s := range all {
		s.service = newService(s.name, registry)
		watched.begin(s.name, func(ready int) { s.service.workers.Resize(ready * kinds[s.kind].workers) })
	}
	host.serve(registry, all)
	for _, s := range all {
		if err := p.deploy(ctx, s.name, initial, leastStartUp, mostStartUp); err != nil {
			return err
		}
	}
	var files []string
	for _, s := range all {
		if err := p.ready(ctx, s.name); err != nil {
			return err
		}
		file := filepath.Join(out, s.name, of.name+".yaml")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(of.manifest(s.name, s.kind)), 0o644); err != nil {
			return err
		}
		files = append(files, file)
	}
	var sending sync.WaitGroup
	for i, s := range all {
		// Each at another instant of its polling interval, as in life.
		s.start = time.Now().Add(time.Duration(i%repetitions) * 1700 * time.Millisecond)
		sending.Go(func() {
			send(ctx, url+"/"+s.name, s.start, s.rate(), seed+uint64(s.shape))
		})
	}
	// All policies begin with the same replicas when the first replay can: a policy that
	// had acted before would have chosen where the prediction of the others begins.
	if err := p.pass(ctx, lead); err != nil {
		return err
	}
	if err := p.apply(files...); err != nil {
		return err
	}
	if err := p.pass(ctx, (seconds+2*repetitions)*time.Second-lead); err != nil {
		return err
	}
	sending.Wait()
	return ctx.Err()
}

func (s *played) rate() []float64 {
	rate := make([]float64, seconds)
	for i := range rate {
		rate[i] = shapes[s.shape].rate(float64(i)+0.5) * float64(kinds[s.kind].workers)
	}
	return rate
}

// write writes what happened under a policy.
func (s *played) write(ctx context.Context, p *plane, watched *cluster, source *server, of *policy, out string) error {
	r := simtoreal.Run{
		Start: float64(s.start.UnixMilli()) / 1000, Rate: s.rate(),
		Arrived: int(s.service.arrived.Load()), Served: int(s.service.served.Load()),
		Refused: int(s.service.refused.Load()), Late: int(s.service.late.Load()),
	}
	r.Spec, r.Ready = watched.course(s.name)
	base := filepath.Join(out, s.name, of.name)
	if err := writeJSON(base+".json", &r); err != nil {
		return err
	}
	if err := writeJournal(base+".jsonl.gz", p.journal(), s.name, s.start); err != nil {
		return err
	}
	return source.export(ctx, base+".om.gz", s.start, s.start.Add(seconds*time.Second), fmt.Sprintf("{namespace=%q}", s.name))
}

// services serves requests to each service under its name, and the metrics of all.
type services struct {
	mu      sync.RWMutex
	byName  map[string]http.Handler
	metrics http.Handler
}

func (h *services) serve(registry *prometheus.Registry, all []*played) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.metrics, h.byName = promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), map[string]http.Handler{}
	for _, s := range all {
		h.byName["/"+s.name] = s.service
	}
}

// ServeHTTP implements http.Handler.
func (h *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.RLock()
	handler := h.byName[r.URL.Path]
	if r.URL.Path == "/metrics" {
		handler = h.metrics
	}
	h.mu.RUnlock()
	if handler == nil {
		http.NotFound(w, r)
		return
	}
	handler.ServeHTTP(w, r)
}

// loadAverage is how many programs want a core, over the last minute.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
