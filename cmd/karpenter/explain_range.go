package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/karpenter-sim/karpenter/engine/autoscaler"
	"github.com/karpenter-sim/karpenter/engine/explain"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/slot"
)

// A decisionRun is a stretch of equal decisions, both slots included.
type decisionRun struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Slots   int    `json:"slots"`
	Before  *int32 `json:"before,omitempty"`
	Desired *int32 `json:"desired,omitempty"`
	Reason  string `json:"reason"`
	Why     string `json:"why"`

	from, to slot.Slot
	key      runKey
}

// A runKey holds what the decisions of a run have in common.
type runKey struct {
	known   bool
	desired int32
	reason  autoscaler.Reason
	// result is the value that a producer yields.
	result string
}

// explainRange lists runs of equal decisions, or the changes of the count
// where no times are given.
func (a *app) explainRange(object *indexedObject, clock wallClock, flags *explainFlags) error {
	from, to := object.first, clock.end
	var err error
	if flags.from != "" {
		if from, err = clock.parse("--from", flags.from); err != nil {
			return err
		}
	}
	if flags.to != "" {
		if to, err = clock.parse("--to", flags.to); err != nil {
			return err
		}
	}
	if from > to {
		return fmt.Errorf("--from %s is after --to %s", clock.full(from), clock.full(to))
	}
	ranged := flags.from != "" || flags.to != ""
	runs, err := decisionRuns(object, clock, from, to, !ranged)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return fmt.Errorf("no decisions between %s and %s; the journals have decisions from %s to %s", clock.full(from), clock.full(to), clock.full(object.first), clock.full(object.last))
	}
	if flags.format != tableFormat {
		return a.encode(flags.format, struct {
			Object string         `json:"object"`
			Runs   []*decisionRun `json:"runs"`
		}{object.String(), runs})
	}
	clock.first, clock.last = runs[0].from, runs[len(runs)-1].to
	if _, err := fmt.Fprint(a.stdout, rangeText(object, clock, runs, !ranged)); err != nil {
		return err
	}
	layout := "2006-01-02 15:04:05"
	a.note("one decision step by step:  --at %q", clock.at(runs[len(runs)-1].from).Format(layout))
	if !ranged {
		a.note("all decisions of a time:    --from %q --to %q", clock.at(object.first).Format(layout), clock.at(object.last).Format(layout))
	}
	return nil
}

// decisionRuns collects the runs of [from, to]. With changes only, decisions
// are equal that leave the same count.
func decisionRuns(object *indexedObject, clock wallClock, from, to slot.Slot, changes bool) ([]*decisionRun, error) {
	var runs []*decisionRun
	err := object.walk(func(_ *journalFile, step *journal.Step) error {
		r := step.Record
		if r.Slot < from || r.Slot > to {
			return nil
		}
		key := runKey{known: r.Known, desired: r.Desired, reason: r.Reason, result: explain.Fields(r.Value)}
		if r.Command != nil {
			key.known, key.desired = true, *r.Command
		}
		if changes {
			key.reason = ""
		}
		if n := len(runs); n > 0 && runs[n-1].key == key {
			runs[n-1].to, runs[n-1].To = r.Slot, clock.rfc3339(r.Slot)
			runs[n-1].Slots++
			return nil
		}
		run := &decisionRun{
			From: clock.rfc3339(r.Slot), To: clock.rfc3339(r.Slot), Slots: 1, Reason: string(r.Reason), Why: explain.Of(step, clock.short).Why(),
			from: r.Slot, to: r.Slot, key: key,
		}
		if key.known {
			desired := key.desired
			run.Desired = &desired
		}
		if r.Known {
			before := r.Scale.Spec
			run.Before = &before
		}
		runs = append(runs, run)
		return nil
	})
	return runs, err
}

// rangeText is the table of runs, wrapped to the width of a terminal.
func rangeText(object *indexedObject, clock wallClock, runs []*decisionRun, changes bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s to %s\n\n", object, clock.full(runs[0].from), clock.full(runs[len(runs)-1].to))
	rows := [][]string{{"FROM", "TO", "DESIRED", "REASON"}}
	if changes {
		rows[0] = []string{"AT", "UNTIL", "DESIRED", "REASON"}
	}
	for _, run := range runs {
		desired := "-"
		if run.Desired != nil {
			desired = fmt.Sprint(*run.Desired)
			if run.Before != nil && *run.Before != *run.Desired {
				desired = fmt.Sprintf("%d -> %d", *run.Before, *run.Desired)
			}
		}
		rows = append(rows, []string{clock.short(run.from), clock.short(run.to), desired, run.Reason})
	}
	widths := columnWidths(rows)
	for i, row := range rows {
		line := ""
		for k, cell := range row {
			line += fmt.Sprintf("%-*s  ", widths[k], cell)
		}
		why := "WHY"
		if i > 0 {
			why = runs[i-1].Why
		}
		indent := strings.Repeat(" ", utf8.RuneCountInString(line))
		text := strings.TrimPrefix(wrapped(why, indent, textWidth), indent)
		b.WriteString(strings.TrimRight(line+strings.TrimSuffix(text, "\n"), " ") + "\n")
	}
	return b.String()
}

func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k, cell := range row {
			widths[k] = max(widths[k], utf8.RuneCountInString(cell))
		}
	}
	return widths
}
