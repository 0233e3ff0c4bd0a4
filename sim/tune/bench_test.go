package tune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
)

// days is a demand with a wave a day and noise, a value every 15 s.
func days(n int) string {
	const day = 24 * 240
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for i := range n * day {
		level := 250 - 200*math.Cos(2*math.Pi*float64(i)/day)
		fmt.Fprintf(&b, "%.1f ", level+30*random.NormFloat64())
	}
	return b.String()
}

// BenchmarkCandidates plays candidates over a recording of seven days, a sample
// and a decision every 15 s, on all cores. The aim is 1,000 of them within two
// minutes on two cores: 8.3 a second.
func BenchmarkCandidates(b *testing.B) {
	text := strings.Replace(demandScenario("7d", days(7)), "requests[1m]", "requests[5m]", 1)
	s := search(b, Options{
		Subjects: []Subject{subject(b, text)}, Sampler: Random, Trials: 1000, Folds: 4,
		Parameters: parameters(b,
			"spec.metrics[0].prometheus.target.value=5..12", "spec.behavior.scaleDown.stabilizationWindowSeconds=0..1800:60",
			"spec.behavior.scaleUp.tolerance=0..0.3", "spec.behavior.scaleDown.tolerance=0..0.3"),
	})
	b.ResetTimer()
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
