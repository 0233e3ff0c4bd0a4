package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/fault"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// addFaults prepares the faults and schedules those that happen by themselves.
func (r *run) addFaults() error {
	for i, f := range r.faults.All {
		if err := r.checkObject(i, f); err != nil {
			return err
		}
		if f.Nodes != "" && r.groups != nil {
			r.scheduleNodes(f)
		}
		span := result.Fault{Name: f.Name, From: f.From / 1000, To: (f.To + 999) / 1000, Probability: 1}
		if f.Probability != nil {
			span.Probability = *f.Probability
		}
		r.result.Faults = append(r.result.Faults, span)
		if f.ReplacesDriver() && f.Probability == nil {
			r.queue.schedule(f.To, fail, f.Name, func() (int64, error) { return 0, r.replaceDrivers(f) })
		}
	}
	slices.SortStableFunc(r.result.Faults, func(a, b result.Fault) int { return int(a.From - b.From) })
	return nil
}

// checkObject refuses a fault of an object that the run does not have.
func (r *run) checkObject(i int, f *fault.Fault) error {
	if f.Only == nil {
		return r.checkAny(i, f)
	}
	if r.part.concernsOthers(*f.Only) {
		return nil
	}
	for _, s := range r.groupsOf() {
		if (f.Nodes != "" || f.Controller != "") && s.reference() == *f.Only {
			return nil
		}
	}
	if (f.Queues != "" || f.Controller != "") && r.producers != nil && slices.ContainsFunc(r.producers.all, func(s *storedProducer) bool { return s.reference() == *f.Only }) {
		return nil
	}
	for _, p := range r.played {
		if f.Nodes == "" && f.Target == "" && f.Queues == "" && p.reference() == *f.Only || f.Target != "" && referenceOf(p.Target) == *f.Only {
			return nil
		}
	}
	return r.in.File.Doc.Errorf(faultPath(i)+".object", "the run has no %s", *f.Only)
}

// checkAny refuses a fault of a kind of object of which the run has none.
func (r *run) checkAny(i int, f *fault.Fault) error {
	if f.Nodes != "" && len(r.groupsOf()) == 0 {
		return r.in.File.Doc.Errorf(faultPath(i)+".nodes", "the run has no ScalableNodeGroup")
	}
	if f.Queues != "" && (r.producers == nil || !slices.ContainsFunc(r.producers.all, func(s *storedProducer) bool { return s.object.Spec.Queue != nil })) {
		return r.in.File.Doc.Errorf(faultPath(i)+".queues", "the run has no MetricsProducer of a queue")
	}
	return nil
}

func (p *autoscalerRun) reference() scenario.Reference {
	return autoscalerReference(p.Name())
}

func autoscalerReference(name types.NamespacedName) scenario.Reference {
	return scenario.Reference{Namespace: name.Namespace, Kind: journal.HorizontalAutoscaler, Name: name.Name}
}

func referenceOf(t cycle.TargetRef) scenario.Reference {
	return scenario.Reference{Namespace: t.Namespace, Kind: t.Kind, Name: t.Name}
}

// replaceDrivers puts new controllers in charge.
func (r *run) replaceDrivers(f *fault.Fault) error {
	if r.replaced != nil {
		r.replaced(r.queue.clock.now)
		return nil
	}
	for _, p := range r.played {
		if f.Only == nil || *f.Only == p.reference() {
			p.startDriver(r.queue.clock.now)
		}
	}
	if f.Only == nil && r.groups != nil {
		r.groups.startDriver(r.queue.clock.now)
	}
	if f.Only == nil && r.producers != nil {
		r.producers.startDriver(r.queue.clock.now)
	}
	return nil
}

func faultPath(i int) string { return fmt.Sprintf("spec.faults[%d]", i) }

// addSampleFaults has faults of samples change what policies, rules and
// expectations read.
func (r *run) addSampleFaults() error {
	queries := r.prom.RuleExpressions()
	for _, p := range r.played {
		for i := range p.Policy.Metrics {
			queries = append(queries, p.Policy.Metrics[i].Query)
			r.faults.Name(p.Policy.Metrics[i].Query, p.Written.Metrics[i].Query)
		}
	}
	if err := r.faults.Sampling(queries, r.prom.RuleNames(), r.in.Lookback); err != nil {
		return err
	}
	r.prom.SetViews(r.faults.View)
	return nil
}

// readChanged has a query of an autoscaler read what faults make of the samples. It
// returns whether it may have to.
func (p *autoscalerRun) readChanged(q *query) (bool, error) {
	asked := slices.ContainsFunc(p.Policy.Metrics, func(m policy.Metric) bool { return m.Query == q.text })
	path := p.run.faults.FirstOfSamples(q.text, p.reference())
	if !asked || path == "" {
		return false, nil
	}
	if q.ask != nil {
		return false, p.run.in.File.Doc.Errorf(path, "acts on samples, and the recording has results of queries only (--evaluated): record samples, or use metrics: down or slow")
	}
	q.read = func(ctx context.Context, text string, at time.Time) (cycle.Result, error) {
		return p.run.prom.QueryAs(ctx, p.reference().String(), text, at)
	}
	return true, nil
}
