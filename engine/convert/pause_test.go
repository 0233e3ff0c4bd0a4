package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

func TestPause(t *testing.T) {
	type held struct {
		Min, Max int32
		DryRun   bool
		Up, Down v1alpha1.ScalingPolicySelect
	}
	tests := map[string]struct {
		reason      string
		annotations map[string]string
		want        held
	}{
		"None":           {"nothing is held", nil, held{1, 100, false, "Max", "Max"}},
		"Paused":         {"a paused object changes nothing", map[string]string{pausedAnnotation: "true"}, held{1, 100, true, "Max", "Max"}},
		"PausedAnything": {"KEDA takes what is not false for true", map[string]string{pausedAnnotation: ""}, held{1, 100, true, "Max", "Max"}},
		"PausedFalse":    {"false resumes", map[string]string{pausedAnnotation: "false"}, held{1, 100, false, "Max", "Max"}},
		"PausedReplicas": {"KEDA moves to the count and stays; it goes before paused", map[string]string{pausedReplicasAnnotation: "7", pausedAnnotation: "true"}, held{7, 7, false, "Max", "Max"}},
		"ScaleIn":        {"down is off", map[string]string{pausedScaleInAnnotation: "true"}, held{1, 100, false, "Max", "Disabled"}},
		"ScaleOut":       {"up is off", map[string]string{pausedScaleOutAnnotation: "true"}, held{1, 100, false, "Disabled", "Max"}},
		"Forced":         {"an activated object has one replica at least", map[string]string{forceActivationAnnotation: "true"}, held{1, 100, false, "Max", "Max"}},
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
			spec := objects[0].(*v1alpha1.HorizontalAutoscaler).Spec
			got := held{spec.MinReplicas, spec.MaxReplicas, spec.DryRun, *spec.Behavior.ScaleUp.SelectPolicy, *spec.Behavior.ScaleDown.SelectPolicy}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nScaledObject(%v): -want, +got:\n%s", tc.reason, tc.annotations, diff)
			}
		})
	}
}
