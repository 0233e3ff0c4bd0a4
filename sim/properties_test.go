package sim

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A drawnScenario is a scenario whose parts a property can vary.
type drawnScenario struct {
	minutes  int
	phase    string
	interval int
	queries  []string
	types    []string
	values   []string // of series m, one an element, "_" and "stale" included
	ready    int      // seconds
}

func drawScenario(t *rapid.T) *drawnScenario {
	s := &drawnScenario{
		minutes:  rapid.IntRange(2, 12).Draw(t, "minutes"),
		phase:    rapid.SampledFrom([]string{"aligned", "hashed"}).Draw(t, "phase"),
		interval: rapid.SampledFrom([]int{5, 10, 15}).Draw(t, "interval"),
		ready:    rapid.SampledFrom([]int{0, 7, 60}).Draw(t, "ready"),
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "metrics") {
		s.queries = append(s.queries, rapid.SampledFrom([]string{
			"sum(m)", "sum(rate(m[2m])) * 60", `sum({__name__="m"} offset -5m)`, "max_over_time(m[3m])", "m @ end()",
			`sum(m) / on() sum(kube_deployment_status_replicas{deployment="web"})`, `sum({__name__=~"m"})`,
		}).Draw(t, fmt.Sprintf("query%d", i)))
		s.types = append(s.types, rapid.SampledFrom([]string{"AverageValue", "Value"}).Draw(t, fmt.Sprintf("type%d", i)))
	}
	for range s.minutes * 4 {
		s.values = append(s.values, rapid.SampledFrom([]string{"_", "stale", "0", "3", "40", "41", "90", "200", "7.5"}).Draw(t, "value"))
	}
	return s
}

// text is the scenario; cut leaves out all samples after so many.
func (s *drawnScenario) text(start string, minutes, cut int) string {
	var metrics strings.Builder
	for i := range s.queries {
		fmt.Fprintf(&metrics, "  - prometheus: {query: %q, target: {type: %s, value: 10}}\n", s.queries[i], s.types[i])
	}
	return fmt.Sprintf(`apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: drawn}
spec:
  seed: 1
  start: %q
  duration: %dm
  controller: {phase: %s}
  targets: [{apiVersion: apps/v1, kind: Deployment, name: web, replicas: 3, readyAfter: %ds}]
  inputSeries:
  - {series: m, values: %q}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 30
  pollingIntervalSeconds: %d
  metrics:
%s  behavior:
    scaleUp: {stabilizationWindowSeconds: 30, policies: [{type: Count, value: 4, periodSeconds: 60}]}
    scaleDown: {stabilizationWindowSeconds: 60}
`, start, minutes, s.phase, s.ready, strings.Join(s.values[:cut], " "), s.interval, metrics.String())
}

const epoch = "2026-01-05T08:00:00Z"

// Samples after an instant change no decision at or before it, whatever the
// queries do with offsets and @: nothing looks ahead.
func TestNoLookAhead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		cut := rapid.IntRange(1, len(s.values)).Draw(rt, "cut")
		_, whole := playText(t, s.text(epoch, s.minutes, len(s.values)))
		_, short := playText(t, s.text(epoch, s.minutes, cut))
		a, b := lines(whole), lines(short)
		for i := range a {
			if slotOf(a[i]) > instant(1767600000_000+int64(cut-1)*15_000) {
				return
			}
			if a[i] != b[i] {
				rt.Fatalf("decision %d depends on samples after it\nwith    %s\nwithout %s", i, a[i], b[i])
			}
		}
	})
}

// A run is a prefix of the same run made longer.
func TestPrefix(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		shorter := rapid.IntRange(1, s.minutes).Draw(rt, "shorter")
		_, whole := playText(t, s.text(epoch, s.minutes, len(s.values)))
		_, part := playText(t, s.text(epoch, shorter, len(s.values)))
		if !strings.HasPrefix(whole, part) {
			rt.Fatalf("%d minutes are no prefix of %d", shorter, s.minutes)
		}
	})
}

// Shifting a scenario by a whole number of intervals shifts its decisions.
func TestShift(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		result, _ := playText(t, s.text(epoch, s.minutes, len(s.values)))
		shifted, _ := playText(t, s.text("2026-03-09T08:00:00Z", s.minutes, len(s.values)))
		a, b := result.Objects[0].Spec, shifted.Objects[0].Spec
		if fmt.Sprint(a.V) != fmt.Sprint(b.V) {
			rt.Fatalf("counts %v became %v", a.V, b.V)
		}
		for i := range a.T {
			if b.T[i]-a.T[i] != 63*24*3600 {
				rt.Fatalf("change %d moved by %d s", i, b.T[i]-a.T[i])
			}
		}
	})
}

// The same scenario twice is the same to the byte.
func TestTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		text := s.text(epoch, s.minutes, len(s.values))
		first, a := playText(t, text)
		second, b := playText(t, text)
		if a != b || first.Digest != second.Digest {
			rt.Fatal("two runs differ")
		}
	})
}

// slotOf cuts the slot out of a line; RFC 3339 in UTC sorts as text.
func slotOf(line string) string {
	_, rest, _ := strings.Cut(line, `"slot":"`)
	slot, _, _ := strings.Cut(rest, `"`)
	return slot
}

// A policy whose query reads ahead decides by what there is; its query measures no
// demand, so the time is not judged and nothing is said to have sufficed.
func TestReadingAheadMeasuresNothing(t *testing.T) {
	for _, c := range []struct {
		query string
		known bool
	}{{"max_over_time(rps[10m])", true}, {"max_over_time(rps[10m] offset -5m)", false}} {
		result, _ := playText(t, `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: ahead}
spec:
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 10m
  inputSeries: [{series: rps, values: '40x79'}]
  targets: [{kind: Deployment, name: web, replicas: 5}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 30
  metrics: [{prometheus: {query: '`+c.query+`', target: {type: AverageValue, averageValue: 8}}}]
`)
		if known := len(result.Objects[0].Needed.T) > 0; known != c.known {
			t.Errorf("%s: the need is known: %t, want %t", c.query, known, c.known)
		}
	}
}
