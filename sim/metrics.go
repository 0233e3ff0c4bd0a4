package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// A metricSource answers one player's queries.
type metricSource struct {
	player  *player
	queries map[string]*query
	// scale multiplies the demand.
	scale float64
}

// A query is one text with what its answers go through.
type query struct {
	text string
	ask  func(ctx context.Context, text string, at time.Time) (cycle.Result, error)
	// follows says that the value was recorded with the recorded replicas and
	// would have been another with the simulated ones.
	follows bool
	// scheduled says that the value is a schedule's in a replay, which neither
	// replicas nor a larger demand would change.
	scheduled bool
	// answered counts the answers with a sample; history has some of them.
	answered int64
	history  history
	// read, if set, is what a decision reads: faults may have changed the samples
	// of which ask gives the true result.
	read func(ctx context.Context, text string, at time.Time) (cycle.Result, error)
}

// Query implements cycle.Querier. A decision reads what faults have made of
// the samples; whether there are any is said by what was true.
func (m *metricSource) Query(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
	q := m.queries[text]
	result, err := m.answer(ctx, q, at)
	if err == nil && result.Samples == 1 {
		q.history.add(at.Unix(), result.Value)
	}
	if q.read == nil || !m.player.run.faults.SamplesChanged() {
		return result, err
	}
	changed := *q
	changed.ask = q.read
	return m.answer(ctx, &changed, at)
}

// answer asks a query, and returns the result as the simulated replicas would
// have had it.
func (m *metricSource) answer(ctx context.Context, q *query, at time.Time) (cycle.Result, error) {
	result, err := q.ask(ctx, q.text, at)
	if err != nil || result.Samples == 0 {
		return result, err
	}
	q.answered++
	if result.Samples > 1 {
		return result, nil
	}
	if !q.scheduled {
		result.Value *= m.scale
	}
	if !q.follows {
		return result, nil
	}
	ready := m.player.object.Recorded.Ready.At(at.Unix())
	if math.IsNaN(ready) {
		return cycle.Result{}, nil // without a recorded count the value says nothing
	}
	if simulated := float64(m.player.target.Serving()); simulated > 0 {
		result.Value = result.Value * ready / simulated
	}
	return result, nil
}

// addQuery prepares one query of a player.
func (r *run) addQuery(p *player, text string) (*query, error) {
	replay := r.in.File.Spec.Replay
	q := &query{text: text}
	p.source.queries[text] = q
	depends := dependsOnReplicas(p.Policy, text)
	if replay != nil && replay.Scale != nil {
		p.source.scale = *replay.Scale
	}
	if err := r.askEvaluated(q); err != nil {
		return nil, err
	}
	known := len(p.object.Recorded.Ready.T) > 0
	q.scheduled = replay != nil && readsSchedule(text)
	switch {
	case q.scheduled:
		r.badge(DemandDriven)
	case r.readsWorld(text):
		r.badge(ClosedLoop)
	case !depends:
		r.badge(DemandDriven)
	case replay != nil && known:
		q.follows = true
		r.badge(ClosedLoop)
	case replay != nil && !replay.OpenLoop:
		return nil, p.unknownReplicas(text)
	default:
		r.badge(OpenLoop)
	}
	return q, nil
}

// unknownReplicas refuses a query whose value says nothing without the replicas
// that had it; what reads nothing that was recorded needs other help.
func (p *player) unknownReplicas(text string) error {
	path := p.metricPath(text)
	reads, err := p.run.in.reads(text)
	switch {
	case err != nil:
		return err
	case !reads:
		return p.unsampled(path, text)
	}
	return p.Doc.Errorf(path, "%s depends on how many replicas ran, and no series of the recording is known to say how many were ready: name it with --replicas %s/%s/%s=SERIES, or replay the metric as recorded with --open-loop",
		text, p.Target.Namespace, p.Target.Kind, p.Target.Name)
}

// metricPath is the field of the first metric with this query.
func (p *player) metricPath(text string) string {
	i := slices.IndexFunc(p.Policy.Metrics, func(m policy.Metric) bool { return m.Query == text })
	return fmt.Sprintf("spec.metrics[%d].prometheus.query", max(i, 0))
}

// dependsOnReplicas says whether the query's value would change with the count.
func dependsOnReplicas(p *policy.Autoscaler, text string) bool {
	for _, m := range p.Metrics {
		if m.Query == text && m.Type != policy.AverageValue {
			return true
		}
	}
	return false
}

// askEvaluated answers a query from results that were recorded instead of samples.
func (r *run) askEvaluated(q *query) error {
	evaluated, err := r.in.evaluated(q.text)
	if err != nil || evaluated == nil {
		return err
	}
	q.ask = func(_ context.Context, _ string, at time.Time) (cycle.Result, error) {
		return evaluated(at.UnixMilli())
	}
	return nil
}

// readsSchedule says whether the query reads schedules and nothing else.
func readsSchedule(text string) bool {
	selectors, err := recording.Selectors(text)
	return err == nil && len(selectors) > 0 && !slices.ContainsFunc(selectors, func(s recording.Selector) bool {
		return nameWanted(s.Matchers) != producer.ScheduledReplicas
	})
}

// readsWorld says whether the query reads series that the simulation publishes.
func (r *run) readsWorld(text string) bool {
	selectors, err := recording.Selectors(text)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(selectors, func(s recording.Selector) bool {
		return slices.ContainsFunc(r.publishedNames(), func(name string) bool { return matchesName(s.Matchers, name) })
	})
}

// matchesName says whether a selector's name lets a metric through.
func matchesName(matchers []*labels.Matcher, name string) bool {
	return slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName && m.Matches(name) })
}

// badge lowers the run's badge: one open loop makes all of it open.
func (r *run) badge(b Badge) {
	rank := map[Badge]int{"": 0, DemandDriven: 1, ClosedLoop: 2, OpenLoop: 3}
	if rank[b] > rank[r.result.Badge] {
		r.result.Badge = b
	}
}
