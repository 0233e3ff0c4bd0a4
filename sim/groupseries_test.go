package sim

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/sim/world"
)

// TestGroupSeries holds what the controller exports about node groups.
func TestGroupSeries(t *testing.T) {
	cases := map[string]struct{ reason, group, fault, expect string }{
		"Counts": {
			"three numbers, kept apart: nodes boot from 5:00 to 6:30", "", "",
			`{name: wanted, at: 6m, expr: 'karpenter_scalablenodegroup_spec_replicas{namespace="default",name="batch"} == 5'},
			 {name: told, at: 6m, expr: 'karpenter_scalablenodegroup_desired_replicas == 5'},
			 {name: there, at: 6m, expr: 'karpenter_scalablenodegroup_ready_replicas == 2'},
			 {name: all there, at: 7m, expr: 'karpenter_scalablenodegroup_ready_replicas == 5'},
			 {name: unbounded, at: 7m, expr: 'absent(karpenter_scalablenodegroup_max_replicas)'},
			 {name: nothing failed, at: 19m, expr: 'absent(karpenter_scalablenodegroup_failures_total)'}`,
		},
		"Bounds": {
			"the provider's bounds are seen where they clip", ", min: 1, max: 4", "",
			`{name: clipped, at: 10m, expr: 'karpenter_scalablenodegroup_spec_replicas > karpenter_scalablenodegroup_max_replicas'},
			 {name: min, at: 10m, expr: 'karpenter_scalablenodegroup_min_replicas == 1'}`,
		},
		"Unreadable": {
			"what is not known ends, and is counted", "", "{at: 8m, for: 2m, nodes: throttled}",
			`{name: before, at: 7m, expr: 'karpenter_scalablenodegroup_ready_replicas == 5'},
			 {name: ends, at: 9m, expr: 'absent({__name__=~"karpenter_scalablenodegroup_(desired|ready|min|max)_replicas"})'},
			 {name: the wish stays, at: 9m, expr: 'karpenter_scalablenodegroup_spec_replicas == 5'},
			 {name: counted, at: 12m, expr: 'karpenter_scalablenodegroup_failures_total{call="observe",code="Throttled"} == 12'},
			 {name: back, at: 12m, expr: 'karpenter_scalablenodegroup_ready_replicas == 5'}`,
		},
		"Refused": {
			"a command that is refused is counted", "", "{at: 5m, for: 5s, nodes: throttled, call: resize}",
			`{name: counted, at: 19m, expr: 'karpenter_scalablenodegroup_failures_total{call="resize",code="Throttled"} == 1'}`,
		},
		"Trouble": {
			"what the provider complains of is seen while it does", "", "{at: 4m, for: 6m, nodes: stockOut}",
			`{name: before, at: 4m, expr: 'absent(karpenter_scalablenodegroup_trouble)'},
			 {name: meanwhile, at: 9m, expr: 'karpenter_scalablenodegroup_trouble{name="batch",code="LimitReached"} == 1'},
			 {name: afterwards, at: 19m, expr: 'absent(karpenter_scalablenodegroup_trouble)'}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(strings.Replace(groupBase, "GROUP", c.group, 1), "FAULT", c.fault, 1)
			text = strings.Replace(text, "    - {name: ready, always: 'karpenter_scale_target_status_replicas >= 0'}", "    ["+c.expect+"]", 1)
			result, _ := playText(t, text)
			for _, o := range result.Outcomes {
				if !o.Passed {
					t.Errorf("%s: %s: %s", c.reason, o.Name, o.Message)
				}
			}
		})
	}
}

// TestPublishedSeriesAreDocumented compares the series that a run can publish with those
// that are documented, which make the table of scenarios/README.md.
func TestPublishedSeriesAreDocumented(t *testing.T) {
	documented := map[string][]string{}
	for _, s := range DocumentedSeries() {
		for _, name := range s.Names {
			if documented[name] != nil {
				t.Errorf("%s is documented twice", name)
			}
			documented[name] = s.Labels
		}
	}
	published := map[string]bool{}
	names := slices.Concat(world.PublishedNames(), world.WorkloadNames(), world.NodeNames(), groupNames(), autoscalerNames())
	for _, name := range slices.Concat(append(slices.Collect(maps.Values(gaugesOf)), names)...) {
		published[name] = true
		if documented[name] == nil {
			t.Errorf("%s is published and not documented", name)
		}
	}
	for name := range documented {
		if !published[name] {
			t.Errorf("%s is documented and not published", name)
		}
	}
}
