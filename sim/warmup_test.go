package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// warmText is a replay of ten minutes from 08:10 of a recording from 08:00 on, in
// which 4 replicas became 8 at 08:08. From 08:10 on 12 are needed.
func warmText(t *testing.T, replay, counts, query string) string {
	t.Helper()
	var b strings.Builder
	for i := range 81 {
		at, spec, demand := 1767600000+15*i, 4, 80
		if i >= 32 {
			spec = 8
		}
		if i >= 40 {
			demand = 120
		}
		fmt.Fprintf(&b, "demand %d %d\n", demand, at)
		if counts != "" {
			fmt.Fprintf(&b, "%s %d %d\n", counts, spec, at)
		}
	}
	path := filepath.Join(t.TempDir(), "r.om")
	if err := os.WriteFile(path, []byte(b.String()+"# EOF\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: warm}
spec:
  seed: 1
  start: "2026-01-05T08:10:00Z"
  duration: 10m
  controller: {phase: aligned}
  recordings: [{file: %s}]
  replay: {%s}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 30
  pollingIntervalSeconds: 15
  metrics: [{prometheus: {query: '%s', target: {type: AverageValue, value: 10}}}]
  behavior: {scaleUp: {policies: [{type: Count, value: 4, periodSeconds: 300}]}}
`, path, replay, query)
}

// TestLeadIn holds that what happened before a run limits it as it would have in
// a cluster: the recorded change is an event of the rate policy, which has nothing
// left until 08:13:15, five minutes after the slot that saw it.
func TestLeadIn(t *testing.T) {
	const counts = `kube_deployment_spec_replicas{namespace="default",deployment="web"}`
	start := int64(1767600600)
	for name, c := range map[string]struct {
		reason, replay, counts, query string
		want                          Steps
	}{
		"Without":    {"nobody knows of the change", "", counts, "demand", Steps{T: []int64{start}, V: []float64{12}}},
		"With":       {"the slot that saw the change is five minutes old at 08:13:15", "leadIn: 5m", counts, "demand", Steps{T: []int64{start, start + 195}, V: []float64{8, 12}}},
		"TooShort":   {"it came before a lead-in of a minute", "leadIn: 1m", counts, "demand", Steps{T: []int64{start}, V: []float64{12}}},
		"Unaligned":  {"slots stay aligned with the run", "leadIn: 4m7s", counts, "demand", Steps{T: []int64{start, start + 195}, V: []float64{8, 12}}},
		"NoCounts":   {"without a recorded count a replay begins with what its total asks for", "", "", "demand", Steps{T: []int64{start}, V: []float64{12}}},
		"OtherTotal": {"as it is at the first slot", "", "", "demand offset 10m", Steps{T: []int64{start}, V: []float64{8}}},
	} {
		t.Run(name, func(t *testing.T) {
			result, decisions := playText(t, warmText(t, c.replay, c.counts, c.query))
			got := result.Objects[0].Spec
			if len(got.T) > len(c.want.T) { // after the demand of offset 10m has risen
				got = Steps{T: got.T[:len(c.want.T)], V: got.V[:len(c.want.V)]}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.reason, diff)
			}
			if first := lines(decisions)[0]; !strings.Contains(first, `"generation":1,"slot":"2026-01-05T08:10:00Z"`) {
				t.Errorf("the journal begins with %.200s", first)
			}
		})
	}
}

// TestLeadInIsSaid holds that the first screen says why the run begins later than
// the recording.
func TestLeadInIsSaid(t *testing.T) {
	result, _ := playText(t, warmText(t, "leadIn: 5m", "", "demand"))
	const want = "the run begins at 2026-01-05T08:10:00Z, 10m after the recording: what is recorded before fills the ranges and offsets of the queries; in the last 5m of it the policy decides dry, at the recorded counts, which fills its windows"
	if len(result.Notes) == 0 || result.Notes[0] != want {
		t.Errorf("notes %q, want %q first", result.Notes, want)
	}
}
