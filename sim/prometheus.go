package sim

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// addMetrics builds the fake Prometheus and gives every autoscaler its source: a
// query that nothing in the run can influence is evaluated ahead, a day at a
// time; every other one at its slot.
func (r *run) addMetrics() error {
	spec := &r.in.File.Spec
	options := fake.Options{
		Start: r.in.start, Lookback: r.in.Lookback, Features: r.in.features,
		EvaluationInterval: time.Duration(spec.Prometheus.EvaluationInterval),
		Keep:               r.keep(),
	}
	r.prom = fake.NewPrometheus(options)
	files := make([]string, len(spec.Prometheus.RuleFiles))
	for i, f := range spec.Prometheus.RuleFiles {
		files[i] = r.in.File.Resolve(f)
	}
	if err := r.prom.LoadRules(files...); err != nil {
		return err
	}
	if err := r.addSampleFaults(); err != nil {
		return err
	}
	instant := []string{} // what needs samples in the run's own Prometheus
	ahead := []string{}   // what is evaluated ahead
	var bind []func() error
	for _, p := range r.played {
		p.source = metricSource{asker: p, queries: map[string]*query{}, scale: 1}
		for _, text := range p.queries() {
			q, err := r.addQuery(p, text)
			if err != nil {
				return err
			}
			changed, err := p.readChanged(q)
			if err != nil {
				return err
			}
			if changed {
				instant = append(instant, text)
			}
			switch {
			case q.ask != nil:
			case r.in.shared.answers != nil && r.exogenous(text):
				if err := p.askShared(q); err != nil {
					return err
				}
			case r.exogenous(text):
				ahead = append(ahead, text)
				bind = append(bind, func() error { return r.askAhead(p, q) })
			default:
				instant = append(instant, text)
				q.ask = r.prom.QueryStored
			}
		}
	}
	if err := r.addAhead(ahead, bind, options); err != nil {
		return err
	}
	instant = append(instant, r.measurements()...)
	for _, e := range spec.Expect {
		instant = append(instant, judged(e)...)
	}
	if len(files) > 0 {
		instant = nil // rules read what they like
	}
	feed, err := r.in.feed(instant, r.owns)
	if err != nil {
		return err
	}
	r.prom.Attach(feed)
	r.unread = instant != nil && len(instant) == 0 && r.o.Series == nil
	if instant != nil {
		if err := r.prom.Retain(instant...); err != nil {
			return err
		}
	}
	if r.reads, err = metricsOf(instant); err != nil {
		return err
	}
	return r.addScrape()
}

// metricsOf returns the names of the metrics that queries read, nil where they may
// read any.
func metricsOf(queries []string) (map[string]bool, error) {
	if queries == nil {
		return nil, nil
	}
	names := map[string]bool{}
	for _, q := range queries {
		selectors, err := recording.Selectors(q)
		if err != nil {
			return nil, err
		}
		for _, s := range selectors {
			if s.Name() == "" {
				return nil, nil
			}
			names[s.Name()] = true
		}
	}
	return names, nil
}

// asked passes on what somebody reads: a fleet publishes half a million series, of
// which queries read a few.
func (r *run) asked(emit world.Emit) world.Emit {
	if r.reads == nil {
		return emit
	}
	return func(l labels.Labels, v float64) {
		if r.reads[l.Get(labels.MetricName)] {
			emit(l, v)
		}
	}
}

// keep is how long before the present instant queries are asked: by offset,
// because a slot is tried again or because a fault shows old samples, and around
// a failed expectation.
func (r *run) keep() time.Duration {
	spec := &r.in.File.Spec
	keep := time.Duration(0)
	if slices.ContainsFunc(spec.Faults, func(f scenario.Fault) bool { return f.Controller == scenario.ControllerConflicts }) {
		for _, p := range r.played {
			keep = max(keep, time.Duration(p.grid.Interval)*time.Second)
		}
	}
	keep += time.Duration(spec.Controller.QueryOffset) + r.faults.Keep(r.in.Lookback)
	if len(spec.Expect) > 0 {
		keep = max(keep, check.Reach(time.Duration(spec.Prometheus.ScrapeInterval)))
	}
	return keep
}

// exogenous says whether nothing that happens in the run can change the query's result.
func (r *run) exogenous(text string) bool {
	if len(r.in.File.Spec.Prometheus.RuleFiles) > 0 {
		return false
	}
	return fake.Exogenous(text, func(name string) bool { return slices.Contains(r.publishedNames(), name) })
}

func (r *run) publishedNames() []string {
	names := r.in.targetNames()
	if len(r.groupsOf()) > 0 {
		names = slices.Concat(names, world.NodeNames(), groupNames())
	}
	if r.producers != nil {
		names = append(names, r.producers.names()...)
	}
	return names
}

// addAhead opens the samples for queries that are evaluated ahead.
func (r *run) addAhead(queries []string, bind []func() error, options fake.Options) error {
	if len(queries) == 0 {
		return nil
	}
	r.ahead = fake.NewPreevaluator(func() (fake.Feed, error) { return r.in.feed(queries, nil) }, options)
	for _, b := range bind {
		if err := b(); err != nil {
			return err
		}
	}
	return nil
}

// askAhead has a query evaluated ahead at the autoscaler's slots.
func (r *run) askAhead(p *autoscalerRun, q *query) error {
	first := int64(p.grid.From(slot.At(r.in.File.Spec.Start.Time))) * 1000
	grid := fake.Grid{
		Start:    first - time.Duration(r.in.File.Spec.Controller.QueryOffset).Milliseconds(),
		Interval: time.Duration(p.grid.Interval) * time.Second,
		End:      r.in.end,
	}
	evaluated, err := r.ahead.Add(q.text, grid)
	if err != nil {
		return err
	}
	q.ask = evaluated.Query
	return nil
}

// addScrape has the state of the world scraped.
func (r *run) addScrape() error {
	spec := &r.in.File.Spec.Prometheus
	targets := r.targets.Collector()
	r.series = newSeriesWriter(r.o.Series, r.in.start, time.Duration(spec.ScrapeInterval).Milliseconds())
	return r.prom.AddScrape(fake.Scrape{
		Interval: time.Duration(spec.ScrapeInterval), Start: r.in.start, IngestDelay: time.Duration(spec.IngestDelay),
		Collect: func(now int64, emit func(labels.Labels, float64)) {
			both := r.series.tee(now, r.asked(emit))
			targets(now, both)
			r.workloads.Emit(now, both)
			if r.groups != nil {
				r.nodes.Emit(both)
				r.groups.emit(both)
			}
			if r.producers != nil {
				r.producers.emit(both)
			}
			for _, p := range r.played {
				p.series.emit(p.Name(), &r.autoscalers.find(p.Name()).object.Status, both)
			}
		},
	})
}
