package fleet

import (
	"testing"

	"github.com/karpenter-sim/karpenter/sim/result"
)

func TestHoursAt(t *testing.T) {
	const hour = 3600
	counts := result.Steps{T: []int64{0, hour, 3 * hour}, V: []float64{10, 12, 10}}
	for _, c := range []struct {
		reason string
		bound  result.Steps
		want   float64
	}{
		{"a bound that never changes", orAlways(result.Steps{}, 10), 2},
		{"one that nothing reaches", orAlways(result.Steps{}, 40), 0},
		{"a recorded one that was raised counts as it was", orAlways(result.Steps{T: []int64{0, hour / 2}, V: []float64{10, 40}}, 10), 0.5},
		{"one that follows the count", orAlways(result.Steps{T: []int64{0, 2 * hour}, V: []float64{10, 12}}, 10), 2},
		{"one that is known later", result.Steps{T: []int64{3*hour + hour/2}, V: []float64{10}}, 0.5},
	} {
		if got := hoursAt(counts, c.bound, 0, 4*hour); got != c.want {
			t.Errorf("%s: %v h, want %v", c.reason, got, c.want)
		}
	}
}
