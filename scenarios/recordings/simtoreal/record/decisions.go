package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/karpenter-sim/karpenter/scenarios/recordings/simtoreal"
)

const (
	// metricName is that of the HPAs' external metric.
	metricName = "load"
	// initial is the count that everything begins with.
	initial = 4
	// startUp is how long the pods of the decisions take to become ready.
	startUp = 20
	// syncPeriod is the HPA controller's, in seconds.
	syncPeriod = 15
	// exported is how often Prometheus scrapes, in seconds.
	exported = 5
)

// A trial is a policy that decides twice: as an HPA, and converted.
type trial struct {
	name     string
	query    func(namespace string) string
	target   autoscalingv2.MetricTarget
	behavior *autoscalingv2.HorizontalPodAutoscalerBehavior
}

// trials are the policies: a total, a value per ready pod, rate policies with a
// window, and one without a behavior, which HPA decides by its older algorithm.
func trials() []trial {
	total := func(string) string { return "sum(load)" }
	perReady := func(namespace string) string {
		return fmt.Sprintf("sum(load) / scalar(sum(kube_deployment_status_replicas_ready{namespace=%q,deployment=\"web\"}))", namespace)
	}
	ten := resource.MustParse("10")
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &ten}
	value := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &ten}
	quick := &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: ptr.To(int32(45))},
	}
	limited := &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleUp: &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 2, PeriodSeconds: 30}}},
		ScaleDown: &autoscalingv2.HPAScalingRules{
			StabilizationWindowSeconds: ptr.To(int32(30)),
			Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 20, PeriodSeconds: 30}},
		},
	}
	return []trial{
		{"total", total, average, quick},
		{"value", perReady, value, quick},
		{"limited", total, average, limited},
		{"older", total, average, nil},
	}
}

func (t *trial) hpa(namespace string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
			MinReplicas:    ptr.To(int32(2)), MaxReplicas: 40,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: metricName}, Target: t.target,
			}}},
			Behavior: t.behavior,
		},
	}
}

// loadAt is the load after some seconds: a morning, a flash crowd, an evening, with
// ripples that no tolerance swallows.
func loadAt(second float64) float64 {
	points := [][2]float64{{0, 40}, {90, 40}, {210, 170}, {270, 150}, {275, 290}, {330, 290}, {340, 120}, {450, 90}, {520, 30}, {600, 60}}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if second < b[0] {
			return a[1] + (b[1]-a[1])*(second-a[0])/(b[0]-a[0]) + 4*math.Sin(second/7)
		}
	}
	return points[len(points)-1][1]
}

// recordDecisions runs all trials under the same load, and writes a directory of
// each.
func recordDecisions(ctx context.Context, p *plane, out string, length time.Duration, karpenter simtoreal.Karpenter) error {
	watched, err := watch(ctx, p.config)
	if err != nil {
		return err
	}
	start := make(chan time.Time, 1)
	var began time.Time
	var once sync.Mutex
	load := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "load", Help: "Requests a second."}, func() float64 {
		once.Lock()
		defer once.Unlock()
		select {
		case began = <-start:
		default:
		}
		if began.IsZero() {
			return loadAt(0)
		}
		return loadAt(time.Since(began).Seconds())
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(load, watched)
	exporter := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer exporter.Close()
	source, err := p.startPrometheus(ctx, strings.TrimPrefix(exporter.URL, "http://"), exported*time.Second)
	if err != nil {
		return err
	}
	queries := map[string]string{}
	for _, t := range trials() {
		for _, namespace := range []string{t.name + "-hpa", t.name + "-ours"} {
			queries[namespace] = t.query(namespace)
			delay := fmt.Sprintf("%ds", startUp)
			if err := p.deploy(ctx, namespace, initial, delay, delay); err != nil {
				return err
			}
			watched.begin(namespace, nil)
		}
	}
	asked, err := p.serveMetrics(ctx, source, queries)
	if err != nil {
		return err
	}
	for namespace := range queries {
		if err := p.ready(ctx, namespace); err != nil {
			return err
		}
	}
	if err := p.install(ctx, source.url, exported*time.Second); err != nil {
		return err
	}
	recording := time.Now()
	for _, t := range trials() {
		if err := p.begin(ctx, &t, out, karpenter); err != nil {
			return err
		}
	}
	start <- time.Now()
	if err := p.pass(ctx, length); err != nil {
		return err
	}
	end := time.Now()
	for _, t := range trials() {
		if err := finish(ctx, p, watched, asked, source, &t, out, recording, end); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

// pass waits, as long as everything runs.
func (p *plane) pass(ctx context.Context, length time.Duration) error {
	end := time.After(length)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return nil
		case <-time.After(time.Second):
			if err := p.running(); err != nil {
				return err
			}
		}
	}
}

// begin applies a trial's HPA and what it is converted to.
func (p *plane) begin(ctx context.Context, t *trial, out string, karpenter simtoreal.Karpenter) error {
	directory := filepath.Join(out, t.name)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	if err := p.client.Create(ctx, t.hpa(t.name+"-hpa")); err != nil {
		return err
	}
	text, err := yaml.Marshal(t.hpa(t.name + "-ours"))
	if err != nil {
		return err
	}
	manifest := filepath.Join(p.directory, t.name+".yaml")
	if err := os.WriteFile(manifest, text, 0o644); err != nil {
		return err
	}
	converted, err := karpenter("convert", "-f", manifest, "--metric", metricName+"="+t.query(t.name+"-ours"))
	if err != nil {
		return err
	}
	file := filepath.Join(directory, simtoreal.PolicyFile)
	if err := os.WriteFile(file, []byte(converted), 0o644); err != nil {
		return err
	}
	return p.apply(file)
}

// finish writes what a trial recorded.
func finish(ctx context.Context, p *plane, watched *cluster, asked *adapter, source *server, t *trial, out string, from, to time.Time) error {
	directory, ours := filepath.Join(out, t.name), t.name+"-ours"
	recorded := simtoreal.Trial{Interval: syncPeriod, ReadyAfter: startUp, ScrapeInterval: exported, Namespace: ours, End: float64(to.Unix())}
	recorded.Ours, _ = watched.course(ours)
	recorded.HPA, _ = watched.course(t.name + "-hpa")
	for _, at := range asked.times(t.name + "-hpa") {
		recorded.Asked = append(recorded.Asked, float64(at.UnixMilli())/1000)
	}
	if err := writeJSON(filepath.Join(directory, simtoreal.TrialFile), &recorded); err != nil {
		return err
	}
	if err := source.export(ctx, filepath.Join(directory, simtoreal.RecordingFile), from, to, metricName, fmt.Sprintf("{namespace=%q}", ours)); err != nil {
		return err
	}
	return writeJournal(filepath.Join(directory, simtoreal.JournalFile), p.journal(), ours, time.Time{})
}

// writeJournal writes the lines of a namespace's only object from an instant on.
func writeJournal(file, directory, namespace string, from time.Time) error {
	files, err := filepath.Glob(filepath.Join(directory, "*.jsonl*"))
	if err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, name := range files {
		text, err := readFile(name)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasSuffix(line, "\n") || !strings.Contains(line, fmt.Sprintf(`"namespace":%q`, namespace)) {
				continue
			}
			var of struct{ Slot time.Time }
			if err := json.Unmarshal([]byte(line), &of); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if of.Slot.Before(from) {
				continue
			}
			if _, err := packed.Write([]byte(line)); err != nil {
				return err
			}
		}
	}
	return errors.Join(packed.Close(), out.Close())
}

// readFile reads a file of a journal, which is packed once it was rotated.
func readFile(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return text, err
	}
	packed, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return io.ReadAll(packed)
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
