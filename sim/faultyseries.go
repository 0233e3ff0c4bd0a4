package sim

import (
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/fault"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

func faultPath(i int) string { return fmt.Sprintf("spec.faults[%d]", i) }

// A gap is a fault that keeps a share of the series from being scraped.
type gap struct {
	*fault.Fault
	seed     int64
	matchers []*labels.Matcher
	// chosen are the series, or pods, that were asked for so far.
	chosen map[string]bool
}

// gaps are the faults of a run that make scrapes incomplete.
func (r *run) gaps() []*gap {
	var list []*gap
	for _, f := range r.faults.All {
		if f.Metrics != scenario.MetricsPartial {
			continue
		}
		g := &gap{Fault: f, seed: r.in.File.Spec.Seed, chosen: map[string]bool{}}
		if f.Series != "" {
			g.matchers, _ = parser.NewParser(parser.Options{}).ParseMetricSelector(f.Series) // validated
		}
		list = append(list, g)
	}
	return list
}

// takes says whether a sample of the series at an instant is missing. All
// series of a pod are missing together.
func (g *gap) takes(l labels.Labels, at int64) bool {
	if at < g.From || at >= g.To || !matchesAll(l, g.matchers) {
		return false
	}
	key := l.Get("pod")
	if key == "" {
		key = l.String()
	}
	chosen, known := g.chosen[key]
	if !known {
		chosen = world.Random(g.seed, g.Name+" "+key).Float64() < *g.Fraction
		g.chosen[key] = chosen
	}
	return chosen
}

func missing(gaps []*gap, l labels.Labels, at int64) bool {
	for _, g := range gaps {
		if g.takes(l, at) {
			return true
		}
	}
	return false
}

// partial leaves out of a scrape what a fault takes; the series then end, as
// after a failed scrape.
func (r *run) partial(now int64, emit world.Emit) world.Emit {
	if len(r.scraped) == 0 {
		return emit
	}
	return func(l labels.Labels, v float64) {
		if !missing(r.scraped, l, now) {
			emit(l, v)
		}
	}
}

// incomplete replaces with stale markers the samples of a feed that a fault takes.
func (r *run) incomplete(feed fake.Feed) fake.Feed {
	if gaps := r.gaps(); len(gaps) > 0 && feed != nil {
		return &incompleteFeed{Feed: feed, gaps: gaps}
	}
	return feed
}

type incompleteFeed struct {
	fake.Feed
	gaps []*gap
}

// Next implements fake.Feed.
func (f *incompleteFeed) Next() (fake.Sample, error) {
	s, err := f.Feed.Next()
	if err == nil && missing(f.gaps, f.Labels(s.Series), s.T) {
		s.F, s.H = math.Float64frombits(value.StaleNaN), nil
	}
	return s, err
}
