package result

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/karpenter-sim/karpenter/engine/cycle"
	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/observation"
	"github.com/karpenter-sim/karpenter/engine/policy"
)

// A Loop says how far metrics answer to the replicas, and so what the figures of a run can be trusted for.
type Loop string

// The loops.
const (
	// ClosedLoop: the metrics answer to the simulated replicas.
	ClosedLoop Loop = "closed loop"
	// DemandDriven: the metrics are totals that do not depend on the replicas.
	DemandDriven Loop = "demand-driven"
	// OpenLoop: metrics that depend on the replicas are replayed as recorded, so
	// after the first deviation they are not what would have been seen.
	OpenLoop Loop = "open loop"
)

// Explain returns what the loop means, in half a sentence.
func (l Loop) Explain() string {
	switch l {
	case ClosedLoop:
		return "metrics answer to the simulated replicas"
	case DemandDriven:
		return "metrics are totals that do not depend on the replicas"
	case OpenLoop:
		return "metrics are replayed as recorded although they depend on the replicas; no forecast for a changed policy"
	}
	return ""
}

// Names of columns with a meaning of their own. Every other column is a variant.
const (
	Recorded = "recorded" // what ran when the data was recorded
	Current  = "current"  // the policy under test
	Head     = "head"     // the policy after a change, of which current is the one before
	Baseline = "baseline" // the current policy of the run compared with
)

// A Run is everything a report is made of.
type Run struct {
	Name, Description string
	// Version is the program's, Command the line that repeats the run.
	Version, Command string
	Seed             int64
	// The run covers [Start, End), in Unix seconds. A zoomed run shows no more,
	// and Whole is what the run covered before; nil of any other.
	Start, End int64
	Whole      *Interval
	// Location is the time zone shown; nil is UTC.
	Location *time.Location
	Loop     Loop
	// Sampling is how the metrics got their samples; zero where it is not known.
	Sampling Sampling
	// Fidelity is nil where no replicas were recorded.
	Fidelity *Fidelity
	// Doubts are why nothing can be ranked by a metric.
	Doubts []Doubt
	// Assumptions are shown on the first screen, Notes further down.
	Assumptions, Notes []string
	// Columns in the order shown; at least one.
	Columns []Column
	// Faults lists the faults of the current column.
	Faults []Fault
	// Expectations may be added after a report was computed, before anything is
	// written.
	Expectations []Expectation
}

// Sampling is how metrics get their samples, in seconds.
type Sampling struct {
	// Interval is that between two scrapes, Delay how much later a sample is visible,
	// and Lookback how long one stands in for those that are missing.
	Interval int64 `json:"scrapeIntervalSeconds"`
	Delay    int64 `json:"ingestDelaySeconds,omitempty"`
	Lookback int64 `json:"lookbackSeconds,omitempty"`
}

// Column returns the column of a name, nil if there is none.
func (run *Run) Column(name string) *Column {
	for i := range run.Columns {
		if run.Columns[i].Name == name {
			return &run.Columns[i]
		}
	}
	return nil
}

// An Interval is [Start, End), in Unix seconds.
type Interval struct{ Start, End int64 }

// A Column is one history of the same demand: recorded, current or a variant.
type Column struct {
	Name    string
	Objects []Object
	// Journal yields the column's decisions and what came of them, in order; nil
	// where none are known. It is called once for each report and stops at yield's
	// first error. A line is not kept after yield returns.
	Journal func(yield func(*journal.Line) error) error
	// Open opens the journal of a run that was read back from its directory; nil
	// of any other.
	Open func() (*os.File, error)
	// File is the journal's path below the run's directory, by which it is found
	// again; empty where Journal is nil.
	File string
	// Digest is the golden digest of the column's decisions.
	Digest string
	// Failures are decisions of somebody else's autoscaler that were not carried
	// out, by object and code.
	Failures []Failure
	// Reference marks what no policy could do or nobody would run (an oracle, a
	// static peak): it is shown and never ranked.
	Reference bool
}

// A Failure is decisions of somebody else's autoscaler that were not carried out,
// for one reason.
type Failure struct {
	Object journal.Object `json:"object"`
	// Code says why: Failed, Panicked, an observation code, or Superseded.
	Code  observation.Code `json:"code"`
	Count int64            `json:"count"`
	// First is when the first of them was decided, in Unix seconds; Detail says what
	// came of it, in a line, where there is more to say than the code.
	First  int64  `json:"first"`
	Detail string `json:"detail,omitempty"`
}

// Codes of failures besides those of observations.
const (
	Failed   observation.Code = "Failed"   // it returned an error
	Panicked observation.Code = "Panicked" // it panicked, or ended its goroutine
)

// An Object is one autoscaler of a column and its replicas over time.
type Object struct {
	Journal journal.Object
	// Target is the scaled object. Of a run that was read back only the name is known.
	Target cycle.TargetRef
	// Policy is the one in force at the start; nil for recorded columns. A
	// record that carries a policy replaces it.
	Policy *policy.Autoscaler
	// Needed are the replicas that the demand needs; fractions are rounded up.
	Needed Steps
	// Demand has the fractions of Needed where that was rounded up: of a run that was
	// read back, as far as causes were told by them.
	Demand Steps
	// Yardsticks tell by what Needed was measured by; none where the world has a
	// demand of its own, which is one on capacity.
	Yardsticks []Yardstick
	// Responses are how its metrics answered to the demand, by which it is told
	// whether a metric, its target or a tolerance kept the replicas down; none
	// where capacity never lacked.
	Responses []Response
	// Fixes tell what lifting its limits would have gained, of the primary column;
	// none where that was not asked for or cannot be told.
	Fixes []Fix
	// Ready are the replicas that serve, Spec those asked for, starting included.
	Ready, Spec Steps
	// Paid are the units that cost, where that is known better than by Spec and
	// Ready: of a node group the machines, whether they boot, serve or end.
	Paid Steps
	// Pending are the replicas that have no node to run on; empty where nodes are
	// not known.
	Pending Steps
	// MinReplicas and MaxReplicas are the bounds of what ran, as recorded; empty
	// where they are not known, and of columns that the program played.
	MinReplicas, MaxReplicas Steps
	// Saturated is 1 where the recording shows what was served and not what was
	// asked for, else 0; empty where it always shows that.
	Saturated Steps
	// Groups are the node groups on which its pods can run, as NAMESPACE/NAME; empty
	// where they need no nodes.
	Groups []string
	// Price is that of one replica-hour, in any currency; 0 where none is known.
	// Billing says which hours are paid.
	Price   float64
	Billing Billing
	// BootDelay is how long a replica takes from being asked for to ready, in
	// seconds, as the oracle knows it.
	BootDelay int64
}

// Billing is how long a unit is paid for at least, in seconds. The zero value
// bills exactly the time that it was there.
type Billing struct {
	// Minimum is the time that a unit which was there for less is billed.
	Minimum int64 `json:"minimum,omitempty"`
	// Increment is the time that is billed in full once begun.
	Increment int64 `json:"increment,omitempty"`
}

// A Fault is a time in which something went wrong, or could.
type Fault struct {
	Name string `json:"name"`
	// From and To bound it, half-open, in Unix seconds; they are equal for what
	// happens at an instant.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Probability is that of a single operation to be hit; 0 counts as 1.
	Probability float64 `json:"probability,omitempty"`
}

// An Expectation is one that was judged.
type Expectation struct {
	Name string `json:"name"`
	// Kind is how it was judged: at, always, eventually, report, decisions.
	Kind   string `json:"kind"`
	Expr   string `json:"expr"`
	Passed bool   `json:"passed"`
	// Message says why it failed, in one line; Series, Value and At (Unix
	// seconds, 0 where it has none) are the sample that decided.
	Message string `json:"message,omitempty"`
	Series  string `json:"series,omitempty"`
	Value   string `json:"value,omitempty"`
	At      int64  `json:"at,omitempty"`
	// Excerpts are the series that decided, around At, where they are known.
	Excerpts []Excerpt `json:"excerpts,omitempty"`
	// Pending says that it is on the report, and judged by whoever computes that.
	Pending bool `json:"-"`
	// File and Line are where it is written, for annotations.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// An Excerpt is the samples of one series around the moment of a verdict: one
// for each instant, even where nothing changes; NaN is no sample.
type Excerpt struct {
	// Series is the series as PromQL writes it, or the expression where that has
	// no labels.
	Series string `json:"series"`
	Values Steps  `json:"values"`
}

// Covers returns what the run covers, or did before a zoom.
func (run *Run) Covers() Interval {
	if run.Whole != nil {
		return *run.Whole
	}
	return Interval{run.Start, run.End}
}

// Trusted reports whether variants may be ranked by the replay.
func (run *Run) Trusted() bool { return run.Fidelity.Unfaithful() == nil }

// Check returns what is wrong with the run, nil if nothing is.
func (run *Run) Check() error {
	if run.Name == "" {
		return errors.New("run without a name")
	}
	if run.End <= run.Start {
		return fmt.Errorf("run %s: ends at %s, not after its start at %s", run.Name, rfc3339(run.End), rfc3339(run.Start))
	}
	if len(run.Columns) == 0 {
		return fmt.Errorf("run %s: no columns", run.Name)
	}
	for _, f := range run.Faults {
		if f.To < f.From || !(f.Probability >= 0 && f.Probability <= 1) {
			return fmt.Errorf("run %s: fault %s: from %s to %s with probability %v: must not end before it begins, nor have a probability outside 0 to 1",
				run.Name, f.Name, rfc3339(f.From), rfc3339(f.To), f.Probability)
		}
	}
	names := map[string]bool{}
	for i := range run.Columns {
		column := &run.Columns[i]
		if column.Name == "" || names[column.Name] {
			return fmt.Errorf("run %s: column %q: names must be unique and not empty", run.Name, column.Name)
		}
		names[column.Name] = true
		if err := column.check(); err != nil {
			return fmt.Errorf("run %s: column %s: %w", run.Name, column.Name, err)
		}
	}
	return nil
}

func (c *Column) check() error {
	seen := map[journal.Object]bool{}
	for i := range c.Objects {
		o := &c.Objects[i]
		if seen[o.Journal] {
			return fmt.Errorf("%s stands in it twice", o.Journal)
		}
		seen[o.Journal] = true
		if b := o.Billing; b.Minimum < 0 || b.Increment < 0 {
			return fmt.Errorf("%s: billing minimum %d s and increment %d s: must not be negative", o.Journal, b.Minimum, b.Increment)
		}
		if o.BootDelay < 0 {
			return fmt.Errorf("%s: boot delay %d s: must not be negative", o.Journal, o.BootDelay)
		}
		for _, s := range []struct {
			name  string
			steps Steps
		}{{"needed", o.Needed}, {"demand", o.Demand}, {"ready", o.Ready}, {"spec", o.Spec}, {"paid", o.Paid}, {"pending", o.Pending}, {"minimum", o.MinReplicas}, {"maximum", o.MaxReplicas}} {
			if err := s.steps.Check(); err != nil {
				return fmt.Errorf("%s: %s replicas: %w", o.Journal, s.name, err)
			}
		}
	}
	return nil
}

func rfc3339(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }
