package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/fault"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// Options holds what a run needs besides its input.
type Options struct {
	// Manifests has the node groups and producers of the column; nil means those
	// of the scenario's file.
	Manifests *manifest.Set
	// Journal receives decisions.jsonl; nil discards it, but it is still digested.
	Journal io.Writer
	// Series receives the series that the world published, as OpenMetrics; nil discards them.
	Series io.Writer
	// Progress, if set, is told the simulated time now and then.
	Progress func(now time.Time)
	// Decisions, if set, is told each decision instead of Journal: nothing is
	// encoded or digested. It must not keep the record.
	Decisions func(*journal.Record)
	// Lines, if set, keep the decisions in memory; without a Journal nothing is
	// encoded or digested then.
	Lines *Lines
	// Wakes, if set, is told which wake-up follows each decision, or attempt at one.
	Wakes func(object journal.Object, at time.Time, next cycle.Wake)
	// Fidelity asks for that of the objects.
	Fidelity bool
	// ReadyAfter, if set, is the start-up of a replay in place of the scenario's.
	ReadyAfter *time.Duration
	// ScrapeInterval, if set, is the controller's in place of the scenario's.
	ScrapeInterval *time.Duration
	// StatusMultiplies has status.replicas multiply Value and Utilization in place of the
	// ready replicas, as where the scale has no selector.
	StatusMultiplies bool
	// Fresh, if set, has the metrics of its autoscaler show the demand of the
	// instant, as they were seen to answer to it, whatever is recorded or scraped.
	Fresh *result.Object
	// NodesAtOnce has every pod find a node.
	NodesAtOnce bool
	// decider, if set, decides in place of the autoscalers; it has patience to answer.
	decider  Decider
	patience time.Duration
	// edits come besides the scenario's.
	edits []scenario.Edit
	// Shift moves the slots of all objects by so many seconds, modulo their interval:
	// what comes of it differs by no more than where slots happen to fall.
	Shift int32
	// Pauses are instants, ascending, before which Paused is asked whether to
	// go on; where it says no, the run ends there and the Result reaches so far.
	Pauses []time.Time
	Paused func(at time.Time, objects []Object) bool
	// Parts is at most how many parts of the run that share nothing are played side
	// by side; 0 is as many as there are cores, where that is worth it. What comes of
	// the run does not depend on it.
	Parts int
}

// A Result is the outcome of one column.
type Result struct {
	Objects []Object
	// Loop says how far the metrics followed the simulated replicas.
	Loop result.Loop
	// Digest is the golden digest of the decisions, "sha256:" and hex.
	Digest string
	// Records is the number of decisions.
	Records int64
	// Outcomes are the verdicts on the expectations over series.
	Outcomes []check.Outcome
	// Notes say what was assumed, a line each.
	Notes []string
	// Faults lists the faults in the order in which they began.
	Faults []result.Fault
	// Failures are decisions of a Decider that were not carried out.
	Failures []result.Failure
	// Doubts are why the column cannot be ranked.
	Doubts []result.Doubt
}

// An Object is one autoscaler's course through the run, and what the recording
// says of it.
type Object struct {
	result.Object
	// Recorded are the counts of the recording, empty where there are none.
	Recorded Recorded
	// Fidelity compares the decisions with Recorded; nil where it was not asked
	// for, or there is nothing to compare with.
	Fidelity *Fidelity
}

// billingOf returns which hours of a replica or node are paid.
func billingOf(b scenario.Billing) result.Billing {
	return result.Billing{Minimum: seconds(time.Duration(b.Minimum)), Increment: seconds(time.Duration(b.Increment))}
}

// seconds returns a delay in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// run is one column being played.
type run struct {
	ctx     context.Context
	in      *Input
	o       Options
	queue   queue
	prom    *fake.Prometheus
	ahead   *fake.Preevaluator
	targets *world.Targets
	// declared has the targets as the scenario declares them.
	declared map[*world.Target]*scenario.Target
	// workloads own some of the targets; expressions are terms of their demand.
	workloads   *world.Workloads
	expressions []*demandExpression
	// counted are targets whose counts the input gives.
	counted []*countedTarget
	// reconstructions are demands that recordings give.
	reconstructions []*reconstruction
	closers         []io.Closer
	// The provider's part of the world; nil in a replay.
	cloud       *fake.Cloud
	nodes       *world.Nodes
	groups      *groups
	producers   *producers
	consumed    []*cloudQueue
	faults      *fault.Set
	autoscalers *autoscalers
	journal     cycle.Journal
	recorder    *recorder // nil where decisions are only listened to
	series      *seriesWriter
	judge       *check.Judge
	played      []*autoscalerRun
	// replaced, if set, replaces the controller instead of the run.
	replaced func(now time.Time)
	// sharing are the autoscalers of each target; more than one that acts is one
	// too many.
	sharing map[cycle.TargetKey][]*autoscalerRun
	// warmed has the state in which the lead-in leaves the autoscalers with.
	warmed map[types.NamespacedName]v1alpha1.HorizontalAutoscalerStatus
	// started are the targets that are as they are when the run begins.
	started map[*world.Target]bool
	// part, if set, is that of the column which the run plays; pages are its journal.
	part   *part
	pages  *pages
	result Result
	// unread says that nothing reads what the world publishes.
	unread bool
	// reads are the names of the metrics that the run's Prometheus is asked for; nil
	// where they may be any.
	reads map[string]bool
}

// Play runs one column of the scenario: its autoscalers against the input.
func (in *Input) Play(ctx context.Context, autoscalers []Autoscaler, o Options) (*Result, error) {
	result, err := in.playOnce(ctx, autoscalers, o)
	if err != nil || !o.Fidelity || len(o.edits) > 0 {
		return result, err
	}
	return result, in.playedAsRecorded(result, func(edits []scenario.Edit) (*Result, error) {
		return in.Play(ctx, autoscalers, Options{
			Manifests: o.Manifests, Decisions: func(*journal.Record) {}, Fidelity: true, ReadyAfter: o.ReadyAfter, ScrapeInterval: o.ScrapeInterval, StatusMultiplies: o.StatusMultiplies, edits: edits,
		})
	}, autoscalers)
}

// playOnce plays the column as one, or in parts.
func (in *Input) playOnce(ctx context.Context, autoscalers []Autoscaler, o Options) (*Result, error) {
	warmed, err := in.warm(ctx, autoscalers, o)
	if err != nil {
		return nil, err
	}
	if parts := in.partsOf(autoscalers, &o); len(parts) > 1 {
		return in.playParts(ctx, autoscalers, parts, warmed, o)
	}
	r := &run{ctx: ctx, in: in, o: o, autoscalers: newAutoscalers(), warmed: warmed}
	defer r.close()
	if err := r.prepare(autoscalers); err != nil {
		return nil, err
	}
	if err := r.play(r.in.end); err != nil && !errors.Is(err, errPaused) {
		return nil, err
	}
	return r.finish()
}

// Check finds what is wrong with a column before anything is played: what Play
// would refuse at its start.
func (in *Input) Check(ctx context.Context, autoscalers []Autoscaler, o Options) error {
	_, err := in.Prospect(ctx, autoscalers, o)
	return err
}

// Prospect returns what is known of a column before anything is played: its loop,
// notes and doubts, or what Play would refuse at its start.
func (in *Input) Prospect(ctx context.Context, autoscalers []Autoscaler, o Options) (*Result, error) {
	return in.prospect(ctx, autoscalers, nil, o)
}

// prospect is Prospect with what the lead-in leaves the autoscalers with.
func (in *Input) prospect(ctx context.Context, autoscalers []Autoscaler, warmed map[types.NamespacedName]v1alpha1.HorizontalAutoscalerStatus, o Options) (*Result, error) {
	o.Decisions = func(*journal.Record) {}
	r := &run{ctx: ctx, in: in, o: o, autoscalers: newAutoscalers(), warmed: warmed}
	defer r.close()
	err := r.prepare(autoscalers)
	return &r.result, err
}

func (r *run) close() {
	if r.recorder != nil {
		r.recorder.close() // what failed before the end must not leave its encoder behind
	}
	if r.prom != nil {
		r.prom.Close()
	}
	if r.ahead != nil {
		r.ahead.Close()
	}
	for _, c := range r.closers {
		c.Close()
	}
}

// prepare builds the world, the metrics and the drivers.
func (r *run) prepare(autoscalers []Autoscaler) error {
	defer r.in.shared.hold()()
	r.queue.clock.now = r.in.File.Spec.Start.Time
	if r.in.begins != "" {
		r.assume("%s", r.in.begins)
	}
	if label := r.in.enforce(); label != "" {
		r.assume("every selector of every query has the label %s with the namespace of its autoscaler (controller.enforceLabel)", label)
	}
	r.faults = fault.NewSet(&r.in.File.Spec, r.queue.clock.Now)
	r.targets = world.NewTargets(&r.queue)
	if err := r.addTargets(autoscalers); err != nil {
		return err
	}
	if err := r.addWorkloads(); err != nil {
		return err
	}
	r.journal = r.newJournal()
	if err := r.addCloud(); err != nil {
		return err
	}
	for i := range autoscalers {
		if err := r.addAutoscaler(autoscalers[i]); err != nil {
			return err
		}
	}
	if err := r.addFaults(); err != nil {
		return err
	}
	if err := r.addEdits(); err != nil {
		return err
	}
	for _, p := range r.played {
		if err := p.addRecorded(); err != nil {
			return err
		}
	}
	r.started = map[*world.Target]bool{}
	for _, dryRun := range []bool{false, true} { // those that act start first
		for _, p := range r.played {
			if p.Policy.DryRun != dryRun {
				continue
			}
			if err := p.start(); err != nil {
				return err
			}
		}
	}
	r.startWorkloads()
	if err := r.addDemands(autoscalers); err != nil {
		return err
	}
	if err := r.addCounts(); err != nil {
		return err
	}
	if err := r.addMetrics(); err != nil {
		return err
	}
	for _, p := range r.played {
		if err := p.checkRanges(); err != nil {
			return err
		}
	}
	if err := r.checkNames(); err != nil {
		return err
	}
	judge, err := check.NewJudge(r.in.File.Spec.Expect, r.in.start, r.in.end, time.Duration(r.in.File.Spec.Prometheus.ScrapeInterval), r.prom.Instant)
	if err != nil {
		return err
	}
	r.judge = judge
	r.schedule()
	return nil
}

// play moves time on until an instant, the last one included.
func (r *run) play(until int64) error {
	var told int64
	every := max((r.in.end-r.in.start)/200, 1)
	return r.queue.play(until, func(now int64) error {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.pause(now); err != nil {
			return err
		}
		if r.o.Progress != nil && now-told >= every {
			told = now
			r.o.Progress(r.queue.clock.now)
		}
		return r.prom.Advance(now)
	})
}

// schedule puts everything that happens by itself on the queue.
func (r *run) schedule() {
	spec := &r.in.File.Spec
	for _, p := range r.played {
		r.scheduleSlots(slots{class: decide, object: p.reference(), grid: p.grid, restart: p.startDriver, decide: p.slot})
	}
	if r.producers != nil {
		r.producers.schedule()
	}
	if r.groups != nil {
		r.groups.schedule()
	}
	r.scheduleDemands()
	every := time.Duration(spec.Prometheus.ScrapeInterval).Milliseconds()
	if r.unread {
		return
	}
	r.queue.schedule(r.in.start, scrape, "", func() (int64, error) {
		now := r.queue.clock.now.UnixMilli()
		if err := r.prom.Scrape(now); err != nil {
			return 0, err
		}
		r.judge.Judge(now, true)
		return now + every, nil
	})
	if len(spec.Prometheus.RuleFiles) > 0 {
		r.queue.schedule(r.in.start, rules, "", func() (int64, error) {
			now := r.queue.clock.now.UnixMilli()
			r.prom.EvaluateRules(now)
			return r.prom.NextRules(), nil
		})
	}
	for _, at := range r.judge.Instants() {
		if (at-r.in.start)%every != 0 {
			r.queue.schedule(at, expect, "", func() (int64, error) {
				r.judge.Judge(at, false)
				return 0, nil
			})
		}
	}
}

// observe follows the records on the encoder's goroutine.
func (r *run) observe(*journal.Record) { r.result.Records++ }

// finish collects what came of the run.
func (r *run) finish() (*Result, error) {
	if r.recorder != nil {
		digest, err := r.recorder.close()
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		r.result.Digest = digest
	}
	r.workloads.Advance(r.queue.clock.now.UnixMilli())
	for _, f := range r.prom.RuleFailures() {
		r.assume("%s: rule %s of group %s failed %d times, first at %s: %v", f.File, f.Rule, f.Group, f.Count, instant(f.First), f.Err)
	}
	if err := r.checkExpressions(); err != nil {
		return nil, err
	}
	if err := r.checkCounts(); err != nil {
		return nil, err
	}
	r.noteReconstructions()
	if r.part == nil {
		if err := r.series.write(r.o.Series, r.series.order); err != nil {
			return nil, err
		}
	}
	r.result.Outcomes = r.judge.Outcomes()
	r.result.Failures = r.failures()
	for _, p := range r.played {
		if err := p.sampled(); err != nil {
			return nil, err
		}
		if s := r.groupOf(p.target); s != nil {
			p.object.Paid = s.there
		}
		if r.o.Fidelity {
			var err error
			if p.object.Fidelity, err = p.fidelity(); err != nil {
				return nil, err
			}
			if p.object.Recorded.Max, p.object.Recorded.Min, err = r.in.recordedBounds(&p.Autoscaler); err != nil {
				return nil, err
			}
		}
		p.object.Responses, p.object.Groups = p.responses(), r.carriers(p.workload)
		r.result.Objects = append(r.result.Objects, p.object)
	}
	return &r.result, nil
}

// judged are the expressions that judging an expectation evaluates.
func judged(e scenario.Expectation) []string {
	if e.Expression() == "" {
		return nil
	}
	return check.Queries(e.Expression())
}
