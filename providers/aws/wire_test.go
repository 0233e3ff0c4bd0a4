package aws_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/aws"
	"github.com/karpenter-sim/karpenter/providers/aws/awstest"
)

func TestErrors(t *testing.T) {
	refused := func(status int, code string) awstest.Fault {
		return awstest.Fault{Refusal: &awstest.Refusal{Status: status, Code: code, Message: "because"}}
	}
	cases := map[string]struct {
		reason string
		fault  awstest.Fault
		want   error
		code   string // AWS' code, which the message must have
	}{
		"Throttling":       {"throttling is a 400", refused(400, "Throttling"), cycle.ErrThrottled, "Throttling"},
		"LimitOfRequests":  {"so is this", refused(400, "RequestLimitExceeded"), cycle.ErrThrottled, "RequestLimitExceeded"},
		"TooMany":          {"any code with 429", refused(429, "Slow"), cycle.ErrThrottled, "Slow"},
		"Internal":         {"the server's own fault", refused(500, "InternalFailure"), cycle.ErrUnavailable, "InternalFailure"},
		"Unavailable":      {"so is this", refused(503, "ServiceUnavailable"), cycle.ErrUnavailable, "ServiceUnavailable"},
		"GatewayTimeout":   {"a proxy gave up", refused(504, "Gateway"), cycle.ErrTimedOut, "Gateway"},
		"InProgress":       {"another activity", refused(400, "ScalingActivityInProgress"), cycle.ErrInProgress, "ScalingActivityInProgress"},
		"Contention":       {"another writer", refused(500, "ResourceContention"), cycle.ErrInProgress, "ResourceContention"},
		"InUse":            {"another update", refused(409, "ResourceInUseException"), cycle.ErrInProgress, "ResourceInUseException"},
		"Limit":            {"a quota", refused(400, "ResourceLimitExceededException"), cycle.ErrLimit, "ResourceLimitExceededException"},
		"Denied":           {"no right", refused(403, "AccessDenied"), cycle.ErrForbidden, "AccessDenied"},
		"DeniedBy400":      {"EKS denies with 400", refused(400, "AccessDeniedException"), cycle.ErrForbidden, "AccessDeniedException"},
		"Unauthorized":     {"any code with 401", refused(401, "Nobody"), cycle.ErrForbidden, "Nobody"},
		"WrongKey":         {"wrong credentials", refused(403, "SignatureDoesNotMatch"), cycle.ErrForbidden, "SignatureDoesNotMatch"},
		"Expired":          {"new credentials are on their way, as v0.1 had it", refused(403, "ExpiredToken"), cycle.ErrUnavailable, "ExpiredToken"},
		"NotFound":         {"any code with 404", refused(404, "NoSuchThing"), cycle.ErrNotFound, "NoSuchThing"},
		"Validation":       {"a bad parameter", refused(400, "ValidationError"), cycle.ErrInvalid, "ValidationError"},
		"Rubbish":          {"an answer that is none", awstest.Fault{Body: "<html>\x00{{"}, cycle.ErrUnavailable, ""},
		"RubbishRefusal":   {"an error page of a proxy has its status only", awstest.Fault{Status: 403, Body: "<html>no"}, cycle.ErrForbidden, ""},
		"RubbishThrottled": {"so has this", awstest.Fault{Status: 429, Body: "slow down"}, cycle.ErrThrottled, ""},
		"Truncated":        {"the connection broke amid the answer", awstest.Fault{Truncate: true}, cycle.ErrUnavailable, ""},
		"Dropped":          {"the connection broke before the answer", awstest.Fault{Drop: true}, cycle.ErrUnavailable, "RequestError"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.PutGroup(home, awstest.Group{Name: "web", Desired: 2, Max: 9, Instances: instances(2, 0)})
			cloud.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 2, Max: 9})
			cloud.PutQueue(home, awstest.Queue{Name: "jobs", Visible: 42})
			cloud.Fail("", c.fault)
			for service, err := range cloud.observeAll(t) {
				var failed *aws.Error
				switch {
				case !errors.Is(err, c.want):
					t.Errorf("%s: %s: got %v, want %v", c.reason, service, err, c.want)
				case !errors.As(err, &failed) || !strings.Contains(failed.Code, c.code):
					t.Errorf("%s: %s: AWS' code is lost in: %v", c.reason, service, err)
				case strings.Contains(err.Error(), "\n"):
					t.Errorf("%s: %s: the message has several lines: %q", c.reason, service, err)
				}
			}
		})
	}
}

// observeAll observes one resource of each service.
func (c *cloud) observeAll(t *testing.T) map[string]error {
	t.Helper()
	_, group := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: "web"})
	_, nodes := c.provider.NodeGroups()[eksNodeGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: nodesARN})
	_, queue := c.provider.Queues()[sqsQueue].Observe(t.Context(), cycle.QueueRef{ID: queueARN})
	return map[string]error{"autoscaling": group, "eks": nodes, "sqs": queue}
}

func TestMalformedAnswers(t *testing.T) {
	group := func(fields string) string {
		return "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups>" + fields + "</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
	}
	const sound = "<member><AutoScalingGroupName>web</AutoScalingGroupName><DesiredCapacity>1</DesiredCapacity><MinSize>0</MinSize><MaxSize>1</MaxSize></member>"
	cases := map[string]struct{ reason, operation, body string }{
		"TwoGroups":        {"v0.1: two groups of one name are an error", "DescribeAutoScalingGroups", group(sound + sound)},
		"OtherGroup":       {"a group that was not asked for", "DescribeAutoScalingGroups", group(strings.ReplaceAll(sound, "web", "bew"))},
		"NoName":           {"a group without a name", "DescribeAutoScalingGroups", group("<member/>")},
		"NoDesired":        {"missing numbers are not 0", "DescribeAutoScalingGroups", group("<member><AutoScalingGroupName>web</AutoScalingGroupName></member>")},
		"NegativeDesired":  {"a size is a count", "DescribeAutoScalingGroups", group(strings.ReplaceAll(sound, "<DesiredCapacity>1", "<DesiredCapacity>-1"))},
		"HugeMaximum":      {"a size fits 32 bits", "DescribeAutoScalingGroups", group(strings.ReplaceAll(sound, "<MaxSize>1", "<MaxSize>99999999999"))},
		"WordForNumber":    {"a number has digits", "DescribeAutoScalingGroups", group(strings.ReplaceAll(sound, "<MaxSize>1", "<MaxSize>many"))},
		"NoNodeGroup":      {"an empty document", "DescribeNodegroup", `{}`},
		"OtherNodeGroup":   {"a node group that was not asked for", "DescribeNodegroup", `{"nodegroup":{"nodegroupName":"other"}}`},
		"NoScalingConfig":  {"missing numbers are not 0", "DescribeNodegroup", `{"nodegroup":{"nodegroupName":"batch","status":"ACTIVE"}}`},
		"NegativeNodes":    {"a size is a count", "DescribeNodegroup", `{"nodegroup":{"nodegroupName":"batch","scalingConfig":{"desiredSize":-1,"minSize":0,"maxSize":1}}}`},
		"WrongType":        {"a list for an object", "DescribeNodegroup", `{"nodegroup":[]}`},
		"NoAddress":        {"a queue without an address", "GetQueueUrl", `{}`},
		"NoAttributes":     {"missing lengths are not 0", "GetQueueAttributes", `{}`},
		"NegativeLength":   {"a length is a count", "GetQueueAttributes", `{"Attributes":{"ApproximateNumberOfMessages":"-4","ApproximateNumberOfMessagesNotVisible":"0"}}`},
		"LengthIsNoNumber": {"a length is a count", "GetQueueAttributes", `{"Attributes":{"ApproximateNumberOfMessages":"NaN","ApproximateNumberOfMessagesNotVisible":"0"}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.PutGroup(home, awstest.Group{Name: "web", Max: 1})
			cloud.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Max: 1})
			cloud.PutQueue(home, awstest.Queue{Name: "jobs", Visible: 42})
			cloud.Fail(c.operation, awstest.Fault{Body: c.body})
			failed := 0
			for service, err := range cloud.observeAll(t) {
				if err == nil {
					continue
				}
				failed++
				if !errors.Is(err, cycle.ErrUnavailable) {
					t.Errorf("%s: %s: got %v, want %v", c.reason, service, err, cycle.ErrUnavailable)
				}
			}
			if failed != 1 {
				t.Errorf("%s: %d services failed, want 1", c.reason, failed)
			}
		})
	}
}

func TestQueueAge(t *testing.T) {
	cases := map[string]struct {
		reason string
		ages   []float64
		body   string
		want   int64
	}{
		"Newest":   {"the newest sample counts", []float64{61.9, 5}, "", 61},
		"None":     {"no sample, no age", nil, "", -1},
		"Rubbish":  {"an answer that is none is no age", []float64{61}, "{", -1},
		"Negative": {"a negative age is none", []float64{-3}, "", -1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.PutQueue(home, awstest.Queue{Name: "jobs", Visible: 1, Ages: c.ages})
			if c.body != "" {
				cloud.Fail("GetMetricData", awstest.Fault{Body: c.body})
			}
			got, err := cloud.provider.Queues()[sqsQueue].Observe(t.Context(), cycle.QueueRef{ID: queueARN})
			if err != nil || got.OldestAge != c.want {
				t.Errorf("%s: got %d, %v, want %d", c.reason, got.OldestAge, err, c.want)
			}
		})
	}
}

func TestQueueRecreated(t *testing.T) {
	c := newCloud(t)
	observe := func() error {
		c.elapse()
		_, err := c.provider.Queues()[sqsQueue].Observe(t.Context(), cycle.QueueRef{ID: queueARN})
		return err
	}
	c.PutQueue(home, awstest.Queue{Name: "jobs"})
	if err := errors.Join(observe(), observe()); err != nil {
		t.Fatal(err)
	}
	if calls := len(c.Requests("GetQueueUrl")); calls != 1 {
		t.Errorf("an address does not change, but was asked for %d times", calls)
	}
	c.DropQueue(home, "jobs")
	if err := observe(); !errors.Is(err, cycle.ErrNotFound) {
		t.Errorf("the queue is gone: got %v", err)
	}
	c.PutQueue(home, awstest.Queue{Name: "jobs"})
	if err := observe(); err != nil {
		t.Errorf("the queue is there again: %v", err)
	}
}

func TestRegions(t *testing.T) {
	withoutAmbientConfiguration(t)
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
			fmt.Fprint(w, "token")
		case "/latest/dynamic/instance-identity/document":
			fmt.Fprint(w, `{"region":"ap-south-1"}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(metadata.Close)
	cases := map[string]struct {
		reason, id string
		env        map[string]string
		region     string // where the call must arrive; none if empty
	}{
		"Environment": {"the usual chain", "web", map[string]string{"AWS_REGION": "us-east-2"}, "us-east-2"},
		"Default":     {"the usual chain's other name", "web", map[string]string{"AWS_DEFAULT_REGION": "us-east-2"}, "us-east-2"},
		"ARN":         {"an ARN's region wins", groupARN, map[string]string{"AWS_REGION": "us-east-2"}, "eu-west-1"},
		"ARNOnly":     {"an ARN needs no other region", groupARN, nil, "eu-west-1"},
		"Instance":    {"the region of the instance is the last resort", "web", map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL}, "ap-south-1"},
		"None":        {"no region is an error at first use, with the cure", "web", nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := awstest.NewServer(t)
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			provider, err := aws.New(aws.Options{Clock: clocktesting.NewFakePassiveClock(start), ReadyNodes: noNodes, Config: server.Config()})
			if err != nil {
				t.Fatal(err)
			}
			if c.region != "" {
				server.PutGroup(c.region, awstest.Group{Name: "web", Max: 1})
			}
			_, err = provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: c.id})
			if c.region != "" && err != nil {
				t.Errorf("%s: %v", c.reason, err)
			}
			if c.region == "" && (!errors.Is(err, cycle.ErrInvalid) || !strings.Contains(err.Error(), "set AWS_REGION")) {
				t.Errorf("%s: got %v", c.reason, err)
			}
		})
	}
}

func TestWebIdentity(t *testing.T) {
	withoutAmbientConfiguration(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a service account's token"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/karpenter")
	server := awstest.NewServer(t)
	server.PutGroup(home, awstest.Group{Name: "web", Max: 1})
	config := server.Config().WithRegion(home)
	config.Credentials = nil
	provider, err := aws.New(aws.Options{Clock: clocktesting.NewFakePassiveClock(start), ReadyNodes: noNodes, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: "web"}); err != nil {
		t.Fatal(err)
	}
	requests := server.Requests("DescribeAutoScalingGroups")
	if len(requests) != 1 || requests[0].Key != "ASIAEXAMPLE" {
		t.Errorf("calls must carry the credentials of the role: %+v", requests)
	}
}

func TestNoCredentials(t *testing.T) {
	withoutAmbientConfiguration(t)
	server := awstest.NewServer(t)
	config := server.Config().WithRegion(home)
	config.Credentials = nil
	provider, err := aws.New(aws.Options{Clock: clocktesting.NewFakePassiveClock(start), ReadyNodes: noNodes, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	_, err = provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: "web"})
	if !errors.Is(err, cycle.ErrForbidden) {
		t.Errorf("without credentials nothing is allowed: got %v", err)
	}
}
