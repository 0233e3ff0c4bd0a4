package convert

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// metricConfig is how the annotations of kube-metrics-adapter begin:
// metric-config.TYPE.NAME.COLLECTOR/KEY.
const metricConfig = "metric-config."

// annotated is the PromQL that an annotation for kube-metrics-adapter gives for a
// metric of a type ("external", "object"): at the metric's own name, or, of the
// metric prometheus-query, at the name that its selector has as query-name.
func (c *converter) annotated(kind, name string, s *metav1.LabelSelector) (query, key string) {
	prefix := metricConfig + kind + "." + name + ".prometheus/"
	if text := strings.TrimSpace(c.annotations[prefix+"query"]); text != "" {
		return text, prefix + "query"
	}
	if s != nil {
		if named := s.MatchLabels["query-name"]; named != "" {
			if text := strings.TrimSpace(c.annotations[prefix+named]); text != "" {
				return text, prefix + named
			}
		}
	}
	return "", ""
}

// noteAdapter notes the annotations for the collector of a metric beside its query.
func (c *converter) noteAdapter(kind, name, key string) {
	path := field.NewPath("metadata", "annotations")
	prefix := metricConfig + kind + "." + name + ".prometheus/"
	for _, other := range foreign(c.annotations, nil) {
		rest, ok := strings.CutPrefix(other, prefix)
		if !ok || other == key {
			continue
		}
		switch rest {
		case "interval":
			c.changed(path.Key(other), "every decision queries anew")
		case "prometheus-server":
			c.noteServer(c.annotations[other], path.Key(other))
		case "per-replica":
			if c.annotations[other] == "true" {
				c.lost(path.Key(other), "the adapter divides the value by the replicas: a target of type AverageValue does that by itself; with one of type Value, divide in the query")
			}
		default:
			if strings.TrimSpace(c.annotations[other]) != "" && name != "prometheus-query" {
				c.dropped(path.Key(other), "not known of kube-metrics-adapter's prometheus collector and not carried over")
			}
		}
	}
}

// usedAnnotations are the annotations of kube-metrics-adapter for Prometheus.
func usedAnnotations(annotations map[string]string) []string {
	var used []string
	for key := range annotations {
		name, _, _ := strings.Cut(key, "/")
		if strings.HasPrefix(key, metricConfig) && strings.HasSuffix(name, ".prometheus") {
			used = append(used, key)
		}
	}
	return used
}

// googleMetric is the series behind a metric of Google Cloud's managed Prometheus,
// prometheus.googleapis.com|NAME|KIND, as its adapter has it: a counter by the
// second.
func googleMetric(name string) (series string, counter, ok bool) {
	parts := strings.Split(name, "|")
	switch {
	case len(parts) == 3 && parts[0] == "prometheus.googleapis.com":
		kind, _, _ := strings.Cut(parts[2], ":") // unknown:counter
		if _, as, found := strings.Cut(parts[2], ":"); found {
			kind = as
		}
		return parts[1], kind == "counter", parts[1] != ""
	case len(parts) == 3 && parts[0] == "external.googleapis.com" && parts[1] == "prometheus":
		return parts[2], false, parts[2] != ""
	}
	return "", false, false
}

// googlePrefixes stand before the labels of a series in the selectors of Google's
// adapter.
var googlePrefixes = []string{"metric.labels.", "resource.labels.", "metadata.system.labels.", "metadata.user.labels."}

// withoutPrefixes is a selector with the labels as the series has them.
func withoutPrefixes(s *metav1.LabelSelector) *metav1.LabelSelector {
	if s == nil {
		return nil
	}
	plain := func(label string) string {
		for _, prefix := range googlePrefixes {
			label = strings.TrimPrefix(label, prefix)
		}
		return label
	}
	out := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for label, value := range s.MatchLabels {
		out.MatchLabels[plain(label)] = value
	}
	for _, r := range s.MatchExpressions {
		r.Key = plain(r.Key)
		out.MatchExpressions = append(out.MatchExpressions, r)
	}
	return out
}

// googleQuery is the sum of the series of such a metric.
func (c *converter) googleQuery(name string, matchers []matcher) string {
	series, counter, _ := googleMetric(name)
	expr := selector(metricName(series), matchers...)
	if counter {
		expr = fmt.Sprintf("rate(%s[%s])", expr, c.options.RateWindow)
	}
	return fmt.Sprintf("sum(%s)", expr)
}
