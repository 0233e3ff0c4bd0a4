package reports

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A scorer walks one object of one column through time, from decision to
// decision, in memory bounded by the changes of the decided count.
type scorer struct {
	object               *Object
	label                string
	start, end, now      int64
	needed, ready, asked cursor
	demand               cursor // what is needed, fractions of a replica included
	used                 []bool // the steps of demand that a cause was told by
	paid, pending        cursor
	lost                 cursor // replicas that stopped serving and are asked for still
	givenUp              cursor // replicas that were scaled down lately
	// groups are the node groups as of their latest records, scalers the policies
	// of the autoscalers that scale them.
	groups   map[journal.Object]groupState
	scalers  map[journal.Object]*policy.Autoscaler
	policy   *policy.Autoscaler
	inForce  *decision
	last     int64     // slot of the decision in force
	values   []float64 // of its metrics
	moved    int64     // slot of the first decision with these values
	lateOf   *decision // decision of the lateness
	lateness lateness
	run      DecisionRun
	runs     *runs // nil where they are not listed
	watch    *watch
	sampling result.Sampling
	changes  changes
	decided  Steps
	episodes episodes
	bill     biller
	score    score
}

func newScorer(run *Run, o *Object, label string, records bool, list *runs) *scorer {
	s := &scorer{
		object: o, label: label, start: run.Start, end: run.End, now: run.Start,
		needed: cursor{steps: roundedUp(o.Needed)}, demand: cursor{steps: demandOf(o)}, ready: cursor{steps: o.Ready}, asked: cursor{steps: o.Spec}, paid: cursor{steps: o.Paid}, pending: cursor{steps: o.Pending},
		lost: cursor{steps: losses(o.Spec, o.Ready)}, givenUp: cursor{steps: givenUp(o.Spec, o.Ready, roundedUp(o.Needed))},
		groups: map[journal.Object]groupState{},
		policy: o.Policy, runs: list, changes: changes{last: math.NaN()}, score: newScore(),
		bill: biller{billing: o.Billing}, sampling: run.Sampling,
	}
	s.used = make([]bool, len(s.demand.steps.T))
	s.score.decisionsKnown = records
	s.score.changesKnown = records || o.Spec.Known()
	return s
}

// demandOf returns what is needed before it is rounded up.
func demandOf(o *Object) Steps {
	if len(o.Demand.T) > 0 {
		return o.Demand
	}
	return o.Needed
}

// record takes the next decision of the object.
func (s *scorer) record(r *journal.Record) error {
	t := int64(r.Slot)
	if s.inForce != nil && t <= s.last {
		return fmt.Errorf("%s: record of %s after that of %s; records must be in order", r.Object, rfc3339(t), rfc3339(s.last))
	}
	s.until(t)
	if r.PolicyBody != "" {
		p := new(policy.Autoscaler)
		if err := json.Unmarshal([]byte(r.PolicyBody), p); err != nil {
			return fmt.Errorf("%s at %s: policy: %w", r.Object, rfc3339(t), err)
		}
		s.policy = p
	}
	if r.Kind == journal.HorizontalAutoscaler && s.policy != nil && s.watch != nil {
		s.watch.record(r, s.policy, s.last)
	}
	d := decide(r)
	first := s.inForce == nil
	s.inForce, s.last = &d, t
	s.move(r)
	if first && r.Scale.Code == "" && r.Kind == journal.HorizontalAutoscaler {
		s.changes.to(t, float64(r.Scale.Spec), &s.score, false)
	}
	if d.known {
		s.changes.to(t, d.desired, &s.score, t >= s.start && t < s.end)
		s.decided.Append(t, d.desired)
	}
	s.group(t, &d)
	return nil
}

// move takes the values of the metrics of a record.
func (s *scorer) move(r *journal.Record) {
	same := len(s.values) == len(r.Metrics)
	for i := range r.Metrics {
		same = same && s.values[i] == r.Metrics[i].Value
	}
	if same {
		return
	}
	s.values, s.moved = s.values[:0], s.last
	for i := range r.Metrics {
		s.values = append(s.values, r.Metrics[i].Value)
	}
}

// outcome takes what came of the decision in force.
func (s *scorer) outcome(o *journal.Outcome) {
	if s.inForce == nil || int64(o.Slot) != s.last {
		return
	}
	s.inForce.refused = o.Result
	if o.Result == applied {
		s.inForce.refused = ""
	}
}

// applied is the result of an outcome that is as decided.
const applied = "Applied"

// provider takes the state of a node group as of its record at an instant.
func (s *scorer) provider(at int64, group journal.Object, state groupState) {
	if s.groups[group] == state {
		return
	}
	s.until(at)
	s.groups[group] = state
}

// scales returns the state of the target where it is a node group, else none.
func (s *scorer) scales() groupState {
	if s.policy == nil || s.policy.Target.Kind != journal.ScalableNodeGroup {
		return groupState{}
	}
	return s.groups[journal.Object{Kind: journal.ScalableNodeGroup, Namespace: s.object.Journal.Namespace, Name: s.policy.Target.Name}]
}

// node returns what pods that are pending wait for: of the first group that has
// issue, else of the first one.
func (s *scorer) node() string {
	names := slices.SortedFunc(maps.Keys(s.groups), func(a, b journal.Object) int { return strings.Compare(a.String(), b.String()) })
	if len(names) == 0 {
		return ""
	}
	first := names[0]
	for _, name := range names {
		if s.groups[name].issue != "" {
			first = name
			break
		}
	}
	group := s.groups[first]
	return group.wait(first.Name, s.scalers[first])
}

// group adds a decision to the runs of equal ones.
func (s *scorer) group(t int64, d *decision) {
	if s.runs == nil || t < s.start || t >= s.end {
		return
	}
	limit := limitPhrase(d, s)
	if s.run.Slots > 0 && s.run.follows(d, limit) {
		s.run.extend(t, d)
		return
	}
	s.flush()
	s.run = DecisionRun{Object: s.label, First: t, Known: d.known, Desired: shown(d), Low: -1, High: -1, Reason: d.reason, Limit: limit}
	s.run.extend(t, d)
}

func (s *scorer) flush() {
	if s.run.Slots > 0 {
		s.runs.add(s.run)
	}
	s.run = DecisionRun{}
}

// rateLimit names what a rate limit was held by.
func (s *scorer) rateLimit(l *behavior.Limit) string {
	rules := &policy.Rules{}
	if s.policy != nil {
		rules = &s.policy.Up
		if l.Direction == behavior.Down {
			rules = &s.policy.Down
		}
	}
	switch {
	case l.Policy < 0:
		return fmt.Sprintf("scale-%s disabled", l.Direction)
	case l.Policy < len(rules.Policies):
		return fmt.Sprintf("scale-%s %s", l.Direction, ratePhrase(&rules.Policies[l.Policy]))
	}
	return fmt.Sprintf("scale-%s policy %d", l.Direction, l.Policy)
}

// until scores the time up to t under the decision in force.
func (s *scorer) until(t int64) {
	for t = min(t, s.end); s.now < t; {
		needed, ready, asked := s.needed.to(s.now), s.ready.to(s.now), s.asked.to(s.now)
		s.givenUp.to(s.now)
		s.pending.to(s.now)
		s.bill.to(s.now, paid(s.paid.to(s.now), asked, ready))
		next := min(t, s.needed.next(), s.ready.next(), s.asked.next(), s.paid.next(), s.pending.next(), s.givenUp.next())
		if overdue := s.overdue(); overdue > s.now {
			next = min(next, overdue)
		}
		s.stretch(next, needed, ready, asked)
		s.now = next
	}
}

// stretch scores the time up to next, in which nothing changes.
func (s *scorer) stretch(next int64, needed, ready, asked float64) {
	seconds := next - s.now
	s.score.supply(seconds, asked, ready)
	if s.inForce != nil && s.inForce.held() {
		s.score.held.add(s.inForce.code, seconds)
	}
	if s.inForce != nil && (!s.inForce.informed() || s.now >= s.overdue()) {
		s.score.stale += seconds
	}
	if math.IsNaN(needed) || math.IsNaN(ready) {
		s.score.unjudged.add(s.whyUnknown(), seconds)
	}
	if math.IsNaN(needed) || math.IsNaN(ready) || !s.score.compare(seconds, needed, ready) {
		s.score.lags.restored(s.score.decisionsKnown)
		return
	}
	s.score.lags.lack(seconds, lagOf(needed, asked, s.inForce))
	missing := needed - ready
	s.run.Lacking += seconds
	s.run.Lost += float64(missing * float64(seconds))
	for s.now < next {
		s.demand.to(s.now)
		until, why := min(next, s.demand.next()), reason{cause: NotExplained}
		if s.score.decisionsKnown {
			why = s.shortage(needed, ready, asked).cause()
		}
		s.score.causes[why] += until - s.now
		s.episodes.lack(s.now, until, missing, why)
		s.now = until
	}
}

// shortage describes the present instant, in which fewer replicas serve than are
// needed.
func (s *scorer) shortage(needed, ready, asked float64) *shortage {
	short := &shortage{
		needed: needed, ready: ready, asked: asked,
		lost: s.lost.to(s.now), pending: orZero(s.pending.to(s.now)), givenUp: orZero(s.givenUp.to(s.now)),
		overdue: s.inForce != nil && s.now >= s.overdue(),
		issue:   s.scales().issue, dry: s.scales().dryRun, node: s.node(),
		decision: s.inForce, policy: s.policy,
	}
	short.fresh = func() recommendation { return s.fresh(s.demand.after - 1) }
	short.late = s.late
	return short
}

// fresh returns what the metrics would ask for if they showed a step of the demand.
func (s *scorer) fresh(step int) recommendation {
	if step < 0 {
		return recommendation{}
	}
	s.used[step] = true
	return recommend(s.policy, s.object.Responses, s.demand.steps.V[step], s.ready.to(s.now), s.asked.to(s.now))
}

// told returns the demand where a cause was told by it.
func (s *scorer) told() Steps {
	if len(s.object.Demand.T) > 0 {
		return s.object.Demand
	}
	var out Steps
	for i, used := range s.used {
		v := math.NaN()
		if used {
			v = s.demand.steps.V[i]
		}
		if used || len(out.T) > 0 {
			out.Append(s.demand.steps.T[i], v)
		}
	}
	return out
}

// late tells how late the metrics of the decision in force were.
func (s *scorer) late() lateness {
	if s.lateOf != s.inForce {
		s.lateOf, s.lateness = s.inForce, s.measureLateness()
	}
	return s.lateness
}

func (s *scorer) measureLateness() lateness {
	l := lateness{sampling: s.sampling, unmoved: s.last - s.moved}
	if s.inForce == nil || !s.inForce.recommending {
		return l
	}
	steps, since := s.demand.steps, s.last
	enough := s.sampling.Interval + s.sampling.Delay + s.sampling.Lookback
	i, _ := slices.BinarySearch(steps.T, s.last+1)
	for i--; i >= 0 && since >= s.last-enough && s.fresh(i).plain > s.inForce.recommended; i-- {
		l.unseen, since = true, min(since, steps.T[i])
	}
	l.since = s.last - since
	return l
}

// whyUnknown is the code of what the decision in force could not read, where
// what is needed or what runs is not known.
func (s *scorer) whyUnknown() observation.Code {
	if s.inForce == nil {
		return observation.OK
	}
	return s.inForce.code
}

// overdue is when the decision in force should have been followed by another.
func (s *scorer) overdue() int64 {
	if s.inForce == nil || s.policy == nil || s.policy.Interval == 0 {
		return math.MaxInt64
	}
	return s.last + int64(s.policy.Interval)
}

// finish scores the rest of the run.
func (s *scorer) finish() {
	s.until(s.end)
	if s.inForce != nil && s.policy != nil && s.watch != nil {
		s.watch.silent(s.policy, s.last, s.end)
	}
	s.score.lags.restored(s.score.decisionsKnown)
	s.finishCurves()
	if s.runs != nil {
		s.flush()
	}
	s.episodes.close()
	s.score.episodes, s.score.longest = s.episodes.count, s.episodes.longest
	if s.score.decisionsKnown {
		return
	}
	for i, t := range s.object.Spec.T {
		if t < s.end {
			s.changes.to(t, s.object.Spec.V[i], &s.score, t > s.start)
		}
	}
	s.decided = s.object.Spec
}

// finishCurves adds the figures that need no decisions.
func (s *scorer) finishCurves() {
	needed, ready := s.needed.steps, s.object.Ready
	s.score.motion.compareDirections(s.start, s.end, needed, ready)
	s.score.motion.countChanges(s.start, s.end, needed, ready)
	s.score.motion.followSteps(s.start, s.end, needed, ready)
	s.score.saturatedKnown = s.object.Saturated.Known()
	walk(s.start, s.end, []Steps{s.object.Saturated}, func(from, to int64, v []float64) {
		if v[0] == 1 {
			s.score.saturated += to - from
		}
	})
	s.score.regret = regretOf(s.object, needed, s.start, s.end)
	if hours := s.bill.hours(s.end); !math.IsNaN(hours) {
		s.score.billed, s.score.billedKnown = hours, true
		s.score.cost, s.score.priced = hours*s.object.Price, s.object.Price > 0
	}
}
