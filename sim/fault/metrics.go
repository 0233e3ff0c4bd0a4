package fault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Metrics puts the faults of answers before a source that is asked for an object.
func (s *Set) Metrics(inner cycle.Querier, object scenario.Reference) cycle.Querier {
	return &metrics{inner, s, object}
}

type metrics struct {
	cycle.Querier
	set    *Set
	object scenario.Reference
}

// noAnswer has the error that each fault makes a query fail with.
var noAnswer = map[scenario.MetricsFault]error{
	scenario.MetricsDown: cycle.ErrUnavailable,
	scenario.MetricsSlow: cycle.ErrTimedOut,
}

// Query implements cycle.Querier. The source is asked anyway: what it would
// have said is still what a demand needs.
func (m *metrics) Query(ctx context.Context, query string, at time.Time) (cycle.Result, error) {
	result, err := m.Querier.Query(ctx, query, at)
	now := m.set.now().UnixMilli()
	for _, f := range m.set.All {
		if cause := noAnswer[f.Metrics]; cause != nil && strings.Contains(query, f.Query) && f.Hits(now, m.object, query) {
			return cycle.Result{}, fmt.Errorf("fault %s: %w", f.Name, cause)
		}
	}
	return result, err
}
