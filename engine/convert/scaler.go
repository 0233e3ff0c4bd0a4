package convert

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// A Scaler holds what a conversion has to know of a type of KEDA's triggers that is
// not converted by itself: a query stands in for it.
type Scaler struct {
	// Type is the trigger's.
	Type string
	// Threshold are the fields of its metadata that may hold the target; the first
	// that is there counts. Default is the target without any; if it is empty, one
	// is required.
	Threshold []string
	Default   string
	// Activation is the field of the value that a signal has to exceed to wake the
	// target.
	Activation string
	// Exporter is whose series usually have the signal, and series and labels are
	// these, a label for each field of the metadata; empty if there is no usual one.
	Exporter string
	series   string
	labels   []label
	// function is the aggregation of the series, "sum" unless it is given.
	function string
}

// A label has the value of a field of a trigger's metadata.
type label struct{ name, field string }

// Scalers are the types of triggers that a query can stand in for, by name.
var Scalers = []Scaler{
	{Type: "activemq", Threshold: []string{"targetQueueSize"}, Default: "10", Activation: "activationTargetQueueSize", Exporter: "the JMX exporter", series: "activemq_queue_size", labels: []label{{"destination", "destinationName"}}},
	{Type: "apache-kafka", Threshold: []string{"lagThreshold"}, Default: "10", Activation: "activationLagThreshold", Exporter: "kafka_exporter", series: "kafka_consumergroup_lag", labels: []label{{"consumergroup", "consumerGroup"}, {"topic", "topic"}}},
	{Type: "arangodb", Threshold: []string{"queryValue"}, Activation: "activationQueryValue"},
	{Type: "artemis-queue", Threshold: []string{"queueLength"}, Default: "10", Activation: "activationQueueLength", Exporter: "Artemis' metrics plugin", series: "artemis_message_count", labels: []label{{"queue", "queueName"}}},
	{Type: "aws-cloudwatch", Threshold: []string{"targetMetricValue"}, Activation: "activationTargetMetricValue"},
	{Type: "aws-dynamodb", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "aws-dynamodb-streams", Threshold: []string{"shardCount"}, Default: "2", Activation: "activationShardCount"},
	{Type: "aws-kinesis-stream", Threshold: []string{"shardCount"}, Default: "2", Activation: "activationShardCount"},
	{Type: "aws-sqs-queue", Threshold: []string{"queueLength"}, Default: "5", Activation: "activationQueueLength", Exporter: "the CloudWatch exporters", series: "aws_sqs_approximate_number_of_messages_visible_average"},
	{Type: "azure-app-insights", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "azure-blob", Threshold: []string{"blobCount"}, Default: "5", Activation: "activationBlobCount"},
	{Type: "azure-cosmosdb", Threshold: []string{"changeFeedLagThreshold"}, Default: "100", Activation: "activationChangeFeedLagThreshold"},
	{Type: "azure-data-explorer", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "azure-eventhub", Threshold: []string{"unprocessedEventThreshold"}, Default: "64", Activation: "activationUnprocessedEventThreshold"},
	{Type: "azure-log-analytics", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "azure-monitor", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "azure-pipelines", Threshold: []string{"targetPipelinesQueueLength"}, Default: "1", Activation: "activationTargetPipelinesQueueLength"},
	{Type: "azure-queue", Threshold: []string{"queueLength"}, Default: "5", Activation: "activationQueueLength"},
	{Type: "azure-servicebus", Threshold: []string{"messageCount"}, Default: "5", Activation: "activationMessageCount"},
	{Type: "beanstalkd", Threshold: []string{"value"}, Activation: "activationValue", Exporter: "beanstalkd_exporter", series: "beanstalkd_tube_current_jobs_ready", labels: []label{{"tube", "tube"}}},
	{Type: "cassandra", Threshold: []string{"targetQueryValue"}, Activation: "activationTargetQueryValue"},
	{Type: "clickhouse", Threshold: []string{"targetQueryValue"}, Activation: "activationTargetQueryValue"},
	{Type: "couchdb", Threshold: []string{"queryValue"}, Activation: "activationQueryValue"},
	{Type: "datadog", Threshold: []string{"queryValue", "targetValue"}, Activation: "activationQueryValue"},
	{Type: "dynatrace", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "elastic-forecast", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "elasticsearch", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "etcd", Threshold: []string{"value"}, Activation: "activationValue"},
	{Type: "external", Threshold: []string{"threshold", "targetValue", "value"}},
	{Type: "external-push", Threshold: []string{"threshold", "targetValue", "value"}},
	{Type: "forgejo-runner", Threshold: []string{"threshold"}, Default: "1"},
	{Type: "gcp-cloudtasks", Threshold: []string{"value"}, Default: "100", Activation: "activationValue", Exporter: "stackdriver_exporter", series: "stackdriver_cloud_tasks_queue_cloudtasks_googleapis_com_queue_depth", labels: []label{{"queue_id", "queueName"}}},
	{Type: "gcp-pubsub", Threshold: []string{"value", "subscriptionSize"}, Default: "10", Activation: "activationValue", Exporter: "stackdriver_exporter", series: "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_num_undelivered_messages", labels: []label{{"subscription_id", "subscriptionName"}}},
	{Type: "gcp-spanner", Threshold: []string{"targetValue"}, Default: "5", Activation: "activationValue"},
	{Type: "gcp-stackdriver", Threshold: []string{"targetValue"}, Default: "5", Activation: "activationTargetValue"},
	{Type: "gcp-storage", Threshold: []string{"targetObjectCount"}, Default: "100", Activation: "activationTargetObjectCount"},
	{Type: "github-runner", Threshold: []string{"targetWorkflowQueueLength"}, Default: "1"},
	{Type: "graphite", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "huawei-cloudeye", Threshold: []string{"targetMetricValue"}, Activation: "activationTargetMetricValue"},
	{Type: "ibmmq", Threshold: []string{"queueDepth"}, Default: "20", Activation: "activationQueueDepth", Exporter: "mq-metric-samples", series: "ibmmq_queue_depth", labels: []label{{"queue", "queueName"}}},
	{Type: "influxdb", Threshold: []string{"thresholdValue"}, Activation: "activationThresholdValue"},
	{Type: "kafka", Threshold: []string{"lagThreshold"}, Default: "10", Activation: "activationLagThreshold", Exporter: "kafka_exporter", series: "kafka_consumergroup_lag", labels: []label{{"consumergroup", "consumerGroup"}, {"topic", "topic"}}},
	{Type: "kubernetes-resource", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "kubernetes-workload", Threshold: []string{"value"}, Activation: "activationValue", Exporter: "kube-state-metrics with the labels of pods", series: "kube_pod_labels", function: "count"},
	{Type: "liiklus", Threshold: []string{"lagThreshold"}, Default: "10", Activation: "activationLagThreshold"},
	{Type: "loki", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "metrics-api", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "mongodb", Threshold: []string{"queryValue"}, Activation: "activationQueryValue"},
	{Type: "mssql", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "mysql", Threshold: []string{"queryValue"}, Activation: "activationQueryValue"},
	{Type: "nats-jetstream", Threshold: []string{"lagThreshold"}, Default: "10", Activation: "activationLagThreshold", Exporter: "prometheus-nats-exporter", series: "jetstream_consumer_num_pending", labels: []label{{"stream_name", "stream"}, {"consumer_name", "consumer"}}, function: "max"},
	{Type: "new-relic", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "nsq", Threshold: []string{"depthThreshold"}, Default: "10", Activation: "activationDepthThreshold", Exporter: "nsq_exporter", series: "nsq_channel_depth", labels: []label{{"topic", "topic"}, {"channel", "channel"}}},
	{Type: "opensearch", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "openstack-metric", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "openstack-swift", Threshold: []string{"objectCount"}, Default: "2", Activation: "activationObjectCount"},
	{Type: "postgresql", Threshold: []string{"targetQueryValue"}, Activation: "activationTargetQueryValue"},
	{Type: "predictkube", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "pulsar", Threshold: []string{"msgBacklogThreshold", "msgBacklog"}, Default: "10", Activation: "activationMsgBacklogThreshold", Exporter: "Pulsar itself", series: "pulsar_subscription_back_log", labels: []label{{"topic", "topic"}, {"subscription", "subscription"}}},
	{Type: "rabbitmq", Threshold: []string{"value", "queueLength"}, Default: "20", Activation: "activationValue", Exporter: "rabbitmq_prometheus", series: "rabbitmq_queue_messages", labels: []label{{"queue", "queueName"}, {"vhost", "vhostName"}}},
	{Type: "redis", Threshold: []string{"listLength"}, Default: "5", Activation: "activationListLength", Exporter: "redis_exporter", series: "redis_key_size", labels: []label{{"key", "listName"}}},
	{Type: "redis-cluster", Threshold: []string{"listLength"}, Default: "5", Activation: "activationListLength", Exporter: "redis_exporter", series: "redis_key_size", labels: []label{{"key", "listName"}}},
	{Type: "redis-cluster-streams", Threshold: []string{"lagCount", "streamLength", "pendingEntriesCount"}, Default: "5", Activation: "activationLagCount", Exporter: "redis_exporter", series: "redis_stream_group_messages_pending", labels: []label{{"stream", "stream"}, {"group", "consumerGroup"}}},
	{Type: "redis-sentinel", Threshold: []string{"listLength"}, Default: "5", Activation: "activationListLength", Exporter: "redis_exporter", series: "redis_key_size", labels: []label{{"key", "listName"}}},
	{Type: "redis-sentinel-streams", Threshold: []string{"lagCount", "streamLength", "pendingEntriesCount"}, Default: "5", Activation: "activationLagCount", Exporter: "redis_exporter", series: "redis_stream_group_messages_pending", labels: []label{{"stream", "stream"}, {"group", "consumerGroup"}}},
	{Type: "redis-streams", Threshold: []string{"lagCount", "streamLength", "pendingEntriesCount"}, Default: "5", Activation: "activationLagCount", Exporter: "redis_exporter", series: "redis_stream_group_messages_pending", labels: []label{{"stream", "stream"}, {"group", "consumerGroup"}}},
	{Type: "selenium-grid", Threshold: []string{"threshold"}, Default: "1", Activation: "activationThreshold"},
	{Type: "solace-direct-messaging", Threshold: []string{"aggregatedClientTxMsgRateTarget", "aggregatedClientAverageTxMsgRateTarget", "aggregatedClientTxByteRateTarget", "aggregatedClientAverageTxByteRateTarget"}, Activation: "activationAggregatedClientTxMsgRateTarget"},
	{Type: "solace-event-queue", Threshold: []string{"messageCountTarget"}, Activation: "activationMessageCountTarget", Exporter: "solace-prometheus-exporter", series: "solace_queue_spool_usage_msgs", labels: []label{{"queue_name", "queueName"}}},
	{Type: "solarwinds", Threshold: []string{"targetValue"}, Activation: "activationValue"},
	{Type: "solr", Threshold: []string{"targetQueryValue"}, Activation: "activationTargetQueryValue"},
	{Type: "splunk", Threshold: []string{"targetValue"}, Activation: "activationValue"},
	{Type: "splunk-observability", Threshold: []string{"targetValue"}, Activation: "activationTargetValue"},
	{Type: "stan", Threshold: []string{"lagThreshold"}, Default: "10", Activation: "activationLagThreshold"},
	{Type: "sumologic", Threshold: []string{"threshold"}, Activation: "activationThreshold"},
	{Type: "temporal", Threshold: []string{"targetQueueSize"}, Default: "5", Activation: "activationTargetQueueSize"},
}

// scalerOf is the scaler of a type; one that is not known may have its target in
// any of the usual fields.
func scalerOf(kind string) (s Scaler, known bool) {
	i, known := slices.BinarySearchFunc(Scalers, kind, func(s Scaler, kind string) int { return strings.Compare(s.Type, kind) })
	if known {
		return Scalers[i], true
	}
	return Scaler{Type: kind, Threshold: []string{"threshold", "value", "targetValue"}, Activation: "activationThreshold"}, false
}

// Query is the PromQL that usually has the signal of a trigger with this metadata;
// empty if there is no usual one.
func (s *Scaler) Query(metadata map[string]string) string {
	if s.series == "" {
		return ""
	}
	series, function := s.series, s.function
	if s.Type == "rabbitmq" && metadata["mode"] == "MessageRate" {
		series = "rabbitmq_queue_messages_published_total"
	}
	if strings.HasSuffix(s.Type, "-streams") {
		switch {
		case metadata["lagCount"] != "":
			series = "redis_stream_group_lag"
		case metadata["streamLength"] != "":
			series = "redis_stream_length"
		}
	}
	var matchers []matcher
	for _, l := range s.labels {
		if value := metadata[l.field]; value != "" && !(series == "redis_stream_length" && l.name == "group") {
			matchers = append(matchers, matcher{l.name, "=", value})
		}
	}
	switch s.Type {
	case "aws-sqs-queue":
		if name := queueName(metadata["queueURL"]); name != "" {
			matchers = append(matchers, matcher{"dimension_QueueName", "=", name})
		}
	case "kubernetes-workload":
		matchers = podLabels(metadata["podSelector"])
	}
	expr := selector(series, matchers...)
	if strings.HasSuffix(series, "_total") {
		expr = fmt.Sprintf("rate(%s[2m])", expr)
	}
	if function == "" {
		function = "sum"
	}
	return fmt.Sprintf("%s(%s)", function, expr)
}

// podLabels are the equalities of a selector of pods, as kube-state-metrics has
// labels.
func podLabels(text string) []matcher {
	var matchers []matcher
	for _, part := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.Replace(part, "==", "=", 1), "=")
		if ok && !strings.HasSuffix(key, "!") {
			matchers = append(matchers, matcher{"label_" + labelName(strings.TrimSpace(key)), "=", strings.TrimSpace(value)})
		}
	}
	return matchers
}

// standIn converts a trigger for which a query is given, with the target and the
// activation of its own fields.
func (c *converter) standIn(trigger *keda.Trigger, query string, sleeps bool, path *field.Path) (v1alpha1.Metric, *field.Path, error) {
	s, known := scalerOf(trigger.Type)
	metadata := path.Child("metadata")
	if trigger.Type == "prometheus" {
		s = Scaler{Threshold: []string{"threshold"}, Activation: "activationThreshold"}
		known = true
	}
	key := s.Threshold[0]
	for _, one := range s.Threshold {
		if trigger.Metadata[one] != "" {
			key = one
			break
		}
	}
	given := trigger
	if trigger.Metadata[key] == "" && s.Default != "" {
		filled := *trigger
		filled.Metadata = maps.Clone(trigger.Metadata)
		if filled.Metadata == nil {
			filled.Metadata = map[string]string{}
		}
		filled.Metadata[key] = s.Default
		given = &filled
		c.changed(member(metadata, key), "absent: KEDA's default of %s is filled in", s.Default)
	}
	if given.Metadata[key] == "" {
		if !known {
			return v1alpha1.Metric{}, metadata, c.unsupported(path.Child("type"), "KEDA's triggers of type %q are not known here, nor which field has their target (allowed: %s): write it as a trigger of type prometheus", trigger.Type, strings.Join(s.Threshold, ", "))
		}
		return v1alpha1.Metric{}, metadata, c.invalid(member(metadata, key), "required: the target of the query that is given for this trigger")
	}
	target, err := c.thresholdTarget(given, key, path)
	if err != nil {
		return v1alpha1.Metric{}, metadata, err
	}
	activation, err := c.activation(trigger.Metadata, s.Activation, sleeps, metadata)
	if err != nil {
		return v1alpha1.Metric{}, metadata, err
	}
	c.lost(path, "the query given stands in for it: check that it has what %s has in the same unit", trigger.Type)
	c.noteReady(target, path)
	metric := prometheusMetric(query, target)
	metric.Activation = activation
	return metric, member(metadata, key), nil
}

// needsQuery is the error about a trigger that only a query can stand in for.
func (c *converter) needsQuery(so *keda.ScaledObject, i int, path *field.Path) error {
	trigger := &so.Spec.Triggers[i]
	s, known := scalerOf(trigger.Type)
	key := so.Name + "/" + triggerKey(so, i)
	query := s.Query(trigger.Metadata)
	how := fmt.Sprintf("give its signal as PromQL with --metric %s=PROMQL", key)
	if query != "" {
		how = fmt.Sprintf("give its signal as PromQL; with %s it is usually --metric %s=%s", s.Exporter, key, quoted(query))
	}
	if strings.EqualFold(trigger.Type, "prometheus") || strings.EqualFold(trigger.Type, "cron") || strings.EqualFold(trigger.Type, cpu) || strings.EqualFold(trigger.Type, memory) {
		return c.invalid(path.Child("type"), "%q is no type of a trigger; did you mean %s?", trigger.Type, strings.ToLower(trigger.Type))
	}
	if !known {
		how += ", or write it as a trigger of type prometheus"
	}
	return c.unsupported(path.Child("type"), "%q cannot be converted by itself: %s. --allow-loss leaves a trigger away if there are others", trigger.Type, how)
}

// quoted quotes an argument for a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// triggerKey returns what a query is best given by: the trigger's name, its type if no
// other trigger of the object has it, else its index.
func triggerKey(so *keda.ScaledObject, i int) string {
	trigger := &so.Spec.Triggers[i]
	if trigger.Name != "" {
		return trigger.Name
	}
	for j := range so.Spec.Triggers {
		if j != i && so.Spec.Triggers[j].Type == trigger.Type {
			return strconv.Itoa(i)
		}
	}
	return trigger.Type
}
