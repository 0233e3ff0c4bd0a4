package sim

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

const (
	// steadyFor is how long, in seconds, a demand has to have been steady for an
	// answer to tell how a metric responds: most queries look back no further.
	steadyFor = 300
	// steadyWithin is the change of a demand, as a share of it, that is steady.
	steadyWithin = 0.05
	// leastSteady is the number of steady answers below which the steadiest
	// quarter of all is taken.
	leastSteady = 20
	// followsWithin is the largest spread of a metric that follows the demand.
	followsWithin = 0.25
	// mostAnswers bounds the history of a query.
	mostAnswers = 4096
)

// history is values of a query over the run, evenly spaced and at most
// mostAnswers of them.
type history struct {
	at    []int64 // Unix seconds
	value []float64
	// every is how many answers one of the list stands for, seen how many came
	// since the last one.
	every, seen int
}

func (a *history) add(at int64, value float64) {
	if a.seen++; a.seen < a.every {
		return
	}
	a.seen = 0
	if len(a.at) == mostAnswers {
		for i := range mostAnswers / 2 {
			a.at[i], a.value[i] = a.at[2*i+1], a.value[2*i+1]
		}
		a.at, a.value = a.at[:mostAnswers/2], a.value[:mostAnswers/2]
		a.every = max(a.every, 1) * 2
	}
	a.at, a.value = append(a.at, at), append(a.value, value)
}

// responses learns how the autoscaler's metrics answer to the demand: value / demand
// of a total, value x ready replicas / demand of any other, as the median while
// the demand is steady and capacity does not lack. Where it never lacks nobody
// asks.
func (p *autoscalerRun) responses() []result.Response {
	if !p.object.lacks() {
		return nil
	}
	var out []result.Response
	for i := range p.Policy.Metrics {
		m := &p.Policy.Metrics[i]
		r := result.Response{Query: p.Written.Metrics[i].Query, Total: m.Type == policy.AverageValue}
		q := p.source.queries[m.Query]
		if q == nil || slices.ContainsFunc(out, func(o result.Response) bool { return o.Query == r.Query && o.Total == r.Total }) {
			continue
		}
		enough, lacking := p.object.ratios(&q.history, r.Total)
		if len(enough) < leastSteady {
			enough = append(enough, lacking...)
		}
		if r.Factor, r.Spread = median(enough); r.Factor > 0 {
			out = append(out, r)
		}
	}
	return out
}

// lacks reports whether fewer replicas ever served than were needed.
func (o *Object) lacks() bool {
	for _, times := range [][]int64{o.Needed.T, o.Ready.T} {
		for _, t := range times {
			if o.Ready.At(t) < o.Needed.At(t) {
				return true
			}
		}
	}
	return false
}

// A ratio is a metric's answer over the demand, and how much the demand changed
// before it, as a share of it.
type ratio struct{ value, change float64 }

// ratios relates the answers to the demand, those apart that came while capacity
// lacked: a saturated metric shows less than the demand.
func (o *Object) ratios(a *history, total bool) (enough, lacking []ratio) {
	for i, at := range a.at {
		needed, ready := o.Needed.At(at), o.Ready.At(at)
		if !(needed > 0) || !(ready > 0) {
			continue
		}
		value := a.value[i]
		if !total {
			value *= ready
		}
		r := ratio{value / needed, change(&o.Needed, at-steadyFor, at) / needed}
		switch {
		case !(r.value > 0) || math.IsInf(r.value, 0) || math.IsNaN(r.change):
		case ready < needed:
			lacking = append(lacking, r)
		default:
			enough = append(enough, r)
		}
	}
	return enough, lacking
}

// change is the distance of the largest from the smallest value in [from, to];
// NaN where one of them is not known.
func change(s *Steps, from, to int64) float64 {
	least, most := s.At(from), s.At(from)
	if math.IsNaN(least) && len(s.T) > 0 && s.T[0] > from && s.T[0] <= to {
		least, most = s.V[0], s.V[0] // the run began in between
	}
	i, _ := slices.BinarySearch(s.T, from)
	for ; i < len(s.T) && s.T[i] <= to; i++ {
		least, most = math.Min(least, s.V[i]), math.Max(most, s.V[i])
	}
	return most - least
}

// median returns the median of the steady ratios and half the distance of their
// quartiles as a share of it; 0 where they do not agree on a factor.
func median(list []ratio) (factor, spread float64) {
	slices.SortFunc(list, func(a, b ratio) int {
		return cmp.Or(cmp.Compare(a.change, b.change), cmp.Compare(a.value, b.value))
	})
	steady := slices.IndexFunc(list, func(r ratio) bool { return r.change > steadyWithin })
	if steady < 0 {
		steady = len(list)
	}
	if steady < leastSteady {
		steady = max(steady, (len(list)+3)/4)
	}
	if steady == 0 {
		return 0, 0
	}
	values := make([]float64, steady)
	for i := range values {
		values[i] = list[i].value
	}
	slices.Sort(values)
	quantile := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, values, nil) }
	factor = quantile(0.5)
	if spread = (quantile(0.75) - quantile(0.25)) / 2 / factor; spread > followsWithin {
		return 0, 0
	}
	return factor, spread
}
