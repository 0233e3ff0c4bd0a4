package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim/scenario"
	"github.com/karpenter-sim/karpenter/sim/world"
)

// A FaultSpan is a time in which something went wrong, or could.
type FaultSpan struct {
	// Name is the scenario's name for it.
	Name string
	// From and To bound it, half-open, in Unix seconds.
	From, To int64
	// Probability is that of a single operation to be hit.
	Probability float64
}

// A fault is one of the scenario's faults in a run.
type fault struct {
	*scenario.Fault
	// from and to bound it, half-open, in Unix milliseconds.
	from, to int64
	// object is the only one that is hit, if any.
	object *scenario.Reference
	// draws are the sources of a fault that hits by chance, one an object.
	draws map[scenario.Reference]*rand.Rand
	seed  int64
	// leaderless is until when, in Unix milliseconds, nobody decides for an
	// object since a change of leader by chance.
	leaderless map[scenario.Reference]int64
}

// addFaults prepares the faults and schedules those that happen by themselves.
func (r *run) addFaults() error {
	spec := &r.in.File.Spec
	for i := range spec.Faults {
		f := r.newFault(&spec.Faults[i])
		if err := r.checkObject(i, f); err != nil {
			return err
		}
		r.faults = append(r.faults, f)
		if f.Nodes != "" && r.groups != nil {
			r.scheduleNodes(f)
		}
		span := FaultSpan{Name: f.Name, From: f.from / 1000, To: (f.to + 999) / 1000, Probability: 1}
		if f.Probability != nil {
			span.Probability = *f.Probability
		}
		r.result.Faults = append(r.result.Faults, span)
		if f.replacesDriver() && f.Probability == nil {
			r.queue.schedule(f.to, fail, f.Name, func() (int64, error) { return 0, r.replaceDrivers(f) })
		}
	}
	r.scraped = r.gaps()
	slices.SortStableFunc(r.result.Faults, func(a, b FaultSpan) int { return int(a.From - b.From) })
	return nil
}

func (r *run) newFault(declared *scenario.Fault) *fault {
	f := &fault{Fault: declared, from: r.in.start, to: r.in.end, seed: r.in.File.Spec.Seed, draws: map[scenario.Reference]*rand.Rand{}, leaderless: map[scenario.Reference]int64{}}
	if f.At != nil {
		f.from += time.Duration(*f.At).Milliseconds()
	}
	switch {
	case f.For != nil:
		f.to = min(f.to, f.from+time.Duration(*f.For).Milliseconds())
	case f.Controller == scenario.ControllerRestart && f.Probability == nil, f.Nodes == scenario.NodesLost:
		f.to = f.from
	}
	if f.Object != "" {
		ref, _ := f.Reference() // validated
		f.object = &ref
	}
	return f
}

// checkObject refuses a fault of an object that the run does not have.
func (r *run) checkObject(i int, f *fault) error {
	if f.object == nil {
		return r.checkAny(i, f)
	}
	for _, s := range r.groupsOf() {
		if f.Nodes != "" && s.reference() == *f.object {
			return nil
		}
	}
	if f.Queues != "" && r.producers != nil && slices.ContainsFunc(r.producers.all, func(s *storedProducer) bool { return s.reference() == *f.object }) {
		return nil
	}
	for _, p := range r.played {
		if f.Nodes == "" && f.Target == "" && f.Queues == "" && p.reference() == *f.object || f.Target != "" && referenceOf(p.Target) == *f.object {
			return nil
		}
	}
	return r.in.File.Doc.Errorf(faultPath(i)+".object", "the run has no %s", *f.object)
}

// checkAny refuses a fault of a kind of object of which the run has none.
func (r *run) checkAny(i int, f *fault) error {
	if f.Nodes != "" && len(r.groupsOf()) == 0 {
		return r.in.File.Doc.Errorf(faultPath(i)+".nodes", "the run has no ScalableNodeGroup")
	}
	if f.Queues != "" && (r.producers == nil || !slices.ContainsFunc(r.producers.all, func(s *storedProducer) bool { return s.object.Spec.Queue != nil })) {
		return r.in.File.Doc.Errorf(faultPath(i)+".queues", "the run has no MetricsProducer of a queue")
	}
	return nil
}

// replacesDriver says whether the fault ends with a new controller in charge.
func (f *fault) replacesDriver() bool {
	return f.Controller == scenario.ControllerRestart || f.Controller == scenario.ControllerLeaderChange
}

// active says whether the fault can hit an object at an instant.
func (f *fault) active(now int64, object scenario.Reference) bool {
	return now >= f.from && now < f.to && (f.object == nil || *f.object == object)
}

// hits says whether it does hit one operation.
func (f *fault) hits(now int64, object scenario.Reference) bool {
	if !f.active(now, object) {
		return false
	}
	if f.Probability == nil || *f.Probability == 1 {
		return true
	}
	source := f.draws[object]
	if source == nil {
		source = world.Random(f.seed, f.Name+" "+object.String())
		f.draws[object] = source
	}
	return source.Float64() < *f.Probability
}

// hitsQuery says whether it hits a query at an instant, however often that is
// asked: a controller that meets a conflict asks again, one that was restarted
// since does not, and chance must not fall otherwise for it from then on.
func (f *fault) hitsQuery(now int64, object scenario.Reference, text string) bool {
	if !f.active(now, object) {
		return false
	}
	if f.Probability == nil || *f.Probability == 1 {
		return true
	}
	return world.Random(f.seed, fmt.Sprintf("%s %s %d %s", f.Name, object, now, text)).Float64() < *f.Probability
}

func (p *player) reference() scenario.Reference {
	return autoscalerReference(p.Name())
}

func autoscalerReference(name types.NamespacedName) scenario.Reference {
	return scenario.Reference{Namespace: name.Namespace, Kind: journal.HorizontalAutoscaler, Name: name.Name}
}

func referenceOf(t cycle.TargetRef) scenario.Reference {
	return scenario.Reference{Namespace: t.Namespace, Kind: t.Kind, Name: t.Name}
}

// kept says whether a fault keeps the controller from deciding now. A controller
// that is replaced by chance has lost its memory. Chance falls once a slot: where
// one is tried again, it has fallen.
func (r *run) kept(now time.Time, object scenario.Reference, again bool, restart func(time.Time)) bool {
	for _, f := range r.faults {
		switch {
		case f.Controller == "" || f.Controller == scenario.ControllerConflicts || again && f.Probability != nil:
		case f.Controller == scenario.ControllerLeaderChange && f.Probability != nil:
			if f.changesLeader(now, object, restart) {
				return true
			}
		case !f.hits(now.UnixMilli(), object):
		case f.Controller == scenario.ControllerRestart && f.Probability != nil:
			restart(now)
		default:
			return true
		}
	}
	return false
}

// changesLeader says whether nobody leads, after a change of leader by chance;
// the next leader has no memory.
func (f *fault) changesLeader(now time.Time, object scenario.Reference, restart func(time.Time)) bool {
	until, changed := f.leaderless[object]
	switch {
	case changed && now.UnixMilli() < until:
		return true
	case f.hits(now.UnixMilli(), object):
		f.leaderless[object] = now.Add(time.Duration(scenario.LeaseDuration)).UnixMilli()
		return true
	case changed:
		delete(f.leaderless, object)
		restart(now)
	}
	return false
}

// replaceDrivers puts new controllers in charge.
func (r *run) replaceDrivers(f *fault) error {
	if r.replaced != nil {
		r.replaced(r.queue.clock.now)
		return nil
	}
	for _, p := range r.played {
		if f.object == nil || *f.object == p.reference() {
			p.startDriver(r.queue.clock.now)
		}
	}
	if f.object == nil && r.groups != nil {
		r.groups.startDriver(r.queue.clock.now)
	}
	if f.object == nil && r.producers != nil {
		r.producers.startDriver(r.queue.clock.now)
	}
	return nil
}

// excused says whether a fault is the reason why a slot was not decided.
func (r *run) excused(now time.Time, object scenario.Reference, err error) bool {
	return errors.Is(err, cycle.ErrConflict) && slices.ContainsFunc(r.faults, func(f *fault) bool {
		return f.Controller == scenario.ControllerConflicts && f.active(now.UnixMilli(), object)
	})
}

// samplesSuffer says whether faults change what Prometheus has, or when.
func (r *run) samplesSuffer() bool { return len(r.scraped) > 0 || r.latest() > 0 }

// latest is the longest delay of samples that arrive late.
func (r *run) latest() time.Duration {
	longest := scenario.Duration(0)
	for i := range r.in.File.Spec.Faults {
		longest = max(longest, r.in.File.Spec.Faults[i].Delay)
	}
	return time.Duration(longest)
}
