package sim

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/providers/providertest"
)

// contractWorld has one object of each kind, and a fault in each minute from the
// first on.
const contractWorld = `apiVersion: simulation.karpenter.sh/v1alpha1
kind: Scenario
metadata: {name: contracts}
spec:
  description: What the ports of the simulator are checked on.
  seed: 1
  start: "2026-01-05T08:00:00Z"
  duration: 1h
  interval: 15s
  inputSeries: [SERIES]
  targets: [{kind: Deployment, name: web, replicas: 3}]
  nodeGroups:
  - {name: workers, nodes: 2, max: 9, labels: {pool: a}, allocatable: {cpu: "4", memory: 16Gi, pods: "58"}}
  workloads:
  - {name: small, replicas: 1, demand: [{constant: 1}], capacityPerReplica: 10, requests: {cpu: "1", memory: 1Gi}}
  - {name: large, replicas: 1, demand: [{constant: 1}], capacityPerReplica: 10, requests: {cpu: "16", memory: 1Gi}}
  faults:
  - {at: 1m, for: 1m, target: unreadable, object: Deployment/web}
  - {at: 2m, for: 1m, target: forbidden, object: Deployment/web}
  - {at: 3m, for: 1m, target: conflict, object: Deployment/web}
  - {at: 4m, for: 1m, target: timeout, object: Deployment/web}
  - {at: 5m, for: 1m, nodes: throttled}
  - {at: 6m, for: 1m, nodes: down}
  - {at: 7m, for: 1m, nodes: forbidden}
  - {at: 8m, for: 1m, metrics: down}
  - {at: 9m, for: 1m, metrics: slow}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: HorizontalAutoscaler
metadata: {name: web, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 9
  metrics: [{prometheus: {query: one, target: {type: AverageValue, averageValue: 1}}}]
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: ScalableNodeGroup
metadata: {name: workers, namespace: default}
spec: {type: AWSEKSNodeGroup, id: "arn:aws:eks:us-west-2:1234567890:nodegroup/cluster/workers/1"}
---
apiVersion: autoscaling.karpenter.sh/v1alpha1
kind: MetricsProducer
metadata: {name: office, namespace: default}
spec: {scheduleSpec: {defaultReplicas: 1, behaviors: []}}
`

// failedIn are the minutes in which calls fail with a class.
type failedIn map[error]int

// A contracted is the world of contractWorld before anything has happened.
type contracted struct {
	*run
	stage *Stage
}

func newContracted(t *testing.T) *contracted {
	t.Helper()
	var series []string
	for line := range strings.Lines(providertest.MetricSamples) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		value = strings.TrimPrefix(value, "+")
		series = append(series, "{series: '"+name+"', values: '"+strings.TrimSpace(strings.Repeat(value+" ", 60))+"'}")
	}
	in, autoscalers := openFile(t, loadText(t, strings.Replace(contractWorld, "SERIES", strings.Join(series, ", "), 1)))
	stage, err := in.Stage(autoscalers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stage.Close)
	return &contracted{stage.run, stage}
}

// fail moves the time to where calls fail with a class, and back for nil.
func (c *contracted) fail(by failedIn) func(error) {
	return func(class error) {
		c.queue.clock.now = c.in.File.Spec.Start.Add(time.Duration(by[class]) * time.Minute)
	}
}

// TestContracts holds the simulator's side of each port to the suites that the live
// adapters pass.
func TestContracts(t *testing.T) {
	t.Run("ScaleTargets", func(t *testing.T) {
		providertest.ScaleTargets(t, func(t *testing.T) providertest.ScaleTargetHarness {
			c := newContracted(t)
			ref := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"}
			target, missing := c.targets.Find(ref), ref
			missing.Name = "wbe"
			target.Count(5, 2)
			return providertest.ScaleTargetHarness{
				Targets: c.stage.Faults().Targets(c.targets), Ref: ref, Missing: missing,
				Want:   cycle.Scale{Spec: 3, Status: 5, Ready: 2},
				Stored: func() int32 { return target.Spec },
				Touch:  func() { target.Count(6, 2); target.Count(5, 2) },
				Fail:   c.fail(failedIn{cycle.ErrUnavailable: 1, cycle.ErrForbidden: 2, cycle.ErrConflict: 3, cycle.ErrTimedOut: 4}),
				Get:    []error{cycle.ErrUnavailable}, Set: []error{cycle.ErrForbidden, cycle.ErrConflict, cycle.ErrTimedOut},
			}
		})
	})
	t.Run("AutoscalerStore", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.AutoscalerStoreHarness {
			c, h := newContracted(t), providertest.NewAutoscalerStoreHarness()
			stored := c.autoscalers.all[0]
			h.Store, h.Name, h.Missing, h.Touch = c.stage.Faults().Autoscalers(c.autoscalers), stored.name(), nobody, func() { stored.written() }
			return h
		})
	})
	t.Run("NodeGroupStore", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.NodeGroupStoreHarness {
			c, h := newContracted(t), providertest.NewNodeGroupStoreHarness()
			stored := c.groups.all[0]
			h.Store, h.Name, h.Missing, h.Touch = c.stage.Faults().NodeGroupStore(c.groups), stored.name(), nobody, func() { stored.written() }
			return h
		})
	})
	t.Run("ProducerStore", func(t *testing.T) {
		providertest.Store(t, func(t *testing.T) providertest.ProducerStoreHarness {
			c, h := newContracted(t), providertest.NewProducerStoreHarness()
			stored := c.producers.all[0]
			h.Store, h.Name, h.Missing, h.Touch = c.stage.Faults().Producers(c.producers), stored.name(), nobody, func() { stored.written() }
			return h
		})
	})
	t.Run("Sizes", func(t *testing.T) {
		providertest.Sizes(t, func(t *testing.T) providertest.SizesHarness {
			c := newContracted(t)
			group := c.groups.all[0]
			return providertest.SizesHarness{
				Sizes: c.groups, Group: group.name(), Want: 2, Missing: nobody,
				Resize: func(desired int32) {
					if err := c.provider().Resize(t.Context(), group.ref, desired); err != nil {
						t.Fatal(err)
					}
				},
				Fail:    c.fail(failedIn{cycle.ErrThrottled: 5, cycle.ErrUnavailable: 6, cycle.ErrForbidden: 7}),
				Classes: []error{cycle.ErrThrottled, cycle.ErrUnavailable, cycle.ErrForbidden},
			}
		})
	})
	t.Run("Snapshots", func(t *testing.T) {
		providertest.Snapshots(t, func(t *testing.T) providertest.SnapshotHarness {
			c := newContracted(t)
			labels := map[string]string{"pool": "a"}
			third := c.nodes.Join("third", labels, nil, c.groups.all[0].allocatable)
			small := cycle.TargetRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "small"}
			return providertest.SnapshotHarness{
				Snapshots: c.stage.Snapshots(), Labels: labels,
				Grow: func() { c.nodes.SetReady(third, true) },
				Shrink: func() {
					observed, err := c.targets.Get(t.Context(), small, time.Time{})
					if err := errors.Join(err, c.targets.Set(t.Context(), small, observed, 0)); err != nil {
						t.Fatal(err)
					}
				},
			}
		})
	})
	t.Run("MetricSource", func(t *testing.T) {
		providertest.MetricSource(t, func(t *testing.T) providertest.MetricHarness {
			c := newContracted(t)
			at := c.in.File.Spec.Start.Add(5 * time.Minute)
			if err := c.prom.Advance(at.Add(time.Minute).UnixMilli()); err != nil {
				t.Fatal(err)
			}
			return providertest.MetricHarness{
				Source: cycle.InTurn(c.faults.Metrics(c.stage.Prometheus(), c.played[0].reference())), At: at,
				Fail:    c.fail(failedIn{cycle.ErrUnavailable: 8, cycle.ErrTimedOut: 9}),
				Classes: []error{cycle.ErrUnavailable, cycle.ErrTimedOut},
			}
		})
	})
}

// nobody is the name of no object.
var nobody = types.NamespacedName{Namespace: "default", Name: "nobody"}

// TestAdoptAndList is of what single stores have besides.
func TestAdoptAndList(t *testing.T) {
	c := newContracted(t)
	store := c.stage.Faults().NodeGroupStore(c.groups)
	stored, err := store.Load(t.Context(), c.groups.all[0].name())
	if err != nil {
		t.Fatal(err)
	}
	adopted, err := store.Adopt(t.Context(), c.groups.all[0].name(), stored.Version, 2)
	if err != nil || *adopted.Object.Spec.Replicas != 2 || adopted.Version == stored.Version {
		t.Errorf("adopted %+v, %v", adopted, err)
	}
	if _, err := store.Adopt(t.Context(), c.groups.all[0].name(), stored.Version, 3); !errors.Is(err, cycle.ErrConflict) {
		t.Errorf("adopting again by an old version: %v", err)
	}
	list, err := c.stage.Faults().Producers(c.producers).List(t.Context())
	if err != nil || !slices.EqualFunc(list, []string{"office"}, func(o *v1alpha1.MetricsProducer, name string) bool { return o.Name == name }) {
		t.Errorf("listed %v, %v", list, err)
	}
}
