package sim

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A Stage is a scenario's world in which somebody else decides, such as the
// reconcilers of a controller with an API server in between. Whoever does must
// come to the same decisions as Play.
type Stage struct{ run *run }

// ErrNoStage says that a scenario has something that only Play can do: it
// replays, or a fault strikes the metrics or the memory of a single object.
var ErrNoStage = errors.New("only Play can do that")

// Stage builds the world for the autoscalers, or returns ErrNoStage.
func (in *Input) Stage(autoscalers []Autoscaler) (*Stage, error) {
	if in.File.Spec.Replay != nil {
		return nil, fmt.Errorf("replay: %w", ErrNoStage)
	}
	for i := range in.File.Spec.Faults {
		f := &in.File.Spec.Faults[i]
		replaces := f.Controller == scenario.ControllerRestart || f.Controller == scenario.ControllerLeaderChange
		if f.Metrics != "" && f.Object != "" || replaces && (f.Object != "" || f.Probability != nil) {
			return nil, fmt.Errorf("fault %s: %w", f.Name, ErrNoStage)
		}
	}
	r := &run{ctx: context.Background(), in: in, autoscalers: newAutoscalers()}
	s := &Stage{r}
	if err := r.prepare(autoscalers); err != nil {
		r.close()
		return nil, err
	}
	if err := s.answerEverything(); err != nil {
		r.close()
		return nil, err
	}
	r.queue.events = slices.DeleteFunc(r.queue.events, func(e *event) bool {
		return e.class == produce || e.class == decide || e.class == resize
	})
	heap.Init(&r.queue.events)
	return s, nil
}

// answerEverything replaces the run's Prometheus, which has only what its
// drivers and expectations ask for, by one that has all samples.
func (s *Stage) answerEverything() error {
	r := s.run
	r.prom.Close()
	spec := &r.in.File.Spec
	r.prom = fake.NewPrometheus(fake.Options{
		Start: r.in.start, Lookback: r.in.Lookback,
		EvaluationInterval: time.Duration(spec.Prometheus.EvaluationInterval),
	})
	var files []string
	for _, f := range spec.Prometheus.RuleFiles {
		files = append(files, r.in.File.Resolve(f))
	}
	if err := r.prom.LoadRules(files...); err != nil {
		return err
	}
	feed, err := r.in.feed(nil, r.owns)
	if err != nil {
		return err
	}
	r.prom.Attach(r.incomplete(feed))
	if err := r.addScrape(); err != nil {
		return err
	}
	r.judge, err = check.NewJudge(nil, r.in.start, r.in.end, time.Duration(r.in.File.Spec.Prometheus.ScrapeInterval), r.prom.Instant)
	return err
}

// Prometheus is the stage's own.
func (s *Stage) Prometheus() *fake.Prometheus { return s.run.prom }

// Metrics puts the scenario's faults between a source and whoever asks it.
func (s *Stage) Metrics(source cycle.MetricSource) cycle.MetricSource {
	m := &stageMetrics{queries: map[string]*faultyMetrics{}}
	for _, p := range s.run.played {
		for text, q := range p.source.queries {
			q.ask = source.Query
			m.queries[text] = &p.metrics
		}
	}
	return m
}

// stageMetrics asks on behalf of an autoscaler that has the query.
type stageMetrics struct {
	mu      sync.Mutex
	queries map[string]*faultyMetrics
}

// Query implements cycle.MetricSource.
func (m *stageMetrics) Query(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queries[text].Query(ctx, text, at)
}

// ScaleTargets puts the scenario's faults between targets and whoever scales
// them.
func (s *Stage) ScaleTargets(targets cycle.ScaleTargets) cycle.ScaleTargets {
	return &stageTargets{faulty: faultyTargets{run: s.run, targets: targets}}
}

// stageTargets may be called concurrently.
type stageTargets struct {
	mu     sync.Mutex
	faulty faultyTargets
}

// Get implements cycle.ScaleTargets.
func (t *stageTargets) Get(ctx context.Context, target cycle.TargetRef) (cycle.Scale, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faulty.Get(ctx, target)
}

// Set implements cycle.ScaleTargets.
func (t *stageTargets) Set(ctx context.Context, target cycle.TargetRef, observed cycle.Scale, replicas int32) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faulty.Set(ctx, target, observed, replicas)
}

// Store puts the scenario's faults before a store of autoscalers.
func (s *Stage) Store(store cycle.AutoscalerStore) cycle.AutoscalerStore {
	return &faultyStore{run: s.run, store: store}
}

// Targets are the stage's scale targets.
func (s *Stage) Targets() *world.Targets { return s.run.targets }

// Phase places objects of a kind on the grid of their interval, as the scenario
// says.
func (s *Stage) Phase(kind string) func(name types.NamespacedName, interval int32) int32 {
	return func(name types.NamespacedName, interval int32) int32 { return s.run.phaseOf(kind, name, interval) }
}

// NodeGroups are the stage's providers of node groups by type, with the
// scenario's faults.
func (s *Stage) NodeGroups() map[string]cycle.NodeGroups {
	providers := map[string]cycle.NodeGroups{}
	for _, g := range s.run.groups.all {
		providers[g.ref.Type] = &faultyNodeGroups{run: s.run}
	}
	return providers
}

// Queues are the stage's providers of queues by type.
func (s *Stage) Queues() map[string]cycle.Queues { return s.run.queues() }

// Snapshots reads the stage's nodes and pods.
func (s *Stage) Snapshots() cycle.Snapshots { return snapshots{s.run} }

// Sizes knows the sizes of the stage's node groups.
func (s *Stage) Sizes() cycle.Sizes { return s.run.groups }

// Exporter takes the gauges of producers; they are scraped.
func (s *Stage) Exporter() cycle.Exporter { return s.run.producers }

// Producers are the producers as they were when the scenario began. They must
// not be changed.
func (s *Stage) Producers() []*v1alpha1.MetricsProducer {
	var list []*v1alpha1.MetricsProducer
	for _, p := range s.run.producers.all {
		list = append(list, p.object)
	}
	return list
}

// Groups are the node groups as they are by now. They must not be changed.
func (s *Stage) Groups() []*v1alpha1.ScalableNodeGroup {
	var list []*v1alpha1.ScalableNodeGroup
	for _, g := range s.run.groups.all {
		list = append(list, g.object)
	}
	return list
}

// ReportGroup says what a node group is now.
func (s *Stage) ReportGroup(o *v1alpha1.ScalableNodeGroup) {
	g := s.run.groups.find(nameOf(o))
	g.object = o.DeepCopy()
	g.observe()
}

// Object is an autoscaler as the scenario's edits have made it so far. It must
// not be changed.
func (s *Stage) Object(name types.NamespacedName) *v1alpha1.HorizontalAutoscaler {
	return s.run.autoscalers.find(name).object
}

// Report says what an autoscaler's status is now; its gauges show it.
func (s *Stage) Report(name types.NamespacedName, status *v1alpha1.HorizontalAutoscalerStatus) {
	status.DeepCopyInto(&s.run.autoscalers.find(name).object.Status)
}

// Play moves time from the start to the end. At each instant that is a slot of
// some objects of a kind it calls decide with their names: first producers, then
// autoscalers, then node groups. What was decided must have reached the stage
// when it returns. Slots that a fault keeps the controller from are left out.
// Where one ends with a new controller in charge, it calls restart.
func (s *Stage) Play(ctx context.Context, restart func(now time.Time), decideSlots func(now time.Time, kind string, due []types.NamespacedName) error) error {
	r := s.run
	r.ctx, r.replaced = ctx, restart
	var producing, deciding, resizing []gridded
	for _, p := range r.producers.all {
		name := p.name()
		shared := name
		if p.object.Spec.PendingCapacity != nil {
			shared = types.NamespacedName{}
		}
		producing = append(producing, s.gridded(journal.MetricsProducer, name, shared, policy.ProducerInterval))
	}
	for _, p := range r.played {
		deciding = append(deciding, gridded{p.Name(), p.grid, p.reference()})
	}
	for _, g := range r.groups.all {
		name := g.name()
		resizing = append(resizing, s.gridded(journal.ScalableNodeGroup, name, name, policy.NodeGroupInterval))
	}
	s.schedule(produce, producing, func(now time.Time, due []types.NamespacedName) error {
		return decideSlots(now, journal.MetricsProducer, due)
	})
	s.schedule(decide, deciding, func(now time.Time, due []types.NamespacedName) error {
		return decideSlots(now, journal.HorizontalAutoscaler, due)
	})
	s.schedule(resize, resizing, func(now time.Time, due []types.NamespacedName) error {
		return decideSlots(now, journal.ScalableNodeGroup, due)
	})
	return r.play()
}

// gridded is an object with the grid of its slots.
type gridded struct {
	name types.NamespacedName
	grid slot.Grid
	ref  scenario.Reference
}

func (s *Stage) gridded(kind string, name, phased types.NamespacedName, interval int32) gridded {
	grid := slot.Grid{Interval: interval, Phase: s.run.phaseOf(kind, phased, interval)}
	return gridded{name, grid, scenario.Reference{Namespace: name.Namespace, Kind: kind, Name: name.Name}}
}

// schedule calls decide at every slot of the objects.
func (s *Stage) schedule(c class, objects []gridded, decide func(now time.Time, due []types.NamespacedName) error) {
	if len(objects) == 0 {
		return
	}
	r := s.run
	next := func(after slot.Slot) int64 {
		first := slot.Slot(math.MaxInt64)
		for _, o := range objects {
			first = min(first, o.grid.Next(after))
		}
		return int64(first) * 1000
	}
	r.queue.schedule(next(slot.At(r.in.File.Spec.Start.Time)-1), c, "", func() (int64, error) {
		now := r.queue.clock.now
		if now.UnixMilli() >= r.in.end {
			return 0, nil
		}
		at := slot.At(now)
		var due []types.NamespacedName
		for _, o := range objects {
			if o.grid.Of(at) == at && !r.kept(now, o.ref, nil) {
				due = append(due, o.name)
			}
		}
		if len(due) == 0 {
			return next(at), nil
		}
		return next(at), decide(now, due)
	})
}

// Close releases what the stage holds.
func (s *Stage) Close() {
	if s.run.recorder != nil {
		_, _ = s.run.recorder.close()
	}
	s.run.close()
}
