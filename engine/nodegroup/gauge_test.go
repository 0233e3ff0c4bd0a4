package nodegroup

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/observation"
)

func TestGauges(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   *int32
		group  Group
		want   map[string]float64
	}{
		"All":       {"everything known is shown", replicas(5), Group{Desired: 4, Ready: 3, Min: 1, Max: 4}, map[string]float64{SpecReplicas: 5, DesiredReplicas: 4, ReadyReplicas: 3, MinReplicas: 1, MaxReplicas: 4}},
		"Zeros":     {"0 is a number", replicas(0), Group{}, map[string]float64{SpecReplicas: 0, DesiredReplicas: 0, ReadyReplicas: 0, MinReplicas: 0, MaxReplicas: 0}},
		"Unbounded": {"no maximum is no number", replicas(5), unbounded(4, 3), map[string]float64{SpecReplicas: 5, DesiredReplicas: 4, ReadyReplicas: 3, MinReplicas: 0}},
		"NoSpec":    {"an absent spec is none either", nil, unbounded(4, 3), map[string]float64{DesiredReplicas: 4, ReadyReplicas: 3, MinReplicas: 0}},
		"Failed":    {"what could not be read ends", replicas(5), Group{Code: observation.Throttled, Max: -1}, map[string]float64{SpecReplicas: 5}},
		"Rubbish":   {"and what nobody can have meant", replicas(5), unbounded(4, -3), map[string]float64{SpecReplicas: 5}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := inputAt(0, c.spec, c.group).Gauges()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}
