package main

import (
	"fmt"
	"io"
	"time"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/behavior"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// An explanation takes one decision apart.
type explanation struct {
	Object     string `json:"object"`
	Slot       string `json:"slot"`
	File       string `json:"file"`
	Line       int    `json:"line"`
	Generation int64  `json:"generation"`
	Desired    *int32 `json:"desired,omitempty"`
	Reason     string `json:"reason"`
	Why        string `json:"why"`
	// Steps are the stages in the order in which they acted.
	Steps []stage `json:"steps"`
	// Window are the recommendations and Events the scale events that the
	// decision saw, oldest first.
	Window []windowEntry `json:"window,omitempty"`
	Events []scaleEvent  `json:"events,omitempty"`
	// Outcomes are what came of it; a simulation notes only what went wrong.
	Outcomes []outcome `json:"outcomes,omitempty"`
	Notes    []string  `json:"notes,omitempty"`

	title string
}

// A stage is one step of a decision: the number after it, and why.
type stage struct {
	Name  string   `json:"stage"`
	Value *int32   `json:"value,omitempty"`
	Text  string   `json:"text"`
	More  []string `json:"details,omitempty"`
}

type windowEntry struct {
	Replicas int32  `json:"replicas"`
	First    string `json:"first"`
	Last     string `json:"last"`
	first    slot.Slot
	last     slot.Slot
}

type scaleEvent struct {
	Slot  string `json:"slot"`
	Delta int32  `json:"delta"`
	at    slot.Slot
}

// An outcome is what came of writing a decision to its target.
type outcome struct {
	Result string `json:"result"`
	// At is the wall time, empty in a simulation.
	At       string `json:"at,omitempty"`
	Lateness int64  `json:"latenessMilliseconds,omitempty"`
}

// outcomes are the outcomes of a decision in its file.
func outcomes(clock wallClock, file *journalFile, of *journal.Record) ([]outcome, error) {
	var found []outcome
	err := file.read(func(r io.Reader) error {
		lines := journal.NewReader(r, file.name)
		for {
			line, err := lines.Next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			o := line.Outcome
			if o == nil || o.Object != of.Object || o.Slot != of.Slot {
				continue
			}
			out := outcome{Result: o.Result, Lateness: o.Lateness}
			if o.At != 0 {
				out.At = time.UnixMilli(o.At).In(clock.location).Format("2006-01-02T15:04:05.000Z07:00")
			}
			found = append(found, out)
		}
	})
	return found, err
}

// explainAt explains the decision in force at a time.
func (a *app) explainAt(object *indexedObject, clock wallClock, flags *explainFlags) error {
	at, err := clock.parse("--at", flags.at)
	if err != nil {
		return err
	}
	var found *journal.Step
	var file *journalFile
	err = object.walk(func(in *journalFile, step *journal.Step) error {
		if step.Record.Slot > at {
			return nil
		}
		found, file = step, in
		return nil
	})
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("--at %s: before the first decision; the journals have decisions from %s to %s", clock.full(at), clock.full(object.first), clock.full(object.last))
	}
	if at > clock.end {
		return fmt.Errorf("--at %s: after the last decision; the journals have decisions from %s to %s", clock.full(at), clock.full(object.first), clock.full(object.last))
	}
	e := explainStep(clock, file.name, found)
	if e.Outcomes, err = outcomes(clock, file, found.Record); err != nil {
		return err
	}
	if late := at - found.Record.Slot; found.Record.Slot < object.last && object.interval > 0 && late >= object.interval {
		e.Notes = append(e.Notes, fmt.Sprintf("nothing was decided between this slot and %s", clock.short(at)))
	}
	if flags.format != tableFormat {
		return a.encode(flags.format, e)
	}
	_, err = fmt.Fprint(a.stdout, e.text(clock))
	return err
}

// explainStep says how one record came about.
func explainStep(clock wallClock, file string, step *journal.Step) *explanation {
	r := step.Record
	w := words{clock: clock, step: step}
	e := &explanation{
		Object: r.Object.String(), Slot: clock.rfc3339(r.Slot), File: file, Line: step.Line, Generation: r.Generation,
		Reason: string(r.Reason), Why: w.why(), title: r.Object.String() + " at " + clock.full(r.Slot),
	}
	if r.Known {
		e.Desired = &r.Desired
	}
	if r.Missed > 0 {
		e.Notes = append(e.Notes, fmt.Sprintf("%s before this one went undecided; they count as the recommendation before them", counted(int(r.Missed), "slot")))
	}
	if r.Kind == journal.MetricsProducer {
		e.Steps = w.recordedStages()
		return e
	}
	if !step.Known {
		e.Notes = append(e.Notes, "the state before this decision is lost with a line of the journal; shown is what the record itself says")
	}
	if r.Kind == journal.ScalableNodeGroup {
		e.Steps = w.groupStages()
		return e
	}
	w.seen()
	e.Steps = w.stages()
	for i, run := range w.runs {
		last := run.Last
		if i == len(w.runs)-1 {
			last = w.previous
		}
		e.Window = append(e.Window, windowEntry{run.Value, clock.rfc3339(run.First), clock.rfc3339(last), run.First, last})
	}
	for _, event := range w.events {
		e.Events = append(e.Events, scaleEvent{clock.rfc3339(event.Slot), event.Delta, event.Slot})
	}
	return e
}

// words puts one step into words.
type words struct {
	clock wallClock
	step  *journal.Step
	// What the stages saw: recommendations up to the slot before, scale events,
	// and the slot before.
	runs     []behavior.Run
	events   []behavior.Event
	previous slot.Slot
}

// seen takes back from the state after the step what the step added to it:
// that is what its windows saw, already settled and on the policy's horizons.
func (w *words) seen() {
	if !w.step.Known || w.step.Policy == nil || !w.step.Record.Known {
		return
	}
	now, before, after := w.step.Record.Slot, &w.step.Before, &w.step.After
	w.previous = now
	if before.Decided() {
		w.previous = before.Grid.Before(now)
	}
	w.runs, w.events = after.Runs, after.Events
	if n := len(w.runs); n > 0 && w.runs[n-1].First == now && (before.Decided() || n > 1) {
		w.runs = w.runs[:n-1]
	}
	if n := len(w.runs); n > 0 {
		w.previous = max(w.previous, w.runs[n-1].First)
	}
	if n := len(w.events); n > 0 && w.events[n-1].Slot == now && after.Last.Pending() && after.Last.Slot == now {
		w.events = w.events[:n-1]
	}
}

// invalidSpec stands for the steps of a decision that has no policy.
var invalidSpec = stage{Name: "policy", Text: "the spec is invalid, so nothing is decided until it is corrected; its conditions say what is wrong"}

// stages are the steps of an autoscaler's decision.
func (w *words) stages() []stage {
	r := w.step.Record
	if r.Reason == autoscaler.InvalidPolicy {
		return []stage{invalidSpec}
	}
	list := []stage{w.observed()}
	for i := range r.Metrics {
		list = append(list, w.metric(i))
	}
	if !r.Known {
		return append(list, stage{Name: "desired", Text: "nothing: without the target's scale there is no count to start from; it is left as it is"})
	}
	list = append(list, w.recommended())
	if r.Recommending {
		list = append(list, w.stabilized(), w.limited())
	}
	return append(list, w.desired())
}

// observed is what was read of the target, and what that says of the last command.
func (w *words) observed() stage {
	r := w.step.Record
	target := "the target"
	if p := w.step.Policy; p != nil {
		target = p.Target.Kind + " " + p.Target.Name
	}
	if r.Scale.Code != observation.OK {
		return stage{Name: "observed", Text: fmt.Sprintf("the scale of %s could not be used: %s", target, meaning(r.Scale.Code))}
	}
	s := stage{Name: "observed", Value: &r.Scale.Spec, Text: fmt.Sprintf("%s: spec %d, status %d", target, r.Scale.Spec, r.Scale.Status)}
	if r.Scale.Counted {
		s.Text += fmt.Sprintf(", ready %d", r.Scale.Ready)
		if least, most := r.Scale.Ready-r.Scale.Fewer, r.Scale.Ready+r.Scale.More; least != most {
			s.Text += fmt.Sprintf(", and %d to %d since the metrics were scraped", least, most)
		}
	}
	if !w.step.Known {
		return s
	}
	if !w.step.Before.Decided() && r.Desired < r.Scale.Spec && w.slept() {
		s.More = append(s.More, "seen for the first time, and not active: the window does not hold a step to the idle count")
	} else if !w.step.Before.Decided() {
		s.More = append(s.More, fmt.Sprintf("seen for the first time: %d is put into the window, so that it is not scaled down at once", r.Scale.Spec))
	}
	if last := w.step.Before.Last; last.Pending() {
		command := fmt.Sprintf("the change %d -> %d of %s", last.From, last.To, w.clock.short(last.Slot))
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
