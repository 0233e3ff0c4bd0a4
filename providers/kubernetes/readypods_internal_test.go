package kubernetes

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func listedPods(t testing.TB) *ReadyPods {
	p, err := NewReadyPods(context.Background(), &rest.Config{Host: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	p.start.Do(func() {}) // nobody is asked
	return p
}

func podOf(namespace, name, app string, ready bool) *corev1.Pod {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}},
	}
}

// What is counted is what looking through all pods finds.
func TestReadyPodsEqualTwin(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p, twin := listedPods(t), map[string]*corev1.Pod{}
		_ = p.Replace(nil, "")
		for range rapid.IntRange(1, 60).Draw(r, "events") {
			pod := podOf(rapid.SampledFrom([]string{"a", "b"}).Draw(r, "namespace"), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "name"),
				rapid.SampledFrom([]string{"web", "api"}).Draw(r, "app"), rapid.Bool().Draw(r, "ready"))
			key := pod.Namespace + "/" + pod.Name
			switch rapid.IntRange(0, 9).Draw(r, "event") {
			case 0:
				var all []any
				for _, o := range twin {
					all = append(all, o)
				}
				_ = p.Replace(all, "")
			case 1, 2, 3:
				_ = p.Delete(pod)
				delete(twin, key)
			default:
				_ = p.Update(pod)
				twin[key] = pod
			}
			for _, namespace := range []string{"a", "b", "c"} {
				for _, selector := range []string{"app=web", "app in (web,api)", "app!=api"} {
					match, want := labels.SelectorFromSet(nil), int32(0)
					if parsed, err := labels.Parse(selector); err == nil {
						match = parsed
					}
					for _, o := range twin {
						if o.Namespace == namespace && match.Matches(labels.Set(o.Labels)) && o.Status.Conditions[0].Status == corev1.ConditionTrue {
							want++
						}
					}
					if got, err := p.Ready(context.Background(), cycle.TargetRef{Namespace: namespace}, selector); got != want || err != nil {
						r.Fatalf("%s in %s: got %d, %v, want %d", selector, namespace, got, err, want)
					}
				}
			}
		}
		if len(twin) == 0 && len(p.sets["a"])+len(p.sets["b"])+len(p.ready) > 0 {
			r.Fatalf("what is gone is kept: %v %v", p.sets, p.ready)
		}
	})
}

// BenchmarkReadyPods counts among 100,000 pods of 1,000 Deployments, and says
// what they take: the figure of cmd/controller/docs/scale.md.
func BenchmarkReadyPods(b *testing.B) {
	p := listedPods(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_ = p.Replace(nil, "")
	for i := range 100_000 {
		app := fmt.Sprintf("deployment-%03d", i%1000)
		pod := podOf(fmt.Sprintf("team-%d", i%1000%20), fmt.Sprintf("%s-7c9d8b6f5-%05d", app, i), app, i%7 > 0)
		pod.Labels["pod-template-hash"] = "7c9d8b6f5"
		_ = p.Add(pod)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		if n, err := p.Ready(context.Background(), cycle.TargetRef{Namespace: "team-1"}, "app=deployment-001"); n == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB/100k-pods")
}
