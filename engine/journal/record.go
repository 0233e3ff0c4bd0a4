package journal

import (
	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// Version is the schema version of the lines.
const Version = 1

// The kinds of line.
const (
	HorizontalAutoscaler = "HorizontalAutoscaler"
	ScalableNodeGroup    = "ScalableNodeGroup"
	MetricsProducer      = "MetricsProducer"
	OutcomeKind          = "Outcome"
)

// An Object names whose decision a record is.
type Object struct {
	Kind, Namespace, Name string
}

// String is NAMESPACE/KIND/NAME, the form that the command line takes.
func (o Object) String() string { return o.Namespace + "/" + o.Kind + "/" + o.Name }

// A Record is one decided slot of one object.
type Record struct {
	Object
	// Generation counts changes of the spec, from 1.
	Generation int64
	Slot       slot.Slot
	// Policy is the digest of the compiled policy, empty where the spec is
	// invalid; PolicyBody is its canonical JSON.
	Policy, PolicyBody string
	// Scale is the scale of the target as observed.
	Scale autoscaler.Scale
	// Metrics are in the policy's order.
	Metrics []Metric
	// Outcome of the step.
	Recommending, Known                       bool
	Recommended, Stabilized, Limited, Desired int32
	Reason                                    autoscaler.Reason
	LimitedBy                                 behavior.Limit
	DryRun                                    bool
	// Paused is the pause that was in effect, if any.
	Paused autoscaler.Pause
	// Observed, Command and Value stand in records of node groups and producers
	// instead of scale, metrics and the stages.
	Observed []Field
	Command  *int32
	Value    []Field
	// Prev and State are digests of the state before and after the step;
	// StateBody is the text of the state before it.
	Prev, State, StateBody string
	// Bodies says that the line carries PolicyBody and StateBody. A Writer
	// decides that; a read record without them has neither.
	Bodies bool
	// Missed is the number of slots skipped since the last record.
	Missed int64
	// Chain is the digest of the object's record before this one in the same
	// file, Digest that of this record; both are set when it is sealed.
	Chain, Digest string
}

// Decide fills in what a step decided under a policy.
func (r *Record) Decide(p *policy.Autoscaler, d *autoscaler.Decision) {
	r.Recommending, r.Known = d.Recommending, d.Known
	r.Recommended, r.Stabilized, r.Limited, r.Desired = d.Recommended, d.Stabilized, d.Limited, d.Desired
	r.Reason, r.LimitedBy, r.DryRun = d.Reason, d.Limit, p.DryRun
	for i := range r.Metrics {
		if !r.Known {
			continue // without a scale no metric was weighed
		}
		r.Metrics[i].Code, r.Metrics[i].Recommendation, r.Metrics[i].Fallback = d.Metrics[i].Code, d.Metrics[i].Replicas, d.Metrics[i].Fallback
	}
}

// A Metric is one query's observation and what it asked for.
type Metric struct {
	// Source names the server that was asked; empty for the controller's own.
	Source string
	Query  string
	// At is the instant the query was evaluated at.
	At slot.Slot
	// Value is the sample where Code is OK or only the value's use failed.
	Value float64
	Code  observation.Code
	// Recommendation is in replicas, where the metric asked for some.
	Recommendation int32
	// Fallback says that the metric's fallback asked for them in place of its value.
	Fallback bool
}

// Asks says whether the metric asked for replicas, by its value or its fallback.
func (m *Metric) Asks() bool { return m.Code == observation.OK || m.Fallback }

// A Field is a named number of a node group's or a producer's record.
type Field struct {
	Name  string
	Value float64
	Code  observation.Code
}

// An Outcome says what came of a decision. It is the only line with wall time
// in it and stands outside parity and verification.
type Outcome struct {
	Object
	Slot slot.Slot
	// Result is Applied, Conflict, Forbidden, TimedOut, Superseded or another
	// observation code.
	Result string
	// At is the wall time in Unix milliseconds, Lateness that after the slot in
	// milliseconds; both are 0 in a simulation.
	At, Lateness int64
}
