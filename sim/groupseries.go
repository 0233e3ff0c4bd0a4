package sim

import (
	"cmp"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/nodegroup"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// groupSeries holds what the controller exports about a node group.
type groupSeries struct {
	// gauges are by name; a value that is not shown has none.
	labels map[string]labels.Labels
	gauges map[string]float64
	// issue is the code of the provider's issue with the group, if any.
	issue observation.Code
	// failures are sorted by call and code.
	failures []failures
}

// failures counts the failed calls of one kind.
type failures struct {
	call, code string
	labels     labels.Labels
	count      float64
}

// groupLabels returns the labels of a group's series of a name.
func (s *storedGroup) groupLabels(name string, more ...string) labels.Labels {
	return labels.FromStrings(append(more, labels.MetricName, name, "namespace", s.object.Namespace, "name", s.object.Name)...)
}

// failed counts a failed call.
func (s *storedGroup) failed(call, code string) {
	list := &s.series.failures
	i, found := slices.BinarySearchFunc(*list, failures{call: call, code: code}, func(a, b failures) int {
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.code, b.code))
	})
	if !found {
		*list = slices.Insert(*list, i, failures{call: call, code: code, labels: s.groupLabels(nodegroup.Failures, "call", call, "code", code)})
	}
	(*list)[i].count++
}

// groupJournal takes what the controller exports about node groups from their
// records, and passes these on.
type groupJournal struct {
	cycle.Journal
	groups *groups
}

func nameIn(o journal.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
}

// Record implements cycle.Journal.
func (j groupJournal) Record(r *journal.Record) {
	s := j.groups.find(nameIn(r.Object))
	s.series.gauges, s.series.issue = r.GroupGauges()
	if code := r.Failed(); code != observation.OK {
		s.failed(nodegroup.ObserveCall, string(code))
	}
	j.Journal.Record(r)
}

// Outcome implements cycle.Journal.
func (j groupJournal) Outcome(o *journal.Outcome) {
	if o.Result != cycle.Applied {
		j.groups.find(nameIn(o.Object)).failed(nodegroup.ResizeCall, o.Result)
	}
	j.Journal.Outcome(o)
}

// emit emits what the controller exports about node groups now.
func (g *groups) emit(emit world.Emit) {
	for _, s := range g.all {
		for _, name := range nodegroup.GaugeNames() {
			if value, shown := s.series.gauges[name]; shown {
				emit(s.series.labels[name], value)
			}
		}
		if code := s.series.issue; code != observation.OK {
			emit(s.groupLabels(nodegroup.Trouble, "code", string(code)), 1)
		}
		for _, f := range s.series.failures {
			emit(f.labels, f.count)
		}
	}
}

// owns says whether a series is one that the controller exports about a node
// group of the run, whatever other labels it has.
func (g *groups) owns(l labels.Labels) bool {
	if !slices.Contains(groupNames(), l.Get(labels.MetricName)) {
		return false
	}
	return g.find(types.NamespacedName{Namespace: l.Get("namespace"), Name: l.Get("name")}) != nil
}

// groupNames are the names of the series that the controller exports about node
// groups.
func groupNames() []string {
	return append(nodegroup.GaugeNames(), nodegroup.Trouble, nodegroup.Failures)
}
