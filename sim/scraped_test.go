package sim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestReadyBetweenScrapeAndSlot has a steady demand double while new pods take every
// start-up of up to a minute: in a closed loop over the world's own series, and in a
// replay of a metric that was recorded. Eight replicas are needed, and more are never
// asked for, wherever between a scrape and a slot the pods become ready.
func TestReadyBetweenScrapeAndSlot(t *testing.T) {
	const policy = `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: c, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: c}
  minReplicas: 2
  maxReplicas: 60
  metrics: [{prometheus: {query: '%s', target: {type: Value, value: 1}}}]
  behavior: {scaleUp: {tolerance: "0.1"}, scaleDown: {stabilizationWindowSeconds: 60, tolerance: "0.1"}}
`
	worlds := map[string]struct{ spec, query string }{
		"Workload": {
			spec:  "workloads: [{name: c, namespace: shop, replicas: 4, capacityPerReplica: 10, saturation: 10, startup: %ds, demand: [{constant: 40}, {step: {by: 40, at: 20s}}]}]",
			query: "sum(rate(http_requests_total[10s]))/(10*sum(kube_deployment_status_replicas_ready))",
		},
		"Target": {
			spec:  "inputSeries: [{series: demand, values: '40x3 80x40'}]\n  targets: [{kind: Deployment, namespace: shop, name: c, replicas: 4, readyAfter: %ds}]",
			query: "demand/(10*sum(kube_deployment_status_replicas_ready))",
		},
		"Replay": {
			spec:  "replay: {readyAfter: %ds}\n  inputSeries: [{series: share, values: '1x3 2x40'}, {series: 'kube_deployment_status_replicas_ready{namespace=\"shop\",deployment=\"c\"}', values: '4x43'}]",
			query: "share",
		},
	}
	for name, w := range worlds {
		for startup := range 61 {
			text := fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: scraped}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 3m
  prometheus: {scrapeInterval: 5s}
  interval: 5s
  %s
%s`, fmt.Sprintf(w.spec, startup), fmt.Sprintf(policy, w.query))
			if name == "Replay" {
				text = strings.Replace(text, "duration: 3m", "duration: 3m30s", 1)
			}
			played, _ := playText(t, text)
			counts := played.Objects[0].Spec.V
			for _, n := range counts {
				if n > 8 {
					t.Errorf("%s, ready after %d s: %v replicas, 8 are needed", name, startup, counts)
					break
				}
			}
			if counts[len(counts)-1] != 8 {
				t.Errorf("%s, ready after %d s: %v at the end, 8 are needed", name, startup, counts)
			}
		}
	}
}

// TestScrapeIntervalOfTheController: a live controller knows how old a sample may be at
// most, and so does that of a scenario which is told: replicas that became ready within
// it scale nothing, although the metric is of now. A metric of twice its target doubles
// four replicas; six are ready from 30 s on, and eight from 45 s on, which are slots:
// decided is by the fewest that were ready since the interval began.
func TestScrapeIntervalOfTheController(t *testing.T) {
	for interval, want := range map[string]string{
		"":    "8 8 12 16",
		"0s":  "8 8 12 16",
		"14s": "8 8 8 12",
		"16s": "8 8 8 8",
		"1m":  "8 8 8 8",
	} {
		text := countedText("status: s, ready: r", "4 8 8 8 8", "4 4 6 8 8")
		if interval != "" {
			text = strings.Replace(text, "phase: aligned", "phase: aligned, scrapeInterval: "+interval, 1)
		}
		_, decisions := playText(t, text)
		var got []string
		for line := range strings.Lines(decisions) {
			var r struct{ Desired int }
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			got = append(got, strconv.Itoa(r.Desired))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("scrapeInterval %q: %s, want %s", interval, got, want)
		}
	}
}
