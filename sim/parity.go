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
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A Stage is a scenario's world in which somebody else decides, such as the
// reconcilers of a controller with an API server in between. Whoever does must
// come to the same decisions as Play.
type Stage struct{ run *run }

// ErrNoStage says that a scenario has something that only Play can do: it
// replays, has node groups or producers, or faults strike the controller and
// its targets.
var ErrNoStage = errors.New("only Play can do that")

// Stage builds the world for the autoscalers, or returns ErrNoStage.
func (in *Input) Stage(autoscalers []Autoscaler) (*Stage, error) {
	if in.File.Spec.Replay != nil {
		return nil, fmt.Errorf("replay: %w", ErrNoStage)
	}
	if set := in.File.Manifests; len(set.NodeGroups) > 0 || len(set.Producers) > 0 {
		return nil, fmt.Errorf("node groups and producers: %w", ErrNoStage)
	}
	for i := range in.File.Spec.Faults {
		if f := &in.File.Spec.Faults[i]; f.Metrics == "" || f.Object != "" {
			return nil, fmt.Errorf("fault %s: %w", f.Name, ErrNoStage)
		}
	}
	r := &run{ctx: context.Background(), in: in, objects: objects{}}
	s := &Stage{r}
	if err := r.prepare(autoscalers); err != nil {
		r.close()
		return nil, err
	}
	if err := s.answerEverything(); err != nil {
		r.close()
		return nil, err
	}
	r.queue.events = slices.DeleteFunc(r.queue.events, func(e *event) bool { return e.class == decide })
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
	r.judge, err = check.NewJudge(nil, r.in.start, r.in.end, r.prom.Instant)
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
			m.queries[text] = &faultyMetrics{player: p}
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

// Targets are the stage's scale targets.
func (s *Stage) Targets() *world.Targets { return s.run.targets }

// Phase places an object on the grid of its interval, as the scenario says.
func (s *Stage) Phase(name types.NamespacedName, interval int32) int32 {
	return s.run.phase(name, interval)
}

// Object is an autoscaler as the scenario's edits have made it so far. It must
// not be changed.
func (s *Stage) Object(name types.NamespacedName) *v1alpha1.HorizontalAutoscaler {
	return s.run.objects[name].object
}

// Report says what an autoscaler's status is now; its gauges show it.
func (s *Stage) Report(name types.NamespacedName, status *v1alpha1.HorizontalAutoscalerStatus) {
	status.DeepCopyInto(&s.run.objects[name].object.Status)
}

// Play moves time from the start to the end. At each instant that is a slot of
// some autoscalers it calls decide with their names; what they decided must
// have reached Targets when it returns.
func (s *Stage) Play(ctx context.Context, decideSlots func(now time.Time, due []types.NamespacedName) error) error {
	r := s.run
	r.ctx = ctx
	next := func(now slot.Slot) int64 {
		first := slot.Slot(math.MaxInt64)
		for _, p := range r.played {
			first = min(first, p.grid.Next(now))
		}
		return int64(first) * 1000
	}
	if len(r.played) == 0 {
		return r.play()
	}
	r.queue.schedule(next(slot.At(r.in.File.Spec.Start.Time)-1), decide, "", func() (int64, error) {
		now := r.queue.clock.now
		if now.UnixMilli() >= r.in.end {
			return 0, nil
		}
		var due []types.NamespacedName
		for _, p := range r.played {
			if at := slot.At(now); p.grid.Of(at) == at {
				due = append(due, p.Name())
			}
		}
		return next(slot.At(now)), decideSlots(now, due)
	})
	return r.play()
}

// Close releases what the stage holds.
func (s *Stage) Close() {
	if s.run.recorder != nil {
		_, _ = s.run.recorder.close()
	}
	s.run.close()
}
