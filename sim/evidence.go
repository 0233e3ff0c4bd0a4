package sim

import (
	"math"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// An evidence holds what a recording tells of a metric whose value depends on how
// many replicas ran: how it answers to their number, and where it hides demand.
type evidence struct {
	// saturation is the largest value that a replica can show; +Inf where nobody says.
	saturation float64
	// atNeed is value x ready where exactly one replica is needed, by the demand
	// that a replay names, which needed has in replicas; 0 without one, or where
	// the metric does not follow it.
	atNeed float64
	needed Steps
	// shows is how long a change of the count takes to show in full, in
	// milliseconds: the query's own window, and two scrapes.
	shows int64
	// averages is over how long, in milliseconds, what the demand asks of the replicas
	// is averaged: as shows, without what the demand's query averages itself.
	averages int64
	// saturated is 1 where the recording hides demand, else 0.
	saturated Steps
	// doubt says why the value at other counts is not known; nil where it is.
	doubt *result.Doubt
}

// What the rule "value x ready stays" must achieve on the recording, after the
// changes of the ready count by leastChange or more: at least fewChanges of them,
// and a median step of log(value x ready) that exceeds that of other times by at
// most mostExcess.
const (
	leastChange = 0.1
	mostExcess  = 0.05
	// hiddenRange is the time over which a gauge may average without its query
	// showing it: where the query has no range of its own.
	hiddenRange = time.Minute
	// nearSaturation is the share of the saturation from which on a metric hides
	// demand.
	nearSaturation = 0.95
	// mostUnlike is the median distance, as a share, of a metric from the demand
	// that is to drive it.
	mostUnlike = 0.1
)

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
	s := &samples{every: g.every, value: on(values[0].Steps, g)}
	if ready != "" {
		s.ready, s.spec = on(values[1].Steps, g), on(values[2].Steps, g)
	}
	e := &evidence{saturation: in.saturationOf(a, m, s.value)}
	if arrivals {
		demand := over(values[len(values)-1].Steps, *replay.Capacity)
		s.needed, e.needed = on(demand, g), over(demand, 1/in.scaleOf(replay.Demand))
	}
	s.saturation = nearSaturation * e.saturation
	window, err := reach(m.Query)
	if err != nil {
		return nil, err
	}
	if window == 0 {
		window = hiddenRange
	}
	e.shows = window.Milliseconds() + 2*g.every
	e.averages = e.shows
	if arrivals {
		// What the demand's own range averages over needs no second time.
		own, err := reach(replay.Demand)
		if err != nil {
			return nil, err
		}
		e.averages = max(window-own, 0).Milliseconds() + 2*g.every
	}
	switch {
	case ready == "":
		e.atNeed = e.saturation // of a utilization, which is at its most where all is used
	case s.needed != nil && m.Type == policy.Utilization:
		e.atNeed, e.doubt = s.calibrate(m.Query)
	case s.needed != nil:
		if e.doubt = s.respond(m.Query, e.shows); e.doubt == nil {
			e.atNeed, e.doubt = s.calibrate(m.Query)
		}
	default:
		e.doubt = s.respond(m.Query, e.shows)
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

// samples are a recorded metric and the replicas that had it, at the instants of
// one grid, every so many milliseconds; needed are the replicas that a named
// demand asked for, nil without one.
type samples struct {
	every                      int64
	value, ready, spec, needed []float64
	// saturation is the value from which on demand is hidden.
	saturation float64
}

// plain says whether an instant shows what was asked for.
func (s *samples) plain(i int) bool {
	return s.value[i] > 0 && s.ready[i] > 0 && s.value[i] < s.saturation
}

// respond tests on the recording whether value x ready stays as it was where the
// ready count changes: compared are steps over the time that a change takes to
// show, in milliseconds, there and where the count stays.
func (s *samples) respond(metric string, shows int64) *result.Doubt {
	lag := int((shows + s.every - 1) / s.every)
	var changed, alone, steady []float64
	changes := 0
	for i := 0; i+lag < len(s.value); i++ {
		if !s.plain(i) {
			continue
		}
		moved := s.ready[i+1] > 0 && math.Abs(s.ready[i+1]-s.ready[i]) >= leastChange*s.ready[i]*(1-1e-9)
		if moved {
			changes++
		}
		if !s.plain(i + lag) {
			continue
		}
		step := math.Abs(math.Log(s.value[i+lag] * s.ready[i+lag] / (s.value[i] * s.ready[i])))
		switch {
		case moved:
			changed = append(changed, step)
			alone = append(alone, math.Abs(math.Log(s.value[i+lag]/s.value[i])))
		case !slices.ContainsFunc(s.ready[i:i+lag+1], func(r float64) bool { return r != s.ready[i] }):
			steady = append(steady, step)
		}
	}
	d := &result.Doubt{Metric: metric, Changes: len(changed)}
	if len(changed) < fewChanges {
		d.Code = result.FewChanges
		return d
	}
	at := middle(changed)
	d.Excess = max(0, at-middle(steady))
	switch {
	case d.Excess > mostExcess:
		d.Code = result.NotInverse
	case at >= middle(alone):
		d.Code = result.Independent
	default:
		return nil
	}
	return d
}

// calibrate finds value x ready where one replica is needed, or why it does not
// follow the demand.
func (s *samples) calibrate(metric string) (float64, *result.Doubt) {
	var ratios []float64
	for i := range s.value {
		if s.plain(i) && s.needed[i] > 0 {
			ratios = append(ratios, s.value[i]*s.ready[i]/s.needed[i])
		}
	}
	if len(ratios) == 0 {
		return 0, &result.Doubt{Code: result.NotDriven, Metric: metric, Excess: math.Inf(1)}
	}
	center := middle(ratios)
	distances := make([]float64, len(ratios))
	for i, r := range ratios {
		distances[i] = math.Abs(r/center - 1)
	}
	if off := middle(distances); off > mostUnlike {
		return 0, &result.Doubt{Code: result.NotDriven, Metric: metric, Excess: off}
	}
	return center, nil
}

// hides is where the recording shows no more than what was served: near the
// saturation; of a metric without one, also where the replicas stood at their
// bound with the metric above its target.
func (s *samples) hides(g grid, a *Autoscaler, m policy.Metric) Steps {
	var out Steps
	above := m.Target * (1 + a.Policy.Up.Tolerance)
	for i, v := range s.value {
		hidden := v >= s.saturation
		if m.Type == policy.Value && v > above && s.spec[i] >= float64(a.Policy.Max) {
			hidden = true
		}
		out.Append((g.start+int64(i)*g.every)/1000, indicator(hidden))
	}
	return out
}

func indicator(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// middle is the lower median; 0 of nothing.
func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
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
