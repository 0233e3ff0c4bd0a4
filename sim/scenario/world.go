package scenario

import (
	"maps"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
)

// checkWorld checks what the decisions act on, and what goes wrong in it.
func (v *validation) checkWorld() {
	v.checkWorkloads()
	v.checkNodeGroups()
	v.checkQueues()
	v.checkFaults()
	v.checkEdits()
}

// Defaults of a world.
const (
	defaultNoise      = Duration(15 * time.Second)
	defaultSaturated  = 0.95
	defaultReplace    = Duration(10 * time.Minute)
	defaultServiceP50 = Duration(50 * time.Millisecond)
	defaultServiceP95 = Duration(200 * time.Millisecond)
)

func (s *Spec) fillWorld() {
	for i := range s.Workloads {
		w := &s.Workloads[i]
		ref := w.Reference()
		w.Namespace, w.Kind = ref.Namespace, ref.Kind
		if w.APIVersion == "" {
			w.APIVersion = apiVersions[w.Kind]
		}
		if w.ServiceTime.IsZero() {
			w.ServiceTime = Delay{P50: defaultServiceP50, P95: defaultServiceP95}
		}
		for k := range w.Demand {
			if n := w.Demand[k].Noise; n != nil && n.Every == 0 {
				n.Every = defaultNoise
			}
			if r := w.Demand[k].Recorded; r != nil && r.Saturated == nil {
				saturated := defaultSaturated
				r.Saturated = &saturated
			}
		}
		for k := range w.Rollouts {
			w.Rollouts[k].fillDefaults()
		}
	}
	for i := range s.NodeGroups {
		g := &s.NodeGroups[i]
		g.Namespace = g.Reference().Namespace
		if g.ReplaceAfter == nil {
			after := defaultReplace
			g.ReplaceAfter = &after
		}
	}
	for i := range s.Queues {
		if s.Queues[i].Type == "" {
			s.Queues[i].Type = string(v1alpha1.AWSSQSQueueType)
		}
	}
	for i := range s.Faults {
		s.Faults[i].fillDefaults(i)
	}
}

func sortedKeys[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
