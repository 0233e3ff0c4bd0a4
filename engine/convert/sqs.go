package convert

import (
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
	"github.com/karpenter-sim/karpenter/engine/producer"
)

const sqsTrigger = "aws-sqs-queue"

// sqsHosts are the hosts of queues: sqs.REGION.amazonaws.com, and the older
// REGION.queue.amazonaws.com and queue.amazonaws.com.
var sqsHosts = regexp.MustCompile(`^(?:(?:sqs|sqs-fips)\.([a-z0-9-]+)|([a-z0-9-]+)\.queue|queue)\.amazonaws\.com(?:\.cn)?$`)

// sqsURL is https://HOST/ACCOUNT/NAME.
var sqsURL = regexp.MustCompile(`^https?://([^/:?#]+)(?::\d+)?/([^/?#]+)/([^/?#]+)/?$`)

// queueARN is the ARN of a queue by its URL, and the region of the trigger where the
// host has none; empty if the URL is not one of AWS.
func queueARN(address, region string) string {
	queue := sqsURL.FindStringSubmatch(address)
	if queue == nil {
		return ""
	}
	host := sqsHosts.FindStringSubmatch(queue[1])
	if host == nil {
		return ""
	}
	switch {
	case host[1] != "":
		region = host[1]
	case host[2] != "":
		region = host[2]
	case region == "":
		region = "us-east-1"
	}
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return strings.Join([]string{"arn", partition, "sqs", region, queue[2], queue[3]}, ":")
}

// queueName is the name of a queue that is given by its URL or its name.
func queueName(address string) string {
	return address[strings.LastIndexByte(address, '/')+1:]
}

// sqs converts a trigger of type aws-sqs-queue into a producer without a name, and
// the target of the metric that reads it.
func (c *converter) sqs(so *keda.ScaledObject, i int, path *field.Path) (*v1alpha1.MetricsProducer, v1alpha1.MetricTarget, error) {
	trigger := &so.Spec.Triggers[i]
	metadata := path.Child("metadata")
	arn := queueARN(trigger.Metadata["queueURL"], trigger.Metadata["awsRegion"])
	if arn == "" || trigger.Metadata["awsEndpoint"] != "" {
		reason := "queueURL is no URL of a queue at AWS, as in https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, so that its account is not known"
		if trigger.Metadata["awsEndpoint"] != "" {
			reason = "awsEndpoint is another service than AWS' own"
		}
		return nil, v1alpha1.MetricTarget{}, c.unsupported(metadata.Child("queueURL"), "the queue cannot be read: %s. Correct that, or give its length as PromQL with --metric %s/%s=PROMQL", reason, so.Name, triggerKey(so, i))
	}
	filled := *trigger
	if trigger.Metadata["queueLength"] == "" {
		filled.Metadata = map[string]string{"queueLength": "5"}
		c.changed(metadata.Child("queueLength"), "absent: KEDA's default of 5 is filled in")
	}
	target, err := c.thresholdTarget(&filled, "queueLength", path)
	if err != nil {
		return nil, target, err
	}
	inFlight, err := c.boolean(trigger.Metadata, "scaleOnInFlight", true, metadata)
	if err != nil {
		return nil, target, err
	}
	delayed, err := c.boolean(trigger.Metadata, "scaleOnDelayed", false, metadata)
	if err != nil {
		return nil, target, err
	}
	if delayed {
		c.dropped(metadata.Child("scaleOnDelayed"), "dropped: a MetricsProducer does not count the messages that are delayed")
	}
	c.changed(metadata, "the queue is read by a MetricsProducer, which the controller evaluates with credentials of its own")
	c.noteMetadata(trigger, metadata, "queueURL", "queueLength", "activationQueueLength", "awsRegion", "scaleOnInFlight", "scaleOnDelayed", "identityOwner", "awsEndpoint")
	if owner := trigger.Metadata["identityOwner"]; owner != "" {
		c.changed(metadata.Child("identityOwner"), "not carried over (%s): the controller needs sqs:GetQueueAttributes itself", owner)
	}
	return &v1alpha1.MetricsProducer{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "MetricsProducer"},
		Spec:     v1alpha1.MetricsProducerSpec{Queue: &v1alpha1.QueueSpec{Type: v1alpha1.AWSSQSQueueType, ID: arn, IncludeInFlight: inFlight}},
	}, target, nil
}

// queueMetric reads the length that the producer called name publishes.
func (c *converter) queueMetric(name string, target v1alpha1.MetricTarget) v1alpha1.Metric {
	return prometheusMetric(selector(producer.QueueLength, matcher{"name", "=", name}, matcher{"namespace", "=", c.namespace}), target)
}
