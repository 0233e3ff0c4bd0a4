package aws_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/providers/aws"
	"github.com/karpenter-sim/karpenter/providers/aws/awstest"
)

func TestGroupName(t *testing.T) {
	cases := map[string]struct {
		reason, id, want string
		err              error
	}{
		"Empty":   {"v0.1: an empty ID is an empty name", "", "", nil},
		"Name":    {"v0.1: a name is itself", "foo", "foo", nil},
		"ARN":     {"v0.1: the name is the ARN's last part", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:autoScalingGroupName/asg-name", "asg-name", nil},
		"NoName":  {"v0.1: an ARN may end before the name", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:autoScalingGroupName/", "", nil},
		"NoSlash": {"v0.1: an ARN without a name comes back", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:autoScalingGroupName", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:autoScalingGroupName", cycle.ErrInvalid},
		"Misspelt": {"v0.1: a misspelt ARN comes back", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:utoScalingGroupName/asg-name",
			"arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:utoScalingGroupName/asg-name", cycle.ErrInvalid},
		"MisspeltNoName": {"v0.1: so does one without a name", "arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:utoScalingGroupName/",
			"arn:aws:autoscaling:region:123456789012:autoScalingGroup:uuid:utoScalingGroupName/", cycle.ErrInvalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := aws.GroupName(c.id)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s: got %q, %v, want %q, %v", c.reason, got, err, c.want, c.err)
			}
		})
	}
}

func TestObserveGroup(t *testing.T) {
	activity := func(age time.Duration, description, status, message string) awstest.Activity {
		return awstest.Activity{Start: start.Add(-age), Description: description, Status: status, Message: message}
	}
	const launch, stockOut = "Launching a new EC2 instance.  Status Reason: none", "We currently do not have sufficient\n m5.large capacity."
	cases := map[string]struct {
		reason string
		group  awstest.Group
		want   cycle.NodeGroup
	}{
		"HealthyAndInService": {
			reason: "v0.1: of two good instances, one only healthy and one only in service, two count",
			group: awstest.Group{Desired: 4, Max: 9, Instances: []awstest.Instance{
				{Health: "Healthy", Lifecycle: "InService"}, {Health: "Healthy", Lifecycle: "InService"},
				{Health: "Healthy", Lifecycle: "Pending"}, {Health: "Unhealthy", Lifecycle: "InService"},
			}},
			want: cycle.NodeGroup{Desired: 4, Ready: 2, Max: 9},
		},
		"OtherStates": {
			reason: "standby, warm, waiting and terminating instances run no pods",
			group: awstest.Group{Desired: 6, Max: 9, Instances: []awstest.Instance{
				{Health: "Healthy", Lifecycle: "Standby"}, {Health: "Healthy", Lifecycle: "Warmed:Running"}, {Health: "Healthy", Lifecycle: "Pending:Wait"},
				{Health: "Healthy", Lifecycle: "Terminating:Wait"}, {Health: "Healthy", Lifecycle: "Terminating"}, {Health: "Healthy", Lifecycle: "Detaching"},
			}},
			want: cycle.NodeGroup{Desired: 6, Max: 9},
		},
		"Suspended": {
			reason: "no instance comes while Launch is suspended: all suspended processes are named, in one order",
			group:  awstest.Group{Desired: 3, Max: 9, Instances: instances(1, 0), Suspended: []string{"ReplaceUnhealthy", "Launch"}, Activities: []awstest.Activity{activity(time.Minute, launch, "Failed", stockOut)}},
			want: cycle.NodeGroup{Desired: 3, Ready: 1, Max: 9, Code: observation.Forbidden,
				Message: "suspended processes: Launch, ReplaceUnhealthy; no instance is launched without Launch or ended without Terminate (aws autoscaling resume-processes)"},
		},
		"SuspendedFull": {
			reason: "a full group that could not shrink is not as it should be, either",
			group:  awstest.Group{Desired: 1, Max: 9, Instances: instances(1, 0), Suspended: []string{"Terminate"}},
			want: cycle.NodeGroup{Desired: 1, Ready: 1, Max: 9, Code: observation.Forbidden,
				Message: "suspended processes: Terminate; no instance is launched without Launch or ended without Terminate (aws autoscaling resume-processes)"},
		},
		"SuspendedOnPurpose": {
			reason: "processes that change no size are suspended beside an autoscaler",
			group:  awstest.Group{Desired: 1, Max: 9, Instances: instances(1, 0), Suspended: []string{"AZRebalance", "AlarmNotification"}},
			want:   cycle.NodeGroup{Desired: 1, Ready: 1, Max: 9},
		},
		"Deleting": {
			reason: "a status is set only while the group is deleted",
			group:  awstest.Group{Status: "Delete in progress"},
			want:   cycle.NodeGroup{Code: observation.InProgress, Message: "Delete in progress"},
		},
		"LaunchFailed": {
			reason: "the newest launch that ended says why instances are missing, in one line",
			group: awstest.Group{Desired: 3, Max: 9, Instances: instances(2, 0), Activities: []awstest.Activity{
				activity(time.Minute, launch, "WaitingForInstanceId", ""),
				activity(2*time.Minute, "Terminating EC2 instance: i-1", "Successful", ""),
				activity(3*time.Minute, launch, "Failed", stockOut),
				activity(4*time.Minute, launch, "Successful", ""),
			}},
			want: cycle.NodeGroup{Desired: 3, Ready: 2, Max: 9, Code: observation.LimitReached, Message: "We currently do not have sufficient m5.large capacity."},
		},
		"LaunchRecovered": {
			reason: "a later success disproves a failure",
			group: awstest.Group{Desired: 3, Max: 9, Instances: instances(2, 1), Activities: []awstest.Activity{
				activity(time.Minute, launch, "Successful", ""),
				activity(2*time.Minute, launch, "Failed", stockOut),
			}},
			want: cycle.NodeGroup{Desired: 3, Ready: 2, Max: 9},
		},
		"LaunchFailedLongAgo": {
			reason: "what failed hours ago does not explain what is missing now",
			group: awstest.Group{Desired: 3, Max: 9, Instances: instances(2, 0), Activities: []awstest.Activity{
				activity(2*time.Hour, launch, "Failed", stockOut),
			}},
			want: cycle.NodeGroup{Desired: 3, Ready: 2, Max: 9},
		},
		"NothingMissing": {
			reason: "a failure of no consequence is none",
			group: awstest.Group{Desired: 2, Max: 9, Instances: instances(2, 0), Activities: []awstest.Activity{
				activity(time.Minute, launch, "Failed", stockOut),
			}},
			want: cycle.NodeGroup{Desired: 2, Ready: 2, Max: 9},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			c.group.Name = "web"
			cloud.PutGroup(home, c.group)
			got, err := cloud.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{Type: autoScalingGroup, ID: "web"})
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", c.reason, err, diff)
			}
		})
	}
}

func TestActivitiesAfterResize(t *testing.T) {
	c := newCloud(t)
	c.PutGroup(home, awstest.Group{Name: "web", Desired: 2, Max: 9, Instances: instances(2, 0), Activities: []awstest.Activity{
		{Start: c.clock.Now().Add(-time.Minute), Description: "Launching", Status: "Failed", Message: "no capacity"},
	}})
	groups, ref := c.provider.NodeGroups()[autoScalingGroup], cycle.NodeGroupRef{Type: autoScalingGroup, ID: "web"}
	if err := groups.Resize(t.Context(), ref, 3); err != nil {
		t.Fatal(err)
	}
	got, err := groups.Observe(t.Context(), ref)
	if want := (cycle.NodeGroup{Desired: 3, Ready: 2, Max: 9}); err != nil || got != want {
		t.Errorf("a failure from before the resize says nothing about it: got %+v, %v, want %+v", got, err, want)
	}
}

func TestActivitiesForbidden(t *testing.T) {
	c := newCloud(t)
	c.PutGroup(home, awstest.Group{Name: "web", Desired: 3, Max: 9, Instances: instances(2, 0)})
	c.Fail("DescribeScalingActivities", awstest.Fault{Refusal: &awstest.Refusal{Status: 403, Code: "AccessDenied"}})
	got, err := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: "web"})
	if err != nil || got.Code != observation.OK || !strings.Contains(got.Message, "AccessDenied") {
		t.Errorf("a policy from v0.1 has no right to read activities, and needs none to scale: got %+v, %v", got, err)
	}
}

func TestObserveNodeGroup(t *testing.T) {
	issue := func(code string) []awstest.Issue { return []awstest.Issue{{Code: code, Message: "because"}} }
	cases := map[string]struct {
		reason, status string
		issues         []awstest.Issue
		code           observation.Code
		message        string
	}{
		"Active":      {"all is well", "ACTIVE", nil, observation.OK, ""},
		"Updating":    {"EKS refuses a resize during an update", "UPDATING", issue("AccessDenied"), observation.InProgress, "UPDATING"},
		"Creating":    {"or while the group is created", "CREATING", nil, observation.InProgress, "CREATING"},
		"Launch":      {"a stock-out is a limit", "DEGRADED", issue("AsgInstanceLaunchFailures"), observation.LimitReached, "AsgInstanceLaunchFailures: because"},
		"Addresses":   {"so are addresses that ran out", "DEGRADED", issue("InsufficientFreeAddresses"), observation.LimitReached, "InsufficientFreeAddresses: because"},
		"RateLimit":   {"a rate limit passes", "DEGRADED", issue("AutoScalingGroupRateLimitExceeded"), observation.Throttled, "AutoScalingGroupRateLimitExceeded: because"},
		"Denied":      {"a right is missing", "DEGRADED", issue("AccessDenied"), observation.Forbidden, "AccessDenied: because"},
		"Gone":        {"what it is made of is gone", "DEGRADED", issue("AutoScalingGroupNotFound"), observation.NotFound, "AutoScalingGroupNotFound: because"},
		"Wrong":       {"what it is made of is wrong", "DEGRADED", issue("Ec2SubnetInvalidConfiguration"), observation.Invalid, "Ec2SubnetInvalidConfiguration: because"},
		"NewIssue":    {"an issue that this version does not know is one nevertheless", "DEGRADED", issue("Gremlins"), observation.Unavailable, "Gremlins: because"},
		"ActiveIssue": {"an issue counts in any status", "ACTIVE", issue("NodeCreationFailure"), observation.Unavailable, "NodeCreationFailure: because"},
		"Unexplained": {"a bad status without an issue is no good one", "CREATE_FAILED", nil, observation.Unavailable, "status CREATE_FAILED"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			cloud.ready = 2
			cloud.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 2, Max: 9, Status: c.status, Issues: c.issues})
			got, err := cloud.provider.NodeGroups()[eksNodeGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: nodesARN})
			want := cycle.NodeGroup{Desired: 2, Ready: 2, Max: 9, Code: c.code, Message: c.message}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", c.reason, err, diff)
			}
		})
	}
}

func TestNodeGroupIDs(t *testing.T) {
	for id, reason := range map[string]string{
		nodesARN: "the full ARN",
		"arn:aws:eks:eu-west-1:123456789012:nodegroup/demo/batch":         "the UUID identifies nothing that the names do not",
		"arn:aws:eks:eu-west-1:123456789012:nodegroup:demo/batch/8d4f":    "v0.1's example wrote nodegroup: for nodegroup/",
		"arn:aws-cn:eks:eu-west-1:123456789012:nodegroup/demo/batch/8d4f": "other partitions have the same form",
	} {
		c := newCloud(t)
		c.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 2, Max: 9})
		if _, err := c.provider.NodeGroups()[eksNodeGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: id}); err != nil {
			t.Errorf("%s: %s: %v", reason, id, err)
		}
	}
}

func TestReadyNodes(t *testing.T) {
	c := newCloud(t)
	c.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 2, Max: 9})
	c.failure = cycle.ErrForbidden
	_, err := c.provider.NodeGroups()[eksNodeGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: nodesARN})
	if !errors.Is(err, cycle.ErrForbidden) || !strings.Contains(err.Error(), "eks.amazonaws.com/nodegroup=batch") {
		t.Errorf("nodes that cannot be counted are not zero nodes: got %v", err)
	}
}

func TestOtherAccount(t *testing.T) {
	c := newCloud(t)
	c.PutGroup(home, awstest.Group{Name: "web", Account: "999999999999", Desired: 2, Max: 9})
	_, err := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: groupARN})
	if !errors.Is(err, cycle.ErrNotFound) || !strings.Contains(err.Error(), "123456789012") {
		t.Errorf("a group of the same name in another account is another group: got %v", err)
	}
}
