package convert

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// kedaPollingSeconds is how often KEDA polls a trigger unless it is told.
const kedaPollingSeconds = 30

// maxAfterSeconds is the longest that a fallback may wait.
const maxAfterSeconds = 24 * 60 * 60

// fallible says whether KEDA's fallback is of triggers of a type: not of those that
// it leaves to the HPA, nor of one that asks nobody.
func fallible(trigger string) bool {
	return trigger != cpu && trigger != memory && trigger != "cron"
}

// fallback fills in what the metrics of triggers ask for once they have failed often
// enough. KEDA counts failures at its own polls and at the HPA's queries alike.
func (c *converter) fallback(spec *keda.Spec, out *v1alpha1.HorizontalAutoscalerSpec, path *field.Path) error {
	f := spec.Fallback
	if f == nil {
		return nil
	}
	path = path.Child("fallback")
	if f.Replicas < 0 {
		return c.invalid(path.Child("replicas"), "%d must be at least 0", f.Replicas)
	}
	if f.FailureThreshold < 0 {
		return c.invalid(path.Child("failureThreshold"), "%d must be at least 0", f.FailureThreshold)
	}
	given := v1alpha1.Fallback{Replicas: f.Replicas}
	switch f.Behavior {
	case "", "static":
		given.AllowScaleDown = true
	case "currentReplicasIfHigher":
	case "currentReplicas":
		// At least as many as there are, and no fewer than the bounds want anyway.
		given.Replicas = out.MinReplicas
		c.changed(path.Child("replicas"), "%d are without effect with behavior %s", f.Replicas, f.Behavior)
	default:
		c.dropped(path, "dropped: a metric that fails never scales down, but behavior %s with %d replicas after %d failures cannot be had; raise minReplicas if that many are always needed", f.Behavior, f.Replicas, f.FailureThreshold)
		for i := range out.Metrics {
			out.Metrics[i].Fallback = nil
		}
		return nil
	}
	if bounded := min(max(given.Replicas, out.MinReplicas), out.MaxReplicas); bounded != given.Replicas {
		c.changed(path.Child("replicas"), "%d is %d, which the bounds make of it", given.Replicas, bounded)
		given.Replicas = bounded
	}
	polling := int64(or(spec.PollingInterval, kedaPollingSeconds))
	seconds := after(int64(f.FailureThreshold), max(polling, 1))
	given.After = metav1.Duration{Duration: time.Duration(seconds) * time.Second}
	some := false
	for i := range out.Metrics {
		if out.Metrics[i].Fallback != nil {
			some, *out.Metrics[i].Fallback = true, given
		}
	}
	if !some {
		c.changed(path, "without effect: no trigger is of a type that KEDA's fallback is of")
		return nil
	}
	c.changed(path.Child("failureThreshold"), "%d failures, counted at polls every %d s and at the HPA's queries every %d s, are taken for %d s of failing",
		f.FailureThreshold, polling, hpaIntervalSeconds, seconds)
	return nil
}

// after is how many seconds pass from a first failure until so many more are counted,
// at polls and at the HPA's queries: at least one interval of the autoscaler.
func after(failures, polling int64) int64 {
	const query = hpaIntervalSeconds
	seconds := (failures*query*polling + query + polling - 1) / (query + polling)
	return min(max(seconds, query), maxAfterSeconds)
}
