package reports

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

func TestLosses(t *testing.T) {
	for name, c := range map[string]struct {
		reason      string
		spec, ready Steps
		want        Steps
	}{
		"Nodes":     {"two of five go at 10 and come back at 20", Steps{[]int64{0}, []float64{5}}, Steps{[]int64{0, 10, 20}, []float64{5, 3, 5}}, Steps{[]int64{0, 10, 20}, []float64{0, 2, 0}}},
		"ScaleDown": {"what is not asked for any more is not lost", Steps{[]int64{0, 10}, []float64{5, 3}}, Steps{[]int64{0, 12}, []float64{5, 3}}, Steps{[]int64{0}, []float64{0}}},
		"ScaleUp":   {"what is on its way is not lost", Steps{[]int64{0, 10}, []float64{3, 5}}, Steps{[]int64{0, 20}, []float64{3, 5}}, Steps{[]int64{0}, []float64{0}}},
		"Both":      {"more are asked for while one is lost", Steps{[]int64{0, 15}, []float64{5, 8}}, Steps{[]int64{0, 10, 20, 30}, []float64{5, 4, 6, 8}}, Steps{[]int64{0, 10, 20}, []float64{0, 1, 0}}},
		"GivenUp":   {"lost ones that are not asked for any more", Steps{[]int64{0, 20}, []float64{5, 4}}, Steps{[]int64{0, 10}, []float64{5, 3}}, Steps{[]int64{0, 10, 20}, []float64{0, 2, 1}}},
		"Unknown":   {"nothing is lost that was not seen", Steps{[]int64{0}, []float64{5}}, Steps{[]int64{0, 10, 20}, []float64{5, math.NaN(), 3}}, Steps{[]int64{0}, []float64{0}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, losses(c.spec, c.ready)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func TestBlame(t *testing.T) {
	p := &policy.Autoscaler{Max: 20, Up: policy.Rules{Window: 180, Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}, {Type: policy.Percent, Value: 50, Period: 300}}}}
	disabled := &policy.Autoscaler{Up: policy.Rules{Select: policy.Disabled}}
	stages := func(recommended, stabilized, limited, desired float64) *decision {
		return &decision{known: true, recommending: true, recommended: recommended, stabilized: stabilized, limited: limited, desired: desired}
	}
	with := func(d *decision, change func(*decision)) *decision { change(d); return d }
	cases := map[string]struct {
		reason       string
		needed, spec float64
		decision     *decision
		policy       *policy.Autoscaler
		want         reason
		trouble      string
		disrupted    bool
	}{
		"StartUp":       {"they were asked for", 10, 10, stages(10, 10, 10, 10), p, reason{StartUp, ""}, "", false},
		"NotLanded":     {"the decision asks for them, the target does not yet", 10, 8, stages(10, 10, 10, 10), p, reason{StartUp, ""}, "", false},
		"Disruption":    {needed: 10, spec: 10, decision: stages(10, 10, 10, 10), policy: p, disrupted: true, want: reason{Disruption, ""}, reason: "there were enough until some were lost"},
		"NotReplaced":   {needed: 10, spec: 10, decision: stages(10, 10, 10, 10), policy: p, disrupted: true, trouble: "LimitReached", want: reason{NotCarriedOut, "LimitReached"}, reason: "what is lost cannot be replaced"},
		"LostTooFew":    {needed: 10, spec: 8, decision: stages(8, 8, 8, 8), policy: p, disrupted: true, want: reason{MetricLag, ""}, reason: "more were needed than were asked for"},
		"NoMachines":    {"they were asked for, and the provider has none", 10, 10, stages(10, 10, 10, 10), p, reason{NotCarriedOut, "LimitReached"}, "LimitReached", false},
		"Refused":       {"the decision asks for them, and the target was not to be written", 10, 8, with(stages(10, 10, 10, 10), func(d *decision) { d.refused = "Forbidden" }), p, reason{NotCarriedOut, "Forbidden"}, "", false},
		"RefusedLess":   {"what was refused would not have been enough", 10, 4, with(stages(10, 10, 8, 8), func(d *decision) { d.refused = "Forbidden" }), p, reason{Rate, "scale-up"}, "", false},
		"Contested":     {"another autoscaler has the same target", 10, 6, &decision{reason: autoscaler.TargetUnavailable, contested: true}, p, reason{NotCarriedOut, "Contested"}, "", false},
		"BeforeFirst":   {"no decision has seen the demand", 10, 8, nil, p, reason{MetricLag, ""}, "", false},
		"Bound":         {"wanted 25, at most 20", 25, 20, stages(25, 25, 25, 20), p, reason{Bound, "maxReplicas 20"}, "", false},
		"BoundLast":     {"a rate limit too, but the bound cut last, as the record's reason says", 25, 20, stages(25, 25, 24, 20), p, reason{Bound, "maxReplicas 20"}, "", false},
		"Rate":          {"4 replicas a minute", 10, 4, with(stages(10, 10, 8, 8), func(d *decision) { d.limit = behavior.Limit{Stage: behavior.Rate, Policy: 0} }), p, reason{Rate, "scale-up 4 replicas per 1 min"}, "", false},
		"Percent":       {"50 % in five minutes", 10, 4, with(stages(10, 10, 6, 6), func(d *decision) { d.limit = behavior.Limit{Stage: behavior.Rate, Policy: 1} }), p, reason{Rate, "scale-up 50% per 5 min"}, "", false},
		"Disabled":      {"selectPolicy Disabled is a rate of nothing", 10, 4, with(stages(10, 10, 4, 4), func(d *decision) { d.reason = autoscaler.Disabled }), disabled, reason{Rate, "scale-up disabled"}, "", false},
		"Stabilization": {"the lowest recommendation of three minutes counts", 10, 4, stages(10, 5, 5, 5), p, reason{Stabilization, "scale-up window 3 min"}, "", false},
		"MetricLag":     {"the metric asks for 6 only", 10, 6, stages(6, 6, 6, 6), p, reason{MetricLag, ""}, "", false},
		"MinRaised":     {"a stage that raised the number did not cut it", 10, 6, stages(2, 2, 2, 6), p, reason{MetricLag, ""}, "", false},
		"OneMetricGone": {"another metric might have asked for more", 10, 6, with(stages(6, 6, 6, 6), func(d *decision) { d.metricError = true }), p, reason{MissingData, "a metric failed"}, "", false},
		"NoMetrics":     {"held for want of data", 10, 6, &decision{known: true, stabilized: 6, limited: 6, desired: 6, reason: autoscaler.MetricsUnavailable}, p, reason{MissingData, "MetricsUnavailable"}, "", false},
		"NoTarget":      {"held for want of a target", 10, 6, &decision{reason: autoscaler.TargetUnavailable}, p, reason{MissingData, "TargetUnavailable"}, "", false},
		"BoundOfHold":   {"an edited bound acts even on a hold", 10, 6, &decision{known: true, stabilized: 8, limited: 8, desired: 6, reason: autoscaler.Bounded}, p, reason{Bound, "maxReplicas 6"}, "", false},
		"DryRun":        {"what is decided is not what runs", 10, 6, with(stages(10, 10, 10, 10), func(d *decision) { d.dryRun = true }), p, reason{Unknown, "dry run"}, "", false},
		"SpecUnknown":   {"without spec the decision tells", 25, math.NaN(), stages(25, 25, 25, 20), p, reason{Bound, "maxReplicas 20"}, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := blame(c.needed, c.spec, c.disrupted, c.trouble, c.decision, c.policy); got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.reason, got, c.want)
			}
		})
	}
}

// arbitraryRun draws series and decisions with no relation to each other.
func arbitraryRun(t *rapid.T) *Run {
	end := rapid.Int64Range(1, 4000).Draw(t, "end")
	series := func(name string) Steps {
		var s Steps
		for at := int64(-50); at < end+50; at += rapid.Int64Range(1, 400).Draw(t, name+"At") {
			v := float64(rapid.IntRange(-1, 12).Draw(t, name))
			if v < 0 {
				v = math.NaN()
			}
			s.Append(at, v)
		}
		return s
	}
	count := func(name string) int32 { return rapid.Int32Range(0, 12).Draw(t, name) }
	reasons := []autoscaler.Reason{autoscaler.Unchanged, autoscaler.Bounded, autoscaler.RateLimited, autoscaler.MetricsUnavailable, autoscaler.TargetUnavailable}
	var records []journal.Record
	for at := int64(-30); at < end; at += rapid.Int64Range(1, 300).Draw(t, "slot") {
		records = append(records, journal.Record{
			Object: checkout, Slot: slot.Slot(at), Scale: autoscaler.Scale{Spec: count("spec"), Status: 1},
			Known: rapid.Bool().Draw(t, "known"), Recommending: rapid.Bool().Draw(t, "recommending"), DryRun: rapid.Bool().Draw(t, "dryRun"),
			Recommended: count("recommended"), Stabilized: count("stabilized"), Limited: count("limited"), Desired: count("desired"),
			Reason: rapid.SampledFrom(reasons).Draw(t, "reason"),
		})
	}
	return oneColumn(1, series("needed"), series("ready"), series("asked"), func(yield func(*journal.Line) error) error {
		for i := range records {
			if err := yield(&journal.Line{Record: &records[i]}); err != nil {
				return err
			}
		}
		return nil
	}).until(end)
}

func (run *Run) until(end int64) *Run {
	run.End = end
	return run
}

func TestBlameAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := Compute(arbitraryRun(t))
		if err != nil {
			t.Fatal(err)
		}
		o := &r.Columns[0].Objects[0]
		if got, want := seconds(o.Blame), o.score.lacking; got != want {
			t.Errorf("causes add up to %d s, the breach is %d s", got, want)
		}
		if got := o.Figures.Get("breach_minutes"); o.score.scored > 0 && got != minutes(o.score.lacking) {
			t.Errorf("breach_minutes %v is not %d s", got, o.score.lacking)
		}
		var inEpisodes int64
		for i := range o.Episodes {
			e := &o.Episodes[i]
			inEpisodes += e.Seconds
			if got := seconds(e.Blame); got != e.Seconds {
				t.Errorf("causes of episode %d add up to %d s of %d s", i, got, e.Seconds)
			}
			if e.Seconds > e.End-e.Start || e.Start < r.Run.Start || e.End > r.Run.End {
				t.Errorf("episode %+v does not fit", e)
			}
		}
		if o.score.episodes <= worstEpisodes && inEpisodes != o.score.lacking {
			t.Errorf("episodes add up to %d s, the breach is %d s", inEpisodes, o.score.lacking)
		}
		shares := phraseShares(o.Blame)
		var parts int64
		for _, n := range apportion(shares, 60) {
			parts += n
		}
		if want := (o.score.lacking + 30) / 60; parts != want {
			t.Errorf("the sentence's parts add up to %d min, the breach is %d min", parts, want)
		}
	})
}

// A narrower run must give what the same stretch contributes to the whole.
func TestZoomsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := arbitraryRun(t)
		cut := rapid.Int64Range(0, run.End).Draw(t, "cut")
		total := newScore()
		for _, part := range [][2]int64{{0, cut}, {cut, run.End}} {
			if part[0] == part[1] {
				continue
			}
			narrow, err := Zoom(run, part[0], part[1])
			if err != nil {
				t.Fatal(err)
			}
			r, err := Compute(narrow)
			if err != nil {
				t.Fatal(err)
			}
			total.add(&r.Columns[0].Objects[0].score)
		}
		whole, err := Compute(run)
		if err != nil {
			t.Fatal(err)
		}
		want := &whole.Columns[0].Objects[0].score
		if total.lacking != want.lacking || total.scored != want.scored || total.held.total() != want.held.total() || total.ups != want.ups || total.downs != want.downs || total.reversals != want.reversals {
			t.Errorf("parts add up to %+v, the whole is %+v", total, *want)
		}
		if diff := cmp.Diff(sortBlame(want.blame), sortBlame(total.blame)); diff != "" {
			t.Errorf("causes of the parts (-whole +parts):\n%s", diff)
		}
	})
}

func seconds(list []Blame) int64 {
	var sum int64
	for i := range list {
		sum += list[i].Seconds
	}
	return sum
}
