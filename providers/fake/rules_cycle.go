package fake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// acyclic refuses recording rules of different groups that read each other.
// Prometheus accepts them, and which of them is late by a round is left to the
// hour at which it started. Within a group the order is written down: a rule sees
// the last result of itself and of those below it.
func acyclic(groups []*ruleGroup) error {
	var rules []*rule
	var groupOf []*ruleGroup
	for _, group := range groups {
		for _, r := range group.rules {
			rules, groupOf = append(rules, r), append(groupOf, group)
		}
	}
	reads := simple.NewDirectedGraph()
	for i := range rules {
		reads.AddNode(simple.Node(i))
	}
	for i, reader := range rules {
		expr, err := EveryFeature.Parser().ParseExpr(reader.expr)
		if err != nil {
			return err
		}
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			for k, read := range rules {
				if ok && k != i && read.readBy(selector) {
					reads.SetEdge(simple.Edge{F: simple.Node(i), T: simple.Node(k)})
				}
			}
			return nil
		})
	}
	least := []int(nil) // the cycle that begins first, so that it is always the same
	for _, component := range topo.TarjanSCC(reads) {
		var members []int
		for _, node := range component {
			members = append(members, int(node.ID()))
		}
		slices.Sort(members)
		across := slices.ContainsFunc(members, func(i int) bool { return groupOf[i] != groupOf[members[0]] })
		if across && (least == nil || members[0] < least[0]) {
			least = members
		}
	}
	if least == nil {
		return nil
	}
	var others []string
	for _, i := range least[1:] {
		others = append(others, fmt.Sprintf("%s (%s)", rules[i].name, rules[i].where))
	}
	return fmt.Errorf("%s: %s and %s read each other; their groups are evaluated in no order that could be kept", rules[least[0]].where, rules[least[0]].name, strings.Join(others, ", "))
}

// readBy says whether a selector may find what a recording rule makes. Labels that
// the rule sets itself tell it from others of its name.
func (r *rule) readBy(selector *parser.VectorSelector) bool {
	if r.alert != nil || r.name != metricName(selector) {
		return false
	}
	for _, m := range selector.LabelMatchers {
		if m.Name != labels.MetricName && r.labels.Has(m.Name) && !m.Matches(r.labels.Get(m.Name)) {
			return false
		}
	}
	return true
}
