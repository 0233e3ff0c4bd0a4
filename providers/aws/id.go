package aws

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go/aws/arn"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

// A place is where a resource lives; both are empty where its ID is a mere name.
type place struct {
	region, account string
}

// A nodeGroupID identifies an EKS managed node group.
type nodeGroupID struct {
	place
	cluster, name string
}

// A queueID identifies an SQS queue.
type queueID struct {
	place
	name string
}

var (
	// regionForm keeps everything out of a region that could make another host
	// of the endpoint that is built from it.
	regionForm  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	accountForm = regexp.MustCompile(`^[0-9]+$`)
	queueForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}(\.fifo)?$`)
	clusterForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
)

const (
	groupHint     = "give the group's name, or arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:UUID:autoScalingGroupName/NAME"
	nodeGroupHint = "give arn:aws:eks:REGION:ACCOUNT:nodegroup/CLUSTER/NODEGROUP/UUID"
	queueHint     = "give arn:aws:sqs:REGION:ACCOUNT:NAME"
)

// GroupName is the name of the Auto Scaling group that id means: a name as it
// is, an ARN's last part. An ARN that it cannot read comes back as it is, with
// an error.
func GroupName(id string) (string, error) {
	if !strings.HasPrefix(id, "arn:") {
		return id, nil
	}
	parsed, err := arn.Parse(id)
	if err != nil {
		return id, fmt.Errorf("id %q is no ARN: %w; %s", id, cycle.ErrInvalid, groupHint)
	}
	parts := strings.SplitN(parsed.Resource, ":", 3)
	if parsed.Service != "autoscaling" || len(parts) != 3 || parts[0] != "autoScalingGroup" {
		return id, fmt.Errorf("id %q is not the ARN of an Auto Scaling group: %w; %s", id, cycle.ErrInvalid, groupHint)
	}
	name, found := strings.CutPrefix(parts[2], "autoScalingGroupName/")
	if !found {
		return id, fmt.Errorf("id %q does not end in autoScalingGroupName/NAME: %w; %s", id, cycle.ErrInvalid, groupHint)
	}
	return name, nil
}

// parseGroup reads the ID of an Auto Scaling group that can be asked for.
func parseGroup(id string) (string, place, error) {
	name, err := GroupName(id)
	if err != nil {
		return "", place{}, err
	}
	if name == "" || len(name) > 255 || strings.ContainsAny(name, ":\r\n") {
		return "", place{}, fmt.Errorf("id %q has no valid group name: %w; %s", id, cycle.ErrInvalid, groupHint)
	}
	if name == id {
		return name, place{}, nil
	}
	parsed, _ := arn.Parse(id) // GroupName has read it
	at, err := placeOf(id, parsed, groupHint)
	return name, at, err
}

// parseNodeGroup reads the ARN of a managed node group. Its UUID may be absent,
// and v0.1's nodegroup:CLUSTER means nodegroup/CLUSTER.
func parseNodeGroup(id string) (nodeGroupID, error) {
	parsed, err := arn.Parse(id)
	if err != nil || parsed.Service != "eks" {
		return nodeGroupID{}, fmt.Errorf("id %q is not the ARN of an EKS node group: %w; %s", id, cycle.ErrInvalid, nodeGroupHint)
	}
	resource := parsed.Resource
	if rest, old := strings.CutPrefix(resource, "nodegroup:"); old {
		resource = "nodegroup/" + rest
	}
	parts := strings.Split(resource, "/")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "nodegroup" || !clusterForm.MatchString(parts[1]) || !clusterForm.MatchString(parts[2]) {
		return nodeGroupID{}, fmt.Errorf("id %q does not name a cluster and a node group: %w; %s", id, cycle.ErrInvalid, nodeGroupHint)
	}
	at, err := placeOf(id, parsed, nodeGroupHint)
	if err != nil {
		return nodeGroupID{}, err
	}
	return nodeGroupID{place: at, cluster: parts[1], name: parts[2]}, nil
}

// parseQueue reads the ARN of a queue.
func parseQueue(id string) (queueID, error) {
	parsed, err := arn.Parse(id)
	if err != nil || parsed.Service != "sqs" || !queueForm.MatchString(parsed.Resource) {
		return queueID{}, fmt.Errorf("id %q is not the ARN of an SQS queue: %w; %s", id, cycle.ErrInvalid, queueHint)
	}
	at, err := placeOf(id, parsed, queueHint)
	if err != nil {
		return queueID{}, err
	}
	return queueID{place: at, name: parsed.Resource}, nil
}

// placeOf is an ARN's region and account.
func placeOf(id string, parsed arn.ARN, hint string) (place, error) {
	if !regionForm.MatchString(parsed.Region) {
		return place{}, fmt.Errorf("id %q has the region %q, which is none: %w; %s", id, parsed.Region, cycle.ErrInvalid, hint)
	}
	if !accountForm.MatchString(parsed.AccountID) {
		return place{}, fmt.Errorf("id %q has the account %q, which is no number: %w; %s", id, parsed.AccountID, cycle.ErrInvalid, hint)
	}
	return place{region: parsed.Region, account: parsed.AccountID}, nil
}

// owned checks that what AWS describes is in the account that the ID names:
// names repeat across accounts, and the credentials see only their own.
func (p place) owned(described *string) error {
	if p.account == "" || described == nil {
		return nil
	}
	parsed, err := arn.Parse(*described)
	if err != nil || parsed.AccountID == p.account {
		return nil
	}
	return fmt.Errorf("the ARN is of account %s, but the credentials are of account %s: %w", p.account, parsed.AccountID, cycle.ErrNotFound)
}
