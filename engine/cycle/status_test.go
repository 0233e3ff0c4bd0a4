package cycle

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// The conditions of a slot in which all is well.
var fine = map[string]string{
	v1alpha1.ReadyCondition:            "True Ready: the autoscaler works",
	v1alpha1.ActiveCondition:           "True Decided: the last slot was decided on usable inputs",
	v1alpha1.AbleToScaleCondition:      "True Able: nothing holds a change back",
	v1alpha1.ScalingUnboundedCondition: "True WithinBounds: the decision lies within minReplicas and maxReplicas",
	v1alpha1.MetricsAvailableCondition: "True Available: every metric has a usable value",
}

// TestConditions holds all four conditions of the second slot, whose metric is
// value: only what differs from fine is listed.
func TestConditions(t *testing.T) {
	seconds := func(n int32) *int32 { return &n }
	disabled := v1alpha1.DisabledPolicySelect
	cases := map[string]struct {
		reason   string
		spec     func(*v1alpha1.HorizontalAutoscalerSpec)
		value    float64
		samples  int
		decision autoscaler.Reason
		want     map[string]string
	}{
		"Unchanged":  {"on target", nil, 50, 1, autoscaler.Unchanged, nil},
		"ScaledUp":   {"moving is fine", nil, 80, 1, autoscaler.ScaledUp, nil},
		"ScaledDown": {"moving is fine", nil, 20, 1, autoscaler.ScaledDown, nil},
		"BoundedUp": {"at the bound the autoscaler works", nil, 900, 1, autoscaler.Bounded,
			map[string]string{v1alpha1.ScalingUnboundedCondition: "False Bounded: the decision would lie above maxReplicas"}},
		"BoundedDown": {"at the bound the autoscaler works",
			func(s *v1alpha1.HorizontalAutoscalerSpec) { s.MinReplicas = 5 }, 20, 1, autoscaler.Bounded,
			map[string]string{v1alpha1.ScalingUnboundedCondition: "False Bounded: the decision would lie below minReplicas"}},
		"StabilizedDown": {"cooling down the autoscaler works",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				s.Behavior.ScaleDown = &v1alpha1.ScalingRules{StabilizationWindowSeconds: seconds(300)}
			}, 20, 1, autoscaler.Stabilized,
			map[string]string{v1alpha1.AbleToScaleCondition: "False Stabilized: scaling down is held back by its stabilization window"}},
		"StabilizedUp": {"warming up the autoscaler works",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				s.Behavior.ScaleUp = &v1alpha1.ScalingRules{StabilizationWindowSeconds: seconds(60)}
			}, 80, 1, autoscaler.Stabilized,
			map[string]string{v1alpha1.AbleToScaleCondition: "False Stabilized: scaling up is held back by its stabilization window"}},
		"RateLimited": {"a limit is no fault",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				s.Behavior.ScaleUp = &v1alpha1.ScalingRules{Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 1, PeriodSeconds: 60}}}
			}, 80, 1, autoscaler.RateLimited,
			map[string]string{v1alpha1.AbleToScaleCondition: "False RateLimited: scaling up is held back by rate policy 0"}},
		"Disabled": {"nor is a direction switched off",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				s.Behavior.ScaleDown = &v1alpha1.ScalingRules{StabilizationWindowSeconds: seconds(0), SelectPolicy: &disabled}
			}, 20, 1, autoscaler.Disabled,
			map[string]string{v1alpha1.AbleToScaleCondition: "False Disabled: scaling down is held back by selectPolicy Disabled"}},
		"NoMetrics": {"without a usable metric it does not work", nil, 0, 0, autoscaler.MetricsUnavailable,
			map[string]string{
				v1alpha1.ReadyCondition:            "False MetricsUnavailable: spec.metrics[0]: Empty: no sample; nothing matched, or the series went stale",
				v1alpha1.ActiveCondition:           "False MetricsUnavailable: spec.metrics[0]: Empty: no sample; nothing matched, or the series went stale",
				v1alpha1.AbleToScaleCondition:      "False MetricsUnavailable: spec.metrics[0]: Empty: no sample; nothing matched, or the series went stale",
				v1alpha1.MetricsAvailableCondition: "False MetricsUnavailable: spec.metrics[0]: Empty: no sample; nothing matched, or the series went stale",
			}},
		"DryRun": {"in dry run nothing is changed, and that is no fault",
			func(s *v1alpha1.HorizontalAutoscalerSpec) { s.DryRun = true }, 80, 1, autoscaler.ScaledUp,
			map[string]string{v1alpha1.AbleToScaleCondition: "False DryRun: in dry run decisions are recorded, and nothing is changed"}},
		"Fallback": {"what stands in for the only metric is no fault",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				s.Metrics[0].Fallback = &v1alpha1.Fallback{Replicas: 7, After: metav1.Duration{Duration: 10 * time.Second}}
			}, 80, -1, autoscaler.ScaledUp,
			map[string]string{v1alpha1.MetricsAvailableCondition: "False FallbackActive: spec.metrics[0]: Empty, its fallback to 7 replicas is active: no sample; nothing matched, or the series went stale"}},
		"FallbackOfOne": {"which of another that fails it is not",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				one := resource.MustParse("1")
				s.Metrics[0].Fallback = &v1alpha1.Fallback{Replicas: 7, After: metav1.Duration{Duration: 10 * time.Second}}
				s.Metrics = append(s.Metrics, v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
					Query: "broken", Target: v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: &one}}})
			}, 80, -1, autoscaler.ScaledUp,
			map[string]string{v1alpha1.MetricsAvailableCondition: "False MetricsPartial: spec.metrics[0]: Empty, its fallback to 7 replicas is active: no sample; nothing matched, or the series went stale; spec.metrics[1]: NaN: the value is NaN"}},
		"PartialMetrics": {"a second metric is negative, the first still scales up",
			func(s *v1alpha1.HorizontalAutoscalerSpec) {
				one := resource.MustParse("1")
				s.Metrics = append(s.Metrics, v1alpha1.Metric{Prometheus: &v1alpha1.PrometheusMetricSource{
					Query: "broken", Target: v1alpha1.MetricTarget{Type: v1alpha1.ValueMetricType, Value: &one}}})
			}, 80, 1, autoscaler.ScaledUp,
			map[string]string{
				v1alpha1.MetricsAvailableCondition: "False MetricsPartial: spec.metrics[1]: NaN: the value is NaN",
			}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newCluster(t)
			if c.spec != nil {
				c.spec(&w.object.Spec)
			}
			a := w.driver()
			a.Metrics = InTurn(brokenBeside{w})
			if c.samples < 0 { // none, from the first slot on
				w.samples = 0
			}
			w.at(a, 0)
			w.value, w.samples = c.value, max(c.samples, 0)
			w.at(a, 10)
			if got := w.last().Reason; got != c.decision {
				t.Errorf("%s: reason %s, want %s", c.reason, got, c.decision)
			}
			for kind, want := range fine {
				if other, ok := c.want[kind]; ok {
					want = other
				}
				if got := w.condition(kind); got != want {
					t.Errorf("%s: %s is\n%s, want\n%s", c.reason, kind, got, want)
				}
			}
		})
	}
}

// Messages must not change from slot to slot, or a steady autoscaler would write.
func TestMessagesHoldNoNumbersOfTheSlot(t *testing.T) {
	number := regexp.MustCompile(`[0-9]+`)
	for _, reason := range []autoscaler.Reason{autoscaler.Stabilized, autoscaler.Disabled, autoscaler.Bounded, autoscaler.Unchanged, autoscaler.ScaledUp, autoscaler.ScaledDown} {
		d := &autoscaler.Decision{Reason: reason, Known: true, Recommended: 77, Desired: 77}
		d.Limit.Direction, d.Limit.Until, d.Limit.Left, d.Limit.Policy = "up", start, 77, 77
		for _, c := range conditions(d, &published{}, &autoscaler.Pause{}, false) {
			if found := number.FindString(c.Message); found != "" {
				t.Errorf("%s: %s says %s", reason, c.Type, c.Message)
			}
		}
	}
}

// A change that the target does not take is a condition until one is taken.
func TestRefusedChange(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 0)
	w.value = 80
	w.before = func(call string) error {
		if call == "Set 8" {
			return ErrForbidden
		}
		return nil
	}
	w.at(a, 10)
	w.at(a, 20)
	refused := "False FailedUpdateScale: Deployment web: Forbidden: the last change was not taken: access was denied"
	for _, kind := range []string{v1alpha1.ReadyCondition, v1alpha1.AbleToScaleCondition} {
		if got := w.condition(kind); got != refused {
			t.Errorf("refused: %s is %s", kind, got)
		}
	}
	if at := w.object.Status.LastScaleTime; at != nil {
		t.Errorf("last scaled at %v, though no change was taken", at)
	}
	// Whoever takes over says the same, without having been refused itself.
	a = w.driver()
	w.at(a, 30)
	if got := w.condition(v1alpha1.AbleToScaleCondition); got != refused {
		t.Errorf("after a restart: %s", got)
	}
	w.before = func(call string) error {
		if call == "Get" {
			return ErrForbidden
		}
		return nil
	}
	w.at(a, 40)
	if got := w.condition(v1alpha1.AbleToScaleCondition); !strings.HasPrefix(got, "False TargetUnavailable") {
		t.Errorf("a newer fault is hidden: %s", got)
	}
	w.before = nil
	w.at(a, 50)
	w.at(a, 60)
	for kind, want := range fine {
		if got := w.condition(kind); got != want || w.scale.Spec != 8 {
			t.Errorf("taken: %s is %s, %d replicas", kind, got, w.scale.Spec)
		}
	}

	if at := w.object.Status.LastScaleTime; at == nil || !at.Time.Equal((start + 50).Time()) {
		t.Errorf("last scaled at %v, want the slot whose change was taken", at)
	}

	// A timeout says nothing about whether the change was taken; the next slot does.
	w.value = 90
	w.after = once("Set 9", func() error { return ErrTimedOut })
	w.at(a, 70)
	w.at(a, 80)
	if got := w.condition(v1alpha1.AbleToScaleCondition); got != fine[v1alpha1.AbleToScaleCondition] || w.scale.Spec != 9 {
		t.Errorf("landed after all: %s, %d replicas", got, w.scale.Spec)
	}
}

// A condition keeps the time of its last change, in slots.
func TestTransitionTimes(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.at(a, 3) // late: the slot counts, not the wake-up
	w.value = 900
	w.at(a, 10)
	w.value = 800
	w.at(a, 20)
	for _, c := range w.object.Status.Conditions {
		want := start
		if c.Type == v1alpha1.ScalingUnboundedCondition {
			want += 10
		}
		if !c.LastTransitionTime.Time.Equal(want.Time()) || c.ObservedGeneration != 1 {
			t.Errorf("%s changed at %v of generation %d, want %s of 1", c.Type, c.LastTransitionTime, c.ObservedGeneration, want)
		}
	}
}

// TestStatus holds the other fields after a scale-up.
func TestStatus(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	w.lag = 1
	w.at(a, 0)
	w.value = 83.2504
	w.at(a, 10)
	s := w.object.Status
	if s.ObservedGeneration != 1 || *s.CurrentReplicas != 4 || *s.DesiredReplicas != 9 || s.Reason != "ScaledUp" || !s.LastScaleTime.Time.Equal((start + 10).Time()) {
		t.Errorf("status %+v", s)
	}
	if s.Metrics != "20.81/10 (avg)" {
		t.Errorf("metrics %q", s.Metrics)
	}
	total, value := resource.MustParse("83250m"), resource.MustParse("20813m")
	want := []v1alpha1.MetricStatus{{Prometheus: &v1alpha1.PrometheusMetricStatus{Query: "m", Current: v1alpha1.MetricValueStatus{Value: &total, AverageValue: &value}}}}
	if diff := cmp.Diff(want, s.CurrentMetrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCurrentValue holds how a value is shown in the status.
func TestCurrentValue(t *testing.T) {
	for _, c := range []struct {
		reason string
		kind   policy.MetricType
		value  float64
		want   string
	}{
		{"three decimals", policy.Value, 0.12345, "value 123m"},
		{"whole", policy.Value, 1834, "value 1834"},
		{"rounded to the nearest", policy.AverageValue, 0.0006, "average 1m"},
		{"beyond milli-units", policy.AverageValue, 5e15, "average 5P"},
		{"beyond 64 bits of anything", policy.Value, 9e18, "value 4611686018427387904"},
		{"percent", policy.Utilization, 0.853, "percent 85"},
		{"percent saturates", policy.Utilization, 1e12, "percent 2147483647"},
	} {
		s := currentValue(c.kind, c.value, c.value)
		got := "nothing"
		switch {
		case s.AverageValue != nil:
			got = "average " + s.AverageValue.String()
		case s.Value != nil:
			got = "value " + s.Value.String()
		case s.AverageUtilization != nil:
			got = fmt.Sprintf("percent %d", *s.AverageUtilization)
		}
		if got != c.want {
			t.Errorf("%s: %v of %s is %s, want %s", c.reason, c.value, c.kind, got, c.want)
		}
	}
}

// Moving metrics alone are written at most once in Refresh seconds.
func TestRefresh(t *testing.T) {
	w := newCluster(t)
	a := w.driver()
	a.Refresh = 60
	for seconds := 0; seconds < 600; seconds += 10 {
		w.value = 50 - float64(seconds)/100 // below target, still five replicas
		w.value = max(w.value, 41)
		w.at(a, seconds)
	}
	if w.commits != 10 || w.writes != 0 {
		t.Errorf("%d commits and %d writes in ten minutes, want 10 and none", w.commits, w.writes)
	}
}
