package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
)

// recordedBy plays a controller by plain arithmetic: a load that fills four replicas to
// 60 % and, from three minutes on, to 90 %, is shared by the ready ones, which serve 35 s
// after they are wanted, in time for the third scrape. It decides 5 s after each scrape. Its policy aims at
// 60 % with a window of 300 s downwards.
// It returns the values of the utilization, of the ready replicas and of all, every 15 s.
func recordedBy(statusMultiplies bool) (utilization, ready, all string) {
	const every, scrapes, window, samples = 15, 3, 300, 120
	var u, r, a []string
	counts := []int{4, 4, 4} // the last three, and those before
	var recommended []int
	for k := range samples {
		load := 2.4
		if k*every >= 180 {
			load = 3.6
		}
		count := counts[len(counts)-1]
		serving := count
		for _, before := range counts[len(counts)-scrapes:] {
			serving = min(serving, before)
		}
		value := load / float64(serving)
		u, r, a = append(u, fmt.Sprint(value)), append(r, fmt.Sprint(serving)), append(a, fmt.Sprint(count))
		multiplied := serving
		if statusMultiplies {
			multiplied = count
		}
		wanted := int(math.Ceil(value/0.6*float64(multiplied) - 1e-9))
		recommended = append(recommended, wanted)
		next := wanted
		if wanted < count {
			for _, before := range recommended[max(0, len(recommended)-window/every):] {
				next = max(next, before)
			}
			next = min(next, count)
		}
		counts = append(counts, next)
	}
	return strings.Join(u, " "), strings.Join(r, " "), strings.Join(a, " ")
}

// TestStatusMultiplied replays what a controller did that multiplied by status.replicas:
// the world is held to what ran, and the figures stay those of ready replicas.
func TestStatusMultiplied(t *testing.T) {
	for _, statusMultiplies := range []bool{false, true} {
		utilization, ready, all := recordedBy(statusMultiplies)
		text := replayText("readyAfter: 35s, saturation: 2", "type: Utilization, averageUtilization: 60", fmt.Sprintf(`  - {series: 'kube_deployment_spec_replicas{namespace="default",deployment="web"}', values: '%[1]s'}
  - {series: 'kube_deployment_status_replicas{namespace="default",deployment="web"}', values: '%[1]s'}
  - {series: 'kube_deployment_status_replicas_ready{namespace="default",deployment="web"}', values: '%[2]s'}
`, all, ready))
		text = strings.Replace(strings.Replace(text, "'0.9x40'", "'"+utilization+"'", 1), "duration: 10m", "duration: 29m", 1)
		text = strings.Replace(text, "phase: aligned", "phase: hashed", 1)
		text = strings.Replace(text, "maxReplicas: 30\n", "maxReplicas: 30\n  pollingIntervalSeconds: 15\n", 1)
		s, err := Check(context.Background(), loadText(t, text), CheckOptions{})
		if err != nil {
			t.Fatal(err)
		}
		run, err := s.Play(context.Background(), PlayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f := run.Fidelity
		if f.Percent != 100 || f.Matched != f.Changes || f.Changes == 0 || f.Invented != 0 || f.Unfaithful() != nil {
			t.Errorf("status multiplies %v: fidelity %+v, want 100 %% and all changes", statusMultiplies, f)
		}
		if statusMultiplies != (f.StatusMultiplies != nil) {
			t.Errorf("status multiplies %v: noted is %+v", statusMultiplies, f.StatusMultiplies)
		}
		if noted := f.StatusMultiplies; noted != nil && (noted.ReadyPercent >= wellFit || f.StartUp != nil || f.ScrapeInterval != nil) {
			t.Errorf("%+v: want less where ready replicas multiply, and no other proposal", f)
		}
	}
}
