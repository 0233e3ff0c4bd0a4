package convert

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// oldScaledObject converts a ScaledObject of KEDA 1 as the same of KEDA 2.
func (c *converter) oldScaledObject(old *keda.OldScaledObject) ([]runtime.Object, error) {
	path := field.NewPath("spec")
	spec := &old.Spec
	if spec.ScaleType == "job" || spec.JobTargetRef != nil {
		return nil, c.unsupported(path.Child("scaleType"), "%s", jobs)
	}
	c.changed(field.NewPath("apiVersion"), "read as the same of keda.sh/v1alpha1; KEDA 2 does not serve keda.k8s.io/v1alpha1")
	so := &keda.ScaledObject{ObjectMeta: old.ObjectMeta}
	so.Spec = keda.Spec{
		PollingInterval: spec.PollingInterval,
		CooldownPeriod:  spec.CooldownPeriod,
		MinReplicaCount: spec.MinReplicaCount,
		MaxReplicaCount: spec.MaxReplicaCount,
		Triggers:        spec.Triggers,
	}
	if spec.ScaleTargetRef != nil {
		so.Spec.ScaleTargetRef = &keda.ScaleTarget{Name: spec.ScaleTargetRef.DeploymentName, EnvSourceContainerName: spec.ScaleTargetRef.ContainerName}
	}
	if spec.ScaleType != "" && spec.ScaleType != "deployment" {
		return nil, c.invalid(path.Child("scaleType"), "%q is not known; allowed: deployment, job", spec.ScaleType)
	}
	c.written = func(path string) string {
		if rest, ok := strings.CutPrefix(path, "spec.scaleTargetRef.name"); ok {
			return "spec.scaleTargetRef.deploymentName" + rest
		}
		return strings.Replace(path, "spec.scaleTargetRef.envSourceContainerName", "spec.scaleTargetRef.containerName", 1)
	}
	return c.scaledObject(so)
}
