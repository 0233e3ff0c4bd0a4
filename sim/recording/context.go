package recording

import (
	"regexp"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// workloadSeries are the replica series that kube-state-metrics publishes of a
// kind of workload.
type workloadSeries struct {
	label, spec, status, ready string
}

var workloads = map[string]workloadSeries{
	"deployment": {
		label:  "deployment",
		spec:   "kube_deployment_spec_replicas",
		status: "kube_deployment_status_replicas",
		ready:  "kube_deployment_status_replicas_ready",
	},
	"statefulset": {
		label:  "statefulset",
		spec:   "kube_statefulset_replicas",
		status: "kube_statefulset_status_replicas",
		ready:  "kube_statefulset_status_replicas_ready",
	},
	"replicaset": {
		label:  "replicaset",
		spec:   "kube_replicaset_spec_replicas",
		status: "kube_replicaset_status_replicas",
		ready:  "kube_replicaset_status_ready_replicas",
	},
}

const (
	podCreated   = "kube_pod_created"
	podScheduled = "kube_pod_status_scheduled_time"
	podReady     = "kube_pod_status_ready_time"
)

// podInstants are the series whose values are instants of a pod's start-up.
var podInstants = []string{podCreated, podScheduled, podReady}

// hpaSeries are an HPA's specification and status. An HPA may have any name, so
// those of the namespace are saved; kube_horizontalpodautoscaler_info tells
// which one has the target.
const hpaSeries = "kube_horizontalpodautoscaler_(info|spec_max_replicas|spec_min_replicas|spec_target_metric|status_condition|status_current_replicas|status_desired_replicas|status_target_metric)"

// ownSeries are the bounds and metrics of HorizontalAutoscalers, of the namespace as well.
const ownSeries = "karpenter_horizontalautoscaler_(desired_replicas|current_replicas|min_replicas|max_replicas|reason|paused|metric_value|metric_target|metric_available)"

// groupSeries are a node group's sizes and bounds, and the provider's issue with it.
const groupSeries = "karpenter_scalablenodegroup_(spec_replicas|desired_replicas|ready_replicas|min_replicas|max_replicas|trouble|failures_total)"

// ContextSelectors are the series, besides those of the queries, that say how
// a target was scaled when they were recorded: replicas, HPAs, and when pods
// were created, scheduled and ready; of a node group its sizes, bounds and what kept
// them from being reached. Of kinds that are no workloads there are the autoscalers' own.
// Autoscalers are the names that those of the target may have; without any, all of the
// namespace are saved.
func ContextSelectors(kind, namespace, name string, autoscalers ...string) []Selector {
	inNamespace := labels.MustNewMatcher(labels.MatchEqual, "namespace", namespace)
	own := autoscalerSelector(ownSeries, inNamespace, "name", autoscalers)
	w, ok := workloads[strings.ToLower(kind)]
	if !ok {
		selectors := []Selector{own}
		if strings.EqualFold(kind, journal.ScalableNodeGroup) {
			selectors = append(selectors, Selector{Matchers: []*labels.Matcher{
				labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, groupSeries),
				inNamespace, labels.MustNewMatcher(labels.MatchEqual, "name", name),
			}})
		}
		return selectors
	}
	var selectors []Selector
	for _, metric := range []string{w.spec, w.status, w.ready} {
		selectors = append(selectors, Selector{Matchers: []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, metric),
			inNamespace,
			labels.MustNewMatcher(labels.MatchEqual, w.label, name),
		}})
	}
	selectors = append(selectors, autoscalerSelector(hpaSeries, inNamespace, "horizontalpodautoscaler", autoscalers), own)
	for _, metric := range podInstants {
		selectors = append(selectors, Selector{Matchers: podMatchers(metric, namespace, name)})
	}
	return selectors
}

// autoscalerSelector is the series of autoscalers of a namespace, of those that a label
// names where there are names.
func autoscalerSelector(series string, inNamespace *labels.Matcher, label string, names []string) Selector {
	matchers := []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, series), inNamespace}
	if len(names) > 0 {
		var quoted []string
		for _, name := range names {
			quoted = append(quoted, regexp.QuoteMeta(name))
		}
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchRegexp, label, strings.Join(quoted, "|")))
	}
	return Selector{Matchers: matchers}
}

// podMatchers go by the pods' names: owners are not always recorded.
func podMatchers(metric, namespace, name string) []*labels.Matcher {
	return []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, metric),
		labels.MustNewMatcher(labels.MatchEqual, "namespace", namespace),
		labels.MustNewMatcher(labels.MatchRegexp, "pod", regexp.QuoteMeta(name)+"-.*"),
	}
}
