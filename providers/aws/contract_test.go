package aws_test

import (
	"context"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/aws"
	"github.com/karpenter-sim/karpenter/providers/aws/awstest"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

const (
	home     = "eu-west-1"
	groupARN = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:8d4f:autoScalingGroupName/web"
	nodesARN = "arn:aws:eks:eu-west-1:123456789012:nodegroup/demo/batch/8d4f"
	queueARN = "arn:aws:sqs:eu-west-1:123456789012:jobs"

	autoScalingGroup = "AWSEC2AutoScalingGroup"
	eksNodeGroup     = "AWSEKSNodeGroup"
	sqsQueue         = "AWSSQSQueue"
)

// start is the first instant of every test's clock.
var start = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

func noNodes(context.Context, string, string) (int32, error) { return 0, nil }

// A cloud is the wire server with a provider that uses it.
type cloud struct {
	*awstest.Server
	clock    *clocktesting.FakePassiveClock
	provider *aws.Provider
	ready    int32
	failure  error
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	withoutAmbientConfiguration(t)
	c := &cloud{Server: awstest.NewServer(t), clock: clocktesting.NewFakePassiveClock(start)}
	var err error
	c.provider, err = aws.New(aws.Options{
		Clock:  c.clock,
		Config: c.Config().WithRegion(home),
		ReadyNodes: func(context.Context, string, string) (int32, error) {
			return c.ready, c.failure
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// withoutAmbientConfiguration keeps the machine's own AWS settings out of a test.
func withoutAmbientConfiguration(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// elapse makes all cached answers too old.
func (c *cloud) elapse() { c.clock.SetTime(c.clock.Now().Add(2 * time.Minute)) }

// fail makes all calls fail with the code that a service has for a class.
func (c *cloud) fail(codes map[error]awstest.Refusal) func(error) {
	return func(class error) {
		c.Heal()
		if class == nil {
			return
		}
		if refusal, known := codes[class]; known {
			c.Fail("", awstest.Fault{Refusal: &refusal})
			return
		}
		c.Fail("", awstest.Fault{Drop: true})
	}
}

func (c *cloud) hang() { c.Fail("", awstest.Fault{Hang: true}) }

func instances(inService, pending int) []awstest.Instance {
	var list []awstest.Instance
	for range inService {
		list = append(list, awstest.Instance{Health: "Healthy", Lifecycle: "InService"})
	}
	for range pending {
		list = append(list, awstest.Instance{Health: "Healthy", Lifecycle: "Pending"})
	}
	return list
}

var observeClasses = []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrTimedOut, cycle.ErrInvalid}

var resizeClasses = append([]error{cycle.ErrInProgress, cycle.ErrLimit}, observeClasses...)

func TestAutoScalingGroupContract(t *testing.T) {
	for name, id := range map[string]string{"ByName": "web", "ByARN": groupARN} {
		t.Run(name, func(t *testing.T) {
			providertest.NodeGroups(t, func(t *testing.T) providertest.NodeGroupHarness {
				c := newCloud(t)
				c.PutGroup(home, awstest.Group{Name: "web", Desired: 5, Min: 1, Max: 9, Instances: instances(3, 2)})
				return providertest.NodeGroupHarness{
					Groups:  c.provider.NodeGroups()[autoScalingGroup],
					Ref:     cycle.NodeGroupRef{Type: autoScalingGroup, ID: id},
					Want:    cycle.NodeGroup{Desired: 5, Ready: 3, Min: 1, Max: 9},
					Missing: cycle.NodeGroupRef{Type: autoScalingGroup, ID: "gone"},
					Malformed: []cycle.NodeGroupRef{
						{Type: autoScalingGroup, ID: ""},
						{Type: autoScalingGroup, ID: "arn:aws:autoscaling"},
						{Type: autoScalingGroup, ID: nodesARN},
						{Type: autoScalingGroup, ID: groupARN[:len(groupARN)-len("web")]},
					},
					Stored: func() int32 { return int32(c.Group(home, "web").Desired) },
					Writes: c.Writes,
					Elapse: c.elapse,
					Fail: c.fail(map[error]awstest.Refusal{
						cycle.ErrForbidden:  {Status: 403, Code: "AccessDenied"},
						cycle.ErrThrottled:  {Status: 400, Code: "Throttling"},
						cycle.ErrTimedOut:   {Status: 408, Code: "RequestTimeout"},
						cycle.ErrInvalid:    {Status: 400, Code: "ValidationError"},
						cycle.ErrInProgress: {Status: 400, Code: "ScalingActivityInProgress"},
						cycle.ErrLimit:      {Status: 400, Code: "LimitExceeded"},
					}),
					Observe: observeClasses,
					Resize:  resizeClasses,
					Hang:    c.hang,
				}
			})
		})
	}
}

func TestManagedNodeGroupContract(t *testing.T) {
	providertest.NodeGroups(t, func(t *testing.T) providertest.NodeGroupHarness {
		c := newCloud(t)
		c.ready = 3
		c.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 5, Min: 1, Max: 9})
		return providertest.NodeGroupHarness{
			Groups:  c.provider.NodeGroups()[eksNodeGroup],
			Ref:     cycle.NodeGroupRef{Type: eksNodeGroup, ID: nodesARN},
			Want:    cycle.NodeGroup{Desired: 5, Ready: 3, Min: 1, Max: 9},
			Missing: cycle.NodeGroupRef{Type: eksNodeGroup, ID: "arn:aws:eks:eu-west-1:123456789012:nodegroup/demo/gone/8d4f"},
			Malformed: []cycle.NodeGroupRef{
				{Type: eksNodeGroup, ID: ""},
				{Type: eksNodeGroup, ID: "batch"},
				{Type: eksNodeGroup, ID: groupARN},
				{Type: eksNodeGroup, ID: "arn:aws:eks:eu-west-1:123456789012:nodegroup/demo"},
				{Type: eksNodeGroup, ID: "arn:aws:eks:eu-west-1.example.com:123456789012:nodegroup/demo/batch/8d4f"},
			},
			Stored: func() int32 { return int32(c.NodeGroup(home, "demo", "batch").Desired) },
			Writes: c.Writes,
			Elapse: c.elapse,
			Fail: c.fail(map[error]awstest.Refusal{
				cycle.ErrForbidden:  {Status: 403, Code: "AccessDeniedException"},
				cycle.ErrThrottled:  {Status: 429, Code: "TooManyRequestsException"},
				cycle.ErrTimedOut:   {Status: 504, Code: "GatewayTimeout"},
				cycle.ErrInvalid:    {Status: 400, Code: "InvalidParameterException"},
				cycle.ErrInProgress: {Status: 409, Code: "ResourceInUseException"},
				cycle.ErrLimit:      {Status: 400, Code: "ResourceLimitExceededException"},
			}),
			Observe: observeClasses,
			Resize:  resizeClasses,
			Hang:    c.hang,
		}
	})
}

func TestQueueContract(t *testing.T) {
	providertest.Queues(t, func(t *testing.T) providertest.QueueHarness {
		c := newCloud(t)
		c.PutQueue(home, awstest.Queue{Name: "jobs", Visible: 42, InFlight: 7, Ages: []float64{90, 30}})
		c.PutQueue(home, awstest.Queue{Name: "idle"})
		return providertest.QueueHarness{
			Queues:  c.provider.Queues()[sqsQueue],
			Ref:     cycle.QueueRef{Type: sqsQueue, ID: queueARN},
			Want:    cycle.Queue{Length: 42, InFlight: 7, OldestAge: 90},
			Empty:   cycle.QueueRef{Type: sqsQueue, ID: "arn:aws:sqs:eu-west-1:123456789012:idle"},
			Missing: cycle.QueueRef{Type: sqsQueue, ID: "arn:aws:sqs:eu-west-1:123456789012:gone"},
			Malformed: []cycle.QueueRef{
				{Type: sqsQueue, ID: ""},
				{Type: sqsQueue, ID: "jobs"},
				{Type: sqsQueue, ID: "arn:aws:sqs:eu-west-1:123456789012:"},
				{Type: sqsQueue, ID: "arn:aws:sqs::123456789012:jobs"},
				{Type: sqsQueue, ID: "arn:aws:sqs:eu-west-1:me:jobs"},
			},
			Writes: c.Writes,
			Elapse: c.elapse,
			Fail: c.fail(map[error]awstest.Refusal{
				cycle.ErrForbidden: {Status: 403, Code: "AccessDenied"},
				cycle.ErrThrottled: {Status: 400, Code: "RequestThrottled"},
				cycle.ErrTimedOut:  {Status: 408, Code: "RequestTimeout"},
				cycle.ErrInvalid:   {Status: 400, Code: "InvalidAddress"},
			}),
			Classes: observeClasses,
			HideAge: func() {
				c.Fail("GetMetricData", awstest.Fault{Refusal: &awstest.Refusal{Status: 403, Code: "AccessDenied"}})
			},
			Hang: c.hang,
		}
	})
}
