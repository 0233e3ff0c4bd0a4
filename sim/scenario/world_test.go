package scenario

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorldErrors(t *testing.T) {
	cases := map[string]struct {
		reason, spec, want string
	}{
		"WorkloadCapacity": {
			reason: "a replica that serves nothing divides by zero",
			spec:   "workloads: [{name: web, demand: [{constant: 1}], capacityPerReplica: 0}]",
			want:   `s.yaml:6:70: spec.workloads[0].capacityPerReplica: want a number above 0, got 0`,
		},
		"WorkloadUnknownField": {
			reason: "a misspelt field would be ignored otherwise",
			spec:   "workloads: [{name: web, demand: [{spkie: {}}], capacityPerReplica: 1, startUp: 1m}]",
			want: `s.yaml:6:35: spec.workloads[0].demand[0].spkie: unknown field; did you mean "spike"?
s.yaml:6:71: spec.workloads[0].startUp: unknown field; did you mean "startup"?`,
		},
		"WorkloadDelay": {
			reason: "a delay is a duration or a distribution",
			spec:   "workloads: [{name: web, demand: [{constant: 1}], capacityPerReplica: 1, startup: -5s, serviceTime: {p50: 1s}}, {name: api, demand: [{constant: 1}], capacityPerReplica: 1, startup: {p50: 2m, p95: 1m}}]",
			want: `s.yaml:6:82: spec.workloads[0].startup: want a duration such as 30s, {min: 20s, max: 1m} or {p50: 30s, p95: 2m}, got "-5s"
s.yaml:6:100: spec.workloads[0].serviceTime: want a duration such as 30s, {min: 20s, max: 1m} or {p50: 30s, p95: 2m}
s.yaml:6:181: spec.workloads[1].startup: p50: 2m, p95: 1m: want p50 above 0s and p95 not below it`,
		},
		"WorkloadTerms": {
			reason: "each term is one thing, and takes time",
			spec:   "workloads: [{name: web, capacityPerReplica: 1, demand: [{}, {constant: 1, expr: up}, {spike: {by: 3, at: 1m}}, {sine: {amplitude: 1, period: 0s}}, {ramp: {by: 1, at: 2h, over: 0s}}, {expr: 'up['}, {noise: {percent: 0}}]}]",
			want: `s.yaml:6:57: spec.workloads[0].demand[0]: want exactly one of constant, step, ramp, spike, sine, noise, expr and recorded; got none
s.yaml:6:61: spec.workloads[0].demand[1]: want exactly one of constant, step, ramp, spike, sine, noise, expr and recorded; got constant, expr
s.yaml:6:94: spec.workloads[0].demand[2].spike: want rise, for or fall, else it lasts no time
s.yaml:6:142: spec.workloads[0].demand[3].sine.period: must be more than 0s
s.yaml:6:167: spec.workloads[0].demand[4].ramp.at: 2h is past the end of the run at 1h
s.yaml:6:177: spec.workloads[0].demand[4].ramp.over: must be more than 0s; a step changes at once
s.yaml:6:190: spec.workloads[0].demand[5].expr: PromQL, character 4: unexpected end of input in duration expression
s.yaml:6:216: spec.workloads[0].demand[6].noise.percent: want a number above 0, at most 1000, got 0`,
		},
		"WorkloadOwners": {
			reason: "two parts of the world cannot own one object",
			spec:   "targets: [{kind: Deployment, name: web}], workloads: [{name: web, demand: [{constant: 1}], capacityPerReplica: 1}]",
			want:   `s.yaml:6:55: spec.workloads[0]: default/Deployment/web has two owners; the first is spec.targets[0] at s.yaml:6:11`,
		},
		"WorkloadLabels": {
			reason: "a series has a label once",
			spec:   "workloads: [{name: web, demand: [{constant: 1}], capacityPerReplica: 1, labels: {code: x, a-b: z}}]",
			want: `s.yaml:6:88: spec.workloads[0].labels[code]: the series have this label already; taken are code, le, namespace, queue, service
s.yaml:6:96: spec.workloads[0].labels[a-b]: "a-b" is no label's name; want letters, digits and '_'`,
		},
		"FaultOfQueues": {
			reason: "a fault of queues is one that is known, of a producer",
			spec:   "faults: [{at: 1m, queues: lost}, {at: 1m, queues: down, object: ha/web}]",
			want: `s.yaml:6:27: spec.faults[0].queues: unknown fault "lost"; allowed: throttled, down
s.yaml:6:65: spec.faults[1].object: default/HorizontalAutoscaler/web is no MetricsProducer`,
		},
		"EditObject": {
			reason: "an edit is of an object of our kinds, or of one that is scaled",
			spec:   "edits: [{at: 1m, object: deployment/web, set: spec.replicas=3}, {at: 1m, object: web, set: spec.replicas=3}]",
			want:   `s.yaml:6:82: spec.edits[1].object: "web" is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web`,
		},
		"Objects": {
			reason: "what takes part is of our kinds, and named once",
			spec:   "objects: [web, deployment/web, ha/web, default/horizontalautoscaler/web]",
			want: `s.yaml:6:11: spec.objects[0]: "web" is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web
s.yaml:6:16: spec.objects[1]: default/Deployment/web is of none of our kinds; want a HorizontalAutoscaler (ha), MetricsProducer (mp) or ScalableNodeGroup (sng)
s.yaml:6:40: spec.objects[3]: default/HorizontalAutoscaler/web is named already, as spec.objects[2]`,
		},
		"FaultKinds": {
			reason: "a fault is one thing that is known",
			spec:   "faults: [{at: 1m, metrics: gone}, {at: 1m, controller: restart, target: conflict}, {metrics: down}]",
			want: `s.yaml:6:28: spec.faults[0].metrics: unknown fault "gone"; allowed: down, slow, empty, nan, stale, partial, duplicated, late
s.yaml:6:35: spec.faults[1]: want exactly one of metrics, controller, target, nodes and queues; got controller, target
s.yaml:6:84: spec.faults[2]: want at, when it begins, or probability`,
		},
		"Call": {
			reason: "a provider has two calls, and only some faults are of calls",
			spec:   "faults: [{at: 1m, nodes: throttled, call: describe}, {at: 1m, nodes: lost, call: resize}, {at: 1m, nodes: down, call: observe}]",
			want: `s.yaml:6:43: spec.faults[0].call: unknown call "describe"; allowed: observe, resize
s.yaml:6:82: spec.faults[1].call: belongs to nodes: throttled, nodes: down and nodes: forbidden`,
		},
		"Lost": {
			reason: "what is gone at once does not last",
			spec:   "faults: [{at: 1m, for: 5m, nodes: lost}]",
			want:   `s.yaml:6:24: spec.faults[0].for: nodes: lost takes no time: the nodes are gone at once`,
		},
		"Backlog": {
			reason: "more cannot wait at the start than may wait at all",
			spec:   "workloads: [{name: w, demand: [{constant: 1}], capacityPerReplica: 1, queue: {limit: 10, initial: 11}}]",
			want:   `s.yaml:6:99: spec.workloads[0].queue.initial: more than may wait: limit is 10`,
		},
		"SlowBoot": {
			reason: "a slow boot is slower than something, in one way",
			spec:   "nodeGroups: [{name: a, boot: 1m}, {name: b}], faults: [{at: 1m, nodes: slowBoot}, {at: 1m, nodes: slowBoot, factor: 1, object: sng/a}, {at: 1m, nodes: slowBoot, factor: 2, object: sng/b}, {at: 1m, nodes: lost, boot: 2m}]",
			want: `s.yaml:6:56: spec.faults[0]: want exactly one of factor, e.g. 5, and boot, e.g. {p50: 5m, p95: 10m}
s.yaml:6:117: spec.faults[1].factor: want a number above 1, at most 1000, got 1
s.yaml:6:170: spec.faults[2].factor: no node group that it hits has a boot delay to multiply; say boot instead
s.yaml:6:217: spec.faults[3].boot: belongs to nodes: slowBoot`,
		},
		"Prices": {
			reason: "what is there costs something or nothing, for whole seconds",
			spec:   "targets: [{kind: Deployment, name: t, pricePerHour: -1}], workloads: [{name: w, demand: [{constant: 1}], capacityPerReplica: 1, billing: {minimum: 1m, increment: 100ms}}], nodeGroups: [{name: g, pricePerHour: -2}]",
			want: `s.yaml:6:53: spec.targets[0].pricePerHour: want 0 or more, got -1
s.yaml:6:163: spec.workloads[0].billing.increment: want whole seconds, got 100ms
s.yaml:6:210: spec.nodeGroups[0].pricePerHour: want 0 or more, got -2`,
		},
		"NodeGroup": {
			reason: "sizes lie within bounds, shares within 0 and 1",
			spec:   "nodeGroups: [{name: a, min: 3, max: 2}, {name: a, nodes: -1}, {name: b, bootFailure: 2, allocatable: {cpu: -1, memory: 0}, taints: [{key: x}]}]",
			want: `s.yaml:6:37: spec.nodeGroups[0].max: want min (3) or more, at most 30000, got 2
s.yaml:6:41: spec.nodeGroups[1]: default/ScalableNodeGroup/a has two owners; the first is spec.nodeGroups[0] at s.yaml:6:14
s.yaml:6:58: spec.nodeGroups[1].nodes: want a size from 0 to 30000, got -1
s.yaml:6:86: spec.nodeGroups[2].bootFailure: want a share from 0 to 1, got 2
s.yaml:6:108: spec.nodeGroups[2].allocatable[cpu]: want 0 or more, at most 1000000000000000, got -1
s.yaml:6:120: spec.nodeGroups[2].allocatable[memory]: must be more than 0: no pod can run on such a node
s.yaml:6:133: spec.nodeGroups[2].taints[0]: want a key and an effect: NoSchedule, PreferNoSchedule or NoExecute`,
		},
		"Queue": {
			reason: "who takes messages takes some, and each queue is there once",
			spec:   "queues: [{id: q, arrivals: [{constant: 1}], consumer: ha}, {id: q, arrivals: [{constant: 1}], capacityPerReplica: 2}]",
			want: `s.yaml:6:10: spec.queues[0].capacityPerReplica: want a number above 0, got 0
s.yaml:6:55: spec.queues[0].consumer: "ha" is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web
s.yaml:6:60: spec.queues[1].consumer: required with capacityPerReplica: who takes the messages
s.yaml:6:65: spec.queues[1].id: spec.queues[0] has this queue already`,
		},
		"Consumer": {
			reason: "what two demands need of one object would not be added up",
			spec: "workloads: [{name: web, demand: [{constant: 1}], capacityPerReplica: 1}], queues: [{id: a, arrivals: [{constant: 1}], consumer: deploy/api, capacityPerReplica: 1}, " +
				"{id: b, arrivals: [{constant: 1}], consumer: default/Deployment/api, capacityPerReplica: 1}, {id: c, arrivals: [{constant: 1}], consumer: deploy/web, capacityPerReplica: 1}]",
			want: `s.yaml:6:210: spec.queues[1].consumer: default/Deployment/api serves spec.queues[0] already; an object serves one demand or one queue
s.yaml:6:303: spec.queues[2].consumer: default/Deployment/web serves spec.workloads[0] already; an object serves one demand or one queue`,
		},
		"FaultTimes": {
			reason: "a fault happens during the run",
			spec:   "faults: [{at: 1h, metrics: down}, {at: 1m, for: 0s, metrics: down}, {probability: 0, metrics: slow}]",
			want: `s.yaml:6:15: spec.faults[0].at: 1h is past the last decision; the run lasts 1h
s.yaml:6:49: spec.faults[1].for: must be more than 0s
s.yaml:6:83: spec.faults[2].probability: want a number above 0, at most 1, got 0`,
		},
		"FaultByChance": {
			reason: "what hits no single operation does not hit by chance",
			spec:   "faults: [{probability: 0.1, nodes: lost}, {at: 1m, probability: 0.1, nodes: stockOut}, {probability: 0.1, nodes: down}, {probability: 0.1, nodes: failedBoot}]",
			want: `s.yaml:6:24: spec.faults[0].probability: nodes: lost hits neither calls nor boots: it takes no probability
s.yaml:6:65: spec.faults[1].probability: nodes: stockOut hits neither calls nor boots: it takes no probability`,
		},
		"FaultFields": {
			reason: "a field that the fault does not heed is a mistake",
			spec:   "faults: [{at: 1m, metrics: down, delay: 1m}, {at: 1m, controller: restart, object: deploy/web}, {at: 1m, probability: 0.5, metrics: partial}, {at: 1m, metrics: slow, series: up}, {at: 1m, controller: conflicts, object: sng/nodes}, {at: 1m, controller: restart, object: sng/nodes}]",
			want: `s.yaml:6:41: spec.faults[0].delay: belongs to metrics: late
s.yaml:6:84: spec.faults[1].object: default/Deployment/web is no HorizontalAutoscaler; want the autoscaler that is hit, not its target
s.yaml:6:119: spec.faults[2].probability: metrics: partial acts on samples, not on single answers: it takes no probability; metrics: down and slow do
s.yaml:6:175: spec.faults[3].series: belongs to faults of samples
s.yaml:6:270: spec.faults[5].object: default/ScalableNodeGroup/nodes is no HorizontalAutoscaler; want the autoscaler that is hit, not its target`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseText("s.yaml", []byte(base+tc.spec+"}\n"))
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestWorldDefaults(t *testing.T) {
	spec := `workloads: [{name: web, capacityPerReplica: 5, startup: {min: 1s, max: 3s}, demand: [{constant: 1}, {noise: {percent: 5}}], rollouts: [{at: 5m}]}],
  faults: [{at: 1m, controller: leaderChange}, {at: 1m, for: 1m, metrics: late}]`
	s, err := ParseText("s.yaml", []byte(base+spec+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := s.Spec.Workloads[0]
	if got := w.Reference().String(); got != "default/Deployment/web" || w.APIVersion != "apps/v1" {
		t.Errorf("a workload is a Deployment in default unless it says otherwise, got %s %s", w.APIVersion, got)
	}
	if got := w.Startup.Middle(); got != 2*time.Second {
		t.Errorf("the middle of 1s to 3s is 2s, got %s", got)
	}
	if got := time.Duration(w.Demand[1].Noise.Every); got != 15*time.Second {
		t.Errorf("noise is drawn every 15s unless it says otherwise, got %s", got)
	}
	if got := time.Duration(*s.Spec.Faults[0].For); got != 15*time.Second || s.Spec.Faults[0].Name != "controller leaderChange" {
		t.Errorf("a leader change takes a lease of 15s, got %s, %q", got, s.Spec.Faults[0].Name)
	}
	if got := s.Spec.Faults[1]; time.Duration(got.Delay) != time.Minute || got.Name != "metrics late (2)" {
		t.Errorf("samples are a minute late unless it says otherwise, got %s, %q", got.Delay, got.Name)
	}
	text, err := Write(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseText("again.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s.Spec.Workloads, again.Spec.Workloads); diff != "" {
		t.Errorf("a scenario that was written and read again differs:\n%s", diff)
	}
}
