package convert

import (
	"cmp"
	"errors"
	"fmt"
	"maps"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
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

// scaledObject converts a ScaledObject into a HorizontalAutoscaler followed by
// the MetricsProducers that its triggers need.
func (c *converter) scaledObject(so *keda.ScaledObject) ([]runtime.Object, error) {
	path, result := field.NewPath("spec"), field.NewPath("spec")
	spec := &so.Spec
	if spec.ScaleTargetRef == nil || spec.ScaleTargetRef.Name == "" {
		return nil, c.invalid(path.Child("scaleTargetRef", "name"), "required: the name of the resource to scale")
	}
	ha := c.autoscaler(c.metadata(so.ObjectMeta, pauseAnnotations...))
	ha.Spec.ScaleTargetRef = kedaTarget(spec.ScaleTargetRef)
	c.target = scaleTarget{kind: ha.Spec.ScaleTargetRef.Kind, name: ha.Spec.ScaleTargetRef.Name}
	ha.Spec.MinReplicas = or(spec.MinReplicaCount, 0)
	ha.Spec.MaxReplicas = or(spec.MaxReplicaCount, kedaMaxReplicas)
	ha.Spec.PollingIntervalSeconds = new(int32)
	*ha.Spec.PollingIntervalSeconds = hpaIntervalSeconds

	producers, err := c.triggers(so, ha, path.Child("triggers"))
	errs := []error{err, c.formula(so, ha, path)}
	behavior := path.Child("advanced", "horizontalPodAutoscalerConfig", "behavior")
	ha.Spec.Behavior = c.kedaBehavior(spec.Advanced, path.Child("advanced"))
	c.sleep(spec, &ha.Spec, path)
	errs = append(errs, c.fallback(spec, &ha.Spec, path))
	c.noteReplicas(spec, path)
	c.noteAdvanced(spec, path)
	errs = append(errs, c.pause(so.Annotations, ha))
	c.from(ha, result.Child("minReplicas"), path.Child("minReplicaCount"))
	c.from(ha, result.Child("maxReplicas"), path.Child("maxReplicaCount"))
	c.fromAlike(ha, result.Child("behavior"), behavior)
	c.fromAlike(ha, result.Child("scaleTargetRef"), path.Child("scaleTargetRef"))
	objects := []runtime.Object{ha}
	for _, producer := range producers {
		objects = append(objects, producer)
	}
	errs = append(errs, c.targetKind(path.Child("scaleTargetRef", "kind")), c.check(objects))
	return objects, errors.Join(errs...)
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

// triggers converts the triggers into metrics of the autoscaler, and returns the
// producers of those that need one.
func (c *converter) triggers(so *keda.ScaledObject, ha *v1alpha1.HorizontalAutoscaler, path *field.Path) ([]*v1alpha1.MetricsProducer, error) {
	if len(so.Spec.Triggers) == 0 {
		return nil, c.invalid(path, "required: a trigger or more")
	}
	var producers []*v1alpha1.MetricsProducer
	var refused refusals
	for i := range so.Spec.Triggers {
		trigger, at := &so.Spec.Triggers[i], path.Index(i)
		signal, err := c.trigger(so, i, at)
		if err != nil {
			refused.add(at, err)
			continue
		}
		c.noteTrigger(trigger, at)
		result := field.NewPath("spec", "metrics").Index(len(ha.Spec.Metrics))
		c.from(ha, result, at)
		c.from(ha, result.Child("prometheus", "query"), signal.query)
		c.from(ha, result.Child("prometheus", "target"), signal.threshold)
		if fallible(trigger.Type) && so.Spec.Fallback != nil {
			signal.metric.Fallback = &v1alpha1.Fallback{} // filled in once the bounds are known
			c.from(ha, result.Child("fallback"), field.NewPath("spec", "fallback"))
		}
		ha.Spec.Metrics = append(ha.Spec.Metrics, signal.metric)
		if signal.producer != nil {
			producers = append(producers, signal.producer)
		}
	}
	return producers, c.without(refused, len(ha.Spec.Metrics))
}

// A signal holds what a trigger was converted to.
type signal struct {
	metric v1alpha1.Metric
	// query and threshold are the fields that these come from.
	query, threshold *field.Path
	// producer publishes what the metric reads; nil if others do.
	producer *v1alpha1.MetricsProducer
}

// trigger converts the trigger with an index.
func (c *converter) trigger(so *keda.ScaledObject, i int, path *field.Path) (signal, error) {
	trigger := &so.Spec.Triggers[i]
	metadata := path.Child("metadata")
	s := signal{query: path, threshold: path}
	if trigger.Type != "cron" && trigger.Type != cpu && trigger.Type != memory {
		if query, ok := c.givenTrigger(so, i); ok {
			var err error
			s.metric, s.threshold, err = c.standIn(trigger, query, sleeps(&so.Spec), path)
			return s, err
		}
	}
	var err error
	switch trigger.Type {
	case "prometheus":
		s.query, s.threshold = metadata.Child("query"), metadata.Child("threshold")
		s.metric, err = c.prometheusTrigger(trigger, sleeps(&so.Spec), path)
	case cpu, memory:
		s.threshold = metadata.Child("value")
		s.metric, err = c.resourceTrigger(trigger, path)
	case "cron":
		s.producer, err = c.cronTrigger(trigger, path)
		if err == nil {
			c.nameProducer(so, i, &s)
			s.metric = c.scheduleMetric(s.producer.Name)
			if sleeps(&so.Spec) {
				s.metric.Activation = resource.NewQuantity(0, resource.DecimalSI)
			}
		}
	case sqsTrigger:
		s.threshold = metadata.Child("queueLength")
		var target v1alpha1.MetricTarget
		s.producer, target, err = c.sqs(so, i, path)
		if err != nil {
			return s, err
		}
		c.nameProducer(so, i, &s)
		s.metric = c.queueMetric(s.producer.Name, target)
		s.metric.Activation, err = c.activation(trigger.Metadata, "activationQueueLength", sleeps(&so.Spec), metadata)
	default:
		err = c.needsQuery(so, i, path)
	}
	return s, err
}

// nameProducer names the producer of a trigger.
func (c *converter) nameProducer(so *keda.ScaledObject, i int, s *signal) {
	s.producer.Name, s.producer.Namespace, s.producer.Labels = c.producerName(so, i), so.Namespace, maps.Clone(so.Labels)
}

// producerName is the ScaledObject's own name unless it has several triggers that
// need a producer, which are then told apart by their position.
func (c *converter) producerName(so *keda.ScaledObject, trigger int) string {
	producers := 0
	for i := range so.Spec.Triggers {
		if kind := so.Spec.Triggers[i].Type; kind == "cron" || kind == sqsTrigger {
			producers++
		}
	}
	if producers == 1 {
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

// sleeps says whether KEDA itself takes the target to a count below that of its
// HPA: some trigger must say when it is active. Those on cpu and memory never do.
func sleeps(spec *keda.Spec) bool {
	return wakes(spec) && (or(spec.MinReplicaCount, 0) == 0 || spec.IdleReplicaCount != nil)
}

// wakes says whether some trigger can make the object active.
func wakes(spec *keda.Spec) bool {
	for i := range spec.Triggers {
		if kind := spec.Triggers[i].Type; kind != cpu && kind != memory {
			return true
		}
	}
	return false
}

// sleep converts KEDA's own steps, to and from 0 or idleReplicaCount.
func (c *converter) sleep(spec *keda.Spec, out *v1alpha1.HorizontalAutoscalerSpec, path *field.Path) {
	out.MinReplicas = max(1, out.MinReplicas)
	if !sleeps(spec) {
		if !wakes(spec) || out.Behavior.Algorithm != "" {
			out.Zero = &v1alpha1.Zero{} // always active: KEDA raises it from 0, which switches an HPA off
		}
		if or(spec.MinReplicaCount, 0) == 0 {
			c.changed(path.Child("minReplicaCount"), "minReplicas is 1: KEDA takes an object with triggers on cpu and memory only for always active, so it is woken from 0 and never goes there")
		}
		return
	}
	cooldown := or(spec.CooldownPeriod, kedaCooldownSeconds)
	out.Zero = &v1alpha1.Zero{
		CooldownSeconds: &cooldown, InitialCooldownSeconds: or(spec.InitialCooldownPeriod, 0), IdleReplicas: or(spec.IdleReplicaCount, 0),
	}
	if spec.MinReplicaCount == nil || *spec.MinReplicaCount == 0 {
		c.changed(path.Child("minReplicaCount"), "0 is spec.zero: one step to 0 past the behavior, %d s after the last activity, and one to 1 from it", cooldown)
	}
}

// noteReplicas notes what becomes of the fields about KEDA's own steps.
func (c *converter) noteReplicas(spec *keda.Spec, path *field.Path) {
	if !sleeps(spec) && spec.CooldownPeriod != nil {
		c.changed(path.Child("cooldownPeriod"), "without effect: the replicas never reach 0")
	}
	if or(spec.InitialCooldownPeriod, 0) > 0 {
		if sleeps(spec) {
			c.changed(path.Child("initialCooldownPeriod"), "counts from the first decision instead of the creation of the object")
		} else {
			c.changed(path.Child("initialCooldownPeriod"), "without effect: the replicas never reach 0")
		}
	}
	if spec.PollingInterval != nil {
		c.changed(path.Child("pollingInterval"), "it only paces KEDA's step from 0; the HPA that KEDA creates decides every %d s, and so does the result", hpaIntervalSeconds)
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
		c.dropped(path.Child("restoreToOriginalReplicaCount"), "dropped: the replicas stay as they are when the autoscaler is deleted")
	}
}
