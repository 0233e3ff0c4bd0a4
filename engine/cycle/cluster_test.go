package cycle

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// start is 2026-01-05T08:00:00Z, a slot of every grid of phase 0 used here.
const start = slot.Slot(1767600000)

var web = types.NamespacedName{Namespace: "default", Name: "web"}

// A cluster is what outlives a driver: the store, the target, the metric and
// the journal. It counts calls, and lets a test disturb any of them.
type cluster struct {
	t       *testing.T
	object  *v1alpha1.HorizontalAutoscaler
	version int

	scale   Scale
	writes  int     // of the target, which is its version
	lag     int32   // how far status is behind spec
	value   float64 // of every query
	samples int

	calls    []string
	before   func(call string) error // an error is returned without effect
	after    func(call string) error // an error is returned although it took effect
	records  []journal.Record
	outcomes []journal.Outcome
	commits  int
	crashed  bool
}

// newCluster has a Deployment of 5 replicas, scaled to one for each 10 of the
// metric, which is 50.
func newCluster(t *testing.T) *cluster {
	ten := resource.MustParse("10")
	zero := int32(0)
	return &cluster{
		t: t, value: 50, samples: 1, scale: Scale{Spec: 5},
		object: &v1alpha1.HorizontalAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u1", Generation: 1, CreationTimestamp: metav1.NewTime(start.Time())},
			Spec: v1alpha1.HorizontalAutoscalerSpec{
				ScaleTargetRef: v1alpha1.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
				MinReplicas:    1, MaxReplicas: 20,
				Metrics: []v1alpha1.Metric{{Prometheus: &v1alpha1.PrometheusMetricSource{
					Query: "m", Target: v1alpha1.MetricTarget{Type: v1alpha1.AverageValueMetricType, AverageValue: &ten},
				}}},
				Behavior: v1alpha1.Behavior{ScaleDown: &v1alpha1.ScalingRules{StabilizationWindowSeconds: &zero}},
			},
		},
	}
}

// driver is a new driver over the cluster, as after a restart.
func (c *cluster) driver() *Autoscalers {
	return &Autoscalers{
		Metrics: InTurn(c), Targets: c, Store: c, Journal: c,
		Phase: func(types.NamespacedName, int32) int32 { return 0 },
	}
}

// edit changes the spec as the API server would.
func (c *cluster) edit(change func(*v1alpha1.HorizontalAutoscalerSpec)) {
	c.object = c.object.DeepCopy()
	change(&c.object.Spec)
	c.object.Generation++
	c.version++
}

// at wakes the driver some seconds after the start.
func (c *cluster) at(a *Autoscalers, seconds int) {
	c.t.Helper()
	if err := c.wake(a, seconds); err != nil {
		c.t.Fatalf("%d s: %v", seconds, err)
	}
}

func (c *cluster) wake(a *Autoscalers, seconds int) error {
	_, err := a.Reconcile(context.Background(), start.Time().Add(time.Duration(seconds)*time.Second), c.object)
	return err
}

// last is the newest record.
func (c *cluster) last() *journal.Record {
	c.t.Helper()
	if len(c.records) == 0 {
		c.t.Fatal("nothing was decided")
	}
	return &c.records[len(c.records)-1]
}

// slots are the decided ones, in seconds after the start.
func (c *cluster) slots() []int {
	slots := []int{}
	for _, r := range c.records {
		slots = append(slots, int(r.Slot-start))
	}
	return slots
}

// condition is STATUS REASON: MESSAGE of the stored status.
func (c *cluster) condition(kind string) string {
	found := meta.FindStatusCondition(c.object.Status.Conditions, kind)
	if found == nil {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", found.Status, found.Reason, found.Message)
}

// call runs one port call between its disturbances.
func (c *cluster) call(name string, effect func() error) error {
	c.calls = append(c.calls, name)
	if c.before != nil {
		if err := c.before(name); err != nil {
			return err
		}
	}
	if err := effect(); err != nil {
		return err
	}
	if c.after != nil {
		return c.after(name)
	}
	return nil
}

func (c *cluster) Query(_ context.Context, query string, at time.Time) (r Result, err error) {
	err = c.call("Query", func() error {
		r = Result{Samples: c.samples, Value: c.value}
		return nil
	})
	return r, err
}

func (c *cluster) Get(context.Context, TargetRef, time.Time) (s Scale, err error) {
	err = c.call("Get", func() error {
		s = Scale{Spec: c.scale.Spec, Status: c.scale.Spec - c.lag, Version: strconv.Itoa(c.writes)}
		return nil
	})
	return s, err
}

func (c *cluster) Set(_ context.Context, _ TargetRef, observed Scale, replicas int32) error {
	return c.call(fmt.Sprintf("Set %d", replicas), func() error {
		if observed.Version != strconv.Itoa(c.writes) {
			return fmt.Errorf("deployments.apps %q: %w", "web", ErrConflict)
		}
		c.scale.Spec = replicas
		c.writes++
		return nil
	})
}

func (c *cluster) Load(context.Context, types.NamespacedName) (s Stored[*v1alpha1.HorizontalAutoscaler], err error) {
	err = c.call("Load", func() error {
		s = Stored[*v1alpha1.HorizontalAutoscaler]{Object: c.object.DeepCopy(), Version: strconv.Itoa(c.version)}
		return nil
	})
	return s, err
}

func (c *cluster) Commit(_ context.Context, _ types.NamespacedName, version string, status *v1alpha1.HorizontalAutoscalerStatus) (next string, err error) {
	err = c.call("Commit", func() error {
		if version != strconv.Itoa(c.version) {
			return ErrConflict
		}
		c.object = c.object.DeepCopy()
		status.DeepCopyInto(&c.object.Status)
		c.version++
		c.commits++
		next = strconv.Itoa(c.version)
		return nil
	})
	return next, err
}

func (c *cluster) Record(r *journal.Record) {
	c.call("Record", func() error {
		kept := *r
		kept.Metrics = append([]journal.Metric(nil), r.Metrics...)
		c.records = append(c.records, kept)
		return nil
	})
}

func (c *cluster) Outcome(o *journal.Outcome) {
	c.call("Outcome "+o.Result, func() error {
		c.outcomes = append(c.outcomes, *o)
		return nil
	})
}

// brokenBeside answers the query "broken" with NaN.
type brokenBeside struct{ *cluster }

func (b brokenBeside) Query(ctx context.Context, query string, at time.Time) (Result, error) {
	if query == "broken" {
		return Result{Samples: 1, Value: math.NaN()}, nil
	}
	return b.cluster.Query(ctx, query, at)
}
