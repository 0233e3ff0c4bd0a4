package sim

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/sim/recording"
)

// always is an evaluator whose every result is the same.
type always float64

// Address implements recording.Evaluator.
func (a always) Address() string { return "http://localhost:9090" }

// Evaluate implements recording.Evaluator.
func (a always) Evaluate(_ context.Context, _ string, start, step, count int64) (model.Matrix, error) {
	series := &model.SampleStream{}
	for i := range count {
		series.Values = append(series.Values, model.SamplePair{Timestamp: model.Time(start + i*step), Value: model.SampleValue(a)})
	}
	return model.Matrix{series}, nil
}

// TestNeedOfEvaluatedRecording holds a replay of a query's results to what its
// samples say: what is needed is the same, and known at the same slots.
func TestNeedOfEvaluatedRecording(t *testing.T) {
	for _, target := range []string{"type: Value, value: 300m", utilization} {
		dir := filepath.Join(t.TempDir(), "evaluated")
		queries := []recording.EvaluatedQuery{{Query: "sum(v)", Start: began * 1000, Step: 15000, Count: 40}}
		if err := recording.RecordEvaluated(context.Background(), always(0.9), queries, dir, nil); err != nil {
			t.Fatal(err)
		}
		text := replayText("", target, stateSeries)
		samples, _ := playText(t, text)
		results, _ := playText(t, strings.Replace(replayText("", target, stateSeries+"  recordings: [{file: "+dir+"}]\n"), "query: u,", "query: sum(v),", 1))
		for _, at := range []int64{began, began + 300, began + 599} {
			want, got := samples.Objects[0].Needed.At(at), results.Objects[0].Needed.At(at)
			if !(want > 0) || got != want {
				t.Errorf("%s: %v needed after %d s by the results, %v by the samples", target, got, at-began, want)
			}
		}
	}
}
