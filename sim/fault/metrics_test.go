package fault

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// TestChanceIsOfTheInstant holds that a query that is asked again at its slot, as
// after a conflict, meets the same answer, and that this shifts no later one.
func TestChanceIsOfTheInstant(t *testing.T) {
	half := 0.5
	ha := scenario.Reference{Namespace: "default", Kind: "HorizontalAutoscaler", Name: "web"}
	draws := func(times int) (list []bool) {
		f := &Fault{Fault: &scenario.Fault{Name: "flaky", Probability: &half}, To: math.MaxInt64, seed: 1}
		for at := range int64(100) {
			first := f.HitsQuery(at*15000, ha, "up")
			for range times - 1 {
				if f.HitsQuery(at*15000, ha, "up") != first {
					t.Fatalf("asked again at %d, the query meets something else", at)
				}
			}
			list = append(list, first)
		}
		return list
	}
	once := draws(1)
	if diff := cmp.Diff(once, draws(2)); diff != "" {
		t.Errorf("asked twice, -once +twice:\n%s", diff)
	}
	hit := 0
	for _, h := range once {
		if h {
			hit++
		}
	}
	if hit < 35 || hit > 65 {
		t.Errorf("%d of 100 slots are hit by a chance of a half", hit)
	}
}
