package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Decider is somebody else's autoscaler. It decides in place of the current
// policies, in the same world, at the same slots, on the same metrics and under the
// same faults, and is a column of its own. It may remember what it likes from call
// to call; an Observation's Object tells its targets apart.
type Decider interface {
	// Decide returns how many replicas a target should have. Calls come in the order
	// of simulated time, never two at once. What cannot be carried out is counted in
	// the column with a code, and the run goes on: an error (the code of a wrapped
	// error of package cycle, else Failed), a panic, an answer that is late, and a
	// count that no target takes.
	Decide(ctx context.Context, o Observation) (Decision, error)
}

// A DeciderFunc is a Decider that is a function.
type DeciderFunc func(ctx context.Context, o Observation) (Decision, error)

// Decide implements Decider.
func (f DeciderFunc) Decide(ctx context.Context, o Observation) (Decision, error) { return f(ctx, o) }

// An Observation holds what can be known of a target at a slot.
type Observation struct {
	// Time is the slot. There is no other clock.
	Time time.Time
	// Object is the autoscaler in whose place it is decided, with its bounds, the
	// queries and targets of its metrics and its interval. It must not be changed.
	Object *v1alpha1.HorizontalAutoscaler
	// Target is the scaled object, Scale its counts, ready ones included, or the code
	// that says why there are none.
	Target cycle.TargetRef
	Scale  autoscaler.Scale
	// Metrics are the values of the object's metrics, in its order, or codes.
	Metrics []autoscaler.Sample
}

// A Decision holds what a Decider wants.
type Decision struct {
	// Replicas is the count wanted; the present one to leave it.
	Replicas int64
	// After is how much simulated time it takes to decide. A decision that takes as
	// long as the interval of its object is late, and dropped.
	After time.Duration
}

// defaultPatience is how much real time a Decider has to answer, which makes results
// depend on the machine only where one hangs.
const defaultPatience = 30 * time.Second

// deciding holds what the run of an autoscaler that somebody else stands in for knows.
type deciding struct {
	decider  Decider
	patience time.Duration
	// hangs says that a call has not returned, so that none may follow.
	hangs bool
	// failures are the decisions that were not carried out.
	failures []result.Failure
}

// decideElsewhere has the decider decide a slot.
func (p *autoscalerRun) decideElsewhere(now time.Time) (slot.Slot, error) {
	next := p.grid.Next(slot.At(now))
	if err := p.run.ctx.Err(); err != nil {
		return next, err
	}
	o, scale := p.observe(now)
	d, code, detail := p.elsewhere.ask(p.run.ctx, o)
	if code == observation.OK {
		code, detail = p.refuses(&o, d)
	}
	switch {
	case code != observation.OK:
		p.elsewhere.fail(p.object.Journal, now, code, detail)
	case p.Object.Spec.DryRun || d.Replicas == int64(o.Scale.Spec):
	case d.After > 0:
		p.run.queue.schedule(now.Add(d.After).UnixMilli(), decide, p.reference().Namespace+"/"+p.reference().Name+"/late", func() (int64, error) {
			p.carryOut(scale, int32(d.Replicas))
			return 0, nil
		})
	default:
		p.carryOut(scale, int32(d.Replicas))
	}
	return next, nil
}

// observe returns what the decider is shown, and the scale for the write.
func (p *autoscalerRun) observe(now time.Time) (Observation, cycle.Scale) {
	o := Observation{Time: now, Object: p.Object.DeepCopy(), Target: p.Target, Metrics: make([]autoscaler.Sample, len(p.Policy.Metrics))}
	scale, err := cycle.Scale{}, error(nil)
	if cycle.Rival(p.run.owners(p.Target.Key()), p.Object.Name) != "" {
		o.Scale.Code = observation.Contested
	} else if scale, err = p.driver.Targets.Get(p.run.ctx, p.Target, now); err != nil {
		o.Scale.Code = cycle.Code(err)
	} else {
		o.Scale = autoscaler.Scale{Spec: scale.Spec, Status: scale.Status, Ready: scale.Ready, Counted: true}
	}
	queries, answers := make([]cycle.Query, len(o.Metrics)), make([]cycle.Answer, len(o.Metrics))
	for i := range queries {
		queries[i] = cycle.Query{Namespace: p.Object.Namespace, Source: p.Policy.Metrics[i].Source, Text: p.Policy.Metrics[i].Query}
	}
	p.driver.Metrics.QueryAll(p.run.ctx, queries, now.Add(-p.driver.QueryOffset), time.Duration(p.Policy.Interval)*time.Second, answers)
	for i := range answers {
		o.Metrics[i] = cycle.SampleOf(&answers[i])
	}
	return o, scale
}

// refuses returns why a decision cannot be carried out; the empty code if it can.
func (p *autoscalerRun) refuses(o *Observation, d Decision) (observation.Code, string) {
	switch {
	case o.Scale.Code != observation.OK:
		return o.Scale.Code, ""
	case d.After < 0 || d.After >= time.Duration(p.Policy.Interval)*time.Second:
		return observation.TimedOut, fmt.Sprintf("it answered after %s, and is asked every %d s", d.After, p.Policy.Interval)
	case d.Replicas < 0 || d.Replicas > math.MaxInt32:
		return observation.Invalid, fmt.Sprintf("it wants %d replicas; a count is 0 to %d", d.Replicas, math.MaxInt32)
	case d.Replicas > max(limit.Pods, int64(p.Policy.Max)):
		return observation.LimitReached, fmt.Sprintf("it wants %d replicas; the simulation has at most %d", d.Replicas, max(limit.Pods, int64(p.Policy.Max)))
	}
	return observation.OK, ""
}

// carryOut sets the count on condition that nobody else has since it was observed.
func (p *autoscalerRun) carryOut(observed cycle.Scale, replicas int32) {
	now := p.run.queue.clock.now
	scale, err := p.driver.Targets.Get(p.run.ctx, p.Target, time.Time{})
	if err == nil && scale.Spec != observed.Spec {
		p.elsewhere.fail(p.object.Journal, now, observation.Code(cycle.Superseded), "")
		return
	}
	if err == nil {
		err = p.driver.Targets.Set(p.run.ctx, p.Target, scale, replicas)
	}
	if err != nil {
		p.elsewhere.fail(p.object.Journal, now, cycle.Code(err), "")
	}
}

// ask asks the decider on a goroutine of its own, so that one that panics, ends its
// goroutine or never answers ends no run.
func (e *deciding) ask(ctx context.Context, o Observation) (Decision, observation.Code, string) {
	if e.hangs {
		return Decision{}, observation.TimedOut, ""
	}
	type answer struct {
		decision Decision
		err      error
		panicked string
	}
	waits, stop := context.WithTimeout(ctx, 2*e.patience)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	answers := make(chan answer, 1)
	go func() {
		a := answer{panicked: "it ended its goroutine"}
		defer func() {
			if r := recover(); r != nil {
				a.panicked = fmt.Sprint(r)
			}
			answers <- a
		}()
		a.decision, a.err = e.decider.Decide(ctx, o)
		a.panicked = ""
	}()
	var a answer
	select {
	case a = <-answers:
	case <-waits.Done(): // it did not give up with its context
		e.hangs = true
		return Decision{}, observation.TimedOut, fmt.Sprintf("it did not answer within %s, and is not asked again", 2*e.patience)
	}
	switch {
	case a.panicked != "":
		return Decision{}, result.Panicked, brief(a.panicked)
	case a.err == nil:
		return a.decision, observation.OK, ""
	}
	code := cycle.Code(a.err)
	if code == observation.Unavailable && !errors.Is(a.err, cycle.ErrUnavailable) {
		code = result.Failed
	}
	return Decision{}, code, brief(a.err.Error())
}

// fail counts a decision that is not carried out.
func (e *deciding) fail(object journal.Object, now time.Time, code observation.Code, detail string) {
	for i := range e.failures {
		if f := &e.failures[i]; f.Code == code {
			f.Count++
			return
		}
	}
	e.failures = append(e.failures, result.Failure{Object: object, Code: code, Count: 1, First: now.Unix(), Detail: detail})
}

// brief returns the beginning of somebody else's text, in one line.
func brief(text string) string {
	const most = 200
	runes := []rune(escape.Inline(text))
	if len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return string(runes)
}

// failures returns the decisions of deciders that were not carried out, by object
// and code.
func (r *run) failures() []result.Failure {
	var all []result.Failure
	for _, p := range r.played {
		all = append(all, p.elsewhere.failures...)
	}
	slices.SortStableFunc(all, func(a, b result.Failure) int {
		return cmp.Or(cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Code, b.Code))
	})
	return all
}
