package replay

import (
	"math"
	"time"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// fillTimes has the run be as long as the recordings: from the first decision
// that they were made for, else from where they cover every range and offset of
// the queries, to their end.
func (o *Options) fillTimes(spec *scenario.Spec, set *manifest.Set, all []*recording.Recording) {
	reach := reachOf(set, o.Demand)
	first, last, start := int64(math.MaxInt64), int64(math.MinInt64), int64(math.MinInt64)
	var spacing time.Duration
	for _, r := range all {
		info := r.Info()
		spacing = max(spacing, info.MedianSpacing)
		from := info.First
		m := info.Manifest
		switch {
		case m != nil && m.Evaluated && len(m.Queries) > 0:
			from = m.Queries[0].Start
			start = max(start, from)
		case m != nil && !m.Evaluated:
			from = m.From
			start = max(start, begins(m, reach))
		}
		first, last = min(first, from), max(last, info.Last)
	}
	if start == math.MinInt64 {
		start = first + reach.before.Milliseconds()
	}
	if start >= last {
		start = first // nothing is covered: better some of it than nothing at all
	}
	begin := time.UnixMilli(start + 999).UTC().Truncate(time.Second)
	spec.Start = scenario.Time{Time: begin}
	spec.Duration = scenario.Duration(time.UnixMilli(last).Sub(begin).Truncate(time.Second) + time.Second)
	covered := time.Duration(start-first)*time.Millisecond - reach.before
	spec.Prometheus.ScrapeInterval = scrapesOf(spacing)
	spec.Replay.LeadIn = scenario.Duration(min(max(covered, 0), reach.window).Truncate(time.Second))
}

// mostSpacing is the longest time between two looks at a replay's world, however far
// apart its samples were recorded.
const mostSpacing = 15 * time.Second

// scrapesOf is how often a replay's world is looked at: as often as the recording was
// made, in whole seconds. A replica that was ready for a shorter time than that would
// else be overlooked, and a metric that counts replicas would see them too late.
func scrapesOf(spacing time.Duration) scenario.Duration {
	if spacing <= 0 {
		return scenario.Duration(mostSpacing)
	}
	return scenario.Duration(min(max(spacing.Round(time.Second), time.Second), mostSpacing))
}

// A reach is how far back decisions look: queries by their ranges and offsets,
// policies by their windows and periods.
type reach struct{ before, window time.Duration }

// reachOf is the longest reach of the autoscalers and of a demand. What is wrong
// with any of them is found when they are played.
func reachOf(set *manifest.Set, demand string) reach {
	var r reach
	look := func(query string) {
		selectors, _ := recording.Selectors(query)
		for _, s := range selectors {
			if s.At == nil {
				r.before = max(r.before, time.Duration(s.Before)*time.Millisecond)
			}
		}
	}
	autoscalers, _ := sim.Resolve(set, "", fake.FeatureNames()...)
	for _, a := range autoscalers {
		r.window = max(r.window, time.Duration(max(a.Policy.Window(), a.Policy.Period()))*time.Second)
		for _, m := range a.Policy.Metrics {
			look(m.Query)
		}
	}
	if demand != "" {
		look(demand)
	}
	return r
}

// DefaultLookback is the lookback with which recordings are made that do not say when
// their first decision is.
const DefaultLookback = 5 * time.Minute

// begins is the first decision that a recording was made for: as it says, else
// later than its first sample by what it was begun earlier for.
func begins(m *recording.Manifest, r reach) int64 {
	if m.Start != 0 {
		return m.Start
	}
	return m.From + (DefaultLookback + r.before + r.window).Milliseconds()
}
