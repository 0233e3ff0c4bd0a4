package reports

import (
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A recommendation holds what the metrics of a policy would ask for if they showed
// the demand of an instant: replicas by the policy's tolerance, exact without it, both
// beyond noise; plain is what the policy would ask for at the factor itself.
type recommendation struct {
	replicas, exact, plain float64
	known                  bool
}

// beyondNoise is added to what a metric is expected to show, as a share of it, so
// that a count is not missed by the error of the factor alone.
const beyondNoise = 0.01

// recommend asks the recommender for what the largest of the metrics would want at
// an instant, given what the demand needs, fractions of a replica included.
func recommend(p *policy.Autoscaler, responses []result.Response, demand, ready, asked float64) recommendation {
	var out recommendation
	if p == nil {
		return out
	}
	if math.IsNaN(asked) {
		asked = ready
	}
	counts := algorithm.Replicas{Spec: int32(asked), Status: int32(asked), Ready: int32(max(ready, 1))}
	tolerance := algorithm.Tolerance{Up: p.Up.Tolerance, Down: p.Down.Tolerance}
	for i := range p.Metrics {
		m := &p.Metrics[i]
		total := m.Type == policy.AverageValue
		j := slices.IndexFunc(responses, func(r result.Response) bool { return r.Query == m.Query && r.Total == total })
		if j < 0 {
			continue
		}
		value := responses[j].Factor * demand
		if !total {
			value /= float64(counts.Ready)
		}
		exact, code := algorithm.Proportional(m, algorithm.Tolerance{}, value*(1+beyondNoise+responses[j].Spread), counts)
		if code != observation.OK {
			continue
		}
		plain, _ := algorithm.Proportional(m, tolerance, value, counts)
		within := exact
		if tolerance.Up > 0 && plain == counts.Spec {
			within = plain
		}
		out.replicas, out.exact = max(out.replicas, float64(within)), max(out.exact, float64(exact))
		out.plain, out.known = max(out.plain, float64(plain)), true
	}
	return out
}

var rangePattern = regexp.MustCompile(`\[([0-9a-z]+)[]:]`)

// longestRange returns the longest range of the policy's queries as it is written,
// and in seconds; empty and 0 where none has one.
func longestRange(p *policy.Autoscaler) (text string, seconds int64) {
	var longest time.Duration
	if p == nil {
		return "", 0
	}
	for i := range p.Metrics {
		for _, match := range rangePattern.FindAllStringSubmatch(p.Metrics[i].Query, -1) {
			if d, err := model.ParseDuration(match[1]); err == nil && time.Duration(d) > longest {
				longest, text = time.Duration(d), match[1]
			}
		}
	}
	return text, int64(longest / time.Second)
}
