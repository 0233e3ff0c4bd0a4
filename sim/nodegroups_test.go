package sim

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// groupBase has a group that a series scales from 2 to 5 nodes after five minutes.
const groupBase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: groups}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 20m
  controller: {phase: aligned}
  interval: 1m
  inputSeries: [{series: wanted, values: '2x4 5x20'}]
  nodeGroups: [{name: batch, boot: 90s, terminate: 30s GROUP}]
  faults: [FAULT]
  expect:
    - {name: ready, always: 'karpenter_scale_target_status_replicas >= 0'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: batch}
spec:
  scaleTargetRef: {apiVersion: autoscaling.karpenter.sh/v1alpha1, kind: ScalableNodeGroup, name: batch}
  minReplicas: 1
  maxReplicas: 20
  metrics: [{prometheus: {query: wanted, target: {type: AverageValue, value: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: batch}
spec: {type: AWSEC2AutoScalingGroup, id: batch, replicas: 2}
`

func TestNodeGroups(t *testing.T) {
	cases := map[string]struct {
		reason, group, fault string
		edit                 func(string) string
		// spec and ready are the counts over time, in minutes.
		spec, ready map[int64]float64
		code        string
	}{
		"Follows": {
			reason: "nodes come after the decision, the next slot of the group and their boot",
			spec:   map[int64]float64{4: 2, 5: 5}, ready: map[int64]float64{5: 2, 6: 5},
		},
		"Adopts": {
			reason: "without spec.replicas the provider's size is adopted",
			group:  ", nodes: 3",
			edit:   func(s string) string { return strings.Replace(s, ", replicas: 2", "", 1) },
			spec:   map[int64]float64{4: 3, 5: 5}, ready: map[int64]float64{4: 3, 6: 5},
		},
		"Clipped": {
			reason: "the provider's maximum clips what is wanted",
			group:  ", max: 4", spec: map[int64]float64{6: 5}, ready: map[int64]float64{6: 4, 19: 4}, code: "Bounded",
		},
		"Quota": {
			reason: "a quota keeps nodes from coming",
			group:  ", quota: 3", spec: map[int64]float64{6: 5}, ready: map[int64]float64{6: 3, 19: 3}, code: "LimitReached",
		},
		"StockOut": {
			reason: "machines that are out of stock come when they are back",
			fault:  "{at: 4m, for: 6m, nodes: stockOut}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{9: 2, 11: 5}, code: "LimitReached",
		},
		"FailedBoot": {
			reason: "nodes that do not boot are replaced",
			group:  ", replaceAfter: 5m", fault: "{at: 4m, for: 3m, nodes: failedBoot}", ready: map[int64]float64{9: 2, 12: 5},
		},
		"SlowBoot": {
			reason: "nodes that are launched meanwhile boot four times as long",
			fault:  "{at: 4m, for: 3m, nodes: slowBoot, factor: 4, object: sng/batch}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{9: 2, 10: 2, 11: 5},
		},
		"SlowBootDelay": {
			reason: "or as long as the fault says",
			fault:  "{at: 4m, for: 3m, nodes: slowBoot, boot: 9m}", ready: map[int64]float64{13: 2, 14: 5},
		},
		"SlowBootOver": {
			reason: "nodes that are launched later boot as ever",
			fault:  "{at: 1m, for: 3m, nodes: slowBoot, factor: 4}", ready: map[int64]float64{5: 2, 6: 5},
		},
		"SlowBootByChance": {
			reason: "by chance, some nodes boot slowly and others do not",
			fault:  "{at: 4m, for: 3m, nodes: slowBoot, factor: 4, probability: 0.5}", ready: map[int64]float64{5: 2, 6: 3, 11: 5},
		},
		"StockOutTwice": {
			reason: "a stock-out that begins as another one ends goes on, whatever they are called",
			fault:  "{name: b, at: 4m, for: 3m, nodes: stockOut}, {name: a, at: 7m, for: 3m, nodes: stockOut}", ready: map[int64]float64{9: 2, 11: 5},
		},
		"SlowBootTwice": {
			reason: "a fault that ends leaves the other one of its kind",
			fault:  "{name: long, at: 2m, for: 6m, nodes: slowBoot, factor: 4}, {name: short, at: 3m, for: 1m, nodes: slowBoot, factor: 9}", ready: map[int64]float64{9: 2, 10: 2, 11: 5},
		},
		"FailedBootTwice": {
			reason: "also of nodes that do not boot",
			group:  ", replaceAfter: 5m", fault: "{name: long, at: 2m, for: 5m, nodes: failedBoot}, {name: short, at: 3m, for: 1m, nodes: failedBoot}", ready: map[int64]float64{9: 2, 12: 5},
		},
		"LyingTwice": {
			reason: "the news is as old as when the first one began",
			fault:  "{name: long, at: 4m, for: 5m, nodes: lying}, {name: short, at: 4m30s, for: 4m, nodes: lying}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{8: 2, 10: 5},
		},
		"Throttled": {
			reason: "a call that is throttled holds, and is repeated",
			fault:  "{at: 4m, for: 3m, nodes: throttled, object: sng/batch}", ready: map[int64]float64{7: 2, 9: 5}, code: "Throttled",
		},
		"Down": {
			reason: "a provider that does not answer holds",
			fault:  "{at: 4m, for: 3m, nodes: down}", ready: map[int64]float64{7: 2, 9: 5}, code: "Unavailable",
		},
		"Lost": {
			reason: "nodes that vanish are replaced by the provider, and fewer are never wanted",
			fault:  "{at: 10m, nodes: lost, count: 4}", spec: map[int64]float64{10: 5, 11: 5}, ready: map[int64]float64{9: 5, 11: 5},
		},
		"Isolated": {
			reason: "nodes that lose the cluster come back",
			fault:  "{at: 10m, for: 2m, nodes: isolated, count: 9}", spec: map[int64]float64{11: 5}, ready: map[int64]float64{9: 5, 11: 0, 13: 5},
		},
		"Lying": {
			reason: "a provider that reports old news is told again, and nothing worse",
			fault:  "{at: 4m, for: 5m, nodes: lying}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{6: 2, 10: 5},
		},
		"Updating": {
			reason: "a group that is updated takes no size until that is over",
			fault:  "{at: 4m, for: 3m, nodes: updating, object: sng/batch}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{6: 2, 11: 5}, code: "InProgress",
		},
		"Suspended": {
			reason: "a group whose processes are suspended takes the size, and its machines come later",
			fault:  "{at: 4m, for: 6m, nodes: suspended}", spec: map[int64]float64{6: 5}, ready: map[int64]float64{9: 2, 11: 5}, code: "Forbidden",
		},
		"Restart": {
			reason: "a new controller goes on where the store is",
			fault:  "{at: 5m, controller: restart}", spec: map[int64]float64{5: 5}, ready: map[int64]float64{6: 5},
		},
		"Restarts": {
			reason: "restarts at every slot change nothing",
			fault:  "{probability: 1, controller: restart}", spec: map[int64]float64{5: 5}, ready: map[int64]float64{6: 5},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(strings.Replace(groupBase, "GROUP", c.group, 1), "FAULT", c.fault, 1)
			if c.edit != nil {
				text = c.edit(text)
			}
			result, decisions := playText(t, text)
			o := &result.Objects[0]
			start := o.Spec.T[0]
			at := func(s *Steps, want map[int64]float64) map[int64]float64 {
				got := map[int64]float64{}
				for minute := range want {
					got[minute] = s.At(start + 60*minute + 59)
				}
				return got
			}
			if diff := cmp.Diff(c.spec, at(&o.Spec, c.spec)); len(c.spec) > 0 && diff != "" {
				t.Errorf("%s: wanted by minute, -want +got:\n%s", c.reason, diff)
			}
			if diff := cmp.Diff(c.ready, at(&o.Ready, c.ready)); diff != "" {
				t.Errorf("%s: ready by minute, -want +got:\n%s", c.reason, diff)
			}
			if c.code != "" && !strings.Contains(decisions, c.code) {
				t.Errorf("%s: the journal has no %s", c.reason, c.code)
			}
			for _, outcome := range result.Outcomes {
				if !outcome.Passed {
					t.Errorf("%s: %s", c.reason, outcome.Message)
				}
			}
		})
	}
}

func TestNodeGroupErrors(t *testing.T) {
	cases := map[string]struct{ reason, group, fault, want string }{
		"FaultObject": {
			reason: "a fault hits what is there",
			fault:  "{at: 1m, nodes: lost, object: sng/other}",
			want:   "spec.faults[0].object: the run has no default/ScalableNodeGroup/other",
		},
		"FaultKind": {
			reason: "a fault of what the run has none of would go unnoticed",
			fault:  "{at: 1m, queues: down}",
			want:   "spec.faults[0].queues: the run has no MetricsProducer of a queue",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(strings.Replace(groupBase, "GROUP", c.group, 1), "FAULT", c.fault, 1)
			in, autoscalers := openFile(t, loadText(t, text))
			_, err := in.Play(t.Context(), autoscalers, Options{})
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("%s: %v, want ... %s", c.reason, err, c.want)
			}
		})
	}
}

func TestEdits(t *testing.T) {
	base := strings.Replace(faultBase, "faults: [FAULT]", "edits: [EDIT]", 1)
	cases := map[string]struct {
		reason, edit string
		want         map[int64]float64
		err          string
	}{
		"Bounds": {
			reason: "bounds act at the slot of the edit",
			edit:   "{at: 10m, set: spec.maxReplicas=4}, {at: 12m, set: spec.minReplicas=3, object: ha/web}, {at: 14m, set: spec.maxReplicas=20}",
			want:   map[int64]float64{9: 6, 10: 4, 12: 4, 14: 6},
		},
		"Target": {
			reason: "a target value acts at the slot of the edit",
			edit:   "{at: 10m, set: 'spec.metrics[0].prometheus.target.value=5'}",
			want:   map[int64]float64{9: 6, 10: 12},
		},
		"Query": {
			reason: "a query that nobody prepared cannot be asked",
			edit:   "{at: 10m, set: 'spec.metrics[0].prometheus.query=up'}",
			err:    "spec.metrics[0].prometheus.query cannot be changed during a run",
		},
		"Invalid": {
			reason: "an edit leaves a valid object",
			edit:   "{at: 10m, set: 'spec.minReplicas=30'}",
			err:    "spec.minReplicas: Invalid value: 30: must be at most maxReplicas",
		},
		"NoObject": {
			reason: "an edit is of an object that is there",
			edit:   "{at: 10m, object: ha/api, set: 'spec.minReplicas=3'}",
			err:    "spec.edits[0].object: the run has no ha/api",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(base, "EDIT", c.edit, 1)
			in, autoscalers := openFile(t, loadText(t, text))
			result, err := in.Play(t.Context(), autoscalers, Options{})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s: %v, want %s", c.reason, err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[int64]float64{}
			for minute := range c.want {
				got[minute] = result.Objects[0].Spec.At(result.Objects[0].Spec.T[0] + 60*minute)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s, -want +got:\n%s", c.reason, diff)
			}
		})
	}
}

// cloudBase has a schedule that sizes a group: two nodes, and three in the first
// ten minutes.
const cloudBase = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: cloud}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 30m
  controller: {phase: aligned}
  nodeGroups: [{name: batch}]
  edits: [EDIT]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: batch}
spec:
  scaleTargetRef: {apiVersion: autoscaling.karpenter.sh/v1alpha1, kind: ScalableNodeGroup, name: batch}
  minReplicas: 1
  maxReplicas: 20
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  metrics: [{prometheus: {query: karpenter_scheduled_replicas_value, target: {type: AverageValue, value: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: batch}
spec: {type: AWSEC2AutoScalingGroup, id: batch, replicas: 1}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: hours}
spec:
  scheduleSpec:
    defaultReplicas: 2
    behaviors: [{replicas: 3, start: {hours: "8"}, end: {hours: "8", minutes: "10"}}]
`

// TestEditsOfTheCloud edits node groups and producers in flight.
func TestEditsOfTheCloud(t *testing.T) {
	cases := map[string]struct {
		reason, edit string
		// ready are the nodes at the end of a minute.
		ready map[int64]float64
		err   string
	}{
		"None":     {"the schedule alone", "", map[int64]float64{4: 3, 9: 3, 12: 2}, ""},
		"Producer": {"a schedule acts from the edit on", "{at: 5m, object: mp/hours, set: 'spec.scheduleSpec.behaviors[0].replicas=6'}", map[int64]float64{4: 3, 7: 6, 12: 2}, ""},
		"DryRun": {"a group in dry run is told nothing, and later everything", "{at: 5m, object: sng/batch, set: spec.dryRun=true}, {at: 20m, object: sng/batch, set: spec.dryRun=false}",
			map[int64]float64{4: 3, 12: 3, 19: 3, 21: 2}, ""},
		"Replicas": {"an autoscaler sets a size back that somebody else set", "{at: 15m, object: default/sng/batch, set: spec.replicas=9}", map[int64]float64{14: 2, 16: 2}, ""},
		"Type":     {"a group of another type would be another group", "{at: 5m, object: sng/batch, set: 'spec.type=AWSEKSNodeGroup,spec.id=arn:aws:eks:eu-west-1:1:nodegroup/a/b/c'}", nil, "spec.type cannot be changed during a run"},
		"ID":       {"so would one of another name", "{at: 5m, object: sng/batch, set: spec.id=other}", nil, "spec.id cannot be changed during a run"},
		"Source": {"a producer keeps to what it measures", "{at: 5m, object: mp/hours, set: 'spec.scheduleSpec=null,spec.reservedCapacity.nodeSelector.pool=a'}", nil,
			"spec.scheduleSpec cannot give way to spec.reservedCapacity during a run"},
		"Invalid": {"an edit leaves a valid object", "{at: 5m, object: mp/hours, set: 'spec.scheduleSpec.behaviors[0].start.hours=25'}", nil, "spec.scheduleSpec.behaviors[0].start.hours"},
		"Missing": {"of an object that is there", "{at: 5m, object: mp/other, set: spec.queue=null}", nil, "spec.edits[0].object: the run has no mp/other"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in, autoscalers := openFile(t, loadText(t, strings.Replace(cloudBase, "EDIT", c.edit, 1)))
			result, err := in.Play(t.Context(), autoscalers, Options{})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s: %v, want %s", c.reason, err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.ready, readyByMinute(result, c.ready)); diff != "" {
				t.Errorf("%s, -want +got:\n%s", c.reason, diff)
			}
		})
	}
}

func readyByMinute(result *Result, minutes map[int64]float64) map[int64]float64 {
	o := &result.Objects[0]
	got := map[int64]float64{}
	for minute := range minutes {
		got[minute] = o.Ready.At(o.Ready.T[0] + 60*minute + 59)
	}
	return got
}

// TestQueueFaults has reads of a queue fail: its series end, and nothing shrinks.
func TestQueueFaults(t *testing.T) {
	base := `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: queue}
spec:
  seed: 3
  start: "2026-01-05T08:00:00Z"
  duration: 30m
  controller: {phase: aligned}
  queues: [{id: "arn:aws:sqs:eu-west-1:1:jobs", initial: 40, arrivals: [{constant: 0}]}]
  targets: [{kind: Deployment, name: web, replicas: 4}]
  faults: [FAULT]
  expect:
    - {name: read, at: 9m, expr: 'karpenter_queue_length{name="jobs"} == 40'}
    - {name: afterwards, at: 25m, expr: 'karpenter_queue_length{name="jobs"} == 40'}
    - {name: nothing shrinks, always: 'kube_deployment_spec_replicas == 4'}
    - {name: meanwhile, at: 15m, expr: 'MEANWHILE'}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: jobs}
spec: {queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:1:jobs"}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 0
  maxReplicas: 20
  metrics: [{prometheus: {query: 'karpenter_queue_length{name="jobs"}', target: {type: AverageValue, value: 10}}}]
`
	cases := map[string]struct{ reason, fault, meanwhile, code string }{
		"Down":      {"a queue that does not answer", "{at: 10m, for: 10m, queues: down}", "absent(karpenter_queue_length)", `"error":"Unavailable"`},
		"Throttled": {"that of one producer", "{at: 10m, for: 10m, queues: throttled, object: mp/jobs}", "absent(karpenter_queue_length)", `"error":"Throttled"`},
		"None":      {"no fault, no gap", "", "karpenter_queue_length == 40", `"kind":"MetricsProducer"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, decisions := playText(t, strings.NewReplacer("FAULT", c.fault, "MEANWHILE", c.meanwhile).Replace(base))
			for _, o := range result.Outcomes {
				if !o.Passed {
					t.Errorf("%s: %s: %s", c.reason, o.Name, o.Message)
				}
			}
			if !strings.Contains(decisions, c.code) {
				t.Errorf("%s: the journal has no %s", c.reason, c.code)
			}
		})
	}
}

// TestUnreadSources tells of what producers will not find.
func TestUnreadSources(t *testing.T) {
	text := strings.Replace(cloudBase, "EDIT", "", 1) + `---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: jobs}
spec: {queue: {type: AWSSQSQueue, id: "arn:aws:sqs:eu-west-1:1:jobs"}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: pods}
spec: {pendingCapacity: {nodeSelector: {a: b}, nodeGroupRef: {name: other}}}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: right}
spec: {pendingCapacity: {nodeSelector: {a: b}, nodeGroupRef: {name: batch}}}
`
	result, _ := playText(t, text)
	want := []string{
		"MetricsProducer default/jobs finds no queue arn:aws:sqs:eu-west-1:1:jobs, because spec.queues has none of that id",
		"MetricsProducer default/pods finds no ScalableNodeGroup other, because there is no manifest of it",
	}
	if diff := cmp.Diff(want, result.Notes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestColumnsOfTheCloud plays the node groups and producers of a column.
func TestColumnsOfTheCloud(t *testing.T) {
	file := loadText(t, strings.Replace(cloudBase, "EDIT", "", 1))
	in, autoscalers := openFile(t, file)
	for set, want := range map[string]map[int64]float64{
		"sng/batch:spec.dryRun=true":                {4: 1, 12: 1},
		"mp/hours:spec.scheduleSpec.behaviors=null": {4: 2, 12: 2},
	} {
		column, err := file.Manifests.Assign([]string{set})
		if err != nil {
			t.Fatal(err)
		}
		result, err := in.Play(t.Context(), autoscalers, Options{Manifests: column})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, readyByMinute(result, want)); diff != "" {
			t.Errorf("%s, -want +got:\n%s", set, diff)
		}
	}
}
