package sim

import (
	"strings"
	"testing"
)

// TestRivalsByAnyVersion holds that two autoscalers that name one target by two
// versions of its API contest it, as in a cluster.
func TestRivalsByAnyVersion(t *testing.T) {
	rival := func(name, version string) string {
		return `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: ` + name + `}
spec:
  minReplicas: 1
  maxReplicas: 100
  scaleTargetRef: {apiVersion: ` + version + `, kind: Rollout, name: web}
  metrics: [{prometheus: {query: 'sum(q)', target: {type: AverageValue, value: 4}}}]
`
	}
	world := `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: rivals}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 5m
  controller: {phase: aligned}
  interval: 15s
  inputSeries: [{series: 'q{a="b"}', values: '40x40'}]
`
	target := "  targets: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: web, replicas: 2}]\n"
	cases := map[string]struct {
		reason, text string
		contested    bool
		spec         float64
	}{
		"TwoVersions":  {"a target is the same in all versions of its API", world + target + rival("a", "argoproj.io/v1alpha1") + rival("b", "argoproj.io/v1"), true, 2},
		"Replay":       {"also where nobody declares it; it begins with what its total asks for", world + "  replay: {}\n" + rival("a", "argoproj.io/v1alpha1") + rival("b", "argoproj.io/v1"), true, 10},
		"OtherVersion": {"a single autoscaler may name another version than the world", world + target + rival("a", "argoproj.io/v1"), false, 10},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, decisions := playText(t, c.text)
			for _, line := range lines(decisions) {
				if got := strings.Contains(line, `"error":"Contested"`); got != c.contested {
					t.Fatalf("%s: contested is %v in %s", c.reason, got, line)
				}
			}
			for _, o := range result.Objects {
				if got := o.Spec.V[len(o.Spec.V)-1]; got != c.spec {
					t.Errorf("%s: %s ends with %v replicas, want %v", c.reason, o.Journal, got, c.spec)
				}
			}
		})
	}
}
