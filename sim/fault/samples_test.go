package fault

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// show writes runs as LABELS MINUTE:VALUE ..., one a line; x is a stale marker.
func show(runs []fake.Run) []string {
	var all []string
	for _, r := range runs {
		text := r.Labels.Get(replicaLabel)
		for i := range r.T {
			v := fmt.Sprint(r.F[i])
			if value.IsStaleNaN(r.F[i]) {
				v = "x"
			}
			text += fmt.Sprintf(" %v:%s", float64(r.T[i])/60_000, v)
		}
		all = append(all, strings.TrimSpace(text))
	}
	return all
}

// TestChanges holds what each fault makes of a series that has a sample a minute
// from 0m to 6m, of which each is its own minute, while it lasts from 2m to 4m.
func TestChanges(t *testing.T) {
	minute := int64(60_000)
	every := func(step int64, values ...float64) fake.Run {
		r := fake.Run{Labels: labels.FromStrings(labels.MetricName, "up")}
		for i, v := range values {
			r.T, r.F = append(r.T, int64(i)*step), append(r.F, v)
		}
		return r
	}
	steady := every(minute, 0, 1, 2, 3, 4, 5, 6)
	seen := func(now int64) fake.Run { return every(minute, steady.F[:now+1]...) }
	cases := map[string]struct {
		reason string
		kind   scenario.MetricsFault
		run    fake.Run
		now    int64 // in minutes
		want   []string
	}{
		"Empty":           {"a series that is gone ends at once, and comes back", scenario.MetricsEmpty, seen(6), 6, []string{"0:0 1:1 2:x 4:4 5:5 6:6"}},
		"EmptySparse":     {"it ends when the fault begins, not when its next sample is due", scenario.MetricsEmpty, every(5*minute, 0, 5), 5, []string{"0:0 2:x 5:5"}},
		"EmptyEnded":      {"a series that has ended stays so", scenario.MetricsEmpty, every(minute, 0, math.Float64frombits(value.StaleNaN)), 3, []string{"0:0 1:x"}},
		"NaN":             {"values are NaN, times stay", scenario.MetricsNaN, seen(5), 5, []string{"0:0 1:1 2:NaN 3:NaN 4:4 5:5"}},
		"NaNKeepsMarkers": {"a stale marker is no value", scenario.MetricsNaN, every(minute, 0, 1, math.Float64frombits(value.StaleNaN)), 3, []string{"0:0 1:1 2:x"}},
		"Stale":           {"what was said before is said again", scenario.MetricsStale, seen(5), 5, []string{"0:0 1:1 2:1 3:1 4:4 5:5"}},
		"StaleUnknown":    {"what begins meanwhile is not seen", scenario.MetricsStale, fake.Run{T: []int64{3 * minute, 4 * minute}, F: []float64{3, 4}}, 4, []string{"4:4"}},
		"Duplicated":      {"a second series has the same samples for a while", scenario.MetricsDuplicated, seen(3), 3, []string{"0:0 1:1 2:2 3:3", "b 1:1 2:2 3:3"}},
		"DuplicatedEnds":  {"and ends with the fault", scenario.MetricsDuplicated, seen(5), 5, []string{"0:0 1:1 2:2 3:3 4:4 5:5", "b 1:1 2:2 3:3 4:x"}},
		"Late":            {"samples are not there before their delay is over", scenario.MetricsLate, seen(3), 3, []string{"0:0 1:1 2:2"}},
		"LateAtOnce":      {"also the first one", scenario.MetricsLate, seen(2), 2, []string{"0:0 1:1"}},
		"LateCatchesUp":   {"what is on its way arrives when the fault ends", scenario.MetricsLate, seen(4), 4, []string{"0:0 1:1 2:2 3:3 4:4"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := &Fault{Fault: &scenario.Fault{Metrics: c.kind, Delay: scenario.Duration(time.Minute)}, From: 2 * minute, To: 4 * minute, lookback: 5 * minute}
			before := show([]fake.Run{c.run})
			if diff := cmp.Diff(c.want, show(changes[c.kind](f, c.run, c.now*minute))); diff != "" {
				t.Errorf("%s, -want +got:\n%s", c.reason, diff)
			}
			if diff := cmp.Diff(before, show([]fake.Run{c.run})); diff != "" {
				t.Errorf("what is stored has changed, -before +after:\n%s", diff)
			}
		})
	}
}
