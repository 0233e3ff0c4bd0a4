package recording

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// A Selector is the series that part of a query reads, and how far around its
// own instant it reads them. Durations are in milliseconds.
type Selector struct {
	// Matchers include the one for the name.
	Matchers []*labels.Matcher
	// Before is how much earlier than the query's instant samples are read: the
	// sum of ranges, offsets and subqueries, without lookback.
	Before int64
	// After is how much later they are read, because of negative offsets.
	After int64
	// At is the instant that an @ modifier names; nil: the query's own. Before
	// and After count from it.
	At *int64
}

// String returns the selector in PromQL.
func (s Selector) String() string {
	var matchers []string
	for _, m := range s.Matchers {
		matchers = append(matchers, m.String())
	}
	return "{" + strings.Join(matchers, ",") + "}"
}

// Name is the metric name that the selector asks for, empty if it is none.
func (s Selector) Name() string {
	for _, m := range s.Matchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// Text is the selector as people write it, the name in front.
func (s Selector) Text() string {
	var name string
	var rest []string
	for _, m := range s.Matchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual && name == "" {
			name = m.Value
		} else {
			rest = append(rest, m.String())
		}
	}
	if name == "" || !model.LegacyValidation.IsValidMetricName(name) {
		return s.String()
	}
	if len(rest) == 0 {
		return name
	}
	return name + "{" + strings.Join(rest, ",") + "}"
}

// Selectors lists the series selectors of a PromQL query, each once and in the
// order of the query.
func Selectors(query string) ([]Selector, error) {
	expr, err := fake.EveryFeature.Parser().ParseExpr(query)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", quoted(query), flat(err))
	}
	var selectors []Selector
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			selectors = include(selectors, selectorOf(v, path))
		}
		return nil
	})
	return selectors, nil
}

// selectorOf adds up what a selector and the nodes above it say about time.
func selectorOf(v *parser.VectorSelector, path []parser.Node) Selector {
	s := Selector{Matchers: v.LabelMatchers, At: v.Timestamp}
	before, after := ms64(v.OriginalOffset), -ms64(v.OriginalOffset)
	for i := len(path) - 1; i >= 0; i-- {
		switch n := path[i].(type) {
		case *parser.MatrixSelector:
			before += ms64(n.Range)
		case *parser.SubqueryExpr:
			if s.At != nil {
				// The inner @ has settled the instant whatever the subquery does.
				continue
			}
			before += ms64(n.Range) + ms64(n.OriginalOffset)
			after -= ms64(n.OriginalOffset)
			s.At = n.Timestamp
		}
	}
	s.Before, s.After = max(before, 0), max(after, 0)
	return s
}

// boundByRange tells whether a query has @ start() or @ end(), which mean the
// range's ends in a range query and the instant itself in an instant query.
func boundByRange(query string) bool {
	expr, err := fake.EveryFeature.Parser().ParseExpr(query)
	if err != nil {
		return false
	}
	found := false
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			found = found || n.StartOrEnd != 0
		case *parser.SubqueryExpr:
			found = found || n.StartOrEnd != 0
		}
		return nil
	})
	return found
}

func ms64(d time.Duration) int64 { return d.Milliseconds() }

// include adds a selector, or widens the one that reads the same series around
// the same instant.
func include(selectors []Selector, s Selector) []Selector {
	for i, other := range selectors {
		if other.String() != s.String() || (other.At == nil) != (s.At == nil) || other.At != nil && *other.At != *s.At {
			continue
		}
		selectors[i].Before = max(other.Before, s.Before)
		selectors[i].After = max(other.After, s.After)
		return selectors
	}
	return append(selectors, s)
}

// Together is the same series by fewer selectors, and so by fewer reads: those that differ
// in an exact metric name only become one.
func Together(selectors []Selector) []Selector {
	var merged []Selector
	names := map[int][]string{}
	at := map[string]int{} // where the selector with the same other matchers is
	for _, s := range selectors {
		name := s.Name()
		if name == "" {
			merged = append(merged, s)
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(s.Matchers), func(m *labels.Matcher) bool {
			return m.Name == labels.MetricName && m.Type == labels.MatchEqual && m.Value == name
		})
		key := Selector{Matchers: rest}.String() + fmt.Sprint(s.Before, s.After)
		i, ok := at[key]
		if !ok || s.At != nil || merged[i].At != nil {
			i, at[key] = len(merged), len(merged)
			merged = append(merged, s)
		}
		names[i] = append(names[i], regexp.QuoteMeta(name))
		if len(names[i]) > 1 {
			pattern := labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, strings.Join(names[i], "|"))
			merged[i].Matchers = append([]*labels.Matcher{pattern}, rest...)
		}
	}
	return merged
}

// ParseSelector reads a selector such as up{job="x"}.
func ParseSelector(text string) (Selector, error) {
	matchers, err := fake.EveryFeature.Parser().ParseMetricSelector(text)
	if err != nil {
		return Selector{}, fmt.Errorf("selector %s: %w; allowed: name{label=\"value\"}", quoted(text), flat(err))
	}
	return Selector{Matchers: matchers}, nil
}

// Matchers returns the sets of matchers of selectors, as Feed takes them.
func Matchers(selectors []Selector) [][]*labels.Matcher {
	sets := make([][]*labels.Matcher, 0, len(selectors))
	for _, s := range selectors {
		sets = append(sets, s.Matchers)
	}
	return sets
}
