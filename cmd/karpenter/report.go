package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim/output"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// reportFlags narrow a report and choose its time zone.
type reportFlags struct {
	from, to, zone string
}

func (f *reportFlags) zoomed() bool { return f.from != "" || f.to != "" }

func (a *app) reportCommand() *cobra.Command {
	var flags reportFlags
	c := &cobra.Command{
		Use:   "report DIR",
		Short: "Render the reports of a run again, or zoom into it",
		Long: `Report renders the reports in the output directory of simulate or replay again:
of one run, or of a whole call. With --from and --to it writes a report on that
time beside the full one, which stays as it is, and prints its path.`,
		Example: `  karpenter report out
  karpenter report out/checkout --from "Fri 18:00" --to "Fri 19:00"`,
		Args: oneArg("the directory that simulate or replay wrote"),
		RunE: func(_ *cobra.Command, args []string) error { return a.report(filepath.Clean(args[0]), &flags) },
	}
	c.Flags().StringVar(&flags.from, "from", "", "zoom: from this time")
	c.Flags().StringVar(&flags.to, "to", "", "zoom: up to this time")
	c.Flags().StringVar(&flags.zone, "tz", "", "time zone to read and show times in (default: the run's)")
	return c
}

// callReport holds what report.json of a whole call says of its runs.
type callReport struct {
	Version string `json:"version"`
	Command string `json:"command"`
	Runs    []struct {
		Name string `json:"name"`
	} `json:"runs"`
	RuleTests []*reports.RuleTest `json:"ruleTests"`
}

func (a *app) report(dir string, flags *reportFlags) error {
	var location *time.Location
	if flags.zone != "" {
		var err error
		if location, err = parseZone(flags.zone); err != nil {
			return err
		}
	}
	if err := output.Amendable(dir); err != nil {
		return err
	}
	call, err := readCall(dir)
	if err != nil {
		return err
	}
	dirs := []string{dir}
	if call != nil {
		dirs = nil
		for _, r := range call.Runs {
			if !scenario.ValidName(r.Name) {
				return fmt.Errorf("%s: %q is no name of a scenario", filepath.Join(dir, reports.JSONFile), r.Name)
			}
			d := filepath.Join(dir, r.Name)
			if info, err := os.Lstat(d); err == nil && !info.IsDir() {
				return fmt.Errorf("%s: no directory", d) // nor a link that leads elsewhere
			}
			dirs = append(dirs, d)
		}
	}
	// All is read before anything is written.
	var runs []*reports.Run
	for _, d := range dirs {
		run, err := readRun(d)
		if errors.Is(err, fs.ErrNotExist) && !exists(filepath.Join(d, reports.JSONFile)) {
			return fmt.Errorf("%s: no %s in it", d, reports.JSONFile)
		}
		if err != nil {
			return err
		}
		if location != nil {
			run.Location = location
		}
		runs = append(runs, run)
	}
	if flags.zoomed() {
		return a.zoom(dir, dirs, runs, flags)
	}
	return a.render(dir, dirs, runs, call)
}

// readCall is the report of a whole call, nil where dir is that of one run.
func readCall(dir string) (*callReport, error) {
	path := filepath.Join(dir, reports.JSONFile)
	text, err := os.ReadFile(path)
	info, statErr := os.Stat(dir)
	switch {
	case statErr == nil && !info.IsDir():
		return nil, fmt.Errorf("%s: a file; want the directory that simulate or replay wrote, or that of one of its runs", dir)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no %s in it; want the directory that simulate or replay wrote, or that of one of its runs", dir, reports.JSONFile)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	var call callReport
	if err := json.Unmarshal(text, &call); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(call.Runs)+len(call.RuleTests) == 0 {
		return nil, nil
	}
	return &call, nil
}

// render writes the full reports again, in their places.
func (a *app) render(dir string, dirs []string, runs []*reports.Run, call *callReport) error {
	var all []*reports.Report
	for _, run := range runs {
		report, err := reports.Compute(run)
		if err != nil {
			return err
		}
		all = append(all, report)
	}
	out, err := openPages(dir)
	if err != nil {
		return err
	}
	defer out.Close()
	var pages []string
	for i, report := range all {
		if err := report.WriteDir(out.staged(dirs[i])); err != nil {
			return internal(err)
		}
		pages = append(pages, filepath.Join(dirs[i], "report.html"))
	}
	if call != nil {
		if err := reports.WriteCall(out.staged(dir), all, reports.Call{Command: call.Command, Version: call.Version, RuleTests: call.RuleTests}); err != nil {
			return internal(err)
		}
		pages = append(pages, filepath.Join(dir, "index.html"))
	}
	return a.publish(out, pages)
}

// pages are being written into what a run wrote, which may be part of what a call
// wrote.
type pages struct {
	*output.Dir
	owner string
}

// openPages refuses directories of which nothing tells that a run wrote them.
func openPages(dir string) (*pages, error) {
	owner, _, ok := output.Owner(dir)
	if !ok {
		return nil, fmt.Errorf("%s: no %s there or above says that karpenter wrote it, so nothing in it is replaced; run the scenario again with --out", dir, output.Marker)
	}
	out, err := output.Open(owner, output.Options{Kind: output.Reports, Amend: true})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", owner, err)
	}
	return &pages{out, owner}, nil
}

// staged is where a page of a directory is written first.
func (p *pages) staged(dir string) string {
	relative, err := filepath.Rel(absolute(p.owner), absolute(dir))
	if err != nil {
		relative = filepath.Base(dir)
	}
	return filepath.Join(p.Set(), relative)
}

// publish puts the pages in their places and prints their paths.
func (a *app) publish(out *pages, paths []string) error {
	if err := out.Commit(); err != nil {
		return internal(fmt.Errorf("%s: %w", out.owner, err))
	}
	for _, path := range paths {
		fmt.Fprintln(a.stdout, path)
	}
	return nil
}

// zoom writes a report on part of each run beside the full one. Runs that do
// not cover the time are passed over unless all are; a time that is ambiguous in
// one of them is an error.
func (a *app) zoom(dir string, dirs []string, runs []*reports.Run, flags *reportFlags) error {
	type page struct {
		dir, name string
		text      []byte
	}
	var zoomed []page
	var uncovered []error
	for i, run := range runs {
		narrow, err := flags.narrow(run)
		if errors.Is(err, errAmbiguous) {
			return err
		}
		if err != nil {
			uncovered = append(uncovered, err)
			continue
		}
		report, err := reports.Compute(narrow)
		if err != nil {
			return err
		}
		html, err := report.HTML()
		if err != nil {
			return internal(err)
		}
		base := "zoom-" + compact(narrow.Start) + "-" + compact(narrow.End)
		zoomed = append(zoomed, page{dirs[i], base + ".html", html}, page{dirs[i], base + ".md", []byte(report.Markdown())})
	}
	if len(runs) == 0 {
		return fmt.Errorf("%s: it has tests of rules only, and no run to zoom into", dir)
	}
	if len(zoomed) == 0 {
		return errors.Join(uncovered...)
	}
	for _, err := range uncovered {
		a.note("%v", err)
	}
	out, err := openPages(dir)
	if err != nil {
		return err
	}
	defer out.Close()
	var paths []string
	for _, p := range zoomed {
		staged := out.staged(p.dir)
		if err := errors.Join(os.MkdirAll(staged, 0o755), os.WriteFile(filepath.Join(staged, p.name), p.text, 0o644)); err != nil {
			return internal(err)
		}
		paths = append(paths, filepath.Join(p.dir, p.name))
	}
	return a.publish(out, paths)
}

// narrow is the run between the flags' times.
func (f *reportFlags) narrow(run *reports.Run) (*reports.Run, error) {
	from, to, err := f.bounds(run)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run.Name, err)
	}
	return reports.Zoom(run, from, to)
}

// bounds are the flags' times in a run, whole seconds.
func (f *reportFlags) bounds(run *reports.Run) (from, to int64, err error) {
	from, to = run.Start, run.End
	for _, bound := range []struct {
		flag, text string
		at         *int64
	}{{"--from", f.from, &from}, {"--to", f.to, &to}} {
		if bound.text == "" {
			continue
		}
		t, err := parseTime(bound.text, run.Location, time.Unix(run.Start, 0), time.Unix(run.End, 0))
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", bound.flag, err)
		}
		*bound.at = t.Unix()
	}
	if from >= to {
		return 0, 0, fmt.Errorf("--from %s is not before --to %s", stamp(time.Unix(from, 0), run.Location), stamp(time.Unix(to, 0), run.Location))
	}
	return from, to, nil
}

// compact is an instant for the name of a file, in UTC.
func compact(t int64) string { return time.Unix(t, 0).UTC().Format("20060102T150405Z") }
