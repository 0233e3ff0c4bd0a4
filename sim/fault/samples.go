package fault

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A change holds what a fault makes of the samples of one series, as seen at now in
// Unix milliseconds. It must leave the run that it is given as it is.
type change func(f *Fault, run fake.Run, now int64) []fake.Run

// changes are the faults of samples. What they change is what was ingested
// between From and To, so that every query gives what it would have given.
var changes = map[scenario.MetricsFault]change{
	scenario.MetricsEmpty:      empty,
	scenario.MetricsPartial:    partial,
	scenario.MetricsNaN:        notANumber,
	scenario.MetricsStale:      stale,
	scenario.MetricsDuplicated: duplicated,
	scenario.MetricsLate:       late,
}

// OfSamples says whether the fault acts on samples, before PromQL.
func (f *Fault) OfSamples() bool { return changes[f.Metrics] != nil }

// everywhere says that the fault acts on ingestion, and not on what one query
// or object reads.
func (f *Fault) everywhere() bool { return f.Query == "" && f.Only == nil }

// reads says whether the fault acts on what a query reads for an object.
func (f *Fault) reads(query, object string) bool {
	return strings.Contains(query, f.Query) && (f.Only == nil || f.Only.String() == object)
}

// MayChange says whether a fault of samples can change what a query reads for
// an object.
func (s *Set) MayChange(query string, object scenario.Reference) bool {
	return s.firstOfSamples(query, object) >= 0
}

// firstOfSamples is the index of the first fault of samples that can change what
// a query reads for an object, or -1.
func (s *Set) firstOfSamples(query string, object scenario.Reference) int {
	return slices.IndexFunc(s.All, func(f *Fault) bool { return f.OfSamples() && f.reads(s.written(query), object.String()) })
}

// FirstOfSamples is the path in the scenario of the first fault of samples that
// can change what a query reads for an object, or empty.
func (s *Set) FirstOfSamples(query string, object scenario.Reference) string {
	if i := s.firstOfSamples(query, object); i >= 0 {
		return fmt.Sprintf("spec.faults[%d].metrics", i)
	}
	return ""
}

// sampling holds what faults of samples need to know.
type sampling struct {
	// read are the selectors of what policies and rules read: what nobody reads
	// is not hit, so that expectations on other series judge what really is.
	read [][]*labels.Matcher
	// derived are the names of the series that rules make. They are not ingested.
	derived  []string
	lookback int64
}

// Name says how a query that is asked was written: what faults name is that.
func (s *Set) Name(asked, written string) {
	if asked == written || slices.Contains(s.names[asked], written) {
		return
	}
	if s.names == nil {
		s.names = map[string][]string{}
	}
	s.names[asked] = append(s.names[asked], written)
}

// written is a query as policies have it; where several mean the same, all of them.
func (s *Set) written(asked string) string {
	if names := s.names[asked]; names != nil {
		return strings.Join(names, "\n")
	}
	return asked
}

// Sampling tells faults of samples which queries policies and rules ask, what
// rules make, and how long a sample counts as current.
func (s *Set) Sampling(queries, derived []string, lookback time.Duration) error {
	s.sampling = sampling{derived: derived, lookback: lookback.Milliseconds()}
	for _, query := range queries {
		selectors, err := recording.Selectors(query)
		if err != nil {
			return err
		}
		s.sampling.read = append(s.sampling.read, recording.Matchers(selectors)...)
	}
	for _, f := range s.All {
		f.lookback = s.sampling.lookback
		if f.Series != "" {
			f.series, _ = fake.EveryFeature.Parser().ParseMetricSelector(f.Series) // validated
		}
	}
	return nil
}

// Keep is how long samples must be kept for faults that show old ones.
func (s *Set) Keep(lookback time.Duration) time.Duration {
	keep := time.Duration(0)
	for _, f := range s.All {
		if f.Metrics == scenario.MetricsStale {
			keep = max(keep, time.Duration(f.To-f.From)*time.Millisecond+lookback)
		}
	}
	return keep
}

// SamplesChanged says whether a fault of samples has begun.
func (s *Set) SamplesChanged() bool {
	now := s.now().UnixMilli()
	return slices.ContainsFunc(s.All, func(f *Fault) bool { return f.OfSamples() && now >= f.From })
}

// View returns what the faults make of what a query reads, nil for nothing.
func (s *Set) View(r fake.Reading) fake.View {
	var acting []*Fault
	for _, f := range s.All {
		hit := f.everywhere() || r.By == fake.Policy && f.reads(s.written(r.Query), r.As)
		if f.OfSamples() && hit && r.Now >= f.From && r.From <= f.To {
			acting = append(acting, f)
		}
	}
	if acting == nil {
		return nil
	}
	return func(run fake.Run) []fake.Run {
		runs := []fake.Run{run}
		for _, f := range acting {
			if !s.hits(f, run.Labels) {
				continue
			}
			var changed []fake.Run
			for _, one := range runs {
				changed = append(changed, changes[f.Metrics](f, one, r.Now)...)
			}
			runs = changed
		}
		return runs
	}
}

// hits says whether a fault hits a series that a query reads.
func (s *Set) hits(f *Fault, l labels.Labels) bool {
	if !matchesAll(l, f.series) {
		return false
	}
	if !f.everywhere() {
		return true
	}
	return !slices.Contains(s.sampling.derived, l.Get(labels.MetricName)) &&
		(f.series != nil || slices.ContainsFunc(s.sampling.read, func(m []*labels.Matcher) bool { return matchesAll(l, m) }))
}

func matchesAll(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

// during returns the half-open index range of the samples from the fault's
// beginning to its end.
func (f *Fault) during(run fake.Run) (from, to int) {
	at := func(t int64) int { return sort.Search(len(run.T), func(i int) bool { return run.T[i] >= t }) }
	return at(f.From), at(f.To)
}

// alive says whether the series was there when the fault began: its last sample
// before is index i-1.
func (f *Fault) alive(run fake.Run, i int) bool {
	return i > 0 && f.From-run.T[i-1] < f.lookback && !isStale(run, i-1)
}

func isStale(run fake.Run, i int) bool {
	if run.H != nil && run.H[i] != nil {
		return value.IsStaleNaN(run.H[i].Sum)
	}
	return value.IsStaleNaN(run.F[i])
}

// part is samples [i, j) of a run, in slices that can be appended to.
func part(run fake.Run, i, j int) fake.Run {
	p := fake.Run{Labels: run.Labels, T: slices.Clone(run.T[i:j]), F: slices.Clone(run.F[i:j])}
	if run.H != nil {
		p.H = slices.Clone(run.H[i:j])
	}
	return p
}

// with appends a float sample.
func with(run fake.Run, t int64, v float64) fake.Run {
	run.T, run.F = append(run.T, t), append(run.F, v)
	if run.H != nil {
		run.H = append(run.H, nil)
	}
	return run
}

// and appends samples [i, j) of another run.
func and(run, other fake.Run, i, j int) fake.Run {
	run.T, run.F = append(run.T, other.T[i:j]...), append(run.F, other.F[i:j]...)
	if run.H != nil {
		run.H = append(run.H, other.H[i:j]...)
	}
	return run
}

// histogramAt is the native histogram of a sample, nil of a float.
func histogramAt(run fake.Run, i int) *histogram.FloatHistogram {
	if run.H == nil {
		return nil
	}
	return run.H[i]
}
