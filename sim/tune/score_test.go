package tune

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
)

// TestScoreAgreesWithReports plays a policy, and compares what is scored in each
// window with the figures that a report on that window has.
func TestScoreAgreesWithReports(t *testing.T) {
	s := search(t, Options{Sampler: Random, Trials: 1, Folds: 4})
	st := &s.stages[0]
	autoscalers, err := st.subject.resolve(st.subject.Set)
	if err != nil {
		t.Fatal(err)
	}
	var records []journal.Record
	result, err := st.subject.Input.Play(context.Background(), autoscalers, sim.Options{Decisions: func(r *journal.Record) {
		copied := *r
		copied.PolicyBody, copied.Metrics = "", slices.Clone(r.Metrics)
		records = append(records, copied)
	}})
	if err != nil {
		t.Fatal(err)
	}
	o := &result.Objects[0]
	run := &reports.Run{Name: "x", Start: st.windows[0].from, End: st.windows[len(st.windows)-1].to, Columns: []reports.Column{{
		Name: reports.Current,
		Objects: []reports.Object{{
			Journal: records[0].Object, Target: o.Target, Policy: o.Policy,
			Needed: o.Needed, Ready: o.Ready, Spec: o.Spec,
		}},
		Journal: func(yield func(*journal.Line) error) error {
			for i := range records {
				if err := yield(&journal.Line{Record: &records[i]}); err != nil {
					return err
				}
			}
			return nil
		},
	}}}
	lacking := int64(0)
	for k, w := range st.windows {
		part, err := reports.Zoom(run, w.from, w.to)
		if err != nil {
			t.Fatal(err)
		}
		report, err := reports.Compute(part)
		if err != nil {
			t.Fatal(err)
		}
		score := s.Current.Windows[k]
		lacking += score.Lacking
		for name, of := range figures {
			want, got := report.Columns[0].Figures.Get(name), of(&score)
			if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("window %d: %s is %v here and %v in the report", k, name, got, want)
			}
		}
	}
	if lacking == 0 {
		t.Error("nothing was lacking in the example")
	}
}

func TestWindows(t *testing.T) {
	w := windows(100, 207, 3)
	want := []window{{100, 135}, {135, 171}, {171, 207}}
	if !slices.Equal(w, want) {
		t.Errorf("got %v, want %v: they join, and cover everything", w, want)
	}
}
