package runs

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Options holds what the jobs of a call depend on besides their scenarios.
type Options struct {
	// Version is the program's, for reports.
	Version string
	// Queries of metrics come besides a scenario's own.
	Queries map[string]string
	// Baseline is another version to show beside this one, nil for none.
	Baseline *Baseline
	// Long plays jobs however long they take.
	Long bool
	// WhatIf says whether what fixes would gain is found out; empty is WhatIfAuto.
	WhatIf WhatIf
	// Journal says how decisions are written; empty is sim.JournalAuto.
	Journal sim.JournalForm
	// Update takes the digests of the decisions as they are, since they are about to
	// be written into the scenario.
	Update bool
	// Arguments are the flags with which simulate repeats one scenario, each behind a
	// blank.
	Arguments string
}

// A Job is one scenario that is fit to run, with what a call adds to it. Close it.
type Job struct {
	*sim.Simulation
	// Decisions are the lines that the golden digest covers, of a scenario that has one, once
	// it was played.
	Decisions []string

	options *Options
	// earlier is the run of another call that is the baseline, nil for none.
	earlier *reports.Run
}

// Prepare makes a job of a scenario, or says everything that is wrong with it.
func Prepare(ctx context.Context, file *scenario.File, o Options) (*Job, error) {
	return prepare(ctx, file, &o)
}

func prepare(ctx context.Context, file *scenario.File, o *Options) (*Job, error) {
	j := &Job{options: o}
	var missing string // why there is no baseline
	options := sim.CheckOptions{Queries: o.Queries, Report: reports.CheckExpression, Long: o.Long}
	if o.Baseline != nil {
		options.Baseline = func(file *scenario.File, conversion convert.Options) (set *manifest.Set, err error) {
			set, j.earlier, missing, err = o.Baseline.of(file, conversion)
			return set, err
		}
	}
	var err error
	if j.Simulation, err = sim.Check(ctx, file, options); err != nil {
		return nil, err
	}
	j.Command = commandOf(file, o.Arguments)
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

// CheckLength refuses jobs that take more than about an hour together.
func CheckLength(jobs ...*Job) error {
	simulations := make([]*sim.Simulation, len(jobs))
	for i, j := range jobs {
		simulations[i] = j.Simulation
	}
	return sim.CheckLength(simulations...)
}

// PlayInto plays all columns of a job into dir and writes its report there. The
// progress of a column is told if progress is not nil.
func (j *Job) PlayInto(ctx context.Context, dir string, progress func(column string, now time.Time)) (*reports.Report, error) {
	run, err := j.Play(ctx, sim.PlayOptions{Dir: dir, Journal: j.options.Journal, Progress: progress})
	if err != nil {
		return nil, err
	}
	run.Version = j.options.Version
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
	if err := j.AddFixes(ctx, report); err != nil {
		return nil, err
	}
	return report, report.WriteDir(dir)
}

// judgeDecisions says of an expectation on the decisions where they first differ
// from those of the summary beside the scenario, or takes them as they are.
func (j *Job) judgeDecisions(run *reports.Run) error {
	for i := range run.Expectations {
		e := &run.Expectations[i]
		if scenario.Form(e.Kind) != scenario.DecisionsForm {
			continue
		}
		var err error
		if j.Decisions, err = goldenDecisions(run.Column(result.Current).Journal); err != nil {
			return err
		}
		if j.options.Update {
			e.Expr, e.Passed, e.Message = run.Column(result.Current).Digest, true, ""
		}
		if !e.Passed {
			e.Message = firstChange(j.File.Path, j.Decisions) + e.Message
		}
	}
	return nil
}

// commandOf repeats a scenario: the command that it was written by, else the
// simulation of its file, with these arguments.
func commandOf(file *scenario.File, arguments string) string {
	if command := file.Metadata.Annotations[scenario.CommandAnnotation]; command != "" && arguments == "" {
		return command
	}
	return "karpenter simulate " + escape.Argument(file.Path) + arguments + " --out out"
}
