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
	"github.com/karpenter-sim/karpenter/sim/result"
)

func TestLosses(t *testing.T) {
	for name, c := range map[string]struct {
		reason      string
		spec, ready Steps
		want        Steps
	}{
		"Nodes":     {"two of five go at 10 and come back at 20", Steps{T: []int64{0}, V: []float64{5}}, Steps{T: []int64{0, 10, 20}, V: []float64{5, 3, 5}}, Steps{T: []int64{0, 10, 20}, V: []float64{0, 2, 0}}},
		"ScaleDown": {"what is not asked for any more is not lost", Steps{T: []int64{0, 10}, V: []float64{5, 3}}, Steps{T: []int64{0, 12}, V: []float64{5, 3}}, Steps{T: []int64{0}, V: []float64{0}}},
		"ScaleUp":   {"what is on its way is not lost", Steps{T: []int64{0, 10}, V: []float64{3, 5}}, Steps{T: []int64{0, 20}, V: []float64{3, 5}}, Steps{T: []int64{0}, V: []float64{0}}},
		"Both":      {"more are asked for while one is lost", Steps{T: []int64{0, 15}, V: []float64{5, 8}}, Steps{T: []int64{0, 10, 20, 30}, V: []float64{5, 4, 6, 8}}, Steps{T: []int64{0, 10, 20}, V: []float64{0, 1, 0}}},
		"GivenUp":   {"lost ones that are not asked for any more", Steps{T: []int64{0, 20}, V: []float64{5, 4}}, Steps{T: []int64{0, 10}, V: []float64{5, 3}}, Steps{T: []int64{0, 10, 20}, V: []float64{0, 2, 1}}},
		"Unknown":   {"nothing is lost that was not seen", Steps{T: []int64{0}, V: []float64{5}}, Steps{T: []int64{0, 10, 20}, V: []float64{5, math.NaN(), 3}}, Steps{T: []int64{0}, V: []float64{0}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, losses(c.spec, c.ready)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

// Each cause by the one condition that makes it, and beside conditions that come
// later in the order.
func TestCause(t *testing.T) {
	p := &policy.Autoscaler{Max: 20, Interval: 15, Up: policy.Rules{Window: 180, Tolerance: 0.1, Select: policy.SelectMax, Policies: []policy.Rate{{Type: policy.Count, Value: 4, Period: 60}, {Type: policy.Percent, Value: 50, Period: 300}}}}
	ranged := &policy.Autoscaler{Metrics: []policy.Metric{{Query: "rate(x[5m])"}, {Query: "avg_over_time(y[1m:15s])"}}}
	sampled := result.Sampling{Interval: 15, Delay: 5, Lookback: 300}
	disabled := &policy.Autoscaler{Up: policy.Rules{Select: policy.Disabled}}
	stages := func(recommended, stabilized, limited, desired float64) *decision {
		return &decision{known: true, recommending: true, recommended: recommended, stabilized: stabilized, limited: limited, desired: desired}
	}
	with := func(d *decision, change func(*decision)) *decision { change(d); return d }
	would := func(replicas, exact float64) func() recommendation {
		return func() recommendation { return recommendation{replicas: replicas, exact: exact, known: true} }
	}
	late := func(since, unmoved int64) func() lateness {
		return func() lateness { return lateness{unseen: true, since: since, unmoved: unmoved, sampling: sampled} }
	}
	unknown := func() recommendation { return recommendation{} }
	cases := map[string]struct {
		reason string
		in     shortage
		want   reason
	}{
		"StartUp":       {"they were asked for", shortage{needed: 10, asked: 10, decision: stages(10, 10, 10, 10), policy: p}, reason{StartUp, "", ""}},
		"NotLanded":     {"the decision asks for them, the target does not yet", shortage{needed: 10, asked: 8, decision: stages(10, 10, 10, 10), policy: p}, reason{StartUp, "", ""}},
		"Disruption":    {"there were enough until some were lost", shortage{needed: 10, asked: 10, ready: 8, lost: 2, decision: stages(10, 10, 10, 10), policy: p}, reason{Disruption, "", ""}},
		"NotReplaced":   {"what is lost cannot be replaced", shortage{needed: 10, asked: 10, ready: 8, lost: 2, issue: "LimitReached", decision: stages(10, 10, 10, 10), policy: p}, reason{NotCarriedOut, "", "LimitReached"}},
		"LostTooFew":    {"more were needed than were asked for", shortage{needed: 10, asked: 8, ready: 6, lost: 2, decision: stages(8, 8, 8, 8), policy: p, fresh: would(10, 10)}, reason{MetricLag, "", ""}},
		"NoMachines":    {"they were asked for, and the provider has none", shortage{needed: 10, asked: 10, issue: "LimitReached", decision: stages(10, 10, 10, 10), policy: p}, reason{NotCarriedOut, "", "LimitReached"}},
		"GroupDryRun":   {"the provider of the group is told nothing", shortage{needed: 10, asked: 10, dry: true, decision: stages(10, 10, 10, 10), policy: p}, reason{DryRun, "", ""}},
		"NoNode":        {"of 20 asked for 12 have a node, and 16 are needed", shortage{needed: 16, asked: 20, ready: 12, pending: 8, node: "workers: 3 nodes, scaled by nobody", decision: stages(20, 20, 20, 20), policy: p}, reason{NoNode, "", "workers: 3 nodes, scaled by nobody"}},
		"NodesEnough":   {"those with a node will do as soon as they serve", shortage{needed: 16, asked: 20, ready: 12, pending: 4, decision: stages(20, 20, 20, 20), policy: p}, reason{StartUp, "", ""}},
		"GivenUp":       {"half of the missing ones served ten minutes ago", shortage{needed: 10, asked: 10, ready: 6, givenUp: 2, decision: stages(10, 10, 10, 10), policy: p}, reason{ScaledDown, "", ""}},
		"GivenUpLess":   {"more are missing than were given up", shortage{needed: 10, asked: 10, ready: 5, givenUp: 2, decision: stages(10, 10, 10, 10), policy: p}, reason{StartUp, "", ""}},
		"GivenUpUnseen": {"and the metric does not show the demand yet", shortage{needed: 10, asked: 6, ready: 6, givenUp: 4, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10)}, reason{ScaledDown, "", ""}},
		"Refused":       {"the target was not to be written", shortage{needed: 10, asked: 8, decision: with(stages(10, 10, 10, 10), func(d *decision) { d.refused = "Forbidden" }), policy: p}, reason{NotCarriedOut, "", "Forbidden"}},
		"RefusedLess":   {"what was refused would not have been enough", shortage{needed: 10, asked: 4, decision: with(stages(10, 10, 8, 8), func(d *decision) { d.refused = "Forbidden" }), policy: p}, reason{Rate, "", "scale-up"}},
		"Contested":     {"another autoscaler has the same target", shortage{needed: 10, asked: 6, decision: &decision{reason: autoscaler.TargetUnavailable, contested: true}, policy: p}, reason{Contested, "", ""}},
		"ColdStart":     {"no decision has seen the demand", shortage{needed: 10, asked: 8, policy: p}, reason{ColdStart, "", ""}},
		"NotDecided":    {"a slot passed; the bound would have cut, had it been decided", shortage{needed: 25, asked: 20, overdue: true, decision: stages(25, 25, 25, 20), policy: p}, reason{NotDecided, "", ""}},
		"DecidedEnough": {"what was decided before the slots were missed is still starting", shortage{needed: 10, asked: 10, overdue: true, decision: stages(10, 10, 10, 10), policy: p}, reason{StartUp, "", ""}},
		"Bound":         {"wanted 25, at most 20", shortage{needed: 25, asked: 20, decision: stages(25, 25, 25, 20), policy: p}, reason{Bound, "", "maxReplicas 20"}},
		"BoundGivenUp":  {"a bound comes before what was given up", shortage{needed: 25, asked: 20, ready: 20, givenUp: 5, decision: stages(25, 25, 25, 20), policy: p}, reason{Bound, "", "maxReplicas 20"}},
		"BoundLast":     {"a rate limit too, but the bound cut last, as the record's reason says", shortage{needed: 25, asked: 20, decision: stages(25, 25, 24, 20), policy: p}, reason{Bound, "", "maxReplicas 20"}},
		"Rate":          {"4 replicas a minute", shortage{needed: 10, asked: 4, decision: with(stages(10, 10, 8, 8), func(d *decision) { d.limit = behavior.Limit{Stage: behavior.Rate, Policy: 0} }), policy: p}, reason{Rate, "", "scale-up 4 replicas per 1 min"}},
		"Percent":       {"50 % in five minutes", shortage{needed: 10, asked: 4, decision: with(stages(10, 10, 6, 6), func(d *decision) { d.limit = behavior.Limit{Stage: behavior.Rate, Policy: 1} }), policy: p}, reason{Rate, "", "scale-up 50% per 5 min"}},
		"Disabled":      {"selectPolicy Disabled is a rate of nothing", shortage{needed: 10, asked: 4, decision: with(stages(10, 10, 4, 4), func(d *decision) { d.reason = autoscaler.Disabled }), policy: disabled}, reason{Rate, "", "scale-up disabled"}},
		"Stabilization": {"the lowest recommendation of three minutes counts", shortage{needed: 10, asked: 4, decision: stages(10, 5, 5, 5), policy: p}, reason{Stabilization, "", "scale-up window 3 min"}},
		"MetricLag":     {"the metric asks for 6; fresh, it would ask for 10", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10)}, reason{MetricLag, "", ""}},
		"QueryRange":    {"a long range keeps it from showing the demand", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: ranged, fresh: would(10, 10)}, reason{MetricLag, QueryRange, "query range 5m"}},
		"Scrape":        {"the demand rose 15 s before the slot", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: ranged, fresh: would(10, 10), late: late(15, 0)}, reason{MetricLag, Scrape, "scrape and ingestion within 20 s"}},
		"RangeBeyond":   {"a scrape has seen it since, the range holds what was before", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: ranged, fresh: would(10, 10), late: late(21, 0)}, reason{MetricLag, QueryRange, "query range 5m"}},
		"Lookback":      {"no range, so an old sample stands in", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10), late: late(320, 30)}, reason{MetricLag, Lookback, "an old sample, lookback 5 min"}},
		"Moving":        {"no range, but the metric moves, so no sample is missing", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10), late: late(320, 15)}, reason{MetricLag, "", ""}},
		"LagUntold":     {"longer than any of them", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10), late: late(321, 330)}, reason{MetricLag, "", ""}},
		"Polling":       {"the demand rose after the slot", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(10, 10), late: func() lateness { return lateness{sampling: sampled} }}, reason{MetricLag, PollingInterval, "polling interval of 15 s"}},
		"Tolerance":     {"fresh, it would ask for 10, but for the tolerance", shortage{needed: 10, asked: 9, decision: stages(9, 9, 9, 9), policy: p, fresh: would(9, 10)}, reason{Tolerance, "", "tolerance 0.1"}},
		"Target":        {"fresh, it would ask for 8", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: would(8, 8)}, reason{Target, "", ""}},
		"TargetFirst":   {"without the tolerance it would not be enough either", shortage{needed: 10, asked: 7, decision: stages(7, 7, 7, 7), policy: p, fresh: would(7, 8)}, reason{Target, "", ""}},
		"NotExplained":  {"the metric does not follow the demand", shortage{needed: 10, asked: 6, decision: stages(6, 6, 6, 6), policy: p, fresh: unknown}, reason{NotExplained, "", ""}},
		"MinRaised":     {"a stage that raised the number did not cut it", shortage{needed: 10, asked: 6, decision: stages(2, 2, 2, 6), policy: p, fresh: would(10, 10)}, reason{MetricLag, "", ""}},
		"OneMetricGone": {"another metric might have asked for more", shortage{needed: 10, asked: 6, decision: with(stages(6, 6, 6, 6), func(d *decision) { d.metricError = true }), policy: p}, reason{MissingData, "", "a metric failed"}},
		"NoMetrics":     {"held for want of data", shortage{needed: 10, asked: 6, decision: &decision{known: true, stabilized: 6, limited: 6, desired: 6, reason: autoscaler.MetricsUnavailable}, policy: p}, reason{MissingData, "", "MetricsUnavailable"}},
		"NoTarget":      {"held for want of a target", shortage{needed: 10, asked: 6, decision: &decision{reason: autoscaler.TargetUnavailable}, policy: p}, reason{MissingData, "", "TargetUnavailable"}},
		"BoundOfHold":   {"an edited bound acts even on a hold", shortage{needed: 10, asked: 6, decision: &decision{known: true, stabilized: 8, limited: 8, desired: 6, reason: autoscaler.Bounded}, policy: p}, reason{Bound, "", "maxReplicas 6"}},
		"Paused": {"an annotation holds it back", shortage{needed: 10, asked: 6, decision: with(stages(10, 10, 10, 6), func(d *decision) {
			d.reason, d.limit = autoscaler.Paused, behavior.Limit{Stage: behavior.Pausing, Direction: behavior.Up}
		}), policy: p}, reason{Paused, "", ""}},
		"DryRun":      {"what is decided is not what runs", shortage{needed: 10, asked: 6, decision: with(stages(10, 10, 10, 10), func(d *decision) { d.dryRun = true }), policy: p}, reason{DryRun, "", ""}},
		"SpecUnknown": {"without spec the decision tells", shortage{needed: 25, asked: math.NaN(), decision: stages(25, 25, 25, 20), policy: p}, reason{Bound, "", "maxReplicas 20"}},
	}
	seen := map[Cause]bool{}
	for name, c := range cases {
		seen[c.want.cause] = true
		t.Run(name, func(t *testing.T) {
			if c.in.ready == 0 {
				c.in.ready = min(c.in.needed, c.in.asked) - 1
			}
			if c.in.late == nil {
				c.in.late = func() lateness { return lateness{unseen: true} }
			}
			if got := c.in.cause(); got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.reason, got, c.want)
			}
		})
	}
	for _, c := range Causes() {
		if !seen[c] {
			t.Errorf("no case of %q", c)
		}
	}
}

func TestGivenUp(t *testing.T) {
	steps := func(pairs ...float64) Steps {
		var s Steps
		for i := 0; i < len(pairs); i += 2 {
			s.Append(int64(pairs[i]), pairs[i+1])
		}
		return s
	}
	for name, c := range map[string]struct {
		reason              string
		spec, ready, needed Steps
		want                Steps
	}{
		"Back":       {"12 go to 6 at 100, 12 are asked for at 300 and serve from 420 on", steps(0, 12, 100, 6, 300, 12), steps(0, 12, 100, 6, 420, 12), steps(0, 12, 90, 6, 290, 12), steps(0, 0, 100, 6, 420, 0)},
		"Forgotten":  {"fifteen minutes later nobody regrets it", steps(0, 12, 100, 6), steps(0, 12, 100, 6), Steps{}, steps(0, 0, 100, 6, 1000, 0)},
		"Lost":       {"what vanishes unasked was not given up", steps(0, 12), steps(0, 12, 100, 6), Steps{}, Steps{}},
		"LostInPart": {"4 of 6 were scaled down", steps(0, 12, 100, 8), steps(0, 12, 100, 6), Steps{}, steps(0, 0, 100, 4, 1000, 0)},
		"Wrongly":    {"of 12 that go to 6, 10 are needed as they go", steps(0, 12, 100, 6), steps(0, 12, 100, 6), steps(0, 10), steps(0, 0, 100, 2, 1000, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, givenUp(c.spec, c.ready, c.needed)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
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
	run := oneColumn(1, series("needed"), series("ready"), series("asked"), func(yield func(*journal.Line) error) error {
		for i := range records {
			if err := yield(&journal.Line{Record: &records[i]}); err != nil {
				return err
			}
		}
		return nil
	})
	run.End = end
	return run
}

func TestCausesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, err := Compute(arbitraryRun(t))
		if err != nil {
			t.Fatal(err)
		}
		o := &r.Columns[0].Objects[0]
		if got, want := seconds(o.Causes), o.score.lacking; got != want {
			t.Errorf("causes add up to %d s, the breach is %d s", got, want)
		}
		if got := o.Figures.Get("breach_minutes"); o.score.scored > 0 && got != minutes(o.score.lacking) {
			t.Errorf("breach_minutes %v is not %d s", got, o.score.lacking)
		}
		var inEpisodes int64
		for i := range o.Episodes {
			e := &o.Episodes[i]
			inEpisodes += e.Seconds
			if got := seconds(e.Causes); got != e.Seconds {
				t.Errorf("causes of episode %d add up to %d s of %d s", i, got, e.Seconds)
			}
			if e.Seconds > e.End-e.Start || e.Start < r.Run.Start || e.End > r.Run.End {
				t.Errorf("episode %+v does not fit", e)
			}
		}
		if o.score.episodes <= worstEpisodes && inEpisodes != o.score.lacking {
			t.Errorf("episodes add up to %d s, the breach is %d s", inEpisodes, o.score.lacking)
		}
		shares := phraseShares(o.Causes)
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
		if diff := cmp.Diff(sortCauses(want.causes), sortCauses(total.causes)); diff != "" {
			t.Errorf("causes of the parts (-whole +parts):\n%s", diff)
		}
	})
}

func seconds(list []CauseTime) int64 {
	var sum int64
	for i := range list {
		sum += list[i].Seconds
	}
	return sum
}
