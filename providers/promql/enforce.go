package promql

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
)

// A Label is the name of the label that holds a series' namespace. Empty stands
// for none: then queries stay as they are.
type Label string

// ParseLabel reads the name of a label. Names that need quotes, and the name of
// the metric itself, are refused.
func ParseLabel(name string) (Label, error) {
	if name != "" && !model.LegacyValidation.IsValidLabelName(name) || name == labels.MetricName {
		return "", fmt.Errorf("%q: want the name of a label, such as namespace", name)
	}
	return Label(name), nil
}

// Enforce returns the query with LABEL="namespace" in every selector, so that no
// other series enters it. Of a selector's own matchers of the label those that
// the namespace fulfils give way, and any other is refused, as prom-label-proxy
// does with -error-on-replace: a query that would silently read other series than
// it names must not scale anything. Enforcing twice changes nothing.
//
// The function info is refused, because it reads series that it names nowhere.
// The error of a refused query is cycle.ErrForbidden, that of one that is no
// PromQL cycle.ErrBadQuery; both have a sentence for conditions.
func (l Label) Enforce(query, namespace string) (string, error) {
	if l == "" {
		return query, nil
	}
	expr, err := newParser().ParseExpr(query)
	if err != nil {
		return "", &refusal{cycle.ErrBadQuery, fmt.Sprintf("the query is no PromQL, and only what can be read can be kept to a namespace: %v", firstOf(err))}
	}
	want := labels.MustNewMatcher(labels.MatchEqual, string(l), namespace)
	err = nil
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			err = errors.Join(err, keep(n, want))
		case *parser.Call:
			if n.Func.Name == "info" {
				err = errors.Join(err, &refusal{cycle.ErrForbidden, "the function info reads series that it does not name; join with them by group_left instead"})
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	text := expr.String()
	if !kept(text, want) {
		// Whatever the parser prints is what is asked, so that is what is judged.
		return "", &refusal{cycle.ErrForbidden, fmt.Sprintf("the query cannot be written with %s in every selector", want)}
	}
	return text, nil
}

// keep puts a matcher in the place of a selector's own ones of the same label.
func keep(selector *parser.VectorSelector, want *labels.Matcher) error {
	var rest []*labels.Matcher
	for _, m := range selector.LabelMatchers {
		switch {
		case m.Name != want.Name:
			rest = append(rest, m)
		case !m.Matches(want.Value):
			return &refusal{cycle.ErrForbidden, fmt.Sprintf("the query asks for %s, and this controller lets it read %s only (--enforce-label)", m, want)}
		}
	}
	selector.LabelMatchers = append(rest, want)
	return nil
}

// kept says whether every selector of a query has a matcher, as its only one of
// the label.
func kept(query string, want *labels.Matcher) bool {
	expr, err := newParser().ParseExpr(query)
	if err != nil {
		return false
	}
	all := true
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			all = all && slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == want.Name && m.Type == labels.MatchEqual && m.Value == want.Value
			})
		}
		return nil
	})
	return all
}

// newParser takes what a server may have been told to take.
func newParser() parser.Parser {
	return parser.NewParser(parser.Options{EnableExperimentalFunctions: true, EnableBinopFillModifiers: true})
}

// firstOf is the first of a parser's errors, with its place.
func firstOf(err error) error {
	var list parser.ParseErrors
	if errors.As(err, &list) && len(list) > 0 {
		return fmt.Errorf("character %d: %w", list[0].PositionRange.Start+1, list[0].Err)
	}
	return err
}

// A refusal is why a query is not asked.
type refusal struct {
	kind error
	text string
}

func (r *refusal) Error() string { return r.kind.Error() + ": " + escape.Excerpt(r.text) }

func (r *refusal) Unwrap() error { return r.kind }

// Sentence says it in a condition.
func (r *refusal) Sentence() string { return r.text }
