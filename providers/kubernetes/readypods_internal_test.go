package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/karpenter-sim/karpenter/engine/cycle"
)

func listedPods(t testing.TB) *ReadyPods {
	p, err := NewReadyPods(context.Background(), &rest.Config{Host: "http://127.0.0.1:1"}, clock.RealClock{})
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
					if got, err := p.Ready(context.Background(), cycle.TargetRef{Namespace: namespace}, selector, time.Time{}); got.Now != want || err != nil {
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

// TestReadyPodsSince compares the fewest and the most that were ready since any
// instant with a list of every count that there was.
func TestReadyPodsSince(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := listedPods(t)
		now := clocktesting.NewFakePassiveClock(time.Unix(1_000_000, 0))
		p.clock = now
		_ = p.Replace([]any{podOf("a", "1", "web", true)}, "")
		type count struct {
			from time.Time
			n    int32
		}
		counts := []count{{time.Time{}, 1}}
		for range rapid.IntRange(1, 40).Draw(r, "events") {
			now.SetTime(now.Now().Add(time.Duration(rapid.IntRange(1, 40).Draw(r, "seconds")) * time.Second))
			pod := podOf("a", rapid.SampledFrom([]string{"1", "2", "3"}).Draw(r, "name"), rapid.SampledFrom([]string{"web", "api"}).Draw(r, "app"), rapid.Bool().Draw(r, "ready"))
			if rapid.IntRange(0, 4).Draw(r, "event") == 0 {
				_ = p.Delete(pod)
			} else {
				_ = p.Update(pod)
			}
			ago := time.Duration(rapid.IntRange(0, 300).Draw(r, "ago")) * time.Second
			since := now.Now().Add(-ago)
			got, err := p.Ready(context.Background(), cycle.TargetRef{Namespace: "a"}, "app=web", since)
			if err != nil {
				r.Fatal(err)
			}
			counts = append(counts, count{now.Now(), got.Now})
			want := ReadyCount{got.Now, got.Now, got.Now}
			for i, c := range counts[:len(counts)-1] {
				if counts[i+1].from.After(since) {
					want.Least, want.Most = min(want.Least, c.n), max(want.Most, c.n)
				}
			}
			if got != want {
				r.Fatalf("since %s ago: got %+v, want %+v of %v", ago, got, want, counts)
			}
		}
		if past := p.past["a"]; len(past) > 0 && past[len(past)-1].at.Sub(past[0].at) > RememberedFor {
			r.Fatalf("a change of %s before the last is still there", past[len(past)-1].at.Sub(past[0].at))
		}
	})
}

// A podSource is an API server's pods, with faults.
type podSource struct {
	mu      sync.Mutex
	pods    []corev1.Pod
	gone    []corev1.Pod // since the watch ended
	watcher *watch.FakeWatcher
	fault   func(context.Context) error
}

func (s *podSource) listWatch() *toolscache.ListWatch {
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (kruntime.Object, error) {
			if err := s.failing(ctx); err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.gone = nil
			return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "2"}, Items: s.pods}, nil
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			if err := s.failing(ctx); err != nil {
				return nil, err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.watcher = watch.NewFakeWithChanSize(10, false)
			if ptr.Deref(o.SendInitialEvents, false) {
				for i := range s.pods {
					s.watcher.Add(&s.pods[i])
				}
				s.watcher.Action(watch.Bookmark, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
					ResourceVersion: "2", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}})
			} else {
				for i := range s.gone {
					s.watcher.Delete(&s.gone[i])
				}
			}
			s.gone = nil
			return s.watcher, nil
		},
	}
}

func (s *podSource) failing(ctx context.Context) error {
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx)
}

// breaks ends the watch by an event, or closes it, and has calls fail; meanwhile
// the last pod goes.
func (s *podSource) breaks(end *metav1.Status, fault func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.pods) - 1
	s.pods, s.gone, s.fault = s.pods[:last], s.pods[last:], fault
	if end != nil {
		s.watcher.Error(end)
	} else {
		s.watcher.Stop()
	}
}

func (s *podSource) heals() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = nil
}

// TestReadyPodsWithoutWatch holds that pods are counted from memory for no longer
// than maxWithoutWatch after their watch was lost, however it was, and again once
// they are listed or watched.
func TestReadyPodsWithoutWatch(t *testing.T) {
	defer func(handlers []utilruntime.ErrorHandler) { utilruntime.ErrorHandlers = handlers }(utilruntime.ErrorHandlers)
	utilruntime.ErrorHandlers = nil // one waits from a time outside of the bubble
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	fails := func(err error) func(context.Context, <-chan struct{}) error {
		return func(context.Context, <-chan struct{}) error { return err }
	}
	cases := map[string]struct {
		reason string
		end    *metav1.Status                               // the watch's last event, nil for none
		fault  func(context.Context, <-chan struct{}) error // of calls until the channel is closed
		want   error
	}{
		"Refused":  {"a server that is gone is noticed", nil, fails(refused), cycle.ErrUnavailable},
		"Overload": {"a server with too much to do is tried again without a list", nil, fails(apierrors.NewTooManyRequests("busy", 1)), cycle.ErrThrottled},
		"Event":    {"an error within the watch ends it", &apierrors.NewInternalError(refused).ErrStatus, fails(refused), cycle.ErrUnavailable},
		"Expired":  {"what was seen is too old for a watch, and there is no list", &apierrors.NewResourceExpired("too old").ErrStatus, fails(refused), cycle.ErrUnavailable},
		"Forbidden": {"a role may be taken away, which has another cure", nil,
			fails(apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no role"))), cycle.ErrForbidden},
		"Hanging": {"a call without an answer fails like any other", nil, func(ctx context.Context, healed <-chan struct{}) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-healed:
				return nil
			}
		}, cycle.ErrUnavailable},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				source := &podSource{pods: []corev1.Pod{*podOf("a", "1", "web", true), *podOf("a", "2", "web", true)}}
				p, healed := listedPods(t), make(chan struct{})
				p.ctx = ctx
				go p.follow(source.listWatch())
				count := func(moment string, want int32, fault error) {
					t.Helper()
					synctest.Wait()
					if got, err := p.Ready(ctx, cycle.TargetRef{Namespace: "a"}, "app=web", time.Time{}); got.Now != want || !errors.Is(err, fault) {
						t.Errorf("%s: %s: got %d, %v, want %d, %v", c.reason, moment, got, err, want, fault)
					}
				}
				count("at first", 2, nil)
				time.Sleep(2 * time.Minute)
				count("an idle watch is none that is lost", 2, nil)

				source.breaks(c.end, func(ctx context.Context) error { return c.fault(ctx, healed) })
				time.Sleep(maxWithoutWatch)
				count("within the bound", 2, nil)
				time.Sleep(3 * time.Second) // the reflector calls again within 2 s
				count("after the bound", 0, c.want)
				time.Sleep(time.Hour)
				count("much later", 0, c.want)

				source.heals()
				close(healed)
				time.Sleep(2 * time.Minute) // the reflector waits for 30 to 60 s at most
				count("when pods are listed or watched again", 1, nil)
			})
		})
	}
}

// BenchmarkReadyPods counts among 100,000 pods of 1,000 Deployments, and says
// what they take: the figure of cmd/docs/explanation/scale.md.
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
		if n, err := p.Ready(context.Background(), cycle.TargetRef{Namespace: "team-1"}, "app=deployment-001", time.Time{}); n.Now == 0 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB/100k-pods")
}
