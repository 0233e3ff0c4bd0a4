package sim

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/providers/fake"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// addWorkloads puts the scenario's workloads into the world; their targets are
// there already.
func (r *run) addWorkloads() error {
	r.workloads = world.NewWorkloads(&r.queue)
	spec := &r.in.File.Spec
	for i := range spec.Workloads {
		declared := &spec.Workloads[i]
		if r.part.leavesOut(declared.Reference()) {
			continue
		}
		target := declared.Target()
		w, err := r.workload(fmt.Sprintf("spec.workloads[%d]", i), declared, r.targets.Find(refOf(&target)))
		if err != nil {
			return err
		}
		r.workloads.Add(w)
		r.addRollouts(declared.Reference(), declared.Rollouts, w.Rollout)
	}
	return nil
}

// addRollouts schedules the rollouts of an object.
func (r *run) addRollouts(of scenario.Reference, rollouts []scenario.Rollout, begin func(world.Rollout)) {
	for _, declared := range rollouts {
		rollout := world.Rollout{Batch: declared.Batch}
		if declared.Rolls() {
			rollout.Surge, rollout.Unavailable = share(*declared.MaxSurge), share(*declared.MaxUnavailable)
		}
		at := r.in.start + time.Duration(declared.At).Milliseconds()
		r.queue.schedule(at, transition, "rollout/"+of.String(), func() (int64, error) {
			begin(rollout)
			return 0, nil
		})
	}
}

func share(s scenario.Share) intstr.IntOrString {
	if s.Percent {
		return intstr.FromString(fmt.Sprintf("%d%%", s.Number))
	}
	return intstr.FromInt32(s.Number)
}

// workload makes a workload of its declaration.
func (r *run) workload(path string, d *scenario.Workload, target *world.Target) (*world.Workload, error) {
	name := d.Reference().String()
	seed := r.in.File.Spec.Seed
	w := &world.Workload{
		Target: target, Capacity: d.CapacityPerReplica, Saturation: 1,
		Startup: delay(d.Startup, seed, name+" startup"), NodeSelector: d.NodeSelector, Labels: d.Labels,
		Names: world.Random(seed, name+" pods"),
	}
	w.ServiceP50, w.ServiceP95 = percentiles(d.ServiceTime)
	if d.Saturation != nil {
		w.Saturation = *d.Saturation
	}
	if q := d.Queue; q != nil {
		w.Limit, w.Waiting = math.Inf(1), q.Initial
		if q.Limit != nil {
			w.Limit = *q.Limit
		}
		if q.Timeout != nil {
			w.Timeout = time.Duration(*q.Timeout)
		}
	}
	w.Requests = d.Requests.List()
	var err error
	w.Demand, err = r.demand(path+".demand", d.Demand, name, d.CapacityPerReplica)
	return w, err
}

// delay is a declared delay with draws of its own.
func delay(d scenario.Delay, seed int64, name string) world.Delay {
	switch {
	case d.Max > 0:
		return world.Uniform(world.Random(seed, name), time.Duration(d.Min), time.Duration(d.Max))
	case d.P50 > 0:
		return world.LogNormal(world.Random(seed, name), time.Duration(d.P50), time.Duration(d.P95))
	}
	return world.Fixed(time.Duration(d.Fixed))
}

// percentiles are the 50th and the 95th of a delay.
func percentiles(d scenario.Delay) (p50, p95 time.Duration) {
	switch {
	case d.Max > 0:
		return d.Middle(), time.Duration(d.Min) + time.Duration(float64(d.Max-d.Min)*0.95)
	case d.P50 > 0:
		return time.Duration(d.P50), time.Duration(d.P95)
	}
	return time.Duration(d.Fixed), time.Duration(d.Fixed)
}

// demand is the sum of its terms times its noise. Capacity is what one replica
// serves a second.
func (r *run) demand(path string, terms []scenario.Term, name string, capacity float64) (world.Demand, error) {
	var sum, factors []world.Demand
	at := func(d scenario.Duration) int64 { return r.in.start + time.Duration(d).Milliseconds() }
	for i, t := range terms {
		switch {
		case t.Constant != nil:
			sum = append(sum, world.Constant(*t.Constant))
		case t.Step != nil:
			until := int64(math.MaxInt64)
			if t.Step.For != nil {
				until = at(t.Step.At + *t.Step.For)
			}
			sum = append(sum, world.Step(t.Step.By, at(t.Step.At), until))
		case t.Ramp != nil:
			sum = append(sum, world.Ramp(t.Ramp.By, at(t.Ramp.At), at(t.Ramp.At+t.Ramp.Over)))
		case t.Spike != nil:
			s := t.Spike
			sum = append(sum, world.Spike(s.By, at(s.At), time.Duration(s.Rise).Milliseconds(), time.Duration(s.For).Milliseconds(), time.Duration(s.Fall).Milliseconds()))
		case t.Sine != nil:
			sum = append(sum, world.Sine(t.Sine.Amplitude, time.Duration(t.Sine.Period), at(t.Sine.Peak)))
		case t.Noise != nil:
			source := world.Random(r.in.File.Spec.Seed, fmt.Sprintf("%s noise %d", name, i))
			factors = append(factors, world.Noise(source, t.Noise.Percent, time.Duration(t.Noise.Every), r.in.start))
		case t.Recorded != nil:
			term, err := r.reconstruct(fmt.Sprintf("%s[%d].recorded", path, i), t.Recorded, capacity)
			if err != nil {
				return nil, err
			}
			sum = append(sum, term)
		default:
			e, err := r.expression(fmt.Sprintf("%s[%d].expr", path, i), t.Expr)
			if err != nil {
				return nil, err
			}
			sum = append(sum, e.at)
		}
	}
	return world.Sum(sum, factors), nil
}

// expression evaluates PromQL over the input at every scrape interval. Where it
// has no sample, the last one holds.
func (r *run) expression(path, text string) (*demandExpression, error) {
	every := time.Duration(r.in.File.Spec.Prometheus.ScrapeInterval)
	ahead := fake.NewPreevaluator(func() (fake.Feed, error) { return r.in.feed([]string{text}, nil) }, fake.Options{Lookback: r.in.Lookback, Features: r.in.features})
	q, err := ahead.Add(text, fake.Grid{Start: r.in.start, Interval: every, End: r.in.end})
	if err != nil {
		return nil, r.in.File.Doc.Errorf(path, "%v", err)
	}
	e := &demandExpression{run: r, path: path, text: text, query: q, every: every.Milliseconds(), asked: -1}
	r.expressions = append(r.expressions, e)
	r.closers = append(r.closers, ahead)
	return e, nil
}

// A demandExpression is a term of a demand that PromQL gives.
type demandExpression struct {
	run        *run
	path, text string
	query      *fake.Preevaluated
	every      int64
	// asked is the instant of value; answered says whether there ever was one.
	asked    int64
	value    float64
	answered bool
	err      error
}

func (e *demandExpression) at(now int64) float64 {
	at := now - (now-e.run.in.start)%e.every
	if at == e.asked || e.err != nil {
		return e.value
	}
	e.asked = at
	result, err := e.query.At(at)
	switch {
	case err != nil:
		e.err = e.run.in.File.Doc.Errorf(e.path, "%v", err)
	case result.Samples > 1:
		e.err = e.run.in.File.Doc.Errorf(e.path, "%s gives %d series at %s; one demand is needed, e.g. sum(...) of it", e.text, result.Samples, instant(at))
	case result.Samples == 1 && !math.IsNaN(result.Value) && !math.IsInf(result.Value, 0):
		e.value, e.answered = result.Value, true
	}
	return e.value
}

// checkExpressions refuses demands that could not be evaluated.
func (r *run) checkExpressions() error {
	for _, e := range r.expressions {
		if e.err != nil {
			return e.err
		}
		if !e.answered {
			return r.in.File.Doc.Errorf(e.path, "%s never has a sample in the recordings and inputSeries, which have %s", e.text, r.in.names(e.text))
		}
	}
	return nil
}

// startWorkloads puts the pods there, and has autoscalers that scale a workload
// count what its demand needs.
func (r *run) startWorkloads() {
	for _, p := range r.played {
		if p.workload = r.workloads.Of(p.target); p.workload != nil {
			p.workload.Needed = both(p.workload.Needed, p.object.Needed.Append)
			p.workload.Pending = both(p.workload.Pending, p.object.Pending.Append)
		}
	}
	for target, t := range r.declared {
		if r.workloads.Of(target) == nil || r.scales(target) {
			continue
		}
		target.Spec = 1
		if t.Replicas != nil {
			target.Spec = *t.Replicas
		}
	}
	r.workloads.Start()
}

// both tells two listeners, of which the first may be missing.
func both(first, second func(at int64, v float64)) func(at int64, v float64) {
	if first == nil {
		return second
	}
	return func(at int64, v float64) {
		first(at, v)
		second(at, v)
	}
}

// scales says whether an autoscaler scales the target.
func (r *run) scales(t *world.Target) bool {
	for _, p := range r.played {
		if p.target == t {
			return true
		}
	}
	return false
}

// owns says whether the world publishes a series itself.
func (r *run) owns(l labels.Labels) bool {
	return r.targets.Owns(l) || r.ownsAutoscaler(l) || r.workloads.Owns(l) || r.groups != nil && r.groups.owns(l) || r.producers != nil && r.producers.owns(l)
}

// tooManyPods says that a count of replicas cannot be simulated pod by pod.
func tooManyPods(replicas int32) error {
	return fmt.Errorf("a workload, and a target that starts as recorded, is simulated pod by pod, with at most %d of them, not %d", limit.Pods, replicas)
}
