package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// runFlags are those of every command that runs scenarios.
type runFlags struct {
	out         string
	format      string
	determinism bool
}

func (f *runFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.out, "out", "", "directory to write reports and journals to (required)")
	c.Flags().StringVarP(&f.format, "output", "o", "table", "what stdout shows: table, json or yaml")
	c.Flags().BoolVar(&f.determinism, "check-determinism", false, "run again under GOMAXPROCS=1, another time zone and shuffled documents; exit 3 at the first byte that differs")
}

func (f *runFlags) check() error {
	if !slices.Contains([]string{"table", "json", "yaml"}, f.format) {
		return fmt.Errorf("-o %s: want table, json or yaml", f.format)
	}
	return nil
}

func (a *app) simulateCommand() *cobra.Command {
	var flags runFlags
	var seed int64
	var pattern string
	var manifests []string
	var baseline, zone string
	var update bool
	c := &cobra.Command{
		Use:   "simulate SCENARIO.yaml|DIR ...",
		Short: "Run scenarios; their expectations decide the exit code",
		Example: `  karpenter simulate scenarios/ --out out
  karpenter simulate scenarios/queue-spike.yaml --check-determinism --out out`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			run, err := regexp.Compile(pattern)
			if err != nil {
				return fmt.Errorf("--run: %w", err)
			}
			options := scenario.Options{Run: run, Manifests: manifests, Stdin: a.stdin}
			files, err := scenario.LoadAll(paths, options)
			if err != nil {
				return err
			}
			for _, f := range files {
				if c.Flags().Changed("seed") {
					f.Spec.Seed = seed
				}
				if zone != "" {
					f.Metadata.Annotations = annotated(f.Metadata.Annotations, zoneAnnotation, zone)
				}
			}
			session := &session{app: a, flags: flags, update: update}
			if session.baseline, err = a.openBaseline(baseline); err != nil {
				return err
			}
			return session.run(c.Context(), files)
		},
	}
	flags.add(c)
	c.Flags().Int64Var(&seed, "seed", 0, "replaces the seed of every scenario")
	c.Flags().StringVar(&pattern, "run", "", "only scenarios whose name matches this regular expression")
	c.Flags().StringArrayVar(&manifests, "manifests", nil, "manifests that replace the scenarios' own (repeatable)")
	c.Flags().StringVar(&zone, "tz", "", "time zone of the reports (default: the scenario's, else UTC)")
	c.Flags().StringVar(&baseline, "baseline", "", "manifests of another version, or the --out directory of another call: shown beside this one as column baseline")
	c.Flags().BoolVar(&update, "update", false, "write the digests of the decisions into the scenario files")
	return c
}

// A session runs all scenarios of a call and writes their output.
type session struct {
	*app
	flags  runFlags
	update bool
	// baseline is another version to show beside this one; nil for none.
	baseline *baseline
	// command is the whole call's, if its scenarios do not name it.
	command    string
	conversion convert.Options
}

// run prepares every scenario before it runs any: an invalid one runs nothing.
func (s *session) run(ctx context.Context, files []*scenario.File) error {
	out, err := newOutput(s.flags.out)
	if err != nil {
		return err
	}
	defer out.discard()
	jobs, err := s.prepareAll(ctx, files)
	defer func() {
		for _, j := range jobs {
			j.input.Close()
		}
	}()
	if err != nil {
		return err
	}
	all, err := s.play(ctx, jobs, out.temporary)
	if err != nil {
		return err
	}
	if s.flags.determinism {
		if err := s.again(ctx, files, out.temporary); err != nil {
			return err
		}
	}
	if err := out.commit(); err != nil {
		return internal(fmt.Errorf("--out %s: %w", s.flags.out, err))
	}
	if s.update {
		if err := updateDigests(jobs, all); err != nil {
			return err
		}
	}
	return s.tell(jobs, all)
}

func (s *session) prepareAll(ctx context.Context, files []*scenario.File) ([]*job, error) {
	var jobs []*job
	var errs []error
	for _, f := range files {
		j, err := s.prepare(ctx, f, s.conversion, s.baseline)
		if j != nil && j.input != nil {
			j.update = s.update
			jobs = append(jobs, j)
			if len(files) > 1 { // one alone is refused when it begins
				err = j.check(ctx)
			}
		}
		errs = append(errs, err)
	}
	return jobs, manifestErrors(errs)
}

// manifestErrors joins errors with places into one sorted list, and leaves
// others as they are.
func manifestErrors(errs []error) error {
	var others []error
	for _, err := range errs {
		var placed manifest.Errors
		var one *manifest.Error
		if err != nil && !errors.As(err, &placed) && !errors.As(err, &one) {
			others = append(others, err)
		}
	}
	if len(others) > 0 {
		return errors.Join(others...)
	}
	return manifest.Join(errs...)
}

// play runs the jobs, as many at once as there are cores, and writes what is
// theirs and the call's into dir. The order of the output is that of the jobs.
func (s *session) play(ctx context.Context, jobs []*job, dir string) ([]*reports.Report, error) {
	bar := s.newProgress(jobs)
	defer bar.close()
	all := make([]*reports.Report, len(jobs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range jobs {
		group.Go(func() error {
			report, err := j.play(ctx, filepath.Join(dir, j.file.Metadata.Name), func(column string, now time.Time) { bar.told(j, column, now) })
			all[i] = report
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	call := reports.Call{Command: s.command, Version: version()}
	if call.Command == "" {
		call.Command = jobs[0].command
		if len(jobs) > 1 {
			call.Command = "karpenter simulate"
			for _, j := range jobs {
				call.Command += " " + quoteArgument(j.file.Path)
			}
		}
	}
	return all, reports.WriteCall(dir, all, call)
}

// tell prints the result and turns it into an exit code.
func (s *session) tell(jobs []*job, all []*reports.Report) error {
	options := reports.TableOptions{Format: reports.Format(s.flags.format)}
	if file, ok := s.stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		options.Color = os.Getenv("NO_COLOR") == ""
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			options.Width = width
		}
	}
	if err := reports.Table(s.stdout, all, options); err != nil {
		return internal(err)
	}
	for _, j := range jobs {
		for _, n := range slices.Concat(j.notes, j.input.Notes) {
			s.note("%s", n)
		}
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		if err := reports.Annotations(s.stderr, all); err != nil {
			return internal(err)
		}
	}
	page := filepath.Join(s.flags.out, "index.html")
	if len(all) == 1 {
		page = filepath.Join(s.flags.out, all[0].Run.Name, "report.html")
	}
	s.note("report: %s", page)
	failures := 0
	for i, r := range all {
		for _, f := range r.Failures() {
			failures++
			s.note("%s:%d: %s: %s", f.File, f.Line, f.Name, r.Failure(&f))
		}
		if !r.Passed() {
			s.note("repeat with: %s  (seed %d, version %s)", jobs[i].command, r.Run.Seed, version())
		}
	}
	if failures > 0 {
		return &statusError{exitFailed, errReported}
	}
	return nil
}

// again runs everything a second time under other circumstances and compares
// all files with the first run's.
func (s *session) again(ctx context.Context, files []*scenario.File, first string) error {
	second, err := os.MkdirTemp("", "karpenter-again-")
	if err != nil {
		return internal(err)
	}
	defer os.RemoveAll(second)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("elsewhere", 5*3600+45*60)
	shuffled := make([]*scenario.File, len(files))
	for i, f := range files {
		copied := *f
		copied.Manifests = reversed(f.Manifests)
		copied.Variants = make([]*manifest.Set, len(f.Variants))
		for k, v := range f.Variants {
			copied.Variants[k] = reversed(v)
		}
		shuffled[i] = &copied
	}
	jobs, err := s.prepareAll(ctx, shuffled)
	defer func() {
		for _, j := range jobs {
			j.input.Close()
		}
	}()
	if err != nil {
		return err
	}
	if _, err := s.play(ctx, jobs, second); err != nil {
		return err
	}
	return compareTrees(first, second)
}

// reversed is a set with its objects in the opposite order.
func reversed(set *manifest.Set) *manifest.Set {
	if set == nil {
		return nil
	}
	out := *set
	out.Autoscalers = slices.Clone(set.Autoscalers)
	slices.Reverse(out.Autoscalers)
	out.Producers = slices.Clone(set.Producers)
	slices.Reverse(out.Producers)
	out.NodeGroups = slices.Clone(set.NodeGroups)
	slices.Reverse(out.NodeGroups)
	return &out
}

// compareTrees returns an error with exit code 3 at the first difference.
func compareTrees(first, second string) error {
	return filepath.WalkDir(first, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(first, path)
		if err != nil {
			return err
		}
		a, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			return &statusError{exitNondeterminism, fmt.Errorf("%s: the second run did not write it", name)}
		}
		if bytes.Equal(a, b) {
			return nil
		}
		return &statusError{exitNondeterminism, firstDifference(name, a, b)}
	})
}

func firstDifference(name string, a, b []byte) error {
	first, second := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(first), len(second)) {
		if first[i] != second[i] {
			return fmt.Errorf("%s:%d differs from run to run\n  first:  %.300q\n  second: %.300q", name, i+1, first[i], second[i])
		}
	}
	return fmt.Errorf("%s differs from run to run in its length: %d and %d bytes", name, len(a), len(b))
}
