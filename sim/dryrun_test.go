package sim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const watched = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: watched}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 5m
  controller: {phase: aligned}
  interval: 1m
  inputSeries: [{series: wanted, values: '2x1 5x5'}]
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: acts}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 20
  metrics: [{prometheus: {query: wanted, target: {type: AverageValue, value: 1}}}]
`

// TestDryRunChangesNothing holds that an autoscaler in a dry run takes neither
// its target's counts nor their beginning from the one that acts.
func TestDryRunChangesNothing(t *testing.T) {
	start := int64(1767600000)
	want := Steps{T: []int64{start, start + 120}, V: []float64{2, 5}}
	_, manifest, _ := strings.Cut(watched, "---\n")
	for name, text := range map[string]string{
		"Alone":  watched,
		"Before": watched + "---\n" + dry(manifest, "aaa"),
		"After":  watched + "---\n" + dry(manifest, "zzz"),
	} {
		t.Run(name, func(t *testing.T) {
			result, _ := playText(t, text)
			for _, o := range result.Objects {
				if diff := cmp.Diff([]Steps{want, want}, []Steps{o.Spec, o.Ready}); diff != "" {
					t.Errorf("%s: spec and ready, -want +got:\n%s", o.Journal.Name, diff)
				}
			}
		})
	}
}

// TestDryRunEnds holds that an autoscaler whose dry run ends is a rival from then
// on, as it is live.
func TestDryRunEnds(t *testing.T) {
	_, manifest, _ := strings.Cut(watched, "---\n")
	text := strings.Replace(watched, "  targets:", "  edits: [{at: 3m, object: ha/zzz, set: spec.dryRun=false}]\n  targets:", 1)
	_, decisions := playText(t, text+"---\n"+dry(manifest, "zzz"))
	for _, line := range lines(decisions) {
		held := strings.Contains(line, "Contested")
		switch {
		case strings.Contains(line, "T08:02:50Z") && held:
			t.Errorf("a dry run contests the target: %s", line)
		case strings.Contains(line, "T08:03:10Z") && !held:
			t.Errorf("nobody holds: %s", line)
		}
	}
}

// dry is an autoscaler's manifest in a dry run, with another minimum.
func dry(manifest, name string) string {
	return strings.NewReplacer("name: acts", "name: "+name, "minReplicas: 2", "dryRun: true\n  minReplicas: 7").Replace(manifest)
}
