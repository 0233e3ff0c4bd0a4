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

// pause carries KEDA's annotations over as our own, which hold back what is decided in
// the same way.
func (c *converter) pause(annotations map[string]string, ha *v1alpha1.HorizontalAutoscaler) error {
	path := field.NewPath("metadata", "annotations")
	spec := &ha.Spec
	note := func(key, own, value string) {
		if ha.Annotations == nil {
			ha.Annotations = map[string]string{}
		}
		ha.Annotations[own] = value
		c.changed(path.Key(key), "is the annotation %s: %q; to resume, remove it", own, value)
	}
	if text, ok := annotations[pausedReplicasAnnotation]; ok {
		replicas, err := strconv.ParseInt(text, 10, 32)
		if err != nil || replicas < 0 {
			return c.invalid(path.Key(pausedReplicasAnnotation), "%q must be a number of replicas", text)
		}
		note(pausedReplicasAnnotation, v1alpha1.PausedAnnotation, strconv.FormatInt(replicas, 10))
		c.lost(path.Key(pausedReplicasAnnotation), "KEDA sets %d once; here a count that somebody sets by hand is set back", replicas)
	} else if set(annotations, pausedAnnotation) {
		note(pausedAnnotation, v1alpha1.PausedAnnotation, "true")
	}
	if set(annotations, pausedScaleInAnnotation) {
		note(pausedScaleInAnnotation, v1alpha1.PausedScaleInAnnotation, "true")
	}
	if set(annotations, pausedScaleOutAnnotation) {
		note(pausedScaleOutAnnotation, v1alpha1.PausedScaleOutAnnotation, "true")
	}
	if spec.Behavior.Algorithm != "" && (set(annotations, pausedScaleInAnnotation) || set(annotations, pausedScaleOutAnnotation)) {
		key := pausedScaleInAnnotation
		if !set(annotations, key) {
			key = pausedScaleOutAnnotation
		}
		c.lost(path.Key(key), "while this stands, KEDA's HPA has a behavior, with the API server's defaults; here algorithm %s goes on", spec.Behavior.Algorithm)
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
