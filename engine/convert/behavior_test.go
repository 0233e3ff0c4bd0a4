package convert

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

func TestBehavior(t *testing.T) {
	const (
		up   = "{stabilizationWindowSeconds: 0, selectPolicy: Max, tolerance: 100m, policies: [{type: Count, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]}"
		down = "{stabilizationWindowSeconds: 300, selectPolicy: Max, tolerance: 100m, policies: [{type: Percent, value: 100, periodSeconds: 15}]}"
	)
	tests := map[string]struct {
		reason, given, up, down string
		notes                   int
	}{
		"Empty": {
			reason: "the API server fills in both directions of a present behavior",
			given:  "{}", up: up, down: down,
		},
		"WindowOnly": {
			reason: "one field does not erase another's default",
			given:  "{scaleDown: {stabilizationWindowSeconds: 60}}",
			up:     up,
			down:   "{stabilizationWindowSeconds: 60, selectPolicy: Max, tolerance: 100m, policies: [{type: Percent, value: 100, periodSeconds: 15}]}",
		},
		"WindowZero": {
			reason: "0 is a value, not the absence of one",
			given:  "{scaleDown: {stabilizationWindowSeconds: 0}}",
			up:     up,
			down:   "{stabilizationWindowSeconds: 0, selectPolicy: Max, tolerance: 100m, policies: [{type: Percent, value: 100, periodSeconds: 15}]}",
		},
		"PoliciesOnly": {
			reason: "policies replace the default ones; Pods is called Count",
			given:  "{scaleUp: {policies: [{type: Pods, value: 9, periodSeconds: 60}]}}",
			up:     "{stabilizationWindowSeconds: 0, selectPolicy: Max, tolerance: 100m, policies: [{type: Count, value: 9, periodSeconds: 60}]}",
			down:   down,
		},
		"SelectAndTolerance": {
			reason: "each field is its own",
			given:  "{scaleUp: {selectPolicy: Disabled}, scaleDown: {selectPolicy: Min, tolerance: 0}}",
			up:     "{stabilizationWindowSeconds: 0, selectPolicy: Disabled, tolerance: 100m, policies: [{type: Count, value: 4, periodSeconds: 15}, {type: Percent, value: 100, periodSeconds: 15}]}",
			down:   "{stabilizationWindowSeconds: 300, selectPolicy: Min, tolerance: 0, policies: [{type: Percent, value: 100, periodSeconds: 15}]}",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var given *autoscalingv2.HorizontalPodAutoscalerBehavior
			decode(t, tc.given, &given)
			var want v1alpha1.Behavior
			decode(t, "{scaleUp: "+tc.up+", scaleDown: "+tc.down+"}", &want)
			c := newConverter("HorizontalPodAutoscaler", metav1.ObjectMeta{Name: "web"}, Options{})
			got := c.behavior(given, field.NewPath("spec", "behavior"))
			if diff := cmp.Diff(encode(t, want), encode(t, got)); diff != "" {
				t.Errorf("%s\nbehavior(%s): -want, +got:\n%s", tc.reason, tc.given, diff)
			}
			if len(c.notes) != tc.notes {
				t.Errorf("%s\nbehavior(%s): %d notes, want %d: %v", tc.reason, tc.given, len(c.notes), tc.notes, c.notes)
			}
		})
	}
}

// The API server fills nothing into an absent behavior; only flags that were not
// the default ones are written.
func TestBehaviorAbsent(t *testing.T) {
	tolerance, window := resource.MustParse("0.2"), int32(60)
	for name, tc := range map[string]struct {
		options Options
		want    string
	}{
		"Defaults":  {Options{}, "{algorithm: HPAWithoutBehavior}"},
		"Tolerance": {Options{Tolerance: &tolerance}, "{algorithm: HPAWithoutBehavior, scaleUp: {tolerance: 200m}, scaleDown: {tolerance: 200m}}"},
		"Window":    {Options{DownscaleStabilizationSeconds: &window}, "{algorithm: HPAWithoutBehavior, scaleDown: {stabilizationWindowSeconds: 60}}"},
	} {
		t.Run(name, func(t *testing.T) {
			var want v1alpha1.Behavior
			decode(t, tc.want, &want)
			c := newConverter("HorizontalPodAutoscaler", metav1.ObjectMeta{Name: "web"}, tc.options)
			got := c.behavior(nil, field.NewPath("spec", "behavior"))
			if diff := cmp.Diff(encode(t, want), encode(t, got)); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

func decode(t *testing.T, document string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(document), into); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
}

// encode is how a value looks in a manifest.
func encode(t *testing.T, value any) string {
	t.Helper()
	out, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
