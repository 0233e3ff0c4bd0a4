package recording

import (
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// parseSelector reads a series selector such as up{job="x"}.
func parseSelector(text string) ([]*labels.Matcher, error) {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(text)
	if err != nil {
		return nil, fmt.Errorf("selector %s: %w", quoted(text), err)
	}
	return matchers, nil
}
