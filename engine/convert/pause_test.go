package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

func TestPause(t *testing.T) {
	held := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	tests := map[string]struct {
		reason      string
		annotations map[string]string
		want        map[string]string
		sleeps      bool
	}{
		"None":           {"nothing is held", nil, nil, true},
		"Paused":         {"a paused object changes nothing", held(pausedAnnotation, "true"), held(v1alpha1.PausedAnnotation, "true"), true},
		"PausedAnything": {"KEDA takes what is not false for true", held(pausedAnnotation, ""), held(v1alpha1.PausedAnnotation, "true"), true},
		"PausedFalse":    {"false resumes", held(pausedAnnotation, "false"), nil, true},
		"PausedReplicas": {"KEDA moves to the count and stays; it goes before paused", held(pausedReplicasAnnotation, "7", pausedAnnotation, "true"), held(v1alpha1.PausedAnnotation, "7"), true},
		"ScaleIn":        {"down is off", held(pausedScaleInAnnotation, "true"), held(v1alpha1.PausedScaleInAnnotation, "true"), true},
		"ScaleOut":       {"up is off", held(pausedScaleOutAnnotation, "true"), held(v1alpha1.PausedScaleOutAnnotation, "true"), true},
		"Forced":         {"an activated object has one replica at least", held(forceActivationAnnotation, "true"), nil, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			so := &keda.ScaledObject{Spec: keda.Spec{
				ScaleTargetRef: &keda.ScaleTarget{Name: "web"},
				Advanced:       &keda.Advanced{HPA: &keda.HPAConfig{Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{}}},
				Triggers:       []keda.Trigger{{Type: "prometheus", Metadata: map[string]string{"query": "up", "threshold": "1"}}},
			}}
			so.Name, so.Annotations = "web", tc.annotations
			objects, err := newConverter("ScaledObject", so.ObjectMeta, Options{}).scaledObject(so)
			if err != nil {
				t.Fatal(err)
			}
			ha := objects[0].(*v1alpha1.HorizontalAutoscaler)
			if diff := cmp.Diff(tc.want, ha.Annotations); diff != "" {
				t.Errorf("%s\nScaledObject(%v): -want, +got:\n%s", tc.reason, tc.annotations, diff)
			}
			if sleeps := ha.Spec.Zero != nil; sleeps != tc.sleeps || ha.Spec.MinReplicas != 1 || ha.Spec.MaxReplicas != 100 || ha.Spec.DryRun {
				t.Errorf("%s: the spec is another: %+v", tc.reason, ha.Spec)
			}
		})
	}
}
