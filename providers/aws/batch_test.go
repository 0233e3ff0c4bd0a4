package aws_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/aws/awstest"
)

// observeGroups observes groups 0 to n-1 one after the other.
func (c *cloud) observeGroups(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		got, err := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: fmt.Sprint("group-", i)})
		if err != nil || got.Desired != int32(i) {
			t.Fatalf("group %d: got %+v, %v", i, got, err)
		}
	}
}

func (c *cloud) putGroups(n int) {
	for i := range n {
		c.PutGroup(home, awstest.Group{Name: fmt.Sprint("group-", i), Desired: int64(i), Max: 1000, Instances: instances(i, 0)})
	}
}

func TestGroupsShareCalls(t *testing.T) {
	const groups = 230
	c := newCloud(t)
	c.putGroups(groups)
	c.observeGroups(t, groups) // each is new, so each asks
	c.clock.SetTime(c.clock.Now().Add(10 * time.Second))
	before := len(c.Requests("DescribeAutoScalingGroups"))
	c.observeGroups(t, groups)
	requests := c.Requests("DescribeAutoScalingGroups")[before:]
	if len(requests) != 3 {
		t.Fatalf("one slot of %d groups made %d calls, want 3 of at most 100 names", groups, len(requests))
	}
	for i, want := range []int{100, 100, 30} {
		if got := len(requests[i].Names); got != want {
			t.Errorf("call %d had %d names, want %d", i, got, want)
		}
	}
	c.clock.SetTime(c.clock.Now().Add(2 * time.Second))
	c.observeGroups(t, groups)
	if more := len(c.Requests("DescribeAutoScalingGroups")) - before; more != 3 {
		t.Errorf("%d calls were made for what is two seconds old", more-3)
	}
}

func TestGroupsPaginate(t *testing.T) {
	c := newCloud(t)
	c.putGroups(20)
	c.observeGroups(t, 20)
	c.elapse()
	c.SetPageSize(7)
	c.observeGroups(t, 20)
}

func TestGroupsOfOneSlotFailTogether(t *testing.T) {
	c := newCloud(t)
	c.putGroups(5)
	c.observeGroups(t, 5)
	c.clock.SetTime(c.clock.Now().Add(10 * time.Second))
	c.Fail("", awstest.Fault{Refusal: &awstest.Refusal{Code: "Throttling"}})
	before := len(c.Requests(""))
	for i := range 5 {
		_, err := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), cycle.NodeGroupRef{ID: fmt.Sprint("group-", i)})
		if !errors.Is(err, cycle.ErrThrottled) {
			t.Errorf("group %d: got %v", i, err)
		}
	}
	if calls := len(c.Requests("")) - before; calls != 1 {
		t.Errorf("a throttled slot made %d calls; more calls throttle more", calls)
	}
	c.Heal()
	c.clock.SetTime(c.clock.Now().Add(10 * time.Second))
	c.observeGroups(t, 5)
}

func TestBadNameFailsAlone(t *testing.T) {
	c := newCloud(t)
	c.putGroups(3)
	bad := cycle.NodeGroupRef{ID: "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:0:autoScalingGroupName/" + strings.Repeat("x", 255)}
	c.observeGroups(t, 3)
	if _, err := c.provider.NodeGroups()[autoScalingGroup].Observe(t.Context(), bad); !errors.Is(err, cycle.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	c.clock.SetTime(c.clock.Now().Add(10 * time.Second))
	c.Fail("DescribeAutoScalingGroups", awstest.Fault{Refusal: &awstest.Refusal{Code: "ValidationError"}, Times: 1})
	c.observeGroups(t, 3)
}

func TestResizeRefreshesOneGroup(t *testing.T) {
	c := newCloud(t)
	c.putGroups(3)
	c.observeGroups(t, 3)
	c.clock.SetTime(c.clock.Now().Add(10 * time.Second))
	c.observeGroups(t, 3)
	before := len(c.Requests("DescribeAutoScalingGroups"))
	groups := c.provider.NodeGroups()[autoScalingGroup]
	if err := groups.Resize(t.Context(), cycle.NodeGroupRef{ID: "group-1"}, 7); err != nil {
		t.Fatal(err)
	}
	got, err := groups.Observe(t.Context(), cycle.NodeGroupRef{ID: "group-1"})
	if err != nil || got.Desired != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
	if calls := len(c.Requests("DescribeAutoScalingGroups")) - before; calls != 1 {
		t.Errorf("a resize makes one group be read again, not %d calls", calls)
	}
}

func TestQueuesShareAges(t *testing.T) {
	c := newCloud(t)
	for i := range 5 {
		c.PutQueue(home, awstest.Queue{Name: fmt.Sprint("queue-", i), Visible: 1, Ages: []float64{float64(i)}})
	}
	observe := func() {
		t.Helper()
		for i := range 5 {
			got, err := c.provider.Queues()[sqsQueue].Observe(t.Context(), cycle.QueueRef{ID: fmt.Sprint("arn:aws:sqs:eu-west-1:123456789012:queue-", i)})
			if err != nil || got.OldestAge != int64(i) {
				t.Fatalf("queue %d: got %+v, %v", i, got, err)
			}
		}
	}
	observe()
	c.SetPageSize(2)
	c.clock.SetTime(c.clock.Now().Add(61 * time.Second))
	observe() // the queues were asked for too long ago to be read together
	before := len(c.Requests("GetMetricData"))
	c.clock.SetTime(c.clock.Now().Add(59 * time.Second))
	observe()
	if calls := len(c.Requests("GetMetricData")) - before; calls != 0 {
		t.Errorf("ages that are a minute apart were read again after 59 s, with %d calls", calls)
	}
	c.clock.SetTime(c.clock.Now().Add(time.Second))
	observe()
	if calls := len(c.Requests("GetMetricData")) - before; calls != 3 {
		t.Errorf("five ages in pages of two took %d calls, want 3", calls)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := newCloud(t)
	c.putGroups(20)
	c.PutNodeGroup(home, awstest.NodeGroup{Cluster: "demo", Name: "batch", Desired: 2, Max: 9})
	c.PutQueue(home, awstest.Queue{Name: "jobs", Visible: 42, Ages: []float64{1}})
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			groups, ref := c.provider.NodeGroups()[autoScalingGroup], cycle.NodeGroupRef{ID: fmt.Sprint("group-", i%20)}
			for size := range 3 {
				if err := groups.Resize(t.Context(), ref, int32(i%20+size)); err != nil {
					t.Error(err)
				}
				if _, err := groups.Observe(t.Context(), ref); err != nil {
					t.Error(err)
				}
			}
			for service, err := range c.observeAll(t) {
				if err != nil && service != "autoscaling" { // there is no group web
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
