package reports

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// steps makes a step function of minutes and values.
func steps(pairs ...float64) Steps {
	var s Steps
	for i := 0; i < len(pairs); i += 2 {
		s.Append(int64(pairs[i]*60), pairs[i+1])
	}
	return s
}

// decided makes the records of desired counts at minutes, the first as observed.
func decided(pairs ...float64) func(func(*journal.Line) error) error {
	return func(yield func(*journal.Line) error) error {
		current := pairs[1]
		for i := 0; i < len(pairs); i += 2 {
			n := int32(pairs[i+1])
			r := &journal.Record{
				Object: checkout, Slot: slot.Slot(pairs[i] * 60), Scale: autoscaler.Scale{Spec: int32(current), Status: int32(current)},
				Known: true, Recommending: true, Recommended: n, Stabilized: n, Limited: n, Desired: n, Reason: autoscaler.Unchanged,
			}
			current = pairs[i+1]
			if err := yield(&journal.Line{Record: r}); err != nil {
				return err
			}
		}
		return nil
	}
}

func oneColumn(minutes int64, needed, ready, spec Steps, records func(func(*journal.Line) error) error) *Run {
	return &Run{Name: "r", Start: 0, End: minutes * 60, Columns: []Column{{
		Name: Current, Journal: records, File: "decisions.jsonl",
		Objects: []Object{{Journal: checkout, Target: cycle.TargetRef{Name: "checkout"}, Needed: needed, Ready: ready, Spec: spec}},
	}}}
}

func TestFigures(t *testing.T) {
	unknown := math.NaN()
	cases := map[string]struct {
		reason string
		run    *Run
		want   Figures
	}{
		"Step": {
			reason: "needed 2, then 5 from 10 min; asked for at 11 min, ready at 13 min: 3 min lack 3 of 5 replicas",
			run:    oneColumn(20, steps(0, 2, 10, 5), steps(0, 2, 13, 5), steps(0, 2, 11, 5), decided(0, 2, 11, 5)),
			want: Figures{
				"breach_minutes": 3, "longest_breach_minutes": 3, "breach_episodes": 1,
				"replica_hours": (11*2 + 9*5) / 60.0, "ready_hours": (13*2 + 7*5) / 60.0,
				"reversals": 0, "scale_ups": 1, "scale_downs": 0, "largest_replicas": 5, "smallest_replicas": 2,
				"under_provisioned_percent": 100 * 0.6 * 3 / 20, "over_provisioned_percent": 0,
				"under_provisioned_time_percent": 15, "over_provisioned_time_percent": 0,
				"under_replica_hours": 9 / 60.0, "over_replica_hours": 0,
				"mean_slack_percent": 0, "p95_slack_percent": 0, "held_minutes": 0, "scored_minutes": 20,
			},
		},
		"Ramp": {
			reason: "needed 0.5, 1, 1.5, 2, 2.5 a minute each rounds up to 1, 1, 2, 2, 3; with 2 ready: 2 min spare 1 of 2, 1 min lacks 1 of 3",
			run:    oneColumn(5, steps(0, 0.5, 1, 1, 2, 1.5, 3, 2, 4, 2.5), steps(0, 2), steps(0, 2), decided(0, 2)),
			want: Figures{
				"breach_minutes": 1, "longest_breach_minutes": 1, "breach_episodes": 1,
				"replica_hours": 10 / 60.0, "ready_hours": 10 / 60.0,
				"reversals": 0, "scale_ups": 0, "scale_downs": 0, "largest_replicas": 2, "smallest_replicas": 2,
				"under_provisioned_percent": 100 / 3.0 / 5, "over_provisioned_percent": 100 * 2 / 5.0,
				"under_provisioned_time_percent": 20, "over_provisioned_time_percent": 40,
				"under_replica_hours": 1 / 60.0, "over_replica_hours": 2 / 60.0,
				"mean_slack_percent": 20, "p95_slack_percent": 50, "held_minutes": 0, "scored_minutes": 5,
			},
		},
		"ZeroDemand": {
			reason: "no demand counts as one replica in shares, so nothing is divided by zero; all 4 replicas are slack",
			run:    oneColumn(10, steps(0, 0), steps(0, 4), steps(0, 4), decided(0, 4)),
			want: Figures{
				"breach_minutes": 0, "longest_breach_minutes": 0, "breach_episodes": 0,
				"replica_hours": 40 / 60.0, "ready_hours": 40 / 60.0,
				"reversals": 0, "scale_ups": 0, "scale_downs": 0, "largest_replicas": 4, "smallest_replicas": 4,
				"under_provisioned_percent": 0, "over_provisioned_percent": 400,
				"under_provisioned_time_percent": 0, "over_provisioned_time_percent": 100,
				"under_replica_hours": 0, "over_replica_hours": 40 / 60.0,
				"mean_slack_percent": 100, "p95_slack_percent": 100, "held_minutes": 0, "scored_minutes": 10,
			},
		},
		"HalfUnknown": {
			reason: "time in which the demand is not known is not scored; replicas still cost",
			run:    oneColumn(10, steps(0, unknown, 5, 3), steps(0, 2), steps(0, 2), decided(0, 2)),
			want: Figures{
				"breach_minutes": 5, "longest_breach_minutes": 5, "breach_episodes": 1,
				"replica_hours": 20 / 60.0, "ready_hours": 20 / 60.0,
				"reversals": 0, "scale_ups": 0, "scale_downs": 0, "largest_replicas": 2, "smallest_replicas": 2,
				"under_provisioned_percent": 100 / 3.0, "over_provisioned_percent": 0,
				"under_provisioned_time_percent": 100, "over_provisioned_time_percent": 0,
				"under_replica_hours": 5 / 60.0, "over_replica_hours": 0,
				"mean_slack_percent": 0, "p95_slack_percent": 0, "held_minutes": 0, "scored_minutes": 5,
			},
		},
		"NothingKnown": {
			reason: "without series only what the records say is known",
			run:    oneColumn(10, Steps{}, Steps{}, Steps{}, decided(0, 2, 5, 3)),
			want:   Figures{"reversals": 0, "scale_ups": 1, "scale_downs": 0, "held_minutes": 0, "scored_minutes": 0},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := Compute(c.run)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, r.Columns[0].Figures, cmpopts.EquateApprox(1e-12, 1e-12), cmpopts.IgnoreMapEntries(ofMotion)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestPriceMakesCost(t *testing.T) {
	run := oneColumn(60, steps(0, 2), steps(0, 2), steps(0, 2, 30, 4), decided(0, 2))
	run.Columns[0].Objects[0].Price = 0.5
	r, err := Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := r.Columns[0].Figures.Get("cost"), 1.5; got != want {
		t.Errorf("2 replicas for half an hour and 4 for another at 0.5 cost %v, not %v", want, got)
	}
}

func TestReversals(t *testing.T) {
	cases := map[string]struct {
		reason            string
		records           func(func(*journal.Line) error) error
		reversals, ups, d float64
	}{
		"AtTheWindow":    {"an opposite change exactly 15 min later is a reversal", decided(0, 2, 1, 4, 16, 3), 1, 1, 1},
		"BeyondIt":       {"a second more is not", decided(0, 2, 1, 4, 16+1/60.0, 3), 0, 1, 1},
		"SameDirection":  {"two changes the same way are none", decided(0, 2, 1, 4, 2, 6), 0, 2, 0},
		"Everyone":       {"up, down, up, down are three", decided(0, 2, 1, 4, 2, 3, 3, 4, 4, 3), 3, 2, 2},
		"NoChange":       {"equal decisions between do not matter", decided(0, 2, 1, 4, 2, 4, 3, 4, 4, 3), 1, 1, 1},
		"FirstIsChanged": {"a first decision that differs from what it observed is a change", decidedFrom(2, 0, 4), 0, 1, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := Compute(oneColumn(60, Steps{}, Steps{}, Steps{}, c.records))
			if err != nil {
				t.Fatal(err)
			}
			f := r.Columns[0].Figures
			got := fmt.Sprint(f["reversals"], f["scale_ups"], f["scale_downs"])
			if want := fmt.Sprint(c.reversals, c.ups, c.d); got != want {
				t.Errorf("%s: reversals, ups, downs are %s, want %s", c.reason, got, want)
			}
		})
	}
}

func decidedFrom(spec int32, minute, n float64) func(func(*journal.Line) error) error {
	return func(yield func(*journal.Line) error) error {
		return decided(minute, n)(func(l *journal.Line) error {
			l.Record.Scale.Spec = spec
			return yield(l)
		})
	}
}

func TestRecordedColumnCountsChangesOfSpec(t *testing.T) {
	run := oneColumn(60, steps(0, 3), steps(0, 2), steps(0, 2, 10, 4, 20, 3), nil)
	run.Columns[0].Name = Recorded
	r, err := Compute(run)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Columns[0].Figures
	if f["reversals"] != 1 || f["scale_ups"] != 1 || f["scale_downs"] != 1 {
		t.Errorf("2, 4, 3 are one change up and one down, which reverses; got %v", f)
	}
	want := []CauseTime{{Cause: NotExplained, Seconds: 3600}}
	if diff := cmp.Diff(want, r.Columns[0].Causes); diff != "" {
		t.Errorf("without decisions the cause is unknown (-want +got):\n%s", diff)
	}
}

func TestComputeRejects(t *testing.T) {
	good := func() *Run { return oneColumn(10, steps(0, 2), steps(0, 2), steps(0, 2), decided(0, 2)) }
	cases := map[string]struct {
		reason string
		change func(*Run)
		want   string
	}{
		"NoName":      {"a run must be named", func(r *Run) { r.Name = "" }, "run without a name"},
		"NoTime":      {"a run must last", func(r *Run) { r.End = 0 }, "run r: ends at 1970-01-01T00:00:00Z, not after its start at 1970-01-01T00:00:00Z"},
		"NoColumn":    {"there must be something to report", func(r *Run) { r.Columns = nil }, "run r: no columns"},
		"SameColumn":  {"columns are told apart by name", func(r *Run) { r.Columns = append(r.Columns, r.Columns[0]) }, `run r: column "current": names must be unique and not empty`},
		"SameObject":  {"objects too", func(r *Run) { c := &r.Columns[0]; c.Objects = append(c.Objects, c.Objects[0]) }, "run r: column current: shop/HorizontalAutoscaler/checkout stands in it twice"},
		"TimesGoBack": {"a step function has one value at a time", func(r *Run) { r.Columns[0].Objects[0].Ready = Steps{T: []int64{5, 5}, V: []float64{1, 2}} }, "run r: column current: shop/HorizontalAutoscaler/checkout: ready replicas: time 5 follows 5; times must rise"},
		"OutOfOrder":  {"records must rise per object", func(r *Run) { r.Columns[0].Journal = decided(1, 2, 1, 3) }, "run r: column current: shop/HorizontalAutoscaler/checkout: record of 1970-01-01T00:01:00Z after that of 1970-01-01T00:01:00Z; records must be in order"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := good()
			c.change(run)
			_, err := Compute(run)
			if err == nil || err.Error() != c.want {
				t.Errorf("%s: error is %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	cases := map[string]struct {
		reason string
		value  float64
		want   string
	}{
		"Whole":    {"nothing behind the point", 23, "23"},
		"HalfDown": {"a quarter of a minute goes up, as the causes that make it up do", 23.25, "23.3"},
		"HalfUp":   {"wherever it stands", 23.75, "23.8"},
		"Below":    {"and away from 0 below it", -23.25, "-23.3"},
		"Zero":     {"no point without a digit behind it", 22.97, "23"},
		"Small":    {"two digits where one would say nothing", 0.0167, "0.017"},
		"Large":    {"thousands are grouped", 29959.6, "29,960"},
		"Unknown":  {"a dash", math.NaN(), "–"},
	}
	for name, c := range cases {
		if got := number(c.value); got != c.want {
			t.Errorf("%s: %s: %v is %s, want %s", name, c.reason, c.value, got, c.want)
		}
	}
}
