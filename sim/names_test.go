package sim

import (
	"strings"
	"testing"
)

// An expectation on series that cannot be there is a mistake, not a failure, and
// never holds for want of them.
func TestExpectationNames(t *testing.T) {
	cases := map[string]struct{ reason, expect, want string }{
		"Published":  {"the world has it", "{name: x, always: 'kube_deployment_spec_replicas > 0'}", ""},
		"Given":      {"inputSeries have it", "{name: x, at: 1m, expr: 'sum(load) > 0'}", ""},
		"AnyName":    {"a selector without a name may find something", "{name: x, at: 1m, expr: 'count({pod=\"a\"}) > 0'}", ""},
		"NoSelector": {"a scalar needs none", "{name: x, at: 1m, expr: 'vector(1) == 1'}", ""},
		"Misspelt":   {"with the name that was meant", "{name: x, always: 'kube_deployment_spec_replica > 0'}", "scenario.yaml:14:30: spec.expect[0].always: nothing in this run has series named kube_deployment_spec_replica; did you mean kube_deployment_spec_replicas?"},
		"Absent":     {"what is misspelt is absent for ever", "{name: x, eventually: 'absent(laod)'}", "spec.expect[0].eventually: nothing in this run has series named laod; did you mean load?"},
		"Nothing":    {"like nothing there is", "{name: x, at: 1m, expr: 'nothing_of_the_kind > 0'}", "spec.expect[0].expr: nothing in this run has series named nothing_of_the_kind; want what the world publishes"},
		"Elsewhere":  {"other worlds have it", "{name: x, at: 1m, expr: 'http_requests_total > 0'}", "nothing in this run has series named http_requests_total"},
		"Producer":   {"no producer, no gauge", "{name: x, at: 1m, expr: 'karpenter_reserved_capacity_cpu_utilization > 0'}", "nothing in this run has series named karpenter_reserved_capacity_cpu_utilization"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(faultBase, "  faults: [FAULT]\n", "  expect: ["+c.expect+"]\n", 1)
			in, autoscalers := openFile(t, loadText(t, text))
			err := in.Check(t.Context(), autoscalers, Options{})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", c.reason, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: got %v, want %s", c.reason, err, c.want)
			}
		})
	}
}

// A producer publishes the gauges of what it measures, and no others.
func TestExpectationNamesOfProducers(t *testing.T) {
	schedule := "scheduleSpec: {defaultReplicas: 1, behaviors: []}"
	reserved := "reservedCapacity: {nodeSelector: {pool: a}}"
	for name, c := range map[string]struct {
		reason, source, series string
		there                  bool
	}{
		"Schedule":  {"a schedule has its value", schedule, "karpenter_scheduled_replicas_value", true},
		"NoQueue":   {"and no queue", schedule, "karpenter_queue_length", false},
		"NoNodes":   {"nor nodes, whatever their resources", schedule, "karpenter_reserved_capacity_gpu_utilization", false},
		"Resources": {"nodes may have any resource", reserved, "karpenter_reserved_capacity_gpu_utilization", true},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(faultBase, "  faults: [FAULT]\n", "  expect: [{name: x, at: 1m, expr: '"+c.series+" > 0'}]\n", 1) +
				"---\napiVersion: autoscaling.karpenter.sh/v1alpha1\nkind: MetricsProducer\nmetadata: {name: p}\nspec: {" + c.source + "}\n"
			in, autoscalers := openFile(t, loadText(t, text))
			if err := in.Check(t.Context(), autoscalers, Options{}); (err == nil) != c.there {
				t.Errorf("%s: %v", c.reason, err)
			}
		})
	}
}
