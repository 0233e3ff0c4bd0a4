package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/pool"
)

// workersPerReplica and the service time of request() give one replica its ten
// requests a second.
const workersPerReplica = 2

// deployment stands for the Deployment shop/checkout: it holds pods, makes them
// ready some time after their creation, and sizes the pool by the ready ones.
type deployment struct {
	pool *pool.Pool

	mu      sync.Mutex
	random  *rand.Rand
	spec    int
	created int // pods ever created, part of the next one's name
	pods    []pod
}

type pod struct {
	name           string
	created, ready time.Time
}

func newDeployment(p *pool.Pool, replicas int, now time.Time) *deployment {
	d := &deployment{pool: p, random: rand.New(rand.NewPCG(1, 1))}
	d.scale(replicas, now)
	for i := range d.pods {
		d.pods[i].ready = now
	}
	d.settle(now)
	return d
}

// scale sets spec.replicas, creating pods or removing the youngest.
func (d *deployment) scale(replicas int, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spec = replicas
	for len(d.pods) < replicas {
		d.created++
		d.pods = append(d.pods, pod{
			name:    fmt.Sprintf("checkout-6c9f7d5b48-%05d", d.created),
			created: now,
			// Scheduling, pulling a cached image, a first successful probe.
			ready: now.Add(12*time.Second + time.Duration(d.random.ExpFloat64()*float64(6*time.Second))),
		})
	}
	d.pods = d.pods[:replicas]
}

// settle gives the pool the workers of the pods that are ready by now.
func (d *deployment) settle(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pool.Resize(d.readyPods(now) * workersPerReplica)
}

func (d *deployment) readyPods(now time.Time) int {
	n := 0
	for _, p := range d.pods {
		if !p.ready.After(now) {
			n++
		}
	}
	return n
}

// Describe sends nothing: the pods' series come and go.
func (d *deployment) Describe(chan<- *prometheus.Desc) {}

// Collect sends what kube-state-metrics would say about the Deployment and its
// pods, under the same names.
func (d *deployment) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()

	for _, s := range []struct {
		name, help string
		value      int
	}{
		{"kube_deployment_spec_replicas", "Number of desired pods for a deployment.", d.spec},
		{"kube_deployment_status_replicas", "The number of replicas per deployment.", len(d.pods)},
		{"kube_deployment_status_replicas_ready", "The number of ready replicas per deployment.", d.readyPods(now)},
	} {
		desc := prometheus.NewDesc(s.name, s.help, []string{"namespace", "deployment"}, nil)
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(s.value), "shop", "checkout")
	}

	created := prometheus.NewDesc("kube_pod_created", "Unix creation timestamp", []string{"namespace", "pod"}, nil)
	ready := prometheus.NewDesc("kube_pod_status_ready_time", "Readiness achieved time in unix timestamp for a pod.", []string{"namespace", "pod"}, nil)
	for _, p := range d.pods {
		ch <- prometheus.MustNewConstMetric(created, prometheus.GaugeValue, float64(p.created.Unix()), "shop", p.name)
		if !p.ready.After(now) {
			ch <- prometheus.MustNewConstMetric(ready, prometheus.GaugeValue, float64(p.ready.Unix()), "shop", p.name)
		}
	}
}
