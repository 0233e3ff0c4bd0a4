package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A job is one scenario that is fit to run, with what the command line adds to it.
type job struct {
	*sim.Simulation
	// update takes the digests of the decisions as they are, since they are
	// about to be written into the scenario.
	update bool
	// decisions are what the golden digest covers, of a scenario that has one, once
	// it was played.
	decisions []string
	// whatIf says whether what fixes would gain is found out.
	whatIf whatIf
	// journal says how decisions are written.
	journal sim.JournalForm
	// earlier is the run of another call that is the baseline, nil for none.
	earlier *reports.Run
}

// prepareOptions are what a job depends on besides its scenario.
type prepareOptions struct {
	// queries of metrics come besides the scenario's own.
	queries map[string]string
	// baseline is another version to show beside this one, nil for none.
	baseline *baseline
	// long says that the run is played however long it takes.
	long bool
}

// prepare makes a job of a scenario, or says everything that is wrong with it.
func (a *app) prepare(ctx context.Context, file *scenario.File, o prepareOptions) (*job, error) {
	j := &job{}
	var missing string // why there is no baseline
	options := sim.CheckOptions{Queries: o.queries, Report: reports.CheckExpression, Long: o.long}
	if base := o.baseline; base != nil {
		options.Baseline = func(file *scenario.File, conversion convert.Options) (set *manifest.Set, err error) {
			set, j.earlier, missing, err = base.of(file, conversion)
			return set, err
		}
	}
	var err error
	if j.Simulation, err = sim.Check(ctx, file, options); err != nil {
		return nil, err
	}
	j.Command = commandOf(file, "")
	if missing != "" {
		j.Notes = slices.Insert(j.Notes, len(file.Metadata.Notes()), missing)
	}
	if j.earlier != nil {
		if err := errors.Join(j.Input.Pin(j.Columns[0].Autoscalers), j.sameYardstick(j.earlier)); err != nil {
			return nil, errors.Join(err, j.Close())
		}
	}
	return j, nil
}

// checkLength refuses jobs that take more than about an hour together.
func checkLength(jobs ...*job) error {
	simulations := make([]*sim.Simulation, len(jobs))
	for i, j := range jobs {
		simulations[i] = j.Simulation
	}
	return sim.CheckLength(simulations...)
}

// play runs all columns of a job into dir and writes its report there.
func (j *job) play(ctx context.Context, dir string, progress func(column string, now time.Time)) (*reports.Report, error) {
	run, err := j.Play(ctx, sim.PlayOptions{Dir: dir, Journal: j.journal, Progress: progress})
	if err != nil {
		return nil, err
	}
	run.Version = version()
	if j.earlier != nil {
		// Its journal lies elsewhere and may go away: the report keeps its figures.
		if err := reports.SetBaseline(run, j.earlier, ""); err != nil {
			return nil, err
		}
	}
	if err := reports.AddReferences(run); err != nil {
		return nil, err
	}
	if err := j.judgeDecisions(run); err != nil {
		return nil, err
	}
	report, err := reports.Compute(run)
	if err != nil {
		return nil, err
	}
	if err := j.addFixes(ctx, report); err != nil {
		return nil, err
	}
	return report, report.WriteDir(dir)
}

// currentJournal yields the decisions of the current policy.
func currentJournal(run *reports.Run) func(func(*journal.Line) error) error {
	i := slices.IndexFunc(run.Columns, func(c reports.Column) bool { return c.Name == reports.Current })
	return run.Columns[i].Journal
}

// judgeDecisions says of an expectation on the decisions where they first differ
// from those of the summary beside the scenario, or takes them as they are.
func (j *job) judgeDecisions(run *reports.Run) error {
	for i := range run.Expectations {
		e := &run.Expectations[i]
		if scenario.Form(e.Kind) != scenario.DecisionsForm {
			continue
		}
		var err error
		if j.decisions, err = goldenDecisions(currentJournal(run)); err != nil {
			return err
		}
		if j.update {
			e.Expr, e.Passed, e.Message = digestOf(run), true, ""
		}
		if !e.Passed {
			e.Message = firstChange(j.File.Path, j.decisions) + e.Message
		}
	}
	return nil
}

// digestOf returns the golden digest of the current policy's decisions.
func digestOf(run *reports.Run) string {
	for i := range run.Columns {
		if c := &run.Columns[i]; c.Name == reports.Current {
			return c.Digest
		}
	}
	return ""
}

// commandOf repeats a scenario: the command that it was written by, else the
// simulation of its file, with these arguments.
func commandOf(file *scenario.File, arguments string) string {
	if command := file.Metadata.Annotations[scenario.CommandAnnotation]; command != "" && arguments == "" {
		return command
	}
	return "karpenter simulate " + quoteArgument(file.Path) + arguments + " --out out"
}
