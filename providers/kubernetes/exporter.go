package kubernetes

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

// An Exporter is a cycle.Exporter whose gauges Prometheus can scrape.
type Exporter struct {
	mu      sync.Mutex
	objects map[types.NamespacedName][]producer.Gauge
}

var (
	_ cycle.Exporter       = (*Exporter)(nil)
	_ prometheus.Collector = (*Exporter)(nil)
)

// NewExporter registers an exporter without series.
func NewExporter(registry prometheus.Registerer) (*Exporter, error) {
	e := &Exporter{objects: map[types.NamespacedName][]producer.Gauge{}}
	return e, registry.Register(e)
}

// Set implements cycle.Exporter.
func (e *Exporter) Set(object types.NamespacedName, gauges []producer.Gauge) {
	kept := append([]producer.Gauge(nil), gauges...)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.objects[object] = kept
}

// Withdraw implements cycle.Exporter.
func (e *Exporter) Withdraw(object types.NamespacedName) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.objects, object)
}

// Describe implements prometheus.Collector. The names of resources' gauges are
// not known beforehand.
func (e *Exporter) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e *Exporter) Collect(metrics chan<- prometheus.Metric) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for object, gauges := range e.objects {
		for _, g := range gauges {
			description := prometheus.NewDesc(g.Name, producer.Help(g.Name), []string{"namespace", "name"}, nil)
			metrics <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, g.Value, object.Namespace, object.Name)
		}
	}
}
