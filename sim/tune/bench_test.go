package tune

import (
	"context"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"
)

// BenchmarkCandidates plays candidates over a recording of seven days, a
// decision every 15 s, on all cores. The aim is 1,000 of them within two minutes
// on two cores: 8.3 a second.
func BenchmarkCandidates(b *testing.B) {
	const week = 7 * 24 * 240
	s := search(b, Options{
		Subjects: []Subject{subject(b, demandScenario("7d", waves(week, 1600, "")))}, Sampler: Random, Trials: 1000, Folds: 4,
		Parameters: parameters(b,
			"spec.metrics[0].prometheus.target.value=5..12", "spec.behavior.scaleDown.stabilizationWindowSeconds=0..1800:60",
			"spec.behavior.scaleUp.tolerance=0..0.3", "spec.behavior.scaleDown.tolerance=0..0.3"),
	})
	played := 0
	for b.Loop() {
		var group errgroup.Group
		for range runtime.GOMAXPROCS(0) {
			unit := played%s.Units() + 1
			played++
			group.Go(func() error {
				_, err := s.Run(context.Background(), unit)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(played)/b.Elapsed().Seconds(), "candidates/s")
}
