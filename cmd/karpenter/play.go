package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/karpenter-sim/karpenter/engine/convert"
	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/reports"
	"github.com/karpenter-sim/karpenter/sim"
	"github.com/karpenter-sim/karpenter/sim/check"
	"github.com/karpenter-sim/karpenter/sim/manifest"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// A job is one scenario that is fit to run: everything that can be found out
// beforehand has been.
type job struct {
	file  *scenario.File
	input *sim.Input
	// columns are the current policy and the variants, in the order of the file.
	columns []column
	// command repeats the run; notes and location go into its report.
	command  string
	notes    []string
	location *time.Location
	// update takes the digests of the decisions as they are, since they are
	// about to be written into the scenario.
	update bool
	// decisions are what the golden digest covers, of a scenario that has one, once
	// it was played.
	decisions []string
	// earlier is the run of another call that is the baseline, nil for none.
	earlier *reports.Run
}

type column struct {
	name        string
	autoscalers []sim.Autoscaler
	// manifests has its node groups and producers.
	manifests *manifest.Set
}

// prepare makes a job of a scenario, or says everything that is wrong with it.
// The queries of metrics come besides the scenario's own.
func (a *app) prepare(ctx context.Context, file *scenario.File, metrics map[string]string, base *baseline) (*job, error) {
	j := &job{file: file, location: time.UTC}
	conversion := convert.Options{Queries: maps.Clone(file.Spec.Metrics)}
	if conversion.Queries == nil {
		conversion.Queries = map[string]string{}
	}
	maps.Copy(conversion.Queries, metrics)
	var errs, current []error
	adopt := func(set *manifest.Set) error {
		notes, err := sim.Adopt(set, conversion)
		file.Metadata.Annotations = withNotes(file.Metadata.Annotations, notes)
		return err
	}
	add := func(name string, set *manifest.Set) {
		err := adopt(set)
		autoscalers, resolveErr := sim.Resolve(set)
		errs = append(errs, inColumn(name, err), inColumn(name, resolveErr, current...), inColumn(name, checkNodes(set), current...))
		j.columns = append(j.columns, column{name, autoscalers, set})
	}
	add(reports.Current, file.Manifests)
	current = errs
	if len(j.columns[0].autoscalers) == 0 && manifest.Join(errs...) == nil {
		errs = append(errs, file.Doc.Errorf("spec", "no HorizontalAutoscaler to run: add one to the file or to spec.manifests"))
	}
	for i, v := range file.Spec.Variants {
		if own := file.Variants[i]; own != nil {
			errs = append(errs, inColumn(v.Name, adopt(own)))
			add(v.Name, file.Manifests.Override(own))
			continue
		}
		set, err := file.Manifests.Assign(v.Set)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		add(v.Name, set)
	}
	var nothing string
	if base != nil {
		set, earlier, note, err := base.of(file, conversion)
		errs = append(errs, err)
		j.earlier, nothing = earlier, note
		if set != nil {
			add(reports.Baseline, set)
		}
	}
	names := make([]string, len(j.columns))
	for i := range j.columns {
		names[i] = j.columns[i].name
	}
	for i, e := range file.Spec.Expect {
		if e.Report == "" {
			continue
		}
		if err := reports.CheckExpression(e.Report, names); err != nil {
			errs = append(errs, file.Doc.Errorf(fmt.Sprintf("spec.expect[%d].report", i), "%v", err))
		}
	}
	j.notes = notesOf(file.Metadata.Annotations)
	if nothing != "" {
		j.notes = append(j.notes, nothing)
	}
	for _, r := range sim.Rivals(j.columns[0].autoscalers) {
		j.notes = append(j.notes, r.Message)
	}
	j.command = commandOf(file, "")
	if zone := file.Metadata.Annotations[zoneAnnotation]; zone != "" {
		location, err := parseZone(zone)
		errs = append(errs, err)
		if err == nil {
			j.location = location
		}
	}
	if err := manifest.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	j.input, err = sim.Open(ctx, file)
	return j, err
}

// check finds what a column's run would refuse at its start.
func (j *job) check(ctx context.Context) error {
	var errs []error
	for _, c := range j.columns {
		errs = append(errs, j.input.Check(ctx, c.autoscalers, sim.Options{Manifests: c.manifests}))
	}
	return manifestErrors(errs)
}

// commandOf repeats a scenario: the command that it was written by, else the
// simulation of its file, with these arguments.
func commandOf(file *scenario.File, arguments string) string {
	if command := file.Metadata.Annotations[commandAnnotation]; command != "" && arguments == "" {
		return command
	}
	return "karpenter simulate " + quoteArgument(file.Path) + arguments + " --out out"
}

// inColumn names the column in which a mistake was found: the place of a field
// that a variant sets is that of the manifest it was set in. What is known to be
// wrong with the current policy is not said again.
func inColumn(name string, err error, known ...error) error {
	all := placed(err)
	if name == reports.Current || len(all) == 0 {
		return err
	}
	said := map[manifest.Error]bool{}
	for _, e := range placed(manifest.Join(known...)) {
		said[*e] = true
	}
	var named manifest.Errors
	for _, e := range all {
		if !said[*e] {
			named = append(named, &manifest.Error{Position: e.Position, Field: e.Field, Message: "column " + name + ": " + e.Message})
		}
	}
	if len(named) == 0 {
		return nil
	}
	return named
}

// placed are the mistakes of an error that have a place in a file.
func placed(err error) manifest.Errors {
	var all manifest.Errors
	if one := (*manifest.Error)(nil); !errors.As(err, &all) && errors.As(err, &one) {
		all = manifest.Errors{one}
	}
	return all
}

// play runs all columns of a job into dir and computes its report.
func (j *job) play(ctx context.Context, dir string, progress func(column string, now time.Time)) (*reports.Report, error) {
	var results []*sim.Result
	for _, c := range j.columns {
		result, err := j.playColumn(ctx, c, filepath.Join(dir, columnDir(c.name)), progress)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	run, err := j.report(dir, results)
	if err != nil {
		return nil, err
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

func (j *job) playColumn(ctx context.Context, c column, dir string, progress func(string, time.Time)) (result *sim.Result, err error) {
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
		Manifests: c.manifests, Journal: out, Series: compressed,
		Progress: func(now time.Time) { progress(c.name, now) },
	})
	if err != nil {
		return nil, inColumn(c.name, err)
	}
	return result, errors.Join(out.Flush(), compressed.Close())
}

// report puts what came of the columns side by side.
func (j *job) report(dir string, results []*sim.Result) (*reports.Run, error) {
	file, current := j.file, results[0]
	start, end := covers(file)
	run := &reports.Run{
		Name: file.Metadata.Name, Description: file.Spec.Description,
		Version: version(), Command: j.command, Seed: file.Spec.Seed,
		Start: start, End: end,
		Location: j.location, Badge: reports.Badge(current.Badge),
		Notes:       slices.Concat(j.notes, j.input.Notes),
		Assumptions: j.assumptions(current),
	}
	if recorded, fidelity := recordedColumn(current); recorded != nil {
		run.Columns = append(run.Columns, *recorded)
		run.Fidelity = fidelity
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
				o.Needed, o.Ready, o.Spec, o.Machines, o.Pending = sim.Steps{}, sim.Steps{}, sim.Steps{}, sim.Steps{}, sim.Steps{}
			}
			needs := needed(current, &o)
			if owned[o.Target] {
				needs = reports.Steps{}
			}
			owned[o.Target] = true
			out.Objects = append(out.Objects, reports.Object{
				Journal: nameOf(&o), Target: o.Target.Name, Policy: o.Policy,
				Needed: needs, Ready: reports.Steps(o.Ready), Spec: reports.Steps(o.Spec),
				BootDelay: j.bootDelay(current, &o), Paid: reports.Steps(o.Machines), Pending: reports.Steps(o.Pending), Price: o.Price.PerHour,
				Billing: billing(&o),
			})
		}
		run.Columns = append(run.Columns, out)
	}
	for _, f := range current.Faults {
		run.Faults = append(run.Faults, reports.Fault{Name: f.Name, From: f.From, To: f.To, Probability: f.Probability})
	}
	if j.earlier != nil {
		// Its journal lies elsewhere and may go away: the report keeps its figures.
		if err := run.SetBaseline(j.earlier, ""); err != nil {
			return nil, err
		}
	}
	return run, run.AddReferences()
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
		if t.ReadyAfter > 0 && same(t) {
			return seconds(time.Duration(t.ReadyAfter))
		}
	}
	for _, w := range spec.Workloads {
		if delay := w.Startup.Middle(); delay > 0 && same(w.Target()) {
			return seconds(delay)
		}
	}
	for i := range current.Objects {
		if c := &current.Objects[i]; c.Name == o.Name {
			return reports.MeasureBootDelay(reports.Steps(c.Spec), reports.Steps(c.Ready))
		}
	}
	return 0
}

// seconds is a delay in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

func billing(o *sim.Object) reports.Billing {
	return reports.Billing{Minimum: seconds(o.Price.Minimum), Increment: seconds(o.Price.Increment)}
}

func nameOf(o *sim.Object) journal.Object {
	return journal.Object{Kind: journal.HorizontalAutoscaler, Namespace: o.Name.Namespace, Name: o.Name.Name}
}

// needed is the demand on an object, which is the same for every variant: that
// of the current policy.
func needed(current *sim.Result, o *sim.Object) reports.Steps {
	for i := range current.Objects {
		if current.Objects[i].Name == o.Name {
			return reports.Steps(current.Objects[i].Needed)
		}
	}
	return reports.Steps(o.Needed)
}

// recordedColumn is what really ran, nil where no recording says.
func recordedColumn(current *sim.Result) (*reports.Column, *reports.Fidelity) {
	column := &reports.Column{Name: reports.Recorded}
	var agreed, compared int64
	owned := map[cycle.TargetRef]bool{}
	for _, o := range ownersFirst(current.Objects) {
		if o.Compared == 0 {
			continue
		}
		agreed, compared = agreed+o.Agreed, compared+o.Compared
		if owned[o.Target] {
			continue
		}
		owned[o.Target] = true
		column.Objects = append(column.Objects, reports.Object{
			Journal: nameOf(&o), Target: o.Target.Name,
			Needed: reports.Steps(o.Needed), Ready: reports.Steps(o.Recorded.Ready), Spec: reports.Steps(o.Recorded.Spec),
			Price: o.Price.PerHour, Billing: billing(&o),
		})
	}
	if compared == 0 {
		return nil, nil
	}
	return column, &reports.Fidelity{Percent: 100 * float64(agreed) / float64(compared), Slots: compared}
}

// assumptions are what the figures rest on and nobody said.
func (j *job) assumptions(current *sim.Result) []string {
	out := slices.Clone(current.Notes)
	if len(j.file.Spec.Recordings) > 0 {
		out = append(out, "lookback "+scenario.Duration(j.input.Lookback).String())
	}
	stated := len(j.file.Spec.Workloads) > 0 || len(j.file.Spec.Queues) > 0
	if r := j.file.Spec.Replay; !stated && (r == nil || r.Demand == "") {
		out = append(out, "the capacity needed is taken from the metrics and targets of the current policy")
	}
	if current.Badge == sim.OpenLoop {
		out = append(out, "metrics that depend on the replicas are replayed as recorded")
	}
	return out
}

// judge adds the verdicts on the expectations to the run.
func (j *job) judge(run *reports.Run, report *reports.Report, current *sim.Result) error {
	verdicts := make([]reports.Expectation, len(j.file.Spec.Expect))
	for _, o := range current.Outcomes {
		verdicts[o.Index] = reports.Expectation{
			Kind: string(o.Form), Expr: o.Expr, Passed: o.Passed, Message: o.Message, At: o.At / 1000, Excerpts: excerpts(o.Excerpts),
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

// excerpts are what the series did around a verdict, one sample a second at most.
func excerpts(list []check.Excerpt) []reports.Excerpt {
	var out []reports.Excerpt
	for _, x := range list {
		var s reports.Steps
		for i, ms := range x.T {
			if n := len(s.T); n > 0 && s.T[n-1] == ms/1000 {
				continue
			}
			s.T, s.V = append(s.T, ms/1000), append(s.V, x.V[i])
		}
		out = append(out, reports.Excerpt{Series: x.Series, Values: s})
	}
	return out
}

// write writes the run's report and the scenario that repeats it.
func (j *job) write(dir string, report *reports.Report) error {
	text, err := j.scenarioText()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, scenarioFile), text, 0o644); err != nil {
		return err
	}
	return report.WriteDir(dir)
}

// scenarioText is the scenario as one file: manifests inline, files by their
// absolute paths, so that it can be simulated from where it is written.
func (j *job) scenarioText() ([]byte, error) {
	s := *j.file.Scenario
	s.Spec.Manifests, s.Spec.Objects = nil, nil
	s.Spec.Recordings = slices.Clone(s.Spec.Recordings)
	for i := range s.Spec.Recordings {
		s.Spec.Recordings[i].File = absolute(j.file.Resolve(s.Spec.Recordings[i].File))
	}
	s.Spec.Prometheus.RuleFiles = slices.Clone(s.Spec.Prometheus.RuleFiles)
	for i, f := range s.Spec.Prometheus.RuleFiles {
		s.Spec.Prometheus.RuleFiles[i] = absolute(j.file.Resolve(f))
	}
	s.Spec.Variants = slices.Clone(s.Spec.Variants)
	for i := range s.Spec.Variants {
		v := &s.Spec.Variants[i]
		v.Manifests = slices.Clone(v.Manifests)
		for k, f := range v.Manifests {
			v.Manifests[k] = absolute(j.file.Resolve(f))
		}
	}
	var objects []runtime.Object
	for i := range j.columns[0].autoscalers {
		objects = append(objects, j.columns[0].autoscalers[i].Object)
	}
	objects = append(objects, byName(j.file.Manifests.Producers)...)
	objects = append(objects, byName(j.file.Manifests.NodeGroups)...)
	return scenario.Write(&s, objects...)
}

// byName are the objects of entries, in an order that is not the documents'.
func byName[T any, O interface {
	*T
	client.Object
}](entries []manifest.Entry[T]) []runtime.Object {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b manifest.Entry[T]) int {
		return cmp.Or(cmp.Compare(O(a.Object).GetNamespace(), O(b.Object).GetNamespace()), cmp.Compare(O(a.Object).GetName(), O(b.Object).GetName()))
	})
	objects := make([]runtime.Object, len(entries))
	for i := range entries {
		objects[i] = O(entries[i].Object)
	}
	return objects
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// quoteArgument writes an argument as a shell reads it.
func quoteArgument(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./=:,+@%", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
