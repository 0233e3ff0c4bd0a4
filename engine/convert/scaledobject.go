package convert

import (
	"cmp"
	"errors"
	"fmt"
	"maps"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// KEDA's defaults.
const (
	kedaMaxReplicas     = 100
	kedaCooldownSeconds = 300
)

// ScaledObject converts a ScaledObject into a HorizontalAutoscaler followed by
// a MetricsProducer for each cron trigger. The notes are complete even if
// there is an error; the objects then are nil.
func ScaledObject(so *keda.ScaledObject, o Options) ([]runtime.Object, []Note, error) {
	c := newConverter("ScaledObject", so.ObjectMeta, o)
	objects, err := c.scaledObject(so)
	return objects, c.notes, err
}

func (c *converter) scaledObject(so *keda.ScaledObject) ([]runtime.Object, error) {
	path := field.NewPath("spec")
	spec := &so.Spec
	if spec.ScaleTargetRef == nil || spec.ScaleTargetRef.Name == "" {
		return nil, c.invalid(path.Child("scaleTargetRef", "name"), "required: the name of the resource to scale")
	}
	c.target = spec.ScaleTargetRef.Name

	ha := c.autoscaler(c.metadata(so.ObjectMeta, pauseAnnotations...))
	ha.Spec.ScaleTargetRef = kedaTarget(spec.ScaleTargetRef)
	ha.Spec.MinReplicas = or(spec.MinReplicaCount, 0)
	ha.Spec.MaxReplicas = or(spec.MaxReplicaCount, kedaMaxReplicas)
	ha.Spec.PollingIntervalSeconds = new(int32)
	*ha.Spec.PollingIntervalSeconds = hpaIntervalSeconds

	metrics, producers, err := c.triggers(so, path.Child("triggers"))
	if err != nil {
		return nil, err
	}
	ha.Spec.Metrics = metrics
	ha.Spec.Behavior = c.kedaBehavior(spec.Advanced, path.Child("advanced"))
	c.noteReplicas(spec, *ha.Spec.Behavior.ScaleDown.StabilizationWindowSeconds, path)
	c.noteAdvanced(spec, path)
	if err := c.pause(so.Annotations, &ha.Spec); err != nil {
		return nil, err
	}
	if err := c.check(ha); err != nil {
		return nil, err
	}
	objects := []runtime.Object{ha}
	for _, producer := range producers {
		objects = append(objects, producer)
	}
	return objects, nil
}

func kedaTarget(target *keda.ScaleTarget) v1alpha1.CrossVersionObjectReference {
	ref := v1alpha1.CrossVersionObjectReference{Kind: target.Kind, Name: target.Name, APIVersion: target.APIVersion}
	if ref.APIVersion == "" {
		ref.APIVersion = "apps/v1"
	}
	if ref.Kind == "" {
		ref.Kind = "Deployment"
	}
	return ref
}

// triggers converts the triggers; those of other types are noted.
func (c *converter) triggers(so *keda.ScaledObject, path *field.Path) ([]v1alpha1.Metric, []*v1alpha1.MetricsProducer, error) {
	var metrics []v1alpha1.Metric
	var producers []*v1alpha1.MetricsProducer
	var errs []error
	for i := range so.Spec.Triggers {
		trigger, path := &so.Spec.Triggers[i], path.Index(i)
		var metric v1alpha1.Metric
		var err error
		switch trigger.Type {
		case "prometheus":
			metric, err = c.prometheusTrigger(trigger, or(so.Spec.MinReplicaCount, 0), path)
		case cpu, memory:
			metric, err = c.resourceTrigger(trigger, path)
		case "cron":
			var producer *v1alpha1.MetricsProducer
			producer, err = c.cronTrigger(trigger, path)
			if err != nil {
				break
			}
			producer.Name = producerName(so, i)
			producer.Namespace = so.Namespace
			producer.Labels = maps.Clone(so.Labels)
			producers = append(producers, producer)
			metric = c.scheduleMetric(producer.Name)
		default:
			c.lost(path, "a trigger of type %q cannot be converted and is dropped; allowed: prometheus, cron, cpu, memory. If its signal is in Prometheus, add a metric with a query for it", trigger.Type)
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		c.noteTrigger(trigger, path)
		metrics = append(metrics, metric)
	}
	if len(metrics) == 0 && len(errs) == 0 {
		errs = append(errs, c.invalid(path, "none of the %d triggers can be converted; allowed: prometheus, cron, cpu, memory", len(so.Spec.Triggers)))
	}
	return metrics, producers, errors.Join(errs...)
}

// producerName is the ScaledObject's own name unless it has several cron
// triggers, which are then told apart by their position.
func producerName(so *keda.ScaledObject, trigger int) string {
	crons := 0
	for i := range so.Spec.Triggers {
		if so.Spec.Triggers[i].Type == "cron" {
			crons++
		}
	}
	if crons == 1 {
		return so.Name
	}
	return fmt.Sprintf("%s-%d", so.Name, trigger)
}

// noteTrigger notes what every type of trigger can have.
func (c *converter) noteTrigger(trigger *keda.Trigger, path *field.Path) {
	if trigger.Name != "" {
		c.changed(path.Child("name"), "not carried over: only a formula of scalingModifiers refers to %s", trigger.Name)
	}
	if ref := trigger.AuthenticationRef; ref != nil {
		c.lost(path.Child("authenticationRef"), "%s %s is not carried over: the controller queries Prometheus with credentials of its own; configure them there", cmp.Or(ref.Kind, "TriggerAuthentication"), ref.Name)
	}
	if trigger.UseCachedMetrics {
		c.changed(path.Child("useCachedMetrics"), "every decision queries anew")
	}
}

func (c *converter) kedaBehavior(advanced *keda.Advanced, path *field.Path) v1alpha1.Behavior {
	var given *autoscalingv2.HorizontalPodAutoscalerBehavior
	if advanced != nil && advanced.HPA != nil {
		given = advanced.HPA.Behavior
	}
	return c.behavior(given, path.Child("horizontalPodAutoscalerConfig", "behavior"))
}

// noteReplicas notes what becomes of KEDA's own steps between 0 and more,
// where window is the stabilization window for scaling down.
func (c *converter) noteReplicas(spec *keda.Spec, window int32, path *field.Path) {
	zero := or(spec.MinReplicaCount, 0) == 0
	if zero {
		c.lost(path.Child("minReplicaCount"), "KEDA itself steps between 0 and more, past the behavior; here 0 is a count like any other, reached and left by the metrics under the behavior")
	}
	cooldown := or(spec.CooldownPeriod, kedaCooldownSeconds)
	switch {
	case zero && cooldown != window:
		c.lost(path.Child("cooldownPeriod"), "KEDA waits %d s before the step to 0; here behavior.scaleDown.stabilizationWindowSeconds (%d) holds for it as for every other", cooldown, window)
	case !zero && spec.CooldownPeriod != nil && spec.IdleReplicaCount == nil:
		c.changed(path.Child("cooldownPeriod"), "without effect: the replicas never reach 0")
	case !zero && spec.CooldownPeriod != nil:
		c.lost(path.Child("cooldownPeriod"), "dropped with idleReplicaCount: KEDA waits %d s before that step", cooldown)
	}
	if or(spec.InitialCooldownPeriod, 0) > 0 {
		c.lost(path.Child("initialCooldownPeriod"), "dropped: a new autoscaler starts with the target's current replicas in its stabilization window instead")
	}
	if idle := spec.IdleReplicaCount; idle != nil {
		c.lost(path.Child("idleReplicaCount"), "dropped: without activity the replicas stay at minReplicaCount (%d) instead of %d; lower minReplicas if that is wanted", or(spec.MinReplicaCount, 0), *idle)
	}
	if spec.PollingInterval != nil {
		c.changed(path.Child("pollingInterval"), "it only paces KEDA's step from 0; the HPA that KEDA creates decides every %d s, and so does the result", hpaIntervalSeconds)
	}
	if spec.Fallback != nil {
		c.noteFallback(spec.Fallback, path.Child("fallback"))
	}
}

// noteFallback notes what becomes of a metric that keeps failing.
func (c *converter) noteFallback(f *keda.Fallback, path *field.Path) {
	switch f.Behavior {
	case "", "static":
		c.lost(path, "dropped: a metric that fails never scales down, but %d replicas after %d failures cannot be had; raise minReplicas if that many are always needed", f.Replicas, f.FailureThreshold)
	case "currentReplicas":
		c.lost(path, "dropped: a metric that fails holds the replicas, as with behavior %s, but at the first failure, not after %d; %d replicas are without effect", f.Behavior, f.FailureThreshold, f.Replicas)
	default:
		c.lost(path, "dropped: a metric that fails never scales down, but behavior %s with %d replicas after %d failures cannot be had; raise minReplicas if that many are always needed", f.Behavior, f.Replicas, f.FailureThreshold)
	}
}

func (c *converter) noteAdvanced(spec *keda.Spec, path *field.Path) {
	if spec.ScaleTargetRef.EnvSourceContainerName != "" {
		c.changed(path.Child("scaleTargetRef", "envSourceContainerName"), "dropped: no trigger reads the environment of a container")
	}
	advanced := spec.Advanced
	if advanced == nil {
		return
	}
	path = path.Child("advanced")
	if advanced.HPA != nil && advanced.HPA.Name != "" {
		c.changed(path.Child("horizontalPodAutoscalerConfig", "name"), "dropped: there is no HPA; delete %s with the ScaledObject", advanced.HPA.Name)
	}
	if advanced.RestoreToOriginalReplicaCount {
		c.lost(path.Child("restoreToOriginalReplicaCount"), "dropped: the replicas stay as they are when the autoscaler is deleted")
	}
	if m := advanced.ScalingModifiers; m != nil && *m != (keda.ScalingModifiers{}) {
		c.lost(path.Child("scalingModifiers"), "the formula %q (target %s of type %s, activation %s) is dropped, so the trigger that asks for most replicas decides; write the formula as one PromQL query instead",
			m.Formula, cmp.Or(m.Target, "none"), cmp.Or(m.MetricType, "AverageValue"), cmp.Or(m.ActivationTarget, "above 0"))
	}
}
