package sim

import (
	"cmp"
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
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A metricSource answers one autoscaler's queries.
type metricSource struct {
	asker   *autoscalerRun
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
	// world says that it reads what the simulation publishes.
	world bool
	// scheduled says that the value is a schedule's in a replay, which neither
	// replicas nor a larger demand would change.
	scheduled bool
	// evidence tells how the recording shows a metric that depends on the
	// replicas; nil for every other.
	evidence *evidence
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
	if v := m.asker.fresh(text); !math.IsNaN(v) {
		q.answered++
		return cycle.Result{Samples: 1, Value: v}, nil
	}
	result, err := m.answer(ctx, q, at)
	if err == nil && result.Samples == 1 {
		q.history.add(at.Unix(), result.Value)
	}
	if q.read == nil || !m.asker.run.faults.SamplesChanged() {
		return result, err
	}
	changed := *q
	changed.ask = q.read
	return m.answer(ctx, &changed, at)
}

// fresh returns what a metric would show of the present demand, whenever it is
// asked for; NaN where that is not wanted or not known.
func (p *autoscalerRun) fresh(text string) float64 {
	f := p.run.o.Fresh
	if f == nil || f.Journal != p.object.Journal {
		return math.NaN()
	}
	i := slices.IndexFunc(f.Responses, func(r result.Response) bool { return r.Query == text })
	if i < 0 {
		return math.NaN()
	}
	now := p.run.queue.clock.now.Unix()
	value := f.Responses[i].Factor * f.Needed.At(now)
	if !f.Responses[i].Total {
		value /= p.readyAt(now)
	}
	if math.IsInf(value, 0) {
		return math.NaN() // nothing is ready yet
	}
	return value
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
	result = m.asker.asSimulated(q, result, at)
	result.Age = m.asker.run.ageOf(q, at)
	return result, nil
}

// ageOf is how old the newest sample is of a metric that answers to the simulated
// replicas: as old as the last scrape that is visible. What was given does not answer
// to them, whenever it was sampled. A controller that is told an interval takes every
// sample for as old, as live, where nobody knows more.
func (r *run) ageOf(q *query, at time.Time) time.Duration {
	if r.o.ScrapeInterval != nil {
		return *r.o.ScrapeInterval
	}
	if told := r.in.File.Spec.Controller.ScrapeInterval; told != nil {
		return time.Duration(*told)
	}
	var scraped int64
	spec := &r.in.File.Spec.Prometheus
	switch now := at.UnixMilli(); {
	case q.follows || q.evidence != nil && q.evidence.atNeed > 0:
		scraped = r.in.worldGrid().at(now)
	case q.world:
		every := time.Duration(spec.ScrapeInterval).Milliseconds()
		scraped = grid{start: r.in.start, every: every}.before(now - time.Duration(spec.IngestDelay).Milliseconds())
	default:
		return 0
	}
	return time.Duration(at.UnixMilli()-scraped) * time.Millisecond
}

// asSimulated is a recorded result as the simulated replicas would have had it: that of
// all recorded ones together, shared by those that were ready at the scrape, and
// never more than they can show. Where the demand is named, that is what they share.
func (p *autoscalerRun) asSimulated(q *query, recorded cycle.Result, at time.Time) cycle.Result {
	e := q.evidence
	if e == nil {
		return recorded
	}
	g := p.run.in.worldGrid()
	scraped := g.at(at.UnixMilli())
	simulated := func(t int64) float64 { return p.readyAt(t / 1000) }
	value := recorded.Value
	switch {
	case e.atNeed > 0:
		value = e.driven(simulated, g, scraped)
	case q.follows:
		value *= p.object.Recorded.Ready.At(at.Unix()) / simulated(scraped)
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return cycle.Result{} // without a count the value says nothing
	}
	return cycle.Result{Samples: 1, Value: min(value, e.share.most(simulated, e.saturation, g, scraped))}
}

// readyAt is how many replicas served at an instant, before the run those it
// began with.
func (p *autoscalerRun) readyAt(t int64) float64 {
	if ready := p.object.Ready.At(t); !math.IsNaN(ready) {
		return ready
	}
	return p.object.Ready.First()
}

// addQuery prepares one query of an autoscaler.
func (r *run) addQuery(p *autoscalerRun, text string) (*query, error) {
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
		r.closes(result.DemandDriven)
	case r.readsWorld(text):
		q.world = true
		r.closes(result.ClosedLoop)
	case !depends:
		r.closes(result.DemandDriven)
	case replay != nil && known:
		q.follows = true
		r.closes(result.ClosedLoop)
	case replay != nil && replay.Demand != "" && p.utilizes(text):
		r.closes(result.ClosedLoop) // the demand drives it
	case replay != nil && !replay.OpenLoop:
		return nil, p.unknownReplicas(text)
	default:
		r.closes(result.OpenLoop)
	}
	return q, r.addEvidence(p, q)
}

// addEvidence asks the recording how a query's value answers to the replicas.
func (r *run) addEvidence(p *autoscalerRun, q *query) error {
	replay := r.in.File.Spec.Replay
	if replay == nil || q.scheduled || r.in.leadsIn {
		return nil // in a lead-in the recorded replicas run, and show what was recorded
	}
	for _, m := range p.Policy.Metrics {
		if m.Query != q.text || m.Type == policy.AverageValue {
			continue
		}
		ready, spec, err := r.in.recordedQueries(p.Target)
		if err != nil {
			return err
		}
		if ready == "" && (replay.Demand == "" || m.Type != policy.Utilization) {
			return nil
		}
		if q.evidence, err = r.in.evidenceOf(&p.Autoscaler, m, ready, spec); err != nil {
			return err
		}
		if q.follows || q.evidence.atNeed > 0 {
			r.noteDoubt(q.evidence.doubt)
		}
		return nil
	}
	return nil
}

// utilizes says whether a query is a Utilization metric's.
func (p *autoscalerRun) utilizes(text string) bool {
	return slices.ContainsFunc(p.Policy.Metrics, func(m policy.Metric) bool { return m.Query == text && m.Type == policy.Utilization })
}

// unknownReplicas refuses a query whose value says nothing without the replicas
// that had it; what reads nothing that was recorded needs other help.
func (p *autoscalerRun) unknownReplicas(text string) error {
	path := p.metricPath(text)
	reads, err := p.run.in.reads(text)
	switch {
	case err != nil:
		return err
	case !reads:
		return p.unsampled(path, text)
	}
	return p.Doc.Errorf(path, "%s depends on how many replicas ran, and no series of the recording is known to say how many were ready: name it with --replicas %s/%s/%s=%s, or replay the metric as recorded with --open-loop",
		text, p.Target.Namespace, p.Target.Kind, p.Target.Name, cmp.Or(quotedQuery(GuessReplicas(p.run.in.described())), "SERIES"))
}

// metricPath is the field of the first metric with this query.
func (p *autoscalerRun) metricPath(text string) string {
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

// closes lowers the loop of the run to what a query allows: one open loop makes all of it open.
func (r *run) closes(b result.Loop) {
	rank := map[result.Loop]int{"": 0, result.DemandDriven: 1, result.ClosedLoop: 2, result.OpenLoop: 3}
	if rank[b] > rank[r.result.Loop] {
		r.result.Loop = b
	}
}
