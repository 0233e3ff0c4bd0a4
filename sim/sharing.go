package sim

import (
	"cmp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/recording"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A part is autoscalers of a column with the scale targets that nobody outside of it
// reads or scales, so that it can be played without the others.
type part struct {
	autoscalers []Autoscaler
	// without are the targets of other parts.
	without map[scenario.Reference]bool
	// others are the objects of other parts, whose edits and faults are theirs.
	others map[scenario.Reference]bool
}

// leavesOut reports whether a target is another part's.
func (p *part) leavesOut(target scenario.Reference) bool { return p != nil && p.without[target] }

// concernsOthers reports whether an object is another part's.
func (p *part) concernsOthers(object scenario.Reference) bool { return p != nil && p.others[object] }

// Sharing returns those autoscalers of a column that share something with one of
// them, itself included: what comes of it does not depend on the others.
func (in *Input) Sharing(column []Autoscaler, set *manifest.Set, name types.NamespacedName) []Autoscaler {
	for _, group := range in.components(column, set) {
		if slices.ContainsFunc(group, func(a Autoscaler) bool { return a.Name() == name }) {
			return group
		}
	}
	return column
}

// components returns the autoscalers of a column in groups that share nothing: no
// target, and no series of the world that a query of one could read of another. Where
// a scenario has more in common than targets and workloads, all are one group.
func (in *Input) components(column []Autoscaler, set *manifest.Set) [][]Autoscaler {
	if len(column) < 2 || in.demands == nil || in.sharesMore(column, set) {
		return [][]Autoscaler{column}
	}
	groups := newSets(len(column))
	byTarget := map[cycle.TargetKey]int{}
	for i := range column {
		first, ok := byTarget[column[i].Target.Key()]
		if !ok {
			first = i
			byTarget[column[i].Target.Key()] = i
		}
		groups.join(first, i)
	}
	published := in.targetNames()
	for i := range column {
		for _, s := range in.worldSelectors(&column[i], published) {
			for k := range column {
				if groups.find(i) != groups.find(k) && mayRead(s, &column[k]) {
					groups.join(i, k)
				}
			}
		}
	}
	var out [][]Autoscaler
	index := map[int]int{}
	for i := range column {
		root := groups.find(i)
		at, ok := index[root]
		if !ok {
			at = len(out)
			index[root] = at
			out = append(out, nil)
		}
		out[at] = append(out[at], column[i])
	}
	return out
}

// sharesMore reports whether the scenario has what everybody acts on or reads, or what
// belongs to nobody.
func (in *Input) sharesMore(column []Autoscaler, set *manifest.Set) bool {
	spec := &in.File.Spec
	if len(spec.Prometheus.RuleFiles) > 0 || len(spec.Queues) > 0 || len(spec.NodeGroups) > 0 || len(set.NodeGroups) > 0 || len(set.Producers) > 0 {
		return true
	}
	if slices.ContainsFunc(spec.Expect, func(e scenario.Expectation) bool { return e.Expression() != "" }) {
		return true
	}
	if slices.ContainsFunc(spec.ScaleTargets(), func(t scenario.Target) bool {
		return !slices.ContainsFunc(column, func(a Autoscaler) bool { return referenceOf(a.Target) == t.Reference() })
	}) {
		return true
	}
	return slices.ContainsFunc(spec.Workloads, func(w scenario.Workload) bool {
		return slices.ContainsFunc(w.Demand, func(t scenario.Term) bool { return t.Recorded != nil })
	})
}

// worldSelectors are the selectors of an autoscaler's queries, and of the yardsticks of
// its target, that could read what the world publishes.
func (in *Input) worldSelectors(a *Autoscaler, published []string) [][]*labels.Matcher {
	var texts []string
	for _, m := range a.Policy.Metrics {
		texts = append(texts, m.Query)
	}
	for _, d := range in.demands {
		if d.inRun && d.target == referenceOf(a.Target) {
			for _, y := range d.yardsticks {
				texts = append(texts, y.Expr)
			}
		}
	}
	var out [][]*labels.Matcher
	for _, text := range texts {
		selectors, err := recording.Selectors(text)
		if err != nil {
			out = append(out, nil) // what cannot be understood may read anything
			continue
		}
		for _, s := range selectors {
			if slices.ContainsFunc(published, func(name string) bool { return matchesName(s.Matchers, name) }) {
				out = append(out, s.Matchers)
			}
		}
	}
	return out
}

// targetNames are the names of what targets, workloads and autoscalers publish.
func (in *Input) targetNames() []string {
	names := append(world.PublishedNames(), autoscalerNames()...)
	if len(in.File.Spec.Workloads) > 0 {
		names = append(names, world.WorkloadNames()...)
	}
	return names
}

// mayRead reports whether a selector could match series of an autoscaler, its target or
// its target's pods: unless a label that only ever has their namespace or name excludes
// them.
func mayRead(matchers []*labels.Matcher, a *Autoscaler) bool {
	for _, m := range matchers {
		switch m.Name {
		case "namespace":
			if !m.Matches(a.Target.Namespace) {
				return false
			}
		case "deployment", "statefulset", "service", "queue", "container":
			if !m.Matches(a.Target.Name) && !m.Matches("") {
				return false
			}
		case "name":
			if !m.Matches(a.Target.Name) && !m.Matches(a.Object.Name) && !m.Matches("") {
				return false
			}
		}
	}
	return true
}

// parts deals the groups of a column out to at most so many parts of about the same
// number of decisions.
func (in *Input) parts(column []Autoscaler, set *manifest.Set, most int) []part {
	groups := in.components(column, set)
	parts := make([]part, min(most, len(groups)))
	if len(parts) < 2 {
		return nil
	}
	loads := make([]float64, len(parts))
	position := map[types.NamespacedName]int{}
	for i := range column {
		position[column[i].Name()] = i
	}
	owner := map[scenario.Reference]int{}
	objects := map[scenario.Reference]int{}
	for _, group := range groups {
		least := slices.Index(loads, slices.Min(loads))
		for _, a := range group {
			loads[least] += 1 / float64(a.Policy.Interval)
			owner[referenceOf(a.Target)] = least
			objects[referenceOf(a.Target)], objects[autoscalerReference(a.Name())] = least, least
		}
		parts[least].autoscalers = append(parts[least].autoscalers, group...)
	}
	for i := range parts {
		p := &parts[i]
		slices.SortFunc(p.autoscalers, func(a, b Autoscaler) int { return cmp.Compare(position[a.Name()], position[b.Name()]) })
		p.without, p.others = map[scenario.Reference]bool{}, map[scenario.Reference]bool{}
		for ref, of := range owner {
			p.without[ref] = of != i
		}
		for ref, of := range objects {
			p.others[ref] = of != i
		}
	}
	return parts
}

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) find(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes one set of two; its number is the smaller one.
func (s sets) join(i, k int) {
	a, b := s.find(i), s.find(k)
	s[max(a, b)] = min(a, b)
}
