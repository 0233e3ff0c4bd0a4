package sim

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/journal"
)

// countedText is a Deployment whose counts are input, under a Value metric at
// twice its target.
func countedText(counts, status, ready string) string {
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: counted}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1m
  controller: {phase: aligned}
  prometheus: {scrapeInterval: 30s}
  targets: [{kind: Deployment, name: web, replicas: 4, counts: {%s}}]
  inputSeries:
  - {series: m, values: '20x9'}
  - {series: s, values: '%s'}
  - {series: r, values: '%s'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 50
  pollingIntervalSeconds: 15
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  metrics:
  - prometheus: {query: m, target: {type: Value, value: "10"}}
`, counts, status, ready)
}

func TestCountsBySeries(t *testing.T) {
	cases := map[string]struct {
		reason                string
		counts, status, ready string
		want                  []string // spec status ready > desired
	}{
		"Both": {"what is commanded moves neither",
			"status: s, ready: r", "4 8 8 8 8", "4 4 6 8 8",
			[]string{"4 4 4 > 8", "8 8 4 > 8", "8 8 6 > 12", "12 8 8 > 16"}},
		"OnlyReady": {"status is spec",
			"ready: r", "0x9", "4 4 4 4 4",
			[]string{"4 4 4 > 8", "8 8 4 > 8", "8 8 4 > 8", "8 8 4 > 8"}},
		"OnlyStatus": {"all that are there are ready",
			"status: s", "4 4 5 5 5", "0x9",
			[]string{"4 4 4 > 8", "8 4 4 > 8", "8 5 5 > 10", "10 5 5 > 10"}},
		"Terminating": {"pods that terminate may still be ready",
			"status: s, ready: r", "4x9", "5x9",
			[]string{"4 4 5 > 10", "10 4 5 > 10", "10 4 5 > 10", "10 4 5 > 10"}},
		"Gap": {"the last count holds, before the first one spec",
			"ready: r", "0x9", "_ 3 _ stale _",
			[]string{"4 4 4 > 8", "8 8 3 > 6", "6 6 3 > 6", "6 6 3 > 6"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, decisions := playText(t, countedText(c.counts, c.status, c.ready))
			var got []string
			for r := journal.NewReader(strings.NewReader(decisions), "decisions.jsonl"); ; {
				line, err := r.Next()
				if err != nil {
					break
				}
				s := line.Record.Scale
				got = append(got, fmt.Sprintf("%d %d %d > %d", s.Spec, s.Status, s.Ready, line.Record.Desired))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestCountsRefused(t *testing.T) {
	for name, c := range map[string]struct{ counts, ready, want string }{
		"Negative":   {"ready: r", "4 -1 4 4", `:10:72: spec.targets[0].counts.ready: r is -1 at 2026-01-05T08:00:15Z; a count is a whole number, 0 or more`},
		"Fraction":   {"ready: r", "4 2.5 4 4", `:10:72: spec.targets[0].counts.ready: r is 2.5 at 2026-01-05T08:00:15Z; a count is a whole number, 0 or more`},
		"NoNumber":   {"ready: r", "4 NaN 4 4", `:10:72: spec.targets[0].counts.ready: r is NaN at 2026-01-05T08:00:15Z; a count is a whole number, 0 or more`},
		"Never":      {"ready: nothing", "4x4", `:10:72: spec.targets[0].counts.ready: nothing never has a sample in the recordings and inputSeries, which have m, r, s`},
		"ManySeries": {`ready: m or on() r or on(__name__) s`, "4x4", `:10:72: spec.targets[0].counts.ready: m or on() r or on(__name__) s gives 2 series at 2026-01-05T08:00:00Z; one count is needed, e.g. max(...) of it`},
	} {
		t.Run(name, func(t *testing.T) {
			in, autoscalers := openFile(t, loadText(t, countedText(c.counts, "0x9", c.ready)))
			_, err := in.Play(context.Background(), autoscalers, Options{Journal: &bytes.Buffer{}})
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
