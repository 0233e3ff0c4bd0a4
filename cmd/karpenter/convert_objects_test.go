package main

import (
	"strings"
	"testing"

	"github.com/karpenter-sim/karpenter/engine/convert"
)

const (
	// takenObject has a trigger that can be converted, refusedObject one that
	// cannot, and mixedObject both.
	takenObject = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: shopfront, namespace: shop}
spec:
  scaleTargetRef: {name: shopfront}
  minReplicaCount: 1
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(value), threshold: "50"}}
`
	refusedObject = `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: biller, namespace: shop}
spec:
  scaleTargetRef: {name: biller}
  minReplicaCount: 1
  triggers:
  - {type: kafka, metadata: {bootstrapServers: "kafka:9092", consumerGroup: biller, topic: bills, lagThreshold: "100"}}
`
	mixedObject = refusedObject + `  - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(value), threshold: "50"}}
`
	ownedHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: keda-hpa-shopfront
  namespace: shop
  ownerReferences: [{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: shopfront, uid: "1"}]
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shopfront}
  minReplicas: 1
  maxReplicas: 100
  metrics: [{type: External, external: {metric: {name: s0-prometheus}, target: {type: AverageValue, averageValue: "50"}}}]
`
)

// TestConvertObjects converts object by object: what cannot be taken keeps nothing
// else back, and is named.
func TestConvertObjects(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		reason, text   string
		args           []string
		code           int
		made, table    []string
		stderr, absent string
	}{
		"OneOfMany": {
			"the others are converted, and the exit code says that one is missing", takenObject + "---\n" + refusedObject + "---\n" + validHPA, nil, exitFailed,
			[]string{"name: shopfront", "name: shop"}, []string{"shop/scaledobject/shopfront converted ha/shopfront", "shop/scaledobject/biller left out spec.triggers[0].type"},
			`in.yaml:17:12: spec.triggers[0].type: shop/scaledobject/biller: `, "name: biller",
		},
		"None": {
			"nothing is left", refusedObject, nil, exitInvalid,
			nil, []string{"shop/scaledobject/biller left out spec.triggers[0].type"}, `in.yaml:8:12: spec.triggers[0].type: shop/scaledobject/biller: `, "kind",
		},
		"Mixed": {
			"an object without one of its signals would be scaled in under load", takenObject + "---\n" + mixedObject, nil, exitFailed,
			[]string{"name: shopfront"}, []string{"shop/scaledobject/biller left out spec.triggers[0].type"}, "--allow-loss", "name: biller",
		},
		"AllowLoss": {
			"unless the user says that it may go", mixedObject, []string{"--allow-loss"}, exitOK,
			[]string{"name: biller"}, []string{"shop/scaledobject/biller with losses ha/biller, without spec.triggers[0].type"}, "spec.triggers[0].type: dropped: ", "",
		},
		"AllowLossOfAll": {
			"an object without any signal would hold for ever", refusedObject, []string{"--allow-loss"}, exitInvalid,
			nil, []string{"shop/scaledobject/biller left out spec.triggers[0].type"}, "kafka", "kind",
		},
		"Owned": {
			"KEDA's own HPA is nobody's loss where its ScaledObject is converted", ownedHPA + "---\n" + takenObject, nil, exitOK,
			[]string{"name: shopfront"}, []string{"shop/horizontalpodautoscaler/keda-hpa-shopfront left out KEDA's own HPA of shop/scaledobject/shopfront"}, "", "keda-hpa",
		},
		"OwnedAlone": {
			"and without it the ScaledObject is what has to be brought", ownedHPA + "---\n" + validHPA, nil, exitFailed,
			[]string{"name: shop"}, []string{"shop/horizontalpodautoscaler/keda-hpa-shopfront left out metadata.ownerReferences[0]"}, "convert that one", "keda-hpa",
		},
		"Mistakes": {
			"an object with a mistake is left out as well, and every mistake is told",
			takenObject + "---\n" + strings.NewReplacer("shopfront", "other", `threshold: "50"`, `threshold: many, ignoreNullValues: perhaps`).Replace(takenObject), nil, exitFailed,
			[]string{"name: shopfront"}, []string{"shop/scaledobject/other left out spec.triggers[0].metadata.threshold, spec.triggers[0].metadata.ignoreNullValues"},
			`in.yaml:17:106: spec.triggers[0].metadata.threshold: shop/scaledobject/other: "many" must be a number`, "name: other",
		},
		"Types": {
			"a value of the wrong type is named where it stands", validHPA + "---\n" + strings.NewReplacer("{name: shop}", "{name: other}", "maxReplicas: 10", "maxReplicas: ten").Replace(validHPA), nil, exitFailed,
			[]string{"name: shop"}, []string{"default/horizontalpodautoscaler/other left out spec.maxReplicas"},
			"in.yaml:18:16: spec.maxReplicas: default/horizontalpodautoscaler/other: want a whole number", "name: other",
		},
		"SameName": {
			"an HPA and a ScaledObject of one name would become one object", takenObject + "---\n" + strings.Replace(validHPA, "{name: shop}", "{name: shopfront, namespace: shop}", 1), nil, exitFailed,
			[]string{"name: shopfront"}, []string{"shop/horizontalpodautoscaler/shopfront left out metadata.name"}, "made of shop/scaledobject/shopfront at in.yaml:1:1: rename one of them", "",
		},
		"ScaledJob": {
			"what has no counterpart is left out, not passed over", takenObject + "---\n" + strings.NewReplacer("ScaledObject", "ScaledJob", "shopfront", "batch").Replace(takenObject), nil, exitFailed,
			[]string{"name: shopfront"}, []string{"shop/scaledjob/batch left out kind"}, "in.yaml:11:7: kind: shop/scaledjob/batch: it starts a Job", "batch",
		},
		"Kustomization": {
			"what only names manifests says how to have them", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [hpa.yaml]\n", nil, exitInvalid,
			nil, nil, "skipped 1 Kustomization (kustomize.config.k8s.io/v1beta1); it only names manifests: render it first, e.g. kubectl kustomize DIR", "kind",
		},
		"OwnKinds": {
			"what is ours passes through", validHA, []string{"--set", "spec.dryRun=true"}, exitOK, []string{"name: web", "dryRun: true"}, nil, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "in.yaml", c.text)
			got := call(t, "", append([]string{"convert", "-f", "in.yaml"}, c.args...)...)
			got.want(t, c.code, c.stderr)
			for _, want := range c.made {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%s\nstdout lacks %q:\n%s", c.reason, want, got.stdout)
				}
			}
			if c.absent != "" && strings.Contains(got.stdout, c.absent) {
				t.Errorf("%s\nstdout has %q:\n%s", c.reason, c.absent, got.stdout)
			}
			table := strings.Join(strings.Fields(got.stderr), " ")
			for _, want := range c.table {
				if !strings.Contains(table, want) {
					t.Errorf("%s\nthe table lacks %q:\n%s", c.reason, want, got.stderr)
				}
			}
		})
	}
}

// TestConvertOldVersions converts every version of an HPA to the same.
func TestConvertOldVersions(t *testing.T) {
	t.Chdir(t.TempDir())
	const head = "kind: HorizontalPodAutoscaler\nmetadata: {name: ratings, namespace: shop}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: ratings}\n  maxReplicas: 10\n  metrics:\n"
	const metrics = `  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 55}}}
  - {type: Pods, pods: {metric: {name: in_flight}, target: {type: AverageValue, averageValue: "30"}}}
  - {type: Object, object: {describedObject: {kind: Ingress, name: main}, metric: {name: hits}, target: {type: Value, value: "7"}}}
  - {type: External, external: {metric: {name: queued, selector: {matchLabels: {queue: a}}}, target: {type: AverageValue, averageValue: "9"}}}
`
	const older = `  - {type: Resource, resource: {name: cpu, targetAverageUtilization: 55}}
  - {type: Pods, pods: {metricName: in_flight, targetAverageValue: "30"}}
  - {type: Object, object: {target: {kind: Ingress, name: main}, metricName: hits, targetValue: "7"}}
  - {type: External, external: {metricName: queued, metricSelector: {matchLabels: {queue: a}}, targetAverageValue: "9"}}
`
	write(t, "v2.yaml", "apiVersion: autoscaling/v2\n"+head+metrics)
	write(t, "v2beta2.yaml", "apiVersion: autoscaling/v2beta2\n"+head+metrics)
	write(t, "v2beta1.yaml", "apiVersion: autoscaling/v2beta1\n"+head+older)
	want := call(t, "", "convert", "v2.yaml")
	want.want(t, exitOK, "")
	for file, note := range map[string]string{"v2beta2.yaml": "since Kubernetes 1.26", "v2beta1.yaml": "since Kubernetes 1.25"} {
		got := call(t, "", "convert", file)
		got.want(t, exitOK, note)
		if got.stdout != want.stdout {
			t.Errorf("%s becomes another object than v2.yaml:\n%s\nwant:\n%s", file, got.stdout, want.stdout)
		}
	}
	for text, want := range map[string]string{
		strings.Replace(older, `"30"`, `"0"`, 1):                                `spec.metrics[1].pods.targetAverageValue: `,
		strings.Replace(older, `targetValue: "7"`, `targetValue: "0"`, 1):       `spec.metrics[2].object.targetValue: `,
		strings.Replace(older, `metricName: in_flight, `, ``, 1):                `spec.metrics[1].pods.metricName: `,
		strings.Replace(older, `target: {kind: Ingress, name: main}, `, ``, 1):  `spec.metrics[2].object.target: `,
		strings.Replace(older, `name: cpu, targetA`, `name: gpu, targetA`, 1):   `spec.metrics[0].resource.name: `,
		strings.Replace(older, `{type: External, ext`, `{type: External, x`, 1): `spec.metrics[3].xernal: `,
	} {
		write(t, "wrong.yaml", "apiVersion: autoscaling/v2beta1\n"+head+text)
		call(t, "", "convert", "wrong.yaml").want(t, exitInvalid, ": "+want)
	}
}

// TestConvertKEDA1 reads the ScaledObject of the first KEDA.
func TestConvertKEDA1(t *testing.T) {
	t.Chdir(t.TempDir())
	const old = `apiVersion: keda.k8s.io/v1alpha1
kind: ScaledObject
metadata: {name: shopfront, namespace: shop, labels: {deploymentName: shopfront}}
spec:
  scaleTargetRef: {deploymentName: shopfront}
  minReplicaCount: 1
  triggers:
  - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(value), threshold: "50"}}
`
	write(t, "old.yaml", old)
	write(t, "new.yaml", strings.Replace(takenObject, "namespace: shop}", "namespace: shop, labels: {deploymentName: shopfront}}", 1))
	got := call(t, "", "convert", "old.yaml")
	got.want(t, exitOK, "KEDA 2 does not serve keda.k8s.io/v1alpha1")
	if want := call(t, "", "convert", "new.yaml"); got.stdout != want.stdout {
		t.Errorf("got:\n%s\nwant:\n%s", got.stdout, want.stdout)
	}
	write(t, "job.yaml", strings.Replace(old, "  scaleTargetRef: {deploymentName: shopfront}\n", "  scaleType: job\n", 1))
	call(t, "", "convert", "job.yaml").want(t, exitInvalid, "job.yaml:5:14: spec.scaleType: shop/scaledobject/shopfront: it starts a Job")
	write(t, "nameless.yaml", strings.Replace(old, "deploymentName: shopfront}\n  min", "containerName: a}\n  min", 1))
	call(t, "", "convert", "nameless.yaml").want(t, exitInvalid, "nameless.yaml:5:19: spec.scaleTargetRef.deploymentName: shop/scaledobject/shopfront: required")
}

// TestConvertUnquoted reads past what a cluster would refuse, and says so once.
func TestConvertUnquoted(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "in.yaml", strings.NewReplacer(`threshold: "50"`, `threshold: 50, ignoreNullValues: false`, "namespace: shop}", "namespace: shop, annotations: {autoscaling.keda.sh/paused: true}}").Replace(takenObject))
	write(t, "quoted.yaml", strings.NewReplacer(`threshold: "50"`, `threshold: "50", ignoreNullValues: "false"`, "namespace: shop}", `namespace: shop, annotations: {autoscaling.keda.sh/paused: "true"}}`).Replace(takenObject))
	got := call(t, "", "convert", "in.yaml")
	got.want(t, exitOK, "metadata.annotations[autoscaling.keda.sh/paused]: read as a string; a cluster refuses it without quotes, and also spec.triggers[0].metadata.threshold, spec.triggers[0].metadata.ignoreNullValues\n")
	if want := call(t, "", "convert", "quoted.yaml"); got.stdout != want.stdout {
		t.Errorf("got:\n%s\nwant:\n%s", got.stdout, want.stdout)
	}
	write(t, "list.yaml", strings.Replace(takenObject, `threshold: "50"`, `threshold: [50]`, 1))
	call(t, "", "convert", "list.yaml").want(t, exitInvalid, "list.yaml:8:106: spec.triggers[0].metadata.threshold: shop/scaledobject/shopfront: want a string, got a list")
}

// TestConvertNamespace takes the namespace as kubectl does, and says what it assumes.
func TestConvertNamespace(t *testing.T) {
	t.Chdir(t.TempDir())
	resource := strings.Replace(validHPA, `type: External
    external: {metric: {name: queue_length}, target: {type: AverageValue, averageValue: 30}}`, `type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}`, 1)
	write(t, "in.yaml", resource+"---\n"+strings.Replace(takenObject, ", namespace: shop", "", 1)+"---\n"+strings.Replace(resource, "{name: shop}", "{name: other, namespace: elsewhere}", 1))
	got := call(t, "", "convert", "-n", "shop", "-f", "in.yaml")
	got.want(t, exitOK, "shop/scaledobject/shopfront")
	if strings.Contains(got.stderr, "assumed") || strings.Contains(got.stdout, "default") && strings.Contains(got.stdout, "namespace: default") || strings.Count(got.stdout, "namespace: shop\n") != 2 || !strings.Contains(got.stdout, `namespace="elsewhere"`) {
		t.Errorf("want two objects in shop, one elsewhere; stderr:\n%sstdout:\n%s", got.stderr, got.stdout)
	}
	got = call(t, "", "convert", "-f", "in.yaml")
	got.want(t, exitOK, `2 objects without a namespace: "default" is assumed, also in the queries; give another one with -n`)
	if strings.Count(got.stdout, "namespace: default\n") != 2 {
		t.Errorf("what was assumed for the queries is not in the objects:\n%s", got.stdout)
	}
	call(t, "", "convert", "-n", "Shop", "-f", "in.yaml").want(t, exitInvalid, "--namespace Shop: want the name of a namespace")
}

// TestConvertTimezone names the user's own file and field.
func TestConvertTimezone(t *testing.T) {
	t.Chdir(t.TempDir())
	text := strings.Replace(takenObject, `  - {type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(value), threshold: "50"}}`,
		`  - {type: cron, metadata: {timezone: Local, start: 0 22 * * *, end: 0 6 * * *, desiredReplicas: "4"}}`, 1)
	write(t, "in.yaml", text)
	got := call(t, "", "convert", "in.yaml")
	got.want(t, exitOK, "spec.triggers[0].metadata.timezone: Local is the time zone of KEDA's operator, UTC in its own image: UTC is taken")
	if !strings.Contains(got.stdout, "timezone: UTC") {
		t.Errorf("stdout:\n%s", got.stdout)
	}
	write(t, "in.yaml", strings.Replace(text, "Local", "Mars/Olympus", 1))
	call(t, "", "convert", "in.yaml").want(t, exitInvalid, `in.yaml:8:39: spec.triggers[0].metadata.timezone: shop/scaledobject/shopfront: "Mars/Olympus" is no time zone: want `)
}

// TestPartialRuns: replay, init and simulate go on without what cannot be
// converted, say so in the report, too, and end with 1.
func TestPartialRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "r.csv", "timestamp,value\n2026-01-05T08:00:00Z,1\n2026-01-05T08:10:00Z,1\n")
	write(t, "in.yaml", takenObject+"---\n"+refusedObject)
	const refused = `in.yaml:17:12: spec.triggers[0].type: shop/scaledobject/biller: `
	call(t, "", "replay", "-f", "in.yaml", "--recording", "r.csv", "--out", "out").want(t, exitFailed, refused)
	for _, file := range []string{"report.html", "report.json", "summary.md"} {
		if text := strings.ReplaceAll(read(t, "out/shopfront/"+file), `\`, ""); !strings.Contains(text, "shop/scaledobject/biller: spec.triggers[0].type: left out: ") {
			t.Errorf("%s does not say what is left out", file)
		}
	}
	call(t, "", "init", "-f", "in.yaml", "--recording", "r.csv", "--out", "ci").want(t, exitFailed, refused)
	call(t, "", "simulate", "ci", "--out", "ran").want(t, exitOK, "")
	write(t, "s.yaml", "apiVersion: simulation.karpenter.sh/v1alpha1\nkind: Scenario\nmetadata: {name: s}\nspec:\n  seed: 1\n  start: \"2026-01-05T08:00:00Z\"\n  duration: 10m\n  recordings: [{file: r.csv}]\n  manifests: [in.yaml]\n  targets: [{namespace: shop, kind: Deployment, name: shopfront}]\n")
	call(t, "", "simulate", "s.yaml", "--out", "whole", "--check-determinism").want(t, exitFailed, refused)
	call(t, "", "validate", "s.yaml").want(t, exitInvalid, refused)
	write(t, "in.yaml", refusedObject)
	call(t, "", "simulate", "s.yaml", "--out", "none").want(t, exitInvalid, "in.yaml:8:12: ")
	call(t, "", "replay", "-f", "in.yaml", "--recording", "r.csv", "--out", "none").want(t, exitInvalid, "in.yaml:8:12: ")
}

// TestConvertTriggers: a queue becomes a producer, a query stands in for any other
// trigger, and what of KEDA's cron differs is told.
func TestConvertTriggers(t *testing.T) {
	t.Chdir(t.TempDir())
	queue := strings.Replace(takenObject, "  triggers:\n", `  triggers:
  - {type: aws-sqs-queue, metadata: {queueURL: "https://sqs.eu-west-1.amazonaws.com/111122223333/parcels", queueLength: "5", awsRegion: eu-west-1}}
`, 1)
	second := strings.ReplaceAll(refusedObject, "biller", "mailer")
	for name, c := range map[string]struct {
		reason, text string
		args         []string
		code         int
		stdout       []string
		stderr       string
	}{
		"Queue": {
			"a queue is read by a producer", queue, nil, exitOK,
			[]string{"kind: MetricsProducer", "id: arn:aws:sqs:eu-west-1:111122223333:parcels", "type: AWSSQSQueue", "includeInFlight: true", `query: karpenter_queue_length{name="shopfront",namespace="shop"}`}, "",
		},
		"Unreadable": {
			"a queue of which the account is not known", strings.Replace(queue, "https://sqs.eu-west-1.amazonaws.com/111122223333/parcels", "parcels", 1), nil, exitInvalid, nil,
			"in.yaml:8:48: spec.triggers[0].metadata.queueURL: shop/scaledobject/shopfront: the queue cannot be read: queueURL is no URL of a queue at AWS",
		},
		"Advice": {
			"the message has the query that the usual exporter offers", refusedObject, nil, exitInvalid, nil,
			`--metric biller/kafka='sum(kafka_consumergroup_lag{consumergroup="biller",topic="bills"})'`,
		},
		"Given": {
			"and the conversion takes it", refusedObject, []string{"--metric", `biller/kafka=sum(kafka_consumergroup_lag{consumergroup="biller",topic="bills"})`}, exitOK,
			[]string{`query: sum(kafka_consumergroup_lag{consumergroup="biller",topic="bills"})`, `averageValue: "100"`}, "",
		},
		"Ambiguous": {
			"one query for the triggers of two objects", refusedObject + "---\n" + second, []string{"--metric", "kafka=sum(x)"}, exitInvalid, nil,
			"--metric kafka: 2 triggers would use this query, and can hardly have the same signal; name one: biller/kafka, mailer/kafka",
		},
		"Each": {
			"each has its own", refusedObject + "---\n" + second, []string{"--metric", "biller/kafka=sum(x)", "--metric", "shop/mailer/0=sum(y)"}, exitOK,
			[]string{"query: sum(x)", "query: sum(y)"}, "",
		},
		"Unused": {
			"a key that no trigger has", refusedObject, []string{"--metric", "lagg=sum(x)"}, exitInvalid, nil,
			"--metric lagg: no metric or trigger uses this query; the manifests have biller/kafka",
		},
		"Resource": {
			"a resource's, too", `apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3, targetCPUUtilizationPercentage: 60}
`, []string{"--metric", "cpu=avg(cpu) / 100"}, exitOK, []string{"query: avg(cpu) / 100", "averageUtilization: 60"}, "check that it yields the ratio of usage to requests",
		},
		"Annotation": {
			"an annotation for kube-metrics-adapter", `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
  namespace: shop
  annotations:
    metric-config.external.asked.prometheus/query: |
      sum(asked{service="web"})
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  metrics: [{type: External, external: {metric: {name: asked, selector: {matchLabels: {type: prometheus}}}, target: {type: AverageValue, averageValue: "15"}}}]
`, nil, exitOK, []string{`query: sum(asked{service="web"})`}, "the query is that of the annotation",
		},
		"CronWindow": {
			"the weekend, over which KEDA's window stays open", strings.Replace(takenObject, `{type: prometheus, metadata: {serverAddress: "http://prometheus:9090", query: sum(value), threshold: "50"}}`,
				`{type: cron, metadata: {timezone: Europe/Prague, start: 30 6 * * 1-5, end: 0 22 * * *, desiredReplicas: "3"}}`, 1), nil, exitOK, []string{"hours: \"22\""},
			"spec.triggers[0].metadata: KEDA takes the trigger for active from Fri 22:00 to Sun 22:00",
		},
		"BadQuery": {
			"a query that cannot be read is refused at the trigger that has it", strings.Replace(takenObject, "sum(value)", "sum(value", 1), nil, exitInvalid, nil,
			"in.yaml:8:83: spec.triggers[0].metadata.query: shop/scaledobject/shopfront: PromQL, character 10: ",
		},
		"Scalar": {
			"a query of a scalar is never empty", strings.Replace(takenObject, "sum(value)", "scalar(sum(value))", 1), nil, exitOK, []string{"query: scalar(sum(value))\n"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "in.yaml", c.text)
			got := call(t, "", append([]string{"convert", "-f", "in.yaml"}, c.args...)...)
			got.want(t, c.code, c.stderr)
			for _, want := range c.stdout {
				if !strings.Contains(got.stdout, want) {
					t.Errorf("%s\nstdout lacks %q:\n%s", c.reason, want, got.stdout)
				}
			}
			if c.code == exitOK {
				call(t, got.stdout, "validate", "-f", "-").want(t, exitOK, "")
			}
		})
	}
}

// TestConvertedQueries plays what converted queries have to tell apart.
func TestConvertedQueries(t *testing.T) {
	for _, name := range []string{"starting-pod", "namesakes", "short-names"} {
		path := testdata(t, "convert", name+".yaml")
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			call(t, "", "simulate", path, "--out", "out").want(t, exitOK, "")
		})
	}
}

// TestExpectedObjects: a name that no object of the run has is refused before it.
func TestExpectedObjects(t *testing.T) {
	text := read(t, testdata(t, "convert", "short-names.yaml"))
	t.Chdir(t.TempDir())
	write(t, "s.yaml", strings.Replace(text, "shop/ha/basket-policy", "shop/ha/basket", 1))
	call(t, "", "simulate", "s.yaml", "--out", "out").want(t, exitInvalid, "s.yaml:13:29: spec.expect[0].report: ")
	call(t, "", "validate", "s.yaml").want(t, exitInvalid, "no object shop/ha/basket; there are shop/HorizontalAutoscaler/basket-policy")
}

// TestConvertCorpus converts a list with every type of trigger and metric, every
// version, and what people write by mistake: the golden has what is said of what is
// left out, and the table.
func TestConvertCorpus(t *testing.T) {
	dir, path := testdata(t, "convert", "corpus"), testdata(t, "convert", "corpus.golden")
	t.Chdir(dir)
	got := call(t, "", "convert", "-f", ".")
	got.want(t, exitFailed, "")
	var told strings.Builder
	table := false
	for line := range strings.Lines(got.stderr) {
		if table = table || strings.HasPrefix(line, "OBJECT "); table || strings.HasPrefix(line, "karpenter: ") {
			told.WriteString(line)
		}
	}
	golden(t, path, told.String())
	call(t, got.stdout, "validate", "-f", "-", "-q").want(t, exitOK, "")
}

// TestConvertCorpusWithQueries: with a query for each, every trigger is converted.
func TestConvertCorpusWithQueries(t *testing.T) {
	args := []string{"convert", "-q", "-f", testdata(t, "convert", "corpus/triggers.yaml")}
	for _, s := range convert.Scalers {
		args = append(args, "--metric", s.Type+"/"+s.Type+"=sum(x)")
	}
	got := call(t, "", args...)
	got.want(t, exitOK, "")
	if n := strings.Count(got.stdout, `averageValue: "7"`); n != len(convert.Scalers) {
		t.Errorf("%d targets of 7, want %d:\n%s", n, len(convert.Scalers), got.stdout)
	}
}
