package sim

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
)

// scraper are the labels by which series of one thing differ that several
// scrapers, or one after another, have seen.
var scraper = []string{
	labels.MetricName, "__replica__", "container", "endpoint", "instance", "job", "node", "pod", "prometheus", "prometheus_replica", "replica", "service", "uid",
}

// A seenSeries has samples from first to last, in Unix milliseconds.
type seenSeries struct {
	labels      labels.Labels
	first, last int64
}

// distinctCounts refuses a recording in which the counts of a target come twice at
// one time, from several clusters for example: metrics would be summed over all.
func (in *Input) distinctCounts(target cycle.TargetRef, selectors []string) error {
	for _, selector := range selectors {
		matchers, err := fake.EveryFeature.Parser().ParseMetricSelector(selector)
		if err != nil {
			return err
		}
		for i, r := range in.recordings {
			series, err := r.Series([][]*labels.Matcher{matchers})
			if err != nil {
				return err
			}
			differ := differing(series)
			if len(differ) == 0 {
				continue
			}
			seen, err := in.seen(i, matchers)
			if err != nil {
				return err
			}
			for _, name := range differ {
				if values := together(seen, name); len(values) > 1 {
					return in.File.Doc.Errorf(fmt.Sprintf("spec.recordings[%d]", i), "%d series of the counts of %s %s/%s, which differ in %s (%s); take one of them with --label %s=%s, in a scenario with labels of the recording",
						len(seen), target.Kind, target.Namespace, target.Name, name, strings.Join(values, ", "), name, cmp.Or(values[0], values[1]))
				}
			}
		}
	}
	return nil
}

// differing are the labels, but those of scrapers, of which the series have
// several values: cluster first, then by name.
func differing(series []labels.Labels) []string {
	values := map[string]map[string]bool{}
	for _, s := range series {
		s.Range(func(l labels.Label) { values[l.Name] = map[string]bool{} })
	}
	for _, s := range series {
		for name := range values {
			values[name][s.Get(name)] = true
		}
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case len(values[name]) < 2 || slices.Contains(scraper, name):
		case name == "cluster":
			names = slices.Insert(names, 0, name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// seen are the series of a recording that match, with the times in which they
// have samples, as far as the run sees them.
func (in *Input) seen(recording int, matchers []*labels.Matcher) ([]seenSeries, error) {
	feed, err := in.recordings[recording].Feed([][]*labels.Matcher{matchers}, in.start-in.Lookback.Milliseconds(), in.end)
	if err != nil {
		return nil, err
	}
	defer feed.Close()
	var all []seenSeries
	at := map[int]int{}
	for {
		sample, err := feed.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		i, known := at[sample.Series]
		if !known {
			i = len(all)
			at[sample.Series] = i
			all = append(all, seenSeries{labels: feed.Labels(sample.Series), first: sample.T})
		}
		all[i].last = sample.T
	}
}

// together are the values of a label, sorted, that series have at one time; nil
// where they follow one another.
func together(all []seenSeries, name string) []string {
	var values []string
	for i := range all {
		for k := range i {
			a, b := &all[i], &all[k]
			if x, y := a.labels.Get(name), b.labels.Get(name); x != y && a.first <= b.last && b.first <= a.last {
				values = append(values, x, y)
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}
