package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// NodeGroupInterval is the time between two slots of a ScalableNodeGroup in seconds.
const NodeGroupInterval = 10

// A NodeGroup is a compiled ScalableNodeGroup spec without spec.replicas, which
// is an observation: every write through the scale subresource changes it.
type NodeGroup struct {
	// Type names the provider, ID the group in its notation.
	Type string `json:"type"`
	ID   string `json:"id"`
	// DryRun observes and decides, but commands nothing.
	DryRun bool `json:"dryRun,omitempty"`
}

// Encode is the policy's canonical JSON.
func (p *NodeGroup) Encode() []byte {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings always marshal
	}
	return b
}

// The forms of an identifier at AWS.
const (
	eksForm = "the ARN of a managed node group, arn:aws:eks:REGION:ACCOUNT:nodegroup/CLUSTER/NODEGROUP/UUID"
	asgForm = "the name or the ARN of an Auto Scaling group, arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:UUID:autoScalingGroupName/NAME"
)

var (
	groupType = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	// Karpenter v0.1's example wrote nodegroup: for nodegroup/.
	eksARN = regexp.MustCompile(`^(arn:[a-z-]+:eks:[a-z0-9-]+:[0-9]+:nodegroup)[:/]([^/:]+/[^/:]+(?:/[^/:]+)?)$`)
	asgARN = regexp.MustCompile(`^arn:[a-z-]+:autoscaling:[a-z0-9-]+:[0-9]+:autoScalingGroup:[^:/]+:autoScalingGroupName/.+$`)
)

// CompileNodeGroup turns a spec into a policy. Every violation is reported with
// its field below path ("spec"); the policy is nil unless there is none.
// Whether the type has a provider is known where providers are registered.
func CompileNodeGroup(spec *v1alpha1.ScalableNodeGroupSpec, path *field.Path) (*NodeGroup, field.ErrorList) {
	c := compiler{}
	if spec.Replicas != nil && *spec.Replicas < 0 {
		c.fail(field.Invalid(path.Child("replicas"), *spec.Replicas, "must be at least 0"))
	}
	if !groupType.MatchString(string(spec.Type)) {
		c.fail(field.Invalid(path.Child("type"), spec.Type, fmt.Sprintf(
			"must name a provider in letters and digits, e.g. %s or %s", v1alpha1.AWSEKSNodeGroupType, v1alpha1.AWSEC2AutoScalingGroupType)))
	}
	p := &NodeGroup{Type: string(spec.Type), ID: c.groupID(spec.Type, spec.ID, path.Child("id")), DryRun: spec.DryRun}
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return p, nil
}

// groupID checks an identifier as far as its type is known here, and writes it
// in its canonical form.
func (c *compiler) groupID(kind v1alpha1.NodeGroupType, id string, path *field.Path) string {
	switch {
	case strings.TrimSpace(id) == "":
		c.fail(field.Required(path, "what identifies the group at its provider, e.g. its ARN"))
	case kind == v1alpha1.AWSEKSNodeGroupType:
		parts := eksARN.FindStringSubmatch(id)
		if parts == nil {
			c.fail(field.Invalid(path, id, "must be "+eksForm))
			return id
		}
		return parts[1] + "/" + parts[2]
	case kind == v1alpha1.AWSEC2AutoScalingGroupType:
		// A name may hold colons and slashes, so only what claims to be an ARN is held to its form.
		if strings.HasPrefix(id, "arn:") && !asgARN.MatchString(id) {
			c.fail(field.Invalid(path, id, "must be "+asgForm))
		}
	}
	return id
}
