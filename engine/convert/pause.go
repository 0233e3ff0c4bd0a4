package convert

import (
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// The annotations by which KEDA is paused or held.
const (
	pausedAnnotation          = "autoscaling.keda.sh/paused"
	pausedReplicasAnnotation  = "autoscaling.keda.sh/paused-replicas"
	pausedScaleInAnnotation   = "autoscaling.keda.sh/paused-scale-in"
	pausedScaleOutAnnotation  = "autoscaling.keda.sh/paused-scale-out"
	forceActivationAnnotation = "autoscaling.keda.sh/force-activation"
)

// kedaAnnotations is how annotations begin that tell KEDA how to scale;
// kedaFinalizer is on every ScaledObject that it has seen.
const (
	kedaAnnotations = "autoscaling.keda.sh/"
	kedaFinalizer   = "finalizer.keda.sh"
	// scaledObjectLabel names on an HPA the ScaledObject that KEDA made it of.
	scaledObjectLabel = "scaledobject.keda.sh/name"
)

var pauseAnnotations = []string{
	pausedAnnotation, pausedReplicasAnnotation, pausedScaleInAnnotation,
	pausedScaleOutAnnotation, forceActivationAnnotation,
}

// pause expresses the annotations in the spec.
func (c *converter) pause(annotations map[string]string, spec *v1alpha1.HorizontalAutoscalerSpec) error {
	path := field.NewPath("metadata", "annotations")
	if text, ok := annotations[pausedReplicasAnnotation]; ok {
		replicas, err := strconv.ParseInt(text, 10, 32)
		if err != nil || replicas < 0 {
			return c.invalid(path.Key(pausedReplicasAnnotation), "%q must be a number of replicas", text)
		}
		c.changed(path.Key(pausedReplicasAnnotation), "minReplicas and maxReplicas are both %d; to resume, set them to %d and %d", replicas, spec.MinReplicas, spec.MaxReplicas)
		spec.MinReplicas, spec.MaxReplicas = int32(replicas), int32(replicas)
		stayAwake(spec)
	} else if set(annotations, pausedAnnotation) {
		c.changed(path.Key(pausedAnnotation), "dryRun is true; to resume, remove it")
		spec.DryRun = true
	}
	disabled := v1alpha1.DisabledPolicySelect
	if spec.Behavior.Algorithm != "" && (set(annotations, pausedScaleInAnnotation) || set(annotations, pausedScaleOutAnnotation)) {
		// KEDA writes a selectPolicy into its HPA, which then has a behavior.
		up, down := c.apiServerUp(), c.apiServerDown()
		spec.Behavior = v1alpha1.Behavior{ScaleUp: &up, ScaleDown: &down}
	}
	if set(annotations, pausedScaleInAnnotation) {
		c.changed(path.Key(pausedScaleInAnnotation), "behavior.scaleDown.selectPolicy is Disabled; to resume, set it to %s", *spec.Behavior.ScaleDown.SelectPolicy)
		spec.Behavior.ScaleDown.SelectPolicy = &disabled
	}
	if set(annotations, pausedScaleOutAnnotation) {
		c.changed(path.Key(pausedScaleOutAnnotation), "behavior.scaleUp.selectPolicy is Disabled; to resume, set it to %s", *spec.Behavior.ScaleUp.SelectPolicy)
		spec.Behavior.ScaleUp.SelectPolicy = &disabled
	}
	if set(annotations, forceActivationAnnotation) && spec.Zero != nil {
		c.changed(path.Key(forceActivationAnnotation), "spec.zero and activations are left out; to let the replicas reach %d again, convert without the annotation", spec.Zero.IdleReplicas)
		stayAwake(spec)
	}
	return nil
}

// stayAwake lets a target never sleep.
func stayAwake(spec *v1alpha1.HorizontalAutoscalerSpec) {
	spec.Zero = nil
	for i := range spec.Metrics {
		spec.Metrics[i].Activation = nil
	}
}

// set tells whether an annotation is present and not false.
func set(annotations map[string]string, key string) bool {
	text, ok := annotations[key]
	if !ok {
		return false
	}
	value, err := strconv.ParseBool(text)
	return err != nil || value
}
