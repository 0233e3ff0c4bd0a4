package autoscaler

import (
	"github.com/karpenter-sim/karpenter/engine/algorithm"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Input holds what one slot observed.
type Input struct {
	Slot  slot.Slot
	Scale Scale
	// Metrics are the observations of the policy's metrics, in its order.
	Metrics []Sample
	// Pause tells what annotations hold back at the slot.
	Pause Pause
}

// Scale is the observed scale of the target, or why there is none.
type Scale struct {
	// Spec is spec.replicas, Status status.replicas.
	Spec, Status int32
	// Ready is the number of ready replicas where Counted says that they were
	// counted: for policies that need it, not in journals older than it.
	Ready   int32
	Counted bool
	// Fewer and More say by how much the ready replicas were fewer and more at
	// times since the newest sample of the metrics was taken: 0 where they did not
	// change, or nobody knows.
	Fewer, More int32
	Code        observation.Code
}

// Serving is the number of replicas that produced a metric: the ready ones, or
// status.replicas where nobody counted them.
func (s *Scale) Serving() int32 {
	if s.Counted {
		return s.Ready
	}
	return s.Status
}

// WithMissing is a recommendation for a node group that ready nodes alone were
// asked for. Nodes that are wanted and not ready are kept, as if they were on
// target: what they run, or are about to, no metric of the ready ones shows. So
// nodes that vanish shrink nothing, however many they are.
func (s *Scale) WithMissing(replicas int32) int32 {
	missing := int64(s.Spec) - int64(s.Serving())
	if replicas >= s.Spec || missing <= 0 {
		return replicas
	}
	return int32(min(int64(s.Spec), int64(replicas)+missing))
}

// Sample is the observed value of one metric, or why there is none.
type Sample struct {
	Value float64
	Code  observation.Code
}

// A Reason is the last stage that changed the number.
type Reason string

// The reasons. The first three stand only where no stage changed the recommendation.
const (
	ScaledUp           Reason = "ScaledUp"
	ScaledDown         Reason = "ScaledDown"
	Unchanged          Reason = "Unchanged"
	Stabilized         Reason = "Stabilized"
	RateLimited        Reason = "RateLimited"
	Bounded            Reason = "Bounded"
	Paused             Reason = "Paused"
	Disabled           Reason = "Disabled"
	MetricsUnavailable Reason = "MetricsUnavailable"
	TargetUnavailable  Reason = "TargetUnavailable"
	InvalidPolicy      Reason = "InvalidPolicy"
)

// Decision is the outcome of one slot.
type Decision struct {
	Reason Reason
	// Known says whether Desired, Stabilized and Limited hold numbers: false
	// where the target could not be observed or the policy is invalid.
	Known bool
	// Recommending says whether Recommended holds a number: false also where
	// missing metrics hold the count.
	Recommending bool
	// Recommended, Stabilized, Limited and Desired are the number after each stage.
	Recommended, Stabilized, Limited, Desired int32
	// Limit tells what held the number at the last stage that changed it.
	Limit behavior.Limit
	// Metrics are the outcomes of the policy's metrics, in its order.
	Metrics [policy.MaxMetrics]Recommendation
	// Changed says whether the state differs from the one before, so that it
	// must be stored before the decision is acted on.
	Changed bool
}

// Recommendation holds what one metric asked for, or why it was unusable.
type Recommendation struct {
	Replicas int32
	Code     observation.Code
	// Fallback says that the metric has failed for so long that its fallback stands
	// in for it: there are both, a code and replicas.
	Fallback bool
}

// Step decides one slot. It takes over the state's slices; Clone the state to
// keep it. Input.Metrics must have one entry for each of the policy's metrics.
func Step(p *policy.Autoscaler, s State, in *Input) (State, Decision) { return step(p, s, in, nil) }

// Follow is Step where another count than the decided one was commanded: for a state
// that is not the one which was decided from.
func Follow(p *policy.Autoscaler, s State, in *Input, commanded int32) (State, Decision) {
	return step(p, s, in, &commanded)
}

// step decides one slot, and commands what was decided or, if set, another count.
func step(p *policy.Autoscaler, s State, in *Input, commanded *int32) (State, Decision) {
	var d Decision
	if in.Scale.Code != observation.OK {
		d.Reason = TargetUnavailable
		return s, d
	}
	current := in.Scale.Spec
	previous := in.Slot
	first := !s.Decided()
	if !first {
		previous = s.Grid.Before(in.Slot)
	}
	changed := s.adopt(p, slot.GridAt(in.Slot, p.Interval), previous)
	changed = s.settle(p.DryRun, in.Slot, current) || changed
	if first {
		// An autoscaler seen for the first time finds the current count in its
		// window, so that no rule scales down at once. The step to the idle count
		// looks at no window: a target that never was active sleeps at first sight.
		changed = s.record(current, previous, in.Slot) || changed
		if p.Zero != nil && p.Zero.InitialCooldown > 0 && s.Activity == (Activity{}) {
			// As if it had been active so that the cooldown ends with the initial one.
			s.Activity.Last = in.Slot + slot.Slot(p.Zero.InitialCooldown-p.Zero.Cooldown)
		}
	}

	changed = d.fallback(p, &s, in) || changed
	asleep, noted := false, false
	if p.Zero != nil {
		asleep, noted = d.sleep(p, &s, in, previous)
		changed = changed || noted
	}
	if asleep {
		// KEDA's part, of which HPA knows nothing: no window, no policy, no event.
	} else if p.Algorithm == policy.HPAWithoutBehavior {
		changed = d.withoutBehavior(p, &s, in, previous) || changed
	} else {
		changed = d.byRules(p, &s, in, previous) || changed
	}
	d.Known = true
	d.pause(&in.Pause, current)

	to := d.Desired
	if commanded != nil {
		to = *commanded
	}
	if to != current && !p.DryRun {
		s.command(Command{Slot: in.Slot, From: current, To: to}, !asleep && !in.Pause.Fixed)
		changed = true
	}
	if changed {
		s.forget(in.Slot)
	}
	d.Changed = changed
	return s, d
}

// byRules takes the recommendation through all stages, and says whether that changed the state.
func (d *Decision) byRules(p *policy.Autoscaler, s *State, in *Input, previous slot.Slot) bool {
	recommended, usable := d.recommend(p, in)
	if !usable {
		// The unknown counts as the last known recommendation: the open run goes on.
		d.hold(MetricsUnavailable, in.Scale.Spec)
		d.bound(p, in.Scale.Spec)
		return false
	}
	d.Recommended, d.Recommending = recommended, true
	d.shape(p, s, previous, in.Slot, in.Scale.Spec)
	d.bound(p, in.Scale.Spec)
	return s.record(recommended, previous, in.Slot)
}

// hold keeps the count, whatever the metrics say.
func (d *Decision) hold(reason Reason, current int32) {
	d.Reason = reason
	d.Stabilized, d.Limited, d.Desired = current, current, current
}

// settle judges the last command by what is observed now, and says whether
// that changed the state. A count that never moved means that the command did
// not land, so its event is taken back. In a dry run, and until the first slot
// after one, changes made by others count as events instead.
func (s *State) settle(dryRun bool, now slot.Slot, current int32) bool {
	last := s.Last
	switch {
	case last.Pending():
		if n := len(s.Events); current == last.From && n > 0 && s.Events[n-1].Slot == last.Slot {
			s.Events = s.Events[:n-1]
		}
	case last.observed() && last.To != current:
		s.Events = append(s.Events, behavior.Event{Slot: now, Delta: current - last.To})
	case last.observed() && dryRun:
		return false
	}
	s.Last = Command{}
	if dryRun {
		s.Last = Command{Slot: now, From: current, To: current}
	}
	return s.Last != last
}

// command notes what is about to be written to the target, and whether rate
// policies count it.
func (s *State) command(c Command, counts bool) {
	if counts {
		s.Events = append(s.Events, behavior.Event{Slot: c.Slot, Delta: c.To - c.From})
	}
	s.Last = c
}

// recommend asks every metric and takes the largest answer. A failed metric
// might have asked for more, so beside one only an answer of at least the
// current count is usable.
func (d *Decision) recommend(p *policy.Autoscaler, in *Input) (int32, bool) {
	if len(p.Metrics) == 0 {
		return in.Scale.Spec, true
	}
	replicas := algorithm.Replicas{Spec: in.Scale.Spec, Status: in.Scale.Status, Ready: in.Scale.Serving()}
	tolerance := algorithm.Tolerance{Up: p.Up.Tolerance, Down: p.Down.Tolerance}
	recommender := algorithm.Of(p)
	largest, failed := int32(-1), false
	for i := range p.Metrics {
		r := &d.Metrics[i]
		r.Code = in.Metrics[i].Code
		if r.Code == observation.OK {
			r.Replicas, r.Code = nearest(recommender, &p.Metrics[i], tolerance, in.Metrics[i].Value, replicas, &in.Scale)
		}
		switch {
		case r.Fallback:
			r.Replicas = fallbackReplicas(p.Metrics[i].Fallback, in.Scale.Spec)
		case r.Code != observation.OK:
			failed = true
			continue
		case p.Target.CountsNodes() && p.Metrics[i].Type != policy.AverageValue:
			r.Replicas = in.Scale.WithMissing(r.Replicas)
		}
		largest = max(largest, r.Replicas)
	}
	return largest, largest >= 0 && (!failed || largest >= in.Scale.Spec)
}

// nearest is the recommendation of a metric that, since it was sampled, may have
// another number of replicas to multiply. Which of these numbers the sample shows is
// not known: of the recommendations that they give, the one nearest to spec counts, so
// that only what holds for all of them scales.
func nearest(of algorithm.Recommender, m *policy.Metric, tolerance algorithm.Tolerance, value float64, r algorithm.Replicas, scale *Scale) (int32, observation.Code) {
	replicas, code := of.Recommend(m, tolerance, value, r)
	if code != observation.OK || m.Type == policy.AverageValue || scale.Fewer == 0 && scale.More == 0 {
		return replicas, code
	}
	ready := r.Ready
	r.Ready = ready - scale.Fewer
	least, code := of.Recommend(m, tolerance, value, r)
	if code != observation.OK {
		return 0, code
	}
	r.Ready = ready + scale.More
	most, code := of.Recommend(m, tolerance, value, r)
	return min(max(r.Spec, least), most), code
}

// shape passes the recommendation through the stabilization windows and the
// rate policies.
func (d *Decision) shape(p *policy.Autoscaler, s *State, previous, now slot.Slot, current int32) {
	var held behavior.Limit
	d.Stabilized, held = behavior.Stabilize(&p.Up, &p.Down, s.Runs, previous, now, current, d.Recommended)
	if d.Stabilized != d.Recommended {
		d.Reason, d.Limit = Stabilized, held
	}
	d.Limited, held = behavior.RateLimit(&p.Up, &p.Down, s.Events, now, current, d.Stabilized)
	d.Desired = d.Limited
	if d.Limited != d.Stabilized {
		d.Reason, d.Limit = RateLimited, held
		if held.Policy < 0 {
			d.Reason = Disabled
		}
	}
}

// bound applies the bounds and names the reason where no stage changed the number.
func (d *Decision) bound(p *policy.Autoscaler, current int32) {
	var held behavior.Limit
	d.Desired, held = behavior.Bound(d.Limited, p.Min, p.Max)
	switch {
	case held.Stage != "":
		d.Reason, d.Limit = Bounded, held
	case d.Reason != "":
	case d.Desired > current:
		d.Reason = ScaledUp
	case d.Desired < current:
		d.Reason = ScaledDown
	default:
		d.Reason = Unchanged
	}
}
