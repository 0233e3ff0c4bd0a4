package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// schemaVersion is that of report.json.
const schemaVersion = 1

// stored is report.json: the answers first, then what they were made of, so
// that the file alone, with the journals beside it, renders the report again.
type stored struct {
	Schema      int            `json:"schema"`
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Passed      bool           `json:"passed"`
	Headline    string         `json:"headline"`
	Trade       string         `json:"trade,omitempty"`
	Loop        result.Loop    `json:"badge,omitempty"`
	Fidelity    *Fidelity      `json:"fidelity,omitempty"`
	Doubts      []result.Doubt `json:"doubts,omitempty"`
	Assumptions []string       `json:"assumptions,omitempty"`
	Notes       []string       `json:"notes,omitempty"`
	Version     string         `json:"version,omitempty"`
	Command     string         `json:"command,omitempty"`
	Seed        int64          `json:"seed"`
	// Sampling is how the metrics got their samples.
	Sampling     result.Sampling `json:"sampling,omitzero"`
	Start        string          `json:"start"`
	End          string          `json:"end"`
	Shown        *storedRange    `json:"shown,omitempty"` // of a zoomed report
	TimeZone     string          `json:"timeZone"`
	Columns      []storedColumn  `json:"columns"`
	Faults       []Fault         `json:"faults,omitempty"`
	Expectations []Expectation   `json:"expectations,omitempty"`
	AllRuns      int64           `json:"decisionRunsInAll"`
	Runs         []DecisionRun   `json:"decisionRuns"`
	Series       []storedSeries  `json:"series"`
}

// storedRange holds what a zoomed report shows of its run.
type storedRange struct {
	Start string `json:"start"`
	End   string `json:"end"`
}

type storedColumn struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
	File   string `json:"file,omitempty"`
	// Reference columns are never ranked.
	Reference bool `json:"reference,omitempty"`
	// Failures are of a column in which somebody else decided.
	Failures []result.Failure `json:"failures,omitempty"`
	// AtLeast says that the figures are lower bounds: the recording was saturated.
	AtLeast bool           `json:"atLeast,omitempty"`
	Figures Figures        `json:"figures"`
	Causes  []CauseTime    `json:"causes"`
	Objects []storedObject `json:"objects"`
}

type storedObject struct {
	Kind      string  `json:"kind"`
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	Target    string  `json:"target,omitempty"`
	Price     float64 `json:"price,omitempty"`
	Billing   Billing `json:"billing,omitzero"`
	BootDelay int64   `json:"bootDelaySeconds,omitempty"`
	// Groups are the node groups on which its pods can run.
	Groups []string `json:"nodeGroups,omitempty"`
	// Yardsticks say by what the need was measured.
	Yardsticks []result.Yardstick `json:"yardsticks,omitempty"`
	Responses  []result.Response  `json:"responses,omitempty"`
	Figures    Figures            `json:"figures"`
	Causes     []CauseTime        `json:"causes"`
	// Fixes say what lifting the limits would have gained.
	Fixes    []result.Fix       `json:"fixes,omitempty"`
	Episodes []Episode          `json:"episodes"`
	Policy   *policy.Autoscaler `json:"policy,omitempty"`
	// First is the policy at the start where the journal has a later one.
	First *policy.Autoscaler `json:"firstPolicy,omitempty"`
}

// storedSeries are the replicas of one object of one column. What equals the
// first column that has the object is not repeated.
type storedSeries struct {
	Column  int    `json:"column"`
	Object  int    `json:"object"`
	Needed  *Steps `json:"needed,omitempty"`
	Demand  *Steps `json:"demand,omitempty"`
	Ready   Steps  `json:"ready"`
	Spec    Steps  `json:"spec"`
	Paid    *Steps `json:"paid,omitempty"`
	Pending *Steps `json:"pending,omitempty"`
	// Min and Max are the bounds of what ran, as recorded.
	Min *Steps `json:"minReplicas,omitempty"`
	Max *Steps `json:"maxReplicas,omitempty"`
	// Saturated is 1 where the recording hides demand.
	Saturated *Steps `json:"saturated,omitempty"`
}

func (r *Report) stored() *stored {
	run := r.Run
	s := &stored{
		Schema: schemaVersion, Name: run.Name, Description: run.Description, Passed: r.Passed(),
		Headline: r.Headline, Trade: r.Trade, Loop: run.Loop, Fidelity: run.Fidelity,
		Doubts: run.Doubts, Assumptions: run.Assumptions, Notes: run.Notes, Version: run.Version, Command: run.Command,
		Seed: run.Seed, Sampling: run.Sampling, Start: rfc3339(run.Covers().Start), End: rfc3339(run.Covers().End), TimeZone: locationOf(run).String(),
		Faults: run.Faults, Expectations: run.Expectations, AllRuns: r.AllRuns, Runs: r.Runs,
	}
	if run.Whole != nil {
		s.Shown = &storedRange{rfc3339(run.Start), rfc3339(run.End)}
	}
	first := map[journal.Object]Steps{}
	for i := range r.Columns {
		c := &r.Columns[i]
		column := storedColumn{
			Name: c.Name, Digest: c.Digest, File: run.Columns[i].File, Reference: run.Columns[i].Reference, Failures: run.Columns[i].Failures, AtLeast: r.atLeast(i),
			Figures: c.Figures, Causes: c.Causes, Objects: []storedObject{},
		}
		for j := range c.Objects {
			o := &c.Objects[j]
			column.Objects = append(column.Objects, o.stored())
			series := storedSeries{Column: i, Object: j, Ready: o.object.Ready, Spec: o.object.Spec}
			series.Demand = present(&o.object.Demand)
			series.Paid, series.Pending = present(&o.object.Paid), present(&o.object.Pending)
			series.Min, series.Max = present(&o.object.MinReplicas), present(&o.object.MaxReplicas)
			series.Saturated = present(&o.object.Saturated)
			if needed, ok := first[o.Object]; !ok || !equalSteps(needed, o.object.Needed) {
				series.Needed = &o.object.Needed
			}
			if _, ok := first[o.Object]; !ok {
				first[o.Object] = o.object.Needed
			}
			s.Series = append(s.Series, series)
		}
		s.Columns = append(s.Columns, column)
	}
	return s
}

func (o *ObjectReport) stored() storedObject {
	s := storedObject{
		Kind: o.Object.Kind, Namespace: o.Object.Namespace, Name: o.Object.Name, Target: o.Target, Price: o.object.Price,
		Billing: o.object.Billing, BootDelay: o.object.BootDelay, Yardsticks: o.object.Yardsticks, Responses: o.object.Responses,
		Figures: o.Figures, Causes: o.Causes, Episodes: o.Episodes, Policy: o.Policy, Fixes: o.object.Fixes, Groups: o.object.Groups,
	}
	if o.object.Policy != nil && o.Policy != nil && !bytes.Equal(o.object.Policy.Encode(), o.Policy.Encode()) {
		s.First = o.object.Policy
	}
	if s.Episodes == nil {
		s.Episodes = []Episode{}
	}
	return s
}

// present is nil for a function that says nothing.
func present(s *Steps) *Steps {
	if len(s.T) == 0 {
		return nil
	}
	return s
}

func equalSteps(a, b Steps) bool {
	if len(a.T) != len(b.T) {
		return false
	}
	for i := range a.T {
		if a.T[i] != b.T[i] || !result.Same(a.V[i], b.V[i]) {
			return false
		}
	}
	return true
}

// encode is report.json: indented where people read, dense where they do not.
func (s *stored) encode() ([]byte, error) {
	series := s.Series
	answers := *s
	answers.Series = nil
	head, err := json.MarshalIndent(&answers, "", "  ")
	if err != nil {
		return nil, err
	}
	head = bytes.TrimSuffix(head, []byte("null\n}"))
	var b bytes.Buffer
	b.Write(head)
	b.WriteString("[")
	for i := range series {
		line, err := json.Marshal(&series[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n    ")
		b.Write(line)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), nil
}

// ReadRun reads back the run whose report stands in dir. Its records are read
// from the journals beside it when they are asked for.
func ReadRun(dir string) (*Run, error) {
	name := filepath.Join(dir, JSONFile)
	text, err := readIn(dir, JSONFile)
	if err != nil {
		return nil, fmt.Errorf("no report to read: %w", err)
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if s.Schema != schemaVersion {
		return nil, fmt.Errorf("%s: schema %d; this program reads %d", name, s.Schema, schemaVersion)
	}
	run, err := s.run(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return run, nil
}

// readIn reads a file of a directory and none outside of it.
func readIn(dir, name string) ([]byte, error) {
	file, err := os.OpenInRoot(dir, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

func (s *stored) run(dir string) (*Run, error) {
	run := &Run{
		Name: s.Name, Description: s.Description, Version: s.Version, Command: s.Command, Seed: s.Seed, Sampling: s.Sampling,
		Loop: s.Loop, Fidelity: s.Fidelity, Doubts: s.Doubts, Assumptions: s.Assumptions, Notes: s.Notes, Faults: s.Faults, Expectations: s.Expectations,
	}
	start, err := time.Parse(time.RFC3339, s.Start)
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	end, err := time.Parse(time.RFC3339, s.End)
	if err != nil {
		return nil, fmt.Errorf("end: %w", err)
	}
	run.Start, run.End = start.Unix(), end.Unix()
	if run.Location, err = time.LoadLocation(s.TimeZone); err != nil {
		return nil, fmt.Errorf("timeZone: %w", err)
	}
	for i := range s.Columns {
		if file := s.Columns[i].File; file != "" && !filepath.IsLocal(filepath.FromSlash(file)) {
			return nil, fmt.Errorf("column %q: %q is no file of the run's directory", s.Columns[i].Name, file)
		}
		run.Columns = append(run.Columns, s.Columns[i].column(dir))
	}
	return run, s.fill(run)
}

func (c *storedColumn) column(dir string) Column {
	column := Column{Name: c.Name, Digest: c.Digest, File: c.File, Reference: c.Reference, Failures: c.Failures}
	for i := range c.Objects {
		o := &c.Objects[i]
		object := Object{
			Journal: journal.Object{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name},
			Target:  cycle.TargetRef{Name: o.Target}, Price: o.Price, Billing: o.Billing, BootDelay: o.BootDelay, Yardsticks: o.Yardsticks, Responses: o.Responses, Policy: o.Policy, Fixes: o.Fixes, Groups: o.Groups,
		}
		if o.First != nil {
			object.Policy = o.First
		}
		column.Objects = append(column.Objects, object)
	}
	if c.File != "" {
		column.Open = journalOf(dir, filepath.FromSlash(c.File))
		column.Journal = result.Lines(filepath.Join(dir, filepath.FromSlash(c.File)), func() (io.ReadCloser, error) {
			file, err := column.Open()
			if err != nil {
				return nil, err
			}
			return result.Unzip(file)
		})
	}
	return column
}

// fill puts the series into the run's objects.
func (s *stored) fill(run *Run) error {
	first := map[journal.Object]Steps{}
	for i := range s.Series {
		series := &s.Series[i]
		if series.Column < 0 || series.Column >= len(run.Columns) || series.Object < 0 || series.Object >= len(run.Columns[series.Column].Objects) {
			return fmt.Errorf("series %d: no object %d in column %d", i, series.Object, series.Column)
		}
		o := &run.Columns[series.Column].Objects[series.Object]
		o.Ready, o.Spec, o.Needed = series.Ready, series.Spec, first[o.Journal]
		if series.Needed != nil {
			o.Needed = *series.Needed
		}
		for _, f := range []struct{ stored, to *Steps }{
			{series.Demand, &o.Demand}, {series.Paid, &o.Paid}, {series.Pending, &o.Pending}, {series.Min, &o.MinReplicas}, {series.Max, &o.MaxReplicas}, {series.Saturated, &o.Saturated},
		} {
			if f.stored != nil {
				*f.to = *f.stored
			}
		}
		if _, ok := first[o.Journal]; !ok {
			first[o.Journal] = o.Needed
		}
	}
	return nil
}
