// Package hpa plays Kubernetes' own controller of HorizontalPodAutoscalers as a
// column of a scenario. It is a module of its own, since k8s.io/kubernetes is a large
// dependency, and a test, since testing/synctest gives that controller the simulated
// clock.
package hpa

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"

	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// Flags of kube-controller-manager at their defaults.
const (
	period         = 15 * time.Second
	downscale      = 5 * time.Minute
	tolerance      = 0.1
	initialization = 5 * time.Minute
	readiness      = 30 * time.Second
)

// thinking is how long the controller takes: it looks half of it after each slot, when
// everything of the slot is there.
const thinking = time.Second

// A controller is the real one behind fake clients: what it reads is what a slot
// shows, what it writes is the decision.
type controller struct {
	hpa *autoscalingv2.HorizontalPodAutoscaler

	mu     sync.Mutex
	seen   sim.Observation
	wanted int32
}

// Decide implements sim.Decider.
func (c *controller) Decide(ctx context.Context, o sim.Observation) (sim.Decision, error) {
	if o.Scale.Code != "" {
		return sim.Decision{}, errors.New("there is no scale")
	}
	time.Sleep(time.Until(o.Time))
	c.mu.Lock()
	c.seen, c.wanted = o, o.Scale.Spec
	c.mu.Unlock()
	time.Sleep(time.Until(o.Time.Add(thinking)))
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return sim.Decision{Replicas: int64(c.wanted), After: thinking}, nil
}

// start runs the controller until ctx is done. It looks at an object one period after
// it saw it first, and then every period.
func start(ctx context.Context, object *autoscalingv2.HorizontalPodAutoscaler) *controller {
	c := &controller{hpa: object}
	client := fake.NewClientset(object)
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{{Group: "apps", Version: "v1"}})
	mapper.Add(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, meta.RESTScopeNamespace)
	factory := informers.NewSharedInformerFactory(client, 0)
	hpa := podautoscaler.NewHorizontalController(ctx, client.CoreV1(), c.scales(), client.AutoscalingV2(), mapper, external{c},
		factory.Autoscaling().V2().HorizontalPodAutoscalers(), factory.Core().V1().Pods(), period, downscale, tolerance, initialization, readiness)
	factory.Start(ctx.Done())
	go hpa.Run(ctx, 1)
	return c
}

// scales is the scale subresource of the target.
func (c *controller) scales() *scalefake.FakeScaleClient {
	scales := &scalefake.FakeScaleClient{}
	scales.AddReactor("get", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return true, &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Namespace: c.seen.Target.Namespace, Name: c.seen.Target.Name},
			Spec:       autoscalingv1.ScaleSpec{Replicas: c.seen.Scale.Spec},
			Status:     autoscalingv1.ScaleStatus{Replicas: c.seen.Scale.Status, Selector: "app=" + c.seen.Target.Name},
		}, nil
	})
	scales.AddReactor("update", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		scale := action.(clienttesting.UpdateAction).GetObject().(*autoscalingv1.Scale)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.wanted = scale.Spec.Replicas
		return true, scale, nil
	})
	return scales
}

// external answers external metrics with the values that the slot shows.
type external struct{ *controller }

var errNone = errors.New("no such metric")

func (e external) GetExternalMetric(name, _ string, _ labels.Selector) ([]int64, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, m := range e.hpa.Spec.Metrics {
		if m.External.Metric.Name != name {
			continue
		}
		if s := e.seen.Metrics[i]; s.Code == "" {
			return []int64{int64(s.Value * 1000)}, e.seen.Time, nil
		}
	}
	return nil, time.Time{}, errNone
}

func (external) GetResourceMetric(context.Context, corev1.ResourceName, string, labels.Selector, string) (metrics.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errNone
}

func (external) GetRawMetric(string, string, labels.Selector, labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	return nil, time.Time{}, errNone
}

func (external) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector) (int64, time.Time, error) {
	return 0, time.Time{}, errNone
}

// The scenario's policy is the same HorizontalPodAutoscaler, converted: both columns
// ask for the same replicas at the same slots, the real controller's a second later.
func TestController(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, err := sim.Load("testdata/evening.yaml")
		if err != nil {
			t.Fatal(err)
		}
		hpa := &autoscalingv2.HorizontalPodAutoscaler{}
		if err := json.Unmarshal(file.Manifests.Foreign[0].JSON, hpa); err != nil {
			t.Fatal(err)
		}
		defaults.SetDefaults_HorizontalPodAutoscaler(hpa)
		time.Sleep(time.Until(file.Spec.Start.Time) - period + thinking/2)
		ctx, stop := context.WithCancel(context.Background())
		simulation, err := sim.Check(ctx, file, sim.CheckOptions{
			Deciders: map[string]func() sim.Decider{"hpa": func() sim.Decider { return start(ctx, hpa) }},
			Patience: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		run, err := simulation.Play(ctx, sim.PlayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stop()
		if err := simulation.Close(); err != nil {
			t.Error(err)
		}
		ours, theirs := run.Columns[0], run.Columns[1]
		if len(theirs.Failures) > 0 {
			t.Errorf("failures %+v", theirs.Failures)
		}
		want := ours.Objects[0].Spec
		if len(want.T) < 10 {
			t.Fatalf("only %d changes: the scenario shows too little", len(want.T))
		}
		got := result.Steps{V: theirs.Objects[0].Spec.V}
		for i, at := range theirs.Objects[0].Spec.T {
			if i > 0 {
				at -= int64(thinking / time.Second)
			}
			got.T = append(got.T, at)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("replicas asked for (-karpenter +HorizontalPodAutoscaler):\n%s", diff)
		}
	})
}
