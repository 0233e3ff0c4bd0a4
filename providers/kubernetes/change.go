package kubernetes

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// shownQuery is how much of a query an event shows, in bytes.
const shownQuery = 100

// A change is a decision to scale, in the words of an event. A nil change is one
// that was decided by a former process.
type change struct {
	slot     slot.Slot
	from, to int32
	// target is the kind and name of what is scaled, unit what it consists of.
	target, unit string
	why          string
}

// changeOf returns what a record decided to change, nil if it did not.
func changeOf(r *journal.Record) *change {
	if r.Kind == journal.ScalableNodeGroup {
		return resizeOf(r)
	}
	if !r.Known || r.Desired == r.Scale.Spec || r.DryRun {
		return nil
	}
	c := &change{slot: r.Slot, from: r.Scale.Spec, to: r.Desired, unit: "replicas"}
	var p policy.Autoscaler
	_ = json.Unmarshal([]byte(r.PolicyBody), &p) // our own text
	c.target = p.Target.Kind + " " + p.Target.Name
	c.why = strings.Join(append(asked(r, &p), held(r, &p)...), "; ")
	return c
}

// resizeOf is the change of a node group's record.
func resizeOf(r *journal.Record) *change {
	if r.Command == nil || r.DryRun {
		return nil
	}
	in, _ := r.GroupInput()
	return &change{slot: r.Slot, from: in.Group.Desired, to: *r.Command, target: "node group " + r.Name, unit: "nodes"}
}

// asked says which metric asked for the recommendation.
func asked(r *journal.Record, p *policy.Autoscaler) []string {
	if !r.Recommending {
		return nil
	}
	for i, m := range r.Metrics {
		if !m.Asks() || m.Recommendation != r.Recommended || i >= len(p.Metrics) {
			continue
		}
		if m.Fallback {
			return []string{fmt.Sprintf("%s is %s, and its fallback asks for %d", shorten(m.Query), m.Code, m.Recommendation)}
		}
		return []string{fmt.Sprintf("%s is %s, target %s %s, which asks for %d", shorten(m.Query), short(m.Value),
			p.Metrics[i].Type, short(p.Metrics[i].Target), m.Recommendation)}
	}
	return nil
}

// held says what kept the decision from being what the metrics asked for.
func held(r *journal.Record, p *policy.Autoscaler) []string {
	switch {
	case r.LimitedBy.Stage == behavior.Pausing:
		return []string{fmt.Sprintf("held at %d by annotation", r.Desired)}
	case r.LimitedBy.Stage == behavior.Bounds && r.Desired == p.Max:
		return []string{fmt.Sprintf("bounded by maxReplicas %d", p.Max)}
	case r.LimitedBy.Stage == behavior.Bounds:
		return []string{fmt.Sprintf("bounded by minReplicas %d", p.Min)}
	case r.LimitedBy.Stage == behavior.Stabilization:
		return []string{fmt.Sprintf("held at %d by the stabilization window", r.Desired)}
	case r.LimitedBy.Stage == behavior.Rate:
		return []string{fmt.Sprintf("held at %d by rate policy %d", r.Desired, r.LimitedBy.Policy)}
	}
	return nil
}

func short(value float64) string { return strconv.FormatFloat(value, 'g', 6, 64) }

func shorten(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) <= shownQuery {
		return query
	}
	return strings.ToValidUTF8(query[:shownQuery], "") + "..."
}

// reason is the event's.
func (c *change) reason() string {
	switch {
	case c == nil:
		return "Scaled"
	case c.to > c.from:
		return string(autoscaler.ScaledUp)
	}
	return string(autoscaler.ScaledDown)
}

func (c *change) String() string {
	text := fmt.Sprintf("%s from %d to %d %s", c.target, c.from, c.to, c.unit)
	if c.why == "" {
		return text
	}
	return text + ": " + c.why
}

func (c *change) applied(o *journal.Outcome) string {
	if c == nil {
		return fmt.Sprintf("sent the change decided at %s, which a restart had kept back", o.Slot)
	}
	return "scaled " + c.String()
}

func (c *change) failed(o *journal.Outcome) string {
	if c == nil {
		return fmt.Sprintf("%s: could not send the change decided at %s", o.Result, o.Slot)
	}
	return fmt.Sprintf("%s: could not scale %s", o.Result, c)
}

func (c *change) superseded(o *journal.Outcome) string {
	if c == nil {
		return fmt.Sprintf("the change decided at %s was not sent: somebody else had scaled the target", o.Slot)
	}
	return fmt.Sprintf("did not scale %s: somebody else had scaled it since", c)
}
