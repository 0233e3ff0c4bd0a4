package sim

import (
	"errors"
	"slices"

	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Pin settles what every column of the scenario is measured by and acts on, and
// writes it into the file: spec.yardstick is what stands there, else what the current
// policies aim at; spec.targets of a replay has the recorded counts and start-up. It
// must come before the first Play; a second Pin changes nothing.
func (in *Input) Pin(current []Autoscaler) error {
	spec := &in.File.Spec
	if in.demands != nil {
		return nil
	}
	if err := errors.Join(in.checkYardsticks(), in.notePercents(current)); err != nil {
		return err
	}
	demands, err := in.demandsOn(current)
	if err != nil {
		return err
	}
	if in.demands = demands; demands == nil {
		in.demands = []*demand{}
	}
	if err := in.pinTargets(current); err != nil {
		return err
	}
	if len(spec.Yardstick) > 0 {
		return nil
	}
	for _, d := range demands {
		spec.Yardstick = append(spec.Yardstick, d.yardsticks...)
	}
	return nil
}

// checkYardsticks refuses those of targets whose demand the world knows.
func (in *Input) checkYardsticks() error {
	for i, y := range in.File.Spec.Yardstick {
		if y.Target == "" {
			continue
		}
		if ref, _ := scenario.ParseReference(y.Target); in.demanded(ref) {
			return in.File.Doc.Errorf(in.File.YardstickPath(i)+".target", "%s is measured by the demand that workloads or queues have on it; drop its yardstick", ref)
		}
	}
	return nil
}

// demandsOn are the demands on the targets of a column, each measured.
func (in *Input) demandsOn(column []Autoscaler) ([]*demand, error) {
	var all []*demand
	for _, a := range ownersFirst(column) {
		ref := referenceOf(a.Target)
		if in.demanded(ref) || slices.ContainsFunc(all, func(d *demand) bool { return d.target == ref }) {
			continue
		}
		d := &demand{target: ref, yardsticks: in.File.Spec.Yardstick.Of(ref)}
		if len(in.File.Spec.Yardstick) == 0 {
			list, err := in.yardsticksOf(&a)
			if err != nil {
				return nil, err
			}
			for _, y := range list {
				y.Target = ref.String()
				d.yardsticks = append(d.yardsticks, y)
			}
			replay := in.File.Spec.Replay
			d.derived = replay == nil || replay.Demand == ""
		}
		var err error
		if d.saturated, err = in.saturatedOf(&a); err != nil {
			return nil, err
		}
		if len(d.yardsticks) > 0 {
			all = append(all, d)
		}
	}
	return all, in.measure(all)
}

// ownersFirst has those in front that act on their targets.
func ownersFirst(autoscalers []Autoscaler) []Autoscaler {
	sorted := slices.Clone(autoscalers)
	slices.SortStableFunc(sorted, func(a, b Autoscaler) int {
		switch {
		case a.Policy.DryRun == b.Policy.DryRun:
			return 0
		case b.Policy.DryRun:
			return -1
		}
		return 1
	})
	return sorted
}

// demanded says whether the world has a demand on a target: it is a workload, or
// takes messages from a queue.
func (in *Input) demanded(ref scenario.Reference) bool {
	spec := &in.File.Spec
	return slices.ContainsFunc(spec.Workloads, func(w scenario.Workload) bool { return w.Reference() == ref }) ||
		slices.ContainsFunc(spec.Queues, func(q scenario.Queue) bool {
			consumer, err := scenario.ParseReference(q.Consumer)
			return err == nil && consumer == ref
		})
}

// yardsticksOf returns what a policy's target needs where nobody says: as the replay
// names the demand, else the capacity that its Utilization metrics tell, else
// the targets of its metrics. A schedule is no demand, but what is wanted of a
// target that nothing else scales.
func (in *Input) yardsticksOf(a *Autoscaler) (scenario.Yardsticks, error) {
	replay := in.File.Spec.Replay
	if replay != nil && replay.Demand != "" {
		return scenario.Yardsticks{{Expr: replay.Demand, PerReplica: *replay.Capacity, Kind: result.Capacity, Lag: replay.DemandLag}}, nil
	}
	ready, spec := "", ""
	if replay != nil {
		var err error
		if ready, spec, err = in.recordedQueries(a.Target); err != nil {
			return nil, err
		}
	}
	var capacities, targets, schedules scenario.Yardsticks
	for _, m := range a.Policy.Metrics {
		switch {
		case readsSchedule(m.Query):
			if m.Type == policy.AverageValue {
				schedules = append(schedules, scenario.Yardstick{Expr: m.Query, PerReplica: m.Target, Kind: result.Target})
			}
		case m.Type == policy.AverageValue:
			targets = append(targets, scenario.Yardstick{Expr: m.Query, PerReplica: m.Target, Kind: result.Target})
		case ready == "":
		case m.Type == policy.Utilization:
			e, err := in.evidenceOf(a, m, ready, spec)
			if err != nil {
				return nil, err
			}
			capacities = append(capacities, scenario.Yardstick{Expr: onAll(m.Query, ready), PerReplica: e.saturation, Kind: result.Capacity})
		default:
			targets = append(targets, scenario.Yardstick{Expr: onAll(m.Query, ready), PerReplica: m.Target, Kind: result.Target})
		}
	}
	list := capacities
	for _, other := range []scenario.Yardsticks{targets, schedules} {
		if len(list) == 0 {
			list = other
		}
	}
	return slices.DeleteFunc(list, func(y scenario.Yardstick) bool { return !(y.PerReplica > 0) }), nil
}

// onAll is the PromQL of what all ready replicas have, of which a query gives
// one's share.
func onAll(share, ready string) string { return "(" + share + ") * scalar(" + ready + ")" }
