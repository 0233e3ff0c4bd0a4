package scenario

import (
	"maps"
	"slices"
	"time"
)

// checkWorld checks what the decisions act on, and what goes wrong in it.
func (v *validation) checkWorld() {
	v.checkWorkloads()
	v.checkFaults()
	v.checkEdits()
	for _, part := range []struct {
		path   string
		length int
	}{
		{"spec.nodeGroups", len(v.spec.NodeGroups)},
		{"spec.queues", len(v.spec.Queues)},
	} {
		if part.length > 0 {
			v.fail(part.path, "must be empty: this version simulates workloads, targets, inputSeries and recordings only")
		}
	}
}

// Defaults of a world.
const (
	defaultNoise      = Duration(15 * time.Second)
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
		}
		for k := range w.Rollouts {
			w.Rollouts[k].Batch = max(w.Rollouts[k].Batch, 1)
		}
	}
	for i := range s.Faults {
		s.Faults[i].fillDefaults(i)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
