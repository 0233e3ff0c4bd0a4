package sim

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A RecordingRule records the one sample of an expression under a name, as a rule of
// Prometheus does.
type RecordingRule struct {
	Record, Expr string
	Labels       map[string]string
}

// Record evaluates recording rules over what was recorded, in their order and once
// for all runs, and adds the results to it: as if a Prometheus had had them in a group
// of that interval since the recording began, or since that long before the run
// where it began earlier. The rules must read nothing that only a run makes. It must
// not be called during a run.
func (in *Input) Record(interval, past time.Duration, rules ...RecordingRule) error {
	g := grid{start: in.start, end: in.end, every: interval.Milliseconds()}
	if ahead := in.start - max(in.first(), in.start-past.Milliseconds()); ahead > 0 {
		g.start -= ahead / g.every * g.every
	}
	for i := range rules {
		series, err := in.record(&rules[i], g)
		if err != nil {
			return err
		}
		in.derived = append(slices.Clip(in.derived), series)
	}
	return nil
}

// first is when the recordings begin, in Unix milliseconds; the run's start without any.
func (in *Input) first() int64 {
	first := in.start
	for _, r := range in.recordings {
		first = min(first, r.Info().First)
	}
	return first
}

// record evaluates one rule on a grid.
func (in *Input) record(rule *RecordingRule, g grid) (*derived, error) {
	name := labels.NewBuilder(labels.FromMap(rule.Labels))
	name.Set(labels.MetricName, rule.Record)
	out := &derived{labels: name.Labels()}
	earlier := *in
	earlier.start = g.start // samples are read from there on
	ask, done, err := earlier.evaluator([]string{rule.Expr}, g)
	defer done()
	if err != nil {
		return nil, err
	}
	there := false
	for at := g.start; at < g.end; at += g.every {
		result, err := ask(0, at)
		switch {
		case err != nil:
			return nil, err
		case result.Samples > 1:
			return nil, fmt.Errorf("rule %s: %d samples at %s instead of one", rule.Record, result.Samples, instant(at))
		case result.Samples == 1:
			out.append(at, result.Value)
		case there:
			out.append(at, math.Float64frombits(value.StaleNaN))
		}
		there = result.Samples == 1
	}
	return out, nil
}

// A derived series was made of what was recorded.
type derived struct {
	labels labels.Labels
	at     []int64
	values []float64
}

func (d *derived) append(at int64, v float64) {
	d.at, d.values = append(d.at, at), append(d.values, v)
}

// feed returns a feed of the series.
func (d *derived) feed() fake.Feed { return &derivedFeed{derived: d} }

// selected says whether any of the selectors selects the series; without any, it is.
func (d *derived) selected(selectors [][]*labels.Matcher) bool {
	return selectors == nil || slices.ContainsFunc(selectors, func(all []*labels.Matcher) bool {
		return !slices.ContainsFunc(all, func(m *labels.Matcher) bool { return !m.Matches(d.labels.Get(m.Name)) })
	})
}

// A derivedFeed is a feed of one derived series.
type derivedFeed struct {
	*derived
	next int
}

// Labels implements fake.Feed.
func (f *derivedFeed) Labels(int) labels.Labels { return f.labels }

// Next implements fake.Feed.
func (f *derivedFeed) Next() (fake.Sample, error) {
	if f.next == len(f.at) {
		return fake.Sample{}, io.EOF
	}
	f.next++
	return fake.Sample{T: f.at[f.next-1], F: f.values[f.next-1]}, nil
}

// Close implements fake.Feed.
func (f *derivedFeed) Close() error { return nil }

// Mean is the mean of an expression's values on a grid from one instant to
// another, in Unix seconds, where it gives a single sample that is a number of 0 or
// more; NaN where it never does. It must read what was recorded and nothing that
// only a run makes.
func (in *Input) Mean(expr string, from, to int64, every time.Duration) (float64, error) {
	release := in.shared.hold()
	defer release()
	values, err := in.evaluate([]string{expr}, grid{from * 1000, to * 1000, every.Milliseconds()})
	if err != nil {
		return math.NaN(), err
	}
	sum, n := 0.0, 0.0
	for i, v := range values[0].V {
		until := to
		if i+1 < len(values[0].T) {
			until = values[0].T[i+1]
		}
		if seconds := float64(until - values[0].T[i]); !math.IsNaN(v) {
			sum, n = sum+float64(v*seconds), n+seconds
		}
	}
	return sum / n, nil
}

// ReadsRun says whether an expression reads what only a run makes: series of the
// world or of rules.
func (in *Input) ReadsRun(expr string) bool { return in.readsRun(expr) }
