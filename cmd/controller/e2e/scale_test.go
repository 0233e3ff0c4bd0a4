package e2e

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientmodel "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes/servertest"
)

const (
	scaleInterval = 15 // seconds
	scaleWindow   = time.Minute
)

// BenchmarkController runs the built controller with many autoscalers for a
// minute each: at rest, and with a tenth of them wanting another count at every
// slot. The figures are of the whole machine, which runs API server, etcd and
// Prometheus besides. KARPENTER_SCALE says how many autoscalers: 1000,5000.
func BenchmarkController(b *testing.B) {
	config := servertest.Config(b)
	sizes := os.Getenv("KARPENTER_SCALE")
	if sizes == "" {
		sizes = "1000"
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		b.Fatal(err)
	}
	api, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		b.Fatal(err)
	}
	binary := build(b, b.TempDir())
	for _, text := range strings.Split(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatalf("KARPENTER_SCALE: %v", err)
		}
		namespace := "scale-" + text
		populate(b, api, namespace, n)
		for _, moving := range []bool{false, true} {
			b.Run(fmt.Sprintf("n=%d/moving=%t", n, moving), func(b *testing.B) {
				for range b.N {
					measure(b, binary, n, moving)
				}
			})
		}
		clearNamespace(b, api, namespace)
	}
}

// populate creates n autoscalers with a target each.
func populate(b *testing.B, api client.Client, namespace string, n int) {
	if err := api.Create(context.Background(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		b.Fatal(err)
	}
	var group sync.WaitGroup
	numbers := make(chan int)
	for range 16 {
		group.Go(func() {
			for i := range numbers {
				name := fmt.Sprintf("app-%05d", i)
				target := objectOf(cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: namespace, Name: name})
				target.Object["spec"] = workloadSpec(cycle.TargetRef{Kind: "Deployment", Name: name}, 5)
				ten, interval, none := resource.MustParse("10"), int32(scaleInterval), int32(0)
				a := &v1alpha1.HorizontalAutoscaler{
					ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
					Spec: v1alpha1.HorizontalAutoscalerSpec{
						ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
						MinReplicas:    1, MaxReplicas: 100, PollingIntervalSeconds: &interval,
						Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
							Query: fmt.Sprintf(`queue_length{app=%q}`, name), Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
						}}},
						Behavior: v1alpha1.Behavior{ScaleDown: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &none}},
					},
				}
				for _, o := range []client.Object{target, a} {
					if err := api.Create(context.Background(), o); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	group.Wait()
}

func clearNamespace(b *testing.B, api client.Client, namespace string) {
	deployments := objectOf(cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment"})
	for _, o := range []client.Object{&v1alpha1.HorizontalAutoscaler{}, deployments} {
		if err := api.DeleteAllOf(context.Background(), o, client.InNamespace(namespace)); err != nil {
			b.Error(err)
		}
	}
}

// measure runs the controller until it has settled, and then for the window.
func measure(b *testing.B, binary string, n int, moving bool) {
	prometheus := httptest.NewServer(stub(moving))
	defer prometheus.Close()
	directory := b.TempDir()
	command := exec.Command(binary, "--kubeconfig", kubeconfig(b, directory), "--prometheus-uri", prometheus.URL,
		"--journal-dir", filepath.Join(directory, "journal"), "--leader-elect=false", "--metrics-port", "18080", "--health-probe-address", "0")
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	}()
	settle(b, n)
	before := scrape(b)
	time.Sleep(scaleWindow)
	after := scrape(b)
	seconds := scaleWindow.Seconds()
	decided := after.sum("karpenter_autoscaling_decisions_total") - before.sum("karpenter_autoscaling_decisions_total")
	b.ReportMetric(100*decided/(float64(n)*seconds/scaleInterval), "%slots")
	b.ReportMetric(after.quantile(before, "karpenter_autoscaling_decision_lateness_seconds", 0.99), "p99-late-s")
	b.ReportMetric(after.quantile(before, "karpenter_autoscaling_decision_lateness_seconds", 0.5), "p50-late-s")
	b.ReportMetric((after.sum("process_cpu_seconds_total")-before.sum("process_cpu_seconds_total"))/seconds, "cpus")
	b.ReportMetric(after.sum("process_resident_memory_bytes")/(1<<20), "MiB")
	requests := func(methods ...string) float64 {
		total := 0.0
		for _, m := range methods {
			total += after.with("rest_client_requests_total", "method", m) - before.with("rest_client_requests_total", "method", m)
		}
		return total / seconds
	}
	b.ReportMetric(requests("GET"), "reads/s")
	b.ReportMetric(requests("PUT", "PATCH", "POST"), "writes/s")
}

// settle waits until the first status of every autoscaler is written: until each
// has been decided twice on average, for five minutes at most.
func settle(b *testing.B, n int) {
	b.Helper()
	for range 20 {
		time.Sleep(scaleInterval * time.Second)
		if scrape(b).sum("karpenter_autoscaling_decisions_total") >= 2*float64(n) {
			return
		}
	}
	b.Logf("%d autoscalers have not settled", n)
}

// stub is a Prometheus whose queries have the value 50, a tenth of them one that
// changes from slot to slot where it is moving.
func stub(moving bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value := 50
		h := fnv.New32a()
		_, _ = h.Write([]byte(r.FormValue("query")))
		if at, err := strconv.ParseFloat(r.FormValue("time"), 64); err == nil && moving && h.Sum32()%10 == 0 {
			value = 50 + 10*(int(at)/scaleInterval%5)
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%s,"%d"]}]}}`, r.FormValue("time"), value)
	})
}

// A page is what the controller's metrics say at a time.
type page map[string]*clientmodel.MetricFamily

func scrape(b *testing.B) page {
	b.Helper()
	response, err := http.Get("http://127.0.0.1:18080/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return families
}

func (p page) sum(name string) float64 { return p.with(name, "", "") }

// with adds up what has a label.
func (p page) with(name, label, value string) float64 {
	total := 0.0
	for _, m := range p[name].GetMetric() {
		matches := label == ""
		for _, l := range m.GetLabel() {
			matches = matches || l.GetName() == label && l.GetValue() == value
		}
		if matches {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return total
}

// quantile is the upper bound of the bucket that a quantile of the observations
// since before falls into.
func (p page) quantile(before page, name string, q float64) float64 {
	counts := func(p page) (bounds []float64, counts []float64) {
		for _, m := range p[name].GetMetric() {
			for i, bucket := range m.GetHistogram().GetBucket() {
				if i == len(counts) {
					bounds, counts = append(bounds, bucket.GetUpperBound()), append(counts, 0)
				}
				counts[i] += float64(bucket.GetCumulativeCount())
			}
		}
		return bounds, counts
	}
	bounds, now := counts(p)
	_, then := counts(before)
	for i := range then {
		now[i] -= then[i]
	}
	for i := range now {
		if now[i] >= q*now[len(now)-1] {
			return bounds[i]
		}
	}
	return 0
}
