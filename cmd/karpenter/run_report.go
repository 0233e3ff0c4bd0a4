package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// report puts what came of the columns side by side.
func (j *job) report(dir string, results []*sim.Result) (*reports.Run, error) {
	file, current := j.file, results[0]
	start, end := covers(file)
	run := &reports.Run{
		Name: file.Metadata.Name, Description: file.Spec.Description,
		Version: version(), Command: j.command, Seed: file.Spec.Seed,
		Start: start, End: end,
		Location: j.location, Badge: current.Badge,
		Notes:       slices.Concat(j.notes, j.input.Notes),
		Assumptions: j.assumptions(current),
	}
	if recorded := recordedColumn(current); recorded != nil {
		run.Columns = append(run.Columns, *recorded)
	}
	run.Fidelity = fidelityOf(current)
	for _, played := range results {
		for _, d := range played.Doubts {
			if !slices.Contains(run.Doubts, d) {
				run.Doubts = append(run.Doubts, d)
			}
		}
	}
	for i, c := range j.columns {
		file := filepath.ToSlash(filepath.Join(columnDir(c.name), decisionsFile))
		out := reports.Column{
			Name: c.name, Digest: results[i].Digest, File: file,
			Journal: reports.JournalFile(filepath.Join(dir, filepath.FromSlash(file))),
		}
		owned := map[cycle.TargetRef]bool{}
		for _, o := range ownersFirst(results[i].Objects) {
			if owned[o.Target] {
				// What it needs and has is counted once.
				o.Needed, o.Ready, o.Spec, o.Paid, o.Pending, o.Saturated = result.Steps{}, result.Steps{}, result.Steps{}, result.Steps{}, result.Steps{}, result.Steps{}
			}
			if !owned[o.Target] {
				o.Needed = needed(current, &o)
			}
			owned[o.Target] = true
			o.BootDelay = j.bootDelay(current, &o)
			out.Objects = append(out.Objects, o.Object)
		}
		run.Columns = append(run.Columns, out)
	}
	run.Faults = slices.Clone(current.Faults)
	if j.earlier != nil {
		// Its journal lies elsewhere and may go away: the report keeps its figures.
		if err := reports.SetBaseline(run, j.earlier, ""); err != nil {
			return nil, err
		}
	}
	return run, reports.AddReferences(run)
}

// ownersFirst has those in front that act on their targets.
func ownersFirst(objects []sim.Object) []sim.Object {
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b sim.Object) int {
		switch {
		case a.Policy.DryRun == b.Policy.DryRun:
			return 0
		case b.Policy.DryRun:
			return -1
		}
		return 1
	})
	return sorted
}

// bootDelay is how long replicas of an object's target take to start, in
// seconds: as the scenario declares, else as the current policy saw it.
func (j *job) bootDelay(current *sim.Result, o *sim.Object) int64 {
	spec := &j.file.Spec
	same := func(t scenario.Target) bool {
		ref := t.Reference()
		return ref.Kind == o.Target.Kind && ref.Namespace == o.Target.Namespace && ref.Name == o.Target.Name
	}
	for _, t := range spec.Targets {
		if t.ReadyAfter != nil && t.ReadyAfter.Fixed > 0 && same(t) {
			return seconds(time.Duration(t.ReadyAfter.Fixed))
		}
	}
	for _, w := range spec.Workloads {
		if delay := w.Startup.Middle(); delay > 0 && same(w.Target()) {
			return seconds(delay)
		}
	}
	for i := range current.Objects {
		if c := &current.Objects[i]; c.Journal == o.Journal {
			return reports.MeasureBootDelay(c.Spec, c.Ready)
		}
	}
	return 0
}

// seconds is a delay in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// needed is the demand on an object, which is the same for every variant: where
// it reads what the run makes, that of the run of the current policy.
func needed(current *sim.Result, o *sim.Object) result.Steps {
	for i := range current.Objects {
		if current.Objects[i].Journal == o.Journal {
			return current.Objects[i].Needed
		}
	}
	return o.Needed
}

// recordedColumn is what really ran, nil where no recording says.
func recordedColumn(current *sim.Result) *reports.Column {
	column := &reports.Column{Name: reports.Recorded}
	owned := map[cycle.TargetRef]bool{}
	for _, o := range ownersFirst(current.Objects) {
		if len(o.Recorded.Spec.T) == 0 || owned[o.Target] {
			continue
		}
		owned[o.Target] = true
		column.Objects = append(column.Objects, result.Object{
			Journal: o.Journal, Target: o.Target,
			Needed: o.Needed, Yardsticks: o.Yardsticks, Saturated: o.Saturated, Ready: o.Recorded.Ready, Spec: o.Recorded.Spec,
			Price: o.Price, Billing: o.Billing,
		})
	}
	if len(column.Objects) == 0 {
		return nil
	}
	return column
}

// assumptions are what the figures rest on and nobody said.
func (j *job) assumptions(current *sim.Result) []string {
	out := slices.Clone(current.Notes)
	if len(j.file.Spec.Recordings) > 0 {
		out = append(out, "lookback "+scenario.Duration(j.input.Lookback).String())
	}
	for _, y := range j.file.Spec.Yardstick {
		out = append(out, yardstickPhrase(y))
	}
	if current.Badge == result.OpenLoop {
		out = append(out, "metrics that depend on the replicas are replayed as recorded")
	}
	return out
}

// yardstickPhrase says what is needed, in a line.
func yardstickPhrase(y scenario.Yardstick) string {
	of := ""
	if ref, err := scenario.ParseReference(y.Target); err == nil {
		of = " of " + ref.Name
	}
	unit := "the target of one replica"
	if y.Kind == result.Capacity {
		unit = "the capacity of one replica"
	}
	return fmt.Sprintf("replicas%s needed: %s over %v, %s", of, y.Expr, y.PerReplica, unit)
}

// judge adds the verdicts on the expectations to the run.
func (j *job) judge(run *reports.Run, report *reports.Report, current *sim.Result) error {
	verdicts := make([]reports.Expectation, len(j.file.Spec.Expect))
	for _, o := range current.Outcomes {
		verdicts[o.Index] = reports.Expectation{
			Kind: string(o.Form), Expr: o.Expr, Passed: o.Passed, Message: o.Message, At: o.At / 1000, Excerpts: o.Excerpts,
		}
	}
	for i, e := range j.file.Spec.Expect {
		v := &verdicts[i]
		switch e.Form() {
		case scenario.ReportForm:
			passed, detail, err := report.Evaluate(e.Report)
			if err != nil {
				passed, detail = false, err.Error()
			}
			*v = reports.Expectation{Expr: e.Report, Passed: passed}
			if !passed {
				v.Message = detail
			}
		case scenario.DecisionsForm:
			*v = reports.Expectation{Expr: e.Decisions.Digest, Passed: e.Decisions.Digest == current.Digest}
			if j.update {
				*v = reports.Expectation{Expr: current.Digest, Passed: true}
			}
			if !v.Passed {
				v.Message = fmt.Sprintf("%sthe decisions have digest %s; if the change is meant, run again with --update", firstChange(j.file.Path, j.decisions), current.Digest)
			}
		}
		v.Name, v.Kind = e.Name, string(e.Form())
		place := j.file.Doc.Locate(fmt.Sprintf("spec.expect[%d]", i))
		v.File, v.Line = place.File, place.Line
	}
	run.Expectations = verdicts
	return nil
}
