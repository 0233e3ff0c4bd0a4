package kubernetes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

// A failing transport answers in the place of the API server while it has an error
// to answer with, or not at all while it hangs.
type failing struct {
	next  http.RoundTripper
	class atomic.Pointer[error]
	hangs atomic.Bool
}

// fail sets the class of error to answer with, nil for none.
func (f *failing) fail(class error) {
	if class == nil {
		f.class.Store(nil)
		return
	}
	f.class.Store(&class)
}

// refusals are what an API server answers for a class.
var refusals = map[error]metav1.Status{
	cycle.ErrForbidden:   {Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden},
	cycle.ErrThrottled:   {Code: http.StatusTooManyRequests, Reason: metav1.StatusReasonTooManyRequests},
	cycle.ErrConflict:    {Code: http.StatusConflict, Reason: metav1.StatusReasonConflict},
	cycle.ErrTimedOut:    {Code: http.StatusGatewayTimeout, Reason: metav1.StatusReasonTimeout},
	cycle.ErrUnavailable: {Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError},
	cycle.ErrInvalid:     {Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid},
}

// RoundTrip implements http.RoundTripper.
func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.hangs.Load() {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	class := f.class.Load()
	if class == nil {
		return f.next.RoundTrip(r)
	}
	status := refusals[*class]
	status.TypeMeta, status.Status, status.Message = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, metav1.StatusFailure, "refused by the test"
	body, err := json.Marshal(status)
	return &http.Response{
		StatusCode: int(status.Code), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}, err
}

// failing returns a configuration whose requests fail on demand.
func (s *server) failing() (*rest.Config, *failing) {
	f := &failing{}
	config := rest.CopyConfig(s.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		f.next = next
		return f
	})
	return config, f
}

// touch annotates an object, as somebody else might.
func (s *server) touch(o client.Object) func() {
	return func() {
		s.t.Helper()
		s.check(s.client.Patch(context.Background(), o, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"touched":"yes"}}}`))))
	}
}

// pod creates a pod of an app and sets its status.
func (s *server) pod(name, app, node string, cores string, ready bool) *corev1.Pod {
	s.t.Helper()
	pod := &corev1.Pod{ObjectMeta: s.meta(name), Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
		Name: "app", Image: "app", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cores)}},
	}}}}
	pod.Labels = map[string]string{"app": app}
	s.create(pod)
	s.t.Cleanup(func() {
		s.check(client.IgnoreNotFound(s.client.Delete(context.Background(), pod, client.GracePeriodSeconds(0))))
	})
	pod.Status.Phase = corev1.PodPending
	if ready {
		pod.Status.Phase = corev1.PodRunning
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	}
	s.check(s.client.Status().Update(context.Background(), pod))
	return pod
}

func TestScaleTargetsContract(t *testing.T) {
	providertest.ScaleTargets(t, func(t *testing.T) providertest.ScaleTargetHarness {
		s := connect(t)
		d := s.deployment("web", 3)
		s.create(d)
		d.Status.Replicas = 5
		s.check(s.client.Status().Update(t.Context(), d))
		for i := range 5 {
			s.pod(fmt.Sprintf("web-%d", i), "web", "", "1", i < 2)
		}
		config, transport := s.failing()
		targets, err := kubernetes.NewTargets(config, s.client.RESTMapper(), timeout)
		s.check(err)
		targets.Pods, err = kubernetes.NewReadyPods(t.Context(), s.config, clock.RealClock{})
		s.check(err)
		ref := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.namespace, Name: "web"}
		missing := ref
		missing.Name = "wbe"
		classes := []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrTimedOut, cycle.ErrUnavailable}
		return providertest.ScaleTargetHarness{
			Targets: targets, Ref: ref, Missing: missing, Want: cycle.Scale{Spec: 3, Status: 5, Ready: 2},
			Stored: func() int32 {
				t.Helper()
				got := s.deployment("web", 0)
				s.check(s.client.Get(context.Background(), client.ObjectKeyFromObject(got), got))
				return *got.Spec.Replicas
			},
			Touch: s.touch(d),
			Fail:  transport.fail, Get: classes, Set: append(classes, cycle.ErrConflict, cycle.ErrInvalid),
			Hang: func() { transport.hangs.Store(true) },
		}
	})
}

// stored fills in the parts of a harness that are the same for the stores of all kinds.
func stored[O client.Object, S any](s *server, h providertest.StoreHarness[O, S], build func() O) providertest.StoreHarness[O, S] {
	o := build()
	s.create(o)
	h.Name, h.Missing = client.ObjectKeyFromObject(o), types.NamespacedName{Namespace: s.namespace, Name: "nobody"}
	h.Touch = s.touch(build())
	h.Recreate = func() {
		s.t.Helper()
		s.check(s.client.Delete(context.Background(), build()))
		s.create(build())
	}
	return h
}

func TestStoreContracts(t *testing.T) {
	access := func(s *server) kubernetes.Access {
		return kubernetes.Access{Reader: s.client, Writer: s.client, Timeout: timeout}
	}
	t.Run("HorizontalAutoscaler", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.AutoscalerStoreHarness {
			s, h := connect(t), providertest.NewAutoscalerStoreHarness()
			h.Store = &kubernetes.Store{Access: access(s)}
			return stored(s, h, func() *v1alpha1.HorizontalAutoscaler { return s.autoscaler("web", "web") })
		})
	})
	t.Run("ScalableNodeGroup", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.NodeGroupStoreHarness {
			s, h := connect(t), providertest.NewNodeGroupStoreHarness()
			h.Store = &kubernetes.NodeGroupStore{Access: access(s)}
			return stored(s, h, s.group)
		})
	})
	t.Run("MetricsProducer", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.ProducerStoreHarness {
			s, h := connect(t), providertest.NewProducerStoreHarness()
			h.Store = &kubernetes.ProducerStore{Access: access(s), Objects: s.client}
			return stored(s, h, func() *v1alpha1.MetricsProducer {
				return &v1alpha1.MetricsProducer{ObjectMeta: s.meta("office"), Spec: v1alpha1.MetricsProducerSpec{
					ReservedCapacity: &v1alpha1.ReservedCapacitySpec{NodeSelector: map[string]string{"pool": "a"}},
				}}
			})
		})
	})
}

// group is a ScalableNodeGroup of a provider that there is not.
func (s *server) group() *v1alpha1.ScalableNodeGroup {
	return &v1alpha1.ScalableNodeGroup{ObjectMeta: s.meta("workers"), Spec: v1alpha1.ScalableNodeGroupSpec{
		Replicas: ptr.To(int32(1)), Type: "AWSEKSNodeGroup", ID: "arn:aws:eks:us-west-2:1234567890:nodegroup/cluster/workers/1",
	}}
}

// sized is a provider of one group.
type sized struct {
	desired int32
	failure error
}

func (p *sized) Observe(context.Context, cycle.NodeGroupRef) (cycle.NodeGroup, error) {
	if p.failure != nil {
		return cycle.NodeGroup{}, p.failure
	}
	return cycle.NodeGroup{Desired: p.desired}, nil
}

func (p *sized) Resize(context.Context, cycle.NodeGroupRef, int32) error {
	return errors.New("nobody resizes here")
}

func TestSizesContract(t *testing.T) {
	providertest.Sizes(t, func(t *testing.T) providertest.SizesHarness {
		s, provider := connect(t), &sized{desired: 2}
		group := s.group()
		s.create(group)
		return providertest.SizesHarness{
			Sizes: &kubernetes.Cluster{Objects: s.client, NodeGroups: map[string]cycle.NodeGroups{string(group.Spec.Type): provider}},
			Group: client.ObjectKeyFromObject(group), Want: 2, Missing: types.NamespacedName{Namespace: s.namespace, Name: "nobody"},
			Resize:  func(desired int32) { provider.desired = desired },
			Fail:    func(class error) { provider.failure = class },
			Classes: []error{cycle.ErrForbidden, cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrNotFound},
		}
	})
}

func TestSnapshotsContract(t *testing.T) {
	providertest.Snapshots(t, func(t *testing.T) providertest.SnapshotHarness {
		s := connect(t)
		labels := map[string]string{"pool": s.namespace}
		node := func(name string, ready corev1.ConditionStatus) *corev1.Node {
			node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: s.namespace + "-" + name, Labels: labels}}
			s.create(node)
			t.Cleanup(func() { s.check(s.client.Delete(context.Background(), node)) })
			node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}
			node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
			s.check(s.client.Status().Update(context.Background(), node))
			return node
		}
		first, _, third := node("a", corev1.ConditionTrue), node("b", corev1.ConditionTrue), node("c", corev1.ConditionFalse)
		running := s.pod("running", "web", first.Name, "1", true)
		waiting := s.pod("waiting", "web", "", "16", false)

		cached, err := cache.New(s.config, cache.Options{Scheme: s.scheme, Mapper: s.client.RESTMapper()})
		s.check(err)
		go func() { _ = cached.Start(t.Context()) }()
		if !cached.WaitForCacheSync(t.Context()) {
			t.Fatal("the cache was not filled")
		}
		get := func(o client.Object) error { return cached.Get(context.Background(), client.ObjectKeyFromObject(o), o) }
		s.check(get(waiting.DeepCopy())) // starts the informers
		s.check(get(third.DeepCopy()))
		return providertest.SnapshotHarness{
			Snapshots: &kubernetes.Cluster{Objects: cached}, Labels: labels,
			Grow: func() {
				third.Status.Conditions[0].Status = corev1.ConditionTrue
				s.check(s.client.Status().Update(context.Background(), third))
				s.eventually("the cache has the ready node", func() bool {
					seen := third.DeepCopy()
					return get(seen) == nil && seen.ResourceVersion == third.ResourceVersion
				})
			},
			Shrink: func() {
				s.check(s.client.Delete(context.Background(), running, client.GracePeriodSeconds(0)))
				s.eventually("the cache lost the pod", func() bool {
					return client.IgnoreNotFound(get(running.DeepCopy())) == nil && get(running.DeepCopy()) != nil
				})
			},
		}
	})
}
