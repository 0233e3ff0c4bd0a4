package reports

import (
	"fmt"
	"slices"
	"sort"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Cause is why capacity was lacking; the package comment has the rule.
type Cause string

// The causes, in the order in which ties are listed.
const (
	NotDecided    Cause = "not decided"
	Bound         Cause = "bound"
	Rate          Cause = "rate"
	Stabilization Cause = "stabilization"
	DryRun        Cause = "dry run"
	Paused        Cause = "paused"
	Contested     Cause = "contested"
	NotCarriedOut Cause = "not carried out"
	Disruption    Cause = "disruption"
	NoNode        Cause = "no node"
	ScaledDown    Cause = "scaled down too early"
	StartUp       Cause = "start-up"
	ColdStart     Cause = "cold start"
	MissingData   Cause = "missing data"
	Tolerance     Cause = "tolerance"
	Target        Cause = "target"
	MetricLag     Cause = "metric lag"
	NotExplained  Cause = "not explained"
)

// Causes returns all of them, in order.
func Causes() []Cause {
	return []Cause{
		NotDecided, Bound, Rate, Stabilization, DryRun, Paused, Contested, NotCarriedOut, Disruption, NoNode,
		ScaledDown, StartUp, ColdStart, MissingData, Tolerance, Target, MetricLag, NotExplained,
	}
}

// words returns the name of a cause in sentences, tables and charts.
func (c Cause) words() string {
	switch c {
	case NotDecided:
		return "slots that nobody decided"
	case Bound:
		return "maxReplicas"
	case Rate:
		return "the rate policy"
	case Stabilization:
		return "the scale-up window"
	case DryRun:
		return "a dry run"
	case Paused:
		return "a pause"
	case Contested:
		return "two autoscalers on one target"
	case NotCarriedOut:
		return "changes that were not carried out"
	case NoNode:
		return "pods pending without a node"
	case ColdStart:
		return "too few replicas at the start"
	case Tolerance:
		return "the tolerance"
	case Target:
		return "a target above capacity"
	case ScaledDown:
		return "scaling down too early"
	}
	return string(c)
}

func (c Cause) order() int { return slices.Index(Causes(), c) }

// A CauseTime is a share of the time that lacked capacity.
type CauseTime struct {
	Cause Cause `json:"cause"`
	// Part is which part of metric lag it was, empty where that cannot be told and
	// for every other cause.
	Part LagPart `json:"part,omitempty"`
	// Detail names what it was ("maxReplicas 20"); empty where the cause says it.
	Detail  string `json:"detail,omitempty"`
	Seconds int64  `json:"seconds"`
}

// A LagPart says what keeps a metric from showing the demand of the instant.
type LagPart string

// The parts of metric lag.
const (
	QueryRange      LagPart = "query range"
	Scrape          LagPart = "scrape and ingestion"
	Lookback        LagPart = "lookback"
	PollingInterval LagPart = "polling interval"
)

type reason struct {
	cause  Cause
	part   LagPart
	detail string
}

// A shortage is an instant at which fewer replicas serve than are needed, and
// what is known of it. Counts are replicas; asked is NaN where it is not known.
type shortage struct {
	needed, ready, asked float64
	// lost replicas stopped serving although they are asked for, pending ones have
	// no node, and givenUp ones served within reconsidered seconds and were scaled
	// down.
	lost, pending, givenUp float64
	// overdue says that the slot after the decision in force passed undecided.
	overdue bool
	// issue keeps the provider from making the target what it was asked to be;
	// empty where nothing does.
	issue string
	// dry says that the target is a node group in a dry run.
	dry bool
	// node says what the pods that are pending wait for.
	node string
	// decision is the one in force, nil before the first; policy is its policy.
	decision *decision
	policy   *policy.Autoscaler
	// fresh recommends replicas from what the metrics would show of this instant.
	fresh func() recommendation
	// late tells how late the metrics of the decision in force were.
	late func() lateness
}

// A lateness says how far what the metrics of a decision showed was behind the
// demand when it was made.
type lateness struct {
	// unseen says that their true values would have asked for more at the slot, and
	// since is for how long they would have, in seconds, as far as it matters.
	unseen bool
	since  int64
	// unmoved is for how long, in seconds, they had shown the same.
	unmoved int64
	// sampling is how they get their samples.
	sampling result.Sampling
}

// cause returns the first condition that holds of those that the package comment
// lists.
func (s *shortage) cause() reason {
	if s.asked >= s.needed {
		return s.supply()
	}
	d := s.decision
	switch {
	case s.overdue:
		return reason{cause: NotDecided}
	case d == nil:
		return reason{cause: ColdStart}
	case d.contested:
		return reason{cause: Contested}
	case d.dryRun && !d.held():
		return reason{cause: DryRun}
	case d.reason == autoscaler.Paused && d.limit.Direction == behavior.Up:
		return reason{cause: Paused}
	case d.known && !d.held() && d.desired >= s.needed && d.refused != "":
		return reason{cause: NotCarriedOut, detail: d.refused}
	case d.known && !d.held() && d.desired >= s.needed:
		return reason{cause: StartUp}
	}
	if why, limited := s.limited(); limited {
		return why
	}
	switch {
	case s.tooEarly():
		return reason{cause: ScaledDown}
	case d.held():
		return reason{cause: MissingData, detail: string(d.reason)}
	case !d.known || !d.recommending:
		return reason{cause: MissingData}
	case d.metricError:
		return reason{cause: MissingData, detail: "a metric failed"}
	}
	return s.metrics()
}

// supply returns why replicas that were asked for do not serve.
func (s *shortage) supply() reason {
	switch {
	case s.dry:
		return reason{cause: DryRun}
	case s.issue != "":
		return reason{cause: NotCarriedOut, detail: s.issue}
	case s.ready+s.lost >= s.needed:
		return reason{cause: Disruption}
	case s.asked-s.pending < s.needed:
		return reason{cause: NoNode, detail: s.node}
	case s.tooEarly():
		return reason{cause: ScaledDown}
	}
	return reason{cause: StartUp}
}

// limited returns the last stage of the decision that cut its number.
func (s *shortage) limited() (why reason, limited bool) {
	d := s.decision
	switch {
	case d.held() || !d.known:
		return reason{}, false
	case d.desired < d.limited:
		return reason{cause: Bound, detail: fmt.Sprintf("maxReplicas %.0f", d.desired)}, true
	case d.limited < d.stabilized:
		return reason{cause: Rate, detail: rateDetail(&d.limit, s.policy)}, true
	case d.recommending && d.stabilized < d.recommended:
		return reason{cause: Stabilization, detail: windowDetail(s.policy)}, true
	}
	return reason{}, false
}

// tooEarly reports whether at least half of what is missing was given up.
func (s *shortage) tooEarly() bool { return 2*s.givenUp >= s.needed-s.ready }

// metrics returns why what the metrics asked for was not enough although no stage
// cut it: it is judged by what they would ask for if they showed this instant.
func (s *shortage) metrics() reason {
	r := s.fresh()
	switch {
	case !r.known:
		return reason{cause: NotExplained}
	case r.replicas >= s.needed:
		return s.lag()
	case r.exact >= s.needed:
		return reason{cause: Tolerance, detail: "tolerance " + number(s.policy.Up.Tolerance)}
	}
	return reason{cause: Target}
}

// lag tells what kept the metrics from showing the demand in time: no slot since; no
// scrape that is visible since; the samples before, which the range of a query still
// has; or, where there is no range and the metrics do not move, an old sample that
// lookback keeps while newer ones are missing.
func (s *shortage) lag() reason {
	l := s.late()
	scrape := l.sampling.Interval + l.sampling.Delay
	text, longest := longestRange(s.policy)
	switch {
	case !l.unseen:
		return reason{cause: MetricLag, part: PollingInterval, detail: "polling interval of " + span(int64(s.policy.Interval))}
	case l.sampling.Interval > 0 && l.since <= scrape:
		return reason{cause: MetricLag, part: Scrape, detail: "scrape and ingestion within " + span(scrape)}
	case longest > 0:
		return reason{cause: MetricLag, part: QueryRange, detail: "query range " + text}
	case l.sampling.Interval > 0 && l.unmoved > scrape && l.since <= scrape+l.sampling.Lookback:
		return reason{cause: MetricLag, part: Lookback, detail: "an old sample, lookback " + span(l.sampling.Lookback)}
	}
	return reason{cause: MetricLag}
}

// rateDetail names the rate policy of a limit. A later stage that only raised
// the number hides the index; the direction is up all the same.
func rateDetail(l *behavior.Limit, p *policy.Autoscaler) string {
	if p == nil {
		return "scale-up"
	}
	if p.Up.Select == policy.Disabled {
		return "scale-up disabled"
	}
	if l.Stage == behavior.Rate && l.Policy >= 0 && l.Policy < len(p.Up.Policies) {
		return "scale-up " + ratePhrase(&p.Up.Policies[l.Policy])
	}
	return "scale-up"
}

func ratePhrase(r *policy.Rate) string {
	unit := "%"
	if r.Type == policy.Count {
		unit = " " + plural(int64(r.Value), "replica")
	}
	return fmt.Sprintf("%d%s per %s", r.Value, unit, span(int64(r.Period)))
}

func windowDetail(p *policy.Autoscaler) string {
	if p == nil {
		return "scale-up window"
	}
	return "scale-up window " + span(int64(p.Up.Window))
}

// sortCauses lists the largest share first.
func sortCauses(shares map[reason]int64) []CauseTime {
	list := make([]CauseTime, 0, len(shares))
	for why, seconds := range shares {
		list = append(list, CauseTime{Cause: why.cause, Part: why.part, Detail: why.detail, Seconds: seconds})
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if a.Seconds != b.Seconds {
			return a.Seconds > b.Seconds
		}
		if a.Cause != b.Cause {
			return a.Cause.order() < b.Cause.order()
		}
		return a.Detail < b.Detail
	})
	return list
}

// invalidPolicy stands among the codes for a policy that cannot be compiled.
const invalidPolicy observation.Code = "InvalidPolicy"
