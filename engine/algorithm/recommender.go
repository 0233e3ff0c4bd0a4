package algorithm

import (
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Recommender turns the value of one metric into the replicas that the metric asks
// for, or the code that says why it asks for none. It is a function of its arguments:
// the same ones give the same answer in a cluster and in a simulation.
type Recommender interface {
	Recommend(m *policy.Metric, tolerance Tolerance, value float64, r Replicas) (int32, observation.Code)
}

// A RecommenderFunc is a Recommender that is a function.
type RecommenderFunc func(m *policy.Metric, tolerance Tolerance, value float64, r Replicas) (int32, observation.Code)

// Recommend implements Recommender.
func (f RecommenderFunc) Recommend(m *policy.Metric, tolerance Tolerance, value float64, r Replicas) (int32, observation.Code) {
	return f(m, tolerance, value, r)
}

// recommenders maps the algorithm of a policy to what recommends for it.
var recommenders = map[policy.Algorithm]Recommender{
	"":                        RecommenderFunc(Proportional),
	policy.HPAWithoutBehavior: RecommenderFunc(Unfloored),
}

// Of returns the recommender of a policy that was compiled.
func Of(p *policy.Autoscaler) Recommender { return recommenders[p.Algorithm] }
