package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// messages are the violations as a user reads them.
func messages(errs field.ErrorList) []string {
	var list []string
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}

func TestCompileNodeGroup(t *testing.T) {
	const eks = `: must be the ARN of a managed node group, arn:aws:eks:REGION:ACCOUNT:nodegroup/CLUSTER/NODEGROUP/UUID`
	const asg = `: must be the name or the ARN of an Auto Scaling group, arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:UUID:autoScalingGroupName/NAME`
	cases := map[string]struct {
		reason string
		spec   string
		want   *NodeGroup
		errs   []string
	}{
		"EKS": {"the form of the API", `{type: AWSEKSNodeGroup, id: "arn:aws:eks:eu-west-1:123:nodegroup/demo/workers/uuid", replicas: 3}`,
			&NodeGroup{Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:eu-west-1:123:nodegroup/demo/workers/uuid"}, nil},
		"EKSColon": {"v0.1's example wrote a colon for the slash", `{type: AWSEKSNodeGroup, id: "arn:aws:eks:eu-west-1:123:nodegroup:demo/workers/uuid"}`,
			&NodeGroup{Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:eu-west-1:123:nodegroup/demo/workers/uuid"}, nil},
		"EKSChina": {"other partitions", `{type: AWSEKSNodeGroup, id: "arn:aws-cn:eks:cn-north-1:123:nodegroup/demo/workers/uuid"}`,
			&NodeGroup{Type: "AWSEKSNodeGroup", ID: "arn:aws-cn:eks:cn-north-1:123:nodegroup/demo/workers/uuid"}, nil},
		"EKSName": {"a name says no cluster", `{type: AWSEKSNodeGroup, id: workers}`,
			nil, []string{`spec.id: Invalid value: "workers"` + eks}},
		"EKSCluster": {"the ARN of a cluster", `{type: AWSEKSNodeGroup, id: "arn:aws:eks:eu-west-1:123:cluster/demo"}`,
			nil, []string{`spec.id: Invalid value: "arn:aws:eks:eu-west-1:123:cluster/demo"` + eks}},
		"EKSShort": {"a node group's name is missing", `{type: AWSEKSNodeGroup, id: "arn:aws:eks:eu-west-1:123:nodegroup/demo"}`,
			nil, []string{`spec.id: Invalid value: "arn:aws:eks:eu-west-1:123:nodegroup/demo"` + eks}},
		"ASGName": {"a plain name, dry", `{type: AWSEC2AutoScalingGroup, id: my group/a:b, dryRun: true}`,
			&NodeGroup{Type: "AWSEC2AutoScalingGroup", ID: "my group/a:b", DryRun: true}, nil},
		"ASGARN": {"an ARN", `{type: AWSEC2AutoScalingGroup, id: "arn:aws:autoscaling:eu-west-1:123:autoScalingGroup:u-u:autoScalingGroupName/workers"}`,
			&NodeGroup{Type: "AWSEC2AutoScalingGroup", ID: "arn:aws:autoscaling:eu-west-1:123:autoScalingGroup:u-u:autoScalingGroupName/workers"}, nil},
		"ASGMisspelt": {"v0.1 kept a wrong ARN as a name", `{type: AWSEC2AutoScalingGroup, id: "arn:aws:autoscaling:eu-west-1:123:utoScalingGroup:u-u:utoScalingGroupName/workers"}`,
			nil, []string{`spec.id: Invalid value: "arn:aws:autoscaling:eu-west-1:123:utoScalingGroup:u-u:utoScalingGroupName/workers"` + asg}},
		"ASGNoName": {"v0.1 took it for an empty name", `{type: AWSEC2AutoScalingGroup, id: "arn:aws:autoscaling:eu-west-1:123:autoScalingGroup:u-u:autoScalingGroupName/"}`,
			nil, []string{`spec.id: Invalid value: "arn:aws:autoscaling:eu-west-1:123:autoScalingGroup:u-u:autoScalingGroupName/"` + asg}},
		"Other": {"another provider's notation is its own", `{type: GCEInstanceGroup, id: "zone/a"}`,
			&NodeGroup{Type: "GCEInstanceGroup", ID: "zone/a"}, nil},
		"Everything": {"all violations at once", `{type: aws/eks, id: " ", replicas: -1}`, nil, []string{
			`spec.replicas: Invalid value: -1: must be at least 0`,
			`spec.type: Invalid value: "aws/eks": must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup`,
			`spec.id: Required value: what identifies the group at its provider, e.g. its ARN`,
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			spec := &v1alpha1.ScalableNodeGroupSpec{}
			if err := yaml.UnmarshalStrict([]byte(c.spec), spec); err != nil {
				t.Fatal(err)
			}
			got, errs := CompileNodeGroup(spec, field.NewPath("spec"))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if diff := cmp.Diff(c.errs, messages(errs)); diff != "" {
				t.Errorf("%s: violations (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
