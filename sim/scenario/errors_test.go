package scenario

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// base is the smallest valid scenario; cases add to its spec, from line 6 on.
const base = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: s}
spec:
  {seed: 1, start: "2026-01-05T08:00:00Z", duration: 1h,
`

func TestParseErrors(t *testing.T) {
	cases := map[string]struct {
		reason string
		// spec is put into base, in flow notation; text replaces all of it.
		spec, text string
		want       string
	}{
		"Required": {
			reason: "seed, start and duration have no defaults",
			text:   "apiVersion: simulation.karpenter.sh/v1alpha1\nkind: Scenario\nmetadata: {}\nspec: {}\n",
			want: `s.yaml:3:11: metadata.name: required
s.yaml:4:7: spec.seed: required
s.yaml:4:7: spec.start: required
s.yaml:4:7: spec.duration: required`,
		},
		"Name": {
			reason: "the name becomes a directory",
			text:   strings.Replace(base, "name: s", "name: ../s", 1) + "}",
			want:   `s.yaml:3:18: metadata.name: "../s" cannot name a directory; want at most 100 letters, digits, '-', '_' and '.', a letter or digit first and last`,
		},
		"Rollouts": {
			reason: "what a Deployment would refuse, or what would never move, is no rollout",
			spec: `targets: [
  {kind: Deployment, name: a, rollouts: [{at: 2h}, {at: 1m, maxSurge: 0, maxUnavailable: 0%}, {at: 1m, maxSurge: 1, batch: 2}, {at: 1m, batch: 0}, {at: 1m, maxUnavailable: 120%}]},
  {kind: StatefulSet, name: b, rollouts: [{at: 1m, maxSurge: 1}]},
  {kind: Deployment, name: c, counts: {ready: x}, rollouts: [{at: 1m}]}]`,
			want: `s.yaml:7:47: spec.targets[0].rollouts[0].at: 2h is past the end of the run at 1h
s.yaml:7:52: spec.targets[0].rollouts[1]: maxSurge and maxUnavailable are both 0, so that no replica could be replaced; want more of one of them
s.yaml:7:124: spec.targets[0].rollouts[2].batch: maxSurge and maxUnavailable say how many are replaced at once; remove batch or these
s.yaml:7:144: spec.targets[0].rollouts[3].batch: want 1 or more, got 0
s.yaml:7:173: spec.targets[0].rollouts[4].maxUnavailable: want at most 100%, got 120%
s.yaml:8:43: spec.targets[1].rollouts[0]: a StatefulSet replaces its pods in place; want batch instead of maxSurge and maxUnavailable
s.yaml:9:61: spec.targets[2].rollouts: counts say how many replicas there are; remove one of the two`,
		},
		"RolloutShare": {
			reason: "a share is a whole number or a whole percentage, written as in a Deployment",
			spec:   `workloads: [{name: a, rollouts: [{at: 1m, maxSurge: lots}, {at: 1m, maxSurge: -1}, {at: 1m, maxUnavailable: 0.5}, {at: 1m, maxSurge: "2"}, {at: 1m, surge: 1}]}]`,
			want: `s.yaml:6:53: spec.workloads[0].rollouts[0].maxSurge: want a number of replicas such as 2, or a percentage such as 25%, got "lots"
s.yaml:6:79: spec.workloads[0].rollouts[1].maxSurge: want a number of replicas such as 2, or a percentage such as 25%, got -1
s.yaml:6:109: spec.workloads[0].rollouts[2].maxUnavailable: want a number of replicas such as 2, or a percentage such as 25%, got 0.5
s.yaml:6:134: spec.workloads[0].rollouts[3].maxSurge: want a number of replicas such as 2, or a percentage such as 25%, got "2"
s.yaml:6:149: spec.workloads[0].rollouts[4].surge: unknown field; allowed: at, batch, maxSurge, maxUnavailable`,
		},
		"RepeatedEdits": {
			reason: "an edit that is made again needs to know how often",
			spec: `edits: [{at: 1m, every: 0s, object: deploy/web, set: spec.replicas=1}, {at: 1m, for: 3m, object: deploy/web, set: spec.replicas=1},
  {at: 1m, every: 1ms, object: deploy/web, set: spec.replicas=1}, {at: 1m, every: 1m, for: 0s, object: web, set: spec.replicas=1}]`,
			want: `s.yaml:6:25: spec.edits[0].every: must be more than 0s
s.yaml:6:86: spec.edits[1].for: says for how long an edit is made again; every is missing, such as every: 3m
s.yaml:7:19: spec.edits[2].every: 1ms is 3600000 times in a run of 1h; at most 100000 are allowed
s.yaml:7:92: spec.edits[3].for: must be more than 0s
s.yaml:7:104: spec.edits[3].object: "web" is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web`,
		},
		"UnknownField": {
			reason: "a misspelt field would be ignored otherwise",
			spec:   "expects: []",
			want:   `s.yaml:6:1: spec.expects: unknown field; did you mean "expect"?`,
		},
		"UnknownFieldInExpectation": {
			reason: "also deep inside",
			spec:   "expect: [{name: a, evntually: up}]",
			want:   `s.yaml:6:20: spec.expect[0].evntually: unknown field; did you mean "eventually"?`,
		},
		"CountsAndReadyAfter": {
			reason: "one of the two says when replicas are ready",
			spec:   "targets: [{kind: Deployment, name: web, readyAfter: 10s, counts: {ready: x}}]",
			want:   `s.yaml:6:53: spec.targets[0].readyAfter: counts say which replicas are ready; remove one of the two`,
		},
		"EmptyCounts": {
			reason: "which would say nothing",
			spec:   "targets: [{kind: Deployment, name: web, counts: {}}]",
			want:   `s.yaml:6:49: spec.targets[0].counts: want status, ready or both: PromQL expressions`,
		},
		"CountsQuery": {
			reason: "counts are PromQL",
			spec:   "targets: [{kind: Deployment, name: web, counts: {ready: 'sum('}}]",
			want:   `s.yaml:6:57: spec.targets[0].counts.ready: PromQL, character 5: unclosed left parenthesis`,
		},
		"NoScenario": {
			reason: "a file of manifests only is no scenario",
			text:   "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n",
			want:   `s.yaml: no Scenario; want a document with apiVersion: simulation.karpenter.sh/v1alpha1 and kind: Scenario`,
		},
		"TwoScenarios": {
			reason: "a file has one scenario",
			text:   base + "}\n---\n" + base + "}\n",
			want:   `s.yaml:8:1: a second Scenario in one file; the first is at s.yaml:1:1`,
		},
		"Version": {
			reason: "another version is not guessed at",
			text:   strings.Replace(base, "v1alpha1", "v1", 1) + "}",
			want:   `s.yaml:1:13: apiVersion: unknown version "simulation.karpenter.sh/v1"; allowed: simulation.karpenter.sh/v1alpha1`,
		},
		"Seed": {
			reason: "a seed is a whole number",
			text:   strings.Replace(base, "seed: 1", "seed: random", 1) + "}",
			want:   `s.yaml:5:10: spec.seed: want a whole number from -9223372036854775808 to 9223372036854775807, got the string "random"`,
		},
		"Start": {
			reason: "start is RFC 3339",
			text:   strings.Replace(base, `"2026-01-05T08:00:00Z"`, `"2026-01-05 08:00"`, 1) + "}",
			want:   `s.yaml:5:20: spec.start: want a time such as "2026-01-05T08:00:00Z" (RFC 3339), got "2026-01-05 08:00"`,
		},
		"StartFraction": {
			reason: "slots are whole seconds",
			text:   strings.Replace(base, `08:00:00Z`, `08:00:00.5Z`, 1) + "}",
			want:   `s.yaml:5:20: spec.start: want a time in whole seconds, got "2026-01-05T08:00:00.5Z"`,
		},
		"StartFar": {
			reason: "times are counted in 64 bits",
			text:   strings.Replace(base, `2026`, `2826`, 1) + "}",
			want:   `s.yaml:5:20: spec.start: want a time from 1970 to 2200, got "2826-01-05T08:00:00Z"`,
		},
		"Duration": {
			reason: "durations are Prometheus's, without fractions",
			text:   strings.Replace(base, `1h`, `1.5h`, 1) + "}",
			want:   `s.yaml:5:54: spec.duration: want a duration such as 15s or 1h30m, got "1.5h"`,
		},
		"DurationNumber": {
			reason: "a number has no unit",
			spec:   "interval: 15",
			want:   `s.yaml:6:11: spec.interval: want a duration such as 15s or 1h30m, got 15`,
		},
		"DurationNegative": {
			reason: "no duration is negative",
			spec:   "controller: {queryOffset: -5s}",
			want:   `s.yaml:6:27: spec.controller.queryOffset: want a duration such as 15s or 1h30m, got "-5s"`,
		},
		"Positive": {
			reason: "an interval of nothing never ends",
			spec:   "interval: 0s, prometheus: {scrapeInterval: 0s, lookbackDelta: 0s, evaluationInterval: 0s}",
			want: `s.yaml:6:11: spec.interval: must be more than 0s
s.yaml:6:44: spec.prometheus.scrapeInterval: must be more than 0s
s.yaml:6:63: spec.prometheus.lookbackDelta: must be more than 0s
s.yaml:6:87: spec.prometheus.evaluationInterval: must be more than 0s`,
		},
		"NoDuration": {
			reason: "a run of nothing decides nothing",
			text:   strings.Replace(base, `1h`, `0s`, 1) + "}",
			want:   `s.yaml:5:54: spec.duration: must be more than 0s`,
		},
		"DurationLong": {
			reason: "time ends in 2262",
			text:   strings.Replace(base, `1h`, `290y`, 1) + "}",
			want:   `s.yaml:5:54: spec.duration: the run would end in 2315; want an end until 2200`,
		},
		"Phase": {
			reason: "there are two phases",
			spec:   "controller: {phase: align}",
			want:   `s.yaml:6:21: spec.controller.phase: unknown phase "align"; allowed: aligned, hashed`,
		},
		"Paths": {
			reason: "a path is not empty and stands once",
			spec:   `manifests: ["", a.yaml, a.yaml]`,
			want: `s.yaml:6:13: spec.manifests[0]: the path is empty
s.yaml:6:25: spec.manifests[2]: a.yaml is named twice`,
		},
		"World": {
			reason: "each part of the world says what it is",
			spec:   "nodeGroups: [{}], workloads: [{}], queues: [{}], faults: [{}]",
			want: `s.yaml:6:14: spec.nodeGroups[0].name: required: the name of a ScalableNodeGroup
s.yaml:6:31: spec.workloads[0].name: required
s.yaml:6:31: spec.workloads[0].capacityPerReplica: required: what one replica serves a second
s.yaml:6:31: spec.workloads[0].demand: required: a list of terms such as {constant: 100}
s.yaml:6:45: spec.queues[0].id: required: spec.queue.id of a MetricsProducer
s.yaml:6:45: spec.queues[0].arrivals: required: a list of terms such as {constant: 10}
s.yaml:6:59: spec.faults[0]: want exactly one of metrics, controller, target, nodes and queues; got none`,
		},
		"SeriesEmpty": {
			reason: "a series has a name and values",
			spec:   `inputSeries: [{values: "1"}, {series: up}]`,
			want: `s.yaml:6:15: spec.inputSeries[0].series: required
s.yaml:6:30: spec.inputSeries[1].values: required`,
		},
		"SeriesSyntax": {
			reason: "the notation is promtool's",
			spec:   `inputSeries: [{series: 'up{a=', values: "1"}]`,
			want:   `s.yaml:6:15: spec.inputSeries[0]: input series "up{a=": values, character 1: unexpected character inside braces: '1'`,
		},
		"SeriesCap": {
			reason: "repetitions are bounded before they are expanded",
			spec:   `inputSeries: [{series: up, values: "1x99999999999"}]`,
			want:   `s.yaml:6:15: spec.inputSeries[0]: input series "up": too many values: all input series together may have at most 10000000 samples (100000 if they are histograms); shorten the repetitions`,
		},
		"SeriesTwice": {
			reason: "one series has one value at a time",
			spec:   `inputSeries: [{series: 'up{a="1",b="2"}', values: "1"}, {series: 'up{b="2",a="1"}', values: "2"}]`,
			want:   `s.yaml:6:14: spec.inputSeries: input series "up{b=\"2\",a=\"1\"}": the series is defined twice; labels must differ`,
		},
		"Recording": {
			reason: "everything about a recording but the file itself can be checked here",
			spec:   `recordings: [{format: xls, shift: forward, scale: 0, time: {zone: Mars/Olympus}, series: {v: 'up{', w: up, x: 'up{}'}}]`,
			want: `s.yaml:6:14: spec.recordings[0].file: required
s.yaml:6:23: spec.recordings[0].format: unknown format "xls"; allowed: csv, openmetrics, tsdb, json, recording
s.yaml:6:35: spec.recordings[0].shift: unknown shift "forward"; allowed: toStart, or absent to keep the timestamps
s.yaml:6:51: spec.recordings[0].scale: want a number above 0, got 0
s.yaml:6:67: spec.recordings[0].time.zone: unknown time zone "Mars/Olympus"; want an IANA name such as Europe/Berlin
s.yaml:6:94: spec.recordings[0].series[v]: "up{" is no series; want a name with labels such as requests{lb="x"}
s.yaml:6:111: spec.recordings[0].series[x]: up{} is already the series of column "w"`,
		},
		"RecordingColumns": {
			reason: "columns are a matter of CSV",
			spec:   `recordings: [{file: a.om, format: openmetrics, time: {column: t}, series: {v: up}}]`,
			want: `s.yaml:6:54: spec.recordings[0].time: is for format csv only, not openmetrics
s.yaml:6:75: spec.recordings[0].series: is for format csv only, not openmetrics`,
		},
		"Target": {
			reason: "a target has kind, name, and a version that can be known",
			spec:   `targets: [{}, {kind: deploy, name: a}, {kind: Rollout, name: b, replicas: -1}]`,
			want: `s.yaml:6:11: spec.targets[0].kind: required
s.yaml:6:11: spec.targets[0].name: required
s.yaml:6:22: spec.targets[1].kind: unknown kind "deploy"; did you mean "Deployment"?
s.yaml:6:40: spec.targets[2].apiVersion: required for kind "Rollout"
s.yaml:6:75: spec.targets[2].replicas: want 0 or more, got -1`,
		},
		"TwoOwners": {
			reason: "two owners would write the same replicas",
			spec:   `targets: [{kind: Deployment, name: web}, {apiVersion: apps/v1, kind: Deployment, namespace: default, name: web}]`,
			want:   `s.yaml:6:42: spec.targets[1]: default/Deployment/web has two owners; the first is spec.targets[0] at s.yaml:6:11`,
		},
		"Replay": {
			reason: "replay's own fields are checked as its flags are",
			spec:   `replay: {scale: -1, demand: 'sum(', replicas: {web: up, deploy/web: up, default/Deployment/web: up, deploy/api: 'up[5m]'}}`,
			want: `s.yaml:6:9: spec.replay.capacity: required with demand: how many of its units one replica serves
s.yaml:6:17: spec.replay.scale: want a number above 0, got -1
s.yaml:6:29: spec.replay.demand: PromQL, character 5: unclosed left parenthesis
s.yaml:6:53: spec.replay.replicas[web]: "web" is no object; want [NAMESPACE/]KIND/NAME such as shop/deployment/web
s.yaml:6:69: spec.replay.replicas[deploy/web]: the same object as default/Deployment/web
s.yaml:6:113: spec.replay.replicas[deploy/api]: a range vector cannot be judged; want an instant vector or a scalar, e.g. rate(...) of it`,
		},
		"ReplayDemand": {
			reason: "capacity is in units of demand",
			spec:   `replay: {capacity: 10}`,
			want:   `s.yaml:6:9: spec.replay.demand: required with capacity: a PromQL expression in its units`,
		},
		"Variants": {
			reason: "variants are columns of one report, and policies",
			spec:   `variants: [{name: current, set: a=1}, {name: a, set: a=1}, {name: a, manifests: [x.yaml]}, {name: b}, {name: c, set: a=1, manifests: [x.yaml]}, {set: [a=1]}]`,
			want: `s.yaml:6:19: spec.variants[0].name: "current" is taken; recorded, current, baseline, oracle and the other variants are columns of the same report
s.yaml:6:67: spec.variants[2].name: "a" is taken; recorded, current, baseline, oracle and the other variants are columns of the same report
s.yaml:6:92: spec.variants[3]: want exactly one of manifests and set
s.yaml:6:103: spec.variants[4]: want exactly one of manifests and set
s.yaml:6:145: spec.variants[5].name: required`,
		},
		"VariantColumns": {
			reason: "nor are they the columns that --baseline and the references add",
			spec:   `variants: [{name: baseline, set: a=1}, {name: oracle, set: a=1}]`,
			want: `s.yaml:6:19: spec.variants[0].name: "baseline" is taken; recorded, current, baseline, oracle and the other variants are columns of the same report
s.yaml:6:47: spec.variants[1].name: "oracle" is taken; recorded, current, baseline, oracle and the other variants are columns of the same report`,
		},
		"VariantSet": {
			reason: "assignments are text",
			spec:   `variants: [{name: a, set: 5}, {name: b, set: {spec.maxReplicas: [1]}}]`,
			want: `s.yaml:6:27: spec.variants[0].set: want PATH=VALUE, a list of them, or a mapping from path to value
s.yaml:6:46: spec.variants[1].set: spec.maxReplicas: want a string, a number, a boolean or null`,
		},
		"Form": {
			reason: "an expectation has one form",
			spec:   `expect: [{name: a}, {name: b, always: up, report: reversals <= 1}]`,
			want: `s.yaml:6:10: spec.expect[0]: want exactly one of at with expr, always, eventually, report and decisions; got none
s.yaml:6:21: spec.expect[1]: want exactly one of at with expr, always, eventually, report and decisions; got always, report`,
		},
		"ExpectationNames": {
			reason: "reports speak of expectations by name",
			spec:   `expect: [{always: up}, {name: a, always: up}, {name: a, always: up}, {name: "a\nb", always: up}]`,
			want: `s.yaml:6:10: spec.expect[0].name: required
s.yaml:6:54: spec.expect[2].name: "a" is taken by spec.expect[1]
s.yaml:6:77: spec.expect[3].name: "a\nb" must be one line of text`,
		},
		"AtIncomplete": {
			reason: "at and expr belong together",
			spec:   `expect: [{name: a, at: 1m}, {name: b, expr: up}]`,
			want: `s.yaml:6:10: spec.expect[0].expr: required with at: a PromQL expression
s.yaml:6:29: spec.expect[1].at: required with expr: the instant, counted from the start of the run`,
		},
		"FieldsOfOtherForms": {
			reason: "a field of another form would be ignored otherwise",
			spec:   `expect: [{name: a, at: 1m, expr: up, from: 1m}, {name: b, always: up, within: 5m}, {name: c, eventually: up, to: 5m}]`,
			want: `s.yaml:6:44: spec.expect[0].from: belongs to always, not to at
s.yaml:6:79: spec.expect[1].within: belongs to eventually, not to always
s.yaml:6:114: spec.expect[2].to: belongs to always, not to eventually`,
		},
		"PromQL": {
			reason: "expressions are parsed before the run",
			spec:   `expect: [{name: a, always: 'sum(up'}, {name: b, always: 'up[5m]'}, {name: c, always: '"x"'}]`,
			want: `s.yaml:6:28: spec.expect[0].always: PromQL, character 7: unclosed left parenthesis
s.yaml:6:57: spec.expect[1].always: a range vector cannot be judged; want an instant vector or a scalar, e.g. rate(...) of it
s.yaml:6:86: spec.expect[2].always: a string cannot be judged; want an instant vector or a scalar`,
		},
		"PastTheEnd": {
			reason: "what is judged after the run would never be judged",
			spec: `expect: [{name: a, at: 61m, expr: up}, {name: b, always: up, from: 2h}, {name: c, always: up, to: 2h},
  {name: d, eventually: up, after: 50m, within: 5m, for: 6m}, {name: e, eventually: up, after: 61m}, {name: f, always: up, from: 5m, to: 1m}]`,
			want: `s.yaml:6:24: spec.expect[0].at: 1h1m is past the end of the run at 1h
s.yaml:6:68: spec.expect[1].from: 2h is past the end of the run at 1h
s.yaml:6:99: spec.expect[2].to: 2h is past the end of the run at 1h
s.yaml:7:58: spec.expect[3].for: after + within + for is past the end of the run at 1h
s.yaml:7:96: spec.expect[4].after: after + within + for is past the end of the run at 1h
s.yaml:7:138: spec.expect[5].to: 1m is before from, 5m`,
		},
		"Report": {
			reason: "a report expectation compares; with what, the report knows",
			spec:   `expect: [{name: a, report: reversals}, {name: b, report: 'breach_minutes <= baseline + 5%'}]`,
			want:   `s.yaml:6:28: spec.expect[0].report: want a comparison such as reversals <= 1 or breach_minutes <= baseline + 2`,
		},
		"Digest": {
			reason: "a digest is a SHA-256",
			spec:   `expect: [{name: a, decisions: {digest: abc}}]`,
			want:   `s.yaml:6:40: spec.expect[0].decisions.digest: "abc" is no digest; want sha256: and 64 hexadecimal digits, or simulate --update to fill it in`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			text := tc.text
			if text == "" {
				text = base + tc.spec + "}\n"
			}
			_, err := ParseText("s.yaml", []byte(text))
			if diff := cmp.Diff(tc.want, message(err)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
