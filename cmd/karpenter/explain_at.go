package main

import (
	"fmt"
	"io"
	"time"

	"github.com/karpenter-sim/karpenter/engine/explain"
	"github.com/karpenter-sim/karpenter/engine/journal"
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
	Steps []explain.Stage `json:"steps"`
	// Window are the recommendations and Events the scale events that the
	// decision saw, oldest first.
	Window []windowEntry `json:"window,omitempty"`
	Events []scaleEvent  `json:"events,omitempty"`
	// Outcomes tell what came of it; a simulation notes only what went wrong.
	Outcomes []outcome `json:"outcomes,omitempty"`
	Notes    []string  `json:"notes,omitempty"`

	title string
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

// An outcome tells what came of writing a decision to its target.
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
	d := explain.Of(step, clock.short)
	e := &explanation{
		Object: r.Object.String(), Slot: clock.rfc3339(r.Slot), File: file, Line: step.Line, Generation: r.Generation,
		Reason: string(r.Reason), Why: d.Why(), title: r.Object.String() + " at " + clock.full(r.Slot),
	}
	if r.Known {
		e.Desired = &r.Desired
	}
	if r.Missed > 0 {
		e.Notes = append(e.Notes, fmt.Sprintf("%s before this one went undecided; they count as the recommendation before them", counted(int(r.Missed), "slot")))
	}
	e.Steps = d.Stages()
	if !step.Known && r.Kind != journal.MetricsProducer {
		e.Notes = append(e.Notes, "the state before this decision is lost with a line of the journal; shown is what the record itself says")
	}
	for i, run := range d.Runs {
		last := run.Last
		if i == len(d.Runs)-1 {
			last = d.Previous
		}
		e.Window = append(e.Window, windowEntry{run.Value, clock.rfc3339(run.First), clock.rfc3339(last), run.First, last})
	}
	for _, event := range d.Events {
		e.Events = append(e.Events, scaleEvent{clock.rfc3339(event.Slot), event.Delta, event.Slot})
	}
	return e
}
