package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/karpenter-sim/karpenter/engine/producer"
	"github.com/karpenter-sim/karpenter/engine/suggest"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
)

// checkNames refuses expectations on series that nothing in the run could have:
// a misspelt absent(x) would hold for ever. What policies ask for is theirs; the
// engine holds on series that are not there.
func (r *run) checkNames() error {
	known, err := r.seriesNames()
	if err != nil {
		return err
	}
	var errs manifest.Errors
	for i, e := range r.in.File.Spec.Expect {
		if e.Expression() == "" {
			continue
		}
		selectors, err := recording.Selectors(e.Expression())
		if err != nil {
			return err
		}
		for _, s := range selectors {
			name := nameWanted(s.Matchers)
			if name == "" || slices.Contains(known, name) || r.publishes(name) {
				continue
			}
			errs = append(errs, r.in.File.Doc.Errorf(fmt.Sprintf("spec.expect[%d].%s", i, e.ExpressionField()), "nothing in this run has series named %s; %s", name, instead(name, known)))
		}
	}
	if len(errs) > 0 {
		return errs
	}
	return nil
}

// nameWanted is the only metric name that matchers let through, or empty.
func nameWanted(matchers []*labels.Matcher) string {
	for _, m := range matchers {
		if m.Name == labels.MetricName && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

// seriesNames returns the names that series of the run may have.
func (r *run) seriesNames() ([]string, error) {
	given, _, err := r.in.givenNames(math.MaxInt)
	return slices.Concat(r.publishedNames(), r.prom.RuleNames(), given), err
}

// publishes says whether a producer may have gauges of a name that depends on the
// resources of nodes.
func (r *run) publishes(name string) bool {
	return strings.HasPrefix(name, producer.ReservedPrefix) && r.producers != nil &&
		slices.ContainsFunc(r.producers.all, func(s *storedProducer) bool { return s.object.Spec.ReservedCapacity != nil })
}

// instead suggests another name, or says where names are to be found.
func instead(name string, known []string) string {
	if near := suggest.Closest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "want what the world publishes (scenarios/README.md lists it), or what inputSeries, recordings and rules have"
}
