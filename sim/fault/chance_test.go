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
			first := f.Hits(at*15000, ha, "up")
			for range times - 1 {
				if f.Hits(at*15000, ha, "up") != first {
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

// TestAttemptsAreHitAnew holds that what a write meets depends on the instant and
// on the attempts that failed before it, and not on the calls that got through.
func TestAttemptsAreHitAnew(t *testing.T) {
	half := 0.5
	ha := scenario.Reference{Namespace: "default", Kind: "HorizontalAutoscaler", Name: "web"}
	const instants, most = 2000, 3
	// failures is how many attempts fail at each instant, of at most three, by a
	// controller that writes extra times after it got through and skips instants.
	failures := func(extra, every int) map[int]int {
		f := &Fault{Fault: &scenario.Fault{Name: "busy", Probability: &half}, To: math.MaxInt64, seed: 1, attempts: map[operation]attempts{}}
		counts := map[int]int{}
		for i := 0; i < instants; i += every {
			at := int64(i) * 1000
			for counts[i] = 0; counts[i] < most && f.hitsAttempt(at, ha, "commit"); {
				counts[i]++
			}
			if counts[i] == most {
				continue
			}
			for range extra {
				if f.hitsAttempt(at, ha, "commit") {
					t.Fatalf("a write at %d fails after one that got through", at)
				}
			}
		}
		return counts
	}
	once := failures(0, 1)
	if diff := cmp.Diff(once, failures(2, 1)); diff != "" {
		t.Errorf("with more writes, -want +got:\n%s", diff)
	}
	for i, n := range failures(0, 7) {
		if n != once[i] {
			t.Errorf("%d attempts at instant %d fail where others were skipped, want %d", n, i, once[i])
		}
	}
	// Of fair and independent attempts 1/2, 1/4, 1/8 and 1/8 end so; a deviation of
	// 4% is 3.5 standard deviations of a half in 2000.
	share := [most + 1]float64{}
	for _, n := range once {
		share[n] += 1.0 / instants
	}
	for n, want := range [most + 1]float64{0.5, 0.25, 0.125, 0.125} {
		if math.Abs(share[n]-want) > 0.04 {
			t.Errorf("%.3f of the instants see %d attempts fail, want %.3f", share[n], n, want)
		}
	}
}

// TestBootsAreHitApart holds that nodes that a group boots at one instant are hit
// each for itself, whatever was booted before.
func TestBootsAreHitApart(t *testing.T) {
	half := 0.5
	group := scenario.Reference{Namespace: "default", Kind: "ScalableNodeGroup", Name: "batch"}
	boots := func(before int) (list []bool) {
		f := &Fault{Fault: &scenario.Fault{Name: "slow", Probability: &half}, To: math.MaxInt64, seed: 1, attempts: map[operation]attempts{}}
		for range before {
			f.HitsBoot(1000, group)
		}
		for range 100 {
			list = append(list, f.HitsBoot(2000, group))
		}
		return list
	}
	alone := boots(0)
	if diff := cmp.Diff(alone, boots(3)); diff != "" {
		t.Errorf("after other boots, -want +got:\n%s", diff)
	}
	hit := 0
	for _, h := range alone {
		if h {
			hit++
		}
	}
	if hit < 35 || hit > 65 {
		t.Errorf("%d of 100 boots are hit by a chance of a half", hit)
	}
}
