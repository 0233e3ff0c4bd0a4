package sim

import (
	"slices"

	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// File is the scenario that plays a change over what a spec replays: the policy
// before as column current and the one after as column head, whose manifests the
// scenario names at a path. Of what is new or gone, current is all there is.
func (c *Change) File(name string, over *scenario.Scenario, head string) (*scenario.File, error) {
	s := *over
	s.Metadata.Name = name
	s.Spec.Targets = slices.DeleteFunc(slices.Clone(over.Spec.Targets), func(t scenario.Target) bool { return t.Reference() != c.Target })
	replay := *over.Spec.Replay
	replay.Replicas = nil
	if series, ok := over.Spec.Replay.Replicas[c.Target.String()]; ok {
		replay.Replicas = map[string]string{c.Target.String(): series}
	}
	s.Spec.Replay = &replay
	if c.Base != nil && c.Head != nil {
		s.Spec.Variants = []scenario.Variant{{Name: result.Head, Manifests: []string{head}}}
	}
	f, err := scenario.NewFile(ScenarioFile, &s)
	if err != nil {
		return nil, err
	}
	f.Manifests = c.Base
	switch {
	case c.Base == nil:
		f.Manifests = c.Head
	case c.Head != nil:
		f.Variants = []*manifest.Set{c.Head}
	}
	return f, nil
}
