package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/api/v1alpha1"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/limit"
	"github.com/karpenter-sim/karpenter/engine/slot"
	"github.com/karpenter-sim/karpenter/providers/promql"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// An autoscalerRun is one autoscaler of a run, with a driver of its own so that its
// metrics can react to its own target.
type autoscalerRun struct {
	Autoscaler
	run    *run
	driver cycle.Autoscalers
	grid   slot.Grid
	target *world.Target
	// workload is the target's, nil where it has none.
	workload *world.Workload
	source   metricSource
	// elsewhere has the decider that decides in place of the driver, if any does.
	elsewhere deciding
	// demand is that on the target; nil where nobody says, or workloads and
	// queues do.
	demand *demand
	object Object
	// recordedCounts is the query for the counts that were recorded as asked
	// for; empty where none were.
	recordedCounts string
	// series are the gauges that the controller exports about it.
	series autoscalerSeries
	// edited is the autoscaler as the edits to come leave it, nil without any.
	edited *v1alpha1.HorizontalAutoscaler
}

// addAutoscaler puts an autoscaler and its target into the run.
func (r *run) addAutoscaler(a Autoscaler) error {
	spec := &r.in.File.Spec
	p := &autoscalerRun{Autoscaler: a, run: r}
	p.Object = a.Object.DeepCopy()
	p.Object.Status = r.warmed[a.Name()]
	kept := keep(p.Object, spec.Start.Time)
	r.autoscalers.add(&kept)
	p.grid = slot.Grid{Interval: a.Policy.Interval, Phase: r.phase(a.Name(), a.Policy.Interval)}
	p.object.Journal = journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: a.Object.Namespace, Name: a.Object.Name}
	p.object.Target, p.object.Policy = a.Target, a.Written
	p.startDriver(spec.Start.Time)
	if p.target = r.targets.Find(a.Target); p.target == nil {
		return a.Doc.Errorf("spec.scaleTargetRef", "no part of the world owns %s %s/%s; add it to spec.targets of the scenario", a.Target.Kind, a.Target.Namespace, a.Target.Name)
	}
	if p.target.PodByPod() && a.Policy.Max > limit.Pods {
		return a.Doc.Errorf("spec.maxReplicas", "%v", tooManyPods(a.Policy.Max))
	}
	p.elsewhere.decider, p.elsewhere.patience = r.o.decider, r.o.patience
	r.played = append(r.played, p)
	if r.sharing == nil {
		r.sharing = map[cycle.TargetKey][]*autoscalerRun{}
	}
	r.sharing[p.Target.Key()] = append(r.sharing[p.Target.Key()], p)
	return nil
}

// startDriver puts a driver in charge that knows nothing but the store, from
// an instant on.
func (p *autoscalerRun) startDriver(from time.Time) {
	r := p.run
	p.series.begin(r.autoscalers.find(p.Name()).object)
	p.driver = cycle.Autoscalers{
		Metrics: cycle.InTurn(r.faults.Metrics(p.asked(&p.source), p.reference())), Targets: r.faults.Targets(r.scaleTargets()), Store: r.faults.Autoscalers(r.autoscalers), Journal: autoscalerJournal{r.journal, &p.series},
		QueryOffset: time.Duration(r.in.File.Spec.Controller.QueryOffset),
		Phase:       r.phase,
		Since:       slot.At(from) - 1,
		Owners:      r.owners,
		HPA:         r.in.File.Spec.Controller.HPA(),
	}
}

// asked puts the enforced label between the autoscaler's driver and a source.
func (p *autoscalerRun) asked(source cycle.Querier) cycle.Querier {
	label := p.run.in.enforce()
	if label == "" {
		return source
	}
	return &askedOf{promql.Enforcing(label, cycle.InTurn(source)), p.Object.Namespace}
}

// askedOf asks a source for the objects of a namespace.
type askedOf struct {
	source    cycle.MetricSource
	namespace string
}

// Query implements cycle.Querier.
func (a *askedOf) Query(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
	var answer [1]cycle.Answer
	a.source.QueryAll(ctx, []cycle.Query{{Namespace: a.namespace, Text: text}}, at, time.Minute, answer[:])
	return answer[0].Result, answer[0].Err
}

// phase places an object on its grid as the scenario says.
func (r *run) phase(name types.NamespacedName, interval int32) int32 {
	return r.phaseOf(journal.HorizontalAutoscaler, name, interval)
}

// phaseOf places an object of any kind.
func (r *run) phaseOf(kind string, name types.NamespacedName, interval int32) int32 {
	return (r.unshifted(kind, name, interval) + r.o.Shift%interval) % interval
}

func (r *run) unshifted(kind string, name types.NamespacedName, interval int32) int32 {
	if r.in.File.Spec.Controller.Phase == scenario.Aligned {
		return slot.GridAt(slot.At(r.in.aligned), interval).Phase
	}
	return slot.Phase(kind, name.Namespace, name.Name, interval)
}

// owners returns the autoscalers of a target as they are by now.
func (r *run) owners(target cycle.TargetKey) []cycle.Owner {
	var owners []cycle.Owner
	for _, p := range r.sharing[target] {
		owners = append(owners, cycle.Owner{Kind: journal.HorizontalAutoscaler, Name: p.Object.Name, DryRun: p.Object.Spec.DryRun})
	}
	return owners
}

// start sets the target as it was when the run begins: as declared, else as
// recorded, else in a replay as its totals ask for, else as small as it may be
// without being nothing. Of several autoscalers the first one that starts says so.
func (p *autoscalerRun) start() error {
	t := p.target
	if t.Delegated() {
		if s := p.run.groupOf(t); s != nil {
			p.object.Price, p.object.Billing = s.price, s.billing
		}
		p.watch(p.run.in.start / 1000)
		return nil
	}
	declared := p.run.declared[t]
	if declared != nil {
		p.object.Price, p.object.Billing = declared.PricePerHour, billingOf(declared.Billing)
	}
	if p.run.started[t] {
		p.watch(p.run.in.start / 1000)
		return nil
	}
	p.run.started[t] = true
	recorded := p.object.Recorded.Spec.First()
	switch {
	case declared != nil && declared.Replicas != nil:
		t.Begin(*declared.Replicas)
	case isCount(recorded):
		t.Begin(int32(recorded))
	default:
		need, err := p.startingNeed()
		if err != nil {
			return err
		}
		t.Begin(need)
	}
	p.watch(p.run.in.start / 1000)
	return nil
}

// assume notes what the run's figures rest on.
func (r *run) assume(format string, args ...any) {
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
}

// watch records the target's counts from now on.
func (p *autoscalerRun) watch(at int64) {
	p.object.Spec.Append(at, float64(p.target.Spec))
	p.object.Ready.Append(at, float64(p.target.Serving()))
	before := p.target.Changed // another autoscaler of the target watches, too
	p.target.Changed = func(t *world.Target) {
		if before != nil {
			before(t)
		}
		now := p.run.queue.clock.now.Unix()
		p.object.Spec.Append(now, float64(t.Spec))
		p.object.Ready.Append(now, float64(t.Serving()))
		if waiting := t.Waiting(); p.workload == nil && (waiting > 0 || len(p.object.Pending.T) > 0) {
			p.object.Pending.Append(now, float64(waiting))
		}
	}
}

// slot decides the slot that is due, and returns the next one.
func (p *autoscalerRun) slot(now time.Time) (slot.Slot, error) {
	if p.elsewhere.decider != nil {
		return p.decideElsewhere(now)
	}
	return p.driver.Reconcile(p.run.ctx, now, p.Object)
}

// queries are the texts that the autoscaler asks.
func (p *autoscalerRun) queries() []string {
	var texts []string
	for _, m := range p.Policy.Metrics {
		if !slices.Contains(texts, m.Query) {
			texts = append(texts, m.Query)
		}
	}
	return texts
}

// unsampled says that a query never has a sample, and what it could have read.
func (p *autoscalerRun) unsampled(path, text string) error {
	if resource := p.convertedResource(text); resource != "" {
		return p.noResource(path, text, resource)
	}
	return p.Doc.Errorf(path, "%s never has a sample in the recording, which has %s (lookback %s)",
		text, p.run.in.names(text), model.Duration(p.run.in.Lookback))
}

// sampled refuses a replay in which a query never had a sample.
func (p *autoscalerRun) sampled() error {
	if p.run.in.File.Spec.Replay == nil {
		return nil
	}
	for _, m := range p.Policy.Metrics {
		if q := p.source.queries[m.Query]; q.answered == 0 {
			return p.unsampled(p.metricPath(m.Query), m.Query)
		}
	}
	return nil
}
