package convert

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/convert/keda"
)

// TestScalers holds the table to what it is looked up by, and its queries to PromQL.
func TestScalers(t *testing.T) {
	if !slices.IsSortedFunc(Scalers, func(a, b Scaler) int { return strings.Compare(a.Type, b.Type) }) {
		t.Error("the scalers are not sorted by type")
	}
	p := parser.NewParser(parser.Options{})
	for _, s := range Scalers {
		if len(s.Threshold) == 0 || (s.series == "") != (s.Exporter == "") {
			t.Errorf("%s: a scaler has a threshold, and an exporter if it has a series: %+v", s.Type, s)
		}
		metadata := map[string]string{"queueURL": "https://sqs.eu-west-1.amazonaws.com/1/a", "podSelector": "app=a,tier!=b"}
		for _, l := range s.labels {
			metadata[l.field] = `a "name"`
		}
		if query := s.Query(metadata); query != "" {
			if _, err := p.ParseExpr(query); err != nil {
				t.Errorf("%s: %s: %v", s.Type, query, err)
			}
		}
	}
}

func TestUsualQueries(t *testing.T) {
	for kind, tc := range map[string]struct {
		metadata map[string]string
		want     string
	}{
		"kafka":               {map[string]string{"consumerGroup": "biller", "topic": "bills"}, `sum(kafka_consumergroup_lag{consumergroup="biller",topic="bills"})`},
		"rabbitmq":            {map[string]string{"queueName": "jobs", "mode": "MessageRate"}, `sum(rate(rabbitmq_queue_messages_published_total{queue="jobs"}[2m]))`},
		"redis-streams":       {map[string]string{"stream": "s", "consumerGroup": "g", "streamLength": "5"}, `sum(redis_stream_length{stream="s"})`},
		"kubernetes-workload": {map[string]string{"podSelector": "app.kubernetes.io/name=web, tier==front"}, `count(kube_pod_labels{label_app_kubernetes_io_name="web",label_tier="front"})`},
		"aws-sqs-queue":       {map[string]string{"queueURL": "parcels"}, `sum(aws_sqs_approximate_number_of_messages_visible_average{dimension_QueueName="parcels"})`},
		"postgresql":          {nil, ""},
	} {
		s, known := scalerOf(kind)
		if got := s.Query(tc.metadata); got != tc.want || !known {
			t.Errorf("%s: %s, want %s", kind, got, tc.want)
		}
	}
}

// TestStandIn has a query stand in for a trigger, with the target of its own fields.
func TestStandIn(t *testing.T) {
	const head = "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: biller, namespace: shop}, spec: {scaleTargetRef: {name: biller}, minReplicaCount: 1, triggers: ["
	tests := map[string]struct {
		reason, triggers string
		queries          map[string]string
		query, target    string
		want             string
	}{
		"Name":      {"by the trigger's name", "{type: kafka, name: lag, metadata: {lagThreshold: '7'}}", map[string]string{"lag": "max(a)"}, "max(a)", "7", ""},
		"Type":      {"by its type", "{type: kafka, name: lag, metadata: {lagThreshold: '7'}}", map[string]string{"kafka": "max(a)"}, "max(a)", "7", ""},
		"Index":     {"by its index", "{type: kafka, metadata: {lagThreshold: '7'}}", map[string]string{"0": "max(a)"}, "max(a)", "7", ""},
		"Object":    {"a key with the object goes before one without", "{type: kafka, name: lag, metadata: {lagThreshold: '7'}}", map[string]string{"lag": "max(a)", "biller/kafka": "max(b)"}, "max(b)", "7", ""},
		"Namespace": {"and one with its namespace before all", "{type: kafka, name: lag, metadata: {lagThreshold: '7'}}", map[string]string{"shop/biller/0": "max(c)", "biller/lag": "max(b)"}, "max(c)", "7", ""},
		"Default":   {"KEDA's default target", "{type: redis, metadata: {listName: a}}", map[string]string{"redis": "max(a)"}, "max(a)", "5", ""},
		"Older":     {"the older name of a field", "{type: rabbitmq, metadata: {queueLength: '9'}}", map[string]string{"rabbitmq": "max(a)"}, "max(a)", "9", ""},
		"Own":       {"also in place of a query of its own", "{type: prometheus, metadata: {query: up, threshold: '3'}}", map[string]string{"0": "max(a)"}, "max(a)", "3", ""},
		"SQS":       {"and of a queue that could be read", "{type: aws-sqs-queue, metadata: {queueURL: 'https://sqs.eu-west-1.amazonaws.com/1/a', queueLength: '4'}}", map[string]string{"0": "max(a)"}, "max(a)", "4", ""},
		"Unknown":   {"a type that is not known, with a field of a usual name", "{type: carrier-pigeon, metadata: {threshold: '3'}}", map[string]string{"0": "max(a)"}, "max(a)", "3", ""},
		"NoTarget":  {"without one", "{type: carrier-pigeon, metadata: {speed: '3'}}", map[string]string{"0": "max(a)"}, "", "", `KEDA's triggers of type "carrier-pigeon" are not known here, nor which field has their target (allowed: threshold, value, targetValue)`},
		"Required":  {"a target that KEDA requires", "{type: postgresql, metadata: {query: select 1}}", map[string]string{"0": "max(a)"}, "", "", "spec.triggers[0].metadata.targetQueryValue: required"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			object, err := yaml.YAMLToJSON([]byte(head + tc.triggers + "]}}"))
			if err != nil {
				t.Fatal(err)
			}
			result, err := JSON(object, Options{Queries: tc.queries})
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("%s\ngot error %v, want %s", tc.reason, err, tc.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m := result.Objects[0].(*v1alpha1.HorizontalAutoscaler).Spec.Metrics[0].Prometheus
			if m.Query != tc.query || m.Target.AverageValue.String() != tc.target {
				t.Errorf("%s\ngot %s with target %s, want %s with %s", tc.reason, m.Query, m.Target.AverageValue, tc.query, tc.target)
			}
		})
	}
}

func TestQueueARN(t *testing.T) {
	for address, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/111122223333/parcels":          "arn:aws:sqs:eu-west-1:111122223333:parcels",
		"https://sqs.eu-west-1.amazonaws.com/111122223333/parcels.fifo":     "arn:aws:sqs:eu-west-1:111122223333:parcels.fifo",
		"https://eu-west-1.queue.amazonaws.com/111122223333/parcels":        "arn:aws:sqs:eu-west-1:111122223333:parcels",
		"https://queue.amazonaws.com/111122223333/parcels":                  "arn:aws:sqs:us-west-2:111122223333:parcels",
		"https://sqs.cn-north-1.amazonaws.com.cn/111122223333/parcels":      "arn:aws-cn:sqs:cn-north-1:111122223333:parcels",
		"https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/parcels": "arn:aws-us-gov:sqs:us-gov-west-1:111122223333:parcels",
		"http://localhost:4566/000000000000/parcels":                        "",
		"parcels": "",
		"https://sqs.eu-west-1.amazonaws.com/parcels":                          "",
		"https://sqs.eu-west-1.amazonaws.com.example.com/111122223333/parcels": "",
	} {
		if got := queueARN(address, "us-west-2"); got != want {
			t.Errorf("queueARN(%q) = %q, want %q", address, got, want)
		}
	}
}

// TestSQS makes a producer of a queue, beside a schedule's.
func TestSQS(t *testing.T) {
	so := &keda.ScaledObject{Spec: keda.Spec{
		ScaleTargetRef: &keda.ScaleTarget{Name: "worker"},
		Triggers: []keda.Trigger{
			{Type: "aws-sqs-queue", Metadata: map[string]string{"queueURL": "https://sqs.eu-west-1.amazonaws.com/1/a", "awsRegion": "eu-west-1", "scaleOnInFlight": "false"}},
			{Type: "cron", Metadata: map[string]string{"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": "3"}},
		},
	}}
	so.Name, so.Namespace, so.Labels = "worker", "shop", map[string]string{"team": "a"}
	objects, err := newConverter("ScaledObject", so.ObjectMeta, Options{}).scaledObject(so)
	if err != nil {
		t.Fatal(err)
	}
	ha, queue := objects[0].(*v1alpha1.HorizontalAutoscaler), objects[1].(*v1alpha1.MetricsProducer)
	want := &v1alpha1.QueueSpec{Type: v1alpha1.AWSSQSQueueType, ID: "arn:aws:sqs:eu-west-1:1:a"}
	if diff := cmp.Diff(want, queue.Spec.Queue); diff != "" || queue.Name != "worker-0" || queue.Labels["team"] != "a" {
		t.Errorf("%s: -want, +got:\n%s", queue.Name, diff)
	}
	metric := ha.Spec.Metrics[0].Prometheus
	if metric.Query != `karpenter_queue_length{name="worker-0",namespace="shop"}` || metric.Target.AverageValue.String() != "5" {
		t.Errorf("the metric is %s with target %s", metric.Query, metric.Target.AverageValue)
	}
}

// TestAdapters reads the queries that stand in the annotations of kube-metrics-adapter
// or in the names of Google's adapter.
func TestAdapters(t *testing.T) {
	const head = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web, namespace: shop, annotations: {%s}}, spec: {scaleTargetRef: {kind: StatefulSet, name: web}, maxReplicas: 3, metrics: [%s]}}"
	const external = "{type: External, external: {metric: {name: %s, selector: {matchLabels: {%s}}}, target: {type: AverageValue, averageValue: 1}}}"
	sprintf := func(format string, args ...string) string {
		for _, a := range args {
			format = strings.Replace(format, "%s", a, 1)
		}
		return format
	}
	tests := map[string]struct{ reason, annotations, metric, want string }{
		"Query": {"by the metric's name", "metric-config.external.waiting.prometheus/query: 'max(a)', metric-config.external.waiting.prometheus/interval: 30s",
			sprintf(external, "waiting", "type: prometheus"), "max(a)"},
		"QueryName": {"the older form, by the name of a query", "metric-config.external.prometheus-query.prometheus/waiting: 'max(a)'",
			sprintf(external, "prometheus-query", "query-name: waiting"), "max(a)"},
		"Object": {"of an object", "metric-config.object.waiting.prometheus/query: 'max(a)'",
			"{type: Object, object: {describedObject: {kind: Pod, name: a}, metric: {name: waiting}, target: {type: AverageValue, averageValue: 1}}}", "max(a)"},
		"OtherType": {"an annotation of another type of metrics is not this one's", "metric-config.object.waiting.prometheus/query: 'max(a)'",
			sprintf(external, "waiting", "queue: a"), `sum(waiting{queue="a"})`},
		"Gauge": {"Google's adapter: the labels as the series has them", "",
			sprintf(external, "prometheus.googleapis.com|waiting|gauge", "metric.labels.queue: a, resource.labels.namespace: shop"), `sum(waiting{namespace="shop",queue="a"})`},
		"Counter": {"it serves counters by the second", "",
			sprintf(external, "prometheus.googleapis.com|waited_total|counter", "metric.labels.queue: a"), `sum(rate(waited_total{queue="a"}[2m]))`},
		"Pods": {"of the pods", "",
			"{type: Pods, pods: {metric: {name: 'prometheus.googleapis.com|vllm:num_requests_waiting|gauge'}, target: {type: AverageValue, averageValue: 1}}}", `sum(vllm:num_requests_waiting{namespace="shop",pod=~"web-[0-9]+"})`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			object, err := yaml.YAMLToJSON([]byte(sprintf(head, tc.annotations, tc.metric)))
			if err != nil {
				t.Fatal(err)
			}
			result, err := JSON(object, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Objects[0].(*v1alpha1.HorizontalAutoscaler).Spec.Metrics[0].Prometheus.Query; got != tc.want {
				t.Errorf("%s\ngot  %s\nwant %s", tc.reason, got, tc.want)
			}
			for _, n := range result.Notes {
				if strings.Contains(n.Message, "not carried over") && name != "OtherType" {
					t.Errorf("%s\nunexpected note: %s", tc.reason, n)
				}
			}
			result, err = JSON(object, Options{Queries: map[string]string{"waiting": "max(given)", "prometheus-query": "max(given)"}})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Objects[0].(*v1alpha1.HorizontalAutoscaler).Spec.Metrics[0].Prometheus.Query; got != "max(given)" && strings.Contains(tc.reason, "name") {
				t.Errorf("a query that is given goes first; got %s", got)
			}
		})
	}
}

// TestTriggersAreDocumented holds the table of the migration guide to the scalers;
// -update writes it.
func TestTriggersAreDocumented(t *testing.T) {
	const path = "../../cmd/docs/howto/from-keda.md"
	const begin, end = "<!-- begin triggers -->\n", "<!-- end triggers -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), begin)
	_, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no %s", path, begin)
	}
	want := before + begin + triggersTable() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s; write it with -update:\n%s", path, diff)
	}
}

// triggersTable has what each scaler's target is, and its usual query, with the names of
// fields for their values.
func triggersTable() string {
	var b strings.Builder
	b.WriteString("| trigger | target | usual query | of |\n|---|---|---|---|\n")
	var others []string
	for _, s := range Scalers {
		metadata := map[string]string{"queueURL": "NAME", "podSelector": "KEY=VALUE"}
		for _, l := range s.labels {
			metadata[l.field] = strings.ToUpper(l.field)
		}
		target := "`" + strings.Join(s.Threshold, "`, `") + "`"
		if s.Default != "" {
			target += ", else " + s.Default
		}
		query := s.Query(metadata)
		if query == "" {
			others = append(others, fmt.Sprintf("%s (%s)", s.Type, target))
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", s.Type, target, query, s.Exporter)
	}
	fmt.Fprintf(&b, "\nOthers that take a query, and where their target is: %s.\n", strings.Join(others, ", "))
	return b.String()
}
