package v1alpha1

// nodeGroup is the valid object that the cases patch.
const nodeGroup = `
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: default}
spec: {replicas: 3, type: AWSEC2AutoScalingGroup, id: default}`

var nodeGroupCases = []admissionCase{
	{
		name:   "GroupPlain",
		reason: "the base object of the cases is valid",
		base:   nodeGroup,
		patch:  `{}`,
	},
	{
		name:   "GroupNegative",
		reason: "replicas are counts",
		base:   nodeGroup,
		patch:  `spec: {replicas: -1}`,
		want: []string{
			`spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0`,
		},
	},
	{
		name:   "GroupNoReplicas",
		reason: "absent, they are adopted from the provider",
		base:   nodeGroup,
		patch:  `spec: {replicas: null}`,
	},
	{
		name:   "GroupOtherProvider",
		reason: "providers register at run time",
		base:   nodeGroup,
		patch:  `spec: {type: ClusterAPIMachinePool}`,
	},
	{
		name:   "GroupTypeMalformed",
		reason: "a type is a name",
		base:   nodeGroup,
		patch:  `spec: {type: "aws/eks"}`,
		want: []string{
			`spec.type: Invalid value: "aws/eks": type must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup, not "aws/eks"`,
		},
	},
	{
		name:   "GroupTypeEmpty",
		reason: "a type is a name",
		base:   nodeGroup,
		patch:  `spec: {type: ""}`,
		want: []string{
			`spec.type: Invalid value: "": type must name a provider in letters and digits, e.g. AWSEKSNodeGroup or AWSEC2AutoScalingGroup, not ""`,
		},
	},
	{
		name:   "GroupIDEmpty",
		reason: "an id must not be empty",
		base:   nodeGroup,
		patch:  `spec: {id: ""}`,
		want: []string{
			`spec.id: Invalid value: "": spec.id in body should be at least 1 chars long`,
		},
	},
	{
		name:   "GroupColonARN",
		reason: "v0.1 wrote nodegroup: for nodegroup/",
		base:   nodeGroup,
		patch:  `spec: {id: "arn:aws:eks:eu-west-1:1234567890:nodegroup:demo/microservices/1"}`,
	},
}
