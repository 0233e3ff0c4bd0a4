package sim

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A demand holds what a target needs, whoever scales it: the world's, sampled on
// the world's own grid and not when somebody decides.
type demand struct {
	target     scenario.Reference
	yardsticks scenario.Yardsticks
	// derived says that nobody wrote the yardsticks: one that never has a sample
	// is dropped instead of refused.
	derived bool
	// needed are the replicas needed, over the whole run where all yardsticks
	// read only what was given; else the run's own Prometheus is asked.
	needed Steps
	inRun  bool
	// saturated is 1 where the recording hides demand, else 0.
	saturated Steps
}

// A grid is instants at one distance, in Unix milliseconds.
type grid struct{ start, end, every int64 }

// worldGrid are the instants at which demand is sampled: those of the scrapes,
// whatever the spacing of a recording.
func (in *Input) worldGrid() grid {
	g := grid{in.start, in.end, time.Duration(in.File.Spec.Prometheus.ScrapeInterval).Milliseconds()}
	g.every = max(g.every-g.every%1000, 1000) // counts are known by the second
	for _, r := range in.recordings {
		if m := r.Info().Manifest; m != nil && m.Evaluated && len(m.Queries) > 0 {
			// Results are there at the slots that were recorded, and nowhere else.
			q := m.Queries[0]
			g.every = q.Step
			if g.start < q.Start {
				g.start = q.Start
			} else if off := (g.start - q.Start) % q.Step; off > 0 {
				g.start += q.Step - off
			}
		}
	}
	return g
}

// at is the last instant that is not after t.
func (g grid) at(t int64) int64 { return t - (t-g.start)%g.every }

// before is the last instant before t: what is scraped at t is not seen at t.
func (g grid) before(t int64) int64 {
	if at := g.at(t); at < t {
		return at
	}
	return t - g.every
}

// measure fills in what demands need as far as the input tells, each expression
// evaluated once for all columns. Faults do not reach it.
func (in *Input) measure(demands []*demand) error {
	var texts []string
	for _, d := range demands {
		if d.derived {
			// What a policy reads need not make a yardstick: the time is not judged.
			d.yardsticks = slices.DeleteFunc(d.yardsticks, func(y scenario.Yardstick) bool { return in.readsAhead(0, y) != nil })
		}
		for i, y := range d.yardsticks {
			if err := in.readsAhead(i, y); err != nil {
				return err
			}
			if in.readsRun(y.Expr) {
				if y.Lag > 0 {
					return in.File.Doc.Errorf(in.File.YardstickPath(i)+".lag", "%s reads what the run itself makes, of which nobody knows in advance what it will show %s later: leave lag out", y.Expr, y.Lag)
				}
				d.inRun = true
			}
		}
		for _, y := range d.yardsticks {
			if !d.inRun && !slices.Contains(texts, y.Expr) {
				texts = append(texts, y.Expr)
			}
		}
	}
	values, err := in.evaluate(texts, in.worldGrid())
	if err != nil {
		return err
	}
	for _, d := range demands {
		if d.inRun {
			continue
		}
		if err := in.combine(d, texts, values); err != nil {
			return err
		}
	}
	return nil
}

// readsAhead refuses a yardstick that reads what comes after its own instant. Samples
// are there when their time has come, so it would find too few, and a rate over too few
// is too small a demand.
func (in *Input) readsAhead(i int, y scenario.Yardstick) error {
	selectors, err := recording.Selectors(y.Expr)
	if err != nil {
		return nil // whoever evaluates it says so
	}
	for _, s := range selectors {
		if s.After > 0 {
			return in.File.Doc.Errorf(in.yardstickPath(i, y), "%s reads samples of up to %s after its own instant, which are not there yet: leave the negative offset out", y.Expr, time.Duration(s.After)*time.Millisecond)
		}
	}
	return nil
}

// yardstickPath is the field that a yardstick's expression comes from.
func (in *Input) yardstickPath(i int, y scenario.Yardstick) string {
	if replay := in.File.Spec.Replay; replay != nil && replay.Demand == y.Expr {
		return "spec.replay.demand"
	}
	return in.File.YardstickPath(i) + ".expr"
}

// combine makes one demand of the values of its yardsticks.
func (in *Input) combine(d *demand, texts []string, values []measured) error {
	var parts []Steps
	var kept scenario.Yardsticks
	for i, y := range d.yardsticks {
		v := values[slices.Index(texts, y.Expr)]
		if !v.Known() {
			if !d.derived {
				return in.unmeasured(i, y, v.many)
			}
			continue
		}
		kept = append(kept, y)
		parts = append(parts, earlier(over(v.Steps, y.PerReplica/in.scaleOf(y.Expr)), y.Lag, in.start/1000))
	}
	d.yardsticks = kept
	d.needed = largest(parts)
	return nil
}

// earlier are steps that come earlier by a lag, from a start on.
func earlier(s Steps, lag scenario.Duration, start int64) Steps {
	by := int64(time.Duration(lag) / time.Second)
	if by == 0 {
		return s
	}
	var out Steps
	for i, t := range s.T {
		if i+1 < len(s.T) && s.T[i+1]-by <= start {
			continue // the next one holds before the start
		}
		out.Append(max(t-by, start), s.V[i])
	}
	return out
}

// unmeasured says that a yardstick never has a value, and what it could have read.
func (in *Input) unmeasured(i int, y scenario.Yardstick, many bool) error {
	path, where := in.yardstickPath(i, y), "the recordings and inputSeries, which have"
	if in.File.Spec.Replay != nil {
		where = "the recording, which has"
	}
	if many {
		return in.File.Doc.Errorf(path, "%s gives several series wherever it gives any; one demand is needed, e.g. sum(...) of it", y.Expr)
	}
	return in.File.Doc.Errorf(path, "%s never has a sample in %s %s", y.Expr, where, in.names(y.Expr))
}

// scaleOf multiplies the values of an expression: by a replay's scale, unless they
// are a schedule's.
func (in *Input) scaleOf(text string) float64 {
	if replay := in.File.Spec.Replay; replay != nil && replay.Scale != nil && !readsSchedule(text) {
		return *replay.Scale
	}
	return 1
}

// readsRun says whether an expression reads what only a run makes: series of
// the world or of rules.
func (in *Input) readsRun(text string) bool {
	spec := &in.File.Spec
	switch {
	case len(spec.Prometheus.RuleFiles) > 0 || readsSchedule(text):
		return true
	case spec.Replay != nil:
		return false
	}
	selectors, err := recording.Selectors(text)
	return err == nil && slices.ContainsFunc(selectors, func(s recording.Selector) bool {
		return slices.ContainsFunc(in.worldNames(), func(name string) bool { return matchesName(s.Matchers, name) })
	})
}

// measured are the values of an expression on a grid: NaN where it gives no
// sample or several, or none that is a number of 0 or more.
type measured struct {
	Steps
	// many says that it gave several samples somewhere.
	many bool
}

// evaluate evaluates expressions on a grid.
func (in *Input) evaluate(texts []string, g grid) ([]measured, error) {
	values := make([]measured, len(texts))
	if len(texts) == 0 {
		return values, nil
	}
	ask, done, err := in.evaluator(texts, g)
	if err != nil {
		return nil, err
	}
	defer done()
	for at := g.start; at < g.end; at += g.every {
		for i := range texts {
			result, err := ask(i, at)
			if err != nil {
				return nil, err
			}
			v := math.NaN()
			if result.Samples == 1 {
				v = amount(result.Value)
			}
			values[i].many = values[i].many || result.Samples > 1
			values[i].Append(at/1000, v)
		}
	}
	return values, nil
}

// evaluator answers expressions at the instants of a grid, which do not go back.
func (in *Input) evaluator(texts []string, g grid) (ask func(i int, at int64) (cycle.Result, error), done func(), err error) {
	options := fake.Options{Start: in.start, Lookback: in.Lookback, EvaluationInterval: time.Duration(in.File.Spec.Prometheus.EvaluationInterval), Features: in.features}
	asks := make([]func(at int64) (cycle.Result, error), len(texts))
	var ranged, single []string
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return in.feed(ranged, nil) }, options)
	prom := fake.NewPrometheus(options)
	done = func() { ahead.Close(); prom.Close() }
	for i, text := range texts {
		evaluated, err := in.evaluated(text)
		share, count := in.evaluatedShare(text)
		if share != nil {
			text = count
		}
		switch {
		case err == nil && evaluated != nil:
			asks[i] = evaluated
		case fake.Exogenous(text, func(string) bool { return false }):
			q, err := ahead.Add(text, fake.Grid{Start: g.start, Interval: time.Duration(g.every) * time.Millisecond, End: g.end})
			if err != nil {
				return nil, done, err
			}
			ranged = append(ranged, text)
			asks[i] = q.At
		default:
			single = append(single, text)
			asks[i] = func(at int64) (cycle.Result, error) {
				return prom.Query(context.Background(), text, time.UnixMilli(at).UTC())
			}
		}
		if share != nil {
			asks[i] = product(share, asks[i])
		}
	}
	if len(single) > 0 {
		feed, err := in.feed(single, nil)
		if err != nil {
			return nil, done, err
		}
		prom.Attach(feed)
		if err := prom.Retain(single...); err != nil {
			return nil, done, err
		}
	}
	return func(i int, at int64) (cycle.Result, error) {
		if len(single) > 0 && prom.Now() < at {
			if err := prom.Advance(at); err != nil {
				return cycle.Result{}, err
			}
		}
		result, err := asks[i](at)
		if err != nil {
			return cycle.Result{}, broken(err)
		}
		return result, nil
	}, done, nil
}

// broken is an error that is more than an expression without a value.
func broken(err error) error {
	if errors.Is(err, cycle.ErrUnavailable) || errors.Is(err, cycle.ErrBadQuery) {
		return nil
	}
	return err
}

// amount is a value that can be a demand; NaN for every other.
func amount(v float64) float64 {
	if v >= 0 && !math.IsInf(v, 0) {
		return v
	}
	return math.NaN()
}

// over divides values by what one replica is for. No count is larger than an int32, so
// that sums stay finite.
func over(s Steps, perReplica float64) Steps {
	var out Steps
	for i, t := range s.T {
		v := s.V[i] / perReplica
		if v > math.MaxInt32 {
			v = math.MaxInt32
		}
		out.Append(t, v)
	}
	return out
}

// largest is the largest of the values that are known at each instant.
func largest(parts []Steps) Steps {
	if len(parts) == 1 {
		return parts[0]
	}
	var out Steps
	next := make([]int, len(parts))
	for {
		at, found := int64(math.MaxInt64), false
		for i, p := range parts {
			if next[i] < len(p.T) && p.T[next[i]] <= at {
				at, found = p.T[next[i]], true
			}
		}
		if !found {
			return out
		}
		most := math.NaN()
		for i, p := range parts {
			if next[i] < len(p.T) && p.T[next[i]] == at {
				next[i]++
			}
			if next[i] > 0 && !(p.V[next[i]-1] <= most) && !math.IsNaN(p.V[next[i]-1]) {
				most = p.V[next[i]-1]
			}
		}
		out.Append(at, most)
	}
}

// addDemands tells every autoscaler what its target needs. What the world itself
// demands of workloads and of consumers of queues is told by these.
func (r *run) addDemands(column []Autoscaler) error {
	demands := r.in.demands
	if demands == nil {
		var err error
		if demands, err = r.in.demandsOn(column); err != nil {
			return err
		}
	}
	for _, d := range demands {
		for _, p := range r.played {
			if referenceOf(p.Target) == d.target {
				p.demand = d
				if err := r.noteLag(d); err != nil {
					return err
				}
				p.object.Needed, p.object.Yardsticks, p.object.Saturated = d.needed, d.yardsticks.Results(), d.saturated
			}
		}
	}
	return nil
}

// noteLag notes that a demand which was named shows what was asked for some time before.
func (r *run) noteLag(d *demand) error {
	replay := r.in.File.Spec.Replay
	if replay == nil || replay.Demand == "" {
		return nil
	}
	for _, y := range d.yardsticks {
		before, err := reach(y.Expr)
		if err != nil {
			return err
		}
		if behind := before / 2; y.Expr == replay.Demand && y.Lag == 0 && behind >= time.Second {
			r.assume("%s looks %s back and so shows what was asked for about %s before; what is needed counts as much too late, unless --demand-lag %[3]s (or the lag of the yardstick) says so",
				y.Expr, before, behind.Truncate(time.Second))
		}
	}
	return nil
}

// measurements are the expressions that the run itself is asked for.
func (r *run) measurements() []string {
	var texts []string
	for _, p := range r.played {
		if p.demand == nil || !p.demand.inRun {
			continue
		}
		for _, y := range p.demand.yardsticks {
			texts = append(texts, y.Expr)
		}
	}
	return texts
}

// scheduleDemands samples what the run itself has to be asked for.
func (r *run) scheduleDemands() {
	if len(r.measurements()) == 0 {
		return
	}
	every := r.in.worldGrid().every
	r.queue.schedule(r.in.start, measure, "", func() (int64, error) {
		now := r.queue.clock.now
		for _, p := range r.played {
			if p.demand == nil || !p.demand.inRun {
				continue
			}
			most := math.NaN()
			for _, y := range p.demand.yardsticks {
				result, err := r.prom.Query(r.ctx, y.Expr, now)
				if err = broken(err); err != nil {
					return 0, err
				}
				if result.Samples != 1 {
					continue
				}
				if v := min(amount(result.Value)*r.in.scaleOf(y.Expr)/y.PerReplica, math.MaxInt32); !(v <= most) && !math.IsNaN(v) {
					most = v
				}
			}
			p.object.Needed.Append(now.Unix(), most)
		}
		return now.UnixMilli() + every, nil
	})
}

// worldNames are the names of what the world of the scenario publishes.
func (in *Input) worldNames() []string {
	spec := &in.File.Spec
	names := append(world.PublishedNames(), autoscalerNames()...)
	if len(spec.Workloads) > 0 {
		names = append(names, world.WorkloadNames()...)
	}
	if set := in.File.Manifests; set != nil {
		if len(set.NodeGroups) > 0 {
			names = slices.Concat(names, world.NodeNames(), groupNames())
		}
		for _, p := range set.Producers {
			names = append(names, gaugesOf[sourceOf(&p.Object.Spec)]...)
		}
	}
	return names
}
