package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/pool"
)

const (
	// demand is the query that ../checkout.yaml scales by.
	demand = `sum(rate(http_requests_total{service="checkout"}[1m]))`
	// decideEvery is how often the replicas are decided.
	decideEvery = 15 * time.Second
	// patience is how long a request waits for a worker.
	patience = 1500 * time.Millisecond
)

// service is the HTTP service and its metrics.
type service struct {
	pool     *pool.Pool
	requests *prometheus.CounterVec
	duration prometheus.Histogram
	inFlight prometheus.Gauge
}

func serve(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:18080", "address to serve on")
	source := flags.String("prometheus", "http://127.0.0.1:19090", "Prometheus server that the autoscaler asks")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := api.NewClient(api.Config{Address: *source})
	if err != nil {
		return fmt.Errorf("--prometheus: %w", err)
	}

	workers := &pool.Pool{}
	replicas := newDeployment(workers, 2, time.Now())
	go autoscale(ctx, promv1.NewAPI(client), replicas)

	server := &http.Server{Addr: *listen, Handler: routes(workers, replicas), ReadHeaderTimeout: time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes(workers *pool.Pool, replicas *deployment) http.Handler {
	label := prometheus.Labels{"service": "checkout"}
	s := &service{
		pool: workers,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by status code.", ConstLabels: label,
		}, []string{"code"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time from a request's arrival to its answer.", ConstLabels: label,
			Buckets: []float64{0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2},
		}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "Requests that have arrived and are not answered.", ConstLabels: label,
		}),
	}
	queue := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_queue_depth", Help: "Requests waiting for a worker.", ConstLabels: label,
	}, func() float64 { return float64(workers.Depth()) })
	for _, code := range []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		s.requests.WithLabelValues(strconv.Itoa(code)) // rates need a first sample at 0
	}

	own, cluster := prometheus.NewRegistry(), prometheus.NewRegistry()
	own.MustRegister(s.requests, s.duration, s.inFlight, queue, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	cluster.MustRegister(replicas)

	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(own, promhttp.HandlerOpts{}))
	mux.Handle("/kube-state-metrics", promhttp.HandlerFor(cluster, promhttp.HandlerOpts{}))
	mux.HandleFunc("/checkout", s.checkout)
	return mux
}

// checkout answers one request: it waits for a worker, keeps it for the service
// time and counts what came of it.
func (s *service) checkout(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.inFlight.Inc()
	defer s.inFlight.Dec()

	code := s.work(r.Context())
	w.WriteHeader(code)
	s.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	s.duration.Observe(time.Since(start).Seconds())
}

func (s *service) work(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch err := s.pool.Acquire(ctx); {
	case errors.Is(err, pool.ErrQueueFull):
		return http.StatusServiceUnavailable
	case err != nil:
		return http.StatusGatewayTimeout
	}
	defer s.pool.Release()
	// A fixed part and a long tail, 200 ms on average.
	time.Sleep(120*time.Millisecond + time.Duration(rand.ExpFloat64()*float64(80*time.Millisecond)))
	return http.StatusOK
}

// autoscale decides the replicas every decideEvery and lets pods become ready
// in between. A failed query keeps the replicas as they are.
func autoscale(ctx context.Context, source promv1.API, d *deployment) {
	policy := production()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	next := time.Now().Truncate(decideEvery).Add(decideEvery)

	for {
		select {
		case <-ctx.Done():
			return
		case now := <-second.C:
			if !now.Before(next) {
				next = next.Add(decideEvery)
				if rate, err := ask(ctx, source, now); err != nil {
					fmt.Fprintln(os.Stderr, "checkout: replicas kept:", err)
				} else {
					d.scale(policy.decide(now, d.spec, rate), now)
				}
			}
			d.settle(now)
		}
	}
}

func ask(ctx context.Context, source promv1.API, now time.Time) (float64, error) {
	value, _, _, err := source.Query(ctx, demand, now, promv1.WithTimeout(time.Second))
	if err != nil {
		return 0, err
	}
	vector, ok := value.(model.Vector)
	if !ok || len(vector) != 1 {
		return 0, fmt.Errorf("%s: want one sample, got %v", demand, value)
	}
	return float64(vector[0].Value), nil
}
