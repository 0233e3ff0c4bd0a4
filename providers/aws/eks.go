package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/eks"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/observation"
)

// NodeGroupLabel is the label that EKS puts on the nodes of a managed node group.
const NodeGroupLabel = "eks.amazonaws.com/nodegroup"

const (
	describeNodegroup = "eks DescribeNodegroup"
	updateNodegroup   = "eks UpdateNodegroupConfig"
)

// managedNodeGroups are EKS managed node groups.
type managedNodeGroups struct{ provider *Provider }

// Observe implements cycle.NodeGroups. Ready nodes are counted in Kubernetes:
// EKS does not know them.
func (m managedNodeGroups) Observe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	observed, id, err := m.describe(ctx, ref)
	if err != nil {
		return cycle.NodeGroup{}, err
	}
	if observed.Ready, err = m.provider.ready(ctx, NodeGroupLabel, id.name); err != nil {
		return cycle.NodeGroup{}, fmt.Errorf("node group %s/%s: nodes labelled %s=%s: %w", id.cluster, id.name, NodeGroupLabel, id.name, err)
	}
	return observed, nil
}

// describe returns what EKS knows of a node group.
func (m managedNodeGroups) describe(ctx context.Context, ref cycle.NodeGroupRef) (cycle.NodeGroup, nodeGroupID, error) {
	id, err := parseNodeGroup(ref.ID)
	if err != nil {
		return cycle.NodeGroup{}, id, err
	}
	region, err := m.provider.at(ctx, id.place)
	if err != nil {
		return cycle.NodeGroup{}, id, fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	group, _, err := region.nodeGroups.get(ctx, id.cluster+"/"+id.name)
	if err != nil {
		return cycle.NodeGroup{}, id, fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	if err := id.owned(group.NodegroupArn); err != nil {
		return cycle.NodeGroup{}, id, fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	config := group.ScalingConfig
	if config == nil {
		config = &eks.NodegroupScalingConfig{}
	}
	observed, err := numbers(describeNodegroup, config.DesiredSize, config.MinSize, config.MaxSize)
	if err != nil {
		return cycle.NodeGroup{}, id, fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	observed.Code, observed.Message = condition(aws.StringValue(group.Status), group.Health)
	return observed, id, nil
}

// Resize implements cycle.NodeGroups. Bounds stay as they are.
func (m managedNodeGroups) Resize(ctx context.Context, ref cycle.NodeGroupRef, desired int32) error {
	id, err := parseNodeGroup(ref.ID)
	if err != nil {
		return err
	}
	if err := checkDesired(desired); err != nil {
		return fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	region, err := m.provider.at(ctx, id.place)
	if err != nil {
		return fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, err)
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = region.eks.UpdateNodegroupConfigWithContext(call, &eks.UpdateNodegroupConfigInput{
		ClusterName:   aws.String(id.cluster),
		NodegroupName: aws.String(id.name),
		ScalingConfig: &eks.NodegroupScalingConfig{DesiredSize: aws.Int64(int64(desired))},
	})
	// Even a call that seems to have failed may have had its effect.
	region.nodeGroups.forget(id.cluster + "/" + id.name)
	if err != nil {
		return fmt.Errorf("node group %s/%s: %w", id.cluster, id.name, refused(failure(updateNodegroup, err), desired, func() (cycle.NodeGroup, error) {
			observed, _, err := m.describe(ctx, ref)
			return observed, err
		}))
	}
	return nil
}

// describeNodeGroup reads one node group, CLUSTER/NAME; EKS has no call for many.
func (r *region) describeNodeGroup(ctx context.Context, keys []string) (map[string]*eks.Nodegroup, error) {
	cluster, name, _ := strings.Cut(keys[0], "/")
	answer, err := r.eks.DescribeNodegroupWithContext(ctx, &eks.DescribeNodegroupInput{
		ClusterName:   aws.String(cluster),
		NodegroupName: aws.String(name),
	})
	if err != nil {
		return nil, failure(describeNodegroup, err)
	}
	if answer.Nodegroup == nil || aws.StringValue(answer.Nodegroup.NodegroupName) != name {
		return nil, malformed(describeNodegroup, "it has no node group %s", name)
	}
	return map[string]*eks.Nodegroup{keys[0]: answer.Nodegroup}, nil
}

// issueCodes are EKS' health issues as codes; any other is Unavailable.
var issueCodes = map[string]observation.Code{
	eks.NodegroupIssueCodeAsgInstanceLaunchFailures:                observation.LimitReached,
	eks.NodegroupIssueCodeInstanceLimitExceeded:                    observation.LimitReached,
	eks.NodegroupIssueCodeInsufficientFreeAddresses:                observation.LimitReached,
	eks.NodegroupIssueCodeLimitExceeded:                            observation.LimitReached,
	eks.NodegroupIssueCodeIamLimitExceeded:                         observation.LimitReached,
	eks.NodegroupIssueCodeEc2launchTemplateMaxLimitExceeded:        observation.LimitReached,
	eks.NodegroupIssueCodeEc2launchTemplateVersionMaxLimitExceeded: observation.LimitReached,

	eks.NodegroupIssueCodeAutoScalingGroupRateLimitExceeded: observation.Throttled,
	eks.NodegroupIssueCodeIamThrottling:                     observation.Throttled,

	eks.NodegroupIssueCodeAccessDenied:                  observation.Forbidden,
	eks.NodegroupIssueCodeAutoScalingGroupOptInRequired: observation.Forbidden,

	eks.NodegroupIssueCodeAutoScalingGroupInstanceRefreshActive: observation.InProgress,

	eks.NodegroupIssueCodeAutoScalingGroupNotFound:        observation.NotFound,
	eks.NodegroupIssueCodeEc2securityGroupNotFound:        observation.NotFound,
	eks.NodegroupIssueCodeEc2launchTemplateNotFound:       observation.NotFound,
	eks.NodegroupIssueCodeSourceEc2launchTemplateNotFound: observation.NotFound,
	eks.NodegroupIssueCodeEc2subnetNotFound:               observation.NotFound,
	eks.NodegroupIssueCodeIamInstanceProfileNotFound:      observation.NotFound,
	eks.NodegroupIssueCodeIamNodeRoleNotFound:             observation.NotFound,
	eks.NodegroupIssueCodeAmiIdNotFound:                   observation.NotFound,

	eks.NodegroupIssueCodeAutoScalingGroupInvalidConfiguration:  observation.Invalid,
	eks.NodegroupIssueCodeEc2launchTemplateVersionMismatch:      observation.Invalid,
	eks.NodegroupIssueCodeEc2launchTemplateInvalidConfiguration: observation.Invalid,
	eks.NodegroupIssueCodeEc2subnetInvalidConfiguration:         observation.Invalid,
	eks.NodegroupIssueCodeEc2subnetMissingIpv6assignment:        observation.Invalid,
	eks.NodegroupIssueCodeEc2subnetListTooLong:                  observation.Invalid,
	eks.NodegroupIssueCodeKubernetesLabelInvalid:                observation.Invalid,
}

// condition is a node group's status and its first health issue. An update
// under way comes before any issue, because EKS refuses a resize during one.
func condition(status string, health *eks.NodegroupHealth) (observation.Code, string) {
	switch status {
	case eks.NodegroupStatusCreating, eks.NodegroupStatusUpdating, eks.NodegroupStatusDeleting:
		return observation.InProgress, status
	}
	if health != nil {
		for _, issue := range health.Issues {
			if issue == nil {
				continue
			}
			name := aws.StringValue(issue.Code)
			code, known := issueCodes[name]
			if !known {
				code = observation.Unavailable
			}
			return code, oneLine(strings.TrimSuffix(name+": "+aws.StringValue(issue.Message), ": "))
		}
	}
	if status != eks.NodegroupStatusActive {
		return observation.Unavailable, strings.TrimSpace("status " + status)
	}
	return observation.OK, ""
}
