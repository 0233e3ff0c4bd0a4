package sim

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// ofTwo are the functions that have no value unless their range has two samples.
var ofTwo = []string{"delta", "deriv", "double_exponential_smoothing", "idelta", "increase", "irate", "predict_linear", "rate"}

// A shortRange is a range that never has two samples, or not always.
type shortRange struct {
	function, selector string
	length             time.Duration
	// spacing is the median time between samples of a series.
	spacing time.Duration
	never   bool
	// synthetic says that the samples come from the scenario itself, in which such a
	// range may be meant.
	synthetic bool
}

// String says what is wrong and what would do.
func (s *shortRange) String() string {
	what := "has not always the two samples that it needs"
	if s.never {
		what = "never has the two samples that it needs"
	}
	return fmt.Sprintf("%s over [%s] %s, as %s has one every %s; the least range that works is [%s], better [%s]",
		s.function, model.Duration(s.length), what, s.selector, model.Duration(s.spacing), model.Duration(2*s.spacing), model.Duration(4*s.spacing))
}

// ShortRanges says which ranges of a query have not always the two samples that their
// functions need, a line each, by the spacing of recorded series.
func ShortRanges(query string, recordings ...*recording.Recording) ([]string, error) {
	in := &Input{File: &scenario.File{Scenario: &scenario.Scenario{}}, recordings: recordings, end: math.MaxInt64}
	ranges, err := in.shortRanges(query, nil)
	var lines []string
	for i := range ranges {
		lines = append(lines, ranges[i].String())
	}
	return lines, err
}

// shortRanges returns the short ranges of a query over series of the input, or of the metrics that the
// run publishes at every scrape.
func (in *Input) shortRanges(text string, published []string) ([]shortRange, error) {
	expr, err := fake.EveryFeature.Parser().ParseExpr(text)
	if err != nil {
		return nil, nil // what the parser takes with more options is not judged
	}
	var found []shortRange
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		call, ok := node.(*parser.Call)
		if !ok || !slices.Contains(ofTwo, call.Func.Name) {
			return nil
		}
		matrix, ok := call.Args[0].(*parser.MatrixSelector)
		if !ok {
			return nil
		}
		vector, ok := matrix.VectorSelector.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		gaps, gapsErr := in.gaps(vector.LabelMatchers)
		if gapsErr != nil {
			err = gapsErr
		}
		synthetic := len(gaps) == 0
		if synthetic {
			gaps = in.syntheticGaps(vector, published)
		}
		if len(gaps) == 0 {
			return nil
		}
		slices.Sort(gaps)
		spacing := time.Duration(gaps[len(gaps)/2]) * time.Millisecond
		if rounded := spacing.Round(time.Second); rounded > 0 {
			spacing = rounded // scrapes are late by milliseconds
		}
		if matrix.Range < 2*spacing {
			found = append(found, shortRange{
				function: call.Func.Name, selector: vector.Name, length: matrix.Range, spacing: spacing,
				never: gaps[0] >= matrix.Range.Milliseconds(), synthetic: synthetic,
			})
		}
		return nil
	})
	return found, err
}

// syntheticGaps are the times between samples that the scenario says.
func (in *Input) syntheticGaps(vector *parser.VectorSelector, published []string) []int64 {
	spec := &in.File.Spec
	var gaps []int64
	for _, s := range spec.InputSeries {
		if l, err := fake.EveryFeature.Parser().ParseMetric(s.Series); err == nil && matchesAll(l, vector.LabelMatchers) {
			gaps = append(gaps, time.Duration(spec.Interval).Milliseconds())
		}
	}
	if slices.Contains(published, vector.Name) {
		gaps = append(gaps, time.Duration(spec.Prometheus.ScrapeInterval).Milliseconds())
	}
	return gaps
}

// mostGaps bounds how many gaps are looked at.
const mostGaps = 1 << 20

// gaps are the times between consecutive samples of the series of the input that
// match, in milliseconds.
func (in *Input) gaps(matchers []*labels.Matcher) ([]int64, error) {
	var gaps []int64
	feeds, err := in.feedsOf([][]*labels.Matcher{matchers})
	if err != nil {
		return nil, err
	}
	for _, feed := range feeds {
		last := map[int]int64{}
		for len(gaps) < mostGaps {
			sample, err := feed.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				feed.Close()
				return nil, err
			}
			if before, ok := last[sample.Series]; ok && sample.T > before && !math.IsNaN(sample.F) {
				gaps = append(gaps, sample.T-before)
			}
			last[sample.Series] = sample.T
		}
		if err := feed.Close(); err != nil {
			return nil, err
		}
	}
	return gaps, nil
}

// feedsOf are the samples of recordings of the series that match.
func (in *Input) feedsOf(matchers [][]*labels.Matcher) ([]fake.Feed, error) {
	var feeds []fake.Feed
	for _, r := range in.recordings {
		if m := r.Info().Manifest; m != nil && m.Evaluated {
			continue
		}
		feed, err := r.Feed(matchers, math.MinInt64, in.end)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, feed)
	}
	return feeds, nil
}

// checkRanges refuses queries of a policy with a range that never has the samples
// it needs, and notes those that do not always.
func (p *autoscalerRun) checkRanges() error {
	for _, m := range p.Policy.Metrics {
		ranges, err := p.run.in.shortRanges(m.Query, p.run.publishedNames())
		if err != nil {
			return err
		}
		for i := range ranges {
			if ranges[i].never && !ranges[i].synthetic {
				return p.Doc.Errorf(p.metricPath(m.Query), "%s", &ranges[i])
			}
			p.run.in.warn("%s: %s", p.Name(), &ranges[i])
		}
	}
	return nil
}
