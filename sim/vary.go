package sim

import (
	"context"
	"errors"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// Vary returns the simulation with one other version of its autoscalers, played as a
// column of this name beside the current policy, in place of the scenario's own
// variants. The set has HorizontalAutoscalers of the simulation, and nothing else.
// What is wrong with them is returned as manifest.Errors. Input.Precompute makes
// several variations of one simulation share what does not depend on a policy. Closing
// the simulation closes all of its variations.
func (s *Simulation) Vary(name string, set *manifest.Set) (*Simulation, error) {
	for _, e := range set.Autoscalers {
		if !slices.ContainsFunc(s.Columns[0].Autoscalers, func(a Autoscaler) bool { return named(a.Object, e.Object) }) {
			return nil, manifest.Join(e.Doc.Errorf("metadata.name", "the run has no HorizontalAutoscaler %s/%s", e.Object.Namespace, e.Object.Name))
		}
	}
	if n := len(set.Producers) + len(set.NodeGroups) + len(set.Foreign) + len(set.Scenarios); n > 0 || len(set.Autoscalers) == 0 {
		return nil, errors.New("want HorizontalAutoscalers of the run and nothing else")
	}
	varied := *s
	varied.Columns = slices.Clone(s.Columns[:1])
	p := &preparation{Simulation: &varied}
	p.add(name, s.File.Manifests.Override(set))
	if err := manifest.Join(p.errs...); err != nil {
		return nil, err
	}
	return &varied, nil
}

// PlayCurrent returns the simulation with its current policy as the only column, and
// with what comes of that kept in memory: of variations that are played to be Keep and
// Brief, only the other column remains to be played.
func (s *Simulation) PlayCurrent(ctx context.Context) (*Simulation, error) {
	current := *s
	current.Columns = slices.Clone(s.Columns[:1])
	kept := &playedColumn{}
	var err error
	if kept.result, err = current.playColumn(ctx, 0, &kept.column, PlayOptions{Keep: true, Brief: true}); err != nil {
		return nil, err
	}
	current.current = kept
	return &current, nil
}

// With returns the scenario that plays the last column of a variation as its current
// policy, measured by the yardstick of this run.
func (s *Simulation) With() *Simulation {
	with := *s
	with.current = nil
	last := s.Columns[len(s.Columns)-1]
	last.Name = result.Current
	with.Columns = []Column{last}
	return &with
}

func named(a, b *v1alpha1.HorizontalAutoscaler) bool {
	return a.Namespace == b.Namespace && a.Name == b.Name
}
