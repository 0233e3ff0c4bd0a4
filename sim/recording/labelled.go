package recording

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/karpenter-sim/karpenter/providers/fake"
)

// Labels narrow what is read: each enters every selector, as name="value".
type Labels map[string]string

// ParseLabels reads NAME=VALUE texts.
func ParseLabels(texts []string) (Labels, error) {
	var l Labels
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		value = strings.Trim(value, `"`)
		switch {
		case !ok || value == "" || !model.LegacyValidation.IsValidLabelName(name) || name == labels.MetricName:
			return nil, fmt.Errorf("%s: want NAME=VALUE, such as cluster=eu1", quoted(text))
		case l[name] != "" && l[name] != value:
			return nil, fmt.Errorf("%s: %s is %s already; no series has both", quoted(text), name, quoted(l[name]))
		case l == nil:
			l = Labels{}
		}
		l[name] = value
	}
	return l, nil
}

// Matchers are the labels as matchers, sorted by name.
func (l Labels) Matchers() []*labels.Matcher {
	var matchers []*labels.Matcher
	for _, name := range slices.Sorted(maps.Keys(l)) {
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, name, l[name]))
	}
	return matchers
}

// Enter adds the labels to every selector of a PromQL query.
func (l Labels) Enter(query string) (string, error) {
	if len(l) == 0 {
		return query, nil
	}
	expr, err := fake.EveryFeature.Parser().ParseExpr(query)
	if err != nil {
		return "", fmt.Errorf("query %s: %w", quoted(query), flat(err))
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			v.LabelMatchers = append(v.LabelMatchers, l.Matchers()...)
		}
		return nil
	})
	return expr.String(), nil
}

// EnterAll adds the labels to selectors.
func (l Labels) EnterAll(selectors []Selector) []Selector {
	if len(l) == 0 {
		return selectors
	}
	out := slices.Clone(selectors)
	for i := range out {
		out[i].Matchers = append(slices.Clone(out[i].Matchers), l.Matchers()...)
	}
	return out
}

// Of returns the labels that any series of the recording has a value for.
// What no series of any recording has is refused by CheckLabels.
func (l Labels) Of(r *Recording) (Labels, error) {
	if len(l) == 0 {
		return nil, nil
	}
	series, err := r.Series(nil)
	if err != nil {
		return nil, err
	}
	var found Labels
	for name, value := range l {
		if slices.ContainsFunc(series, func(s labels.Labels) bool { return s.Has(name) }) {
			if found == nil {
				found = Labels{}
			}
			found[name] = value
		}
	}
	return found, nil
}

// Check refuses labels that match no series of the recordings.
func (l Labels) Check(recordings []*Recording) error {
	values := map[string]map[string]bool{}
	names := map[string]bool{}
	for _, r := range recordings {
		series, err := r.Series(nil)
		if err != nil {
			return err
		}
		for _, s := range series {
			s.Range(func(label labels.Label) {
				if label.Name == labels.MetricName {
					return
				}
				names[label.Name] = true
				if _, wanted := l[label.Name]; wanted {
					if values[label.Name] == nil {
						values[label.Name] = map[string]bool{}
					}
					values[label.Name][label.Value] = true
				}
			})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l)) {
		switch {
		case len(names) == 0:
			return fmt.Errorf("%s=%s: no recorded series has labels", name, l[name])
		case values[name] == nil:
			return fmt.Errorf("%s=%s: no recorded series has a label %s; there are %s", name, l[name], name, listed(slices.Sorted(maps.Keys(names))))
		case !values[name][l[name]]:
			return fmt.Errorf("%s=%s: no recorded series has it; %s is %s", name, l[name], name, listed(slices.Sorted(maps.Keys(values[name]))))
		}
	}
	return nil
}

// narrowed is a source of which only the series with some labels are seen.
type narrowed struct {
	source
	labels []*labels.Matcher
}

func (n *narrowed) all(matchers [][]*labels.Matcher) [][]*labels.Matcher {
	if matchers == nil {
		return [][]*labels.Matcher{n.labels}
	}
	out := make([][]*labels.Matcher, len(matchers))
	for i, set := range matchers {
		out[i] = append(slices.Clone(set), n.labels...)
	}
	return out
}

func (n *narrowed) series(matchers [][]*labels.Matcher) ([]labels.Labels, error) {
	return n.source.series(n.all(matchers))
}

func (n *narrowed) feed(matchers [][]*labels.Matcher, from, to int64) (fake.Feed, error) {
	return n.source.feed(n.all(matchers), from, to)
}

func (n *narrowed) describe(ctx context.Context, matchers [][]*labels.Matcher, visit func(*described)) error {
	return n.source.describe(ctx, n.all(matchers), visit)
}

// Narrow has only series with these labels seen from now on.
func (r *Recording) Narrow(l Labels) error {
	if len(l) == 0 {
		return nil
	}
	if r.evaluated != nil {
		return fmt.Errorf("%s: its queries were evaluated when it was recorded, so no label can enter them now; record it with --label", r.info.Path)
	}
	if err := l.Check([]*Recording{r}); err != nil {
		return fmt.Errorf("%s: label %w", r.info.Path, err)
	}
	r.source = &narrowed{r.source, l.Matchers()}
	series, err := r.source.series(nil)
	if err == nil && len(series) == 0 {
		err = fmt.Errorf("%s: no series has all of %s", r.info.Path, l)
	}
	return err
}

// String is the labels as a selector.
func (l Labels) String() string {
	var texts []string
	for _, m := range l.Matchers() {
		texts = append(texts, m.String())
	}
	return "{" + strings.Join(texts, ",") + "}"
}
