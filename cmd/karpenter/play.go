package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// play runs all columns of a job into dir and computes its report.
func (j *job) play(ctx context.Context, dir string, progress func(column string, now time.Time)) (*reports.Report, error) {
	var results []*sim.Result
	for i, c := range j.columns {
		result, err := j.playColumn(ctx, c, i == 0, filepath.Join(dir, columnDir(c.name)), progress)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	run, err := j.report(dir, results)
	if err != nil {
		return nil, err
	}
	if run.Fidelity != nil {
		if run.Fidelity.StartUp, err = j.fitStartUp(ctx, results[0]); err != nil {
			return nil, err
		}
	}
	report, err := reports.Compute(run)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(j.file.Spec.Expect, func(e scenario.Expectation) bool { return e.Form() == scenario.DecisionsForm }) {
		if j.decisions, err = goldenDecisions(filepath.Join(dir, decisionsFile)); err != nil {
			return nil, err
		}
	}
	if err := j.judge(run, report, results[0]); err != nil {
		return nil, err
	}
	return report, j.write(dir, report)
}

func columnDir(name string) string {
	if name == reports.Current {
		return ""
	}
	return filepath.Join("variants", name)
}

// Names of the files of a run besides the report's own.
const (
	decisionsFile = "decisions.jsonl"
	seriesFile    = "series.om.gz"
	scenarioFile  = "scenario.yaml"
)

// playColumn plays a column into its directory; the current policy is compared
// with what was recorded.
func (j *job) playColumn(ctx context.Context, c column, current bool, dir string, progress func(string, time.Time)) (result *sim.Result, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	decisions, err := os.Create(filepath.Join(dir, decisionsFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, decisions.Close()) }()
	series, err := os.Create(filepath.Join(dir, seriesFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, series.Close()) }()
	compressed := gzip.NewWriter(series)
	out := bufio.NewWriterSize(decisions, 1<<18)
	result, err = j.input.Play(ctx, c.autoscalers, sim.Options{
		Manifests: c.manifests, Journal: out, Series: compressed, Fidelity: current,
		Progress: func(now time.Time) { progress(c.name, now) },
	})
	if err != nil {
		return nil, inColumn(c.name, err)
	}
	return result, errors.Join(out.Flush(), compressed.Close())
}

// write writes the run's report and the scenario that repeats it.
func (j *job) write(dir string, report *reports.Report) error {
	text, err := j.scenarioText(absolute)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, scenarioFile), text, 0o644); err != nil {
		return err
	}
	return report.WriteDir(dir)
}
