package aws

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/sqs"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

const (
	getQueueURL        = "sqs GetQueueUrl"
	getQueueAttributes = "sqs GetQueueAttributes"
)

// queues are SQS queues.
type queues struct{ provider *Provider }

// Observe implements cycle.Queues. The age comes from CloudWatch, a minute
// late; when it cannot be read, the lengths still count.
func (q queues) Observe(ctx context.Context, ref cycle.QueueRef) (cycle.Queue, error) {
	id, err := parseQueue(ref.ID)
	if err != nil {
		return cycle.Queue{}, err
	}
	region, err := q.provider.at(ctx, id.place)
	if err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", id.name, err)
	}
	attributes, _, err := region.attributes.get(ctx, id.account+"/"+id.name)
	if err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", id.name, err)
	}
	var observed cycle.Queue
	if observed.Length, err = count(attributes, sqs.QueueAttributeNameApproximateNumberOfMessages); err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", id.name, err)
	}
	if observed.InFlight, err = count(attributes, sqs.QueueAttributeNameApproximateNumberOfMessagesNotVisible); err != nil {
		return cycle.Queue{}, fmt.Errorf("queue %s: %w", id.name, err)
	}
	if observed.Length+observed.InFlight > 0 {
		observed.OldestAge = region.oldestAge(ctx, id.name)
	}
	return observed, nil
}

// count is an attribute that must be a count.
func count(attributes map[string]*string, name string) (int64, error) {
	text := aws.StringValue(attributes[name])
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 0 {
		return 0, malformed(getQueueAttributes, "%s is %q, not a count", name, text)
	}
	return number, nil
}

// readAttributes reads the counts of one queue, ACCOUNT/NAME; SQS has no call for many.
func (r *region) readAttributes(ctx context.Context, keys []string) (map[string]map[string]*string, error) {
	account, name, _ := strings.Cut(keys[0], "/")
	address, err := r.address(ctx, account, name)
	if err != nil {
		return nil, err
	}
	answer, err := r.sqs.GetQueueAttributesWithContext(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(address),
		AttributeNames: aws.StringSlice([]string{
			sqs.QueueAttributeNameApproximateNumberOfMessages,
			sqs.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		}),
	})
	if err = failure(getQueueAttributes, err); err != nil {
		if errors.Is(err, cycle.ErrNotFound) {
			r.mu.Lock()
			delete(r.urls, keys[0])
			r.mu.Unlock()
		}
		return nil, err
	}
	return map[string]map[string]*string{keys[0]: answer.Attributes}, nil
}

// address is a queue's address, which does not change while the queue exists.
func (r *region) address(ctx context.Context, account, name string) (string, error) {
	key := account + "/" + name
	r.mu.Lock()
	known := r.urls[key]
	r.mu.Unlock()
	if known != "" {
		return known, nil
	}
	answer, err := r.sqs.GetQueueUrlWithContext(ctx, &sqs.GetQueueUrlInput{
		QueueName:              aws.String(name),
		QueueOwnerAWSAccountId: aws.String(account),
	})
	if err != nil {
		return "", failure(getQueueURL, err)
	}
	found := aws.StringValue(answer.QueueUrl)
	if found == "" {
		return "", malformed(getQueueURL, "it has no address")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.urls[key] = found
	return found, nil
}
