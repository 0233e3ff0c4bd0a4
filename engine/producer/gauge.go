package producer

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A Gauge is one series of a producer; its labels are the producer's name and
// namespace.
type Gauge struct {
	Name  string
	Value float64
}

// The names of the gauges that are no resource's.
const (
	QueueLength       = "karpenter_queue_length"
	QueueOldestAge    = "karpenter_queue_oldest_message_age_seconds"
	ScheduledReplicas = "karpenter_scheduled_replicas_value"
	PendingReplicas   = "karpenter_pending_capacity_replicas_value"
	PendingPods       = "karpenter_pending_capacity_pending_pods"
	UnschedulablePods = "karpenter_pending_capacity_unschedulable_pods"
)

// ReservedPrefix begins the names of the gauges of reserved capacity: the resource
// follows, and which of reserved, capacity and utilization it is.
const ReservedPrefix = "karpenter_reserved_capacity_"

// reservedName is the gauge of one of reserved, capacity and utilization.
func reservedName(resource corev1.ResourceName, of string) string {
	return ReservedPrefix + metricName(string(resource)) + "_" + of
}

// metricName replaces what a metric's name cannot hold: nvidia.com/gpu becomes
// nvidia_com_gpu.
func metricName(resource string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, resource)
}

// Help is the help text of a gauge.
func Help(name string) string {
	switch name {
	case QueueLength:
		return "Messages in the queue that a MetricsProducer reads."
	case QueueOldestAge:
		return "Age in seconds of the oldest message in the queue that a MetricsProducer reads."
	case ScheduledReplicas:
		return "Replicas that the schedule of a MetricsProducer asks for now."
	case PendingReplicas:
		return "Nodes that the group of a MetricsProducer should have for the pending pods it can run."
	case PendingPods:
		return "Pending pods that count for the group of a MetricsProducer."
	case UnschedulablePods:
		return "Pending pods that neither a node nor any group with a MetricsProducer can run."
	}
	switch {
	case strings.HasSuffix(name, "_reserved"):
		return "What pods request of a resource on the nodes that a MetricsProducer selects."
	case strings.HasSuffix(name, "_capacity"):
		return "What the nodes that a MetricsProducer selects offer of a resource."
	}
	return "Requested share, from 0, of a resource of the nodes that a MetricsProducer selects."
}
