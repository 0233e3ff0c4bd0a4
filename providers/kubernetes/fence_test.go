package kubernetes_test

import (
	"context"
	"sync"
	"testing"
	"time"

	clientprometheus "github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/kubernetes"
)

// reconciler is one that believes to be in charge since the clock's time.
func (s *server) reconciler(clock *clocktesting.FakePassiveClock, source cycle.Querier, sink cycle.Journal) *kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler] {
	metrics, err := kubernetes.NewMetrics(clientprometheus.NewRegistry())
	s.check(err)
	targets, err := kubernetes.NewTargets(s.config, s.client.RESTMapper(), timeout)
	s.check(err)
	reporter := kubernetes.NewReporter(sink, metrics, &record.FakeRecorder{}, clock)
	return &kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler]{
		Kind: journal.HorizontalAutoscaler, Empty: func() *v1alpha1.HorizontalAutoscaler { return &v1alpha1.HorizontalAutoscaler{} },
		Objects: s.client, Reporter: reporter, Clock: clock,
		Driver: &cycle.Autoscalers{
			Metrics: cycle.InTurn(source), Targets: targets, Journal: reporter, Since: slot.At(clock.Now()),
			Store: &kubernetes.Store{Access: kubernetes.Access{Reader: s.client, Writer: s.client, Timeout: timeout, Reporter: reporter}},
		},
	}
}

// TestFence has two controllers that both believe to be in charge, as for a
// moment after a lease was lost. Together they must not scale faster than one.
func TestFence(t *testing.T) {
	s := connect(t)
	s.create(s.deployment("web", 1))
	a := s.autoscaler("web", "web")
	a.Spec.Behavior.ScaleUp = &v1alpha1.ScalingRules{Policies: []v1alpha1.ScalingPolicy{{Type: v1alpha1.CountScalingPolicy, Value: 1, PeriodSeconds: 30}}}
	s.create(a)
	clock := clocktesting.NewFakePassiveClock(s.autoscalerCreated("web").Add(time.Second))
	source := &gauge{}
	source.set(cycle.Result{Samples: 1, Value: 150}, nil)
	both := &diary{namespace: s.namespace}
	leaders := []*kubernetes.Reconciler[*v1alpha1.HorizontalAutoscaler]{s.reconciler(clock, source, both), s.reconciler(clock, source, both)}
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: "web"}}
	const slots = 19
	for range slots {
		clock.SetTime(clock.Now().Add(10 * time.Second))
		var group sync.WaitGroup
		for _, leader := range leaders {
			group.Go(func() {
				if _, err := leader.Reconcile(context.Background(), request); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	r := &running{server: s}
	if n := r.replicas("web"); n != 1+(slots+2)/3 {
		t.Errorf("%d replicas after %d slots, want %d", n, slots, 1+(slots+2)/3)
	}
	applied := 0
	for _, result := range both.outcomes {
		if result == cycle.Applied {
			applied++
		}
	}
	if applied != (slots+2)/3 {
		t.Errorf("outcomes %q", both.outcomes)
	}
}
