package sim

import (
	"math"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// An evidence holds what a recording tells of a metric whose value depends on how
// many replicas ran: how it answers to their number, and where it hides demand.
type evidence struct {
	// saturation is the largest value that a replica can show; +Inf where nobody says.
	saturation float64
	// share is how the metric shows what the replicas share.
	share sharedLoad
	// value and ready are the metric and the ready replicas as recorded; ready is empty
	// where nobody recorded them.
	value, ready Steps
	// atNeed is value x ready where exactly one replica is needed, by the demand
	// that a replay names, which needed has in replicas as recorded; 0 without one, or
	// where the metric does not follow it.
	atNeed float64
	needed Steps
	// lag is how far before its instant, in milliseconds, lies the demand that needed
	// shows there, and scale multiplies it.
	lag   int64
	scale float64
	// saturated is 1 where the recording hides demand, else 0.
	saturated Steps
	// doubt says why the value at other counts is not known; nil where it is.
	doubt *result.Doubt
}

// evidenceOf is that of a policy's metric, whose target's recorded ready and
// wanted replicas are the values of two queries. It is worked out once.
func (in *Input) evidenceOf(a *Autoscaler, m policy.Metric, ready, spec string) (*evidence, error) {
	key := evidenceKey{a.Target.Namespace + "/" + a.Target.Kind + "/" + a.Target.Name, m.Query, m.Type}
	if e := in.evidence[key]; e != nil {
		return e, nil
	}
	g := in.worldGrid()
	for _, r := range in.recordings {
		if spacing := r.Info().MedianSpacing.Milliseconds(); spacing > g.every {
			g.every = spacing
		}
	}
	texts := []string{m.Query}
	if ready != "" {
		texts = append(texts, ready, spec)
	}
	replay := in.File.Spec.Replay
	arrivals := m.Type != policy.AverageValue && replay.Demand != ""
	if arrivals {
		texts = append(texts, replay.Demand)
	}
	values, err := in.evaluate(texts, g)
	if err != nil {
		return nil, err
	}
	window, err := reach(m.Query)
	if err != nil {
		return nil, err
	}
	if window == 0 {
		window = hiddenRange
	}
	s := &samples{every: g.every, value: on(values[0].Steps, g)}
	e := &evidence{value: values[0].Steps}
	if ready != "" {
		e.ready = values[1].Steps
		s.ready, s.spec = on(e.ready, g), on(values[2].Steps, g)
	}
	if e.share, err = in.shareOf(m.Query, window.Milliseconds(), s.ready, g); err != nil {
		return nil, err
	}
	s.used = e.share.ofWindow(s.value, s.ready, g.every)
	e.saturation = in.saturationOf(a, m, s.used)
	s.saturation = nearSaturation * e.saturation
	if arrivals {
		e.needed, e.scale = over(values[len(values)-1].Steps, *replay.Capacity), in.scaleOf(replay.Demand)
		s.needed = on(e.needed, g)
		if e.lag, err = replayLag(replay); err != nil {
			return nil, err
		}
	}
	shows := window.Milliseconds() + 2*g.every // a change shows in full after its window and two scrapes
	switch {
	case ready == "":
		e.atNeed = e.saturation // of a utilization, which is at its most where all is used
	case s.needed != nil && m.Type == policy.Utilization:
		e.atNeed, e.doubt = s.calibrate(m.Query)
	case s.needed != nil:
		if e.doubt = s.respond(m.Query, shows); e.doubt == nil {
			e.atNeed, e.doubt = s.calibrate(m.Query)
		}
	default:
		e.doubt = s.respond(m.Query, shows)
	}
	if e.atNeed > 0 && ready != "" && e.doubt == nil {
		e.doubt = e.misfit(m.Query, g)
	}
	if s.needed == nil {
		e.saturated = s.hides(g, a, m)
	}
	if in.evidence == nil {
		in.evidence = map[evidenceKey]*evidence{}
	}
	in.evidence[key] = e
	return e, nil
}

// misfit compares what was recorded of a metric with what the demand lets the recorded
// replicas show: at their own counts a replay shows what was recorded, so that its
// decisions do not tell whether the rule is right that it has for others.
func (e *evidence) misfit(metric string, g grid) *result.Doubt {
	var distances []float64
	for at := g.start; at < g.end; at += g.every {
		off := e.value.At(at/1000) / e.asRecorded(g, at)
		if off > 0 && !math.IsInf(off, 0) {
			distances = append(distances, math.Abs(off-1))
		}
	}
	if off := middle(distances); off > mostUnlike {
		return &result.Doubt{Code: result.NotDriven, Metric: metric, Excess: off}
	}
	return nil
}

// load returns the demand at an instant in milliseconds, in the metric's unit times
// replicas, as recorded.
func (e *evidence) load(t int64) float64 { return e.atNeed * e.needed.At((t+e.lag)/1000) }

// asRecorded returns what the demand lets the recorded replicas show.
func (e *evidence) asRecorded(g grid, at int64) float64 {
	return e.share.shown(e.load, func(t int64) float64 { return e.ready.At(t / 1000) }, e.saturation, g, at)
}

// driven returns what the demand lets simulated replicas show at a scrape. What was
// recorded is off from what the demand lets the recorded replicas show, by chance and
// by all that the model leaves out; the simulated ones are off by as much.
func (e *evidence) driven(simulated func(t int64) float64, g grid, scraped int64) float64 {
	scaled := func(t int64) float64 { return e.scale * e.load(t) }
	value := e.share.shown(scaled, simulated, e.saturation, g, scraped)
	if len(e.ready.T) == 0 {
		return value
	}
	if off := e.value.At(scraped/1000) / e.asRecorded(g, scraped); off > 0 && !math.IsInf(off, 0) {
		value *= off
	}
	return value
}

type evidenceKey struct {
	target, query string
	kind          policy.MetricType
}

// saturationOf is the largest value that a replica can show: as the replay says;
// of a Utilization 1, or what was recorded where that is more.
func (in *Input) saturationOf(a *Autoscaler, m policy.Metric, values []float64) float64 {
	utilizes := slices.ContainsFunc(a.Policy.Metrics, func(o policy.Metric) bool { return o.Type == policy.Utilization })
	if given := in.File.Spec.Replay.Saturation; given != nil && (m.Type == policy.Utilization || !utilizes) {
		return *given
	}
	if m.Type != policy.Utilization {
		return math.Inf(1)
	}
	most := 1.0
	for _, v := range values {
		if v > most {
			most = v
		}
	}
	return most
}

// replayLag is how far before its instant, in milliseconds, lies the demand that a
// replay's shows: as it says, else half of what the query looks back.
func replayLag(replay *scenario.Replay) (int64, error) {
	if replay.DemandLag > 0 {
		return time.Duration(replay.DemandLag).Milliseconds(), nil
	}
	before, err := reach(replay.Demand)
	return before.Milliseconds() / 2, err
}

// reach is how far before its instant a query reads.
func reach(text string) (time.Duration, error) {
	selectors, err := recording.Selectors(text)
	most := int64(0)
	for _, s := range selectors {
		most = max(most, s.Before)
	}
	return time.Duration(most) * time.Millisecond, err
}

// on are the values at the instants of a grid.
func on(s Steps, g grid) []float64 {
	out := make([]float64, 0, max(0, (g.end-g.start)/g.every+1))
	next, v := 0, math.NaN()
	for at := g.start; at < g.end; at += g.every {
		for next < len(s.T) && s.T[next] <= at/1000 {
			v = s.V[next]
			next++
		}
		out = append(out, v)
	}
	return out
}

// noteDoubt notes that the value of a metric at other counts is not known.
func (r *run) noteDoubt(d *result.Doubt) {
	if d == nil || slices.Contains(r.result.Doubts, *d) {
		return
	}
	r.result.Doubts = append(r.result.Doubts, *d)
	r.assume("%s", d)
}

// saturatedOf is where a recording hides the demand on a target: by any metric of
// its policy that depends on the replicas.
func (in *Input) saturatedOf(a *Autoscaler) (Steps, error) {
	if in.File.Spec.Replay == nil {
		return Steps{}, nil
	}
	ready, spec, err := in.recordedQueries(a.Target)
	if err != nil || ready == "" {
		return Steps{}, err
	}
	var all Steps
	for _, m := range a.Policy.Metrics {
		if m.Type == policy.AverageValue || readsSchedule(m.Query) {
			continue
		}
		e, err := in.evidenceOf(a, m, ready, spec)
		if err != nil {
			return Steps{}, err
		}
		if all.T == nil {
			all = e.saturated
		} else {
			all = largest([]Steps{all, e.saturated})
		}
	}
	return all, nil
}
