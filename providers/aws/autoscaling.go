package aws

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/autoscaling"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

const (
	// groupsPerCall is the most groups that one page of an answer can hold.
	groupsPerCall = 100

	describeGroups = "autoscaling DescribeAutoScalingGroups"
	setDesired     = "autoscaling SetDesiredCapacity"
)

// autoScalingGroups are EC2 Auto Scaling groups.
type autoScalingGroups struct{ provider *Provider }

// Observe implements cycle.NodeGroups.
func (a autoScalingGroups) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	name, where, err := parseGroup(ref.ID)
	if err != nil {
		return cycle.NodeGroup{}, err
	}
	region, err := a.provider.at(ctx, where)
	if err != nil {
		return cycle.NodeGroup{}, fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	group, found, err := region.groups.get(ctx, name)
	switch {
	case err != nil:
		return cycle.NodeGroup{}, fmt.Errorf("auto scaling group %s: %w", name, err)
	case !found:
		return cycle.NodeGroup{}, fmt.Errorf("auto scaling group %s in %s: %w", name, region.autoscaling.SigningRegion, cycle.ErrNotFound)
	}
	if err := where.owned(group.AutoScalingGroupARN); err != nil {
		return cycle.NodeGroup{}, fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	observed, err := numbers(describeGroups, group.DesiredCapacity, group.MinSize, group.MaxSize)
	if err != nil {
		return cycle.NodeGroup{}, fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	observed.Ready = inService(group.Instances)
	if status := aws.StringValue(group.Status); status != "" { // set only while it is deleted
		observed.Code, observed.Message = observation.InProgress, status
		return observed, nil
	}
	if suspended := suspended(group.SuspendedProcesses); suspended != "" {
		observed.Code, observed.Message = observation.Forbidden, suspended
		return observed, nil
	}
	if observed.Ready < observed.Desired {
		observed.Code, observed.Message = region.launchFailure(ctx, name)
	}
	return observed, nil
}

// Resize implements cycle.NodeGroups. It does not wait for a cooldown: pacing
// is the autoscaler's business.
func (a autoScalingGroups) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	name, where, err := parseGroup(ref.ID)
	if err != nil {
		return err
	}
	if err := checkDesired(desired); err != nil {
		return fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	region, err := a.provider.at(ctx, where)
	if err != nil {
		return fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("auto scaling group %s: %w", name, err)
	}
	asked := region.clock.Now()
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = region.autoscaling.SetDesiredCapacityWithContext(call, &autoscaling.SetDesiredCapacityInput{
		AutoScalingGroupName: aws.String(name),
		DesiredCapacity:      aws.Int64(int64(desired)),
		HonorCooldown:        aws.Bool(false),
	})
	// Even a call that seems to have failed may have had its effect.
	region.groups.forget(name)
	region.activities.forget(name)
	if err != nil {
		return fmt.Errorf("auto scaling group %s: %w", name, refused(failure(setDesired, err), desired, func() (cycle.NodeGroup, error) {
			return a.Observe(ctx, ref)
		}))
	}
	region.mu.Lock()
	defer region.mu.Unlock()
	region.resized[name] = asked
	return nil
}

// describeGroups reads groups, page by page. Groups that do not exist are absent.
func (r *region) describeGroups(ctx context.Context, names []string) (map[string]*autoscaling.Group, error) {
	asked := map[string]bool{}
	for _, name := range names {
		asked[name] = true
	}
	groups := map[string]*autoscaling.Group{}
	var rubbish error
	err := r.autoscaling.DescribeAutoScalingGroupsPagesWithContext(ctx, &autoscaling.DescribeAutoScalingGroupsInput{
		AutoScalingGroupNames: aws.StringSlice(names),
		MaxRecords:            aws.Int64(groupsPerCall),
	}, func(page *autoscaling.DescribeAutoScalingGroupsOutput, _ bool) bool {
		for _, group := range page.AutoScalingGroups {
			name := ""
			if group != nil {
				name = aws.StringValue(group.AutoScalingGroupName)
			}
			switch {
			case !asked[name]:
				rubbish = malformed(describeGroups, "it has the group %q, which was not asked for", name)
			case groups[name] != nil:
				rubbish = malformed(describeGroups, "it has the group %s twice", name)
			default:
				groups[name] = group
			}
		}
		return rubbish == nil
	})
	if err != nil {
		return nil, failure(describeGroups, err)
	}
	return groups, rubbish
}

// suspended names the suspended processes of a group that launches or ends no instance
// for want of one of them; empty where it does. Other processes do not change its size,
// and are suspended on purpose by many (AZRebalance beside an autoscaler).
func suspended(processes []*autoscaling.SuspendedProcess) string {
	var names []string
	stuck := false
	for _, p := range processes {
		if p == nil || aws.StringValue(p.ProcessName) == "" {
			continue
		}
		name := oneLine(aws.StringValue(p.ProcessName))
		names = append(names, name)
		stuck = stuck || name == "Launch" || name == "Terminate"
	}
	if !stuck {
		return ""
	}
	slices.Sort(names) // the service promises no order
	return "suspended processes: " + strings.Join(names, ", ") + "; no instance is launched without Launch or ended without Terminate (aws autoscaling resume-processes)"
}

// inService counts the instances that run pods. Standby, warm, pending and
// terminating ones do not.
func inService(instances []*autoscaling.Instance) int32 {
	ready := int32(0)
	for _, instance := range instances {
		if instance != nil && aws.StringValue(instance.HealthStatus) == "Healthy" && aws.StringValue(instance.LifecycleState) == autoscaling.LifecycleStateInService {
			ready++
		}
	}
	return ready
}

// numbers are a group's desired size and bounds; each must be a count.
func numbers(operation string, desired, least, most *int64) (cycle.NodeGroup, error) {
	for _, number := range []struct {
		name  string
		value *int64
	}{{"desired size", desired}, {"minimum", least}, {"maximum", most}} {
		if number.value == nil {
			return cycle.NodeGroup{}, malformed(operation, "it has no %s", number.name)
		}
		if *number.value < 0 || *number.value > math.MaxInt32 {
			return cycle.NodeGroup{}, malformed(operation, "the %s %d is no count", number.name, *number.value)
		}
	}
	return cycle.NodeGroup{Desired: int32(*desired), Min: int32(*least), Max: int32(*most)}, nil
}

// refused says why a size was refused as invalid, which AWS says in words only:
// there is no such group, or the size is beyond its bounds.
func refused(err error, desired int32, observe func() (cycle.NodeGroup, error)) error {
	if !errors.Is(err, cycle.ErrInvalid) {
		return err
	}
	group, unseen := observe()
	switch {
	case errors.Is(unseen, cycle.ErrNotFound):
		return fmt.Errorf("%v: %w", err, cycle.ErrNotFound)
	case unseen == nil && (desired < group.Min || desired > group.Max):
		return fmt.Errorf("%v; the group's bounds are %d and %d: %w", err, group.Min, group.Max, cycle.ErrLimit)
	}
	return err
}

func checkDesired(desired int32) error {
	if desired < 0 {
		return fmt.Errorf("desired size %d: %w; it must be 0 or more", desired, cycle.ErrInvalid)
	}
	return nil
}
