package sim

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/sim/result"
	"github.com/karpenter-sim/karpenter/sim/scenario"
)

// Names of the files of a run besides those of its report.
const (
	DecisionsFile = "decisions.jsonl"
	SeriesFile    = "series.om.gz"
	ScenarioFile  = "scenario.yaml"
)

// variantsDir has the files of all columns but the current one, each in a folder.
const variantsDir = "variants"

// PlayOptions holds what a run of all columns needs besides them.
type PlayOptions struct {
	// Dir receives the scenario that repeats the run, and of each column the
	// decisions and the series: those of the current policy directly, of others
	// below variants. Empty keeps the decisions in memory and no series.
	Dir string
	// Journal says how the decisions are written into Dir; JournalAuto if empty.
	Journal JournalForm
	// Keep has the run read its decisions from memory, as they were made, even where
	// there is no Dir. With one they are kept as well, as far as they take no more than
	// 256 MiB: reading them back takes most of the time of a run.
	Keep bool
	// Brief leaves out digests, without a Dir, and the start-up that would fit best:
	// the figures are all that is wanted.
	Brief bool
	// Progress, if set, is told the simulated time of a column now and then.
	Progress func(column string, now time.Time)
}

// A JournalForm says how the decisions of a run are written.
type JournalForm string

// The forms.
const (
	// JournalAuto is JournalGzip for runs of many decisions, else JournalFull.
	JournalAuto JournalForm = "auto"
	// JournalFull writes DecisionsFile.
	JournalFull JournalForm = "full"
	// JournalGzip writes it gzipped, with .gz behind its name.
	JournalGzip JournalForm = "gzip"
	// JournalNone writes none: what the report says of the decisions stays, what
	// verifies and explains them does not.
	JournalNone JournalForm = "none"
)

// mostKept is how many bytes of decisions are kept in memory beside their file.
const mostKept = 256 << 20

// manyDecisions is the number from which on they are gzipped, some 100 MB of them.
const manyDecisions = 200_000

// form is how the decisions of a column are written.
func (o *PlayOptions) form(in *Input, autoscalers []Autoscaler) JournalForm {
	if o.Journal != "" && o.Journal != JournalAuto {
		return o.Journal
	}
	if in.decisions(autoscalers) >= manyDecisions {
		return JournalGzip
	}
	return JournalFull
}

// Play plays all columns and returns what came of them side by side. Expectations
// on series and decisions are judged; those on the report are by whoever computes
// it.
func (s *Simulation) Play(ctx context.Context, o PlayOptions) (*result.Run, error) {
	if err := s.Input.Pin(s.Columns[0].Autoscalers); err != nil {
		return nil, err
	}
	played := make([]*Result, len(s.Columns))
	columns := make([]result.Column, len(s.Columns))
	for i := range s.Columns {
		if i == 0 && s.current != nil && o.Keep && o.Brief && o.Dir == "" {
			played[i], columns[i] = s.current.result, s.current.column
			continue
		}
		var err error
		if played[i], err = s.playColumn(ctx, i, &columns[i], o); err != nil {
			return nil, inColumn(s.Columns[i].Name, err)
		}
	}
	run := s.sideBySide(played, columns)
	if run.Fidelity != nil && !o.Brief {
		if err := s.fit(ctx, played[0], run.Fidelity); err != nil {
			return nil, err
		}
	}
	run.Expectations = s.judge(played[0])
	if o.Dir == "" {
		return run, nil
	}
	text, err := s.Text(nil)
	if err != nil {
		return nil, err
	}
	return run, os.WriteFile(filepath.Join(o.Dir, ScenarioFile), text, 0o644)
}

// playColumn plays a column and says where its decisions are; the current policy
// is compared with what was recorded.
func (s *Simulation) playColumn(ctx context.Context, i int, out *result.Column, o PlayOptions) (played *Result, err error) {
	c := &s.Columns[i]
	options := Options{Manifests: c.Manifests, Fidelity: i == 0}
	if o.Progress != nil {
		options.Progress = func(now time.Time) { o.Progress(c.Name, now) }
	}
	out.Name = c.Name
	if c.decider != nil {
		return s.playDecider(ctx, c, options)
	}
	if o.Keep {
		options.Lines = &Lines{}
	} else if o.Dir != "" {
		options.Lines = &Lines{most: mostKept}
	}
	switch {
	case o.Dir == "" && o.Keep:
		out.Journal = options.Lines.Each
		if !o.Brief {
			options.Journal = io.Discard
		}
		return s.Input.Play(ctx, c.Autoscalers, options)
	case o.Dir == "":
		var decisions bytes.Buffer
		options.Journal = &decisions
		out.Journal = result.Lines("decisions of column "+c.Name, func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(decisions.Bytes())), nil
		})
		return s.Input.Play(ctx, c.Autoscalers, options)
	}
	below := columnDir(c.Name)
	dir := filepath.Join(o.Dir, below)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	decisions := decisionsWriter{Writer: io.Discard}
	if form := o.form(s.Input, c.Autoscalers); form == JournalNone {
		options.Lines = &Lines{}
		out.Journal = options.Lines.Each
	} else {
		name := DecisionsFile
		if form == JournalGzip {
			name += ".gz"
		}
		out.File = filepath.ToSlash(filepath.Join(below, name))
		file := result.File(filepath.Join(dir, name))
		out.Journal = func(yield func(*journal.Line) error) error {
			if options.Lines.full {
				return file(yield)
			}
			return options.Lines.Each(yield)
		}
		if decisions, err = writeDecisions(filepath.Join(dir, name), form == JournalGzip); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, decisions.Close()) }()
	series, err := os.Create(filepath.Join(dir, SeriesFile))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, series.Close()) }()
	compressed := newZipper(series, gzip.DefaultCompression)
	options.Journal, options.Series = decisions, compressed
	played, err = s.Input.Play(ctx, c.Autoscalers, options)
	if err = cmp.Or(err, errors.Join(decisions.Flush(), compressed.Close())); err != nil {
		return nil, err
	}
	return played, nil
}

// A decisionsWriter writes the decisions of a column.
type decisionsWriter struct {
	io.Writer
	buffered *bufio.Writer
	zipped   *zipper  // nil where they are not gzipped
	file     *os.File // nil where they go nowhere
}

// writeDecisions creates a file of decisions.
func writeDecisions(name string, zip bool) (decisionsWriter, error) {
	file, err := os.Create(name)
	if err != nil {
		return decisionsWriter{}, err
	}
	w := decisionsWriter{buffered: bufio.NewWriterSize(file, 1<<18), file: file}
	w.Writer = w.buffered
	if zip {
		// Digests do not shrink, whatever the level.
		w.zipped = newZipper(w.buffered, gzip.BestSpeed)
		w.Writer = w.zipped
	}
	return w, nil
}

// Flush brings what was written into the file, which is whole then.
func (w decisionsWriter) Flush() error {
	if w.file == nil {
		return nil
	}
	if w.zipped != nil {
		if err := w.zipped.Close(); err != nil {
			return err
		}
	}
	return w.buffered.Flush()
}

// Close closes the file, whether it is whole or not.
func (w decisionsWriter) Close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// playDecider plays a column in which somebody else decides. It has no journal: what
// is decided there cannot be decided again from a record.
func (s *Simulation) playDecider(ctx context.Context, c *Column, o Options) (*Result, error) {
	o.decider, o.patience, o.Decisions = c.decider(), s.patience, func(*journal.Record) {}
	played, err := s.Input.Play(ctx, c.Autoscalers, o)
	if err != nil {
		return nil, err
	}
	for i := range played.Objects {
		played.Objects[i].Policy, played.Objects[i].Responses = nil, nil
	}
	return played, nil
}

// columnDir returns where a column's files are below the run's directory.
func columnDir(name string) string {
	if name == result.Current {
		return ""
	}
	return filepath.Join(variantsDir, name)
}

// sideBySide puts what came of the columns side by side, behind what was recorded.
func (s *Simulation) sideBySide(played []*Result, columns []result.Column) *result.Run {
	file, current := s.File, played[0]
	run := &result.Run{
		Name: file.Metadata.Name, Description: file.Spec.Description, Command: s.Command, Seed: file.Spec.Seed,
		Location: s.Location, Loop: current.Loop, Fidelity: fidelityOf(current),
		Sampling: result.Sampling{
			Interval: seconds(time.Duration(file.Spec.Prometheus.ScrapeInterval)), Delay: seconds(time.Duration(file.Spec.Prometheus.IngestDelay)),
			Lookback: seconds(s.Input.Lookback),
		},
		Notes:       slices.Concat(s.Notes, s.Input.Notes),
		Assumptions: s.assumptions(current),
		Faults:      slices.Clone(current.Faults),
	}
	covers := file.Covers()
	run.Start, run.End = covers.Start, covers.End
	if recorded := recordedColumn(current); recorded != nil {
		run.Columns = append(run.Columns, *recorded)
	}
	for i := range played {
		for _, d := range played[i].Doubts {
			if !slices.Contains(run.Doubts, d) {
				run.Doubts = append(run.Doubts, d)
			}
		}
		out := columns[i]
		out.Digest, out.Failures = played[i].Digest, played[i].Failures
		owned := map[cycle.TargetRef]bool{}
		for _, o := range actingFirst(played[i].Objects) {
			if owned[o.Target] {
				// What it needs and has is counted once.
				o.Needed, o.Ready, o.Spec, o.Paid, o.Pending, o.Saturated = Steps{}, Steps{}, Steps{}, Steps{}, Steps{}, Steps{}
			} else {
				o.Needed = neededIn(current, &o)
			}
			owned[o.Target] = true
			o.BootDelay = s.bootDelay(current, &o)
			out.Objects = append(out.Objects, o.Object)
		}
		run.Columns = append(run.Columns, out)
	}
	return run
}

// actingFirst returns the objects with those in front that act on their targets.
func actingFirst(objects []Object) []Object {
	sorted := slices.Clone(objects)
	dry := func(o Object) bool { return o.Policy != nil && o.Policy.DryRun }
	slices.SortStableFunc(sorted, func(a, b Object) int {
		switch {
		case dry(a) == dry(b):
			return 0
		case dry(b):
			return -1
		}
		return 1
	})
	return sorted
}

// bootDelay returns how long replicas of an object's target take to start, in
// seconds: as the scenario declares, else as the current policy saw it.
func (s *Simulation) bootDelay(current *Result, o *Object) int64 {
	spec := &s.File.Spec
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
			return result.BootDelay(c.Spec, c.Ready)
		}
	}
	return 0
}

// neededIn returns the demand on an object, which is the same for every variant:
// where it reads what the run makes, that of the run of the current policy.
func neededIn(current *Result, o *Object) Steps {
	for i := range current.Objects {
		if current.Objects[i].Journal == o.Journal {
			return current.Objects[i].Needed
		}
	}
	return o.Needed
}

// recordedColumn returns what really ran, nil where no recording says.
func recordedColumn(current *Result) *result.Column {
	column := &result.Column{Name: result.Recorded}
	owned := map[cycle.TargetRef]bool{}
	for _, o := range actingFirst(current.Objects) {
		if len(o.Recorded.Spec.T) == 0 || owned[o.Target] {
			continue
		}
		owned[o.Target] = true
		column.Objects = append(column.Objects, result.Object{
			Journal: o.Journal, Target: o.Target,
			Needed: o.Needed, Yardsticks: o.Yardsticks, Saturated: o.Saturated, Ready: o.Recorded.Ready, Spec: o.Recorded.Spec,
			Price: o.Price, Billing: o.Billing, MinReplicas: o.Recorded.Min, MaxReplicas: o.Recorded.Max,
		})
	}
	if len(column.Objects) == 0 {
		return nil
	}
	return column
}

// assumptions returns what the figures rest on and nobody said.
func (s *Simulation) assumptions(current *Result) []string {
	out := slices.Clone(current.Notes)
	if len(s.File.Spec.Recordings) > 0 {
		out = append(out, "lookback "+scenario.Duration(s.Input.Lookback).String())
	}
	for _, y := range s.File.Spec.Yardstick {
		out = append(out, y.Phrase())
	}
	if current.Loop == result.OpenLoop {
		out = append(out, "metrics that depend on the replicas are replayed as recorded")
	}
	return out
}

// judge returns the verdicts on the expectations; those on the report are pending.
func (s *Simulation) judge(current *Result) []result.Expectation {
	verdicts := make([]result.Expectation, len(s.File.Spec.Expect))
	for _, o := range current.Outcomes {
		verdicts[o.Index] = result.Expectation{
			Expr: o.Expr, Passed: o.Passed, Message: o.Message, At: o.At / 1000, Excerpts: o.Excerpts,
		}
	}
	for i, e := range s.File.Spec.Expect {
		v := &verdicts[i]
		switch e.Form() {
		case scenario.ReportForm:
			*v = result.Expectation{Expr: e.Report, Pending: true}
		case scenario.DecisionsForm:
			*v = result.Expectation{Expr: e.Decisions.Digest, Passed: e.Decisions.Digest == current.Digest}
			if !v.Passed {
				v.Message = fmt.Sprintf("the decisions have digest %s; if the change is meant, run again with --update", current.Digest)
			}
		}
		v.Name, v.Kind = e.Name, string(e.Form())
		place := s.File.Doc.Locate(fmt.Sprintf("spec.expect[%d]", i))
		v.File, v.Line = place.File, place.Line
	}
	return verdicts
}
