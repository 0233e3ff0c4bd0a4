// Package explain puts decisions into words: which numbers a record has after each
// stage, what made them, and the reason in a few words.
package explain

import (
	"fmt"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// An Explanation puts one step of a journal into words.
type Explanation struct {
	// Runs are the recommendations up to the slot before that the windows saw, Events
	// the scale events that the rate limits saw; of an autoscaler whose state is known
	// only. The newest run lasts until Previous, the slot before.
	Runs     []behavior.Run
	Events   []behavior.Event
	Previous slot.Slot

	step  *journal.Step
	short func(slot.Slot) string
}

// Of returns the explanation of a step. short writes an instant as briefly as its reader
// wants it.
func Of(step *journal.Step, short func(slot.Slot) string) *Explanation {
	e := &Explanation{step: step, short: short}
	if step.Record.Kind != journal.ScalableNodeGroup && step.Record.Kind != journal.MetricsProducer {
		e.seen()
	}
	return e
}

// Stages returns the stages of the decision in the order in which they acted.
func (e *Explanation) Stages() []Stage {
	switch e.step.Record.Kind {
	case journal.MetricsProducer:
		return e.recordedStages()
	case journal.ScalableNodeGroup:
		return e.groupStages()
	}
	return e.stages()
}

// A Stage is one step of a decision: the number after it, and why.
type Stage struct {
	Name  string   `json:"stage"`
	Value *int32   `json:"value,omitempty"`
	Text  string   `json:"text"`
	More  []string `json:"details,omitempty"`
}

// seen takes back from the state after the step what the step added to it:
// that is what its windows saw, already settled and on the policy's horizons.
func (e *Explanation) seen() {
	if !e.step.Known || e.step.Policy == nil || !e.step.Record.Known {
		return
	}
	now, before, after := e.step.Record.Slot, &e.step.Before, &e.step.After
	e.Previous = now
	if before.Decided() {
		e.Previous = before.Grid.Before(now)
	}
	e.Runs, e.Events = after.Runs, after.Events
	if n := len(e.Runs); n > 0 && e.Runs[n-1].First == now && (before.Decided() || n > 1) {
		e.Runs = e.Runs[:n-1]
	}
	if n := len(e.Runs); n > 0 {
		e.Previous = max(e.Previous, e.Runs[n-1].First)
	}
	// At most two events are of this slot: a move by others that a dry run had seen, and
	// the command, which counts unless the count is fixed or the target was idle.
	earlier := len(e.Events)
	for earlier > 0 && e.Events[earlier-1].Slot == now {
		earlier--
	}
	last := before.Last
	if movedByOthers := last != (autoscaler.Command{}) && !last.Pending() && last.To != e.step.Record.Scale.Spec; movedByOthers {
		earlier++
	}
	e.Events = e.Events[:min(earlier, len(e.Events))]
}

// invalidSpec stands for the steps of a decision that has no policy.
var invalidSpec = Stage{Name: "policy", Text: "the spec is invalid, so nothing is decided until it is corrected; its conditions say what is wrong"}

// stages are the steps of an autoscaler's decision.
func (e *Explanation) stages() []Stage {
	r := e.step.Record
	if r.Reason == autoscaler.InvalidPolicy {
		return []Stage{invalidSpec}
	}
	list := []Stage{e.observed()}
	for i := range r.Metrics {
		list = append(list, e.metric(i))
	}
	if !r.Known {
		return append(list, Stage{Name: "desired", Text: "nothing: without the target's scale there is no count to start from; it is left as it is"})
	}
	list = append(list, e.recommended())
	if r.Recommending {
		list = append(list, e.stabilized(), e.limited())
	}
	return append(list, e.desired())
}

// observed returns what was read of the target, and what that says of the last command.
func (e *Explanation) observed() Stage {
	r := e.step.Record
	target := "the target"
	if p := e.step.Policy; p != nil {
		target = p.Target.Kind + " " + p.Target.Name
	}
	if r.Scale.Code != observation.OK {
		return Stage{Name: "observed", Text: fmt.Sprintf("the scale of %s could not be used: %s", target, Meaning(r.Scale.Code))}
	}
	s := Stage{Name: "observed", Value: &r.Scale.Spec, Text: fmt.Sprintf("%s: spec %d, status %d", target, r.Scale.Spec, r.Scale.Status)}
	if r.Scale.Counted {
		s.Text += fmt.Sprintf(", ready %d", r.Scale.Ready)
		if least, most := r.Scale.Ready-r.Scale.Fewer, r.Scale.Ready+r.Scale.More; least != most {
			s.Text += fmt.Sprintf(", and %d to %d since the metrics were scraped", least, most)
		}
	}
	if !e.step.Known {
		return s
	}
	if !e.step.Before.Decided() && r.Desired < r.Scale.Spec && e.slept() {
		s.More = append(s.More, "seen for the first time, and not active: the window does not hold a step to the idle count")
	} else if !e.step.Before.Decided() {
		s.More = append(s.More, fmt.Sprintf("seen for the first time: %d is put into the window, so that it is not scaled down at once", r.Scale.Spec))
	}
	if last := e.step.Before.Last; last.Pending() {
		command := fmt.Sprintf("the change %d -> %d of %s", last.From, last.To, e.short(last.Slot))
		switch r.Scale.Spec {
		case last.To:
		case last.From:
			s.More = append(s.More, command+" did not land; it is not counted as a scale event")
		default:
			s.More = append(s.More, command+" was overwritten by somebody else")
		}
	}
	return s
}
