package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/pool"
)

// A worker is busy for 200 ms a request on average: it serves five requests a second.
const (
	capacity = 5.0
	patience = 1500 * time.Millisecond
)

// A service answers requests with as many workers as its Deployment has ready pods.
type service struct {
	workers  pool.Pool
	requests *prometheus.CounterVec
	busy     prometheus.Counter

	arrived, served, refused, late atomic.Int64
}

// newService returns the service of a namespace, whose series a registry exports.
func newService(namespace string, registry prometheus.Registerer) *service {
	label := prometheus.Labels{"namespace": namespace}
	s := &service{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered, by status code.", ConstLabels: label,
		}, []string{"code"}),
		busy: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "worker_busy_seconds_total", Help: "Time that workers spent on requests.", ConstLabels: label,
		}),
	}
	for _, code := range []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		s.requests.WithLabelValues(strconv.Itoa(code)) // rates need a first sample at 0
	}
	registry.MustRegister(s.requests, s.busy)
	return s
}

// ServeHTTP implements http.Handler: a request waits for a worker, keeps it for the
// service time, and is counted by what came of it.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.arrived.Add(1)
	code := s.work(r.Context())
	switch code {
	case http.StatusOK:
		s.served.Add(1)
	case http.StatusServiceUnavailable:
		s.refused.Add(1)
	default:
		s.late.Add(1)
	}
	s.requests.WithLabelValues(strconv.Itoa(code)).Inc()
	w.WriteHeader(code)
}

func (s *service) work(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch err := s.workers.Acquire(ctx); {
	case errors.Is(err, pool.ErrQueueFull):
		return http.StatusServiceUnavailable
	case err != nil:
		return http.StatusGatewayTimeout
	}
	defer s.workers.Release()
	// A fixed part and a long tail. A worker is busy for as long as it was held, which
	// on a machine that has much else to do is longer.
	began := time.Now()
	time.Sleep(120*time.Millisecond + time.Duration(rand.ExpFloat64()*float64(80*time.Millisecond)))
	s.busy.Add(time.Since(began).Seconds())
	return http.StatusOK
}

// send sends requests at random (Poisson) times from start on, at the rate of each
// second, whatever becomes of them. The same seed gives the same times.
func send(ctx context.Context, url string, start time.Time, rate []float64, seed uint64) {
	client := &http.Client{Timeout: 2 * patience, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}
	defer client.CloseIdleConnections()
	random := rand.New(rand.NewPCG(seed, 0))
	var sent sync.WaitGroup
	defer sent.Wait()
	for at := 0.0; ; {
		second := int(at)
		if second >= len(rate) {
			return
		}
		// Exponential gaps are memoryless: one that leaves its second is drawn anew there.
		gap := random.ExpFloat64() / rate[second]
		if at+gap >= float64(second+1) {
			at = float64(second + 1)
			continue
		}
		at += gap
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(time.Duration(at * float64(time.Second))))):
		}
		sent.Go(func() {
			answer, err := client.Get(url)
			if err != nil {
				return // the service counts what came of it
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		})
	}
}
