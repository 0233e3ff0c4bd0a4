package recording

import "github.com/prometheus/prometheus/model/labels"

// shown writes a series as PromQL does, name{label="value"}: labels.Labels
// itself shows the name as a label.
func shown(series labels.Labels) string {
	name := series.Get(labels.MetricName)
	rest := series.DropMetricName()
	if rest.IsEmpty() && name != "" {
		return name
	}
	return name + rest.String()
}
