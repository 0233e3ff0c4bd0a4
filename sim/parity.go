package sim

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/fault"
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
	r.reads = nil
	spec := &r.in.File.Spec
	r.prom = fake.NewPrometheus(fake.Options{
		Start: r.in.start, Lookback: r.in.Lookback, Features: r.in.features,
		EvaluationInterval: time.Duration(spec.Prometheus.EvaluationInterval),
	})
	var files []string
	for _, f := range spec.Prometheus.RuleFiles {
		files = append(files, r.in.File.Resolve(f))
	}
	if err := r.prom.LoadRules(files...); err != nil {
		return err
	}
	if err := r.addSampleFaults(); err != nil {
		return err
	}
	feed, err := r.in.feed(nil, r.owns)
	if err != nil {
		return err
	}
	r.prom.Attach(feed)
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
	m := &stageMetrics{run: s.run, label: s.run.in.enforce(), asked: map[cycle.Query]cycle.Querier{}, queries: map[cycle.Query]*query{}}
	for _, p := range s.run.played {
		namespace := p.Object.Namespace
		for text, q := range p.source.queries {
			m.queries[cycle.Query{Namespace: namespace, Text: text}] = q
			m.asked[cycle.Query{Namespace: namespace, Text: text}] = s.run.faults.Metrics(&askedOf{source, namespace}, p.reference())
		}
	}
	return m
}

// EnforceLabel is the label that the scenario's controller enforces.
func (s *Stage) EnforceLabel() promql.Label { return s.run.in.enforce() }

// stageMetrics asks on behalf of an autoscaler that has the query.
type stageMetrics struct {
	label promql.Label
	asked map[cycle.Query]cycle.Querier
	// queries say how old an answer may be.
	run     *run
	queries map[cycle.Query]*query
}

// QueryAll implements cycle.MetricSource.
func (m *stageMetrics) QueryAll(ctx context.Context, queries []cycle.Query, at time.Time, _ time.Duration, answers []cycle.Answer) {
	for i, q := range queries {
		text := q.Text
		if q.Text, answers[i].Err = m.label.Enforce(text, q.Namespace); answers[i].Err == nil {
			answers[i].Result, answers[i].Err = m.asked[q].Query(ctx, text, at)
			answers[i].Result.Age = m.run.ageOf(m.queries[q], at)
		}
	}
}

// Faults are the scenario's, which decorate the ports of whoever decides.
func (s *Stage) Faults() *fault.Set { return s.run.faults }

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
	return s.run.providers()
}

// Queues are the stage's providers of queues by type.
func (s *Stage) Queues() map[string]cycle.Queues { return s.run.queues() }

// Snapshots reads the stage's nodes and pods.
func (s *Stage) Snapshots() cycle.Snapshots { return snapshots{s.run} }

// Cluster returns the stage's nodes and pods as they are now. They must not be
// changed.
func (s *Stage) Cluster() (nodes []*corev1.Node, pods []*corev1.Pod) { return s.run.nodes.Snapshot() }

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

// A SlotFunc decides the slots of a kind of objects that are due now, and returns
// the wake-ups that follow, one for each.
type SlotFunc func(now time.Time, kind string, due []types.NamespacedName) ([]cycle.Wake, error)

// Play moves time from the start to the end. At each instant at which objects of
// a kind are due it calls decide with their names, first producers, then
// autoscalers, then node groups: at first at their slots, from then on when
// decide said. What was decided must have reached the stage when it returns.
// What a fault keeps the controller from is left out. Where one ends with a new
// controller in charge, it calls restart.
func (s *Stage) Play(ctx context.Context, restart func(now time.Time), decideSlots SlotFunc) error {
	r := s.run
	r.ctx, r.replaced = ctx, restart
	var producing, deciding, resizing []*gridded
	for _, p := range r.producers.all {
		producing = append(producing, &gridded{name: p.name(), grid: r.producers.grid(p), ref: p.reference()})
	}
	for _, p := range r.played {
		deciding = append(deciding, &gridded{name: p.Name(), grid: p.grid, ref: p.reference()})
	}
	for _, g := range r.groups.all {
		resizing = append(resizing, &gridded{name: g.name(), grid: r.groups.grid(g), ref: g.reference()})
	}
	s.schedule(produce, journal.MetricsProducer, producing, decideSlots)
	s.schedule(decide, journal.HorizontalAutoscaler, deciding, decideSlots)
	s.schedule(resize, journal.ScalableNodeGroup, resizing, decideSlots)
	return r.play(r.in.end)
}

// gridded is an object with the grid of its slots, and when it is due.
type gridded struct {
	name  types.NamespacedName
	grid  slot.Grid
	ref   scenario.Reference
	due   int64 // Unix milliseconds
	again bool  // the slot before could not be committed
}

// schedule calls decide whenever objects are due.
func (s *Stage) schedule(c class, kind string, objects []*gridded, decide SlotFunc) {
	if len(objects) == 0 {
		return
	}
	r := s.run
	for _, o := range objects {
		o.due = int64(o.grid.From(slot.At(r.in.File.Spec.Start.Time))) * 1000
	}
	next := func() int64 {
		first := int64(math.MaxInt64)
		for _, o := range objects {
			first = min(first, o.due)
		}
		return first
	}
	r.queue.schedule(next(), c, "", func() (int64, error) {
		now := r.queue.clock.now
		if now.UnixMilli() >= r.in.end {
			return 0, nil
		}
		var due []*gridded
		var names []types.NamespacedName
		for _, o := range objects {
			switch {
			case o.due > now.UnixMilli():
			case r.faults.Prevents(o.ref, o.again, nil):
				o.due, o.again = int64(o.grid.Next(slot.At(now)))*1000, false
			default:
				due, names = append(due, o), append(names, o.name)
			}
		}
		if len(due) == 0 {
			return next(), nil
		}
		wakes, err := decide(now, kind, names)
		if err != nil {
			return 0, err
		}
		for i, o := range due {
			o.due, o.again = wakes[i].At.UnixMilli(), wakes[i].Cause != cycle.NextSlot
			if o.due <= now.UnixMilli() {
				return 0, fmt.Errorf("%s is woken up again at %s, which is not after %s", o.ref, wakes[i].At, now)
			}
		}
		return next(), nil
	})
}

// Close releases what the stage holds.
func (s *Stage) Close() {
	if s.run.recorder != nil {
		_, _ = s.run.recorder.close()
	}
	s.run.close()
}
