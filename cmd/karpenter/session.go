package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/karpenter-sim/karpenter/cmd/karpenter/runs"
	"github.com/karpenter-sim/karpenter/engine/escape"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// runFlags has the flags of every command that runs scenarios.
type runFlags struct {
	out         string
	format      string
	determinism bool
	yes         bool
	whatIf      runs.WhatIf
	journal     sim.JournalForm
}

func (f *runFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "", "directory to write reports and journals to (required)")
	addFormat(c, &f.format)
	f.whatIf = runs.WhatIfAuto
	c.Flags().Var(&f.whatIf, "what-if", "play each run again without the limits that it ran into, one by one and together, and say what that gains: auto where it is a few seconds' work, on or off")
	f.journal = sim.JournalAuto
	c.Flags().Var(&journalFlag{&f.journal}, "journal", "how decisions are written: full, gzip, none, which leaves nothing to verify and to explain, or auto, which is gzip for runs of many decisions and full for all others")
	c.Flags().BoolVar(&f.yes, "yes", false, "run however long it takes")
	c.Flags().BoolVar(&f.determinism, "check-determinism", false, "run again under GOMAXPROCS=1, another time zone and shuffled documents; exit 3 at the first byte that differs")
}

// A journalFlag is --journal.
type journalFlag struct{ form *sim.JournalForm }

// Set implements pflag.Value.
func (f *journalFlag) Set(text string) error {
	form := sim.JournalForm(text)
	if !slices.Contains([]sim.JournalForm{sim.JournalAuto, sim.JournalFull, sim.JournalGzip, sim.JournalNone}, form) {
		return errors.New("want auto, full, gzip or none")
	}
	*f.form = form
	return nil
}

// String implements pflag.Value.
func (f *journalFlag) String() string { return string(*f.form) }

// Type implements pflag.Value.
func (f *journalFlag) Type() string { return "auto|full|gzip|none" }

// A session runs all scenarios of a call and writes their output.
type session struct {
	*app
	runs.Session
	flags runFlags
	// brief ends with the sentence and the path instead of the table.
	brief bool
	// inputs lists the files that the call reads besides those that its scenarios refer to.
	inputs []output.Input
}

// newSession returns a session with what the flags say.
func (a *app) newSession(f runFlags, inputs []output.Input) *session {
	s := &session{app: a, flags: f, inputs: inputs}
	s.Options = runs.Options{Version: version(), Long: f.yes, WhatIf: f.whatIf, Journal: f.journal}
	return s
}

// run prepares every scenario before it runs any: an invalid one runs nothing.
func (s *session) run(ctx context.Context, files []*scenario.File) error {
	if err := excludeInputs(s.flags.out, slices.Concat(s.inputs, inputsOf(files))); err != nil {
		return err
	}
	for _, f := range files {
		if err := checkRunName(f.Metadata.Name); err != nil {
			return err
		}
	}
	out, err := openOutput(s.flags.out, output.Options{Kind: output.Reports})
	if err != nil {
		return err
	}
	defer out.Close()
	jobs, err := s.Prepare(ctx, files)
	defer func() {
		for _, j := range jobs {
			j.Close()
		}
	}()
	if err != nil {
		return err
	}
	for _, j := range jobs {
		s.leaveOut(j.LeftOut)
		s.conversions = append(s.conversions, j.Conversions...)
	}
	outcome, err := s.play(ctx, jobs, out.Set())
	if err != nil {
		return err
	}
	if s.flags.determinism {
		if err := s.Again(ctx, files, out.Set()); err != nil {
			return err
		}
	}
	if err := commit(out, s.flags.out); err != nil {
		return err
	}
	if s.Update {
		if err := runs.Update(jobs, outcome.Reports); err != nil {
			return err
		}
	}
	return s.tell(jobs, outcome)
}

// play plays the jobs with a progress bar.
func (s *session) play(ctx context.Context, jobs []*runs.Job, dir string) (*runs.Outcome, error) {
	bar := s.newProgress(jobs)
	defer bar.close()
	s.Progress = bar.told
	defer func() { s.Progress = nil }()
	return s.Play(ctx, jobs, dir)
}

// tell prints the result and turns it into an exit code.
func (s *session) tell(jobs []*runs.Job, outcome *runs.Outcome) error {
	all, tests := outcome.Reports, outcome.RuleTests
	options := reports.TableOptions{Format: reports.Format(s.flags.format), RuleTests: tests}
	out := s.stdout
	if file, ok := terminalOf(s.stdout); ok {
		out = file // colours are for it
		options.Color = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			options.Width = width
		}
	}
	if !s.brief {
		if err := reports.Table(out, all, options); err != nil {
			return internal(err)
		}
	}
	for _, j := range jobs {
		for _, n := range slices.Concat(j.Notes, j.Input.Notes) {
			s.note("%s", n)
		}
	}
	s.noteAge(time.Now(), guarding(jobs)...)
	s.tellLosses()
	for _, r := range all {
		for _, annotation := range r.Annotations() {
			s.annotate(annotation)
		}
	}
	page := filepath.Join(s.flags.out, "index.html")
	if len(all) == 1 && len(tests) == 0 {
		page = filepath.Join(s.flags.out, all[0].Run.Name, "report.html")
	}
	failures := 0
	for i, t := range tests {
		for _, n := range s.RuleTests[i].Notes {
			s.note("%s", n)
		}
		for _, annotation := range t.Annotations() {
			failures++
			s.annotate(annotation)
		}
	}
	if !s.brief {
		s.note("report: %s", page)
	} else if _, err := fmt.Fprintf(s.stdout, "%s\n%s\n", escape.Inline(all[0].Headline), escape.Inline(page)); err != nil {
		return internal(err)
	}
	for i, r := range all {
		for _, f := range r.Failures() {
			failures++
			s.note("%s:%d: %s: %s", f.File, f.Line, f.Name, r.Failure(&f))
		}
		if !r.Passed() {
			s.note("repeat with: %s  (seed %d, version %s)", jobs[i].Command, r.Run.Seed, version())
		}
	}
	if failures > 0 {
		return &statusError{exitFailed, errReported}
	}
	return nil
}
