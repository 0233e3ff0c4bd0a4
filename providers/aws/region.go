package aws

import (
	"sync"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/autoscaling"
	"github.com/aws/aws-sdk-go/service/cloudwatch"
	"github.com/aws/aws-sdk-go/service/eks"
	"github.com/aws/aws-sdk-go/service/sqs"
	"k8s.io/utils/clock"
)

// A region has the clients of one region and what they have read.
type region struct {
	clock clock.PassiveClock

	autoscaling *autoscaling.AutoScaling
	eks         *eks.EKS
	sqs         *sqs.SQS
	cloudwatch  *cloudwatch.CloudWatch

	groups     *shared[*autoscaling.Group]
	activities *shared[[]*autoscaling.Activity]
	nodeGroups *shared[*eks.Nodegroup]
	attributes *shared[map[string]*string]
	ages       *shared[int64]

	mu sync.Mutex
	// resized is when a group was last resized from here.
	resized map[string]time.Time
	// urls has the URLs of queues, by account and name.
	urls map[string]string
}

// open makes the clients of a region.
func (p *Provider) open(name string) *region {
	config := aws.NewConfig().WithRegion(name)
	r := &region{
		clock:       p.clock,
		autoscaling: autoscaling.New(p.session, config),
		eks:         eks.New(p.session, config),
		sqs:         sqs.New(p.session, config),
		cloudwatch:  cloudwatch.New(p.session, config),
		resized:     map[string]time.Time{},
		urls:        map[string]string{},
	}
	r.groups = newShared(p.clock, p.ttl, groupsPerCall, r.describeGroups)
	r.activities = newShared(p.clock, p.ttl, 1, r.describeActivities)
	r.nodeGroups = newShared(p.clock, p.ttl, 1, r.describeNodeGroup)
	r.attributes = newShared(p.clock, p.ttl, 1, r.readAttributes)
	r.ages = newShared(p.clock, ageTTL, agesPerCall, r.readAges)
	return r
}
