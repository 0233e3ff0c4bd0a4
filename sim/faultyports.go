package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/fault"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// faultyMetrics are a player's metrics with what goes wrong on their way.
type faultyMetrics struct {
	player *player
	// last are the last answers from before a fault.
	last map[string]cycle.Result
}

// Query implements cycle.MetricSource.
func (m *faultyMetrics) Query(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
	f := m.hit(text)
	if f == nil {
		result, err := m.player.source.Query(ctx, text, at)
		if err == nil && len(m.player.run.faults.All) > 0 {
			m.remember(text, result)
		}
		return result, err
	}
	if f.Metrics == scenario.MetricsLate {
		at = at.Add(-time.Duration(f.Delay))
	}
	// What Prometheus would have said is still what the demand needs.
	result, err := m.player.source.Query(ctx, text, at)
	switch f.Metrics {
	case scenario.MetricsDown:
		return cycle.Result{}, fmt.Errorf("fault %s: %w", f.Name, cycle.ErrUnavailable)
	case scenario.MetricsSlow:
		return cycle.Result{}, fmt.Errorf("fault %s: %w", f.Name, cycle.ErrTimedOut)
	case scenario.MetricsEmpty:
		return cycle.Result{}, nil
	case scenario.MetricsNaN:
		return cycle.Result{Samples: 1, Value: math.NaN()}, nil
	case scenario.MetricsStale:
		return m.last[text], nil
	case scenario.MetricsDuplicated:
		return cycle.Result{Samples: 2 * result.Samples}, err
	}
	return result, err
}

func (m *faultyMetrics) remember(text string, result cycle.Result) {
	if m.last == nil {
		m.last = map[string]cycle.Result{}
	}
	m.last[text] = result
}

// hit is the first fault that hits a query now, or nil.
func (m *faultyMetrics) hit(text string) *fault.Fault {
	now := m.player.run.queue.clock.now.UnixMilli()
	for _, f := range m.player.run.faults.All {
		if f.Metrics == "" || f.Metrics == scenario.MetricsPartial || !strings.Contains(text, f.Query) {
			continue
		}
		if f.HitsQuery(now, m.player.reference(), text) {
			return f
		}
	}
	return nil
}
