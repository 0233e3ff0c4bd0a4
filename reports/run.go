package reports

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/karpenter-sim/karpenter/engine/journal"
	"github.com/karpenter-sim/karpenter/engine/policy"
	"github.com/karpenter-sim/karpenter/sim/result"
)

// A Badge says what the figures of a run can be trusted for.
type Badge string

// The badges.
const (
	// ClosedLoop: the metrics answer to the simulated replicas.
	ClosedLoop Badge = "closed loop"
	// DemandDriven: the metrics are totals that do not depend on the replicas.
	DemandDriven Badge = "demand-driven"
	// OpenLoop: metrics that depend on the replicas are replayed as recorded.
	OpenLoop Badge = "open loop"
)

// Explain is what the badge means, in half a sentence.
func (b Badge) Explain() string {
	switch b {
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
	Baseline = "baseline" // the current policy of the run compared with
)

// A Run is everything a report is made of.
type Run struct {
	Name, Description string
	// Version is the program's, Command the line that repeats the run.
	Version, Command string
	Seed             int64
	// The run covers [Start, End), in Unix seconds. A Zoom narrows it.
	Start, End int64
	// Location is the time zone shown; nil is UTC.
	Location *time.Location
	Badge    Badge
	// Fidelity is nil where no replicas were recorded.
	Fidelity *Fidelity
	// Doubts are why nothing can be ranked by a metric.
	Doubts []result.Doubt
	// Assumptions are shown on the first screen, Notes further down.
	Assumptions, Notes []string
	// Columns in the order shown; at least one.
	Columns []Column
	// Faults are what went wrong in the current column.
	Faults []Fault
	// Expectations may be added after Compute, before anything is written.
	Expectations []Expectation
	// whole is what the run covered before a Zoom.
	whole *interval
}

// An interval is [start, end), in Unix seconds.
type interval struct{ start, end int64 }

// A Column is one history of the same demand: recorded, current or a variant.
type Column struct {
	Name    string
	Objects []Object
	// Journal yields the column's decisions and what came of them, in order; nil
	// where none are known. It is called once for each Compute and stops at
	// yield's first error. A line is not kept after yield returns.
	Journal func(yield func(*journal.Line) error) error
	// open opens the journal of a run that was read back.
	open func() (*os.File, error)
	// File is the journal's path below the run's directory, by which ReadRun
	// finds it again; empty where Journal is nil.
	File string
	// Digest is the golden digest of the column's decisions.
	Digest string
	// Reference marks what no policy could do or nobody would run (an oracle, a
	// static peak): it is shown and never ranked.
	Reference bool
}

// An Object is one autoscaler of a column and its replicas over time.
type Object struct {
	Journal journal.Object
	// Target is what is scaled, as the headline should name it ("checkout").
	Target string
	// Policy is the one in force at the start; nil for recorded columns. A
	// record that carries a policy replaces it.
	Policy *policy.Autoscaler
	// Needed are the replicas that the demand needs; fractions are rounded up.
	Needed Steps
	// Yardsticks are what Needed was measured by; none where the world has a
	// demand of its own, which is one on capacity.
	Yardsticks []result.Yardstick
	// Responses are how its metrics answered to the demand, by which it is told
	// whether a metric, its target or a tolerance kept the replicas down.
	Responses []result.Response
	// Ready are the replicas that serve, Spec those asked for, starting included.
	Ready, Spec Steps
	// Paid are the units that cost, where that is known better than by Spec and
	// Ready: of a node group the machines, whether they boot, serve or end.
	Paid Steps
	// Pending are the replicas that have no node to run on; empty where nodes are
	// not known.
	Pending Steps
	// Saturated is 1 where the recording shows what was served and not what was
	// asked for, else 0; empty where it always shows that.
	Saturated Steps
	// Price is that of one replica-hour; 0 where none is known. Billing says
	// which hours are paid.
	Price   float64
	Billing Billing
	// BootDelay is how long a replica takes from being asked for to ready, in
	// seconds, as the oracle knows it.
	BootDelay int64
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
	// File and Line are where it is written, for annotations.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// An Excerpt is the samples of one series around the moment of a verdict: one
// for each instant, even where nothing changes; NaN is no sample.
type Excerpt struct {
	Series string `json:"series"`
	Values Steps  `json:"values"`
}

// SetBaseline adds the primary column of another run of the same demand as the
// column baseline, in place of a former one. file is where its journal stands
// below this run's directory, so that ReadRun finds it again.
func (run *Run) SetBaseline(base *Run, file string) error {
	if err := base.check(); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	column := base.Columns[primaryColumn(base)]
	column.Name, column.File = Baseline, file
	for i := range run.Columns {
		if run.Columns[i].Name == Baseline {
			run.Columns[i] = column
			return nil
		}
	}
	at := len(run.Columns)
	for at > 0 && run.Columns[at-1].Reference {
		at--
	}
	run.Columns = slices.Insert(run.Columns, at, column)
	return nil
}

// Zoom is the run narrowed to [from, to), as far as it covers it. What was
// judged over the whole run keeps its result, and what Zoom's report stores is
// still the whole run.
func Zoom(run *Run, from, to int64) (*Run, error) {
	narrow := *run
	narrow.Start, narrow.End = max(run.Start, from), min(run.End, to)
	if narrow.Start >= narrow.End {
		return nil, fmt.Errorf("run %s: nothing between %s and %s; it covers %s to %s", run.Name,
			rfc3339(from), rfc3339(to), rfc3339(run.Start), rfc3339(run.End))
	}
	whole := run.covers()
	narrow.whole = &whole
	return &narrow, nil
}

// covers is what the run covers, or did before a Zoom.
func (run *Run) covers() interval {
	if run.whole != nil {
		return *run.whole
	}
	return interval{run.Start, run.End}
}

func (run *Run) location() *time.Location {
	if run.Location == nil {
		return time.UTC
	}
	return run.Location
}

func (run *Run) check() error {
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
		if err := o.Billing.check(); err != nil {
			return fmt.Errorf("%s: %w", o.Journal, err)
		}
		if o.BootDelay < 0 {
			return fmt.Errorf("%s: boot delay %d s: must not be negative", o.Journal, o.BootDelay)
		}
		for _, s := range []struct {
			name  string
			steps Steps
		}{{"needed", o.Needed}, {"ready", o.Ready}, {"spec", o.Spec}, {"paid", o.Paid}, {"pending", o.Pending}} {
			if err := s.steps.check(); err != nil {
				return fmt.Errorf("%s: %s replicas: %w", o.Journal, s.name, err)
			}
		}
	}
	return nil
}

func rfc3339(t int64) string { return time.Unix(t, 0).UTC().Format(time.RFC3339) }
