package tune

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/optimize"
)

// A chain is one run of CMA-ES: it learns from the windows before learned and
// weighs lacking against cost.
type chain struct {
	learned int
	trials  int
	weight  float64
}

// chainTrials is how many candidates a chain should have to learn anything.
const chainTrials = 120

// weights has what lacking weighs against cost, one after the other: a chain of
// weight 1 looks for what is chosen, the others for other trades.
var weights = []float64{1, 0.25, 4}

// chains shares the trials among the folds, and each fold's among chains.
func (s *Search) chains() []chain {
	each := max(1, s.Trials/s.Folds/chainTrials)
	n := min(s.Folds*each, s.Trials)
	var out []chain
	for i := range n {
		c := chain{learned: i%s.Folds + 1, trials: s.Trials / n, weight: weights[i/s.Folds%len(weights)]}
		if i < s.Trials%n {
			c.trials++
		}
		out = append(out, c)
	}
	return out
}

// probes are candidates by which a space is known to have valid policies.
func (s *Search) probes() [][]string {
	var out [][]string
	for i := range 64 {
		out = append(out, s.draw(math.MaxUint64-uint64(i)))
	}
	return out
}

// runChain plays a chain from its seed to its last trial. Chains of the same
// number begin alike, whatever their metric.
func (s *Search) runChain(ctx context.Context, unit, number int, metric Metric) ([]Trial, error) {
	c := s.chains()[number-1]
	var trials []Trial
	var failed error
	known := map[string]float64{}
	evaluate := func(x []float64) float64 {
		if failed != nil || len(trials) >= c.trials {
			return math.Inf(1)
		}
		values, outside := s.fold(x)
		loss, ok := known[key(values)]
		if !ok {
			t := Trial{Unit: unit, Learned: c.learned, Metric: metric, Values: values}
			if failed = s.try(ctx, &t); failed != nil {
				return math.Inf(1)
			}
			trials = append(trials, t)
			loss = s.loss(&t, &c)
			known[key(values)] = loss
		}
		return loss + outside
	}
	random := rand.New(rand.NewPCG(uint64(s.Seed), uint64(number)))
	start := make([]float64, len(s.Parameters))
	for i := range start {
		start[i] = 0.25 + float64(0.5*random.Float64())
		if text := s.space.current[i]; text != "" && c.weight == 1 {
			start[i] = s.Parameters[i].Position(text)
		}
	}
	_, err := optimize.Minimize(optimize.Problem{Func: evaluate}, start,
		&optimize.Settings{Concurrent: 1, FuncEvaluations: 2 * c.trials, Converger: optimize.NeverTerminate{}},
		&optimize.CmaEsChol{InitStepSize: 0.3, Src: rand.NewPCG(uint64(s.Seed), ^uint64(number))})
	switch {
	case failed != nil:
		return nil, failed
	case len(trials) == 0:
		return nil, err
	}
	// An optimizer that gives up, for want of differences to learn from, leaves
	// its trials all the same.
	return trials, nil
}

// fold brings a point back between 0 and 1, and says how far it was outside.
func (s *Search) fold(x []float64) (values []string, outside float64) {
	values = make([]string, len(x))
	for i, v := range x {
		inside := min(max(v, 0), 1)
		outside += float64((v - inside) * (v - inside))
		values[i] = s.Parameters[i].At(inside)
	}
	return values, outside
}

// loss returns what a chain minimizes, over the windows that it learns from: how far
// it is from being better than the current policy, or cost and weighted lacking,
// and in any case broken constraints.
func (s *Search) loss(t *Trial, c *chain) float64 {
	const refused = 1000
	if t.State == Invalid {
		return 2 * refused
	}
	n := min(c.learned, len(t.Windows))
	so, current := t.sum(0, n), s.Current.sum(0, c.learned)
	loss := s.loses(&so, &current)
	if c.weight != 1 {
		loss = ratio(s.expense(&so), s.expense(&current)) + float64(c.weight*lack(&so, &current))
	}
	if n < c.learned {
		loss += refused
	}
	for i := range s.Constraints {
		if k := &s.Constraints[i]; !k.holds(&so, s.whole) {
			loss += 10 + ratio(k.metric(&so), k.limit*float64(so.Seconds)/float64(s.whole))
		}
	}
	return loss
}

// ratio is a over b, where b may be nothing.
func ratio(a, b float64) float64 {
	switch {
	case b > 0:
		return a / b
	case a > 0:
		return 1 + a
	}
	return 1
}

// lack is how much a stretch lacks relative to another: half by its minutes,
// half by its replica-hours.
func lack(s, than *Score) float64 {
	return float64(0.5*ratio(float64(s.Lacking), float64(than.Lacking))) + float64(0.5*ratio(s.Under, than.Under))
}
