package runs

import (
	"context"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/ruletest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A Session prepares and plays all scenarios of a call.
type Session struct {
	Options
	// RuleTests are unit tests of rules that run beside the scenarios.
	RuleTests []*ruletest.File
	// Command repeats the whole call, if it is not that of its only scenario.
	Command string
	// Progress, if set, is told the simulated time of a column now and then, by
	// several goroutines at once.
	Progress func(j *Job, column string, now time.Time)
}

// An Outcome has the reports of a call and its exit code.
type Outcome struct {
	// Reports has the reports of the jobs, in their order.
	Reports   []*reports.Report
	RuleTests []*reports.RuleTest
}

// Prepare makes a job of every scenario, or says everything that is wrong with them:
// one that is invalid has none run. Close the jobs, which are returned beside an error,
// too.
func (s *Session) Prepare(ctx context.Context, files []*scenario.File) ([]*Job, error) {
	var jobs []*Job
	var errs []error
	for _, f := range files {
		j, err := prepare(ctx, f, &s.Options)
		if j != nil {
			jobs = append(jobs, j)
			if !s.Long {
				if err := CheckLength(jobs...); err != nil {
					return jobs, manifest.JoinAll(append(errs, err)...)
				}
			}
			if len(files) > 1 { // one alone is refused when it begins
				err = j.CheckStart(ctx)
			}
			if err == nil {
				err = j.checkWhatIf(ctx)
			}
		}
		errs = append(errs, err)
	}
	return jobs, manifest.JoinAll(errs...)
}

// Play plays the jobs, as many at once as there are cores, and writes what is theirs
// and the call's into dir. The order of the output is that of the jobs.
func (s *Session) Play(ctx context.Context, jobs []*Job, dir string) (*Outcome, error) {
	out := &Outcome{Reports: make([]*reports.Report, len(jobs))}
	group, playing := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		group.Go(func() (err error) {
			var progress func(string, time.Time)
			if s.Progress != nil {
				progress = func(column string, now time.Time) { s.Progress(j, column, now) }
			}
			out.Reports[i], err = j.PlayInto(playing, filepath.Join(dir, j.File.Metadata.Name), progress)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var err error
	if out.RuleTests, err = runRuleTests(ctx, s.RuleTests); err != nil {
		return nil, err
	}
	call := reports.Call{Command: s.Command, Version: s.Version, RuleTests: out.RuleTests}
	if call.Command == "" {
		call.Command = jobs[0].Command
	}
	return out, reports.WriteCall(dir, out.Reports, call)
}
