package scenarios

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A naiveCauses says of every second of a run, one by one, what its lack of capacity
// was caused by, as the definitions in reports/doc.go have it. It shares no code with
// package reports and remembers nothing from one second to the next.
type naiveCauses struct {
	run    *result.Run
	object *result.Object
	// records are the decisions of the object, refused what came of them by slot,
	// groups the records of all node groups.
	records []journal.Record
	refused map[int64]string
	groups  map[journal.Object][]journal.Record
	// policies are those in force with each record.
	policies []*policy.Autoscaler
	// lost are the replicas at each second, from the start of their series on, that
	// stopped serving unasked.
	lost   []float64
	origin int64
}

// naive reads the journal of a column for one of its objects.
func naive(t *testing.T, run *result.Run, c *result.Column, o *result.Object) *naiveCauses {
	t.Helper()
	n := &naiveCauses{run: run, object: o, refused: map[int64]string{}, groups: map[journal.Object][]journal.Record{}}
	now := o.Policy
	err := c.Journal(func(l *journal.Line) error {
		switch {
		case l.Outcome != nil:
			if l.Outcome.Object == o.Journal {
				n.refused[int64(l.Outcome.Slot)] = l.Outcome.Result
			}
		case l.Record.Kind == journal.ScalableNodeGroup:
			r := *l.Record
			r.Observed = slices.Clone(r.Observed)
			n.groups[r.Object] = append(n.groups[r.Object], r)
		case l.Record.Object == o.Journal:
			r := *l.Record
			r.Metrics = slices.Clone(r.Metrics)
			if r.PolicyBody != "" {
				now = policyOf(t, r.PolicyBody)
			}
			n.records, n.policies = append(n.records, r), append(n.policies, now)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n.loseReplicas()
	return n
}

// loseReplicas walks the seconds: what stops serving although it is asked for is
// lost until as many serve again, or fewer are asked for.
func (n *naiveCauses) loseReplicas() {
	if len(n.object.Spec.T) == 0 || len(n.object.Ready.T) == 0 {
		return
	}
	n.origin = min(n.object.Spec.T[0], n.object.Ready.T[0])
	lost, before := 0.0, math.NaN()
	for t := n.origin; t < n.run.End; t++ {
		asked, ready := n.object.Spec.At(t), n.object.Ready.At(t)
		if math.IsNaN(asked) || math.IsNaN(ready) || math.IsNaN(before) {
			lost = 0
		} else {
			lost = math.Max(0, math.Min(lost+before-ready, asked-ready))
		}
		before = ready
		n.lost = append(n.lost, lost)
	}
}

// whole rounds replicas up, but for noise.
func whole(v float64) float64 {
	if near := math.Round(v); math.Abs(v-near) <= 1e-9*math.Abs(v) {
		return near
	}
	return math.Ceil(v)
}

// known is v, or 0 where it is not known.
func known(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// seconds are those that lacked capacity, by cause.
func (n *naiveCauses) seconds() map[reports.Cause]int64 {
	out := map[reports.Cause]int64{}
	for t := n.run.Start; t < n.run.End; t++ {
		needed, ready := whole(n.object.Needed.At(t)), n.object.Ready.At(t)
		if ready < needed { // false where either is not known
			out[n.cause(t, needed, ready)]++
		}
	}
	return out
}

// inForce is the index of the last decision at or before t, -1 for none.
func (n *naiveCauses) inForce(t int64) int {
	i, found := slices.BinarySearchFunc(n.records, t, func(r journal.Record, t int64) int { return int(int64(r.Slot) - t) })
	if found {
		return i
	}
	return i - 1
}

// cause is the first of the definitions that holds.
func (n *naiveCauses) cause(t int64, needed, ready float64) reports.Cause {
	asked := n.object.Spec.At(t)
	i := n.inForce(t)
	var p *policy.Autoscaler
	if i >= 0 {
		p = n.policies[i]
	} else {
		p = n.object.Policy
	}
	early := 2*n.givenUp(t) >= needed-ready
	if asked >= needed { // enough are asked for
		trouble, dry := n.target(t, p)
		switch {
		case dry:
			return reports.DryRun
		case trouble:
			return reports.NotCarriedOut
		case ready+n.lost[t-n.origin] >= needed:
			return reports.Disruption
		case asked-known(n.object.Pending.At(t)) < needed:
			return reports.NoNode
		case early:
			return reports.ScaledDown
		}
		return reports.StartUp
	}
	if i < 0 {
		return reports.ColdStart
	}
	r := &n.records[i]
	blind := r.Reason == autoscaler.MetricsUnavailable || r.Reason == autoscaler.TargetUnavailable || r.Reason == autoscaler.InvalidPolicy
	enough := r.Known && !blind && float64(r.Desired) >= needed
	refused := n.refused[int64(r.Slot)]
	switch {
	case t >= int64(r.Slot)+int64(p.Interval):
		return reports.NotDecided
	case r.Scale.Code == observation.Contested:
		return reports.Contested
	case r.DryRun && !blind:
		return reports.DryRun
	case r.Reason == autoscaler.Paused && r.LimitedBy.Direction == behavior.Up:
		return reports.Paused
	case enough && refused != "" && refused != "Applied":
		return reports.NotCarriedOut
	case enough:
		return reports.StartUp
	}
	if r.Known && !blind {
		switch {
		case r.Desired < r.Limited:
			return reports.Bound
		case r.Limited < r.Stabilized:
			return reports.Rate
		case r.Recommending && r.Stabilized < r.Recommended:
			return reports.Stabilization
		}
	}
	failed := slices.ContainsFunc(r.Metrics, func(m journal.Metric) bool { return m.Code != observation.OK })
	switch {
	case early:
		return reports.ScaledDown
	case blind || !r.Known || !r.Recommending || failed:
		return reports.MissingData
	}
	return n.metrics(t, p, needed, ready, asked)
}

// metrics asks what the recommendation from the demand's true value would be: k x
// demand of a total, k x demand / ready of any other metric.
func (n *naiveCauses) metrics(t int64, p *policy.Autoscaler, needed, ready, asked float64) reports.Cause {
	within, without, any := 0.0, 0.0, false
	demand := n.object.Needed.At(t)
	for i := range p.Metrics {
		m := &p.Metrics[i]
		for _, k := range n.object.Responses {
			if k.Query != m.Query || k.Total != (m.Type == policy.AverageValue) {
				continue
			}
			target := m.Target
			if m.Type == policy.Utilization {
				target /= 100
			}
			wants, ratio := k.Factor*demand/target, k.Factor*demand/target/asked
			if m.Type != policy.AverageValue {
				ratio = k.Factor * demand / math.Max(ready, 1) / target
			}
			// A median is no exact factor: a hundredth and the spread beyond it.
			exact := math.Ceil(wants*(1.01+k.Spread) - 1e-9)
			hold := ratio >= 1-p.Down.Tolerance-1e-9 && ratio <= 1+p.Up.Tolerance+1e-9 || math.Ceil(wants-1e-9) == asked
			if m.Type != policy.AverageValue {
				exact = math.Max(1, exact)
			}
			any = true
			without = math.Max(without, exact)
			if p.Up.Tolerance > 0 && asked > 0 && hold {
				exact = asked
			}
			within = math.Max(within, exact)
		}
	}
	switch {
	case !any:
		return reports.NotExplained
	case within >= needed:
		return reports.MetricLag
	case without >= needed:
		return reports.Tolerance
	}
	return reports.Target
}

// givenUp are the replicas fewer than served at any second of the last 15 min, as
// far as so many were scaled down in that time below neither what is asked for then
// nor what was needed.
func (n *naiveCauses) givenUp(t int64) float64 {
	const window = 15 * 60
	most := math.Inf(-1)
	down := 0.0
	for at := t - window; at <= t; at++ {
		if v := n.object.Ready.At(at); !math.IsNaN(v) {
			most = math.Max(most, v)
		}
		if at == t-window {
			continue // exactly as old as the window: out
		}
		before, after := n.object.Spec.At(at-1), n.object.Spec.At(at)
		if d := before - math.Max(after, known(whole(n.object.Needed.At(at)))); d > 0 {
			down += d
		}
	}
	return math.Max(0, math.Min(down, most-n.object.Ready.At(t)))
}

// target is what keeps the node group that is the target from what it should be.
func (n *naiveCauses) target(t int64, p *policy.Autoscaler) (trouble, dry bool) {
	if p == nil || p.Target.Kind != journal.ScalableNodeGroup {
		return false, false
	}
	group := n.groups[journal.Object{Kind: journal.ScalableNodeGroup, Namespace: n.object.Journal.Namespace, Name: p.Target.Name}]
	refused := false
	for i := range group {
		r := &group[i]
		if int64(r.Slot) > t {
			break
		}
		in, resize := r.GroupInput()
		waits := r.Reason == autoscaler.RateLimited || r.Reason == autoscaler.TargetUnavailable
		refused = resize != observation.OK || refused && waits
		above := in.Spec != nil && in.Group.Max >= 0 && *in.Spec > in.Group.Max
		trouble, dry = in.Group.Code != observation.OK || in.Group.Issue != observation.OK || refused || above, r.DryRun
	}
	return trouble, dry
}

// policyOf decodes the policy of a record.
func policyOf(t *testing.T, body string) *policy.Autoscaler {
	t.Helper()
	p := new(policy.Autoscaler)
	if err := json.Unmarshal([]byte(body), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// compareCauses compares the causes of a report with those that the naive twin finds,
// and returns the seconds of each.
func compareCauses(t *testing.T, run *result.Run, report *reports.Report) map[reports.Cause]int64 {
	t.Helper()
	all := map[reports.Cause]int64{}
	for i := range run.Columns {
		c := &run.Columns[i]
		if c.Journal == nil {
			continue
		}
		for j := range c.Objects {
			o := &c.Objects[j]
			got := map[reports.Cause]int64{}
			for _, share := range report.Columns[i].Objects[j].Causes {
				got[share.Cause] += share.Seconds
				all[share.Cause] += share.Seconds
			}
			if diff := cmp.Diff(naive(t, run, c, o).seconds(), got); diff != "" {
				t.Errorf("column %s, %s: seconds by cause, -twin +report:\n%s", c.Name, o.Journal, diff)
			}
		}
	}
	return all
}
