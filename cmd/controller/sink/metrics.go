package sink

import "github.com/prometheus/client_golang/prometheus"

// metrics are the sink's own.
type metrics struct {
	dropped prometheus.Counter
	bytes   prometheus.Counter
	failed  prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_journal_dropped_lines_total", Help: "Lines of the journal that were lost because writing was too slow or failed.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_journal_written_bytes_total", Help: "Bytes written to journal files, before compression.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "karpenter_autoscaling_journal_errors_total", Help: "Failed operations on journal files.",
		}),
	}
	for _, c := range []prometheus.Collector{m.dropped, m.bytes, m.failed} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
