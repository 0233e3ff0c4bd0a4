package tune

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Constraint is an upper limit on a figure over the whole time of the search.
type Constraint struct {
	Text   string
	figure string
	metric func(*Score) float64
	strict bool
	limit  float64
}

// ParseConstraint reads a limit such as breach_minutes <= 5.
func ParseConstraint(text string) (Constraint, error) {
	parsed, err := scenario.ParseCondition(text)
	if err != nil {
		return Constraint{}, fmt.Errorf("constraint %q: want FIGURE <= NUMBER such as breach_minutes <= 5", text)
	}
	metric := figures[parsed.Metric]
	names := strings.Join(slices.Sorted(maps.Keys(figures)), ", ")
	switch {
	case metric == nil:
		return Constraint{}, fmt.Errorf("constraint %q: unknown figure %s; allowed: %s", text, parsed.Metric, names)
	case len(parsed.Matchers) > 0:
		return Constraint{}, fmt.Errorf("constraint %q: %s has no labels here", text, parsed.Metric)
	case parsed.Op != "<=" && parsed.Op != "<":
		return Constraint{}, fmt.Errorf("constraint %q: want an upper limit, with <= or <", text)
	case !(parsed.Value >= 0):
		return Constraint{}, fmt.Errorf("constraint %q: no policy can have less than 0", text)
	}
	return Constraint{Text: text, figure: parsed.Metric, metric: metric, strict: parsed.Op == "<", limit: parsed.Value}, nil
}

// holds says whether a stretch keeps its share of the limit.
func (c *Constraint) holds(s *Score, whole int64) bool {
	limit := c.limit
	if s.Seconds < whole {
		limit = limit * float64(s.Seconds) / float64(whole)
	}
	v := c.metric(s)
	return v < limit || !c.strict && v == limit
}

// spent says whether a stretch alone breaks the limit for the whole time, so
// that nothing that follows can mend it.
func (c *Constraint) spent(s *Score) bool {
	v := c.metric(s)
	return v > c.limit || c.strict && v == c.limit
}
