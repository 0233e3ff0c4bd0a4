package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cpuHPA is an HPA on cpu, as most are.
const cpuHPA = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 2
  maxReplicas: 40
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`

// exported writes a CSV of an hour, the row as a format of minute and value.
func exported(t *testing.T, header, row string) string {
	t.Helper()
	text := header + "\n"
	for i := range 60 {
		text += strings.NewReplacer("TIME", fmt.Sprintf("2026-01-05 10:%02d:00", i), "PERCENT", fmt.Sprint(80+i%3), "RATIO", fmt.Sprintf("0.8%d", i%3)).Replace(row) + "\n"
	}
	path := filepath.Join(t.TempDir(), "metrics.csv")
	write(t, path, text)
	return path
}

// TestResourceMetricOfATable has an HPA on cpu and exports that know nothing of cadvisor:
// the message has the flag with which the replay goes on, and try takes it by itself.
func TestResourceMetricOfATable(t *testing.T) {
	tests := map[string]struct {
		reason, header, row string
		// flags are what the message names, of replay; guessed what try says.
		flags, guessed []string
	}{
		"Percent":  {"a column of percent", "Time,cpu", "TIME,PERCENT", []string{`--metric cpu='avg(cpu)/100'`, "values up to 82 are percent", "--replicas shop/Deployment/checkout=SERIES", "--open-loop"}, []string{"--metric 'cpu=avg(cpu)/100'", "--open-loop"}},
		"Ratio":    {"a column of ratios", "Time,checkout cpu", "TIME,RATIO", []string{`--metric cpu='avg(checkout_cpu)' (`}, []string{"--metric 'cpu=avg(checkout_cpu)'"}},
		"Pods":     {"a column a pod", "Time,checkout-7d9f-abcde,checkout-7d9f-fghij", "TIME,PERCENT%,PERCENT%", []string{`--metric cpu='avg({__name__=~"checkout_7d9f_.*"})/100'`}, []string{`--metric 'cpu=avg({__name__=~"checkout_7d9f_.*"})/100'`}},
		"Labels":   {"headers without a name", `Time,"{pod=""a""}","{pod=""b""}"`, "TIME,RATIO,RATIO", []string{`--series '*=cpu' --metric cpu='avg(cpu)'`}, []string{"--series '*=cpu'", "--metric 'cpu=avg(cpu)'"}},
		"Replicas": {"the counts beside it", "Time,cpu,replicas", "TIME,PERCENT,4", []string{`--replicas shop/Deployment/checkout='sum(replicas)'`}, []string{"--replicas 'shop/Deployment/checkout=sum(replicas)'"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			csv := exported(t, tc.header, tc.row)
			t.Chdir(t.TempDir())
			write(t, "hpa.yaml", cpuHPA)
			refused := call(t, "", "replay", "-f", "hpa.yaml", "--recording", csv, "--out", "out")
			for _, flag := range tc.flags {
				refused.refused(t, flag)
			}
			if strings.Contains(refused.stderr, "container_cpu_usage_seconds_total") {
				t.Errorf("%s: the message has the whole query: %s", tc.reason, refused.stderr)
			}
			got := call(t, "", "try", "-f", "hpa.yaml", csv)
			for _, flag := range append(tc.guessed, "--out karpenter-try") {
				got.want(t, exitOK, "guessed: "+flag+"  (")
			}
			lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
			if len(lines) != 2 || !strings.Contains(lines[0], "checkout") || lines[1] != filepath.Join("karpenter-try", "checkout", "report.html") {
				t.Errorf("%s: stdout ends with\n%s", tc.reason, got.stdout)
			}
			// The command that it names does the same.
			_, command, _ := strings.Cut(got.stderr, "the same as: karpenter ")
			command, _, _ = strings.Cut(command, "\n")
			same := call(t, "", append(shellWords(command), "--out", "again")...)
			same.want(t, exitOK, "")
			one, two := read(t, filepath.Join("karpenter-try", "checkout", "decisions.jsonl")), read(t, filepath.Join("again", "checkout", "decisions.jsonl"))
			if one != two {
				t.Errorf("%s: %s decides otherwise", tc.reason, command)
			}
		})
	}
}

// TestTryManifestAmongMetrics has the manifest without its flag.
func TestTryManifestAmongMetrics(t *testing.T) {
	csv := exported(t, "Time,cpu,replicas", "TIME,PERCENT,4")
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", cpuHPA)
	call(t, "", "try", "hpa.yaml", csv).want(t, exitOK, "guessed: -f hpa.yaml  (no metrics are in a file of this name)")
}

// TestTryOneSeriesForTwo has one series of which nobody can know whether it is cpu or
// memory: it stands for one of them at most.
func TestTryOneSeriesForTwo(t *testing.T) {
	csv := exported(t, "Time,usage,replicas", "TIME,PERCENT,4")
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", strings.Replace(cpuHPA, "averageUtilization: 50}}}]", "averageUtilization: 50}}}, {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 50}}}]", 1))
	got := call(t, "", "try", "-f", "hpa.yaml", csv)
	got.want(t, exitInvalid, "memory is read from series")
	if strings.Contains(got.stderr, "guessed: --metric 'memory") {
		t.Errorf("memory is guessed: %s", got.stderr)
	}
}

// shellWords are the arguments of a command line as a shell reads them, as far as single
// quotes go.
func shellWords(line string) []string {
	var out []string
	quoted := false
	word := ""
	for _, c := range line {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == ' ' && !quoted:
			out, word = append(out, word), ""
		default:
			word += string(c)
		}
	}
	return append(out, word)
}

// TestTryOtherMetrics guesses the series of a Pods metric and of a trigger of Kafka's.
func TestTryOtherMetrics(t *testing.T) {
	tests := map[string]struct{ reason, manifest, header, guessed string }{
		"Pods": {"an adapter's metric", strings.Replace(cpuHPA, "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}",
			"{type: Pods, pods: {metric: {name: http_requests}, target: {type: AverageValue, averageValue: 10}}}", 1), "Time,http_requests,other", "--metric 'http_requests=sum(http_requests)'"},
		"Kafka": {"a trigger without PromQL", `apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {name: checkout}
  triggers: [{type: kafka, name: lag, metadata: {bootstrapServers: "k:9092", consumerGroup: g, topic: orders, lagThreshold: "10"}}]
`, "Time,consumer_lag,other", "--metric 'checkout/lag=sum(consumer_lag)'"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			csv := exported(t, tc.header, "TIME,PERCENT,1")
			t.Chdir(t.TempDir())
			write(t, "manifest.yaml", tc.manifest)
			call(t, "", "try", "-f", "manifest.yaml", csv).want(t, exitOK, "guessed: "+tc.guessed+"  (")
		})
	}
}

func TestTryRefuses(t *testing.T) {
	csv := exported(t, "Time,cpu", "TIME,PERCENT")
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", cpuHPA)
	tests := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"Nothing":    {"no argument", nil, "nothing to try: want -f FILE METRICS..., or KIND/NAME of a cluster with --prometheus URL"},
		"NoMetrics":  {"no metrics", []string{"-f", "hpa.yaml"}, "no metrics: name the files"},
		"NoManifest": {"no manifest", []string{csv}, "-f is missing"},
		"Times":      {"times of a cluster", []string{"-f", "hpa.yaml", csv, "--from", "-1h"}, "--from goes with an object of a cluster"},
		"Server":     {"no Prometheus", []string{"hpa/checkout"}, "--prometheus is required"},
		"NoFile":     {"a file that is not there", []string{"-f", "hpa.yaml", "no.csv"}, "no.csv: no such file"},
		"Stdin":      {"standard input", []string{"-f", "-", csv}, "try reads the manifests several times"},
		"Out":        {"somebody's directory", []string{"-f", "hpa.yaml", csv, "--out", "."}, "lies inside --out ."},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := call(t, "", append([]string{"try"}, tc.args...)...)
			got.want(t, exitInvalid, tc.want)
		})
	}
	// What is in the way of the guessed directory is left alone.
	if err := os.Mkdir("karpenter-try", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join("karpenter-try", "mine.txt"), "mine")
	call(t, "", "try", "-f", "hpa.yaml", csv).want(t, exitOK, "guessed: --out karpenter-try-2  (")
	if read(t, filepath.Join("karpenter-try", "mine.txt")) != "mine" {
		t.Error("somebody's file was touched")
	}
}

// TestTryCluster fetches an HPA from an API server and its metrics from a Prometheus.
func TestTryCluster(t *testing.T) {
	prometheus := liveServer(t, nil)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		const hpa = `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"jobs","namespace":"default","uid":"u","resourceVersion":"7"},
"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"minReplicas":1,"maxReplicas":90,"metrics":[{"type":"External","external":{"metric":{"name":"queue_length","selector":{"matchLabels":{"queue":"jobs"}}},"target":{"type":"AverageValue","averageValue":"10"}}}]},
"status":{"currentReplicas":5}}`
		switch r.URL.Path {
		case "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/jobs":
			fmt.Fprint(w, hpa)
		case "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers":
			fmt.Fprint(w, `{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscalerList","metadata":{},"items":[`+hpa+`]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"not found"}`)
		}
	}))
	t.Cleanup(api.Close)
	for _, object := range []string{"hpa/jobs", "deploy/web"} {
		t.Chdir(t.TempDir())
		write(t, "kubeconfig", `apiVersion: v1
kind: Config
current-context: eu1
clusters: [{name: c, cluster: {server: "`+api.URL+`"}}]
contexts: [{name: eu1, context: {cluster: c, user: u, namespace: default}}]
users: [{name: u, user: {}}]
`)
		args := []string{"try", object, "--kubeconfig", "kubeconfig", "--prometheus", prometheus.URL, "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00"}
		got := call(t, "", args...)
		got.want(t, exitOK, "guessed: --context eu1  (the current one)")
		got.want(t, exitOK, "guessed: --namespace default  (the context's)")
		if lines := strings.Split(strings.TrimSpace(got.stdout), "\n"); len(lines) != 2 || lines[1] != filepath.Join("karpenter-try", "jobs", "report.html") {
			t.Errorf("%s: stdout:\n%s", object, got.stdout)
		}
		if manifest := read(t, "jobs-manifest.yaml"); strings.Contains(manifest, "resourceVersion") || strings.Contains(manifest, "status") {
			t.Errorf("the manifest has what the cluster added:\n%s", manifest)
		}
		call(t, "", "try", "hpa/other", "--kubeconfig", "kubeconfig", "--prometheus", prometheus.URL).want(t, exitInvalid, "hpa/other in the namespace default: ")
	}
}

// TestShortRanges warns of a range that is as long as samples are apart, by what a
// scenario says of its own series.
func TestShortRanges(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "s.yaml", `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: short}
spec:
  seed: 1
  start: "2026-01-05T06:00:00Z"
  duration: 30m
  interval: 1m
  inputSeries: [{series: orders_total, values: '0+600x60'}]
  targets: [{kind: Deployment, namespace: shop, name: checkout, replicas: 1}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: checkout, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}
  minReplicas: 1
  maxReplicas: 50
  metrics: [{prometheus: {query: 'sum(rate(orders_total[1m]))', target: {type: AverageValue, averageValue: 10}}}]
`)
	const warning = "shop/checkout: rate over [1m] never has the two samples that it needs, as orders_total has one every 1m; the least range that works is [2m], better [4m]"
	call(t, "", "simulate", "s.yaml", "--out", "out").want(t, exitOK, warning)
	call(t, "", "validate", "s.yaml").want(t, exitOK, warning)
	// And of a recording, as soon as it is made.
	server := liveServer(t, nil)
	write(t, "ha.yaml", strings.Replace(validHA, "queue_length", "rate(queue_length[15s])", 1))
	got := call(t, "", "record", "--prometheus", server.URL, "-f", "ha.yaml", "--from", "2026-01-05 08:00", "--to", "2026-01-05 09:00", "--out", "recorded")
	got.want(t, exitOK, "warning: rate over [15s] never has the two samples that it needs, as queue_length has one every 15s")
}

// TestPercentIsNoticed tells of a utilization in percent.
func TestPercentIsNoticed(t *testing.T) {
	csv := exported(t, "Time,cpu", "TIME,PERCENT")
	t.Chdir(t.TempDir())
	write(t, "hpa.yaml", cpuHPA)
	replay := []string{"replay", "-f", "hpa.yaml", "--recording", csv, "--open-loop", "--out", "out", "--metric"}
	call(t, "", append(replay, "cpu=avg(cpu)")...).want(t, exitOK, "avg(cpu) yields 80 to 82, which is 8000 % to 8200 % of what is requested: if these are percent, divide them by 100")
	if got := call(t, "", append(replay, "cpu=avg(cpu)/100")...); strings.Contains(got.stderr, "percent") {
		t.Errorf("ratios are taken for percent: %s", got.stderr)
	}
}
