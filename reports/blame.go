package reports

import (
	"fmt"
	"sort"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Cause is why capacity was lacking; the package comment has the rule.
type Cause string

// The causes, in the order in which ties are listed.
const (
	Bound         Cause = "bound"
	Rate          Cause = "rate"
	Stabilization Cause = "stabilization"
	MetricLag     Cause = "metric lag"
	StartUp       Cause = "start-up"
	Disruption    Cause = "disruption"
	NotCarriedOut Cause = "not carried out"
	MissingData   Cause = "missing data"
	Unknown       Cause = "unknown"
)

// Causes are all of them, in order.
func Causes() []Cause {
	return []Cause{Bound, Rate, Stabilization, MetricLag, StartUp, Disruption, NotCarriedOut, MissingData, Unknown}
}

// words are how a sentence, a table and a chart name a cause.
func (c Cause) words() string {
	switch c {
	case Bound:
		return "maxReplicas"
	case Rate:
		return "the rate policy"
	case Stabilization:
		return "the scale-up window"
	}
	return string(c)
}

func (c Cause) order() int {
	for i, other := range Causes() {
		if c == other {
			return i
		}
	}
	return len(Causes())
}

// Blame is a share of the time that lacked capacity.
type Blame struct {
	Cause Cause `json:"cause"`
	// Detail names what it was ("maxReplicas 20"); empty where the cause says it.
	Detail  string `json:"detail,omitempty"`
	Seconds int64  `json:"seconds"`
}

type reason struct {
	cause  Cause
	detail string
}

// A decision is what blame, runs and counts need of the record in force.
type decision struct {
	known, recommending bool
	recommended         float64
	stabilized, limited float64
	desired             float64
	reason              autoscaler.Reason
	limit               behavior.Limit
	dryRun, metricError bool
	// contested says that another autoscaler acts on the same target.
	contested bool
	// code is that of the first metric that failed, else that of the target.
	code observation.Code
	// refused is what the command was answered with, empty if it was carried out.
	refused string
}

// invalidPolicy stands among the codes for a policy that cannot be compiled.
const invalidPolicy observation.Code = "InvalidPolicy"

// decide copies what is needed of a record. Node groups and producers have a
// command instead of stages.
func decide(r *journal.Record) decision {
	d := decision{
		known: r.Known, recommending: r.Recommending,
		recommended: float64(r.Recommended), stabilized: float64(r.Stabilized),
		limited: float64(r.Limited), desired: float64(r.Desired),
		reason: r.Reason, limit: r.LimitedBy, dryRun: r.DryRun,
		contested: r.Scale.Code == observation.Contested,
	}
	if r.Command != nil {
		n := float64(*r.Command)
		d.known, d.recommending = true, true
		d.recommended, d.stabilized, d.limited, d.desired = n, n, n, n
	}
	for i := range r.Metrics {
		d.metricError = d.metricError || r.Metrics[i].Code != observation.OK
		if d.code == observation.OK {
			d.code = r.Metrics[i].Code
		}
	}
	switch {
	case d.code != observation.OK:
	case d.reason == autoscaler.InvalidPolicy:
		d.code = invalidPolicy
	default:
		d.code = r.Scale.Code
	}
	return d
}

// held says whether the decision had nothing to go by.
func (d *decision) held() bool {
	switch d.reason {
	case autoscaler.MetricsUnavailable, autoscaler.TargetUnavailable, autoscaler.InvalidPolicy:
		return true
	}
	return false
}

// informed says whether the decision had the target's counts and a value of
// every metric to go by.
func (d *decision) informed() bool { return d.known && !d.metricError && !d.held() }

// blame finds the one reason why fewer than needed replicas serve, given the
// replicas asked for, whether those lost would do, what keeps the provider from
// giving them, and the decision in force, nil before the first one.
func blame(needed, spec float64, disrupted bool, trouble string, d *decision, p *policy.Autoscaler) reason {
	switch {
	case spec >= needed && trouble != "":
		return reason{cause: NotCarriedOut, detail: trouble}
	case spec >= needed && disrupted:
		return reason{cause: Disruption}
	case spec >= needed:
		return reason{cause: StartUp}
	case d == nil:
		return reason{cause: MetricLag}
	case d.contested:
		return reason{cause: NotCarriedOut, detail: string(observation.Contested)}
	case d.held():
		return reason{cause: MissingData, detail: string(d.reason)}
	case d.dryRun:
		return reason{cause: Unknown, detail: "dry run"}
	case !d.known:
		return reason{cause: MissingData}
	case d.desired >= needed && d.refused != "":
		return reason{cause: NotCarriedOut, detail: d.refused}
	case d.desired >= needed:
		return reason{cause: StartUp}
	case d.desired < d.limited:
		return reason{cause: Bound, detail: fmt.Sprintf("maxReplicas %.0f", d.desired)}
	case d.limited < d.stabilized:
		return reason{cause: Rate, detail: rateDetail(&d.limit, p)}
	case !d.recommending:
		return reason{cause: MissingData}
	case d.stabilized < d.recommended:
		return reason{cause: Stabilization, detail: windowDetail(p)}
	case d.metricError:
		return reason{cause: MissingData, detail: "a metric failed"}
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

// sortBlame lists the largest share first.
func sortBlame(shares map[reason]int64) []Blame {
	list := make([]Blame, 0, len(shares))
	for why, seconds := range shares {
		list = append(list, Blame{Cause: why.cause, Detail: why.detail, Seconds: seconds})
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
